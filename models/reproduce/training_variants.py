"""A short training on chips, with one assumption after the other at its other plausible values.

The functional training is cut to a few epochs (`EPOCHS`), with the schedule's ramp in it as a whole, and few of its
iterations are simulated (`EVERY`): the number at the nominal values is not the claim's own, but the same number of this
piece. Sensitivities are changes against that. All variants of a chip are baselines of one scenario, so that the
training runs once for all of them; every other value of the pruning schedule is a training of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from ..chip import ChipSpec
from ..chip.feasibility import chip_misfits, plan
from ..chip.sampling import SimulateSpec
from ..chip.training import TrainingScenario
from ..pruning import PruningSpec
from ..workload.schema import FunctionalSpec
from .points import Point, Results
from .record import AssumptionRecord
from .variants import text_of, variants

__all__ = ["EPOCHS", "EVERY", "SAMPLED", "TrainingVariants", "sampling_percent", "shortened"]

EPOCHS = 3
EVERY = 126
"""One of so many iterations is simulated, with and without pruning event: of the digits' 126, one each."""

SAMPLED = (
    f"Over a training of {EPOCHS} epochs, of which one iteration with and one without pruning event are simulated: why "
    "the number at the nominal values is not the claim's."
)

Summary = Mapping[str, Any]
Key = tuple[str, Any]


def sampling_percent(chips: Sequence[Summary], what: str) -> float | None:
    """How far a quotient of two chips' totals can be off because not every iteration was simulated: the sum of both
    half-widths (95 %), in percent; 0 where all were, None where too few were to say.

    `what`: `time_ps`, or `energy_fj_chip`.
    """
    percent = 0.0
    for chip in chips:
        half = chip["interval"]["half_width"][what]
        if half is None:
            return None
        percent += 100 * half / (chip["time_ps"] if what == "time_ps" else chip["energy_fj"]["chip"])
    return percent


def shortened(training: TrainingScenario) -> TrainingScenario:
    """The piece that is varied; a training whose values are not computed stays as it is."""
    workload = training.workload
    if isinstance(workload, FunctionalSpec):
        workload = workload.model_copy(update={"epochs": min(EPOCHS, workload.epochs)})
    return training.model_copy(update={"workload": workload, "simulate": SimulateSpec(every=EVERY)})


