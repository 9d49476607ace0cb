"""JSON with one possible text per value, so that equal results are equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical", "canonical_json", "plain"]


def plain(value: Any, path: str = "") -> Any:
    """`value` as dictionaries, lists, text, numbers, booleans and None; numpy's numbers and arrays are converted.

    Raises TypeError for anything without a fixed order or text (sets, objects), ValueError for NaN and infinity; both
    name the place.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"{path or 'value'}: {value} has no place in JSON")
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{path or 'value'}: key {key!r} is not text")
        return {str(key): plain(child, f"{path}.{key}" if path else key) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain(child, f"{path}[{i}]") for i, child in enumerate(value)]
    if type(value).__module__ == "numpy":
        return plain(value.tolist(), path)
    raise TypeError(f"{path or 'value'}: a {type(value).__name__} cannot go into a result; convert it to plain data")


def canonical(value: Any) -> Any:
    """`value` as its canonical JSON reads back: plain, with keys in order."""
    return json.loads(canonical_json(value, indent=None))


def canonical_json(value: Any, *, indent: int | None = 2) -> bytes:
    """UTF-8 JSON with sorted keys and a final newline. Raises TypeError and ValueError like `plain`."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(
        plain(value), sort_keys=True, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"
