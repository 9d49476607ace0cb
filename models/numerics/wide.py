"""The same arithmetic in FP64, in plain numpy: what gradients are checked in, never what a chip computes.

`mac`, `vecmath` and `quantize` come here with float64 operands, so that the layers above them run unchanged. Nothing of
it reaches a summary: sums are in numpy's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..tensors import ConvShape

if TYPE_CHECKING:
    from .vecmath import Pooling

Float64Array = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]


def is_wide(*operands: npt.NDArray[Any]) -> bool:
    """Whether the operands, all of them, ask for FP64."""
    return all(operand.dtype == np.float64 for operand in operands)


def _check(name: str, array: Float64Array, shape: tuple[int, ...]) -> Float64Array:
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    return array


# ---- multiply-accumulates: by filter position, each group a matrix product -----------------------------------------


def _padded(z: ConvShape) -> Float64Array:
    return np.zeros((z.n, z.h + 2 * z.pad, z.w + 2 * z.pad, z.c))


def _inside(z: ConvShape) -> tuple[slice, slice, slice]:
    return (slice(None), slice(z.pad, z.pad + z.h), slice(z.pad, z.pad + z.w))


def _seen(z: ConvShape, r: int, s: int) -> tuple[slice, slice, slice]:
    """The padded inputs that all outputs see at filter position (r, s)."""
    rows = slice(r, r + (z.p - 1) * z.stride + 1, z.stride)
    return (slice(None), rows, slice(s, s + (z.q - 1) * z.stride + 1, z.stride))


def _groups(z: ConvShape, array: Float64Array) -> Float64Array:
    return array.reshape(*array.shape[:-1], z.groups, array.shape[-1] // z.groups)


def mac_ff(z: ConvShape, x: Float64Array, w: Float64Array) -> Float64Array:
    """See `mac.mac_ff`."""
    padded, y = _padded(z), np.zeros((z.n, z.p, z.q, z.groups, z.k // z.groups))
    padded[_inside(z)] = _check("x", x, z.x_shape)
    filters = _check("w", w, z.w_shape).reshape(z.groups, z.k // z.groups, z.r, z.s, z.c // z.groups)
    for r in range(z.r):
        for s in range(z.s):
            y += np.einsum("npqgc,gkc->npqgk", _groups(z, padded[_seen(z, r, s)]), filters[:, :, r, s])
    return y.reshape(z.y_shape)


def mac_bp(z: ConvShape, dy: Float64Array, w: Float64Array) -> Float64Array:
    """See `mac.mac_bp`."""
    padded, errors = _padded(z), _groups(z, _check("dy", dy, z.y_shape))
    filters = _check("w", w, z.w_shape).reshape(z.groups, z.k // z.groups, z.r, z.s, z.c // z.groups)
    for r in range(z.r):
        for s in range(z.s):
            part = np.einsum("npqgk,gkc->npqgc", errors, filters[:, :, r, s])
            padded[_seen(z, r, s)] += part.reshape(z.n, z.p, z.q, z.c)
    return np.ascontiguousarray(padded[_inside(z)])


def mac_wg(z: ConvShape, x: Float64Array, dy: Float64Array) -> Float64Array:
    """See `mac.mac_wg`."""
    padded, errors = _padded(z), _groups(z, _check("dy", dy, z.y_shape))
    padded[_inside(z)] = _check("x", x, z.x_shape)
    dw = np.zeros((z.groups, z.k // z.groups, z.r, z.s, z.c // z.groups))
    for r in range(z.r):
        for s in range(z.s):
            dw[:, :, r, s] = np.einsum("npqgk,npqgc->gkc", errors, _groups(z, padded[_seen(z, r, s)]))
    return dw.reshape(z.w_shape)


# ---- vector work ---------------------------------------------------------------------------------------------------


def softmax_cross_entropy(logits: Float64Array, labels: Int32Array) -> tuple[float, Float64Array]:
    """See `vecmath.softmax_cross_entropy`."""
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    gradient = exponentials / totals
    gradient[rows, labels] -= 1.0
    loss = float((np.log(totals[:, 0]) - shifted[rows, labels]).mean())
    return loss, gradient / len(logits)


def column_sums(x: Float64Array) -> Float64Array:
    """See `vecmath.column_sums`."""
    return np.asarray(x.reshape(-1, x.shape[-1]).sum(axis=0))


def batch_norm_stats(x: Float64Array) -> tuple[Float64Array, Float64Array]:
    """See `vecmath.batch_norm_stats`."""
    rows = x.reshape(-1, x.shape[-1])
    return np.asarray(rows.mean(axis=0)), np.asarray(rows.var(axis=0))


def batch_norm_apply(
    x: Float64Array,
    mean: Float64Array,
    variance: Float64Array,
    epsilon: float,
    gamma: Float64Array,
    beta: Float64Array,
) -> Float64Array:
    """See `vecmath.batch_norm_apply`."""
    return np.asarray((x - mean) / np.sqrt(variance + epsilon) * gamma + beta)


def batch_norm_backward(
    x: Float64Array,
    dy: Float64Array,
    mean: Float64Array,
    variance: Float64Array,
    epsilon: float,
    gamma: Float64Array,
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """See `vecmath.batch_norm_backward`."""
    inverse = 1.0 / np.sqrt(variance + epsilon)
    normal = (x - mean) * inverse
    dbeta, dgamma = column_sums(dy), column_sums(dy * normal)
    rows = x.size // x.shape[-1]
    return gamma * inverse * (dy - dbeta / rows - normal * dgamma / rows), dgamma, dbeta


def _windows(pooling: Pooling, shape: tuple[int, ...]) -> Any:
    """((p, q), rows, columns) of all windows."""
    _, p, q, _ = pooling.output_shape(shape)
    for i in range(p):
        for j in range(q):
            top, left = i * pooling.stride - pooling.pad, j * pooling.stride - pooling.pad
            rows = slice(max(0, top), min(shape[1], top + pooling.size))
            yield (i, j), rows, slice(max(0, left), min(shape[2], left + pooling.size))


def max_pool(pooling: Pooling, x: Float64Array) -> tuple[Float64Array, Int32Array]:
    """See `vecmath.Pooling.max`."""
    y, index = np.zeros(pooling.output_shape(x.shape)), np.zeros(pooling.output_shape(x.shape), dtype=np.int32)
    positions = np.arange(x.shape[1] * x.shape[2], dtype=np.int32).reshape(x.shape[1:3])
    for (i, j), rows, columns in _windows(pooling, x.shape):
        window = x[:, rows, columns].reshape(len(x), -1, x.shape[3])
        y[:, i, j], index[:, i, j] = window.max(axis=1), positions[rows, columns].ravel()[window.argmax(axis=1)]
    return y, index


def max_pool_backward(dy: Float64Array, index: Int32Array, x_shape: tuple[int, ...]) -> Float64Array:
    """See `vecmath.Pooling.max_backward`."""
    n, h, w, c = x_shape
    dx = np.zeros((n, h * w, c))
    images, channels = np.arange(n).reshape(n, 1, 1, 1), np.arange(c)
    np.add.at(dx, (images, index, channels), dy)
    return dx.reshape(x_shape)


def mean_pool(pooling: Pooling, x: Float64Array) -> Float64Array:
    """See `vecmath.Pooling.mean`."""
    y = np.zeros(pooling.output_shape(x.shape))
    for (i, j), rows, columns in _windows(pooling, x.shape):
        y[:, i, j] = x[:, rows, columns].mean(axis=(1, 2))
    return y


def mean_pool_backward(pooling: Pooling, dy: Float64Array, x_shape: tuple[int, ...]) -> Float64Array:
    """See `vecmath.Pooling.mean_backward`."""
    dx = np.zeros(x_shape)
    for (i, j), rows, columns in _windows(pooling, x_shape):
        share = (rows.stop - rows.start) * (columns.stop - columns.start)
        dx[:, rows, columns] += dy[:, i : i + 1, j : j + 1] / share
    return dx
