"""What a claim file says: what is published, and the study that is held against it."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from cosim.scenario import ScenarioSpec, Spec, misfit

from ..chip import ChipSpec
from ..chip.training import TrainingScenario
from ..dram.spec import MemorySpec
from ..workload.schema import StatisticalLayer
from .densities import Density, Share, SurfacePoint
from .layer_points import DENSE, layer_point
from .parameters import UnknownParameterError, with_parameter
from .record import AssumptionRecord, DenseFigure
from .variants import applicable

__all__ = ["ClaimScenario", "GainStudy", "PruningStudy", "PublishedValue", "SameWorkloadStudy", "ThroughputStudy"]

FULL = "cfp"
"""The schedule that compares all pairs of channels."""
SCHEDULE_OF = "schedule of the record whose parameters are varied"
RECORD_OF = "chips of the record whose parameters are varied, where the chip takes them; later ones above earlier ones"


def _on_record(record: AssumptionRecord, names: tuple[str, ...], *path: str | int) -> None:
    for at, name in enumerate(names):
        if name not in record.chips:
            raise misfit(f"the record knows {', '.join(record.chips)}", *path, at)


def _calibrated(record: AssumptionRecord, names: tuple[str, ...], *path: str | int) -> None:
    """The last of `names`, which is the chip's own, has a published dense figure."""
    if names[-1] not in record.calibration.on:
        raise misfit(f"the record has dense figures of {', '.join(record.calibration.on)}", *path, len(names) - 1)


def _told_as_it_is(chip: ChipSpec, record: AssumptionRecord, names: tuple[str, ...]) -> None:
    """The record's rows of a chip are of it: each names a parameter, and its own rows (the last of `names`) say what
    its file says. Otherwise an assumption would leave the study without a word."""
    found = applicable(chip, record, names)
    for name in names:
        for path, row in record.chips[name].items():
            try:
                with_parameter(chip, path, row.plain)
            except UnknownParameterError:
                raise misfit("no chip has such a parameter", "record", "chips", name, path) from None
            except ValidationError:
                pass  # a row may say a value in words
            if name == names[-1] and path not in found:
                raise misfit(f"the record says {row.value}, {chip.name} does not", "record", "chips", name, path)


def _fits(chip: ChipSpec, memory: MemorySpec, layer: StatisticalLayer, *path: str | int) -> None:
    """The layer can be run on the chip."""
    try:
        layer_point(chip, memory, layer, DENSE, 1)
    except ValidationError as error:
        raise misfit(f"does not fit {chip.name}: {error.errors()[0]['msg']}", *path) from None


def _scheduled(record: AssumptionRecord, name: str) -> None:
    if name not in record.schedules:
        raise misfit(f"the record knows {', '.join(record.schedules) or 'none'}", "schedule_of")


class PublishedValue(Spec):
    """A published figure."""

    value: float = Field(gt=0.0, allow_inf_nan=False, description="the figure")
    unit: str = Field(description="its unit")
    what: str = Field(description="what it says, in one line")
    source: str = Field(description="where it is published")
    from_memory: bool = Field(False, description="not looked up: the source could not be read")


class GainStudy(Spec):
    """Energy of a dense operation over that of a sparse one, on the same chip, over densities."""

    study: Literal["energy_gain"]
    chip: ChipSpec = Field(description="the chip")
    others: tuple[ChipSpec, ...] = Field((), description="chips to look at at the sparse point alone")
    memory: MemorySpec = Field(description="DRAM; its energy is not in the figures of the chip")
    layer: StatisticalLayer = Field(description="the layer whose FF, BP and WG are run; its densities are replaced")
    inputs: tuple[Density, ...] = Field(description="densities of inputs and gradients")
    weights: tuple[Density, ...] = Field(description="densities of weights")
    coarse_shares: tuple[Share, ...] = Field(description="shares of the zero weights in coarse units")
    sparse_point: SurfacePoint = Field(description="the point that sensitivities are given for")
    seeds: tuple[int, ...] = Field((), description="other seeds of the zeros, dense and at the sparse point")
    operating_points: tuple[str, ...] = Field((), description="of the chip, to look at as well")
    layers: tuple[StatisticalLayer, ...] = Field((), description="other layers, to see what the choice of layer does")
    joint: dict[str, dict[str, Any]] = Field(
        {},
        description="name -> parameters of the chip that are set together: ends of an interval, as searched for",
    )
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[str, ...] = Field(min_length=1, description=f"{RECORD_OF}; the last is calibrated")

    @property
    def calibrated_on(self) -> DenseFigure:
        """The dense figure of the chip, from the record."""
        return self.record.calibration.on[self.record_of[-1]]

    @model_validator(mode="after")
    def _known(self) -> GainStudy:
        _on_record(self.record, self.record_of, "record_of")
        _calibrated(self.record, self.record_of, "record_of")
        _told_as_it_is(self.chip, self.record, self.record_of)
        rows = applicable(self.chip, self.record, self.record_of)
        for name, values in self.joint.items():
            for path, value in values.items():
                if path not in rows or value not in rows[path].others or rows[path].apart:
                    raise misfit("is no other plausible value of this chip on record", "joint", name, path)
        for at, name in enumerate(self.operating_points):
            if name not in self.chip.operating_points:
                raise misfit(f"the chip has {', '.join(self.chip.operating_points) or 'none'}", "operating_points", at)
        for at, chip in enumerate(self.others):
            _fits(chip, self.memory, self.layer, "others", at)
        _fits(self.chip, self.memory, self.layer, "layer")
        for at, layer in enumerate(self.layers):
            _fits(self.chip, self.memory, layer, "layers", at)
        return self


