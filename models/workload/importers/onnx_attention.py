"""Attention in an ONNX graph: two products of activations with a softmax between them, or the operator Attention.

Queries, keys and values are views whose axes are, in any order of the images and heads: (.., tokens, depth).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .onnx_translation import Node, Translation
from .onnx_views import Axes, Factor, View, joined, reshaped


@dataclass(frozen=True)
class Scores:
    """Q K^T, times `scale`, and after `softmax` the weights of the values."""

    query: View
    key: View
    scale: float
    softmax: bool = False

    @property
    def what(self) -> str:
        """Names it in an error."""
        return f"{'a softmax of ' if self.softmax else ''}the scores of an attention"


def multiply(translation: Translation, node: Node) -> None:
    """MatMul of two tensors that images make: Q and K, or the softmax and V."""
    first = translation.tensors.get(node.name(0))
    if isinstance(first, Scores):
        _finish(translation, node, first, translation.view(node, 1))
        return
    query, key = translation.view(node), translation.view(node, 1)
    if len(key.axes) < 2:
        raise translation.problem(node, "multiplies layers' outputs, but not as queries and keys (.., depth, tokens)")
    upright = (*key.axes[:-2], key.axes[-1], key.axes[-2])
    scale = query.scale * key.scale
    key = replace(key, axes=upright, scale=1.0)
    query = replace(query, scale=1.0)
    _heads(translation, node, query, key)
    translation.give(node, Scores(query, key, scale))


def scale(translation: Translation, node: Node, scores: Scores, factor: float) -> None:
    """Scores times a constant."""
    if scores.softmax:
        raise translation.problem(node, f"multiplies {scores.what}, which no layer here does")
    translation.give(node, replace(scores, scale=scores.scale * factor))


def softmax(translation: Translation, node: Node, scores: Scores) -> None:
    """Over the keys."""
    if node.integer("axis", -1) not in (-1, len(scores.query.axes) - 1) or scores.softmax:
        raise translation.problem(node, f"of {scores.what}: only once, and over the last axis")
    translation.give(node, replace(scores, softmax=True))


def operator(translation: Translation, node: Node) -> None:
    """Attention: (n, tokens, c) with a number of heads, or (n, heads, tokens, depth)."""
    heads = node.integer("q_num_heads", 0)
    of_keys = node.integer("kv_num_heads", heads)
    views = [translation.view(node, index) for index in range(3)]
    ranks = {len(view.axes) for view in views}
    wanted = 4 if not heads else 3
    more = len([name for name in node.inputs if name]) != 3 or len(node.outputs) != 1 or node.integer("is_causal", 0)
    if ranks != {wanted} or heads < 0 or of_keys != heads or more or any(view.scale != 1.0 for view in views):
        text = "three inputs (n, tokens, c) and one number of heads, or (n, heads, tokens, depth); no mask, no past"
        raise translation.problem(node, text)
    if node.number("softcap", 0.0):
        raise translation.problem(node, "softcap has no counterpart here")
    for name in ("qk_matmul_output_mode", "softmax_precision"):  # of an output that nobody reads; of the vector unit
        node.get(name, 0)
    if heads:
        views = [_apart(translation, node, view, heads) for view in views]
    query, key, value = views
    depth = query.shape[-1]
    scores = Scores(query, key, node.number("scale", 0.0) or 1 / math.sqrt(depth), softmax=True)
    _heads(translation, node, query, key)
    _finish(translation, node, scores, value)
    found = translation.view_of(node.output())
    if heads:
        images, of_heads, tokens, depths = found.axes
        translation.tensors[node.output()] = replace(found, axes=(images, tokens, joined((*of_heads, *depths))))


def _apart(translation: Translation, node: Node, view: View, heads: int) -> View:
    images, tokens, channels = view.shape
    if channels % heads:
        raise translation.problem(node, f"{channels} channels do not divide into {heads} heads")
    try:
        axes = reshaped(view.axes, (images, tokens, heads, channels // heads))
    except ValueError as error:
        raise translation.problem(node, str(error)) from None
    return replace(view, axes=(axes[0], axes[2], axes[1], axes[3]))


def _heads(translation: Translation, node: Node, query: View, key: View) -> int:
    """Their number. ImportProblem where queries and keys do not go together."""
    if any(factor.of == "images" for view in (query, key) for axis in view.axes[-2:] for factor in axis):
        raise translation.problem(node, "attends from image to image: the input's first axis is that of the images")
    if _walks(query.axes[:-2]) != _walks(key.axes[:-2]) or query.shape[-1] != key.shape[-1]:
        raise translation.problem(node, f"queries {query.shape} and keys {key.shape} have different heads")
    heads = 1
    for view in (query, key):
        outer = [factor for axis in view.axes[:-2] for factor in axis]
        of_heads = [factor for factor in outer if factor.of == "channels"]
        depths = view.axes[-1] or (Factor("channels", 1, 1),)
        alike = all(factor.of == "positions" for factor in view.axes[-2]) and [f.of for f in depths] == ["channels"]
        if len(view.axes) < 3 or not alike or len(of_heads) > 1 or any(f.of == "positions" for f in outer):
            raise translation.problem(node, "multiplies layers' outputs, but not as (.., tokens, depth) in attention")
        heads = of_heads[0].size if of_heads else 1
    return heads


def _walks(axes: Axes) -> list[tuple[str, int]]:
    return [(factor.of, factor.size) for axis in axes for factor in axis]


def _finish(translation: Translation, node: Node, scores: Scores, value: View) -> None:
    """The layer, once the values have come."""
    query, key = scores.query, scores.key
    heads, depth = _heads(translation, node, query, value), query.shape[-1]
    if not scores.softmax:
        raise translation.problem(node, "multiplies the scores of an attention without a softmax between")
    if not math.isclose(scores.scale * value.scale, 1 / math.sqrt(depth), rel_tol=1e-3) or value.scale != 1.0:
        text = f"its scores are multiplied by {scores.scale:.6g}; here by one over the root of the depth {depth}"
        raise translation.problem(node, text)
    names = [
        translation.part(node, view, role)
        for view, role in ((query, "query"), (key, "key"), (value, "value"))
    ]  # fmt: skip
    name = translation.layer(node, "attention", names, key=names[1], value=names[2], heads=heads)
    outer = tuple(
        joined([f._replace(step=depth) if f.of == "channels" else f for f in axis]) for axis in query.axes[:-2]
    )
    axes = (*outer, query.axes[-2], joined([Factor("channels", depth, 1)]))
    translation.give(node, View(name, axes))
