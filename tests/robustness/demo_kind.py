"""A small scenario kind, to test the framework without any hardware; `plugin.py` installs it as a plug-in."""

import time
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.quantity import Bytes, EnergyFj, Millivolts, PeriodPs, Ratio, TimePs
from cosim.registry import Registry
from cosim.scenario import InputFile, Registered, RunContext, ScenarioSpec, Spec, misfit


class Core(Spec):
    """A core."""

    lanes: int = Field(4, ge=1, description="lanes of one core")
    buffer: Bytes = Field(65536, description="input buffer")


class Chip(Spec):
    """A chip."""

    name: str
    clock: PeriodPs = Field(description="core clock")
    supply: Millivolts
    core: Core = Core()
    mac: EnergyFj = 637

    @model_validator(mode="after")
    def _buffers_fit(self):
        if self.core.buffer < 1024 * self.core.lanes:
            raise misfit(f"{self.core.lanes} lanes need at least {self.core.lanes} KiB", "core", "buffer")
        if self.supply > 1200:
            raise ValueError(f"{self.supply} mV would break it")
        return self


class Linear(Spec):
    """Linear schedule."""

    kind: Literal["linear"]
    target: Ratio


class Step(Spec):
    """Step schedule."""

    kind: Literal["step"]
    target: Ratio
    every: int = Field(ge=1)


class Demo(ScenarioSpec):
    """A demonstration."""

    chip: Chip
    schedule: Annotated[Spec, Registered("schedule")]
    steps: int = Field(5, ge=1, le=1000)
    mode: Literal["functional", "trace"] = "functional"
    verify: bool = False
    data: InputFile | None = None
    baselines: tuple[Chip, ...] = ()
    step_time: TimePs = 0  # of wall-clock time: for the tests that interrupt


def run(spec: Demo, context: RunContext) -> dict:
    rng = context.stream("demo")
    for i in range(spec.steps):
        context.progress("steps", i + 1, spec.steps)
        time.sleep(spec.step_time / 1e12)
    context.write_statistics({"draws": spec.steps})
    context.write_timeline([{"name": "step", "ts": i} for i in range(spec.steps)])
    with context.open("events.txt") as stream:
        stream.write("step\n" * spec.steps)
    draws = rng.integers(1000, size=spec.steps)
    data = context.resolve(spec.data).read_text() if spec.data else ""
    return {
        "draws": draws,
        "lanes": spec.chip.core.lanes,
        "units": dict.fromkeys({"core", "dma", "noc"}, 1),
        "data": data,
    }


def register(registry: Registry) -> None:
    registry.scenario("demo", Demo, run, check=lambda spec: ["one step is little"] if spec.steps == 1 else [])
    registry.component("schedule", "linear", Linear)
    registry.component("schedule", "step", Step)
    registry.component("chip", "demo_chip", Chip)
