"""Exact quantities with units: text in files, integers in the program.

A field annotated with one of the types below reads "14 ns" and holds 14000; what does not fit is an error, never a
rounding. In a file the unit must be written; from Python, the plain number in the unit of the type's name is accepted
too. `model_dump(mode="json")` writes text that reads back to the same number.

    class Chip(Spec):
        t_rcd: TimePs                 # "14 ns"      -> 14000
        clock: PeriodPs               # "300 MHz"    -> Fraction(10000, 3)
        buffer: Bytes                 # "64 KiB"     -> 65536
        mac_energy: EnergyFj          # "0.637 pJ"   -> 637
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from ._suggest import suggestion

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "AREA",
    "BANDWIDTH",
    "CURRENT",
    "ENERGY",
    "FREQUENCY",
    "POWER",
    "SIZE",
    "TIME",
    "VOLTAGE",
    "WIDTH",
    "AreaUm2",
    "Bits",
    "Bytes",
    "BytesPerSecond",
    "CurrentUa",
    "Dimension",
    "EnergyFj",
    "FrequencyHz",
    "Microvolts",
    "Millivolts",
    "PeriodPs",
    "PowerUw",
    "Quantity",
    "QuantityError",
    "Ratio",
    "TimePs",
]

# 64-bit integers all the way down to C.
_LIMIT = 2**63
# Two exponent digits and 64 characters: "1e999999999 ps" must not eat the memory.
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?|[+-]?\d+/\d+"
_TEXT = re.compile(rf"\s*({_NUMBER})\s*(\S*)\s*")
_LONGEST_TEXT = 64


class QuantityError(ValueError):
    """The text is no quantity of this dimension, or not a whole number of its unit."""


@dataclass(frozen=True, eq=False)  # by identity: hashable, so that `TimePs | None` is an annotation, too
class Dimension:
    """One physical dimension: its name with article, its units (exact size in `base`), and which units to write."""

    name: str
    base: str
    units: Mapping[str, Fraction]
    written: tuple[str, ...]  # units used for output, smallest first
    example: str

    def parse(self, text: str) -> Fraction:
        """The exact value in `base` units. Raises QuantityError saying what is wrong and which units exist."""
        match = _TEXT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if match is None:
            raise QuantityError(f"expected {self.name} like {self.example!r}, got {text[:_LONGEST_TEXT]!r}")
        number, unit = match.groups()
        if not unit:
            raise QuantityError(self.missing_unit(number))
        size = self.units.get(unit.replace("\u00b5", "u").replace("\u03bc", "u"))
        if size is None:
            raise QuantityError(f"unknown unit {unit!r} for {self.name}; {suggestion(unit, self.units)}")
        if "/" in number and int(number.split("/")[1]) == 0:
            raise QuantityError(f"{text!r} divides by zero")
        return Fraction(number) * size

    def missing_unit(self, number: object) -> str:
        """The message for a bare number."""
        units = ", ".join(self.units)
        return f"expected {self.name} with its unit, like {self.example!r}; {number} has none (units: {units})"

    def format(self, value: Fraction | int) -> str:
        """Text that `parse` reads back to exactly `value` (in `base` units): '1.25 ns', '64 KiB', '2500/3 ps'."""
        value = Fraction(value)
        for unit in reversed(self.written):
            scaled = value / self.units[unit]
            if abs(scaled) >= 1 and (scaled * 1000).denominator == 1:
                return f"{_decimal(scaled)} {unit}"
        scaled = value / self.units[self.written[0]]
        return f"{_decimal(scaled)} {self.written[0]}"


def _decimal(value: Fraction) -> str:
    """A finite decimal of at most nine digits behind the point, or else the fraction."""
    for digits in range(10):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            text = f"{abs(scaled.numerator):0{digits + 1}d}"
            sign = "-" if value < 0 else ""
            return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"
    return f"{value.numerator}/{value.denominator}"


@functools.lru_cache(maxsize=4096)  # a study writes the same few hundred values out for every one of its points
def _written(quantity: Quantity, value: int | Fraction) -> str:
    if quantity.write is not None:
        return quantity.write(Fraction(value))
    return quantity.dimension.format(value * quantity.dimension.units[quantity.unit])


def _scale(symbol: str, prefixes: str, base: str) -> dict[str, Fraction]:
    """Units `prefix + symbol` in terms of `base + symbol`; '-' stands for no prefix."""
    power = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "-": 0, "k": 3, "M": 6, "G": 9, "T": 12}
    one = Fraction(10) ** power[base]
    return {prefix.strip("-") + symbol: Fraction(10) ** power[prefix] / one for prefix in prefixes.split()}


_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}

TIME = Dimension("a time", "ps", _scale("s", "f p n u m -", "p"), ("ps", "ns", "us", "ms", "s"), "14 ns")
FREQUENCY = Dimension("a frequency", "Hz", _scale("Hz", "- k M G", "-"), ("Hz", "kHz", "MHz", "GHz"), "50 MHz")
SIZE = Dimension(
    "a size",
    "B",
    {**_scale("B", "- k M G T", "-"), **{f"{prefix}B": Fraction(size) for prefix, size in _BINARY.items()}},
    ("B", "KiB", "MiB", "GiB", "TiB"),
    "64 KiB",
)
WIDTH = Dimension(
    "a width",
    "bit",
    {"bit": Fraction(1), "bits": Fraction(1), "B": Fraction(8)},
    ("bit",),
    "128 bit",
)
BANDWIDTH = Dimension(
    "a bandwidth",
    "B/s",
    {
        **{f"{unit}/s": size for unit, size in SIZE.units.items()},
        **{f"{unit}/s": size / 8 for unit, size in _scale("bit", "- k M G T", "-").items()},
    },
    ("B/s", "kB/s", "MB/s", "GB/s", "TB/s"),
    "12.8 GB/s",
)
VOLTAGE = Dimension("a voltage", "uV", _scale("V", "u m -", "u"), ("uV", "mV", "V"), "0.78 V")
CURRENT = Dimension("a current", "uA", _scale("A", "n u m -", "u"), ("uA", "mA", "A"), "55 mA")
ENERGY = Dimension("an energy", "fJ", _scale("J", "f p n u m -", "f"), ("fJ", "pJ", "nJ", "uJ", "mJ", "J"), "0.637 pJ")
POWER = Dimension("a power", "uW", _scale("W", "n u m -", "u"), ("uW", "mW", "W"), "12.5 mW")
AREA = Dimension("an area", "um2", {"um2": Fraction(1), "mm2": Fraction(10**6)}, ("um2", "mm2"), "5.76 mm2")


@dataclass(frozen=True)
class Quantity:
    """Annotation that makes a pydantic field a quantity of `dimension`, held in `unit`; a whole number if `whole`."""

    dimension: Dimension
    unit: str
    whole: bool = True
    read: Callable[[str], Fraction] | None = None  # other notations than dimension.parse, in `unit`
    write: Callable[[Fraction], str] | None = None

    def from_text(self, text: str) -> int | Fraction:
        """The value in `unit`. Raises QuantityError."""
        if self.read is not None:
            value = self.read(text)
        else:
            value = self.dimension.parse(text) / self.dimension.units[self.unit]
        if self.whole and value.denominator != 1:
            raise QuantityError(f"{text.strip()} is not a whole number of {self.unit}")
        return self._checked(value, text.strip())

    def to_text(self, value: int | Fraction) -> str:
        """The inverse of `from_text`."""
        return _written(self, value)

    def _checked(self, value: Fraction, written: str) -> int | Fraction:
        if value < 0:
            raise QuantityError(f"{written} is negative")
        if value >= _LIMIT:
            raise QuantityError(f"{written} is too large: at most 2^63 - 1 {self.unit}")
        return int(value) if self.whole else value

    def _validate(self, value: Any, from_file: bool) -> int | Fraction:
        from pydantic_core import PydanticCustomError  # noqa: PLC0415  (with pydantic itself, on use)

        try:
            if isinstance(value, str):
                return self.from_text(value)
            if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
                got = "nothing" if value is None else f"a {type(value).__name__}"
                raise QuantityError(f"expected {self.dimension.name} like {self.dimension.example!r}, got {got}")
            if from_file:
                raise QuantityError(self.dimension.missing_unit(value))
            if isinstance(value, float) or (self.whole and not isinstance(value, int)):
                raise QuantityError(f"{value!r} is not exact; give a whole number of {self.unit}, or text with a unit")
            return self._checked(Fraction(value), f"{value} {self.unit}")
        except QuantityError as error:
            raise PydanticCustomError("quantity", "{message}", {"message": str(error)}) from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_plain_validator_function(lambda value: self._validate(value, True)),
            python_schema=core_schema.no_info_plain_validator_function(lambda value: self._validate(value, False)),
            serialization=core_schema.plain_serializer_function_ser_schema(self.to_text, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        units = "|".join(re.escape(unit) for unit in self.dimension.units)
        if self.read is not None:
            units += "|" + "|".join(TIME.units)
        return {
            "type": "string",
            "pattern": rf"^\s*(?:{_NUMBER})\s*(?:{units})\s*$",
            "examples": [self.dimension.example],
            "x-unit": self.unit,
        }


def _read_period(text: str) -> Fraction:
    """A clock as frequency or as period, in ps."""
    match = _TEXT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is not None and match[2].replace("\u00b5", "u").replace("\u03bc", "u") in TIME.units:
        period = TIME.parse(text)
    else:
        frequency = FREQUENCY.parse(text)
        period = Fraction(10**12) / frequency if frequency else Fraction(0)
    if period <= 0:
        raise QuantityError(f"{text.strip()}: a clock must run")
    return period


def _write_period(period: Fraction) -> str:
    frequency = FREQUENCY.format(Fraction(10**12) / period)
    return TIME.format(period) if "/" in frequency else frequency


def _read_ratio(value: Any) -> Fraction:
    from pydantic_core import PydanticCustomError  # noqa: PLC0415

    try:
        if isinstance(value, Fraction):
            ratio = value
        elif isinstance(value, str):
            number = value.strip()
            percent = number.endswith("%")
            if len(number) > _LONGEST_TEXT or re.fullmatch(_NUMBER, number.rstrip("%").strip()) is None:
                raise ValueError
            ratio = Fraction(number.rstrip("%").strip()) / (100 if percent else 1)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            ratio = Fraction(str(value))  # 0.1 means 1/10, not its nearest binary fraction
        else:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise PydanticCustomError(
            "ratio", "expected a share like 0.25, '25 %' or '1/4', got {value}", {"value": repr(value)}
        ) from None
    if not 0 <= ratio <= 1:
        raise PydanticCustomError("ratio", "{value} is not between 0 and 1 (100 %)", {"value": str(value)})
    return ratio


class _RatioAnnotation:
    """See `Ratio`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.no_info_plain_validator_function(
            _read_ratio,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda ratio: f"{_decimal(ratio * 100)} %" if "/" not in _decimal(ratio * 100) else str(ratio),
                when_used="json",
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": rf"^\s*(?:{_NUMBER})\s*%?\s*$"},
            ],
            "examples": [0.25, "25 %"],
            "x-unit": "1",
        }


