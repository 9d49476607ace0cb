"""The same workload on two chips: what one needs less energy than the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from .effects import POINTS, PRUNING_UNIT, SCHEDULE, named
from .elements import Spent
from .layer_points import DENSE
from .layer_variants import LayerVariants
from .points import Point, Results
from .schema import CornerSpec, PublishedValue, SameWorkloadStudy
from .training_variants import SAMPLED, TrainingVariants
from .variants import by_influence

__all__ = ["SameWorkload"]


@dataclass
class SameWorkload:
    """A pruned training and the corner of the surface; uncalibrated (both chips by the same table), and with each
    chip calibrated on its own dense figure. Ratios are of energies before any rounding."""

    study: SameWorkloadStudy
    seed: int
    published: tuple[PublishedValue, ...] = ()

    @property
    def _chips(self) -> tuple[ChipSpec, ChipSpec]:
        return self.study.training.chip, self.study.training.baselines[0]

    @cached_property
    def _variants(self) -> TrainingVariants:
        study = self.study
        return TrainingVariants(study.training, study.record, self._chips, study.record_of, study.schedule_of)

    @cached_property
    def _layers(self) -> tuple[LayerVariants, LayerVariants]:
        study = self.study
        first, second = (
            LayerVariants(chip, study.record, names, study.training.memory, study.layer, self.seed)
            for chip, names in zip(self._chips, study.record_of, strict=True)
        )
        return first, second

    def points(self) -> Iterator[Point]:
        """The training, and the layer, dense and in the corner, on each chip alone."""
        yield Point.of(self.study.training)
        for layer in self._layers:
            yield self._layer(layer, DENSE)
            yield from layer.points(self.study.corner)
        yield from self._variants.points()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        training = self._two(results[Point.of(self.study.training)]["chips"])
        dense, corner = (
            self._two([results[self._layer(layer, at)]["chips"][0] for layer in self._layers])
            for at in (DENSE, self.study.corner)
        )
        factors = [on / one.tops_per_watt for on, one in zip(self.study.dense_tops_per_watt, dense, strict=True)]
        of_training, reach_of_training = self._of_training(results)
        of_layer, reach_of_layer = self._of_layer(results, corner)
        rows = []
        for name, (mine, theirs), with_dram, reach in (
            ("training", training, self._with_dram(results[Point.of(self.study.training)]["chips"]), reach_of_training),
            (
                "layer in the corner",
                corner,
                self._with_dram([results[self._layer(layer, self.study.corner)]["chips"][0] for layer in self._layers]),
                reach_of_layer,
            ),
        ):
            ratio = float(theirs.over(mine)) * mine.macs / theirs.macs
            least, greatest = theirs.extremes_over(mine)
            calibrated = [one.tops_per_watt * factor for one, factor in zip((mine, theirs), factors, strict=True)]
            rows.append(
                {
                    "name": name,
                    "tops_per_watt": [mine.tops_per_watt, theirs.tops_per_watt],
                    "ratio": ratio,
                    "ratio_least": least,
                    "ratio_greatest": greatest,
                    "reach_least": min(least, ratio * reach[0]),
                    "reach_greatest": max(greatest, ratio * reach[1]),
                    "calibrated_tops_per_watt": calibrated,
                    "calibrated_ratio": calibrated[0] / calibrated[1],
                    "ratio_with_dram": with_dram,
                }
            )
        return {
            "chips": [chip.name for chip in self._chips],
            "rows": rows,
            "sensitivities": [of_training, of_layer],
        }

    def _layer(self, layer: LayerVariants, at: CornerSpec) -> Point:
        point = layer.point(at)
        if point is None:
            raise ValueError(f"{layer.layer.name} does not fit {layer.chip.name}")
        return point

    def _two(self, summaries: Sequence[Mapping[str, Any]]) -> tuple[Spent, Spent]:
        first, second = (Spent.of(chip, one) for chip, one in zip(self._chips, summaries, strict=False))
        return first, second

    def _with_dram(self, summaries: Sequence[Mapping[str, Any]]) -> float:
        return float(summaries[1]["energy_fj"]["total"] / summaries[0]["energy_fj"]["total"])

    def _of_training(self, results: Results) -> tuple[dict[str, Any], tuple[float, float]]:
        """The ratio over a piece of the training, uncalibrated, with every assumption changed in both chips; and the
        least and the greatest of it, all energies anywhere in their ranges, as shares of the nominal one."""
        found = self._variants
        mine, theirs = self._two(found.nominal(results))
        nominal = float(theirs.over(mine))
        reach = list(theirs.extremes_over(mine))
        rows: list[tuple[str, Any, float | None]] = []
        for key, those in found.each(results):
            ratio = None
            if those is not None:
                one, other = (Spent.of(found.variant(at, key), summary) for at, summary in enumerate(those))
                ratio = float(other.over(one))
                least, greatest = other.extremes_over(one)
                reach = [min(reach[0], least), max(reach[1], greatest)]
            rows.append((*key, ratio))
        rows += theirs.rows_over(mine)
        what = self._what("training")
        sensitivity = by_influence(rows, what, "x", nominal, SAMPLED, without_effect=named((POINTS, "elsewhere")))
        return sensitivity, (reach[0] / nominal, reach[1] / nominal)

    def _of_layer(self, results: Results, corner: tuple[Spent, Spent]) -> tuple[dict[str, Any], tuple[float, float]]:
        """The same of the layer in the corner."""
        nominal = float(corner[1].over(corner[0]))
        reach = list(corner[1].extremes_over(corner[0]))
        by_chip = [{(one.parameter, str(one.value)): one for one in layer.found} for layer in self._layers]
        rows: list[tuple[str, Any, float | None]] = []
        for key in dict.fromkeys(key for found in by_chip for key in found):
            value = next(found[key].value for found in by_chip if key in found)
            those: list[Spent | None] = []
            for found, layer, as_it_is in zip(by_chip, self._layers, corner, strict=True):
                if key not in found:
                    those.append(as_it_is)
                    continue
                chip = found[key].chip
                point = None if chip is None else layer.point(self.study.corner, chip)
                those.append(None if chip is None or point is None else Spent.of(chip, results[point]["chips"][0]))
            ratio = None
            one, other = those
            if one is not None and other is not None:
                ratio = float(other.over(one))
                least, greatest = other.extremes_over(one)
                reach = [min(reach[0], least), max(reach[1], greatest)]
            rows.append((key[0], value, ratio))
        rows += corner[1].rows_over(corner[0])
        unmoved = named((SCHEDULE, "layer"), (PRUNING_UNIT, "layer"), (POINTS, "elsewhere"))
        sensitivity = by_influence(rows, self._what("layer in the corner"), "x", nominal, without_effect=unmoved)
        return sensitivity, (reach[0] / nominal, reach[1] / nominal)

    def _what(self, workload: str) -> str:
        return f"efficiency against {self._chips[1].name}, {workload}"
