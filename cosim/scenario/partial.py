"""A mapping that is a part of what its place wants whole: meant to change a file, it lacks all that the file says.

It would be a page of errors, one for each key that is missing; it is one, which says how a file is extended.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .diagnose import lacking
from .errors import Problem
from .locate import dotted
from .spec import ScenarioSpec
from .tree import Node

__all__ = ["partial"]

Errors = Sequence[Mapping[str, Any]]
Steps = tuple[str | int, ...]

_LISTED = 4  # names of what is missing
_MANY = 3  # a mapping that lacks less has an error for each


def partial(errors: Errors, root: Node, model: type[BaseModel]) -> tuple[list[Problem], Errors]:
    """One problem for each mapping that is only a part, and of pydantic's `errors` those that are no part of one."""
    lacks = [lacking(error, root) for error in errors]
    missing: dict[Steps, tuple[Node, list[str]]] = {}
    for lack in lacks:
        if lack is not None:
            missing.setdefault(tuple(lack.steps), (lack.node, []))[1].append(str(lack.name))
    parts = [
        steps
        for steps, (node, names) in missing.items()
        if isinstance(node.value, dict)
        and (node.instead_of is not None or len(names) >= max(_MANY, len(node.value) + 1))
        and (steps or not issubclass(model, ScenarioSpec))
    ]
    outermost = [steps for steps in parts if not any(_inside(steps, other) for other in parts if other != steps)]
    problems = [_problem(steps, *missing[steps]) for steps in outermost]
    others = [
        error
        for error, lack in zip(errors, lacks, strict=True)
        if lack is None or not any(_inside(tuple(lack.steps), steps) for steps in outermost)
    ]
    return problems, others


def _inside(steps: Steps, outer: Steps) -> bool:
    return steps[: len(outer)] == outer


def _problem(steps: Steps, node: Node, names: Sequence[str]) -> Problem:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    lacks = f"lacks {', '.join(names[:_LISTED])}{more}"
    path = dotted(steps)
    if node.instead_of is None:
        text = f"{lacks}: it stands for the whole; to change a part of what a file says, put 'extends: FILE' into it"
        return Problem(node.position, path, text)
    text = f"replaces {node.instead_of.value} as a whole, but {lacks}; "
    text += f"to change a part of it, put 'extends: {_relative(node.instead_of, node)}' into it"
    return Problem(node.position, path, text)


def _relative(file: Node, node: Node) -> str:
    """The path of a file as it would be named where `node` stands."""
    return os.path.relpath(_folder(file) / str(file.value), _folder(node))


def _folder(node: Node) -> Path:
    """What paths that stand where `node` stands are relative to; those of a `--set` to the scenario."""
    source = node.position.source
    path = source.path if source.path is not None or source.parent is None else source.parent.path
    assert path is not None
    return path.parent
