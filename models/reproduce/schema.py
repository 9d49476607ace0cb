"""What a claim file says: what is published, and the study that is held against it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cosim.scenario import ScenarioSpec, Spec, misfit

from ..chip import ChipSpec
from ..chip.training import TrainingScenario
from ..dram.spec import MemorySpec
from ..workload.schema import StatisticalLayer
from .record import AssumptionRecord
from .variants import applicable

__all__ = ["ClaimScenario", "GainStudy", "PruningStudy", "PublishedValue", "SameWorkloadStudy", "ThroughputStudy"]

Density = Annotated[float, Field(gt=0.0, le=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


SCHEDULE_OF = "schedule of the record whose parameters are varied"
RECORD_OF = "chips of the record whose parameters are varied, where the chip takes them; later ones above earlier ones"


def _on_record(record: AssumptionRecord, names: tuple[str, ...], *path: str | int) -> None:
    for at, name in enumerate(names):
        if name not in record.chips:
            raise misfit(f"the record knows {', '.join(record.chips)}", *path, at)


def _scheduled(record: AssumptionRecord, name: str) -> None:
    if name not in record.schedules:
        raise misfit(f"the record knows {', '.join(record.schedules) or 'none'}", "schedule_of")


class PublishedValue(Spec):
    """A published figure."""

    value: float = Field(description="the figure")
    unit: str = Field(description="its unit")
    what: str = Field(description="what it says, in one line")
    source: str = Field(description="where it is published")
    from_memory: bool = Field(False, description="not looked up: the source could not be read")


class CornerSpec(Spec):
    """A point of the surface."""

    input: Density = Field(description="density of inputs and gradients")
    weight: Density = Field(description="density of weights")
    coarse: Share = Field(0.0, description="share of the zero weights in coarse units")


class GainStudy(Spec):
    """Energy of a dense operation over that of a sparse one, on the same chip, over densities."""

    study: Literal["energy_gain"]
    chip: ChipSpec = Field(description="the chip")
    others: tuple[ChipSpec, ...] = Field((), description="chips to look at in the corner alone")
    memory: MemorySpec = Field(description="DRAM; its energy is not in the figures of the chip")
    layer: StatisticalLayer = Field(description="the layer whose FF, BP and WG are run; its densities are replaced")
    inputs: tuple[Density, ...] = Field(description="densities of inputs and gradients")
    weights: tuple[Density, ...] = Field(description="densities of weights")
    coarse_shares: tuple[Share, ...] = Field(description="shares of the zero weights in coarse units")
    corner: CornerSpec = Field(description="the point that sensitivities are given for")
    dense_tops_per_watt: float = Field(gt=0, description="the dense figure that the chip is calibrated on")
    operating_points: tuple[str, ...] = Field((), description="of the chip, to look at as well")
    layers: tuple[StatisticalLayer, ...] = Field((), description="other layers, to see what the choice of layer does")
    joint: dict[str, dict[str, Any]] = Field(
        {},
        description="name -> parameters of the chip that are set together: ends of an interval, as searched for",
    )
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[str, ...] = Field(description=RECORD_OF)

    @model_validator(mode="after")
    def _known(self) -> GainStudy:
        _on_record(self.record, self.record_of, "record_of")
        rows = applicable(self.chip, self.record, self.record_of)
        for name, values in self.joint.items():
            for path, value in values.items():
                if path not in rows or value not in rows[path].others:
                    raise misfit("is no other plausible value of this chip on record", "joint", name, path)
        for at, name in enumerate(self.operating_points):
            if name not in self.chip.operating_points:
                raise misfit(f"the chip has {', '.join(self.chip.operating_points) or 'none'}", "operating_points", at)
        return self


class ThroughputStudy(Spec):
    """Cycles of a chip against those of another with as many multipliers and the same clock."""

    study: Literal["throughput"]
    trainings: dict[str, TrainingScenario] = Field(description="name -> training; its chip against its first baseline")
    layer: StatisticalLayer = Field(description="layer of the search for the condition; its densities are replaced")
    inputs: tuple[Density, ...] = Field(description="densities of inputs and of known outputs")
    weights: tuple[Density, ...] = Field(description="densities of weights")
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[tuple[str, ...], tuple[str, ...]] = Field(description=f"of both chips: {RECORD_OF}")
    schedule_of: str = Field(description=SCHEDULE_OF)

    @model_validator(mode="after")
    def _comparable(self) -> ThroughputStudy:
        for name, training in self.trainings.items():
            if not training.baselines:
                raise misfit("has no baseline to compare with", "trainings", name)
        for at, names in enumerate(self.record_of):
            _on_record(self.record, names, "record_of", at)
        _scheduled(self.record, self.schedule_of)
        return self


class SameWorkloadStudy(Spec):
    """Energy of the same workload on two chips: a pruned training, and the corner of the surface."""

    study: Literal["same_workload"]
    training: TrainingScenario = Field(description="its chip against its first baseline")
    layer: StatisticalLayer
    corner: CornerSpec
    dense_tops_per_watt: tuple[float, float] = Field(description="what the two chips are calibrated on")
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[tuple[str, ...], tuple[str, ...]] = Field(description=f"of both chips: {RECORD_OF}")
    schedule_of: str = Field(description=SCHEDULE_OF)

    @model_validator(mode="after")
    def _comparable(self) -> SameWorkloadStudy:
        if not self.training.baselines:
            raise misfit("has no baseline to compare with", "training")
        for at, names in enumerate(self.record_of):
            _on_record(self.record, names, "record_of", at)
        _scheduled(self.record, self.schedule_of)
        return self


class PruningStudy(Spec):
    """What pruning computes and reads over a whole training: by schedule, and by shared or separate unit."""

    study: Literal["pruning"]
    training: TrainingScenario = Field(
        description="simulated, as a whole: one chip with a shared unit, one (a baseline) with a separate one"
    )
    varied: TrainingScenario = Field(
        description="training whose pruning operations are counted, and a piece of which is varied"
    )
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[tuple[str, ...], tuple[str, ...]] = Field(
        description=f"of the chips with a shared and with a separate unit: {RECORD_OF}"
    )
    schedule_of: str = Field(description=SCHEDULE_OF)

    @model_validator(mode="after")
    def _both(self) -> PruningStudy:
        chips = (self.training.chip, *self.training.baselines)
        if {chip.pruning_unit.shared for chip in chips} != {True, False}:
            raise misfit("needs a chip with a shared pruning unit and one with a separate one", "training")
        for at, names in enumerate(self.record_of):
            _on_record(self.record, names, "record_of", at)
        _scheduled(self.record, self.schedule_of)
        return self


Study = Annotated[GainStudy | ThroughputStudy | SameWorkloadStudy | PruningStudy, Field(discriminator="study")]


_COMPARED = {
    "throughput": ("a throughput",),
    "same_workload": ("an efficiency",),
    "pruning": ("the computation that is saved", "the accesses that are removed"),
}


class ClaimScenario(ScenarioSpec):
    """A published claim, and the study that is held against it."""

    position: int = Field(0, description="place among other claims: lower ones come first, equal ones by name")
    published: tuple[PublishedValue, ...] = Field(min_length=1, description="the figures")
    study: Study = Field(description="what is run")

    @model_validator(mode="after")
    def _as_many_as_are_compared(self) -> ClaimScenario:
        wanted = {"energy_gain": None, "pruning": 2}.get(self.study.study, 1)
        if wanted is not None and len(self.published) != wanted:
            held = " and ".join(_COMPARED[self.study.study])
            raise misfit(
                f"{wanted} expected, as this study is held against {held}; got {len(self.published)}", "published"
            )
        return self
