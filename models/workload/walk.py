"""One training iteration of a network of which only the zero masks are known: all its steps, in execution order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from ..pruning.interface import Mask
from ..tensors import BitTensor, ConvShape, Stage
from . import notes
from .attention import as_keys, as_queries, as_values
from .graph import Graph, Node
from .interface import Operation
from .network_schema import (
    AddSpec,
    AttentionSpec,
    BatchNormSpec,
    ConvSpec,
    FlattenSpec,
    GeluSpec,
    GlobalPoolSpec,
    LayerNormSpec,
    LinearSpec,
    PoolSpec,
    PositionSpec,
    ReluSpec,
)
from .recorder import Recorder


class MaskSource(Protocol):
    """Where the zero masks of one iteration come from. Shapes have the images of the batch as their first axis."""

    def activation(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """Of the low-precision copy of the output of layer `tensor`, or of the network's input."""

    def needed(self, tensor: str, shape: tuple[int, ...]) -> Mask | None:
        """Where the gradient of a tensor behind a ReLU is not known to be zero; None: everywhere."""

    def weight(self, layer: str) -> Mask:
        """Of the low-precision weights (k, r, s, c / groups) of a layer."""

    def pruned(self, layer: str) -> Mask | None:
        """Unpruned positions of the same; None: all."""

    def gradient(self, tensor: str, shape: tuple[int, ...]) -> Mask:
        """Of the low-precision copy of the gradient of a layer's output."""


