"""The energy gain of a chip over sparsity: a surface, its interval, its split, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from ..chip.energy import table_fj
from ..workload.schema import StatisticalLayer
from .densities import SurfacePoint
from .effects import POINTS, PRUNING_UNIT, SCHEDULE, group_of, named
from .elements import CORE_ACTIONS, Spent, breakdown, calibrated_total
from .layer_points import DENSE, layer_point
from .layer_variants import LayerVariants
from .parameters import with_parameter, with_parameters
from .points import Point, Results
from .schema import GainStudy, PublishedValue
from .variants import Variant, by_influence, variants

__all__ = ["Gain"]

UNMOVED = ((SCHEDULE, "layer"), (PRUNING_UNIT, "layer"))


@dataclass
class Gain:
    """The study of one chip. Gains are of energies before any rounding."""

    study: GainStudy
    seed: int
    published: tuple[PublishedValue, ...] = ()
    _made: dict[Any, Point] = field(default_factory=dict)

    @cached_property
    def _layer(self) -> LayerVariants:
        study = self.study
        return LayerVariants(study.chip, study.record, study.record_of, study.memory, study.layer, self.seed)

    @property
    def _apart(self) -> dict[str, str]:
        """Assumptions that are in no interval."""
        return self.study.record.apart(self.study.record_of)

    @property
    def _sparsest(self) -> SurfacePoint:
        """The point of the surface with the fewest non-zero operands and the most coarse units."""
        study = self.study
        weight = min(study.weights)
        coarse = max(study.coarse_shares) if weight < 1.0 else 0.0
        return SurfacePoint(input=min(study.inputs), weight=weight, coarse=coarse)

    def points(self) -> Iterator[Point]:
        """All points of the study."""
        study = self.study
        for at in (DENSE, study.sparse_point, *self._surface()):
            yield self._point(at)
        for seed in study.seeds:
            for at in (DENSE, study.sparse_point):
                yield self._point(at, seed=seed)
        for chip, layer in self._beside():
            for at in (DENSE, self.study.sparse_point):
                yield self._point(at, chip, layer)
        yield from self._layer.points(DENSE, study.sparse_point, self._sparsest)
        for chip in self._joint.values():
            for at in (DENSE, self.study.sparse_point):
                yield self._point(at, chip)
        for name in self.study.operating_points:
            for one in self._at_point(name):
                if one.chip is not None:
                    there = self._layer.point(study.sparse_point, with_parameter(one.chip, "operating_point", name))
                    yield from (there,) if there is not None else ()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Everything that is said of the study, as plain data."""
        study, on = self.study, self.study.calibrated_on.value
        dense = results[self._point(DENSE)]["chips"][0]
        raw = Spent.of(study.chip, dense).tops_per_watt

        def row(at: SurfacePoint) -> dict[str, Any]:
            return _row(study, (dense, results[self._point(at)]["chips"][0]), at, raw / on)

        sparse, sparsest = (self._interval(results, row(at), at) for at in (study.sparse_point, self._sparsest))
        return {
            "chip": study.chip.name,
            "calibration": {
                "on": on,
                "uncalibrated": raw,
                "energy_factor": raw / on,
            },
            "dense_fj_per_mac": _per_mac(study.chip, dense),
            "surface": [row(at) for at in self._surface()],
            "sparse_point": sparse,
            "sparsest": sparsest,
            "seeds": self._seeds(results),
            "joint": self._together(results),
            "without": _without(study.chip, dense, results[self._point(study.sparse_point)]["chips"][0]),
            "others": self._others(results, raw),
            "sensitivities": [self._sensitivity(results, sparse), *self._at_points(results)],
        }

    # ---- points -------------------------------------------------------------------------------------------------

    def _surface(self) -> Iterator[SurfacePoint]:
        """The points of the surface, the dense one first; without zero weights there is nothing coarse."""
        for weight in self.study.weights:
            for coarse in self.study.coarse_shares if weight < 1.0 else (0.0,):
                for density in self.study.inputs:
                    yield SurfacePoint(input=density, weight=weight, coarse=coarse)

    def _point(
        self,
        at: SurfacePoint,
        chip: ChipSpec | None = None,
        layer: StatisticalLayer | None = None,
        seed: int | None = None,
    ) -> Point:
        chip, layer, seed = chip or self.study.chip, layer or self.study.layer, self.seed if seed is None else seed
        key = (at, chip.model_dump_json(), layer.model_dump_json(), seed)
        if key not in self._made:
            self._made[key] = layer_point(chip, self.study.memory, layer, at, seed)
        return self._made[key]

    def _beside(self) -> Iterator[tuple[ChipSpec, StatisticalLayer]]:
        """Other chips, operating points and layers that are looked at, dense and at the sparse point."""
        study = self.study
        at_points = (with_parameter(study.chip, "operating_point", name) for name in study.operating_points)
        for chip in (*study.others, *at_points):
            yield chip, study.layer
        for layer in study.layers:
            yield study.chip, layer

    @cached_property
    def _joint(self) -> dict[str, ChipSpec]:
        """Chips with several parameters changed together."""
        return {name: with_parameters(self.study.chip, values) for name, values in self.study.joint.items()}

    def _at_point(self, name: str) -> list[Variant]:
        """Every assumed parameter of the chip, and those of the operating point, at each other plausible value."""
        study = self.study
        of_points = variants(study.chip, study.record, study.record_of, of_points=True)
        return [*self._layer.found, *(one for one in of_points if one.parameter.split(".")[1] == name)]

    # ---- evaluation ---------------------------------------------------------------------------------------------

    def _others(self, results: Results, raw: float) -> list[dict[str, Any]]:
        """All are calibrated by the chip's one factor."""
        rows = []
        factor = self.study.calibrated_on.value / raw
        for chip, layer in self._beside():
            dense, sparse = (
                results[self._point(at, chip, layer)]["chips"][0] for at in (DENSE, self.study.sparse_point)
            )
            above, below = Spent.of(chip, dense), Spent.of(chip, sparse)
            rows.append(
                {
                    "chip": chip.name,
                    "operating_point": chip.operating_point,
                    "layer": f"{layer.c} to {layer.k} channels, {layer.r}x{layer.s}, on {layer.h}x{layer.w}",
                    "voltage_mv": chip.voltage,
                    "dense_tops_per_watt": above.tops_per_watt * factor,
                    "tops_per_watt": below.tops_per_watt * factor,
                    "gain": float(above.over(below)),
                    "gain_of_the_cores": _cores(chip, dense) / _cores(chip, sparse),
                    "macs_ratio": dense["macs"]["executed"] / sparse["macs"]["executed"],
                    "speedup": dense["time_ps"] / sparse["time_ps"],
                }
            )
        return rows

    def _together(self, results: Results) -> list[dict[str, Any]]:
        """Several parameters changed at once, and all energies anywhere in their ranges."""
        rows = []
        for name, chip in self._joint.items():
            dense, sparse = (
                Spent.of(chip, results[self._point(at, chip)]["chips"][0]) for at in (DENSE, self.study.sparse_point)
            )
            least, greatest = dense.extremes_over(sparse)
            rows.append(
                {
                    "name": name,
                    "parameters": {path: str(value) for path, value in self.study.joint[name].items()},
                    "gain": float(dense.over(sparse)),
                    "gain_least": least,
                    "gain_greatest": greatest,
                }
            )
        return rows

    def _seeds(self, results: Results) -> list[dict[str, Any]]:
        """The gain at the sparse point with other random masks, all else as it is."""
        rows = []
        for seed in self.study.seeds:
            dense, sparse = (
                Spent.of(self.study.chip, results[self._point(at, seed=seed)]["chips"][0])
                for at in (DENSE, self.study.sparse_point)
            )
            rows.append({"seed": seed, "gain": float(dense.over(sparse))})
        return rows

    def _sensitivity(self, results: Results, sparse: Mapping[str, Any]) -> dict[str, Any]:
        """The gain at the sparse point with each assumption at its other plausible values."""
        rows: list[tuple[str, Any, float | None]] = []
        for one in self._layer.found:
            pair = self._pair(results, one.chip)
            rows.append((one.parameter, one.value, None if pair is None else float(pair[0].over(pair[1]))))
        nominal = self._pair(results, self.study.chip)
        if nominal is not None:
            rows += nominal[0].rows_over(nominal[1])
        what = f"energy gain of {self.study.chip.name} at the sparse point"
        unmoved = named(*UNMOVED, (POINTS, "elsewhere"))
        return by_influence(rows, what, "x", sparse["gain"], without_effect=unmoved, apart=self._apart)

    def _interval(self, results: Results, row: Mapping[str, Any], at: SurfacePoint) -> dict[str, Any]:
        """A row with the least and the greatest gain that all energies anywhere in their ranges and one parameter of
        the chip at an end of its range give; without what is in no interval."""
        least, greatest = row["gain_least"], row["gain_greatest"]
        for one in self._layer.found:
            pair = None if one.parameter in self._apart else self._pair(results, one.chip, at=at)
            if pair is not None:
                ends = pair[0].extremes_over(pair[1])
                least, greatest = min(least, ends[0]), max(greatest, ends[1])
        return {**row, "gain_least": least, "gain_greatest": greatest}

    def _pair(
        self,
        results: Results,
        chip: ChipSpec | None,
        point: str = "",
        sparse_chip: ChipSpec | None = None,
        at: SurfacePoint | None = None,
    ) -> tuple[Spent, Spent] | None:
        """Dense, and at the sparse point (or `at` another), there at an operating point; None where the layer does not
        fit."""
        if chip is None:
            return None
        there = with_parameter(sparse_chip or chip, "operating_point", point) if point else chip
        dense, sparse = self._layer.point(DENSE, chip), self._layer.point(at or self.study.sparse_point, there)
        if dense is None or sparse is None:
            return None
        return Spent.of(chip, results[dense]["chips"][0]), Spent.of(there, results[sparse]["chips"][0])

    def _at_points(self, results: Results) -> list[dict[str, Any]]:
        """Efficiency at the sparse point at each operating point with every assumption changed, the chip calibrated on
        its own dense figure as always, at its nominal clock and supply."""
        found = []
        on = self.study.calibrated_on.value
        for name in self.study.operating_points:
            rows: list[tuple[str, Any, float | None]] = []
            for one in self._at_point(name):
                # Not at the point, its clocks and supply change nothing.
                as_dense = self.study.chip if group_of(one.parameter) == POINTS else one.chip
                pair = self._pair(results, as_dense, name, one.chip)
                rows.append((one.parameter, one.value, None if pair is None else on * float(pair[0].over(pair[1]))))
            nominal = self._pair(results, self.study.chip, name)
            if nominal is None:
                continue
            rows += [
                (what, at, None if gain is None else on * gain) for what, at, gain in nominal[0].rows_over(nominal[1])
            ]
            what = f"efficiency of {self.study.chip.name} at the sparse point, operating point {name}"
            efficiency = on * float(nominal[0].over(nominal[1]))
            found.append(
                by_influence(rows, what, "TOPS/W", efficiency, without_effect=named(*UNMOVED), apart=self._apart)
            )
        return found


