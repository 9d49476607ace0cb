"""Studies: measurements that docs/ shows, each made anew by `python -m studies.NAME`."""
