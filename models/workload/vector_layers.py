"""The layers that multiply no weights by activations: activation functions, pooling, normalisation, sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..numerics import vecmath as vm
from . import notes
from .layers import Float32Array, Layer, Parameter, Tensor
from .recorder import Recorder


class ReluLayer(Layer):
    """max(x, 0), or with a limit min(max(x, 0), limit); the gradient passes where 0 < x < limit."""

    kind = "relu"

    def __init__(self, name: str, output_shape: tuple[int, int, int], limit: float | None = None) -> None:
        super().__init__(name, output_shape)
        self.limit = limit

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        passes = x > 0
        y = np.where(passes, x, np.float32(0.0))
        if self.limit is not None:
            y = np.minimum(y, x.dtype.type(self.limit))
            passes &= x < self.limit
        notes.relu_forward(recorder, self.name, source.name, x.size, limited=self.limit is not None)
        if training:
            self._passes = passes
        return Tensor(self.name, y, passes if source.live is None else passes & source.live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        notes.relu_backward(recorder, self.name, self.sources[0], dy.size)
        return (np.where(self._passes, dy, np.float32(0.0)),)


_SLOPE = float(np.sqrt(2.0 / np.pi))
_CUBIC = 0.044715


class GeluLayer(Layer):
    """x * (1 + tanh(u)) / 2 = x / (1 + exp(-2 u)), u = sqrt(2 / pi) * (x + 0.044715 x^3); FP64 inside.

    Hendrycks and Gimpel, arXiv 1606.08415, section 2.
    """

    kind = "gelu"

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        wide = x.astype(np.float64)
        gate = _logistic(2.0 * _SLOPE * (wide + _CUBIC * wide * wide * wide))
        notes.gelu_forward(recorder, self.name, source.name, x.size)
        if training:
            self._x = x
        return Tensor(self.name, (wide * gate).astype(x.dtype))

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        x = self._x.astype(np.float64)
        gate = _logistic(2.0 * _SLOPE * (x + _CUBIC * x * x * x))
        slope = gate + x * gate * (1.0 - gate) * (2.0 * _SLOPE * (1.0 + 3.0 * _CUBIC * x * x))
        notes.gelu_backward(recorder, self.name, self.sources[0], dy.size)
        return ((dy * slope).astype(dy.dtype),)


def _logistic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-x)). Beyond +-700 it is 0 or 1 to the last bit, and exp would leave its range."""
    return np.asarray(1.0 / (1.0 + vm.exp(np.ascontiguousarray(-np.clip(x, -700.0, 700.0)))))


