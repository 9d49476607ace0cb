"""A chip with parameters changed, by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..chip import ChipSpec

__all__ = ["UnknownParameterError", "with_parameter", "with_parameters"]


class UnknownParameterError(ValueError):
    """A chip has no such parameter; `args` are (path,)."""

    def __str__(self) -> str:
        return f"no parameter of a chip: {self.args[0]}"


def with_parameter(chip: ChipSpec, path: str, value: Any) -> ChipSpec:
    """The chip with one parameter changed. Raises ValidationError for what it cannot be,
    UnknownParameterError for a path that it does not have."""
    return with_parameters(chip, {path: value})


def with_parameters(chip: ChipSpec, values: Mapping[str, Any]) -> ChipSpec:
    """The chip with several parameters changed at once. Raises ValidationError for what it cannot be,
    UnknownParameterError for a path that it does not have."""
    data = chip.model_dump(mode="json")
    for path, value in values.items():
        node: Any = data
        *groups, last = path.split(".")
        for key in groups:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            raise UnknownParameterError(path)
        # A mapping changes what it names and leaves the rest.
        both = isinstance(node[last], dict) and isinstance(value, Mapping)
        node[last] = {**node[last], **value} if both else value
    return ChipSpec.model_validate(data)
