"""Constants of an ONNX graph: what is known before any image is, and how exporters compute one from another.

Weights have a shape here and no values. Small ones are computed with: the sizes that a Reshape gets come out of chains
of Shape, Gather, Mul and Concat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ELEMENTS = 4096
"""Of a constant that is computed with."""

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Constant:
    """Of known shape. `tensor` is what the file has, `values` what was computed; neither: a weight, moved about."""

    shape: tuple[int, ...]
    tensor: Any = None
    values: Values | None = None

    @property
    def is_large(self) -> bool:
        """Whether it is not to be computed with."""
        known = self.tensor is not None or self.values is not None
        return not known or any(size < 0 for size in self.shape) or math.prod(self.shape) > MAX_ELEMENTS

    @staticmethod
    def of(values: Any) -> Constant:
        """A computed one."""
        array = np.asarray(values)
        return Constant(array.shape, values=array)

    def read(self) -> Values:
        """Its elements. ValueError says why there are none."""
        if self.values is not None:
            return self.values
        if self.is_large:
            raise ValueError(f"has shape {self.shape}; expected a number or a short list")
        from onnx import TensorProto, numpy_helper  # noqa: PLC0415  (an extra, on use)

        if self.tensor.data_location == TensorProto.EXTERNAL:
            raise ValueError("is in another file, which is not read")
        try:
            return np.asarray(numpy_helper.to_array(self.tensor)).reshape(self.shape)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError("is damaged") from None


def _moved(op: str, weight: Constant, rest: Sequence[Values | None], attributes: dict[str, Any]) -> Constant:
    """What is known of a constant after Transpose, Reshape and the like without its elements. ValueError for others."""
    if op in ("Identity", "Cast"):
        return weight
    if op == "Shape":
        return Constant.of(np.array(weight.shape[attributes.get("start", 0) : attributes.get("end")], np.int64))
    if op == "Transpose":
        order = attributes.get("perm") or list(reversed(range(len(weight.shape))))
        if sorted(order) != list(range(len(weight.shape))):
            raise ValueError(f"perm {list(order)} for {len(weight.shape)} axes")
        return Constant(tuple(weight.shape[axis] for axis in order))
    if op == "Reshape" and rest and rest[0] is not None:
        return Constant(new_shape(weight.shape, rest[0].tolist(), attributes.get("allowzero", 0)))
    raise ValueError(f"one of shape {weight.shape} is too large to be computed with")


def new_shape(old: Sequence[int], asked: Sequence[int], zeros: int) -> tuple[int, ...]:
    """What a Reshape makes of a shape: 0 (unless `zeros`) keeps a size, -1 is the rest. ValueError: it does not fit."""
    if not all(size >= -1 for size in asked) or (not zeros and any(s == 0 for s in asked[len(old) :])):
        raise ValueError(f"{list(old)} into {list(asked)}")
    shape = [old[axis] if size == 0 and not zeros else size for axis, size in enumerate(asked)]
    if shape.count(-1) == 1:
        rest = math.prod(size for size in shape if size != -1)
        shape[shape.index(-1)] = math.prod(old) // rest if rest else 0
    if math.prod(shape) != math.prod(old) or -1 in shape:
        raise ValueError(f"{list(old)} into {list(asked)}")
    return tuple(shape)


def _slice(a: Values, starts: Values, ends: Values, axes: Values | None = None, steps: Values | None = None) -> Values:
    where = [slice(None)] * a.ndim
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        axis = i if axes is None else axes.tolist()[i]
        where[axis] = slice(start, end, 1 if steps is None else steps.tolist()[i])
    return a[tuple(where)]


def _squeeze(a: Values, axes: Values | None = None) -> Values:
    return np.squeeze(a, None if axes is None else tuple(axes.reshape(-1).tolist()))


def _divide(a: Values, b: Values) -> Values:
    if a.dtype.kind != "i":
        return np.asarray(a / b)
    return np.asarray(np.sign(a) * np.sign(b) * (abs(a) // abs(b)))


def _bounded(shape: Values) -> tuple[int, ...]:
    if math.prod(sizes := shape.tolist()) > MAX_ELEMENTS or any(size < 0 for size in sizes):
        raise ValueError(f"would make {sizes}; at most {MAX_ELEMENTS} elements are computed")
    return tuple(sizes)


def _full(shape: Values, **attributes: Any) -> Values:
    from onnx import numpy_helper  # noqa: PLC0415  (an extra, on use)

    value = attributes.get("value")
    return np.full(_bounded(shape), 0.0 if value is None else numpy_helper.to_array(value).reshape(()))


def _expand(a: Values, shape: Values) -> Values:
    _bounded(shape)
    return a * np.ones(shape.tolist(), a.dtype)


_CAST = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}

_COMPUTED: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Cast": lambda a, to, **_: a.astype(_CAST[to]),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "ConstantOfShape": _full,
    "Div": _divide,
    "Equal": np.equal,
    "Expand": _expand,
    "Floor": np.floor,
    "Gather": lambda a, at, axis=0: np.take(a, at, axis),
    "Identity": lambda a: a,
    "Mod": lambda a, b, fmod=0: np.fmod(a, b) if fmod else np.mod(a, b),
    "Mul": np.multiply,
    "Neg": np.negative,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Reshape": lambda a, to, allowzero=0: a.reshape(new_shape(a.shape, to.tolist(), allowzero)),
    "Slice": _slice,
    "Sqrt": np.sqrt,
    "Squeeze": _squeeze,
    "Sub": np.subtract,
    "Transpose": lambda a, perm=None: np.transpose(a, perm),
    "Unsqueeze": lambda a, axes: np.expand_dims(a, tuple(axes.reshape(-1).tolist())),
    "Where": np.where,
}

COMPUTED = frozenset(_COMPUTED) | {"Shape"}
"""The operators that are computed where all they read is constant."""


def computed(op: str, constants: Sequence[Constant | None], attributes: dict[str, Any]) -> Constant:
    """What an operator makes of constants (None: left out). All of its attributes are then taken out.

    ValueError where arguments or attributes do not fit, or the result is too large.
    """
    first, *others = constants
    if first is None:
        raise ValueError("the first is left out")
    rest = [constant.read() if constant is not None else None for constant in others]
    taken = dict(attributes)
    attributes.clear()
    if first.is_large or op == "Shape":
        try:
            return _moved(op, first, rest, taken)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"they do not fit: {error}") from None
    if op in ("Unsqueeze", "Squeeze") and "axes" in taken:  # before operator set 13
        rest = [np.array(taken.pop("axes"))]
    arguments = [first.read(), *rest]
    if op != "Concat" and math.prod(max(1, array.size) for array in arguments if array is not None) > 1 << 20:
        raise ValueError("they are too large to be combined")
    try:
        with np.errstate(all="ignore"):
            made = Constant.of(_COMPUTED[op](*arguments, **taken))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, ArithmeticError, MemoryError) as error:
        raise ValueError(f"they do not fit: {error}") from None
    if made.is_large:
        raise ValueError(f"would make {math.prod(made.shape)} elements; at most {MAX_ELEMENTS} are computed")
    return made
