"""Slow twin of csrc/skips.c on plain boolean arrays: one pair at a time."""


def count(a, rows, group, window):
    """(per lane, per group, per block of each lane) pairs that are both set."""
    both = [[bool(x) and bool(y) for x, y in zip(a, row, strict=True)] for row in rows]
    per_lane = [sum(row) for row in both]
    per_group = [sum(per_lane[i : i + group]) for i in range(0, len(per_lane), group)]
    per_block = [sum(row[i : i + window]) for row in both for i in range(0, len(row), window)]
    return per_lane, per_group, per_block
