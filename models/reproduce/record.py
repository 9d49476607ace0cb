"""The record of assumptions: what the reproduction takes for granted, and how far each value may plausibly be off."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from cosim.quantity import ENERGY, FREQUENCY, POWER, SIZE, TIME, VOLTAGE, WIDTH, QuantityError
from cosim.scenario import Spec, load_component, misfit

__all__ = ["AssumedValue", "AssumptionRecord", "DenseFigure", "StructureChoice", "load_record"]


_SHARE = re.compile(r"(-?\d{1,12}(?:\.\d{1,12})?) *%")


class AssumedValue(Spec):
    """One assumed parameter: its value, its plausible range (or the alternatives), and the reason."""

    value: Any = Field(description="what the files say")
    low: Any = Field(None, description="least plausible value")
    high: Any = Field(None, description="greatest plausible value")
    alternatives: tuple[Any, ...] = Field((), description="other plausible values, where there is no order")
    what_if: bool = Field(
        False, description="its other values are switches of the model, no plausible chips: shown, and in no interval"
    )
    late: bool = Field(
        False, description="its range was put on record when numbers of it were known: shown, and in no interval"
    )
    reason: str = Field(min_length=1, description="why this value, and this range")

    @property
    def plain(self) -> Any:
        """The value as a parameter takes it."""
        return None if self.value == "null" else self.value

    @property
    def apart(self) -> str:
        """Why it is in no interval; empty if it is."""
        return "what-if" if self.what_if else "late" if self.late else ""

    @property
    def others(self) -> tuple[Any, ...]:
        """The values to try instead: the ends of the range, or the alternatives."""
        ends = (*((self.low,) if self.low is not None else ()), *((self.high,) if self.high is not None else ()))
        return tuple(other for other in (*ends, *self.alternatives) if other != self.value)

    @model_validator(mode="after")
    def _ordered(self) -> AssumedValue:
        for name, end in (("low", self.low), ("high", self.high)):
            if end is None:
                continue
            value, other = _measured(self.value), _measured(end)
            if value is None:
                raise misfit(f"no range: the value, {self.value}, is no quantity", name)
            if other is None or other[0] != value[0]:
                raise misfit(f"expected {value[0]}, as the value ({self.value}), got {end}", name)
            if (other[1] > value[1]) if name == "low" else (other[1] < value[1]):
                raise misfit(f"low <= value <= high does not hold: {end}, and the value is {self.value}", name)
        return self


def _measured(value: Any) -> tuple[str, Fraction] | None:
    """What a value is, in words, and how much of it; None if it has no order."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number", Fraction(value)
    if not isinstance(value, str):
        return None
    if (share := _SHARE.fullmatch(value)) is not None:
        return "a share in %", Fraction(share[1])
    for dimension in (FREQUENCY, SIZE, WIDTH, VOLTAGE, ENERGY, TIME, POWER):
        with contextlib.suppress(QuantityError):
            return dimension.name, dimension.parse(value)
    return None


class DenseFigure(Spec):
    """A published efficiency with dense operands."""

    value: float = Field(gt=0, description="the figure")
    unit: Literal["TOPS/W", "TFLOPS/W"] = Field(description="its unit")
    source: str = Field(min_length=1, description="where it is published, and for which supply, clock and format")
    from_memory: bool = Field(False, description="not looked up: the source could not be read")


class CalibrationRecord(Spec):
    """The one knob, and what it is turned on."""

    knob: str
    reason: str
    on: dict[str, DenseFigure] = Field(description="chip file -> the published figure")
    workload: str


class StructureChoice(Spec):
    """What is built, where the papers leave it open and no parameter says it: in no interval."""

    choice: str = Field(min_length=1, description="what is modelled")
    instead: str = Field(min_length=1, description="what may have been built")
    reason: str = Field(min_length=1, description="why this, and what it is known to do to the numbers")


class AssumptionRecord(Spec):
    """See scenarios/reproduce/assumptions.yaml."""

    schema_version: int = Field(ge=1, le=1)
    calibration: CalibrationRecord
    studies: dict[str, str]
    structure: dict[str, StructureChoice] = Field({}, description="name -> what is built, fixed in all claims")
    chips: dict[str, dict[str, AssumedValue]] = Field(description="chip file -> parameter -> value")
    schedules: dict[str, dict[str, AssumedValue]] = Field({}, description="schedule file -> parameter -> value")
    energies: dict[str, dict[str, AssumedValue]] = Field(description="energy file -> element -> value")

    def apart(self, *names: Sequence[str], schedule: str = "") -> dict[str, str]:
        """Assumptions that are in no interval, by the names of their rows, and why: `what-if` or `late`.

        `names`: for each chip the chips of the record whose assumptions it makes, later ones above earlier ones.
        """
        found: dict[str, str] = {}
        for of_one in names:
            rows: dict[str, AssumedValue] = {}
            for name in of_one:
                rows.update(self.chips[name])
            found.update({path: why for path, row in rows.items() if (why := row.apart)})
        for name, row in self.schedules.get(schedule, {}).items():
            if row.apart:
                found[f"schedule.{name}"] = row.apart
        return found


def load_record(file: Path) -> AssumptionRecord:
    """Read the record. Raises ScenarioError."""
    return load_component(file, AssumptionRecord)