class Walk:
    """Notes the steps of one iteration over `graph` for `images` images into `recorder`."""

    def __init__(
        self, graph: Graph, images: int, formats: notes.Formats, masks: MaskSource, recorder: Recorder
    ) -> None:
        self._graph, self._images, self._formats, self._masks, self._recorder = graph, images, formats, masks, recorder
        self._activations: dict[str, Mask] = {}
        self._packed: dict[tuple[str, tuple[int, ...]], BitTensor] = {}
        self._with_gradient: set[str] = set()

    def forward(self) -> None:
        """FF of all layers."""
        for node in self._graph.nodes:
            self._forward(node)

    def run(self) -> None:
        """FF of all layers, the loss, then BP and WG from the last to the first."""
        self.forward()
        last = self._graph.nodes[-1]
        if self._graph.spec.loss != "none":
            notes.loss(self._recorder, last.tensor, self._images * self._graph.classes, self._images)
        self._with_gradient.add(last.tensor)
        for node in reversed(self._graph.nodes):
            if node.tensor in self._with_gradient:
                self._backward(node)

    # ---- tensors ---------------------------------------------------------------------------------------------

    def _batch(self, shape: tuple[int, int, int]) -> tuple[int, int, int, int]:
        return (self._images, *shape)

    def _size(self, shape: tuple[int, int, int]) -> int:
        return self._images * shape[0] * shape[1] * shape[2]

    def _activation(self, node: Node, which: int = 0) -> Mask:
        """The mask of what a node reads; the first reader notes the rounding."""
        name = node.sources[which]
        if name not in self._activations:
            shape = self._batch(node.input_shapes[which])
            self._activations[name] = self._masks.activation(name, shape)
            size = self._size(node.input_shapes[which])
            notes.quantize(self._recorder, name, Stage.FF, name, size, self._formats.activation)
        return self._activations[name]

    def _pack(self, name: str, mask: Mask, shape: tuple[int, ...]) -> BitTensor:
        key = (name, shape)
        if key not in self._packed:
            self._packed[key] = BitTensor.from_bool(mask.reshape(shape))
        return self._packed[key]

    def _hand_back(self, node: Node) -> None:
        """Note that the gradients of what `node` read are there; another one's is added to those before."""
        for name, shape, needed in zip(node.sources, node.input_shapes, node.needs_gradient, strict=True):
            if not needed:
                continue
            if name in self._with_gradient:
                notes.add_gradients(self._recorder, name, self._size(shape))
            self._with_gradient.add(name)

    # ---- forward ---------------------------------------------------------------------------------------------

    def _forward(self, node: Node) -> None:
        recorder, item, name, sources = self._recorder, node.spec, node.name, node.sources
        before, after = self._size(node.input_shapes[0]), self._size(node.output_shape)
        channels = node.output_shape[2]
        if isinstance(item, ConvSpec | LinearSpec):
            x, shape = self._activation(node), node.mac_shape(self._images)
            recorder.steps.append(
                Operation(
                    name,
                    Stage.FF,
                    shape,
                    (f"{sources[0]}.low", f"{name}.w.low"),
                    f"{name}.sums",
                    x=self._pack(sources[0], x, shape.x_shape),
                    w=self._weight(name, shape),
                )
            )
            notes.sums_forward(recorder, name, after, channels, bias=item.bias)
        elif isinstance(item, BatchNormSpec):
            notes.norm_forward(
                recorder, item.kind, name, sources[0], after, rows=channels, channels=channels, running=True
            )
        elif isinstance(item, LayerNormSpec):
            rows = after // channels
            notes.norm_forward(
                recorder, item.kind, name, sources[0], after, rows=rows, channels=channels, running=False
            )
        elif isinstance(item, ReluSpec):
            notes.relu_forward(recorder, name, sources[0], after, limited=item.limit is not None)
        elif isinstance(item, GeluSpec):
            notes.gelu_forward(recorder, name, sources[0], after)
        elif isinstance(item, PoolSpec | GlobalPoolSpec):
            notes.pool_forward(recorder, name, sources[0], (before, after), _index_bits(item), gated=node.gated)
        elif isinstance(item, AddSpec):
            notes.add_forward(recorder, name, sources, after, gated=node.gated)
        elif isinstance(item, PositionSpec):
            notes.position_forward(recorder, name, sources[0], after, after // self._images)
        elif isinstance(item, AttentionSpec):
            self._attention_forward(node)
        else:
            assert isinstance(item, FlattenSpec)

    def _attention_forward(self, node: Node) -> None:
        recorder, name, shape = self._recorder, node.name, node.attention_shape(self._images)
        q, k, v = (self._activation(node, which) for which in range(3))
        q_low, k_low, v_low = (f"{source}.low" for source in node.sources)
        x, w = as_queries(q, shape), as_keys(k, shape)
        scores, context = shape.scores, shape.context
        names = (q_low, k_low)
        recorder.operation(
            f"{name}.scores", Stage.FF, scores, reads=names, writes=f"{name}.scores.sums", x=_bits(x), w=_bits(w)
        )
        size = scores.x_shape[1] * scores.k
        notes.softmax_forward(recorder, name, size)
        fmt = self._formats.activation
        notes.quantize(recorder, f"{name}.weights", Stage.FF, f"{name}.weights", size, fmt)
        p = self._masks.activation(f"{name}.weights", context.x_shape)
        self._activations[f"{name}.weights"] = p
        recorder.operation(
            f"{name}.context",
            Stage.FF,
            context,
            reads=(f"{name}.weights.low", v_low),
            writes=f"{name}.sums",
            x=_bits(p),
            w=_bits(as_values(v, shape)),
        )
        notes.sums_forward(recorder, name, self._size(node.output_shape), node.output_shape[2], bias=False)

    # ---- backward --------------------------------------------------------------------------------------------

    def _backward(self, node: Node) -> None:
        recorder, item, name, source = self._recorder, node.spec, node.name, node.sources[0]
        before, after = self._size(node.input_shapes[0]), self._size(node.output_shape)
        channels = node.output_shape[2]
        if isinstance(item, FlattenSpec):  # its gradient has the name of what it flattens
            return
        if isinstance(item, ConvSpec | LinearSpec):
            self._mac_backward(node, item)
            return
        if not any(node.needs_gradient) and not isinstance(item, BatchNormSpec | LayerNormSpec | PositionSpec):
            return
        if isinstance(item, BatchNormSpec):
            notes.norm_backward(recorder, item.kind, name, source, after, rows=channels, channels=channels)
        elif isinstance(item, LayerNormSpec):
            notes.norm_backward(recorder, item.kind, name, source, after, rows=after // channels, channels=channels)
        elif isinstance(item, ReluSpec):
            notes.relu_backward(recorder, name, source, after)
        elif isinstance(item, GeluSpec):
            notes.gelu_backward(recorder, name, source, after)
        elif isinstance(item, PoolSpec | GlobalPoolSpec):
            notes.pool_backward(recorder, name, source, (before, after), _index_bits(item))
        elif isinstance(item, AddSpec):
            notes.add_backward(recorder, name, node.sources, after)
        elif isinstance(item, PositionSpec):
            notes.position_backward(recorder, name, source, after, after // self._images)
        else:
            self._attention_backward(node)
        self._hand_back(node)

    def _mac_backward(self, node: Node, item: ConvSpec | LinearSpec) -> None:
        recorder, name, source = self._recorder, node.name, node.sources[0]
        shape, size = node.mac_shape(self._images), self._size(node.output_shape)
        gradient = self._masks.gradient(name, self._batch(node.output_shape))
        notes.quantize(recorder, name, Stage.BP, f"{name}.gradient", size, self._formats.gradient)
        if item.bias:
            notes.bias_gradient(recorder, name, size, shape.k)
        dy = self._pack(f"{name}.gradient", gradient, shape.y_shape)
        if node.needs_gradient[0]:
            needed = self._needed(node, shape)
            recorder.steps.append(
                Operation(
                    name,
                    Stage.BP,
                    shape,
                    (f"{name}.gradient.low", f"{name}.w.low", f"{source}.mask"),
                    f"{source}.gradient",
                    w=self._weight(name, shape),
                    dy=dy,
                    output_needed=needed,
                )
            )
        pruned = self._masks.pruned(name)
        recorder.steps.append(
            Operation(
                name,
                Stage.WG,
                shape,
                (f"{source}.low", f"{name}.gradient.low", f"{name}.w.mask"),
                f"{name}.w.gradient",
                x=self._pack(source, self._activation(node), shape.x_shape),
                dy=dy,
                output_needed=None if pruned is None else self._pack(f"{name}.w.mask", pruned, shape.w_shape),
            )
        )
        self._hand_back(node)

    def _attention_backward(self, node: Node) -> None:
        recorder, name, shape = self._recorder, node.name, node.attention_shape(self._images)
        q, k, v = (self._activation(node, which) for which in range(3))
        scores, context = shape.scores, shape.context
        size, inner = self._size(node.output_shape), scores.x_shape[1] * scores.k
        fmt = self._formats.gradient
        notes.quantize(recorder, name, Stage.BP, f"{name}.gradient", size, fmt)
        dy = _bits(as_queries(self._masks.gradient(name, self._batch(node.output_shape)), shape))
        of_queries, of_keys, of_values = node.sources
        recorder.operation(
            f"{name}.context",
            Stage.BP,
            context,
            reads=(f"{name}.gradient.low", f"{of_values}.low", f"{name}.weights.mask"),
            writes=f"{name}.weights.gradient",
            w=_bits(as_values(v, shape)),
            dy=dy,
        )
        recorder.operation(
            f"{name}.context",
            Stage.WG,
            context,
            reads=(f"{name}.weights.low", f"{name}.gradient.low", f"{of_values}.mask"),
            writes=f"{of_values}.gradient",
            x=_bits(self._activations[f"{name}.weights"]),
            dy=dy,
        )
        notes.softmax_backward(recorder, name, inner)
        notes.quantize(recorder, f"{name}.scores", Stage.BP, f"{name}.scores.gradient", inner, fmt)
        ds = _bits(self._masks.gradient(f"{name}.scores", scores.y_shape))
        recorder.operation(
            f"{name}.scores",
            Stage.BP,
            scores,
            reads=(f"{name}.scores.gradient.low", f"{of_keys}.low", f"{of_queries}.mask"),
            writes=f"{of_queries}.gradient",
            w=_bits(as_keys(k, shape)),
            dy=ds,
        )
        recorder.operation(
            f"{name}.scores",
            Stage.WG,
            scores,
            reads=(f"{of_queries}.low", f"{name}.scores.gradient.low", f"{of_keys}.mask"),
            writes=f"{of_keys}.gradient",
            x=_bits(as_queries(q, shape)),
            dy=ds,
        )

    def _weight(self, name: str, shape: ConvShape) -> BitTensor:
        return self._pack(f"{name}.w", self._masks.weight(name), shape.w_shape)

    def _needed(self, node: Node, shape: ConvShape) -> BitTensor | None:
        """Where dX of a layer is needed: known beforehand if what it reads comes from a ReLU."""
        source = node.sources[0]
        number = node.inputs[0]
        if number == 0 or not self._graph.nodes[number - 1].gated:
            return None
        mask = self._masks.needed(source, self._batch(node.input_shapes[0]))
        return None if mask is None else self._pack(f"{source}.mask", mask, shape.x_shape)


def updates(
    parameters: Iterable[tuple[str, str, int, bool]],
    masks: Mapping[str, Mask],
    formats: notes.Formats,
    recorder: Recorder,
) -> None:
    """Note the update of (layer, parameter, size, whether it decays) by gradient descent with momentum."""
    for layer, parameter, size, decays in parameters:
        mask = masks.get(layer) if decays else None
        kept = size if mask is None else int(np.count_nonzero(mask))
        notes.update(
            recorder,
            layer,
            parameter,
            size=size,
            kept=kept,
            moments=("momentum",),
            operations=6 if decays else 4,
            low=formats.weight if mask is not None else None,
            masked=kept < size,
        )


def _index_bits(item: PoolSpec | GlobalPoolSpec) -> int:
    return notes.index_bits(item.size) if isinstance(item, PoolSpec) and item.kind == "max_pool" else 0


def _bits(mask: Mask) -> BitTensor:
    return BitTensor.from_bool(mask)
