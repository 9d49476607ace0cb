"""The schema's complaints in the words of whoever wrote the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .._suggest import suggestion
from ..registry import Registry
from .errors import Position, Problem
from .locate import dotted, known_keys, locate
from .tree import Node

__all__ = ["Lack", "diagnose", "lacking", "merged", "shown"]

_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping, or the path of a YAML file (*.yaml)",
    "model_attributes_type": "a mapping, or the path of a YAML file (*.yaml)",
    "dataclass_type": "a mapping",
    "none_required": "nothing (null)",
}
_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
    "multiple_of": ("multiple_of", "must be a multiple of"),
}
_MISSING = ("missing", "missing_argument")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def diagnose(error: Mapping[str, Any], root: Node, model: type[BaseModel], known: Registry) -> Problem:
    """One error of pydantic's `errors()` as a Problem at the place in the files where the mistake is."""
    steps, node, _ = locate(root, error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "misfit":
        below, node, _ = locate(node, context["path"])
        return Problem(node.position, dotted([*steps, *below]), context["message"])
    if lack := lacking(error, root):
        names = _QUOTED.findall(context.get("expected_tags", ""))
        message = "required, but missing" + (f"; {suggestion('', names)}" if names else "")
        return Problem(lack.node.position, dotted([*lack.steps, lack.name]), message)
    if kind == "union_tag_invalid":
        key = str(context["discriminator"]).strip("'")
        wrong = node.child(key) or node
        message = _unknown(wrong.value, _QUOTED.findall(context["expected_tags"]))
        return Problem(wrong.position, dotted([*steps, key]), message)
    if kind == "extra_forbidden" and steps:
        above, parent, _ = locate(root, steps[:-1])
        position: Position = parent.keys.get(str(steps[-1]), node.position)
        return Problem(
            position, dotted(steps), f"unknown key; {suggestion(str(steps[-1]), known_keys(model, above, root, known))}"
        )
    return Problem(node.position, dotted(steps), _message(kind, context, error, node))


@dataclass(frozen=True)
class Lack:
    """What lacks something, the steps there, and the name of what is missing."""

    node: Node
    steps: list[str | int]
    name: str | int


def lacking(error: Mapping[str, Any], root: Node) -> Lack | None:
    """What an error of pydantic's says is missing; None if it is of another kind."""
    if error["type"] in _MISSING:
        steps, node, _ = locate(root, error["loc"][:-1])
        return Lack(node, steps, error["loc"][-1])
    if error["type"] == "union_tag_not_found":
        steps, node, _ = locate(root, error["loc"])
        return Lack(node, steps, str(error.get("ctx", {}).get("discriminator", "'kind'")).strip("'"))
    return None


def merged(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once; what several members of a union expect of one value becomes one problem."""
    result: list[Problem] = []
    for problem in dict.fromkeys(problems):
        expected, _, got = problem.message.partition(", got ")
        for i, earlier in enumerate(result):
            before, _, same = earlier.message.partition(", got ")
            if got and (problem.position, problem.path, got) == (earlier.position, earlier.path, same):
                alternative = expected.removeprefix("expected ")
                result[i] = Problem(problem.position, problem.path, f"{before} or {alternative}, got {got}")
                break
        else:
            result.append(problem)
    return result


def _message(kind: str, context: Mapping[str, Any], error: Mapping[str, Any], node: Node) -> str:
    if kind in ("literal_error", "enum"):
        return _unknown(node.value, _QUOTED.findall(context["expected"]), context["expected"])
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {shown(node.value)}{_hint(kind, node.value)}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{words} {context[key]}, got {shown(node.value)}"
    if kind in ("too_short", "too_long"):
        limit, words = ("min_length", "at least") if kind == "too_short" else ("max_length", "at most")
        return f"must have {words} {context[limit]} entries, has {context['actual_length']}"
    if kind in ("value_error", "assertion_error") and context.get("error") is not None:
        return str(context["error"])
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


def _unknown(value: Any, known: list[str], expected: str = "") -> str:
    if not isinstance(value, str) or not known:
        return f"expected {expected or ' or '.join(map(repr, known))}, got {shown(value)}"
    return f"unknown name '{value}'; {suggestion(value, known)}"


def _hint(kind: str, value: Any) -> str:
    if kind.startswith("bool") and str(value).lower() in ("yes", "no", "on", "off"):
        return "; YAML 1.2 has only true and false"
    if kind == "model_type" and isinstance(value, str) and value.lower().endswith((".onnx", ".csv")):
        return "; `cosim import` makes a YAML file of another tool's"
    return ""


def shown(value: Any) -> str:
    """A value from a file in words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"the text '{value[:60]}'"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
