"""The graph of a network: from its description to names, shapes, and who reads what. It computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..numerics.vecmath import Pooling
from ..tensors import ConvShape
from .errors import NetworkError
from .interface import LayerInfo
from .network_schema import (
    AddSpec,
    AnyLayer,
    AttentionSpec,
    BatchNormSpec,
    ConvSpec,
    FlattenSpec,
    GlobalPoolSpec,
    LayerNormSpec,
    LinearSpec,
    NetworkSpec,
    PoolSpec,
    PositionSpec,
    ReluSpec,
)

INPUT = "input"
"""Name of the network's input, for layers that read it."""

PARAMETERS = frozenset({"conv", "linear", "batch_norm", "layer_norm", "position"})
"""Kinds of layers that learn."""

MAX_ELEMENTS = 1 << 30
"""Of one image's activations after a layer, and of a layer's weights."""

Shape = tuple[int, int, int]
"""(h, w, c) of one image."""


@dataclass(frozen=True)
class AttentionShape:
    """Attention over `n` images as two convolutions of one image, each (image, head) a group of its own.

    Scores: X is Q as (1, tokens, 1, n * channels), W is K as (n * heads * tokens, 1, 1, depth). Context: X is the
    softmax of the scores, as (1, tokens, 1, n * heads * tokens), W is V as (n * channels, 1, 1, tokens).
    """

    n: int
    tokens: int
    heads: int
    depth: int

    @property
    def groups(self) -> int:
        """Heads of all images."""
        return self.n * self.heads

    @property
    def scores(self) -> ConvShape:
        """Q K^T."""
        groups = self.groups
        return ConvShape(1, groups * self.depth, self.tokens, 1, groups * self.tokens, 1, 1, groups=groups)

    @property
    def context(self) -> ConvShape:
        """The weighted sums of V."""
        groups = self.groups
        return ConvShape(1, groups * self.tokens, self.tokens, 1, groups * self.depth, 1, 1, groups=groups)


