"""The multiply-accumulates, slow and obvious: output by output, product by product, zeros included."""

import numpy as np


def _pairs(shape):
    """For every output pixel the input pixels under the filter, in filter order: (p, q, r, s, h, w)."""
    for p in range(shape.p):
        for q in range(shape.q):
            for r in range(shape.r):
                for s in range(shape.s):
                    h, w = p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad
                    if 0 <= h < shape.h and 0 <= w < shape.w:
                        yield p, q, r, s, h, w


def ff(shape, x, w):
    """y[n,p,q,k]: terms in the order (r, s, c)."""
    y = np.zeros(shape.y_shape, dtype=np.float32)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    for n in range(shape.n):
        for k in range(shape.k):
            for p, q, r, s, h, col in _pairs(shape):
                for c in range(cg):
                    product = x[n, h, col, k // kg * cg + c] * w[k, r, s, c]
                    y[n, p, q, k] = y[n, p, q, k] + product
    return y


def bp(shape, dy, w):
    """dx[n,h,w,c]: terms in the order (r, s, k)."""
    dx = np.zeros(shape.x_shape, dtype=np.float32)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    by_filter = sorted(_pairs(shape), key=lambda pair: pair[2:4])
    for n in range(shape.n):
        for c in range(shape.c):
            for p, q, r, s, h, col in by_filter:
                for k in range(c // cg * kg, (c // cg + 1) * kg):
                    product = dy[n, p, q, k] * w[k, r, s, c % cg]
                    dx[n, h, col, c] = dx[n, h, col, c] + product
    return dx


def wg(shape, x, dy):
    """dw[k,r,s,c]: terms in the order (n, p, q)."""
    dw = np.zeros(shape.w_shape, dtype=np.float32)
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    for k in range(shape.k):
        for c in range(cg):
            for n in range(shape.n):
                for p, q, r, s, h, col in _pairs(shape):
                    product = x[n, h, col, k // kg * cg + c] * dy[n, p, q, k]
                    dw[k, r, s, c] = dw[k, r, s, c] + product
    return dw
