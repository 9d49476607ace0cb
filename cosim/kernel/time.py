"""Simulated time: whole numbers of picoseconds (of the resolution), and the time that never comes."""

from __future__ import annotations

import operator
from typing import Any, Final

NEVER: Final = 2**63 - 1
"""The time of an event that will never happen; the C library's CS_NEVER."""


def whole(value: Any, name: str) -> int:
    """`value` as an int, if it is a whole number of any numeric type.

    Raises ValueError for a fractional, infinite or undefined one, TypeError for what is no number.
    """
    if type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        pass
    try:
        converted = int(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: expected a whole number of time units, got {value!r}") from None
    if isinstance(value, str) or converted != value:
        raise ValueError(f"{name}: expected a whole number of time units, got {value!r}")
    return converted
