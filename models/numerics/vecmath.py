"""exp, log, loss, batch normalisation, pooling and column sums, all in C with sums in FP64 in a stated order.

The contracts are in csrc/vecmath.h. Tensors are float32 with the channels last; "rows" are all other axes flattened.
(With float64 tensors: `wide`.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from . import wide

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]


def _f32(array: Float32Array, name: str, *, writable: bool = False) -> Any:
    return as_buffer(array, "float", np.float32, name, writable=writable)


def _f64(array: Float64Array, name: str, *, writable: bool = False) -> Any:
    return as_buffer(array, "double", np.float64, name, writable=writable)


def _i32(array: Int32Array, name: str, *, writable: bool = False) -> Any:
    return as_buffer(array, "int32_t", np.int32, name, writable=writable)


def _same_shape(name: str, array: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")


def exp(x: Float64Array) -> Float64Array:
    """e ** x, within two units in the last place; 0 below -708.39, infinity above 709.78."""
    out = np.empty_like(x)
    check("cs_vec_exp", lib.cs_vec_exp(_f64(x, "x"), x.size, _f64(out, "out", writable=True)))
    return out


def log(x: Float64Array) -> Float64Array:
    """ln(x), within two units in the last place. Raises ValueError unless all x are normal and positive."""
    out = np.empty_like(x)
    status = lib.cs_vec_log(_f64(x, "x"), x.size, _f64(out, "out", writable=True))
    if status == lib.CS_EINVAL:
        raise ValueError("log: every x must be a normal number above zero")
    check("cs_vec_log", status)
    return out


def softmax_cross_entropy(logits: Float32Array, labels: Int32Array) -> tuple[float, Float32Array]:
    """Mean loss over the rows of `logits` (rows, classes), and its gradient by the logits (same shape).

    Raises ValueError where a logit is not finite or a label is not a class.
    """
    rows, classes = logits.shape
    _same_shape("labels", labels, (rows,))
    if wide.is_wide(logits):
        return wide.softmax_cross_entropy(logits, labels)  # type: ignore[return-value, arg-type]
    gradient = np.empty_like(logits)
    loss = ffi.new("double *")
    status = lib.cs_vec_softmax_xent(
        _f32(logits, "logits"), rows, classes, _i32(labels, "labels"), _f32(gradient, "gradient", writable=True), loss
    )
    if status == lib.CS_EINVAL:
        raise ValueError(f"logits must be finite and labels in 0..{classes - 1}")
    check("cs_vec_softmax_xent", status)
    return float(loss[0]), gradient


def column_sums(x: Float32Array) -> Float64Array:
    """Sums over all axes but the last, row by row."""
    if wide.is_wide(x):
        return wide.column_sums(x)  # type: ignore[arg-type]
    columns = x.shape[-1]
    sums = np.empty(columns, dtype=np.float64)
    status = lib.cs_vec_column_sums(_f32(x, "x"), x.size // columns, columns, _f64(sums, "sums", writable=True))
    check("cs_vec_column_sums", status)
    return sums


def batch_norm_stats(x: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Mean and biased variance of every channel."""
    if wide.is_wide(x):
        return wide.batch_norm_stats(x)  # type: ignore[arg-type]
    columns = x.shape[-1]
    mean, variance = np.empty(columns), np.empty(columns)
    status = lib.cs_vec_batch_norm_stats(
        _f32(x, "x"),
        x.size // columns,
        columns,
        _f64(mean, "mean", writable=True),
        _f64(variance, "variance", writable=True),
    )
    check("cs_vec_batch_norm_stats", status)
    return mean, variance


