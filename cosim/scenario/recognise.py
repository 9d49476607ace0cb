"""What a file describes that is no scenario: a chip, a memory, an energy table ..., told by its keys."""

from __future__ import annotations

import typing

from pydantic import BaseModel

from ..registry import Component, Registry
from .tree import Node

__all__ = ["component_of", "described", "family_of", "taken_for", "with_article"]


def component_of(root: Node, default: str, known: Registry) -> Component | None:
    """The component whose keys the mapping `root` has; None where a scenario of kind `default` has as many of them, or
    where `kind:` names a kind of scenario."""
    assert isinstance(root.value, dict)
    kind = root.child("kind")
    if kind is not None and isinstance(kind.value, str) and kind.value in known.scenarios:
        return None
    candidates = [component for family in known.families().values() for component in family.values()]
    # Of those that fit alike, the one of which least is missing; then the first by family and name.
    best = max(candidates, key=lambda one: (_score(root, one.model), -_missing(root, one.model)), default=None)
    scenario = _score(root, known.scenarios[default].model) if default in known.scenarios else 0
    return best if best is not None and _score(root, best.model) > scenario else None


def described(component: Component) -> str:
    """In words: "chip", "energy table", "schedule (scfp)"."""
    name = component.name.replace("_", " ")
    return component.family if name == component.family else f"{component.family} ({component.name})"


def with_article(what: str) -> str:
    """ "an energy table"."""
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def taken_for(root: Node, known: Registry, model: type[BaseModel] | None = None) -> str | None:
    """What a file that is not what it should be seems to be, in words: "a scenario", "a chip". None where it has as
    many keys of `model`, which it should be, or is one of its family, and where it has as many keys that nothing has.
    """
    if not isinstance(root.value, dict):
        return None
    own = max(_score(root, model) if model is not None else 0, 0)
    if max((_score(root, kind.model) for kind in known.scenarios.values()), default=0) > own:
        return "a scenario"
    component = component_of(root, "", known)
    if component is None or _score(root, component.model) <= own or component.family == family_of(model, known):
        return None
    return with_article(described(component))


def family_of(model: type[BaseModel] | None, known: Registry) -> str | None:
    """The family of the components that `model` describes, if it describes any."""
    entries = (one for family in known.families().values() for one in family.values())
    return next((one.family for one in entries if one.model is model), None)


def _score(root: Node, model: type[BaseModel]) -> int:
    """Keys that the model knows, less those that it does not; and as much again for a name that it alone has."""
    names = {name for key, field in model.model_fields.items() for name in (key, field.alias) if name}
    score = sum(1 if key in names else -1 for key in root.value)
    for key, field in model.model_fields.items():
        node = root.child(key)
        if node is not None and typing.get_origin(field.annotation) is typing.Literal:
            score += 1 if node.value in typing.get_args(field.annotation) else -1
    return score


def _missing(root: Node, model: type[BaseModel]) -> int:
    """Required keys that are not there."""
    return sum(
        field.is_required() and key not in root.value and field.alias not in root.value
        for key, field in model.model_fields.items()
    )
