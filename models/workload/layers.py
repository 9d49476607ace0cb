"""The layers of a network: forward and backward, in the number formats of the chip, noting every step.

Between MAC layers tensors are FP32 (n, h, w, c). A MAC layer takes its input in the activation format, its weights in
the weight format and the gradient of its output in the gradient format, each under a power-of-two scale of its own;
sums are FP32 (`numerics.mac`), and the scales are taken out of the sums exactly.

With every tensor goes `live`: where its gradient is needed, because the layers before do not multiply it by zero anyway
(None: everywhere). A ReLU clears it where its input is not positive, a pooling layer hands on that of the elements it
took. A chip knows it before BP; it becomes `Operation.output_needed`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..numerics import Format, ScaledTensor, mac_bp, mac_ff, mac_wg, quantize
from ..numerics import vecmath as vm
from ..numerics.formats import unscale
from ..pruning.activation import kept_inputs
from ..pruning.interface import InputPruning
from ..tensors import ConvShape, Stage
from .recorder import WIDE_BYTES, Recorder, mask_bytes

Float32Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Formats:
    """Number formats of what the multipliers see."""

    activation: Format = Format.FP8_E4M3
    weight: Format = Format.FP8_E4M3
    gradient: Format = Format.FP8_E5M2


@dataclass(eq=False)
class Tensor:
    """An activation: FP32 values, where its gradient is needed, and its copy in the activation format once made."""

    name: str
    values: Float32Array
    live: Mask | None = None
    quantized: ScaledTensor | None = None

    def in_format(self, fmt: Format, recorder: Recorder) -> ScaledTensor:
        """The copy in the activation format; made, and noted, once."""
        if self.quantized is None:
            self.quantized = quantize(self.values, fmt)
            size = self.values.size
            recorder.vector(
                "quantize",
                self.name,
                Stage.FF,
                elements=(size, size),
                operations_per_element=2,
                reads={self.name: size * WIDE_BYTES},
                writes={f"{self.name}.low": size * fmt.bits // 8},
            )
        return self.quantized


@dataclass(eq=False)
class Parameter:
    """Trainable values: FP32 master copy, momentum, gradient of this iteration; `mask` False where pruned."""

    name: str
    master: Float32Array
    decay: bool
    momentum: Float32Array = field(init=False)
    gradient: Float32Array = field(init=False)
    mask: Mask | None = None

    def __post_init__(self) -> None:
        self.momentum = np.zeros_like(self.master)
        self.gradient = np.zeros_like(self.master)


class Layer(ABC):
    """A layer of a network that is being trained; it keeps from `forward` what its `backward` needs."""

    kind: str

    def __init__(self, name: str, output_shape: tuple[int, int, int]) -> None:
        self.name = name
        self.output_shape = output_shape
        """(h, w, c) of one image."""
        self.sources: tuple[str, ...] = ()
        """Names of the tensors it reads; set by the network."""
        self.parameters: tuple[Parameter, ...] = ()

    @abstractmethod
    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        """The output; noted in `recorder`."""

    @abstractmethod
    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        """The gradients of the inputs (None unless `needed`), after those of the parameters are set."""


class MacLayer(Layer):
    """Convolution, or linear layer as a convolution of a 1 x 1 image."""

    kind = "mac"

    def __init__(self, name: str, shape: ConvShape, weights: Float32Array, *, bias: bool, formats: Formats) -> None:
        super().__init__(name, (shape.p, shape.q, shape.k))
        self.shape = shape
        self.formats = formats
        self.weight = Parameter(f"{name}.w", weights, decay=True)
        self.bias = Parameter(f"{name}.bias", np.zeros(shape.k, dtype=np.float32), decay=False) if bias else None
        self.parameters = (self.weight,) if self.bias is None else (self.weight, self.bias)
        self.low = quantize(weights, formats.weight)
        """The low-precision copy that FF and BP read."""
        self.input_pruning: InputPruning | None = None
        """How the input is pruned in the iterations that follow."""
        self.all_gradients = False
        """Whether WG computes the gradients of pruned weights, too."""
        self._kept: Mask | None = None

    def refresh(self) -> None:
        """Make the low-precision copy anew from the master weights."""
        self.low = quantize(self.weight.master, self.formats.weight)

    def shape_for(self, images: int) -> ConvShape:
        """The shape with another number of images."""
        z = self.shape
        return z if images == z.n else ConvShape(images, z.c, z.h, z.w, z.k, z.r, z.s, z.stride, z.pad, z.groups)

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        shape = self.shape_for(len(source.values))
        x = source.in_format(self.formats.activation, recorder)
        kept: Mask | None = None
        if self.input_pruning is not None:
            x, kept = self._pruned_input(x, self.input_pruning, recorder)
        recorder.operation(
            self.name,
            Stage.FF,
            shape,
            x=x.values,
            w=self.low.values,
            reads=(f"{source.name}.low", f"{self.weight.name}.low"),
            writes=f"{self.name}.sums",
        )
        sums = mac_ff(shape, x.values.reshape(shape.x_shape), self.low.values)
        y = unscale(sums, x.exponent + self.low.exponent)
        reads = {f"{self.name}.sums": y.size * WIDE_BYTES}
        if self.bias is not None:
            y = y + self.bias.master
            reads[self.bias.name] = self.bias.master.nbytes
        recorder.vector(
            "scale" if self.bias is None else "bias",
            self.name,
            Stage.FF,
            elements=(y.size, y.size),
            operations_per_element=1 if self.bias is None else 2,
            reads=reads,
            writes={self.name: y.size * WIDE_BYTES},
        )
        if training:
            self._x, self._live, self._input_shape = x, source.live, source.values.shape
            self._kept = kept
            if kept is not None:
                self._live = kept if source.live is None else source.live & kept
        return Tensor(self.name, y)

    def _pruned_input(self, x: ScaledTensor, pruning: InputPruning, recorder: Recorder) -> tuple[ScaledTensor, Mask]:
        """The input without its small values: tile by tile as it passes by, so that nothing is read or written."""
        kept, compares = kept_inputs(x.values, pruning)
        size = x.values.size
        recorder.vector(
            "prune",
            self.name,
            Stage.FF,
            elements=(size, size),
            operations_per_element=-(-compares // size),
            reads={},
            writes={},
        )
        return replace(x, values=np.where(kept, x.values, np.float32(0))), kept

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        shape, fmt = self.shape_for(len(dy)), self.formats.gradient
        error = quantize(dy, fmt)
        recorder.vector(
            "quantize",
            self.name,
            Stage.BP,
            elements=(dy.size, dy.size),
            operations_per_element=2,
            reads={f"{self.name}.gradient": dy.size * WIDE_BYTES},
            writes={f"{self.name}.gradient.low": dy.size * fmt.bits // 8},
        )
        if self.bias is not None:
            self.bias.gradient = vm.column_sums(dy).astype(np.float32)
            recorder.vector(
                "bias_gradient",
                self.name,
                Stage.WG,
                elements=(dy.size, shape.k),
                operations_per_element=1,
                reads={f"{self.name}.gradient": dy.size * WIDE_BYTES},
                writes={f"{self.bias.name}.gradient": shape.k * WIDE_BYTES},
            )
        dx: Float32Array | None = None
        if needed:
            live = None if self._live is None else self._live.reshape(shape.x_shape)
            recorder.operation(
                self.name,
                Stage.BP,
                shape,
                w=self.low.values,
                dy=error.values,
                output_needed=live,
                reads=(f"{self.name}.gradient.low", f"{self.weight.name}.low", f"{self.sources[0]}.mask"),
                writes=f"{self.sources[0]}.gradient",
            )
            sums = mac_bp(shape, error.values.reshape(shape.y_shape), self.low.values)
            dx = unscale(sums, error.exponent + self.low.exponent).reshape(self._input_shape)
            if self._kept is not None:
                dx = np.where(self._kept, dx, np.float32(0))
        mask = self.weight.mask
        pruned = mask is not None and not mask.all() and not self.all_gradients
        recorder.operation(
            self.name,
            Stage.WG,
            shape,
            x=self._x.values,
            dy=error.values,
            output_needed=mask if pruned else None,
            reads=(f"{self.sources[0]}.low", f"{self.name}.gradient.low", f"{self.weight.name}.mask"),
            writes=f"{self.weight.name}.gradient",
        )
        sums = mac_wg(shape, self._x.values.reshape(shape.x_shape), error.values.reshape(shape.y_shape))
        self.weight.gradient = unscale(sums, self._x.exponent + error.exponent)
        return (dx,)


class ReluLayer(Layer):
    """max(x, 0); the gradient passes where x > 0."""

    kind = "relu"

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        x = source.values
        positive = x > 0
        recorder.vector(
            "relu",
            self.name,
            Stage.FF,
            elements=(x.size, x.size),
            operations_per_element=1,
            reads={source.name: x.size * WIDE_BYTES},
            writes={self.name: x.size * WIDE_BYTES, f"{self.name}.mask": mask_bytes(x.size)},
        )
        if training:
            self._positive = positive
        live = positive if source.live is None else positive & source.live
        return Tensor(self.name, np.where(positive, x, np.float32(0.0)), live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        recorder.vector(
            "relu",
            self.name,
            Stage.BP,
            elements=(dy.size, dy.size),
            operations_per_element=1,
            reads={f"{self.name}.gradient": dy.size * WIDE_BYTES, f"{self.name}.mask": mask_bytes(dy.size)},
            writes={f"{self.sources[0]}.gradient": dy.size * WIDE_BYTES},
        )
        return (np.where(self._positive, dy, np.float32(0.0)),)


class PoolLayer(Layer):
    """Maximum or mean over windows."""

    def __init__(self, name: str, input_shape: tuple[int, int, int], pooling: vm.Pooling, *, maximum: bool) -> None:
        super().__init__(name, pooling.output_shape((1, *input_shape))[1:])
        self.pooling = pooling
        self.maximum = maximum
        self.kind = "max_pool" if maximum else "mean_pool"

    @property
    def _index_bits(self) -> int:
        return max(1, (self.pooling.size**2 - 1).bit_length())

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
        writes = {self.name: y.size * WIDE_BYTES}
        if self.maximum:
            writes[f"{self.name}.index"] = mask_bytes(y.size * self._index_bits)
        recorder.vector(
            self.kind,
            self.name,
            Stage.FF,
            elements=(x.size, y.size),
            operations_per_element=1,
            reads={source.name: x.size * WIDE_BYTES},
            writes=writes,
        )
        if training:
            self._x_shape = x.shape
            self._index = index if self.maximum else None
        return Tensor(self.name, y, live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        reads = {f"{self.name}.gradient": dy.size * WIDE_BYTES}
        if self._index is not None:
            dx = self.pooling.max_backward(dy, self._index, self._x_shape)
            reads[f"{self.name}.index"] = mask_bytes(dy.size * self._index_bits)
        else:
            dx = self.pooling.mean_backward(dy, self._x_shape)
        recorder.vector(
            self.kind,
            self.name,
            Stage.BP,
            elements=(dy.size, dx.size),
            operations_per_element=1,
            reads=reads,
            writes={f"{self.sources[0]}.gradient": dx.size * WIDE_BYTES},
        )
        return (dx,)


class BatchNormLayer(Layer):
    """Batch normalisation; in evaluation with running statistics."""

    kind = "batch_norm"

    def __init__(self, name: str, input_shape: tuple[int, int, int], *, epsilon: float, momentum: float) -> None:
        super().__init__(name, input_shape)
        channels = input_shape[2]
        self.gamma = Parameter(f"{name}.gamma", np.ones(channels, dtype=np.float32), decay=False)
        self.beta = Parameter(f"{name}.beta", np.zeros(channels, dtype=np.float32), decay=False)
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
        recorder.vector(  # statistics: sum and sum of squares; then subtract, two multiplies, add
            self.kind,
            self.name,
            Stage.FF,
            elements=(x.size, x.size),
            operations_per_element=7,
            reads={source.name: 2 * x.size * WIDE_BYTES, f"{self.name}.scale": 4 * mean.size * WIDE_BYTES},
            writes={self.name: x.size * WIDE_BYTES, f"{self.name}.stats": 2 * mean.size * WIDE_BYTES},
        )
        return Tensor(self.name, y)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        dx, self.gamma.gradient, self.beta.gradient = vm.batch_norm_backward(
            self._x, dy, self._mean, self._variance, self.epsilon, self.gamma.master
        )
        channels = self._mean.size
        recorder.vector(  # normalise again, two sums, then the centred gradient
            self.kind,
            self.name,
            Stage.BP,
            elements=(dy.size, dx.size),
            operations_per_element=11,
            reads={
                f"{self.name}.gradient": 2 * dy.size * WIDE_BYTES,
                self.sources[0]: 2 * dy.size * WIDE_BYTES,
                f"{self.name}.stats": 2 * channels * WIDE_BYTES,
            },
            writes={
                f"{self.sources[0]}.gradient": dx.size * WIDE_BYTES,
                f"{self.name}.scale_gradient": 2 * channels * WIDE_BYTES,
            },
        )
        return (dx,)


class AddLayer(Layer):
    """The sum of two tensors of one shape."""

    kind = "add"

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        first, second = inputs
        size = first.values.size
        recorder.vector(
            "add",
            self.name,
            Stage.FF,
            elements=(2 * size, size),
            operations_per_element=1,
            reads={first.name: size * WIDE_BYTES, second.name: size * WIDE_BYTES},
            writes={self.name: size * WIDE_BYTES},
        )
        # The sum's gradient goes to both: needed wherever either needs it.
        live = None if first.live is None or second.live is None else first.live | second.live
        return Tensor(self.name, first.values + second.values, live)

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        recorder.vector(  # the same gradient for both: nothing to compute, but two names
            "add",
            self.name,
            Stage.BP,
            elements=(dy.size, 2 * dy.size),
            operations_per_element=0,
            reads={f"{self.name}.gradient": dy.size * WIDE_BYTES},
            writes={f"{source}.gradient": dy.size * WIDE_BYTES for source in self.sources},
        )
        return (dy, dy)
