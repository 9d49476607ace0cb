"""The multiply-accumulates, slow and obvious: output by output, product by product, zeros included."""

import numpy as np


class Fp32:
    """Product and sum each in FP32."""

    zero = np.float32(0)

    @staticmethod
    def add(total, a, b):
        return total + a * b

    @staticmethod
    def result(total):
        return total


class Fp16(Fp32):
    """The same, and each sum to numpy's FP16, within its finite numbers; no zero but +0."""

    @staticmethod
    def add(total, a, b):
        with np.errstate(over="ignore"):
            exact = total + a * b
        largest = np.float32(65504)
        return np.float32(np.float16(np.clip(exact, -largest, largest))) + np.float32(0)


class Int32:
    """Python's integers, modulo 2 ** 32, given as FP32."""

    zero = 0

    @staticmethod
    def add(total, a, b):
        return total + int(a) * int(b)

    @staticmethod
    def result(total):
        return np.float32((total + 2**31) % 2**32 - 2**31)


ACCUMULATE = {"fp32": Fp32, "fp16": Fp16, "int32": Int32}


def _pairs(shape):
    """For every output pixel the input pixels under the filter, in filter order: (p, q, r, s, h, w)."""
    for p in range(shape.p):
        for q in range(shape.q):
            for r in range(shape.r):
                for s in range(shape.s):
                    h, w = p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad
                    if 0 <= h < shape.h and 0 <= w < shape.w:
                        yield p, q, r, s, h, w


def _finish(totals, sums):
    return np.array([sums.result(total) for total in totals.flat], dtype=np.float32).reshape(totals.shape)


def ff(shape, x, w, sums=Fp32):
    """y[n,p,q,k]: terms in the order (r, s, c)."""
    y = np.full(shape.y_shape, sums.zero, dtype=object)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    for n in range(shape.n):
        for k in range(shape.k):
            for p, q, r, s, h, col in _pairs(shape):
                for c in range(cg):
                    a, b = x[n, h, col, k // kg * cg + c], w[k, r, s, c]
                    y[n, p, q, k] = sums.add(y[n, p, q, k], a, b)
    return _finish(y, sums)


def bp(shape, dy, w, sums=Fp32):
    """dx[n,h,w,c]: terms in the order (r, s, k)."""
    dx = np.full(shape.x_shape, sums.zero, dtype=object)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    by_filter = sorted(_pairs(shape), key=lambda pair: pair[2:4])
    for n in range(shape.n):
        for c in range(shape.c):
            for p, q, r, s, h, col in by_filter:
                for k in range(c // cg * kg, (c // cg + 1) * kg):
                    a, b = dy[n, p, q, k], w[k, r, s, c % cg]
                    dx[n, h, col, c] = sums.add(dx[n, h, col, c], a, b)
    return _finish(dx, sums)


def wg(shape, x, dy, sums=Fp32):
    """dw[k,r,s,c]: terms in the order (n, p, q)."""
    dw = np.full(shape.w_shape, sums.zero, dtype=object)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    for k in range(shape.k):
        for c in range(cg):
            for n in range(shape.n):
                for p, q, r, s, h, col in _pairs(shape):
                    a, b = x[n, h, col, k // kg * cg + c], dy[n, p, q, k]
                    dw[k, r, s, c] = sums.add(dw[k, r, s, c], a, b)
    return _finish(dw, sums)
