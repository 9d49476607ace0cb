"""Numbers and places as claims write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Found", "figure", "share", "where"]

Found = Mapping[str, Any]
"""What a study's evaluation says, as plain data."""


def figure(value: Mapping[str, Any]) -> str:
    """A published figure."""
    return f"{value['value']} {value['unit']}" + (" (from memory)" if value["from_memory"] else "")


def share(value: float) -> str:
    """In percent."""
    return f"{100 * value:.3g} %"


def where(row: Mapping[str, Any]) -> str:
    """A point of a surface."""
    return f"input {share(row['input'])}, weight {share(row['weight'])}, coarse {share(row['coarse'])}"
