"""Slow twins of csrc/bits.c on plain boolean arrays: one element at a time."""

import itertools

import numpy as np


def count(mask):
    return sum(bool(bit) for bit in mask.reshape(-1))


def count_ranges(row, bounds):
    return [sum(bool(row[i]) for i in range(a, b)) for a, b in itertools.pairwise(bounds)]


def indices(a, b):
    """Positions at which both are set, in rising order."""
    return [i for i in range(len(a)) if a[i] and b[i]]


def skips(a, b):
    """(both set, only b set, only a set, neither)."""
    counts = [0, 0, 0, 0]
    for left, right in zip(a, b, strict=True):
        counts[(0 if right else 2) + (0 if left else 1)] += 1
    return counts


def join(rows, picks, first, length):
    """Each pick names the rows whose bits first .. first + length - 1 follow one another."""
    return np.array([[rows[at][first + i] for at in pick for i in range(length)] for pick in picks], dtype=bool)


def transpose(rows, picks, first, length):
    """Row i holds bit first + i of each picked row."""
    return np.array([[rows[at][first + i] for at in picks] for i in range(length)], dtype=bool)


def zero_blocks(row, window):
    return [not any(row[i : i + window]) for i in range(0, len(row), window)]