class PoolLayer(Layer):
    """Maximum or mean over windows."""

    def __init__(self, name: str, input_shape: tuple[int, int, int], pooling: vm.Pooling, *, maximum: bool) -> None:
        super().__init__(name, pooling.output_shape((1, *input_shape))[1:])
        self.pooling = pooling
        self.maximum = maximum
        self.kind = "max_pool" if maximum else "mean_pool"
        self._index_bits = notes.index_bits(pooling.size) if maximum else 0

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x, live = source.values, source.live
        if self.maximum:
            y, index = self.pooling.max(x)
            if live is not None:
                flat = live.reshape(len(x), -1, x.shape[3])
                picked = np.take_along_axis(flat, index.reshape(len(x), -1, x.shape[3]).astype(np.int64), axis=1)
                live = picked.reshape(y.shape)
        else:
            y = self.pooling.mean(x)
            if live is not None:
                live = self.pooling.max(live.astype(np.float32))[0] > 0
        notes.pool_forward(recorder, self.name, source.name, (x.size, y.size), self._index_bits, gated=live is not None)
        if training:
            self._x_shape = x.shape
            self._index = index if self.maximum else None
        return Tensor(self.name, y, live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        if self._index is not None:
            dx = self.pooling.max_backward(dy, self._index, self._x_shape)
        else:
            dx = self.pooling.mean_backward(dy, self._x_shape)
        notes.pool_backward(recorder, self.name, self.sources[0], (dx.size, dy.size), self._index_bits)
        return (dx,)


class GlobalMeanLayer(Layer):
    """The mean of each channel over the whole image."""

    kind = "global_mean_pool"

    def __init__(self, name: str, input_shape: tuple[int, int, int]) -> None:
        super().__init__(name, (1, 1, input_shape[2]))

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        n, h, w, c = x.shape
        by_position = np.ascontiguousarray(x.reshape(n, h * w, c).transpose(1, 0, 2)).reshape(h * w, n * c)
        y = (vm.column_sums(by_position) / (h * w)).astype(x.dtype).reshape(n, 1, 1, c)
        live = None if source.live is None else np.asarray(source.live.any(axis=(1, 2), keepdims=True))
        notes.pool_forward(recorder, self.name, source.name, (x.size, y.size), 0, gated=live is not None)
        if training:
            self._x_shape = x.shape
        return Tensor(self.name, y, live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        _, h, w, _ = self._x_shape
        share = (dy.astype(np.float64) / (h * w)).astype(dy.dtype)
        dx = np.ascontiguousarray(np.broadcast_to(share, self._x_shape))
        notes.pool_backward(recorder, self.name, self.sources[0], (dx.size, dy.size), 0)
        return (dx,)


class FlattenLayer(Layer):
    """The same values as the channels of one position, under the same name."""

    kind = "flatten"

    def __init__(self, name: str, input_shape: tuple[int, int, int]) -> None:
        h, w, c = input_shape
        super().__init__(name, (1, 1, h * w * c))

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        self._x_shape = source.values.shape
        return source.reshaped((len(source.values), *self.output_shape))

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        return (dy.reshape(self._x_shape),)


class BatchNormLayer(Layer):
    """Batch normalisation (Ioffe and Szegedy, ICML 2015); in evaluation with running statistics."""

    kind = "batch_norm"

    def __init__(
        self,
        name: str,
        input_shape: tuple[int, int, int],
        *,
        epsilon: float,
        momentum: float,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        super().__init__(name, input_shape)
        channels = input_shape[2]
        self.gamma = Parameter(f"{name}.gamma", np.ones(channels, dtype=dtype), decay=False)
        self.beta = Parameter(f"{name}.beta", np.zeros(channels, dtype=dtype), decay=False)
        self.parameters = (self.gamma, self.beta)
        self.epsilon, self.momentum = epsilon, momentum
        self.running_mean, self.running_variance = np.zeros(channels), np.ones(channels)

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        mean, variance = self.running_mean, self.running_variance
        if training:
            mean, variance = vm.batch_norm_stats(x)
            keep = self.momentum
            self.running_mean = keep * self.running_mean + (1.0 - keep) * mean
            self.running_variance = keep * self.running_variance + (1.0 - keep) * variance
            self._x, self._mean, self._variance = x, mean, variance
        y = vm.batch_norm_apply(x, mean, variance, self.epsilon, self.gamma.master, self.beta.master)
        channels = mean.size
        notes.norm_forward(
            recorder, self.kind, self.name, source.name, x.size, rows=channels, channels=channels, running=True
        )
        return Tensor(self.name, y)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        dx, self.gamma.gradient, self.beta.gradient = vm.batch_norm_backward(
            self._x, dy, self._mean, self._variance, self.epsilon, self.gamma.master
        )
        channels = self._mean.size
        notes.norm_backward(recorder, self.kind, self.name, self.sources[0], dy.size, rows=channels, channels=channels)
        return (dx,)


class LayerNormLayer(Layer):
    """Layer normalisation over the channels of each position (Ba, Kiros and Hinton, arXiv 1607.06450).

    It is batch normalisation of the transposed tensor, whose channels are the positions, with the scale and shift of
    the channels around it.
    """

    kind = "layer_norm"

    def __init__(
        self, name: str, input_shape: tuple[int, int, int], *, epsilon: float, dtype: npt.DTypeLike = np.float32
    ) -> None:
        super().__init__(name, input_shape)
        channels = input_shape[2]
        self.gamma = Parameter(f"{name}.gamma", np.ones(channels, dtype=dtype), decay=False)
        self.beta = Parameter(f"{name}.beta", np.zeros(channels, dtype=dtype), decay=False)
        self.parameters = (self.gamma, self.beta)
        self.epsilon = epsilon

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        columns = _transposed(x)
        mean, variance = vm.batch_norm_stats(columns)
        ones = np.ones(columns.shape[1], dtype=x.dtype)
        normal = _transposed(vm.batch_norm_apply(columns, mean, variance, self.epsilon, ones, np.zeros_like(ones)))
        y = (normal * self.gamma.master + self.beta.master).reshape(x.shape)
        rows, channels = columns.shape[1], columns.shape[0]
        notes.norm_forward(
            recorder, self.kind, self.name, source.name, x.size, rows=rows, channels=channels, running=False
        )
        if training:
            self._columns, self._mean, self._variance, self._normal = columns, mean, variance, normal
        return Tensor(self.name, y)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        rows = dy.reshape(-1, dy.shape[-1])
        self.gamma.gradient = vm.column_sums(rows * self._normal).astype(dy.dtype)
        self.beta.gradient = vm.column_sums(rows).astype(dy.dtype)
        ones = np.ones(len(rows), dtype=dy.dtype)
        scaled = _transposed(rows * self.gamma.master)
        dx, _, _ = vm.batch_norm_backward(self._columns, scaled, self._mean, self._variance, self.epsilon, ones)
        notes.norm_backward(
            recorder, self.kind, self.name, self.sources[0], dy.size, rows=len(rows), channels=dy.shape[-1]
        )
        return (_transposed(dx).reshape(dy.shape),)


def _transposed(x: Float32Array) -> Float32Array:
    """(channels, positions) from (..., channels), and the way back."""
    return np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T)


class PositionLayer(Layer):
    """Adds a trainable value to each position and channel."""

    kind = "position"

    def __init__(self, name: str, input_shape: tuple[int, int, int], values: Float32Array) -> None:
        super().__init__(name, input_shape)
        self.values = Parameter(f"{name}.values", values, decay=False)
        self.parameters = (self.values,)

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        notes.position_forward(recorder, self.name, source.name, source.values.size, self.values.master.size)
        return Tensor(self.name, source.values + self.values.master)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        sums = vm.column_sums(np.ascontiguousarray(dy.reshape(len(dy), -1)))
        self.values.gradient = sums.astype(dy.dtype).reshape(self.values.master.shape)
        notes.position_backward(recorder, self.name, self.sources[0], dy.size, self.values.master.size)
        return (dy,)


class AddLayer(Layer):
    """The sum of two tensors of one shape."""

    kind = "add"

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        first, second = inputs
        # The sum's gradient goes to both: needed wherever either needs it.
        live = None if first.live is None or second.live is None else first.live | second.live
        names = (first.name, second.name)
        notes.add_forward(recorder, self.name, names, first.values.size, gated=live is not None)
        return Tensor(self.name, first.values + second.values, live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        notes.add_backward(recorder, self.name, self.sources, dy.size)
        return (dy, dy)
