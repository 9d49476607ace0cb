"""Loss, normalisation, pooling and sums, slow and obvious: Python floats (FP64), one operation after the other."""

import math

import numpy as np


def exp(x: float) -> float:
    """The series of csrc/vecmath.c, step by step."""
    n = math.trunc(x * 1.4426950408889634 + (-0.5 if x < 0 else 0.5))
    r = (x - n * float.fromhex("0x1.62e42fee00000p-1")) - n * float.fromhex("0x1.a39ef35793c76p-33")
    total = 1.0
    for term in range(14, 0, -1):
        total = 1.0 + r * total / term
    return math.ldexp(total, n)


def log(x: float) -> float:
    """The series of csrc/vecmath.c, step by step."""
    m, e = math.frexp(x)
    m, e = m * 2, e - 1
    if m > float.fromhex("0x1.6a09e667f3bcdp+0"):
        m, e = m / 2, e + 1
    f = (m - 1.0) / (m + 1.0)
    total = 0.0
    for term in range(23, 1, -2):
        total = (total + 2.0 / term) * (f * f)
    high, low = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
    return e * high + (2.0 * f + (f * total + e * low))


def softmax_cross_entropy(logits, labels):
    """(loss, gradient)."""
    rows, classes = logits.shape
    gradient = np.zeros_like(logits)
    total = 0.0
    for row in range(rows):
        x = [float(v) for v in logits[row]]
        terms = [exp(v - max(x)) for v in x]
        below = 0.0
        for term in terms:
            below += term
        for i in range(classes):
            gradient[row, i] = np.float32((terms[i] / below - (1.0 if i == labels[row] else 0.0)) / rows)
        total += log(below) - (x[labels[row]] - max(x))
    return total / rows, gradient


def column_sums(x):
    """By channel, row by row."""
    flat = x.reshape(-1, x.shape[-1])
    sums = [0.0] * flat.shape[1]
    for row in flat:
        for i, value in enumerate(row):
            sums[i] += float(value)
    return np.array(sums)


def batch_norm_stats(x):
    """(mean, biased variance) by channel."""
    flat = x.reshape(-1, x.shape[-1])
    mean = column_sums(x) / len(flat)
    variance = [0.0] * len(mean)
    for row in flat:
        for i, value in enumerate(row):
            variance[i] += (float(value) - mean[i]) * (float(value) - mean[i])
    return mean, np.array(variance) / len(flat)


def batch_norm_apply(x, mean, variance, epsilon, gamma, beta):
    """Normalised, scaled, shifted."""
    y = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        i = at[-1]
        rstd = 1.0 / math.sqrt(variance[i] + epsilon)
        y[at] = np.float32((float(x[at]) - mean[i]) * rstd * float(gamma[i]) + float(beta[i]))
    return y


def batch_norm_backward(x, dy, mean, variance, epsilon, gamma):
    """(dx, dgamma, dbeta)."""
    rows, channels = x.size // x.shape[-1], x.shape[-1]
    by_beta, by_gamma = [0.0] * channels, [0.0] * channels
    for at in np.ndindex(x.shape):
        i = at[-1]
        rstd = 1.0 / math.sqrt(variance[i] + epsilon)
        by_beta[i] += float(dy[at])
        by_gamma[i] += float(dy[at]) * ((float(x[at]) - mean[i]) * rstd)
    inverse = 1.0 / rows
    dx = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        i = at[-1]
        rstd = 1.0 / math.sqrt(variance[i] + epsilon)
        normal = (float(x[at]) - mean[i]) * rstd
        centred = float(dy[at]) - by_beta[i] * inverse - normal * (by_gamma[i] * inverse)
        dx[at] = np.float32(float(gamma[i]) * rstd * centred)
    return dx, np.array(by_gamma, dtype=np.float32), np.array(by_beta, dtype=np.float32)


def _window(pool, shape, p, q):
    """The elements (h, w) of one window, row by row."""
    for h in range(p * pool.stride - pool.pad, p * pool.stride - pool.pad + pool.size):
        for w in range(q * pool.stride - pool.pad, q * pool.stride - pool.pad + pool.size):
            if 0 <= h < shape[1] and 0 <= w < shape[2]:
                yield h, w


def max_pool(pool, x):
    """(maxima, the flat position of each)."""
    y = np.zeros(pool.output_shape(x.shape), dtype=np.float32)
    index = np.zeros(y.shape, dtype=np.int32)
    for n, p, q, c in np.ndindex(y.shape):
        best = None
        for h, w in _window(pool, x.shape, p, q):
            if best is None or x[n, h, w, c] > best:
                best = x[n, h, w, c]
                index[n, p, q, c] = h * x.shape[2] + w
        y[n, p, q, c] = best
    return y, index


def max_pool_backward(pool, dy, index, x_shape):
    """Every dy to where its maximum came from."""
    dx = np.zeros(x_shape, dtype=np.float32)
    for n, p, q, c in np.ndindex(dy.shape):
        h, w = divmod(int(index[n, p, q, c]), x_shape[2])
        dx[n, h, w, c] += dy[n, p, q, c]
    return dx


def mean_pool(pool, x):
    """Means over the elements of each window."""
    y = np.zeros(pool.output_shape(x.shape), dtype=np.float32)
    for n, p, q, c in np.ndindex(y.shape):
        total, elements = 0.0, 0
        for h, w in _window(pool, x.shape, p, q):
            total, elements = total + float(x[n, h, w, c]), elements + 1
        y[n, p, q, c] = np.float32(total / elements)
    return y


def mean_pool_backward(pool, dy, x_shape):
    """Every dy shared equally by its window."""
    dx = np.zeros(x_shape, dtype=np.float32)
    for n, p, q, c in np.ndindex(dy.shape):
        elements = sum(1 for _ in _window(pool, x_shape, p, q))
        for h, w in _window(pool, x_shape, p, q):
            dx[n, h, w, c] += np.float32(float(dy[n, p, q, c]) / elements)
    return dx
