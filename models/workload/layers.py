"""What layers are, and those with weights: forward and backward, in the number formats of the chip, noting every step.

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
from . import notes
from .notes import Formats
from .recorder import Recorder

Float32Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(eq=False)
class Tensor:
    """An activation: FP32 values, where its gradient is needed, and its copy in the activation format once made."""

    name: str
    values: Float32Array
    live: Mask | None = None
    quantized: ScaledTensor | None = None
    origin: Tensor | None = None
    """Of which this is another view."""

    def reshaped(self, shape: tuple[int, ...]) -> Tensor:
        """The same tensor in another shape, its low-precision copy included."""
        live = None if self.live is None else self.live.reshape(shape)
        return Tensor(self.name, self.values.reshape(shape), live, origin=self)

    def in_format(self, fmt: Format, recorder: Recorder, limit: float | None = None) -> ScaledTensor:
        """The copy in the activation format; made, and noted, once."""
        if self.origin is not None:
            return self.origin.in_format(fmt, recorder, limit)
        if self.quantized is None:
            self.quantized = quantize(self.values, fmt, limit)
            notes.quantize(recorder, self.name, Stage.FF, self.name, self.values.size, fmt)
        return self.quantized


@dataclass(eq=False)
class Parameter:
    """Trainable values: FP32 master copy, momentum, gradient of this iteration; `mask` False where pruned.

    `second_moment` only where the optimiser keeps one.
    """

    name: str
    master: Float32Array
    decay: bool
    momentum: Float32Array = field(init=False)
    gradient: Float32Array = field(init=False)
    mask: Mask | None = None
    second_moment: Float32Array | None = None

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
        self.bias = Parameter(f"{name}.bias", np.zeros(shape.k, dtype=weights.dtype), decay=False) if bias else None
        self.parameters = (self.weight,) if self.bias is None else (self.weight, self.bias)
        self.low = quantize(weights, formats.weight, formats.accumulate.operand_limit)
        """The low-precision copy that FF and BP read."""
        self.input_pruning: InputPruning | None = None
        """How the input is pruned in the iterations that follow."""
        self.all_gradients = False
        """Whether WG computes the gradients of pruned weights, too."""
        self._kept: Mask | None = None

    def refresh(self) -> None:
        """Make the low-precision copy anew from the master weights."""
        self.low = quantize(self.weight.master, self.formats.weight, self.formats.accumulate.operand_limit)

    def shape_for(self, images: int) -> ConvShape:
        """The shape with another number of images."""
        z = self.shape
        return z if images == z.n else ConvShape(images, z.c, z.h, z.w, z.k, z.r, z.s, z.stride, z.pad, z.groups)

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        (source,) = inputs
        shape = self.shape_for(len(source.values))
        accumulate = self.formats.accumulate
        x = source.in_format(self.formats.activation, recorder, accumulate.operand_limit)
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
        sums = mac_ff(shape, x.values.reshape(shape.x_shape), self.low.values, accumulate)
        y = unscale(sums, x.exponent + self.low.exponent)
        if self.bias is not None:
            y = y + self.bias.master
        notes.sums_forward(recorder, self.name, y.size, shape.k, bias=self.bias is not None)
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
        accumulate = self.formats.accumulate
        error = quantize(dy, fmt, accumulate.operand_limit)
        notes.quantize(recorder, self.name, Stage.BP, f"{self.name}.gradient", dy.size, fmt)
        if self.bias is not None:
            self.bias.gradient = vm.column_sums(dy).astype(dy.dtype)
            notes.bias_gradient(recorder, self.name, dy.size, shape.k)
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
            sums = mac_bp(shape, error.values.reshape(shape.y_shape), self.low.values, accumulate)
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
        sums = mac_wg(shape, self._x.values.reshape(shape.x_shape), error.values.reshape(shape.y_shape), accumulate)
        self.weight.gradient = unscale(sums, self._x.exponent + error.exponent)
        return (dx,)