TimePs = Annotated[int, Quantity(TIME, "ps")]
"""A duration >= 0: int, ps."""
PeriodPs = Annotated[Fraction, Quantity(FREQUENCY, "ps", whole=False, read=_read_period, write=_write_period)]
"""A clock, written as frequency or period: its exact period > 0 as a Fraction, ps."""
FrequencyHz = Annotated[Fraction, Quantity(FREQUENCY, "Hz", whole=False)]
"""A frequency >= 0: Fraction, Hz."""
Bytes = Annotated[int, Quantity(SIZE, "B")]
"""A size: int, bytes. KiB is 1024, kB is 1000."""
Bits = Annotated[int, Quantity(WIDTH, "bit")]
"""A width: int, bits."""
BytesPerSecond = Annotated[Fraction, Quantity(BANDWIDTH, "B/s", whole=False)]
"""A bandwidth: Fraction, bytes per second."""
Millivolts = Annotated[int, Quantity(VOLTAGE, "mV")]
"""A voltage: int, mV."""
Microvolts = Annotated[int, Quantity(VOLTAGE, "uV")]
"""A voltage: int, uV."""
CurrentUa = Annotated[int, Quantity(CURRENT, "uA")]
"""A current: int, uA."""
EnergyFj = Annotated[int, Quantity(ENERGY, "fJ")]
"""An energy: int, fJ."""
PowerUw = Annotated[int, Quantity(POWER, "uW")]
"""A power: int, uW."""
AreaUm2 = Annotated[int, Quantity(AREA, "um2")]
"""An area: int, um^2."""
Ratio = Annotated[Fraction, _RatioAnnotation()]
"""A share between 0 and 1, written 0.25, '25 %' or '1/4': Fraction. A decimal number means what it says."""
