"""The operators of ONNX that are a layer here, or a step to one, and how each is translated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from . import onnx_attention as attention
from .onnx_arithmetic import binary, unary
from .onnx_constants import Constant, new_shape
from .onnx_pieces import Norm, gate
from .onnx_translation import FREE_IMAGES, Node, Translation
from .onnx_views import Axes, View, reshaped

# ---- convolutions and matrix products ------------------------------------------------------------------------------


def _one(translation: Translation, node: Node, name: str, values: Sequence[int]) -> int:
    if len(set(values)) != 1:
        raise translation.problem(node, f"{name} {list(values)} differ, which no layer here has")
    return int(values[0])


def _window(translation: Translation, node: Node, size: Sequence[int]) -> dict[str, Any]:
    strides, pads = node.integers("strides") or [1, 1], node.integers("pads") or [0, 0, 0, 0]
    if len(size) != 2:
        raise translation.problem(node, f"{len(size)} spatial axes; here there are two")
    padded = node.text("auto_pad", b"NOTSET")
    if padded not in (b"NOTSET", b"VALID"):
        raise translation.problem(node, "auto_pad: write the padding out")
    if padded == b"VALID" and any(pads):
        raise translation.problem(node, f"auto_pad VALID, and pads {pads}: one of them only")
    if set(node.integers("dilations") or [1, 1]) != {1}:
        raise translation.problem(node, "dilated windows have no layer here")
    return {"stride": _one(translation, node, "strides", strides), "pad": _one(translation, node, "pads", pads)}


def _conv(translation: Translation, node: Node) -> None:
    filters = translation.constant(node, 1).shape
    kernel = node.integers("kernel_shape")
    window = _window(translation, node, filters[2:])
    if kernel is not None and tuple(kernel) != filters[2:]:
        raise translation.problem(node, f"kernel_shape {kernel}, but weights of shape {filters}")
    more = {
        "channels": filters[0],
        "kernel": filters[2],
        "groups": node.integer("group", 1),
        "bias": bool(node.name(2)),
    }
    if filters[3] != filters[2]:
        more["kernel_width"] = filters[3]
    _spatial(translation, node, "conv", **more, **window)


def _spatial(translation: Translation, node: Node, kind: str, **more: Any) -> None:
    source = translation.image(node)
    name = translation.layer(node, kind, [source.layer], **more)
    translation.give(node, translation.as_image(name, source))


def _gemm(translation: Translation, node: Node) -> None:
    if (node.number("alpha", 1.0), node.number("beta", 1.0), node.integer("transA", 0)) != (1.0, 1.0, 0):
        raise translation.problem(node, "only A B + C, with alpha and beta of 1 and A as it is")
    _product(translation, node, bool(node.integer("transB", 0)), bias=bool(node.name(2)))


def _matmul(translation: Translation, node: Node) -> None:
    if len(node.inputs) == 2 and all(name in translation.tensors for name in node.inputs):
        attention.multiply(translation, node)
    else:
        _product(translation, node, transposed=False, bias=False)


def _product(translation: Translation, node: Node, transposed: bool, bias: bool) -> None:
    source, weights = translation.by_channels(node), translation.constant(node, 1).shape
    if len(weights) != 2:
        raise translation.problem(node, f"weights of shape {weights}; expected two axes")
    channels, reads = weights if transposed else weights[::-1]
    if reads != source.shape[-1]:
        raise translation.problem(node, f"weights of shape {weights} for {source.shape[-1]} channels")
    tokens = any(factor.of == "positions" for factor in source.factors)
    kind, more = ("conv", {"kernel": 1}) if tokens else ("linear", {})
    name = translation.product(node, kind, source.layer, channels=channels, bias=bias, **more)
    translation.give(node, source.on(name, channels))


# ---- norms, activations, pools ---------------------------------------------------------------------------------------


def _batch_norm(translation: Translation, node: Node) -> None:
    if node.integer("training_mode", 0) not in (0, 1):
        raise translation.problem(node, "training_mode is 0 or 1")
    node.get("spatial", 1)
    epsilon, momentum = node.number("epsilon", 1e-5), node.number("momentum", 0.9)
    source = translation.whole(node)
    if len(source.axes) < 2 or {factor.of for factor in source.axes[1]} != {"channels"}:
        raise translation.problem(node, "only over the channels, the second axis")
    name = translation.layer(node, "batch_norm", [source.layer], epsilon=epsilon, momentum=momentum)
    translation.give(node, source.on(name))


def _layer_norm(translation: Translation, node: Node) -> None:
    source = translation.by_channels(node)
    if node.integer("axis", -1) not in (-1, len(source.axes) - 1):
        raise translation.problem(node, "only over the channels, the last axis")
    node.get("stash_type", 1)
    name = translation.layer(node, "layer_norm", [source.layer], epsilon=node.number("epsilon", 1e-5))
    translation.give(node, source.on(name))


def _relu(translation: Translation, node: Node) -> None:
    _elementwise(translation, node, "relu")


def _elementwise(translation: Translation, node: Node, kind: str, **more: Any) -> None:
    source = translation.whole(node)
    name = translation.layer(node, kind, [source.layer], **more)
    translation.give(node, source.on(name))


def _clip(translation: Translation, node: Node) -> None:
    low: float | None = node.number("min", -math.inf)
    high: float | None = node.number("max", math.inf)
    if len(node.inputs) > 2:
        low, high = (translation.scalar(node, index) for index in (1, 2))
    if low != 0.0 or high is None or not 0.0 < high < math.inf:
        raise translation.problem(node, f"clips to {low}..{high}; a limited ReLU clips to 0 and more")
    _elementwise(translation, node, "relu", limit=float(high))


def _gelu(translation: Translation, node: Node) -> None:
    node.get("approximate", b"none")  # both forms; they differ by less than 0.0005
    _elementwise(translation, node, "gelu")


def _max_pool(translation: Translation, node: Node) -> None:
    _pool(translation, node, "max_pool")


def _mean_pool(translation: Translation, node: Node) -> None:
    _pool(translation, node, "mean_pool", counts_pads=bool(node.integer("count_include_pad", 0)))


def _pool(translation: Translation, node: Node, kind: str, counts_pads: bool = False) -> None:
    size = node.integers("kernel_shape") or []
    if node.integer("ceil_mode", 0) or node.integer("storage_order", 0):
        raise translation.problem(node, "ceil_mode and storage_order have no counterpart here")
    window = _window(translation, node, size)
    if counts_pads and window["pad"]:
        raise translation.problem(node, "a mean over padding has no layer here")
    _spatial(translation, node, kind, size=_one(translation, node, "kernel_shape", size), **window)


def _global_pool(translation: Translation, node: Node) -> None:
    _spatial(translation, node, "global_mean_pool")


def _mean(translation: Translation, node: Node) -> None:
    axes = node.integers("axes")
    if axes is None:
        axes = translation.integers(node, 1)
    kept = node.integer("keepdims", 1)
    node.get("noop_with_empty_axes", 0)
    found = translation.tensors.get(node.name(0))
    x = found.x if isinstance(found, Norm) and found.stage == "squared" else translation.view(node)
    over = {axis % len(x.axes) for axis in axes} if x.axes else set()
    if kept and over == {len(x.axes) - 1} and x.scale == 1.0 and translation.last_is_channels(x):
        translation.give(node, found.to("variance") if isinstance(found, Norm) else Norm(x, "mean"))
        return
    source = translation.whole(node)
    walked = {i for i, axis in enumerate(x.axes) if any(factor.of == "positions" for factor in axis)}
    if not over or over - {i for i, axis in enumerate(x.axes) if not axis} != walked:
        text = f"over the axes {list(axes)}; only over all positions, as a global mean, or in a layer norm"
        raise translation.problem(node, text)
    name = translation.layer(node, "global_mean_pool", [source.layer])
    left: Axes = tuple(() if i in over else axis for i, axis in enumerate(x.axes) if kept or i not in over)
    translation.give(node, View(name, left))


def _softmax(translation: Translation, node: Node) -> None:
    found = translation.tensors.get(node.name(0))
    if isinstance(found, attention.Scores):
        attention.softmax(translation, node, found)
    elif node.output() in translation.outputs:  # the loss's
        node.attributes.clear()
        translation.give(node, translation.whole(node))
    else:
        raise translation.problem(node, "stands in front of the output, or between the two products of an attention")


# ---- what moves no element -------------------------------------------------------------------------------------------


def _same(translation: Translation, node: Node) -> None:
    node.attributes.clear()
    name = node.name(0)
    if name not in translation.tensors:
        raise translation.problem(node, f"its input {name!r} is no layer's output")
    translation.give(node, translation.tensors[name])


def _flatten(translation: Translation, node: Node) -> None:
    if node.integer("axis", 1) != 1:
        raise translation.problem(node, "flattens all but the images: axis 1")
    view = translation.view(node)
    shape = view.shape
    _to_shape(translation, node, view, (shape[0], -1) if shape else (1, -1))


def _reshape(translation: Translation, node: Node) -> None:
    asked = translation.integers(node, 1)
    _to_shape(translation, node, translation.view(node), asked, node.integer("allowzero", 0))


def _to_shape(translation: Translation, node: Node, view: View, asked: Sequence[int], zeros: int = 0) -> None:
    if asked and asked[0] == 1 and view.shape[:1] == (FREE_IMAGES,):  # written down for one image
        asked = (FREE_IMAGES, *asked[1:])
    try:
        axes = reshaped(view.axes, new_shape(view.shape, asked, zeros))
    except ValueError as error:
        raise translation.problem(node, str(error)) from None
    images = all(factor.of == "images" for factor in axes[0]) if axes else False
    if len(axes) == 2 and len(view.axes) > 2 and images:  # (n, all the rest)
        source = translation.whole(node)
        name = translation.layer(node, "flatten", [source.layer])
        translation.give(node, translation.as_flat(name, source))
        return
    translation.give(node, replace(view, axes=axes))


def _transpose(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    order = node.integers("perm") or list(reversed(range(len(view.axes))))
    if sorted(order) != list(range(len(view.axes))):
        raise translation.problem(node, f"perm {list(order)} for {len(view.axes)} axes")
    translation.give(node, replace(view, axes=tuple(view.axes[axis] for axis in order)))


def _squeeze(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    single = [i for i, axis in enumerate(view.axes) if not axis]
    asked = _asked_axes(translation, node)
    if asked and not view.axes:
        raise translation.problem(node, f"axes {asked} of a tensor of shape {view.shape}")
    gone = single if asked is None else [axis % len(view.axes) for axis in asked]
    if not set(gone) <= set(single):
        raise translation.problem(node, f"axes {gone} of a tensor of shape {view.shape}")
    translation.give(node, replace(view, axes=tuple(axis for i, axis in enumerate(view.axes) if i not in gone)))


def _unsqueeze(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    asked = _asked_axes(translation, node)
    if asked is None:
        raise translation.problem(node, "does not say which axes")
    new = {axis % (len(view.axes) + len(asked)) for axis in asked}
    if len(new) != len(asked):
        raise translation.problem(node, f"axes {asked} name one twice")
    axes = list(view.axes)
    for axis in sorted(new):
        axes.insert(axis, ())
    translation.give(node, replace(view, axes=tuple(axes)))


def _asked_axes(translation: Translation, node: Node) -> list[int] | None:
    axes = node.integers("axes")
    return translation.integers(node, 1) if axes is None and node.name(1) else axes


def _select(translation: Translation, node: Node, view: View, axis: int, start: int, size: int) -> View:
    whole = view.shape[axis]
    if not (start >= 0 and size >= 1 and start + size <= whole):
        raise translation.problem(node, f"takes {size} from {start} of an axis of {whole}")
    try:
        return view.selected(axis, start, size)
    except ValueError as error:
        raise translation.problem(node, str(error)) from None


def _gather(translation: Translation, node: Node) -> None:
    if node.name(0) in translation.constants:
        raise translation.problem(node, "looks values up by its input: an embedding has no layer here")
    view, at = translation.view(node), translation.constants.get(node.name(1))
    if at is None or not view.axes or at.shape not in ((), (1,)):
        raise translation.problem(node, "takes one element of an axis only, by a constant")
    axis, (index,) = node.integer("axis", 0) % len(view.axes), translation.integers(node, 1)
    whole = view.shape[axis]
    found = _select(translation, node, view, axis, index + (whole if index < 0 else 0), 1)
    if translation.constant(node, 1).shape == ():
        found = replace(found, axes=found.axes[:axis] + found.axes[axis + 1 :])
    translation.give(node, found)


def _split(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    if not view.axes:
        raise translation.problem(node, "splits a tensor that has no axes")
    axis = node.integer("axis", 0) % len(view.axes)
    lengths = node.integers("split")
    if lengths is None and node.name(1):
        lengths = translation.integers(node, 1)
    count = node.integer("num_outputs", len(node.outputs))
    if lengths is None:
        if count != len(node.outputs) or not count:
            raise translation.problem(node, f"num_outputs {count}, and {len(node.outputs)} outputs")
        lengths = [-(-view.shape[axis] // count)] * count
    if len(lengths) != len(node.outputs) or sum(lengths) != view.shape[axis]:
        raise translation.problem(node, f"into {lengths} of an axis of {view.shape[axis]}")
    start = 0
    for index, size in enumerate(lengths):
        translation.give(node, _select(translation, node, view, axis, start, size), index)
        start += size


def _slice(translation: Translation, node: Node) -> None:
    found = translation.view(node)
    lists = [translation.integers(node, i) if node.name(i) else None for i in range(1, 5)]
    starts, ends, axes, steps = lists
    if starts is None or ends is None or any(step != 1 for step in steps or ()):
        raise translation.problem(node, "takes a range of an axis only, by constants, each element")
    axes = list(range(len(starts))) if axes is None else axes
    if not len(starts) == len(ends) == len(axes) or (axes and not found.axes):
        raise translation.problem(node, f"starts {starts}, ends {ends}, axes {axes}: not as many of each")
    for start, end, number in zip(starts, ends, axes, strict=True):
        axis = number % len(found.axes)
        first, last, _ = slice(start, end).indices(found.shape[axis])
        if (first, last) != (0, found.shape[axis]):
            found = _select(translation, node, found, axis, first, last - first)
    translation.give(node, found)


def _shape(translation: Translation, node: Node) -> None:
    shape = translation.view(node).shape
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    translation.constants[node.output()] = Constant.of(list(shape[start:end]))
    translation.done_with(node)


def _concat(translation: Translation, node: Node) -> None:
    text = "joins layers' outputs, which no layer here does; instead of a class token, take the mean over the tokens"
    raise translation.problem(node, text)


def _constant(translation: Translation, node: Node) -> None:
    value = node.get("value", None)
    if value is not None and hasattr(value, "raw_data"):
        translation.constants[node.output()] = Constant(tuple(value.dims), tensor=value)
        return
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            found = np.asarray(node.get(name, None))
            if found.dtype.kind in "if":
                translation.constants[node.output()] = Constant.of(found)
                return
    raise translation.problem(node, "only constants with the attribute value, or a list of numbers")


OPERATORS: Mapping[str, Callable[[Translation, Node], None]] = MappingProxyType(
    {
        "Add": binary,
        "Attention": attention.operator,
        "AveragePool": _mean_pool,
        "BatchNormalization": _batch_norm,
        "Cast": _same,
        "Clip": _clip,
        "Concat": _concat,
        "Constant": _constant,
        "Conv": _conv,
        "Div": binary,
        "Dropout": _same,
        "Erf": gate,
        "Flatten": _flatten,
        "Gather": _gather,
        "Gelu": _gelu,
        "Gemm": _gemm,
        "GlobalAveragePool": _global_pool,
        "Identity": _same,
        "LayerNormalization": _layer_norm,
        "LogSoftmax": _softmax,
        "MatMul": _matmul,
        "MaxPool": _max_pool,
        "Mul": binary,
        "Pow": binary,
        "Reciprocal": unary,
        "ReduceMean": _mean,
        "Relu": _relu,
        "Reshape": _reshape,
        "Shape": _shape,
        "Slice": _slice,
        "Softmax": _softmax,
        "Split": _split,
        "Sqrt": unary,
        "Squeeze": _squeeze,
        "Sub": binary,
        "Tanh": gate,
        "Transpose": _transpose,
        "Unsqueeze": _unsqueeze,
    }
)
"""The translators, by operator; where all that an operator reads is constant, it is computed instead."""
