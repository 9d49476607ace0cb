"""What a memory file says: which preset, how it is controlled, how many channels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cosim.quantity import TimePs
from cosim.scenario import Spec, misfit

from .controller import SCHEDULERS
from .presets import PRESETS, Preset


class MemorySpec(Spec):
    """DRAM channels and their controllers."""

    preset: str = Field(description="device and timing: " + ", ".join(sorted(PRESETS)))
    mapping: str = Field("m1", description="order of the address bits, as named in the preset")
    scheduler: str = Field("fr-fcfs", description="scheduling policy: " + ", ".join(sorted(SCHEDULERS)))
    channels: Annotated[int, Field(ge=1, le=16)] = Field(1, description="channels, interleaved")
    t_ck: TimePs | None = Field(None, description="another clock period than the preset's; all timings scale with it")
    ideal: bool = Field(False, description="no latency and endless bandwidth, for bounding experiments")

    @model_validator(mode="after")
    def _known(self) -> MemorySpec:
        if self.preset not in PRESETS:
            raise misfit(f"unknown preset '{self.preset}'; there are {', '.join(sorted(PRESETS))}", "preset")
        if self.mapping not in PRESETS[self.preset].mappings:
            there = ", ".join(sorted(PRESETS[self.preset].mappings))
            raise misfit(f"{self.preset} has no mapping '{self.mapping}'; there are {there}", "mapping")
        if self.scheduler not in SCHEDULERS:
            raise misfit(
                f"unknown scheduler '{self.scheduler}'; there are {', '.join(sorted(SCHEDULERS))}", "scheduler"
            )
        if self.t_ck is not None and self.t_ck < 1:
            raise misfit("must be at least 1 ps", "t_ck")
        return self

    @property
    def device(self) -> Preset:
        """The preset."""
        return PRESETS[self.preset]

    @property
    def t_ck_ps(self) -> int:
        """The clock period."""
        return self.t_ck or self.device.t_ck_ps
