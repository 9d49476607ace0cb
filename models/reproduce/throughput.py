"""How many times faster a chip is than another with as many multipliers and the same clock: bound and simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .densities import SurfacePoint
from .effects import ENERGIES, POINTS, named
from .layer_points import layer_point
from .points import Point, Results
from .schema import PublishedValue, ThroughputStudy
from .training_variants import SAMPLED, TrainingVariants, sampling_percent
from .variants import by_influence

__all__ = ["Throughput"]

STAGES = ("ff", "bp", "wg")


@dataclass
class Throughput:
    """The first chip of every training against its first baseline.

    For each stage and in total: `bound`, the ratio of executed multiply-accumulates (both chips with every multiplier
    busy); `cores`, of the cycles of the busiest core; in total also `simulated`, of the elapsed time, with everything
    that moves data and all other units.
    """

    study: ThroughputStudy
    seed: int
    published: tuple[PublishedValue, ...]

    @cached_property
    def _grid(self) -> dict[tuple[float, float, float], Point]:
        """(density of weights, of inputs, of gradients) -> the layer on both chips."""
        first = next(iter(self.study.trainings.values()))
        return {
            (weight, density, gradient): layer_point(
                (first.chip, first.baselines[0]),
                first.memory,
                self.study.layer,
                SurfacePoint(input=density, weight=weight, coarse=0.0),
                self.seed,
                gradient=gradient,
            )
            for weight in self.study.weights
            for density in self.study.inputs
            for gradient in (density, 1.0)
        }

    @cached_property
    def _variants(self) -> TrainingVariants:
        """Of the claim's training, the first."""
        first = next(iter(self.study.trainings.values()))
        study, chips = self.study, (first.chip, first.baselines[0])
        return TrainingVariants(first, study.record, chips, study.record_of, study.schedule_of)

    def points(self) -> Iterator[Point]:
        """The trainings, and the layer over densities."""
        for training in self.study.trainings.values():
            yield Point.of(training)
        yield from self._grid.values()
        yield from self._variants.points()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Plain data."""
        trainings = {name: results[Point.of(training)] for name, training in self.study.trainings.items()}
        return {
            "against": next(iter(self.study.trainings.values())).baselines[0].name,
            "trainings": [
                {
                    "name": name,
                    "zero_weights": result["training"]["zero_weights"],
                    "iterations": result["training"]["iterations"],
                    "iterations_simulated": result["training"]["simulated_iterations"],
                    **compare(*result["chips"][:2]),
                    "sampling_percent": sampling_percent(result["chips"][:2], "time_ps"),
                }
                for name, result in trainings.items()
            ],
            "condition": [
                {"weight": weight, "input": density, "gradient": gradient, **compare(*results[point]["chips"][:2])}
                for (weight, density, gradient), point in self._grid.items()
            ],
            "algebra": algebra(self.published[0].value),
            "sensitivities": self._sensitivities(results),
        }

    def _sensitivities(self, results: Results) -> list[dict[str, Any]]:
        """Of the elapsed time, of the cycles of the busiest core, and of executed multiply-accumulates."""
        numbers: tuple[tuple[str, Callable[[Mapping[str, Any], Mapping[str, Any]], float]], ...] = (
            ("throughput", lambda mine, theirs: float(compare(mine, theirs)["simulated"])),
            ("cycles of the cores", lambda mine, theirs: float(compare(mine, theirs)["total"]["cores"])),
            ("bound", lambda mine, theirs: float(compare(mine, theirs)["total"]["bound"])),
        )
        training, (mine, theirs) = next(iter(self.study.trainings)), self._variants.nominal(results)
        unmoved = named((ENERGIES, "time"), (POINTS, "elsewhere"))
        return [
            by_influence(
                self._variants.rows(results, number),
                f"{what}, {training}",
                "x",
                number(mine, theirs),
                SAMPLED,
                without_effect=unmoved,
                apart=self.study.record.apart(*self.study.record_of, schedule=self.study.schedule_of),
            )
            for what, number in numbers
        ]


def compare(chip: Mapping[str, Any], against: Mapping[str, Any]) -> dict[str, Any]:
    """Ratios by stage and in total."""
    mine, theirs = chip["macs"]["by_stage"], against["macs"]["by_stage"]
    stages = [stage for stage in STAGES if stage in mine]

    def ratio(name: str, chosen: list[str]) -> float:
        return float(sum(theirs[stage][name] for stage in chosen) / sum(mine[stage][name] for stage in chosen))

    rows = {
        stage: {"bound": ratio("macs", chosen), "cores": ratio("cycles", chosen)}
        for stage, chosen in (*((stage, [stage]) for stage in stages), ("total", stages))
    }
    return {**rows, "simulated": against["time_ps"] / chip["time_ps"]}


def best_bounds(input_: float, weight: float, gradient: float, needed: float) -> dict[str, float]:
    """Ratio of executed multiply-accumulates, one operand skipped against the best two, zeros independent: by stage and
    in total (stages of equal nominal work)."""
    single = {"ff": input_, "bp": gradient, "wg": input_}
    double = {
        "ff": input_ * weight,
        "bp": min(gradient * weight, needed * weight, gradient * needed),
        "wg": min(input_ * gradient, input_ * weight, gradient * weight),
    }
    bounds = {stage: single[stage] / double[stage] for stage in STAGES}
    return {**bounds, "total": sum(single.values()) / sum(double.values())}


def algebra(factor: float) -> list[dict[str, Any]]:
    """The weight density below which the bound reaches `factor`, in FF, and in total with and without batch
    normalisation, for input densities; None where it is never reached. Densities in steps of a thousandth."""
    rows = []
    for thousandths in (1000, 500, 250, 100):
        density = thousandths / 1000
        row: dict[str, Any] = {"input": density, "factor": factor}
        for name, gradient, key in (
            ("ff", density, "ff"),
            ("total", density, "total"),
            ("total_batch_norm", 1.0, "total"),
            ("bp_batch_norm", 1.0, "bp"),
        ):
            row[name] = next(
                (
                    w / 1000
                    for w in range(1000, 0, -1)
                    if best_bounds(density, w / 1000, gradient, density)[key] >= factor
                ),
                None,
            )
        rows.append(row)
    return rows
