"""How fast the parts and the whole are, in processor time: `python -m benchmarks`."""
