"""A systolic array that is stepped: operands move one element a cycle, every element multiplies what reaches it."""

import numpy as np


def output_stationary(a, b, rows, columns):
    """(cycles, a @ b): results stay; rows of `a` enter from the left, columns of `b` from above, a step apart each."""
    m, t = a.shape
    n = b.shape[1]
    result = np.zeros((m, n), dtype=np.int64)
    cycles = 0
    for top in range(0, m, rows):
        for left in range(0, n, columns):
            x, w = a[top : top + rows], b[:, left : left + columns]
            r, c = x.shape[0], w.shape[1]
            from_left, from_above = [[None] * c for _ in range(r)], [[None] * c for _ in range(r)]
            done = step = 0
            while done < r * c * t:
                for i in reversed(range(r)):
                    for j in reversed(range(c)):
                        at_left = step - i
                        from_left[i][j] = from_left[i][j - 1] if j else (x[i, at_left] if 0 <= at_left < t else None)
                        at_above = step - j
                        from_above[i][j] = (
                            from_above[i - 1][j] if i else (w[at_above, j] if 0 <= at_above < t else None)
                        )
                for i in range(r):
                    for j in range(c):
                        if from_left[i][j] is not None:
                            assert from_above[i][j] is not None, "operands that belong together meet"
                            result[top + i, left + j] += from_left[i][j] * from_above[i][j]
                            done += 1
                step += 1
            cycles += step
    return cycles, result


def weight_stationary(a, b, rows, columns):
    """(cycles, a @ b): a block of `b` is shifted in, then rows of `a` pass to the right, partial sums down."""
    m, t = a.shape
    n = b.shape[1]
    result = np.zeros((m, n), dtype=np.int64)
    cycles = 0
    for top in range(0, t, rows):
        for left in range(0, n, columns):
            block = b[top : top + rows, left : left + columns]
            r, c = block.shape
            held = np.zeros((r, c), dtype=np.int64)
            for step in range(r):  # the last row goes in first
                held[1:] = held[:-1].copy()
                held[0] = block[r - 1 - step]
                cycles += 1
            assert np.array_equal(held, block)
            passing = [[None] * c for _ in range(r)]  # elements of `a`
            sums = [[None] * c for _ in range(r)]  # partial sums leaving each element
            done = step = 0
            while done < r * c * m:
                for i in reversed(range(r)):
                    for j in reversed(range(c)):
                        row = step - i
                        passing[i][j] = passing[i][j - 1] if j else (a[row, top + i] if 0 <= row < m else None)
                        above = sums[i - 1][j] if i else 0
                        sums[i][j] = None if passing[i][j] is None else above + passing[i][j] * held[i, j]
                        done += passing[i][j] is not None
                for j in range(c):
                    if sums[r - 1][j] is not None:
                        result[step - (r - 1) - j, left + j] += sums[r - 1][j]
                step += 1
            cycles += step
    return cycles, result