def batch_norm_apply(
    x: Float32Array,
    mean: Float64Array,
    variance: Float64Array,
    epsilon: float,
    gamma: Float32Array,
    beta: Float32Array,
) -> Float32Array:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta."""
    columns = x.shape[-1]
    for name, array in (("mean", mean), ("variance", variance), ("gamma", gamma), ("beta", beta)):
        _same_shape(name, array, (columns,))
    if wide.is_wide(x):
        return wide.batch_norm_apply(x, mean, variance, epsilon, gamma, beta)  # type: ignore[return-value, arg-type]
    y = np.empty_like(x)
    status = lib.cs_vec_batch_norm_apply(
        _f32(x, "x"),
        x.size // columns,
        columns,
        _f64(mean, "mean"),
        _f64(variance, "variance"),
        epsilon,
        _f32(gamma, "gamma"),
        _f32(beta, "beta"),
        _f32(y, "y", writable=True),
    )
    check("cs_vec_batch_norm_apply", status)
    return y


def batch_norm_backward(
    x: Float32Array,
    dy: Float32Array,
    mean: Float64Array,
    variance: Float64Array,
    epsilon: float,
    gamma: Float32Array,
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """dX, dgamma and dbeta, with mean and variance those of x itself."""
    columns = x.shape[-1]
    _same_shape("dy", dy, x.shape)
    for name, array in (("mean", mean), ("variance", variance), ("gamma", gamma)):
        _same_shape(name, array, (columns,))
    if wide.is_wide(x):
        return wide.batch_norm_backward(x, dy, mean, variance, epsilon, gamma)  # type: ignore[return-value, arg-type]
    dx, dgamma, dbeta = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    sums = np.empty(2 * columns, dtype=np.float64)
    status = lib.cs_vec_batch_norm_bp(
        _f32(x, "x"),
        _f32(dy, "dy"),
        x.size // columns,
        columns,
        _f64(mean, "mean"),
        _f64(variance, "variance"),
        epsilon,
        _f32(gamma, "gamma"),
        _f32(dx, "dx", writable=True),
        _f32(dgamma, "dgamma", writable=True),
        _f32(dbeta, "dbeta", writable=True),
        _f64(sums, "sums", writable=True),
    )
    check("cs_vec_batch_norm_bp", status)
    return dx, dgamma, dbeta


@dataclass(frozen=True)
class Pooling:
    """size x size windows over (h, w), `stride` apart, with `pad` positions around that are no elements.

    Raises ValueError where a size or stride is below 1, or a window could lie in the padding altogether.
    """

    size: int
    stride: int
    pad: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or self.stride < 1 or not 0 <= self.pad < self.size:
            raise ValueError(f"pooling needs size >= 1, stride >= 1 and 0 <= pad < size, got {self}")

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """(n, p, q, c) from (n, h, w, c); ValueError where no window fits."""
        n, h, w, c = shape
        rows, columns = h + 2 * self.pad - self.size, w + 2 * self.pad - self.size
        if rows < 0 or columns < 0:
            raise ValueError(f"a {self.size}x{self.size} window does not fit into {h}x{w} with pad {self.pad}")
        return (n, rows // self.stride + 1, columns // self.stride + 1, c)

    def _c(self, shape: tuple[int, ...]) -> Any:
        n, h, w, c = shape
        return ffi.new("cs_vec_pool *", (n, h, w, c, self.size, self.stride, self.pad))

    def max(self, x: Float32Array) -> tuple[Float32Array, Int32Array]:
        """The maxima (n, p, q, c), and the flat h * w position each came from: the first of equals."""
        if wide.is_wide(x):
            return wide.max_pool(self, x)  # type: ignore[return-value, arg-type]
        y = np.empty(self.output_shape(x.shape), dtype=np.float32)
        index = np.empty(y.shape, dtype=np.int32)
        status = lib.cs_vec_max_pool(
            self._c(x.shape),
            _f32(x, "x"),
            x.size,
            _f32(y, "y", writable=True),
            y.size,
            _i32(index, "index", writable=True),
        )
        check("cs_vec_max_pool", status)
        return y, index

    def max_backward(self, dy: Float32Array, index: Int32Array, x_shape: tuple[int, ...]) -> Float32Array:
        """dX: every dY goes to the position that its maximum came from."""
        _same_shape("dy", dy, self.output_shape(x_shape))
        _same_shape("index", index, dy.shape)
        if wide.is_wide(dy):
            return wide.max_pool_backward(dy, index, x_shape)  # type: ignore[return-value, arg-type]
        dx = np.empty(x_shape, dtype=np.float32)
        status = lib.cs_vec_max_pool_bp(
            self._c(x_shape), _f32(dy, "dy"), dy.size, _i32(index, "index"), _f32(dx, "dx", writable=True), dx.size
        )
        check("cs_vec_max_pool_bp", status)
        return dx

    def mean(self, x: Float32Array) -> Float32Array:
        """The means (n, p, q, c) over the elements of each window."""
        if wide.is_wide(x):
            return wide.mean_pool(self, x)  # type: ignore[return-value, arg-type]
        y = np.empty(self.output_shape(x.shape), dtype=np.float32)
        status = lib.cs_vec_mean_pool(self._c(x.shape), _f32(x, "x"), x.size, _f32(y, "y", writable=True), y.size)
        check("cs_vec_mean_pool", status)
        return y

    def mean_backward(self, dy: Float32Array, x_shape: tuple[int, ...]) -> Float32Array:
        """dX: every dY is shared equally by its window's elements."""
        if wide.is_wide(dy):
            return wide.mean_pool_backward(self, dy, x_shape)  # type: ignore[return-value, arg-type]
        _same_shape("dy", dy, self.output_shape(x_shape))
        dx = np.empty(x_shape, dtype=np.float32)
        status = lib.cs_vec_mean_pool_bp(
            self._c(x_shape), _f32(dy, "dy"), dy.size, _f32(dx, "dx", writable=True), dx.size
        )
        check("cs_vec_mean_pool_bp", status)
        return dx
