"""A training on two chips, both with one assumed parameter at another plausible value.

All variants of a chip are baselines of one scenario: the training runs once for all of them. Few of its iterations are
simulated (`EVERY`), so that the number at the nominal values is not the claim's own, but the same number of a sample:
sensitivities are changes against that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from ..chip.feasibility import chip_misfits, plan
from ..chip.sampling import SimulateSpec
from ..chip.training import TrainingScenario
from .points import Point, Results
from .record import AssumptionRecord
from .variants import variants

__all__ = ["EVERY", "SAMPLED", "TrainingVariants"]

EVERY = 252
"""One of so many iterations is simulated, with and without pruning event: of the digits' 504, three."""

SAMPLED = f"Over one in {EVERY} iterations, which is why the number at the nominal values is not the claim's."

Summary = Mapping[str, Any]


@dataclass
class TrainingVariants:
    """The first chips of a training; `names`: for each the chips of the record whose assumptions it makes."""

    training: TrainingScenario
    record: AssumptionRecord
    chips: tuple[ChipSpec, ...]
    names: tuple[tuple[str, ...], ...]

    @cached_property
    def _found(self) -> list[dict[tuple[str, Any], ChipSpec | None]]:
        """For each chip: (parameter, value) -> the variant, None where it does not fit this training."""
        planned = plan(self.training.workload, self.training.pruning, self.training.seed)
        if not isinstance(planned, tuple):
            raise ValueError(str(planned))
        found = []
        for chip, names in zip(self.chips, self.names, strict=True):
            row: dict[tuple[str, Any], ChipSpec | None] = {}
            for one in variants(chip, self.record, names):
                fits = one.chip is not None and not any(chip_misfits(one.chip, *planned))
                row[one.parameter, _key(one.value)] = one.chip if fits else None
            found.append(row)
        return found

    def points(self) -> Iterator[Point]:
        """One for each chip: itself first, then its variants in order."""
        yield from self._points

    @cached_property
    def _points(self) -> list[Point]:
        points = []
        for chip, found in zip(self.chips, self._found, strict=True):
            those = tuple(variant for variant in found.values() if variant is not None)
            changes = {"chip": chip, "baselines": those, "simulate": SimulateSpec(every=EVERY)}
            points.append(Point.of(self.training.model_copy(update=changes)))
        return points

    def nominal(self, results: Results) -> list[Summary]:
        """The summaries of the chips as they are."""
        return [results[point]["chips"][0] for point in self._points]

    def rows(self, results: Results, number: Callable[..., float | None]) -> list[tuple[str, Any, float | None]]:
        """(parameter, value, number) with the parameter changed in every chip that assumes it; `number` is given the
        chips' summaries in order."""
        summaries = self._summaries(results)
        nominal = self.nominal(results)
        rows: list[tuple[str, Any, float | None]] = []
        for key in dict.fromkeys(key for found in self._found for key in found):
            those = [of.get(key, nominal[at]) for at, of in enumerate(summaries)]
            value = None if any(one is None for one in those) else number(*those)
            rows.append((*key, value))
        return rows

    def at(self, results: Results, parameter: str, value: Any) -> list[Summary] | None:
        """The chips' summaries with one parameter changed; None if one of them does not take it."""
        those = [found.get((parameter, _key(value))) for found in self._summaries(results)]
        return None if any(one is None for one in those) else [one for one in those if one is not None]

    def _summaries(self, results: Results) -> list[dict[tuple[str, Any], Summary | None]]:
        summaries = []
        for point, found in zip(self._points, self._found, strict=True):
            ran = iter(results[point]["chips"][1:])
            summaries.append({key: None if chip is None else next(ran) for key, chip in found.items()})
        return summaries


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
