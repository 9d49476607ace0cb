"""What a memory file says: which preset, how it is controlled, how many channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from cosim.quantity import TimePs
from cosim.scenario import Spec, misfit, misfits

from .presets import MAX_BANKS, MAX_RANKS, PRESETS, Preset
from .schedulers import SCHEDULERS, Scheduler

# Nearly a million times slower than any DRAM. The fabric takes clocks below 2^31 ps, so twice as slow a one as well.
_SLOWEST_PS = 10**9


class MemorySpec(Spec):
    """DRAM channels and their controllers."""

    preset: str = Field(description="device and timing: " + ", ".join(sorted(PRESETS)))
    mapping: str = Field("m1", description="order of the address bits, as named in the preset")
    scheduler: str = Field("fr-fcfs", description="scheduling policy: " + ", ".join(sorted(SCHEDULERS)))
    channels: Annotated[int, Field(ge=1, le=16)] = Field(1, description="channels, interleaved")
    ranks: Annotated[int, Field(ge=1, le=MAX_RANKS)] = Field(1, description="ranks of each channel, a power of two")
    page: Literal["open", "closed"] = Field("open", description="closed: the last waiting access to a row closes it")
    refresh: Literal["all-bank", "per-bank"] = Field(
        "all-bank", description="per-bank: a bank at a time, the others go on (LPDDR4)"
    )
    t_ck: TimePs | None = Field(None, description="another clock period than the preset's; all timings scale with it")
    ideal: bool = Field(False, description="no latency and endless bandwidth, for bounding experiments")

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, name: str) -> str:
        if name not in PRESETS:
            raise misfit(f"unknown preset '{name}'; there are {', '.join(sorted(PRESETS))}")
        return name

    @field_validator("scheduler")
    @classmethod
    def _known_scheduler(cls, name: str) -> str:
        if name not in SCHEDULERS:
            raise misfit(f"unknown scheduler '{name}'; there are {', '.join(sorted(SCHEDULERS))}")
        return name

    @field_validator("t_ck")
    @classmethod
    def _possible_clock(cls, t_ck_ps: int | None) -> int | None:
        if t_ck_ps is not None and t_ck_ps < 1:
            raise misfit("must be at least 1 ps")
        if t_ck_ps is not None and t_ck_ps > _SLOWEST_PS:
            raise misfit("must be at most 1 ms")
        return t_ck_ps

    @model_validator(mode="after")
    def _of_the_preset(self) -> MemorySpec:
        preset = PRESETS[self.preset]
        found = []
        if self.mapping not in preset.mappings:
            there = ", ".join(sorted(preset.mappings))
            found.append(misfit(f"{self.preset} has no mapping '{self.mapping}'; there are {there}", "mapping"))
        banks = preset.geometry.banks
        if self.ranks & (self.ranks - 1) or self.ranks * banks > MAX_BANKS:
            what = f"expected a power of two, and at most {MAX_BANKS} banks, of which a rank has {banks}"
            found.append(misfit(what, "ranks"))
        if self.refresh == "per-bank" and not preset.refreshes_banks:
            found.append(misfit(f"{preset.standard} has no per-bank refresh", "refresh"))
        if found:
            raise misfits(found)
        return self

    @property
    def device(self) -> Preset:
        """The preset, with as many ranks."""
        return PRESETS[self.preset].with_ranks(self.ranks) if self.ranks > 1 else PRESETS[self.preset]

    @property
    def policy(self) -> Scheduler:
        """The scheduler with its page policy and kind of refresh."""
        return replace(SCHEDULERS[self.scheduler], page=self.page, refresh=self.refresh)

    @property
    def t_ck_ps(self) -> int:
        """The clock period."""
        return self.t_ck or self.device.t_ck_ps
