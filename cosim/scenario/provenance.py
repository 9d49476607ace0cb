"""Where the parameters of a described thing come from: each is published somewhere or assumed for a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError

from .spec import misfit

__all__ = ["Provenance", "check_provenance", "origin", "parameters"]

Provenance = Annotated[str, Field(pattern=r"^(source|assumed): \S.*", max_length=1000)]
"""Where a value comes from: "source: ...", where it is published, or "assumed: ...", why this value."""


def parameters(spec: BaseModel, without: Collection[str]) -> Iterator[str]:
    """Paths of all parameters of `spec`, but for the fields `without` (names, prose, what has sources of its own)."""
    yield from _leaves(spec.model_dump(mode="json", exclude=set(without)), "")


def origin(provenance: Mapping[str, str], path: str) -> str | None:
    """Where a parameter comes from: its own entry, or the nearest group's."""
    while path:
        if path in provenance:
            return provenance[path]
        path = path.rpartition(".")[0]
    return None


def check_provenance(provenance: Mapping[str, str], leaves: Collection[str], what: str) -> PydanticCustomError | None:
    """For the validator of `what`: what is wrong with its `provenance`, whose parameters are `leaves`."""
    for path in provenance:
        if not any(leaf == path or leaf.startswith(path + ".") for leaf in leaves):
            return misfit(f"names no parameter of this {what}", "provenance", path)
    for leaf in leaves:
        if origin(provenance, leaf) is None:
            return misfit(f"parameter {leaf} has neither a source nor an assumption", "provenance")
    return None


def _leaves(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path
