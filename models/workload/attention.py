"""Attention, as two grouped convolutions (`graph.AttentionShape`) with a softmax between them."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..numerics import mac_bp, mac_ff, mac_wg, quantize
from ..numerics import vecmath as vm
from ..numerics.formats import unscale
from ..tensors import Stage
from . import notes
from .graph import AttentionShape
from .layers import Float32Array, Layer, Tensor
from .notes import Formats
from .recorder import Recorder

Element = TypeVar("Element", bound=np.generic)


def _heads(array: npt.NDArray[Any], z: AttentionShape) -> npt.NDArray[Any]:
    return array.reshape(z.n, z.tokens, z.heads, z.depth)


def as_queries(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """(n, h, w, c) -> (1, tokens, 1, n * c): X of the scores, Y of the context."""
    return np.ascontiguousarray(_heads(array, z).transpose(1, 0, 2, 3)).reshape(1, z.tokens, 1, z.groups * z.depth)


def from_queries(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """The way back, to (n, tokens, 1, c)."""
    parts = array.reshape(z.tokens, z.n, z.heads, z.depth).transpose(1, 0, 2, 3)
    return np.ascontiguousarray(parts).reshape(z.n, z.tokens, 1, z.heads * z.depth)


def as_keys(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """(n, h, w, c) -> (n * heads * tokens, 1, 1, depth): W of the scores."""
    return np.ascontiguousarray(_heads(array, z).transpose(0, 2, 1, 3)).reshape(z.groups * z.tokens, 1, 1, z.depth)


def from_keys(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """The way back, to (n, tokens, 1, c)."""
    parts = array.reshape(z.n, z.heads, z.tokens, z.depth).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts).reshape(z.n, z.tokens, 1, z.heads * z.depth)


def as_values(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """(n, h, w, c) -> (n * c, 1, 1, tokens): W of the context."""
    return np.ascontiguousarray(_heads(array, z).transpose(0, 2, 3, 1)).reshape(z.groups * z.depth, 1, 1, z.tokens)


def from_values(array: npt.NDArray[Element], z: AttentionShape) -> npt.NDArray[Element]:
    """The way back, to (n, tokens, 1, c)."""
    parts = array.reshape(z.n, z.heads, z.depth, z.tokens).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(parts).reshape(z.n, z.tokens, 1, z.heads * z.depth)


class AttentionLayer(Layer):
    """softmax(Q K^T / sqrt(depth)) V for each image and head (Vaswani et al., NeurIPS 2017, section 3.2.1).

    Q, K and V come from activations in the activation format, and so do the softmax's outputs; the gradients of the
    context and of the scores are taken in the gradient format, each under a scale of its own.
    """

    kind = "attention"

    def __init__(self, name: str, input_shape: tuple[int, int, int], heads: int, formats: Formats) -> None:
        super().__init__(name, input_shape)
        self._heads = heads
        self._formats = formats
        self._sums = formats.accumulate

    def _shape(self, images: int) -> AttentionShape:
        h, w, c = self.output_shape
        return AttentionShape(images, h * w, self._heads, c // self._heads)

    def forward(self, inputs: tuple[Tensor, ...], recorder: Recorder, *, training: bool) -> Tensor:
        z, name, fmt = self._shape(len(inputs[0].values)), self.name, self._formats.activation
        low = [tensor.in_format(fmt, recorder, self._sums.operand_limit) for tensor in inputs]
        q, k, v = as_queries(low[0].values, z), as_keys(low[1].values, z), as_values(low[2].values, z)
        q_name, k_name, v_name = (f"{tensor.name}.low" for tensor in inputs)
        recorder.operation(
            f"{name}.scores", Stage.FF, z.scores, reads=(q_name, k_name), writes=f"{name}.scores.sums", x=q, w=k
        )
        scale = 1.0 / np.sqrt(z.depth)
        scores = unscale(mac_ff(z.scores, q, k, self._sums), low[0].exponent + low[1].exponent)
        p = softmax(scores.reshape(z.tokens, z.groups, z.tokens), scale)
        notes.softmax_forward(recorder, name, p.size)
        weights = Tensor(f"{name}.weights", p.reshape(z.context.x_shape))
        p_low = weights.in_format(fmt, recorder, self._sums.operand_limit)
        recorder.operation(
            f"{name}.context",
            Stage.FF,
            z.context,
            reads=(f"{name}.weights.low", v_name),
            writes=f"{name}.sums",
            x=p_low.values,
            w=v,
        )
        y = unscale(mac_ff(z.context, p_low.values, v, self._sums), p_low.exponent + low[2].exponent)
        notes.sums_forward(recorder, name, y.size, self.output_shape[2], bias=False)
        if training:
            self._low, self._operands, self._p, self._p_low, self._scale = low, (q, k, v), p, p_low, scale
        return Tensor(name, from_queries(y, z).reshape(inputs[0].values.shape))

    def backward(self, dy: Float32Array, recorder: Recorder, *, needed: bool) -> tuple[Float32Array | None, ...]:
        z, name, fmt = self._shape(len(dy)), self.name, self._formats.gradient
        q_name, k_name, v_name = self.sources
        q, k, v = self._operands
        q_low, k_low, v_low = self._low
        error = quantize(dy, fmt, self._sums.operand_limit)
        notes.quantize(recorder, name, Stage.BP, f"{name}.gradient", dy.size, fmt)
        of_context = as_queries(error.values, z)
        recorder.operation(
            f"{name}.context",
            Stage.BP,
            z.context,
            reads=(f"{name}.gradient.low", f"{v_name}.low", f"{name}.weights.mask"),
            writes=f"{name}.weights.gradient",
            w=v,
            dy=of_context,
        )
        dp = unscale(mac_bp(z.context, of_context, v, self._sums), error.exponent + v_low.exponent)
        recorder.operation(
            f"{name}.context",
            Stage.WG,
            z.context,
            reads=(f"{name}.weights.low", f"{name}.gradient.low", f"{v_name}.mask"),
            writes=f"{v_name}.gradient",
            x=self._p_low.values,
            dy=of_context,
        )
        dv = unscale(
            mac_wg(z.context, self._p_low.values, of_context, self._sums), self._p_low.exponent + error.exponent
        )
        ds = softmax_backward(self._p, dp.reshape(self._p.shape), self._scale).reshape(z.scores.y_shape)
        notes.softmax_backward(recorder, name, ds.size)
        of_scores = quantize(ds, fmt, self._sums.operand_limit)
        notes.quantize(recorder, f"{name}.scores", Stage.BP, f"{name}.scores.gradient", ds.size, fmt)
        recorder.operation(
            f"{name}.scores",
            Stage.BP,
            z.scores,
            reads=(f"{name}.scores.gradient.low", f"{k_name}.low", f"{q_name}.mask"),
            writes=f"{q_name}.gradient",
            w=k,
            dy=of_scores.values,
        )
        dq = unscale(mac_bp(z.scores, of_scores.values, k, self._sums), of_scores.exponent + k_low.exponent)
        recorder.operation(
            f"{name}.scores",
            Stage.WG,
            z.scores,
            reads=(f"{q_name}.low", f"{name}.scores.gradient.low", f"{k_name}.mask"),
            writes=f"{k_name}.gradient",
            x=q,
            dy=of_scores.values,
        )
        dk = unscale(mac_wg(z.scores, q, of_scores.values, self._sums), of_scores.exponent + q_low.exponent)
        return (
            from_queries(dq, z).reshape(dy.shape),
            from_keys(dk, z).reshape(dy.shape),
            from_values(dv, z).reshape(dy.shape),
        )


def softmax(scores: Float32Array, scale: float) -> Float32Array:
    """exp(scale * (x - max)) over its sum, along the last axis; FP64 inside, summed from the first to the last."""
    shifted = (scores.astype(np.float64) - scores.max(axis=-1, keepdims=True)) * scale
    exponentials = vm.exp(np.ascontiguousarray(shifted))
    return (exponentials / _row_sums(exponentials)).astype(scores.dtype)


def softmax_backward(p: Float32Array, dp: Float32Array, scale: float) -> Float32Array:
    """The gradient of the scores from that of the outputs `p`."""
    wide, gradient = p.astype(np.float64), dp.astype(np.float64)
    return (wide * (gradient - _row_sums(wide * gradient)) * scale).astype(p.dtype)


def _row_sums(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # np.sum adds in an order of its own (pairwise, by vectors); a running sum has one order.
    return np.asarray(np.cumsum(x, axis=-1)[..., -1:])
