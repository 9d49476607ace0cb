"""From where the schema says an error is to where it was written, and to what the schema would have accepted there."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from ..registry import Registry
from .spec import Registered
from .tree import Node

__all__ = ["dotted", "known_keys", "locate"]

Loc = Sequence[str | int]


def locate(root: Node, loc: Loc) -> tuple[list[str | int], Node, list[str | int]]:
    """The steps of `loc` that lead through the tree, the Node they reach, and the steps behind it.

    A schema's location also contains steps that are not in the file, like the kind of a union's member; they are
    skipped where that leads further.
    """
    best: tuple[tuple[bool, int], list[str | int], Node, int] = ((False, 0), [], root, 0)
    stack: list[tuple[int, list[str | int], Node, int]] = [(0, [], root, 0)]
    while stack:
        index, steps, node, used = stack.pop()
        rank = (used == len(loc), len(steps))
        if rank > best[0]:
            best = (rank, steps, node, used)
        if index == len(loc):
            continue
        stack.append((index + 1, steps, node, used))
        child = node.child(loc[index])
        if child is not None:
            stack.append((index + 1, [*steps, loc[index]], child, index + 1))
    _, steps, node, used = best
    return steps, node, list(loc[used:])


def dotted(steps: Iterable[str | int]) -> str:
    """`chip.cores[3].lanes`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def known_keys(model: type[BaseModel], steps: Sequence[str | int], root: Node, known: Registry) -> list[str]:
    """The keys that the mapping at `steps` may have, over all models that it could be."""
    candidates: list[Any] = [model]
    node: Node | None = root
    for step in steps:
        node = node.child(step) if node is not None else None
        candidates = [below for candidate in candidates for below in _step(candidate, step, known)]
        candidates = _of_kind([kind for candidate in candidates for kind in _flat(candidate, known)], node)
    return sorted({key for candidate in candidates if _is_model(candidate) for key in _keys(candidate)})


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)


def _flat(annotation: Any, known: Registry) -> Iterator[Any]:
    """The members of a union, without Annotated."""
    if get_origin(annotation) is Annotated:
        chosen = [extra for extra in get_args(annotation)[1:] if isinstance(extra, Registered)]
        yield from chosen[0].models(known) if chosen else _flat(get_args(annotation)[0], known)
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _flat(member, known)
    else:
        yield annotation


def _step(candidate: Any, step: str | int, known: Registry) -> Iterator[Any]:
    """The annotations below one step."""
    if _is_model(candidate):
        for name, field in candidate.model_fields.items():
            if step in (name, field.alias):
                chosen = [extra for extra in field.metadata if isinstance(extra, Registered)]
                yield from chosen[0].models(known) if chosen else [field.annotation]
        return
    for flat in _flat(candidate, known):
        arguments = [argument for argument in get_args(flat) if argument is not Ellipsis]
        if get_origin(flat) is dict:
            yield arguments[1]
        else:
            yield from arguments


def _of_kind(candidates: list[Any], node: Node | None) -> list[Any]:
    """Of the models that name a `kind`, only those of the kind that is written, if any."""
    written = node.child("kind") if node is not None else None
    if written is None:
        return candidates
    fitting = [
        candidate
        for candidate in candidates
        if not (_is_model(candidate) and "kind" in candidate.model_fields)
        or written.value in get_args(candidate.model_fields["kind"].annotation)
    ]
    return fitting or candidates
