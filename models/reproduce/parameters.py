"""A chip with parameters changed, by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..chip import ChipSpec

__all__ = ["with_parameter", "with_parameters"]


def with_parameter(chip: ChipSpec, path: str, value: Any) -> ChipSpec:
    """The chip with one parameter changed. Raises ValidationError for what it cannot be."""
    return with_parameters(chip, {path: value})


def with_parameters(chip: ChipSpec, values: Mapping[str, Any]) -> ChipSpec:
    """The chip with several parameters changed at once. Raises ValidationError for what it cannot be."""
    data = chip.model_dump(mode="json")
    for path, value in values.items():
        node = data
        *groups, last = path.split(".")
        for key in groups:
            node = node[key]
        node[last] = value
    return ChipSpec.model_validate(data)