@dataclass
class TrainingVariants:
    """Chips of a training; `names`: for each the chips of the record whose assumptions it makes; `schedule_of`: the
    schedule of the record that the training is pruned by."""

    training: TrainingScenario
    record: AssumptionRecord
    chips: tuple[ChipSpec, ...]
    names: tuple[tuple[str, ...], ...]
    schedule_of: str

    def points(self) -> Iterator[Point]:
        """One for each chip: itself first, then its variants in order; then one for each other schedule."""
        yield from self._points
        yield from (point for point in self._scheduled.values() if point is not None)

    @cached_property
    def _short(self) -> TrainingScenario:
        return shortened(self.training)

    @cached_property
    def _found(self) -> list[dict[Key, ChipSpec | None]]:
        """For each chip: (parameter, value) -> the variant, None where it does not fit this training."""
        return [
            _fitting(self._short, self.record, chip, names) for chip, names in zip(self.chips, self.names, strict=True)
        ]

    @cached_property
    def _points(self) -> list[Point]:
        points = []
        for chip, found in zip(self.chips, self._found, strict=True):
            those = tuple(variant for variant in found.values() if variant is not None)
            points.append(Point.of(self._short.model_copy(update={"chip": chip, "baselines": those})))
        return points

    @cached_property
    def _scheduled(self) -> dict[Key, Point | None]:
        """(parameter, value) of the schedule -> the training on all its chips; None for what it cannot be."""
        found: dict[Key, Point | None] = {}
        for name, row in self.record.schedules[self.schedule_of].items():
            for value in row.others:
                schedule = _with(self._short.pruning, name, value)
                changed = None if schedule is None else Point.of(self._short.model_copy(update={"pruning": schedule}))
                found[f"schedule.{name}", _key(value)] = changed
        return found

    # ---- results ------------------------------------------------------------------------------------------------

    def nominal(self, results: Results) -> list[Summary]:
        """The summaries of the chips as they are."""
        return [results[point]["chips"][0] for point in self._points]

    def nominal_training(self, results: Results) -> Summary:
        """What the training says of itself, as it is."""
        training: Summary = results[self._points[0]]["training"]
        return training

    def rows(self, results: Results, number: Callable[..., float | None]) -> list[tuple[str, Any, float | None]]:
        """(parameter, value, number) with the parameter changed in every chip that assumes it, or in the schedule;
        `number` is given the chips' summaries in order."""
        rows: list[tuple[str, Any, float | None]] = [
            (*key, None if those is None else number(*those)) for key, those in self.each(results)
        ]
        return rows

    def each(self, results: Results) -> Iterator[tuple[Key, list[Summary] | None]]:
        """(parameter, value) and the chips' summaries with it; None where one of them does not take it."""
        summaries, nominal = self._summaries(results), self.nominal(results)
        for key in dict.fromkeys(key for found in self._found for key in found):
            those = [of.get(key, nominal[at]) for at, of in enumerate(summaries)]
            yield key, None if any(one is None for one in those) else [one for one in those if one is not None]
        order = (self._short.chip, *self._short.baselines)
        places = [order.index(chip) for chip in self.chips]
        for key, point in self._scheduled.items():
            yield key, None if point is None else [results[point]["chips"][place] for place in places]

    def variant(self, at: int, key: Key) -> ChipSpec:
        """The chip number `at` with a parameter changed; itself where it does not have it, or for a schedule."""
        return self._found[at].get(key) or self.chips[at]

    def trainings(self, results: Results) -> list[tuple[str, Any, Summary | None]]:
        """(parameter, value, what the training says of itself) for every other schedule."""
        return [(*key, None if point is None else results[point]["training"]) for key, point in self._scheduled.items()]

    def at(self, results: Results, parameter: str, value: Any) -> list[Summary] | None:
        """The chips' summaries with one parameter changed; None if one of them does not take it."""
        those = [found.get((parameter, _key(value))) for found in self._summaries(results)]
        return None if any(one is None for one in those) else [one for one in those if one is not None]

    def _summaries(self, results: Results) -> list[dict[Key, Summary | None]]:
        summaries = []
        for point, found in zip(self._points, self._found, strict=True):
            ran = iter(results[point]["chips"][1:])
            summaries.append({key: None if chip is None else next(ran) for key, chip in found.items()})
        return summaries


_FITTING: dict[tuple[Any, ...], dict[Key, ChipSpec | None]] = {}
"""What was worked out for one study is there for the others."""


def _fitting(
    training: TrainingScenario, record: AssumptionRecord, chip: ChipSpec, names: tuple[str, ...]
) -> dict[Key, ChipSpec | None]:
    """(parameter, value) -> variant of the chip, None where it does not fit the training."""
    key = (Point.of(training).text, record.model_dump_json(), chip.model_dump_json(), names)
    if key not in _FITTING:
        planned = plan(training.workload, training.pruning, training.seed)
        if not isinstance(planned, tuple):
            raise ValueError(str(planned))
        found: dict[Key, ChipSpec | None] = {}
        for one in variants(chip, record, names):
            fits = one.chip is not None and not any(chip_misfits(one.chip, *planned))
            found[one.parameter, _key(one.value)] = one.chip if fits else None
        _FITTING[key] = found
    return _FITTING[key]


def _with(schedule: PruningSpec, name: str, value: Any) -> PruningSpec | None:
    try:
        return type(schedule).model_validate({**schedule.model_dump(mode="json"), name: value})
    except ValidationError:
        return None


def _key(value: Any) -> Any:
    """What stands for a value among keys: lists as tuples, mappings as their text."""
    if isinstance(value, dict):
        return text_of("", value)
    return tuple(value) if isinstance(value, list) else value
