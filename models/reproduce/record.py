"""The record of assumptions: what the reproduction takes for granted, and how far each value may plausibly be off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from cosim.scenario import Spec, load_component

__all__ = ["AssumedValue", "AssumptionRecord", "load_record"]


class AssumedValue(Spec):
    """One assumed parameter: its value, its plausible range (or the alternatives), and the reason."""

    value: Any = Field(description="what the files say")
    low: Any = Field(None, description="least plausible value")
    high: Any = Field(None, description="greatest plausible value")
    alternatives: tuple[Any, ...] = Field((), description="other plausible values, where there is no order")
    reason: str = Field(min_length=1, description="why this value, and this range")

    @property
    def plain(self) -> Any:
        """The value as a parameter takes it."""
        return None if self.value == "null" else self.value

    @property
    def others(self) -> tuple[Any, ...]:
        """The values to try instead: the ends of the range, or the alternatives."""
        ends = (*((self.low,) if self.low is not None else ()), *((self.high,) if self.high is not None else ()))
        return tuple(other for other in (*ends, *self.alternatives) if other != self.value)


class CalibrationRecord(Spec):
    """The one knob, and what it is turned on."""

    knob: str
    reason: str
    on: dict[str, str] = Field(description="chip -> the published figure")
    workload: str


class AssumptionRecord(Spec):
    """See scenarios/reproduce/assumptions.yaml."""

    schema_version: int = Field(ge=1, le=1)
    calibration: CalibrationRecord
    studies: dict[str, str]
    chips: dict[str, dict[str, AssumedValue]] = Field(description="chip file -> parameter -> value")
    schedules: dict[str, dict[str, AssumedValue]] = Field({}, description="schedule file -> parameter -> value")
    energies: dict[str, dict[str, AssumedValue]] = Field(description="energy file -> element -> value")


def load_record(file: Path) -> AssumptionRecord:
    """Read the record. Raises ScenarioError."""
    return load_component(file, AssumptionRecord)
