"""What the data of a training's checkpoint are, by name and type.

An archive's checksums find what broke on the way. Data of wrong types, of a checkpoint that somebody changed, would be
found wherever they are used first, hours later or in the report: here they are found before anything is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..tensors import Stage
from .tally import COUNT_NAMES, PRUNING, ROW, SWITCHING

__all__ = ["check_saved"]

Count = Annotated[int, Field(ge=0)]
Counts = dict[str, int]
Pair = Annotated[list[Count], Field(min_length=2, max_length=2)]
OPERATIONS = ("coarse_macs", "coarse_adds", "coarse_compares", "fine_compares")


class _Saved(BaseModel):
    """Exactly these names, and nothing converted: JSON has numbers, texts and null."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _names(*names: str) -> AfterValidator:
    def check(mapping: dict[str, Any]) -> dict[str, Any]:
        if mapping.keys() != set(names):
            raise ValueError(f"expected {', '.join(names)}, got {', '.join(mapping)}")
        return mapping

    return AfterValidator(check)


_STAGES = _names(*map(str, Stage))
Counted = Annotated[Counts, _names(*COUNT_NAMES, "cycles")]
Ordered = Annotated[Counts, _names("core_cycles", "longest_core_cycles", "mac_slots")]
Switching = Annotated[Counts, _names(*SWITCHING)]
Pruning = Annotated[Counts, _names(*PRUNING)]
Simulated = Annotated[Counts, _names(*ROW)]
Operations = Annotated[Counts, _names(*OPERATIONS)]


class _Unit(_Saved):
    ended: Pair | None
    totals_ps: Counts


class _System(_Saved):
    now_ps: Count
    units: dict[str, _Unit]
    tags: Count
    chip_counts: Counts
    places: list[Any]  # what is in these two is made into what it is when it is taken back
    chooser: list[Any]
    counted: Counts
    dram_spent: Counts
    traffic: Annotated[list[Count], Field(min_length=3, max_length=3)]


class _Totals(_Saved):
    iterations: int
    time_ps: int
    tasks: int
    reasons_ps: Counts
    actions: Counts
    by_stage: dict[str, Counted]
    by_layer: dict[str, Counted]
    by_task: dict[str, Counts]
    mac_slots: int
    core_cycles: int
    longest_core_cycles: int
    switch_cycles: int
    bank_waits: int
    orders: dict[str, Ordered]
    dram_energy_fj: Counts
    dram_read_bytes: int
    dram_write_bytes: int
    compulsory_bytes: int
    requests: int


class _Tally(_Saved):
    totals: _Totals
    rows: list[Simulated]
    policies: Annotated[dict[str, Counts], _STAGES]
    switching: Annotated[dict[str, Switching], _STAGES]
    pruning: Pruning


class _Trained(_Saved):
    iteration: int
    epoch: int
    loss: float | None
    zero_weights: float
    coarse_share_of_zeros: float
    pruning_events: int
    accuracy: float | None = None


class _Curve(_Saved):
    rows: list[_Trained]
    pruning: Operations
    full: Operations
    events: int


class _Training(_Saved):
    systems: list[_System]
    tallies: list[_Tally]
    curve: _Curve
    timeline: list[Any]  # as `places`


def check_saved(data: Mapping[str, Any]) -> None:
    """Raise ValueError unless `data` are of the types that `_Training.state` gives, with the place of the first that is
    not."""
    try:
        _Training.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
