"""GELU and layer norm in an ONNX graph where exporters write them as elementwise arithmetic.

GELU: x Phi(x), the second factor out of Erf, or out of Tanh of a polynomial. Layer norm: (x - mean) over the root of
(variance + e), times a scale, plus a shift. Each step's result is an unfinished part that says what has been done to
which tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from .onnx_translation import Node, Translation
from .onnx_views import View

# ---- GELU --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Polynomial:
    """The sum of coefficients times powers of `x`; with one power only, 1, it is the View itself times its scale."""

    x: View
    terms: tuple[tuple[int, float], ...]

    what = "a polynomial of a layer's output"


@dataclass(frozen=True)
class Gate:
    """factor * (1 + erf(x / sqrt(2))), or the same with tanh; without `one`, the 1 is still to come."""

    x: View
    one: bool
    factor: float

    what = "a part of a GELU"


Expression = View | Polynomial


def terms(of: Expression) -> dict[int, float]:
    """Coefficients by power."""
    return {1: of.scale} if isinstance(of, View) else dict(of.terms)


def base(of: Expression) -> View:
    """What the powers are of."""
    return replace(of, scale=1.0) if isinstance(of, View) else of.x


def expression(x: View, coefficients: dict[int, float]) -> Expression:
    """The simplest form."""
    if set(coefficients) == {1}:
        return replace(x, scale=coefficients[1])
    return Polynomial(x, tuple(sorted(coefficients.items())))


def scaled(of: Expression, factor: float) -> Expression:
    """Times a number."""
    return expression(base(of), {power: factor * value for power, value in terms(of).items()})


def added(first: Expression, second: Expression) -> Expression:
    """Their sum; they have one base."""
    sums = terms(first)
    for power, value in terms(second).items():
        sums[power] = sums.get(power, 0.0) + value
    return expression(base(first), sums)


def multiplied(first: Expression, second: Expression) -> Expression:
    """Their product; they have one base."""
    found: dict[int, float] = {}
    for power, value in terms(first).items():
        for other, factor in terms(second).items():
            found[power + other] = found.get(power + other, 0.0) + value * factor
    return expression(base(first), found)


_GATES: dict[str, dict[int, float]] = {
    "Erf": {1: math.sqrt(0.5)},
    "Tanh": {1: math.sqrt(2 / math.pi), 3: 0.044715 * math.sqrt(2 / math.pi)},
}


def gate(translation: Translation, node: Node) -> None:
    """Erf or Tanh, of what a GELU has under it."""
    found = translation.tensors.get(node.name(0))
    if isinstance(found, View | Polynomial):
        has, wanted = terms(found), _GATES[node.op]
        if has.keys() == wanted.keys() and all(math.isclose(has[p], wanted[p], rel_tol=1e-3) for p in wanted):
            translation.give(node, Gate(base(found), False, 1.0))
            return
    raise translation.problem(node, "has no layer here but in a GELU")


def gated(translation: Translation, node: Node, x: View, found: Gate) -> None:
    """x times its gate: the layer, and what is left to multiply by."""
    if not found.one or found.x != replace(x, scale=1.0):
        raise translation.problem(node, f"multiplies by {found.what} of something else")
    left = 2.0 * x.scale * found.factor
    source = translation.complete(node, found.x)
    name = translation.layer(node, "gelu", [source.layer])
    left = 1.0 if math.isclose(left, 1.0, rel_tol=1e-3) else left
    translation.give(node, replace(source.on(name), scale=left))


# ---- layer norm --------------------------------------------------------------------------------------------------

Stage = Literal["mean", "centred", "squared", "variance", "guarded", "deviation", "inverse", "normed", "scaled"]


@dataclass(frozen=True)
class Norm:
    """How far the layer norm of `x` has come; `guarded` is the variance plus epsilon, and `deviation` its root."""

    x: View
    stage: Stage
    epsilon: float = 0.0

    @property
    def what(self) -> str:
        """Names it in an error."""
        return f"a part of a layer norm ({self.stage})"

    def to(self, stage: Stage) -> Norm:
        """The next."""
        return replace(self, stage=stage)


def of_one(found: Norm, op: str) -> Norm | None:
    """What an operator with one operand makes of a stage."""
    after: dict[tuple[str, str], Stage] = {("guarded", "Sqrt"): "deviation", ("deviation", "Reciprocal"): "inverse"}
    stage = after.get((found.stage, op))
    return found.to(stage) if stage else None


def of_two(op: str, first: object, second: object) -> Norm | None:
    """What one with two, neither constant, makes."""
    if op == "Sub" and isinstance(second, Norm) and second.stage == "mean" and first == second.x:
        return second.to("centred")
    if not isinstance(first, Norm) or not isinstance(second, Norm) or first.x != second.x:
        return None
    after: dict[tuple[str, str, str], Stage] = {
        ("Mul", "centred", "centred"): "squared",
        ("Div", "centred", "deviation"): "normed",
        ("Mul", "centred", "inverse"): "normed",
        ("Mul", "inverse", "centred"): "normed",
    }
    stage = after.get((op, first.stage, second.stage))
    return Norm(first.x, stage, first.epsilon or second.epsilon) if stage else None


def with_number(op: str, found: Norm, number: float, first: bool) -> Norm | None:
    """What one with a number makes; `first`: the stage is the first operand."""
    if op == "Add" and found.stage == "variance" and number > 0.0:
        return Norm(found.x, "guarded", number)
    after: dict[tuple[str, str, float, bool], Stage] = {
        ("Pow", "centred", 2.0, True): "squared",
        ("Pow", "guarded", 0.5, True): "deviation",
        ("Pow", "guarded", -0.5, True): "inverse",
        ("Div", "deviation", 1.0, False): "inverse",
    }
    stage = after.get((op, found.stage, number, first))
    return found.to(stage) if stage else None
