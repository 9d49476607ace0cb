"""The energy gain of a chip over sparsity: a surface, its interval, its split, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..chip import ChipSpec
from ..chip.energy import table_fj
from ..workload.schema import StatisticalLayer
from .effects import POINTS, PRUNING_UNIT, SCHEDULE, group_of, named
from .elements import CORE_ACTIONS, Spent, breakdown
from .layer_points import DENSE, layer_point
from .layer_variants import LayerVariants
from .parameters import with_parameter, with_parameters
from .points import Point, Results
from .schema import CornerSpec, GainStudy, PublishedValue
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

    def points(self) -> Iterator[Point]:
        """All points of the study."""
        for at in (DENSE, self.study.corner, *self._surface()):
            yield self._point(at)
        for chip, layer in self._beside():
            for at in (DENSE, self.study.corner):
                yield self._point(at, chip, layer)
        yield from self._layer.points(DENSE, self.study.corner)
        for chip in self._joint.values():
            for at in (DENSE, self.study.corner):
                yield self._point(at, chip)
        for name in self.study.operating_points:
            for one in self._at_point(name):
                if one.chip is not None:
                    corner = self._layer.point(self.study.corner, with_parameter(one.chip, "operating_point", name))
                    yield from (corner,) if corner is not None else ()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Everything that is said of the study, as plain data."""
        study = self.study
        dense = results[self._point(DENSE)]["chips"][0]
        raw = Spent.of(study.chip, dense).tops_per_watt

        def row(at: CornerSpec) -> dict[str, Any]:
            return _row(study, dense, results[self._point(at)]["chips"][0], at)

        corner = row(study.corner)
        sensitivity, reach = self._sensitivity(results, corner)
        return {
            "chip": study.chip.name,
            "calibration": {
                "on": study.dense_tops_per_watt,
                "uncalibrated": raw,
                "energy_factor": raw / study.dense_tops_per_watt,
            },
            "dense_fj_per_mac": _per_mac(study.chip, dense),
            "surface": [row(at) for at in self._surface()],
            "corner": {**corner, "gain_least": reach[0], "gain_greatest": reach[1]},
            "joint": self._together(results),
            "without": _without(study.chip, dense, results[self._point(study.corner)]["chips"][0]),
            "others": self._others(results, raw),
            "sensitivities": [sensitivity, *self._at_points(results)],
        }

    # ---- points -------------------------------------------------------------------------------------------------

    def _surface(self) -> Iterator[CornerSpec]:
        """The points of the surface, the dense one first; without zero weights there is nothing coarse."""
        for weight in self.study.weights:
            for coarse in self.study.coarse_shares if weight < 1.0 else (0.0,):
                for density in self.study.inputs:
                    yield CornerSpec(input=density, weight=weight, coarse=coarse)

    def _point(self, at: CornerSpec, chip: ChipSpec | None = None, layer: StatisticalLayer | None = None) -> Point:
        chip, layer = chip or self.study.chip, layer or self.study.layer
        key = (at, chip.model_dump_json(), layer.model_dump_json())
        if key not in self._made:
            self._made[key] = layer_point(chip, self.study.memory, layer, at, self.seed)
        return self._made[key]

    def _beside(self) -> Iterator[tuple[ChipSpec, StatisticalLayer]]:
        """Other chips, operating points and layers to look at in the corner."""
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
        factor = self.study.dense_tops_per_watt / raw
        for chip, layer in self._beside():
            dense, corner = (results[self._point(at, chip, layer)]["chips"][0] for at in (DENSE, self.study.corner))
            above, below = Spent.of(chip, dense), Spent.of(chip, corner)
            rows.append(
                {
                    "chip": chip.name,
                    "operating_point": chip.operating_point,
                    "layer": f"{layer.c} to {layer.k} channels, {layer.r}x{layer.s}, on {layer.h}x{layer.w}",
                    "voltage_mv": chip.voltage,
                    "dense_tops_per_watt": above.tops_per_watt * factor,
                    "tops_per_watt": below.tops_per_watt * factor,
                    "gain": float(above.over(below)),
                    "gain_of_the_cores": _cores(chip, dense) / _cores(chip, corner),
                    "macs_ratio": dense["macs"]["executed"] / corner["macs"]["executed"],
                    "speedup": dense["time_ps"] / corner["time_ps"],
                }
            )
        return rows

    def _together(self, results: Results) -> list[dict[str, Any]]:
        """Several parameters changed at once, and all energies anywhere in their ranges."""
        rows = []
        for name, chip in self._joint.items():
            dense, corner = (
                Spent.of(chip, results[self._point(at, chip)]["chips"][0]) for at in (DENSE, self.study.corner)
            )
            least, greatest = dense.extremes_over(corner)
            rows.append(
                {
                    "name": name,
                    "parameters": {path: str(value) for path, value in self.study.joint[name].items()},
                    "gain": float(dense.over(corner)),
                    "gain_least": least,
                    "gain_greatest": greatest,
                }
            )
        return rows

    def _sensitivity(self, results: Results, corner: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[float, float]]:
        """The gain in the corner with each assumption at its other plausible values; and the least and the greatest
        gain with all energies anywhere in their ranges and one parameter of the chip changed."""
        rows: list[tuple[str, Any, float | None]] = []
        least, greatest = corner["gain_least"], corner["gain_greatest"]
        for one in self._layer.found:
            gain = None
            pair = self._pair(results, one.chip)
            if pair is not None:
                gain = float(pair[0].over(pair[1]))
                ends = pair[0].extremes_over(pair[1])
                least, greatest = min(least, ends[0]), max(greatest, ends[1])
            rows.append((one.parameter, one.value, gain))
        nominal = self._pair(results, self.study.chip)
        if nominal is not None:
            rows += nominal[0].rows_over(nominal[1])
        what = f"energy gain of {self.study.chip.name} in the corner"
        unmoved = named(*UNMOVED, (POINTS, "elsewhere"))
        return by_influence(rows, what, "x", corner["gain"], without_effect=unmoved), (least, greatest)

    def _pair(
        self, results: Results, chip: ChipSpec | None, point: str = "", in_corner: ChipSpec | None = None
    ) -> tuple[Spent, Spent] | None:
        """Dense, and in the corner, there at an operating point; None where the layer does not fit."""
        if chip is None:
            return None
        there = with_parameter(in_corner or chip, "operating_point", point) if point else chip
        dense, corner = self._layer.point(DENSE, chip), self._layer.point(self.study.corner, there)
        if dense is None or corner is None:
            return None
        return Spent.of(chip, results[dense]["chips"][0]), Spent.of(there, results[corner]["chips"][0])

    def _at_points(self, results: Results) -> list[dict[str, Any]]:
        """Efficiency in the corner at each operating point with every assumption changed, the chip calibrated on its
        own dense figure as always, at its nominal clock and supply."""
        found = []
        on = self.study.dense_tops_per_watt
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
            what = f"efficiency of {self.study.chip.name} in the corner, operating point {name}"
            efficiency = on * float(nominal[0].over(nominal[1]))
            found.append(by_influence(rows, what, "TOPS/W", efficiency, without_effect=named(*UNMOVED)))
        return found


def _row(study: GainStudy, dense: Mapping[str, Any], sparse: Mapping[str, Any], at: CornerSpec) -> dict[str, Any]:
    chip = study.chip
    above, below = Spent.of(chip, dense), Spent.of(chip, sparse)
    gain = float(above.over(below))
    least, greatest = above.extremes_over(below)
    skips_weights = any("weight" in way.operands for ways in chip.core.skip.values() for way in ways)
    return {
        "input": at.input,
        "weight": at.weight,
        "coarse": at.coarse,
        "bound": 1 / (at.input * (at.weight if skips_weights else 1.0)),
        "gain": gain,
        "gain_least": least,
        "gain_greatest": greatest,
        "gain_of_the_cores": _cores(chip, dense) / _cores(chip, sparse),
        "gain_with_dram": dense["energy_fj"]["total"] / sparse["energy_fj"]["total"],
        "macs_ratio": dense["macs"]["executed"] / sparse["macs"]["executed"],
        "speedup": dense["time_ps"] / sparse["time_ps"],
        "uncalibrated_tops_per_watt": below.tops_per_watt,
        "tops_per_watt": study.dense_tops_per_watt * gain,
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
