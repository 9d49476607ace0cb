"""Numbers and times as text, the same in every renderer."""

from __future__ import annotations

import math

__all__ = ["NARROW_SPACE", "format_cell", "format_number", "format_tick", "time_unit", "with_unit"]

NARROW_SPACE = "\u202f"  # thousands: 12 345 678
_MINUS = "\u2212"
_TIME_UNITS = (("ps", 1), ("ns", 10**3), ("us", 10**6), ("ms", 10**9), ("s", 10**12))


def format_number(value: float, digits: int | None = None) -> str:
    """`value` with `digits` significant digits; without, integers whole and others with 4.

    Digits before the point are never dropped: 123456.7 with 4 digits is 123 457.
    """
    if isinstance(value, int) and digits is None:
        return f"{value:,}".replace(",", NARROW_SPACE).replace("-", _MINUS)
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    digits = digits or 4
    magnitude = math.floor(math.log10(abs(value))) + 1
    if magnitude > 12 or magnitude < -4:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", _MINUS)
    text = f"{value:,.{max(0, digits - magnitude)}f}"
    return text.replace(",", NARROW_SPACE).replace("-", _MINUS)


def format_tick(value: float) -> str:
    """A number on an axis: no more digits than it needs."""
    text = format_number(round(value, 12), 6)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def format_cell(value: str | float | None, digits: int | None = None) -> str:
    """A table's cell; None is empty, text stays."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else format_number(value, digits)


def with_unit(label: str, unit: str) -> str:
    """`energy (pJ)`, as on an axis or over a column."""
    return f"{label} ({unit})" if unit else label


def time_unit(largest_ps: int) -> tuple[str, int]:
    """The unit for an axis up to `largest_ps`, and its size in ps: labels stay between 1 and some thousands."""
    for name, size in reversed(_TIME_UNITS):
        if largest_ps >= 2 * size:
            return name, size
    return _TIME_UNITS[0]
