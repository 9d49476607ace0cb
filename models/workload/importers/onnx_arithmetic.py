"""Elementwise arithmetic in an ONNX graph: sums, biases, position embeddings, steps of a GELU or layer norm."""

from __future__ import annotations

import math
from dataclasses import replace

from . import onnx_attention as attention
from . import onnx_pieces as pieces
from .onnx_constants import Constant
from .onnx_pieces import Gate, Norm, Polynomial
from .onnx_translation import Node, Translation
from .onnx_views import View, size_of


def binary(translation: Translation, node: Node) -> None:
    """Add, Sub, Mul, Div and Pow of two tensors of which one at least is no constant."""
    known = [name in translation.tensors for name in node.inputs]
    if len(known) != 2 or not any(known):
        missing = next((name for name in node.inputs if name not in translation.constants), "")
        raise translation.problem(node, f"its input {missing!r} is no layer's output")
    if all(known):
        _two_tensors(translation, node)
    else:
        at = known.index(True)
        translation.constant(node, 1 - at)
        _with_constant(translation, node, at)


def _two_tensors(translation: Translation, node: Node) -> None:
    first, second = (translation.tensors[name] for name in node.inputs)
    norm = pieces.of_two(node.op, first, second)
    if norm is not None:
        translation.give(node, norm)
        return
    if node.op == "Mul" and isinstance(first, Gate):
        first, second = second, first
    if node.op == "Mul" and isinstance(first, View) and isinstance(second, Gate):
        pieces.gated(translation, node, first, second)
        return
    if isinstance(first, View | Polynomial) and isinstance(second, View | Polynomial):
        of_one = pieces.base(first) == pieces.base(second)
        if node.op == "Mul" and of_one:
            translation.give(node, pieces.multiplied(first, second))
            return
        if node.op == "Add" and of_one and (isinstance(first, Polynomial) or isinstance(second, Polynomial)):
            translation.give(node, pieces.added(first, second))
            return
    if node.op != "Add":
        raise translation.problem(node, "of two layers' outputs has no layer here")
    one, other = translation.whole(node), translation.whole(node, 1)
    if one.axes != other.axes:
        raise translation.problem(node, f"adds tensors whose axes differ, {one.shape} and {other.shape}")
    name = translation.layer(node, "add", [one.layer, other.layer], other=other.layer)
    translation.give(node, one.on(name))


def _with_constant(translation: Translation, node: Node, at: int) -> None:
    found, number = translation.tensors[node.inputs[at]], translation.scalar(node, 1 - at)
    constant = translation.constant(node, 1 - at)
    if isinstance(found, Norm):
        if _norm(translation, node, found, constant, number, at == 0):
            return
    elif number is not None and number != 0.0 and (node.op == "Mul" or (node.op == "Div" and at == 0)):
        factor = number if node.op == "Mul" else 1.0 / number
        if isinstance(found, attention.Scores):
            attention.scale(translation, node, found, factor)
            return
        if isinstance(found, View | Polynomial):
            translation.give(node, _scaled(found, factor))
            return
        if isinstance(found, Gate) and found.one:
            translation.give(node, replace(found, factor=found.factor * factor))
            return
    elif node.op == "Add" and isinstance(found, Gate) and not found.one and number == 1.0:
        translation.give(node, replace(found, one=True))
        return
    elif node.op == "Pow" and at == 0 and isinstance(found, View) and number in (2.0, 3.0):
        power = pieces.multiplied(found, found)
        translation.give(node, power if number == 2.0 else pieces.multiplied(power, found))
        return
    if node.op != "Add":
        raise translation.problem(node, f"by a constant of shape {constant.shape} has no layer here")
    _add_constant(translation, node, at, constant)


def _scaled(found: View | Polynomial, factor: float) -> View | Polynomial:
    made = pieces.scaled(found, factor)
    if isinstance(made, View) and math.isclose(made.scale, 1.0, rel_tol=1e-6):
        return replace(made, scale=1.0)
    return made


def _add_constant(translation: Translation, node: Node, at: int, constant: Constant) -> None:
    view = translation.view(node, at)
    last = (1,) * (len(constant.shape) - 1) + (view.shape[-1],) if view.axes else ()
    if constant.shape == last and len(constant.shape) <= len(view.axes) and translation.add_bias(node, at):
        return
    view = translation.whole(node, at)
    images = [any(factor.of == "images" for factor in axis) for axis in view.axes]
    wanted = tuple(1 if of_images else size_of(axis) for axis, of_images in zip(view.axes, images, strict=True))
    shape = (1,) * (len(wanted) - len(constant.shape)) + constant.shape
    if shape != wanted or not any(factor.of == "positions" for factor in view.factors):
        text = f"adds a constant of shape {constant.shape}, which is neither bias nor position embedding"
        raise translation.problem(node, text)
    name = translation.layer(node, "position", [view.layer])
    translation.give(node, view.on(name))


def _norm(
    translation: Translation, node: Node, found: Norm, constant: Constant, number: float | None, first: bool
) -> bool:
    if number is not None:
        after = pieces.with_number(node.op, found, number, first)
        if after is not None:
            translation.give(node, after)
            return True
    channels = (found.x.shape[-1],)
    if (node.op, found.stage) == ("Mul", "normed") and constant.shape == channels:
        translation.give(node, found.to("scaled"))
        return True
    if (node.op, found.stage) == ("Add", "scaled") and constant.shape == channels:
        source = translation.complete(node, found.x)
        name = translation.layer(node, "layer_norm", [source.layer], epsilon=found.epsilon)
        translation.give(node, source.on(name))
        return True
    raise translation.problem(node, f"its input is {found.what}, which it does not finish as a layer here")


def unary(translation: Translation, node: Node) -> None:
    """Sqrt and Reciprocal, in a layer norm."""
    found = translation.tensors.get(node.name(0))
    after = pieces.of_one(found, node.op) if isinstance(found, Norm) else None
    if after is None:
        raise translation.problem(node, "has no layer here but in a layer norm")
    translation.give(node, after)
