"""An ONNX graph on its way to a NetworkSpec: the layers found so far, and what each of its tensors is.

A tensor is a `View` of a layer's output, a constant, or the unfinished part of something that is one layer here and
many nodes there: an attention, a GELU, a layer norm. Whatever reads an unfinished part and does not finish it is an
error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import TypeAdapter, ValidationError

from ..errors import NetworkError
from ..graph import Graph, Shape, output_shape
from ..network_schema import AnyLayer, NetworkSpec
from . import ImportProblem
from .onnx_constants import Constant, Values
from .onnx_views import Factor, View, flat_axes, image_axes, joined, token_axes
from .scale_sim import unique

FREE_IMAGES = 1_000_003
"""Stands for a number of images that the file leaves open: a prime, so that no reshape takes it for something else."""

_layer: TypeAdapter[Any] = TypeAdapter(AnyLayer)


class Unfinished(Protocol):
    """A tensor that is only a part of a layer."""

    @property
    def what(self) -> str:
        """Names it in an error."""


class Node:
    """A node of the graph, its attributes taken out one after the other: what is left over at the end is an error.

    What a file says of a node need not be so: attributes are asked for by their type, outputs by their number.
    """

    def __init__(self, file: Path, proto: Any, value_of: Any) -> None:
        self._file = file
        self.op = str(proto.op_type)
        self.domain = str(proto.domain)
        self.inputs = tuple(map(str, proto.input))  # bytes, where a name is not UTF-8
        self.outputs = tuple(map(str, proto.output))
        self.label = str(proto.name or (proto.output[0] if proto.output else "?"))
        self.attributes: dict[str, Any] = {}
        for attribute in proto.attribute:
            try:
                self.attributes[attribute.name] = value_of(attribute)
            except ValueError:
                raise self.problem(f"attribute {attribute.name} is of no known type") from None

    def problem(self, what: str) -> ImportProblem:
        """To be raised."""
        op = self.op if self.op.isprintable() else repr(self.op)
        return ImportProblem(f"{self._file}: operator {op}, node {self.label!r}: {what}")

    def get(self, name: str, default: Any) -> Any:
        """An attribute of whatever type, taken out."""
        return self.attributes.pop(name, default)

    def _typed(self, name: str, kind: type, what: str) -> Any:
        """None where it is left out."""
        value = self.get(name, None)
        if value is not None and not isinstance(value, kind):
            raise self.problem(f"attribute {name} = {value!r}: expected {what}")
        return value

    def integer(self, name: str, default: int) -> int:
        """A whole number, taken out."""
        value = self._typed(name, int, "a whole number")
        return default if value is None else int(value)

    def number(self, name: str, default: float) -> float:
        """A number, taken out."""
        value = self._typed(name, float, "a number")
        return default if value is None else float(value)

    def text(self, name: str, default: bytes) -> bytes:
        """A string, taken out."""
        value = self._typed(name, bytes, "a string")
        return default if value is None else bytes(value)

    def integers(self, name: str) -> list[int] | None:
        """A list of whole numbers, taken out; None where it is left out."""
        value = self._typed(name, list, "whole numbers")
        if value is not None and not all(isinstance(item, int) for item in value):
            raise self.problem(f"attribute {name} = {value!r}: expected whole numbers")
        return None if value is None else list(value)

    def name(self, index: int) -> str:
        """Of an input; "" where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def output(self, index: int = 0) -> str:
        """The name of an output. ImportProblem where there is none."""
        if index >= len(self.outputs) or not self.outputs[index]:
            raise self.problem(f"has no output {index}")
        return str(self.outputs[index])


