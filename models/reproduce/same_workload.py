"""The same workload on two chips: what one needs less energy than the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from .elements import Form, element_rows, energy_form, extreme_ratio
from .layer_points import DENSE, layer_point
from .points import Point, Results
from .schema import CornerSpec, SameWorkloadStudy
from .training_variants import SAMPLED, TrainingVariants
from .variants import by_influence

__all__ = ["SameWorkload"]


@dataclass
class SameWorkload:
    """A pruned training and the corner of the surface; uncalibrated (both chips by the same table), and with each
    chip calibrated on its own dense figure."""

    study: SameWorkloadStudy
    seed: int

    @cached_property
    def _variants(self) -> TrainingVariants:
        training = self.study.training
        chips = (training.chip, training.baselines[0])
        return TrainingVariants(training, self.study.record, chips, self.study.record_of)

    def points(self) -> Iterator[Point]:
        """The training, and the layer, dense and in the corner."""
        yield Point.of(self.study.training)
        for at in (DENSE, self.study.corner):
            yield self._layer(at)
        yield from self._variants.points()

    def _layer(self, at: CornerSpec) -> Point:
        training = self.study.training
        return layer_point((training.chip, training.baselines[0]), training.memory, self.study.layer, at, self.seed)

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        chips = (self.study.training.chip, self.study.training.baselines[0])
        dense = results[self._layer(DENSE)]["chips"]
        factors = [
            target / one["effective_tops_per_watt"]
            for target, one in zip(self.study.dense_tops_per_watt, dense, strict=False)
        ]
        rows = []
        for name, point in (
            ("training", Point.of(self.study.training)),
            ("layer in the corner", self._layer(self.study.corner)),
        ):
            mine, theirs = results[point]["chips"][:2]
            least, greatest = _extremes(
                *((chip, energy_form(chip, one["counts"])) for chip, one in zip(chips, (theirs, mine), strict=True))
            )
            rows.append(
                {
                    "name": name,
                    "tops_per_watt": [mine["effective_tops_per_watt"], theirs["effective_tops_per_watt"]],
                    "ratio": mine["effective_tops_per_watt"] / theirs["effective_tops_per_watt"],
                    "ratio_least": least,
                    "ratio_greatest": greatest,
                    "calibrated_tops_per_watt": [
                        one["effective_tops_per_watt"] * factor
                        for one, factor in zip((mine, theirs), factors, strict=True)
                    ],
                    "calibrated_ratio": mine["effective_tops_per_watt"]
                    * factors[0]
                    / (theirs["effective_tops_per_watt"] * factors[1]),
                    "ratio_with_dram": theirs["energy_fj"]["total"] / mine["energy_fj"]["total"],
                }
            )
        return {
            "chips": [chip.name for chip in chips],
            "rows": rows,
            "sensitivities": [self._of_training(results), self._of_layer(results)],
        }

    def _of_training(self, results: Results) -> dict[str, Any]:
        """The ratio over the training, uncalibrated, with every assumption changed in both chips."""

        def ratio(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
            return float(mine["effective_tops_per_watt"] / theirs["effective_tops_per_watt"])

        pair = self._variants.nominal(results)
        rows = self._variants.rows(results, ratio) + self._elements(*pair)
        return by_influence(rows, "efficiency against LNPU, training", "x", ratio(*pair), SAMPLED)

    def _of_layer(self, results: Results) -> dict[str, Any]:
        """The ratio of the layer in the corner; energies alone."""
        mine, theirs = results[self._layer(self.study.corner)]["chips"][:2]
        nominal = mine["effective_tops_per_watt"] / theirs["effective_tops_per_watt"]
        rows = self._elements(mine, theirs)
        return by_influence(rows, "efficiency against LNPU, layer in the corner", "x", nominal, "Energies alone.")

    def _elements(self, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, Any, float | None]]:
        training = self.study.training
        above = energy_form(training.baselines[0], theirs["counts"])
        return element_rows(training.chip, above, energy_form(training.chip, mine["counts"]))


def _extremes(theirs: tuple[ChipSpec, Form], mine: tuple[ChipSpec, Form]) -> tuple[float, float]:
    if theirs[0].energy != mine[0].energy:
        raise ValueError("the chips have different energy tables")
    chip = mine[0]
    return (
        float(extreme_ratio(chip, theirs[1], mine[1], greatest=False)),
        float(extreme_ratio(chip, theirs[1], mine[1], greatest=True)),
    )