class ThroughputStudy(Spec):
    """Cycles of a chip against those of another with as many multipliers and the same clock."""

    study: Literal["throughput"]
    trainings: dict[str, TrainingScenario] = Field(
        min_length=1, description="name -> training; its chip against its first baseline"
    )
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
            mine, theirs = training.chip, training.baselines[0]
            if _speed(mine) != _speed(theirs):
                said = " against ".join("{} multipliers at {} ps".format(*_speed(one)) for one in (mine, theirs))
                raise misfit(f"compares chips with unequal multipliers or clocks: {said}", "trainings", name)
        first = next(iter(self.trainings.values()))
        _fits(first.chip, first.memory, self.layer, "layer")
        for at, (chip, names) in enumerate(zip((first.chip, first.baselines[0]), self.record_of, strict=True)):
            _on_record(self.record, names, "record_of", at)
            _told_as_it_is(chip, self.record, names)
        _scheduled(self.record, self.schedule_of)
        return self


class SameWorkloadStudy(Spec):
    """Energy of the same workload on two chips: a pruned training, and the sparse point of the surface."""

    study: Literal["same_workload"]
    training: TrainingScenario = Field(description="its chip against its first baseline")
    layer: StatisticalLayer = Field(description="the layer of the sparse point; its densities are replaced")
    sparse_point: SurfacePoint = Field(description="the point of the surface that is looked at")
    record: AssumptionRecord = Field(description="the record of assumptions")
    record_of: tuple[tuple[str, ...], tuple[str, ...]] = Field(description=f"of both chips: {RECORD_OF}")
    schedule_of: str = Field(description=SCHEDULE_OF)

    @property
    def calibrated_on(self) -> tuple[float, float]:
        """The dense figures of both chips, from the record."""
        first, second = (self.record.calibration.on[names[-1]].value for names in self.record_of)
        return first, second

    @model_validator(mode="after")
    def _comparable(self) -> SameWorkloadStudy:
        if not self.training.baselines:
            raise misfit("has no baseline to compare with", "training")
        chips = (self.training.chip, self.training.baselines[0])
        if chips[0].energy != chips[1].energy:
            raise misfit("compares chips with different energy tables", "training")
        for at, (chip, names) in enumerate(zip(chips, self.record_of, strict=True)):
            _on_record(self.record, names, "record_of", at)
            _calibrated(self.record, names, "record_of", at)
            _told_as_it_is(chip, self.record, names)
            _fits(chip, self.training.memory, self.layer, "layer")
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
    full: TrainingScenario = Field(
        description="the same by the full algorithm (all pairs of channels, in events of its own), on chips like those"
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
            chip = next(chip for chip in chips if chip.pruning_unit.shared is (at == 0))
            _told_as_it_is(chip, self.record, names)
        _scheduled(self.record, self.schedule_of)
        for name in ("training", "varied", "full"):
            schedule = getattr(self, name).pruning.schedule
            if name != "full" and schedule != self.schedule_of:
                raise misfit(f"is pruned by {schedule}, not by {self.schedule_of}", name)
            if name == "full" and schedule != FULL:
                raise misfit(f"is pruned by {schedule}, not by the full algorithm ({FULL})", name)
        return self


def _speed(chip: ChipSpec) -> tuple[int, Fraction]:
    """Multipliers, and the clock's period in ps."""
    return chip.core.count * chip.core.lanes * chip.core.macs_per_lane, chip.clock


Study = Annotated[GainStudy | ThroughputStudy | SameWorkloadStudy | PruningStudy, Field(discriminator="study")]


_COMPARED = {
    "throughput": ("a throughput",),
    "same_workload": ("an efficiency",),
    "pruning": ("the computation that is saved", "the accesses that are removed"),
}


_UNITS = {
    "energy_gain": ("TOPS/W", "TFLOPS/W"),
    "throughput": ("times",),
    "same_workload": ("times",),
    "pruning": ("%",),
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
        for at, value in enumerate(self.published):
            if value.unit not in _UNITS[self.study.study]:
                raise misfit(f"this study is in {' or '.join(_UNITS[self.study.study])}", "published", at, "unit")
        return self