class Translation:
    """What the translators of single operators work with."""

    def __init__(self, file: Path, outputs: set[str]) -> None:
        self.file, self.outputs = file, outputs
        self.constants: dict[str, Constant] = {}
        self.tensors: dict[str, View | Unfinished] = {}
        self.layers: list[dict[str, Any]] = []
        self.parts: dict[str, dict[bytes, dict[str, Any]]] = {}
        """Of products that are read in parts: by the channels of a part, the layer that it becomes."""
        self.read: set[str] = set()
        """Tensors that some node has read."""
        self._shapes: dict[str, Shape] = {}
        self._names: set[str] = {"input"}
        self._whole: set[str] = set()  # layers that are read whole
        self._made_by_products: dict[str, int] = {}  # their numbers

    # ---- errors ----------------------------------------------------------------------------------------------

    def problem(self, node: Node, what: str) -> ImportProblem:
        """To be raised."""
        return node.problem(what.replace(str(FREE_IMAGES), "n"))

    def done_with(self, node: Node) -> None:
        """All of its attributes have been understood."""
        if node.attributes:
            name, value = next(iter(node.attributes.items()))
            raise self.problem(node, f"attribute {name} = {value!r} has no counterpart here")

    # ---- what a node reads -----------------------------------------------------------------------------------

    def view(self, node: Node, index: int = 0) -> View:
        """An input that is a layer's output or a part of it."""
        name = node.name(index)
        found = self.tensors.get(name)
        if found is None:
            raise self.problem(node, f"its input {name!r} is no layer's output")
        if not isinstance(found, View):
            raise self.problem(node, f"its input {name!r} is {found.what}, which it does not finish as a layer here")
        return found

    def whole(self, node: Node, index: int = 0) -> View:
        """An input that is all of a layer's output."""
        return self.complete(node, self.view(node, index))

    def complete(self, node: Node, found: View) -> View:
        """The same of a view that is at hand."""
        if found.scale != 1.0:
            raise self.problem(node, f"reads {found.layer} times {found.scale:.6g}, which no layer here gives")
        if not self._covers(found):
            raise self.problem(node, f"reads a part of the output of {found.layer}")
        self._whole.add(found.layer)
        return found

    def _covers(self, view: View) -> bool:
        height, width, channels = self._shapes[view.layer]
        return view.covers("positions", height * width) and view.covers("channels", channels)

    def by_channels(self, node: Node, index: int = 0) -> View:
        """The same with the channels, and nothing else, along the last axis."""
        found = self.whole(node, index)
        if not self.last_is_channels(found):
            raise self.problem(node, f"the last axis of its input {node.name(index)!r} is not that of the channels")
        return found

    def last_is_channels(self, found: View) -> bool:
        """Whether all channels, and nothing else, are along the last axis."""
        return bool(found.axes) and found.axes[-1] == joined([Factor("channels", self._shapes[found.layer][2], 1)])

    def image(self, node: Node) -> View:
        """The first input, (n, c, h, w)."""
        found = self.whole(node)
        if found.axes != image_axes(_images(found), *self._shapes[found.layer]):
            raise self.problem(node, f"its input {node.name(0)!r} is not (images, channels, rows, columns)")
        return found

    def constant(self, node: Node, index: int) -> Constant:
        """An input that is constant."""
        name = node.name(index)
        if name not in self.constants:
            raise self.problem(node, f"its input {name!r} must be a constant")
        return self.constants[name]

    def values(self, node: Node, index: int) -> Values:
        """The elements of a small constant."""
        try:
            return self.constant(node, index).read()
        except ValueError as error:
            raise self.problem(node, f"its input {node.name(index)!r} {error}") from None

    def integers(self, node: Node, index: int) -> list[int]:
        """The elements of a small constant of whole numbers, in a row."""
        found = self.values(node, index)
        if found.dtype.kind not in "iu":
            raise self.problem(node, f"its input {node.name(index)!r} must be whole numbers")
        return [int(value) for value in found.reshape(-1)]

    def scalar(self, node: Node, index: int) -> float | None:
        """The one element of a constant; None where it has more, or there is none."""
        found = self.constants.get(node.name(index))
        if found is None or any(size != 1 for size in found.shape):
            return None
        return float(self.values(node, index).reshape(-1)[0])

    def view_of(self, name: str) -> View:
        """What is known to be a view."""
        found = self.tensors[name]
        assert isinstance(found, View)
        return found

    def as_image(self, layer: str, source: View) -> View:
        """(n, c, h, w) of a layer's output, for as many images as `source` has."""
        return View(layer, image_axes(_images(source), *self._shapes[layer]))

    def as_flat(self, layer: str, source: View) -> View:
        """(n, c) of a layer that has one position."""
        return View(layer, flat_axes(_images(source), self._shapes[layer][2]))

    # ---- what it gives ---------------------------------------------------------------------------------------

    def give(self, node: Node, tensor: View | Unfinished, index: int = 0) -> None:
        """The node's output is this."""
        self.done_with(node)
        self.tensors[node.output(index)] = tensor

    def layer(self, node: Node, kind: str, sources: Sequence[str], **more: Any) -> str:
        """A new layer's name; `sources` are the layers that it reads."""
        self.done_with(node)
        name = unique(node.label, self._names)
        described = {"kind": kind, "name": name, "input": sources[0]} | more
        try:
            shape = output_shape(_layer.validate_python(described), [self._shapes[source] for source in sources])
        except ValidationError as error:
            first = error.errors()[0]
            raise self.problem(node, f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}") from None
        except ValueError as error:
            raise self.problem(node, str(error)) from None
        self.layers.append(described)
        self._shapes[name] = shape
        return name

    def input(self, name: str, sizes: Sequence[int]) -> dict[str, int]:
        """The graph's input: the network's `input`. Raises ImportProblem for sizes that are not known."""
        if len(sizes) not in (2, 3, 4) or not all(size > 0 for size in sizes[1:]):
            sizes = list(sizes)
            raise ImportProblem(f"{self.file}: input {name}: sizes must be known, but for the batch: {sizes}")
        images = sizes[0] if sizes[0] > 0 else FREE_IMAGES
        if len(sizes) == 2:
            axes, shape = flat_axes(images, sizes[1]), (1, 1, sizes[1])
        elif len(sizes) == 3:
            axes, shape = token_axes(images, *sizes[1:]), (sizes[1], 1, sizes[2])
        else:
            axes, shape = image_axes(images, sizes[2], sizes[3], sizes[1]), (sizes[2], sizes[3], sizes[1])
        self._shapes["input"] = shape
        self.tensors[name] = View("input", axes)
        return dict(zip(("height", "width", "channels"), shape, strict=True))

    def part(self, node: Node, view: View, role: str) -> str:
        """The layer whose whole output a view is, or becomes: of a product that is read in parts, each is a layer.

        Which channels of the product a part has does not matter, as its weights are drawn anew.
        """
        if self._covers(view):
            in_order = joined([factor for factor in view.factors if factor.of == "channels"])
            if len(in_order) > 1 and view.layer not in self._made_by_products:
                raise self.problem(node, f"reads the channels of {view.layer} in another order than they have")
            self._whole.add(view.layer)
            return view.layer
        height, width, channels = self._shapes[view.layer]
        if view.layer not in self._made_by_products or not view.covers("positions", height * width):
            raise self.problem(node, f"reads a part of the output of {view.layer}, which is no matrix product")
        at = np.array([view.channel])
        for factor in view.factors:
            if factor.of == "channels":
                at = (at[:, None] + factor.step * np.arange(factor.size)).reshape(-1)
        taken = np.zeros(channels, np.bool_)
        taken[at] = True
        parts = self.parts.setdefault(view.layer, {})
        if taken.tobytes() not in parts:
            name = unique(f"{view.layer}_{role}", self._names)
            parts[taken.tobytes()] = {"name": name, "channels": at.size}
            self._shapes[name] = (height, width, at.size)
        return str(parts[taken.tobytes()]["name"])

    def product(self, node: Node, kind: str, source: str, **more: Any) -> str:
        """The layer of a matrix product with weights; it may be read in parts, and given a bias after."""
        name = self.layer(node, kind, [source], **more)
        self._made_by_products[name] = len(self.layers) - 1
        return name

    def add_bias(self, node: Node, index: int) -> bool:
        """Whether an input is a matrix product that has no bias yet and that nobody has read; then it gets one."""
        found = self.tensors.get(node.name(index))
        if not isinstance(found, View) or found.layer not in self._made_by_products or found.layer in self._whole:
            return False
        described = self.layers[self._made_by_products[found.layer]]
        if described["bias"] or found.layer in self.parts or not self._covers(found):
            return False
        described["bias"] = True
        del self.tensors[node.name(index)]
        self.give(node, found)
        return True

    # ---- the end ---------------------------------------------------------------------------------------------

    def finish(self, name: str, size: dict[str, int], output: str) -> NetworkSpec:
        """The network. Raises ImportProblem where it is none."""
        found = self.tensors.get(output)
        last = self.layers[-1]["name"] if self.layers else None
        if not isinstance(found, View) or found.layer != last or found.scale != 1.0 or not self._covers(found):
            raise ImportProblem(f"{self.file}: output {output}: is not the whole output of the last layer, {last}")
        for tensor, left in self.tensors.items():
            if not isinstance(left, View) and tensor not in self.read:
                raise ImportProblem(f"{self.file}: tensor {tensor!r}: is {left.what}, which nothing reads")
        layers: list[dict[str, Any]] = []
        for layer in self.layers:
            parts = self.parts.get(layer["name"])
            if parts is None:
                layers.append(layer)
                continue
            count = sum(np.frombuffer(taken, np.bool_).astype(int) for taken in parts)
            if layer["name"] in self._whole or not np.all(count == 1):
                raise ImportProblem(
                    f"{self.file}: layer {layer['name']}: is read in parts that are not all of it, once"
                )
            layers += [layer | part for part in parts.values()]
        height, width, _ = self._shapes[found.layer]
        loss = {} if (height, width) == (1, 1) else {"loss": "none"}
        described = {"name": unique(name, set()), "input": size, "layers": layers} | loss
        try:
            spec = NetworkSpec.model_validate(described)
            Graph(spec)
        except NetworkError as error:
            raise ImportProblem(f"{self.file}: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise ImportProblem(f"{self.file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return spec


def _images(view: View) -> int:
    return next((factor.size for factor in view.factors if factor.of == "images"), 1)
