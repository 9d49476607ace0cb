"""The unit of simulated time, and quantities with units in it."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_EXPONENTS: Final = {"fs": -15, "ps": -12, "ns": -9, "us": -6, "ms": -3, "s": 0}


class TimeResolution:
    """One unit of simulated time: a power of ten of at least 1 fs, as "1 ps" or "100 ps" (ValueError otherwise).

    It belongs to a simulator and is fixed when that is made, so there is no moment at which it could be set too late.
    """

    __slots__ = ("_exponent",)

    def __init__(self, text: str = "1 ps") -> None:
        value, unit = _split(text, "time resolution")
        exponent = _EXPONENTS[unit]
        while value < 1 and value > 0 and exponent > _EXPONENTS["fs"]:
            value *= 10
            exponent -= 1
        while value >= 10 and value % 10 == 0:
            value /= 10
            exponent += 1
        if value != 1 or exponent > 0:
            raise ValueError(f"time resolution: expected a power of ten from 1 fs to 1 s, got {text!r}")
        self._exponent = exponent

    def units(self, value: float | Fraction, unit: str) -> int:
        """`value` in units of time, rounded half up as SystemC does. ValueError if negative or of an unknown unit."""
        exact = self._exact(value, unit)
        return int(exact + Fraction(1, 2))

    def exactly(self, value: float | Fraction, unit: str) -> int:
        """`value` in units of time; ValueError where it is not a whole number of them."""
        exact = self._exact(value, unit)
        if exact.denominator != 1:
            raise ValueError(f"{value} {unit} is not a whole number of {self}")
        return int(exact)

    def parse(self, text: str) -> int:
        """A quantity such as "1.5 us", rounded half up."""
        value, unit = _split(text, "time")
        return self.units(value, unit)

    def _exact(self, value: float | Fraction, unit: str) -> Fraction:
        if unit not in _EXPONENTS:
            raise ValueError(f"expected a unit of {', '.join(_EXPONENTS)}, got {unit!r}")
        if value < 0:
            raise ValueError(f"a time is not negative, got {value} {unit}")
        return Fraction(value) * Fraction(10) ** (_EXPONENTS[unit] - self._exponent)

    def text(self, units: int) -> str:
        """The time in the largest unit of which it is a whole number: "1500 ps", "1 us"."""
        if units == 0:
            return "0 s"
        exact = units * Fraction(10) ** self._exponent
        for unit, exponent in reversed(_EXPONENTS.items()):
            count = exact / Fraction(10) ** exponent
            if count.denominator == 1:
                return f"{count} {unit}"
        raise AssertionError("a femtosecond divides every unit of time")

    def seconds(self, units: int) -> Fraction:
        """The exact time in seconds."""
        return units * Fraction(10) ** self._exponent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeResolution) and self._exponent == other._exponent

    def __hash__(self) -> int:
        return hash(self._exponent)

    def __str__(self) -> str:
        return self.text(1)

    def __repr__(self) -> str:
        return f"TimeResolution({str(self)!r})"


def _split(text: str, name: str) -> tuple[Fraction, str]:
    number, _, unit = text.strip().partition(" ")
    try:
        value = Fraction(number)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0 or unit not in _EXPONENTS:
        raise ValueError(f"{name}: expected a number and a unit of {', '.join(_EXPONENTS)}, got {text!r}")
    return value, unit
