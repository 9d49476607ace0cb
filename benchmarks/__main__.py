"""`python -m benchmarks [name ...]` (`make bench`): the named benchmarks, or all of them.

Each is a file of this folder with a `main()` that prints its own table; see there for what the figures mean.
"""

import importlib
import sys
from pathlib import Path

FIRST = "system"
"""The whole before its parts."""


def names() -> list[str]:
    """Every benchmark there is."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    return [FIRST, *(name for name in found if name != FIRST)]


def main(wanted: list[str]) -> int:
    """Run them, one after the other; 2 if one is not known."""
    if unknown := [name for name in wanted if name not in names()]:
        print(f"unknown benchmark '{unknown[0]}'; there are {', '.join(names())}", file=sys.stderr)
        return 2
    for name in wanted or names():
        print(f"\n---- {name} ----", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