@dataclass(frozen=True)
class Node:
    """A layer in its place. `inputs` are numbers of tensors, of which 0 is the network's input and i + 1 the output of
    layer i; `sources` are the names of what it reads, flattened tensors by the name of what was flattened."""

    spec: AnyLayer
    name: str
    inputs: tuple[int, ...]
    sources: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    needs_gradient: tuple[bool, ...]
    """For each input: whether something before it learns."""
    gated: bool
    """Whether it is, or hands on, the output of a ReLU: its gradient is not needed where that is zero."""

    @property
    def tensor(self) -> str:
        """Name of its output."""
        return self.sources[0] if isinstance(self.spec, FlattenSpec) else self.name

    def mac_shape(self, images: int) -> ConvShape:
        """The convolution that a `conv` or `linear` layer is."""
        h, w, c = self.input_shapes[0]
        item = self.spec
        if isinstance(item, LinearSpec):
            return ConvShape(images, h * w * c, 1, 1, item.channels, 1, 1)
        assert isinstance(item, ConvSpec)
        columns = item.kernel_width or item.kernel
        return ConvShape(images, c, h, w, item.channels, item.kernel, columns, item.stride, item.pad, item.groups)

    def parameters(self) -> Iterator[tuple[str, int, bool]]:
        """What it learns: names, sizes, and whether weight decay acts on them; the weights to multiply by first."""
        item, name, channels = self.spec, self.name, self.output_shape[2]
        if isinstance(item, ConvSpec | LinearSpec):
            k, r, s, c = self.mac_shape(1).w_shape
            yield f"{name}.w", k * r * s * c, True
            if item.bias:
                yield f"{name}.bias", channels, False
        elif isinstance(item, BatchNormSpec | LayerNormSpec):
            yield f"{name}.gamma", channels, False
            yield f"{name}.beta", channels, False
        elif isinstance(item, PositionSpec):
            yield f"{name}.values", self.output_shape[0] * self.output_shape[1] * channels, False

    def attention_shape(self, images: int) -> AttentionShape:
        """The sizes of an `attention` layer."""
        assert isinstance(self.spec, AttentionSpec)
        h, w, c = self.input_shapes[0]
        return AttentionShape(images, h * w, self.spec.heads, c // self.spec.heads)


class Graph:
    """The layers of a `NetworkSpec` with their shapes.

    Raises NetworkError for an unknown or repeated name, an output that nobody reads, or shapes that do not fit.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.nodes: list[Node] = []
        self._build(spec)
        self._check(spec)

    @property
    def input_shape(self) -> Shape:
        """(h, w, c) of an input image."""
        size = self.spec.input
        return (size.height, size.width, size.channels)

    @property
    def classes(self) -> int:
        """Outputs of the last layer."""
        return self.nodes[-1].output_shape[2]

    @property
    def mac_nodes(self) -> tuple[Node, ...]:
        """The layers with weights to multiply by, in order."""
        return tuple(node for node in self.nodes if isinstance(node.spec, ConvSpec | LinearSpec))

    def layer_info(self, images: int) -> tuple[LayerInfo, ...]:
        """All multiply-accumulates of a training iteration: name, shape and stages, in order."""
        found: list[LayerInfo] = []
        for node in self.nodes:
            if isinstance(node.spec, ConvSpec | LinearSpec):
                found.append(LayerInfo(node.name, node.mac_shape(images), node.needs_gradient[0]))
            elif isinstance(node.spec, AttentionSpec):
                shape = node.attention_shape(images)
                found.append(LayerInfo(f"{node.name}.scores", shape.scores, True, has_weights=False))
                found.append(LayerInfo(f"{node.name}.context", shape.context, True, has_weights=False))
        return tuple(found)

    def _build(self, spec: NetworkSpec) -> None:
        numbers = {INPUT: 0}
        shapes: list[Shape] = [self.input_shape]
        tensors = [INPUT]
        needed, gated = [False], [False]
        counts: dict[str, int] = {}
        for index, item in enumerate(spec.layers):
            here = ("network", "layers", index)
            counts[item.kind] = counts.get(item.kind, 0) + 1
            name = item.name or f"{item.kind}{counts[item.kind]}"
            if name in numbers:
                raise NetworkError(f"layer {name}: the name is taken", here)
            first = (item.input,) if item.input else ()
            for source in (*first, *_more(item)):
                if source not in numbers:
                    raise NetworkError(f"layer {name}: there is no layer {source!r} before it", here)
            inputs = tuple(numbers[source] for source in first) or (len(shapes) - 1,)
            inputs += tuple(numbers[source] for source in _more(item))
            of_inputs = tuple(shapes[i] for i in inputs)
            try:
                shape = output_shape(item, of_inputs)
                _check_size(item, of_inputs[0], shape)
            except ValueError as error:
                raise NetworkError(f"layer {name}: {error}", here) from None
            node = Node(
                item,
                name,
                inputs,
                tuple(tensors[i] for i in inputs),
                of_inputs,
                shape,
                tuple(needed[i] for i in inputs),
                _gated(item, [gated[i] for i in inputs]),
            )
            self.nodes.append(node)
            numbers[name] = len(shapes)
            shapes.append(shape)
            tensors.append(node.tensor)
            needed.append(item.kind in PARAMETERS or any(node.needs_gradient))
            gated.append(node.gated)

    def _check(self, spec: NetworkSpec) -> None:
        read = {i for node in self.nodes for i in node.inputs}
        for index, node in enumerate(self.nodes[:-1]):
            if index + 1 not in read:
                raise NetworkError(f"layer {node.name}: nothing reads its output", ("network", "layers", index))
        last = self.nodes[-1]
        if spec.loss != "none" and last.output_shape[:2] != (1, 1):
            text = f"layer {last.name}: the last layer gives classes, 1x1, not {last.output_shape[:2]}"
            raise NetworkError(text, ("network", "layers", len(self.nodes) - 1))


def _more(item: AnyLayer) -> tuple[str, ...]:
    """What it reads beside its input."""
    if isinstance(item, AddSpec):
        return (item.other,)
    return (item.key, item.value) if isinstance(item, AttentionSpec) else ()


def _gated(item: AnyLayer, inputs: Sequence[bool]) -> bool:
    if isinstance(item, ReluSpec):
        return True
    # A sum of two is needed where either is.
    return isinstance(item, PoolSpec | GlobalPoolSpec | FlattenSpec | AddSpec) and all(inputs)


def _check_size(item: AnyLayer, first: Shape, shape: Shape) -> None:
    """ValueError for tensors that nobody means, before memory is taken."""
    weights = 0
    if isinstance(item, ConvSpec):
        weights = item.channels * item.kernel * (item.kernel_width or item.kernel) * first[2] // item.groups
    elif isinstance(item, LinearSpec):
        weights = item.channels * first[0] * first[1] * first[2]
    for what, size in (("its output", shape[0] * shape[1] * shape[2]), ("its weights", weights)):
        if size > MAX_ELEMENTS:
            raise ValueError(f"{what} would have {size} elements; at most {MAX_ELEMENTS}")


def output_shape(item: AnyLayer, inputs: Sequence[Shape]) -> Shape:
    """Of a layer that reads tensors of the shapes `inputs`. ValueError where they do not fit."""
    h, w, c = inputs[0]
    if isinstance(item, ConvSpec):
        columns = item.kernel_width or item.kernel
        shape = ConvShape(1, c, h, w, item.channels, item.kernel, columns, item.stride, item.pad, item.groups)
        return (shape.p, shape.q, shape.k)
    if isinstance(item, LinearSpec):
        return (1, 1, item.channels)
    if isinstance(item, PoolSpec):
        return Pooling(item.size, item.stride or item.size, item.pad).output_shape((1, h, w, c))[1:]
    if isinstance(item, GlobalPoolSpec):
        return (1, 1, c)
    if isinstance(item, FlattenSpec):
        return (1, 1, h * w * c)
    if isinstance(item, AddSpec) and inputs[0] != inputs[1]:
        raise ValueError(f"adds tensors of different shapes, {inputs[0]} and {inputs[1]}")
    if isinstance(item, AttentionSpec):
        if len(set(inputs)) > 1:
            raise ValueError(f"queries, keys and values have different shapes, {', '.join(map(str, inputs))}")
        if c % item.heads:
            raise ValueError(f"{c} channels do not divide into {item.heads} heads")
    return inputs[0]
