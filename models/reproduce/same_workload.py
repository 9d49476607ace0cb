"""The same workload on two chips: what one needs less energy than the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from .densities import SurfacePoint
from .effects import POINTS, PRUNING_UNIT, SCHEDULE, named
from .elements import Spent, calibrated_total
from .layer_points import DENSE
from .layer_variants import LayerVariants
from .points import Point, Results
from .schema import PublishedValue, SameWorkloadStudy
from .training_variants import SAMPLED, TrainingVariants, sampling_percent
from .variants import by_influence

__all__ = ["SameWorkload"]


@dataclass
class SameWorkload:
    """A pruned training and the sparse point of the surface; uncalibrated (both chips by the same table), and with each
    chip calibrated on its own dense figure. Ratios are of energies before any rounding."""

    study: SameWorkloadStudy
    seed: int
    published: tuple[PublishedValue, ...] = ()

    @property
    def _apart(self) -> dict[str, str]:
        """Assumptions that are in no interval."""
        return self.study.record.apart(*self.study.record_of, schedule=self.study.schedule_of)

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
        """The training, and the layer, dense and at the sparse point, on each chip alone."""
        yield Point.of(self.study.training)
        for layer in self._layers:
            yield self._layer(layer, DENSE)
            yield from layer.points(self.study.sparse_point)
        yield from self._variants.points()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        study = self.study
        training = results[Point.of(study.training)]
        of_training = training["chips"]
        dense, sparse = (
            [results[self._layer(layer, at)]["chips"][0] for layer in self._layers]
            for at in (DENSE, study.sparse_point)
        )
        uncalibrated = [one.tops_per_watt for one in self._two(dense)]
        factors = [raw / on for raw, on in zip(uncalibrated, study.calibrated_on, strict=True)]
        sensitivities, rows = [], []
        for name, summaries, (sensitivity, reach) in (
            ("training", of_training, self._of_training(results)),
            ("layer at the sparse point", sparse, self._of_layer(results, self._two(sparse))),
        ):
            mine, theirs = self._two(summaries)
            ratio = float(theirs.over(mine))
            least, greatest = theirs.extremes_over(mine)
            calibrated = [one.tops_per_watt / factor for one, factor in zip((mine, theirs), factors, strict=True)]
            totals = [calibrated_total(one, factor) for one, factor in zip(summaries[:2], factors, strict=True)]
            sensitivities.append(sensitivity)
            rows.append(
                {
                    "name": name,
                    "tops_per_watt": [mine.tops_per_watt, theirs.tops_per_watt],
                    "ratio": ratio,
                    "sampling_percent": sampling_percent(summaries[:2], "energy_fj_chip"),
                    "ratio_least": least,
                    "ratio_greatest": greatest,
                    "reach_least": min(least, ratio * reach[0]),
                    "reach_greatest": max(greatest, ratio * reach[1]),
                    "calibrated_tops_per_watt": calibrated,
                    "calibrated_ratio": calibrated[0] / calibrated[1],
                    "calibrated_ratio_with_dram": totals[1] / totals[0],
                }
            )
        return {
            "chips": [chip.name for chip in self._chips],
            "iterations": training["training"]["iterations"],
            "iterations_simulated": training["training"]["simulated_iterations"],
            "rows": rows,
            "sensitivities": sensitivities,
        }

    def _layer(self, layer: LayerVariants, at: SurfacePoint) -> Point:
        point = layer.point(at)
        if point is None:
            raise ValueError(f"{layer.layer.name} does not fit {layer.chip.name}")
        return point

    def _two(self, summaries: Sequence[Mapping[str, Any]]) -> tuple[Spent, Spent]:
        """What both chips spent. ValueError where they did not do the same work."""
        first, second = (Spent.of(chip, one) for chip, one in zip(self._chips, summaries, strict=False))
        if first.macs != second.macs:
            raise ValueError(f"no same workload: {first.macs} nominal multiply-accumulates and {second.macs}")
        return first, second

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
                if key[0] not in self._apart:
                    least, greatest = other.extremes_over(one)
                    reach = [min(reach[0], least), max(reach[1], greatest)]
            rows.append((*key, ratio))
        rows += theirs.rows_over(mine)
        what = self._what("training")
        unmoved = named((POINTS, "elsewhere"))
        sensitivity = by_influence(rows, what, "x", nominal, SAMPLED, without_effect=unmoved, apart=self._apart)
        return sensitivity, (reach[0] / nominal, reach[1] / nominal)

    def _of_layer(self, results: Results, sparse: tuple[Spent, Spent]) -> tuple[dict[str, Any], tuple[float, float]]:
        """The same of the layer at the sparse point."""
        nominal = float(sparse[1].over(sparse[0]))
        reach = list(sparse[1].extremes_over(sparse[0]))
        by_chip = [{(one.parameter, str(one.value)): one for one in layer.found} for layer in self._layers]
        rows: list[tuple[str, Any, float | None]] = []
        for key in dict.fromkeys(key for found in by_chip for key in found):
            value = next(found[key].value for found in by_chip if key in found)
            those: list[Spent | None] = []
            for found, layer, as_it_is in zip(by_chip, self._layers, sparse, strict=True):
                if key not in found:
                    those.append(as_it_is)
                    continue
                chip = found[key].chip
                point = None if chip is None else layer.point(self.study.sparse_point, chip)
                those.append(None if chip is None or point is None else Spent.of(chip, results[point]["chips"][0]))
            ratio = None
            one, other = those
            if one is not None and other is not None:
                ratio = float(other.over(one))
                if key[0] not in self._apart:
                    least, greatest = other.extremes_over(one)
                    reach = [min(reach[0], least), max(reach[1], greatest)]
            rows.append((key[0], value, ratio))
        rows += sparse[1].rows_over(sparse[0])
        unmoved = named((SCHEDULE, "layer"), (PRUNING_UNIT, "layer"), (POINTS, "elsewhere"))
        what = self._what("layer at the sparse point")
        sensitivity = by_influence(rows, what, "x", nominal, without_effect=unmoved, apart=self._apart)
        return sensitivity, (reach[0] / nominal, reach[1] / nominal)

    def _what(self, workload: str) -> str:
        return f"efficiency against {self._chips[1].name}, {workload}"
