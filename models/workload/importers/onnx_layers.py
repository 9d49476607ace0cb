"""The operators of ONNX that are a layer here, or a step to one, and how each is translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

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
    strides, pads = node.get("strides", [1, 1]), node.get("pads", [0, 0, 0, 0])
    if len(size) != 2:
        raise translation.problem(node, f"{len(size)} spatial axes; here there are two")
    if node.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise translation.problem(node, "auto_pad: write the padding out")
    if set(node.get("dilations", [1, 1])) != {1}:
        raise translation.problem(node, "dilated windows have no layer here")
    return {"stride": _one(translation, node, "strides", strides), "pad": _one(translation, node, "pads", pads)}


def _conv(translation: Translation, node: Node) -> None:
    filters = translation.constant(node, 1).shape
    node.get("kernel_shape", None)
    window = _window(translation, node, filters[2:])
    more = {"channels": filters[0], "kernel": filters[2], "groups": node.get("group", 1), "bias": bool(node.name(2))}
    if filters[3] != filters[2]:
        more["kernel_width"] = filters[3]
    _spatial(translation, node, "conv", **more, **window)


def _spatial(translation: Translation, node: Node, kind: str, **more: Any) -> None:
    source = translation.image(node)
    name = translation.layer(node, kind, [source.layer], **more)
    translation.give(node, translation.as_image(name, source))


def _gemm(translation: Translation, node: Node) -> None:
    if (node.get("alpha", 1.0), node.get("beta", 1.0), node.get("transA", 0)) != (1.0, 1.0, 0):
        raise translation.problem(node, "only A B + C, with alpha and beta of 1 and A as it is")
    _product(translation, node, bool(node.get("transB", 0)), bias=bool(node.name(2)))


def _matmul(translation: Translation, node: Node) -> None:
    if all(name in translation.tensors for name in node.inputs):
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
    if node.get("training_mode", 0) not in (0, 1):
        raise translation.problem(node, "training_mode is 0 or 1")
    node.get("spatial", 1)
    epsilon, momentum = float(node.get("epsilon", 1e-5)), float(node.get("momentum", 0.9))
    source = translation.whole(node)
    if len(source.axes) < 2 or {factor.of for factor in source.axes[1]} != {"channels"}:
        raise translation.problem(node, "only over the channels, the second axis")
    name = translation.layer(node, "batch_norm", [source.layer], epsilon=epsilon, momentum=momentum)
    translation.give(node, source.on(name))


def _layer_norm(translation: Translation, node: Node) -> None:
    source = translation.by_channels(node)
    if node.get("axis", -1) not in (-1, len(source.axes) - 1):
        raise translation.problem(node, "only over the channels, the last axis")
    node.get("stash_type", 1)
    name = translation.layer(node, "layer_norm", [source.layer], epsilon=float(node.get("epsilon", 1e-5)))
    translation.give(node, source.on(name))


def _relu(translation: Translation, node: Node) -> None:
    _elementwise(translation, node, "relu")


def _elementwise(translation: Translation, node: Node, kind: str, **more: Any) -> None:
    source = translation.whole(node)
    name = translation.layer(node, kind, [source.layer], **more)
    translation.give(node, source.on(name))


def _clip(translation: Translation, node: Node) -> None:
    low, high = node.get("min", None), node.get("max", None)
    if len(node.inputs) > 2:
        low, high = (translation.scalar(node, index) for index in (1, 2))
    if low != 0.0 or high is None or not high > 0.0:
        raise translation.problem(node, f"clips to {low}..{high}; a limited ReLU clips to 0 and more")
    _elementwise(translation, node, "relu", limit=float(high))


def _gelu(translation: Translation, node: Node) -> None:
    node.get("approximate", b"none")  # both forms; they differ by less than 0.0005
    _elementwise(translation, node, "gelu")


def _max_pool(translation: Translation, node: Node) -> None:
    _pool(translation, node, "max_pool")


def _mean_pool(translation: Translation, node: Node) -> None:
    if node.get("count_include_pad", 0) and any(node.attributes.get("pads", [0])):
        raise translation.problem(node, "a mean over padding has no layer here")
    _pool(translation, node, "mean_pool")


def _pool(translation: Translation, node: Node, kind: str) -> None:
    size = node.get("kernel_shape", [])
    if node.get("ceil_mode", 0) or node.get("storage_order", 0):
        raise translation.problem(node, "ceil_mode and storage_order have no counterpart here")
    window = _window(translation, node, size)
    _spatial(translation, node, kind, size=_one(translation, node, "kernel_shape", size), **window)


def _global_pool(translation: Translation, node: Node) -> None:
    _spatial(translation, node, "global_mean_pool")


def _mean(translation: Translation, node: Node) -> None:
    axes = node.get("axes", None)
    if axes is None:
        axes = [int(axis) for axis in translation.values(node, 1).reshape(-1)]
    kept = node.get("keepdims", 1)
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
    elif node.outputs[0] in translation.outputs:  # the loss's
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
    if node.get("axis", 1) != 1:
        raise translation.problem(node, "flattens all but the images: axis 1")
    view = translation.view(node)
    shape = view.shape
    _to_shape(translation, node, view, (shape[0], -1) if shape else (1, -1))


def _reshape(translation: Translation, node: Node) -> None:
    asked = [int(size) for size in translation.values(node, 1).reshape(-1)]
    _to_shape(translation, node, translation.view(node), asked, node.get("allowzero", 0))


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
    order = node.get("perm", None) or list(reversed(range(len(view.axes))))
    if sorted(order) != list(range(len(view.axes))):
        raise translation.problem(node, f"perm {list(order)} for {len(view.axes)} axes")
    translation.give(node, replace(view, axes=tuple(view.axes[axis] for axis in order)))


def _squeeze(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    single = [i for i, axis in enumerate(view.axes) if not axis]
    asked = _axes(translation, node, len(view.axes))
    gone = single if asked is None else asked
    if not set(gone) <= set(single):
        raise translation.problem(node, f"axes {gone} of a tensor of shape {view.shape}")
    translation.give(node, replace(view, axes=tuple(axis for i, axis in enumerate(view.axes) if i not in gone)))


def _unsqueeze(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    count = len(node.attributes.get("axes", ())) or translation.constant(node, 1).shape[0]
    new = _axes(translation, node, len(view.axes) + count) or []
    axes = list(view.axes)
    for axis in sorted(new):
        axes.insert(axis, ())
    translation.give(node, replace(view, axes=tuple(axes)))


def _axes(translation: Translation, node: Node, ranks: int) -> list[int] | None:
    axes = node.get("axes", None)
    if axes is None and node.name(1):
        axes = [int(axis) for axis in translation.values(node, 1).reshape(-1)]
    return None if axes is None else [axis % ranks for axis in axes]


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
    view, index = translation.view(node), translation.scalar(node, 1)
    if index is None or not view.axes or translation.constant(node, 1).shape not in ((), (1,)):
        raise translation.problem(node, "takes one element of an axis only, by a constant")
    axis = node.get("axis", 0) % len(view.axes)
    whole = view.shape[axis]
    found = _select(translation, node, view, axis, int(index) + (whole if index < 0 else 0), 1)
    if translation.constant(node, 1).shape == ():
        found = replace(found, axes=found.axes[:axis] + found.axes[axis + 1 :])
    translation.give(node, found)


def _split(translation: Translation, node: Node) -> None:
    view = translation.view(node)
    axis = node.get("axis", 0) % max(1, len(view.axes))
    lengths = node.get("split", None)
    if lengths is None and node.name(1):
        lengths = [int(size) for size in translation.values(node, 1).reshape(-1)]
    count = node.get("num_outputs", len(node.outputs))
    if lengths is None:
        lengths = [-(-view.shape[axis] // count)] * count
    if len(lengths) != len(node.outputs) or sum(lengths) != view.shape[axis]:
        raise translation.problem(node, f"into {lengths} of an axis of {view.shape[axis]}")
    start = 0
    for index, size in enumerate(lengths):
        translation.give(node, _select(translation, node, view, axis, start, size), index)
        start += size


def _slice(translation: Translation, node: Node) -> None:
    found = translation.view(node)
    lists = [translation.values(node, i).reshape(-1).tolist() if node.name(i) else None for i in range(1, 5)]
    starts, ends, axes, steps = lists
    if starts is None or ends is None or any(step != 1 for step in steps or ()):
        raise translation.problem(node, "takes a range of an axis only, by constants, each element")
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = (axes[i] if axes else i) % len(found.axes)
        first, last, _ = slice(start, end).indices(found.shape[axis])
        if (first, last) != (0, found.shape[axis]):
            found = _select(translation, node, found, axis, first, last - first)
    translation.give(node, found)


def _shape(translation: Translation, node: Node) -> None:
    shape = translation.view(node).shape
    translation.constants[node.outputs[0]] = Constant.of(list(shape[node.get("start", 0) : node.get("end", None)]))
    translation.done_with(node)


def _concat(translation: Translation, node: Node) -> None:
    text = "joins layers' outputs, which no layer here does; instead of a class token, take the mean over the tokens"
    raise translation.problem(node, text)


def _constant(translation: Translation, node: Node) -> None:
    value = node.get("value", None)
    if value is not None and hasattr(value, "dims"):
        translation.constants[node.outputs[0]] = Constant(tuple(value.dims), tensor=value)
        return
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            translation.constants[node.outputs[0]] = Constant.of(node.get(name, None))
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