def _row(
    study: GainStudy, summaries: tuple[Mapping[str, Any], Mapping[str, Any]], at: SurfacePoint, factor: float
) -> dict[str, Any]:
    """`summaries`: dense and at the point; `factor`: of the calibration, on the chip's energies."""
    chip, (dense, sparse) = study.chip, summaries
    above, below = Spent.of(chip, dense), Spent.of(chip, sparse)
    gain = float(above.over(below))
    least, greatest = above.extremes_over(below)
    skips_weights = any("weight" in way.operands for ways in chip.core.skip.values() for way in ways)
    return {
        "input": at.input,
        "weight": at.weight,
        "coarse": at.coarse,
        "inverse_density": 1 / (at.input * (at.weight if skips_weights else 1.0)),
        "gain": gain,
        "gain_least": least,
        "gain_greatest": greatest,
        "gain_of_the_cores": _cores(chip, dense) / _cores(chip, sparse),
        "gain_with_dram": calibrated_total(dense, factor) / calibrated_total(sparse, factor),
        "macs_ratio": dense["macs"]["executed"] / sparse["macs"]["executed"],
        "speedup": dense["time_ps"] / sparse["time_ps"],
        "uncalibrated_tops_per_watt": below.tops_per_watt,
        "tops_per_watt": study.calibrated_on.value * gain,
        "utilisation": sparse["core"]["utilisation"],
        "fj_per_nominal_mac": _per_mac(chip, sparse),
    }


def _per_mac(chip: ChipSpec, summary: Mapping[str, Any]) -> dict[str, float]:
    return {part: spent / summary["macs"]["dense"] for part, spent in breakdown(chip, summary["counts"]).items()}


def _cores(chip: ChipSpec, summary: Mapping[str, Any]) -> int:
    table = table_fj(chip)
    return sum(summary["counts"].get(action, 0) * table[action] for action in CORE_ACTIONS)


def _without(chip: ChipSpec, dense: Mapping[str, Any], sparse: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The gain if parts cost nothing, dense and sparse alike: the dearest part of the sparse run first, then the next
    one as well, until only multiply-accumulates are left. Says what stands in the way; no claim about a chip."""
    above, below = breakdown(chip, dense["counts"]), breakdown(chip, sparse["counts"])
    left = [part for part in below if part == "MAC" or below[part]]
    rows = []
    while len(left) > 1:
        dearest = max((part for part in left if part != "MAC"), key=lambda part: below[part])
        left.remove(dearest)
        gain = sum(above[part] for part in left) / sum(below[part] for part in left)
        rows.append({"part": dearest, "gain": gain})
    return rows
