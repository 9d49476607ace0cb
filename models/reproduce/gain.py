"""The energy gain of a chip over sparsity: a surface, its interval, its split, and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from ..chip import ChipSpec
from ..chip.energy import table_fj
from ..workload.schema import StatisticalLayer
from .elements import CORE_ACTIONS, breakdown, element_rows, energy_form, extreme_ratio
from .layer_points import DENSE, layer_point, with_parameter
from .points import Point, Results
from .schema import CornerSpec, GainStudy
from .variants import Variant, by_influence, variants

__all__ = ["Gain"]


WITHOUT_EFFECT = "pruning_unit."
"""Parameters that are not simulated at other values: no pruning event is in these points (a test holds it)."""


@dataclass
class Gain:
    """The study of one chip."""

    study: GainStudy
    seed: int
    _made: dict[Any, Point] = field(default_factory=dict)

    def points(self) -> Iterator[Point]:
        """All points of the study."""
        for at in (DENSE, self.study.corner, *self._surface()):
            yield self._point(at)
        for chip, layer in self._beside():
            for at in (DENSE, self.study.corner):
                yield self._point(at, chip, layer)
        for pair in (*(pair for _, pair in self._variants), *(pair for _, _, pair in self._of_points)):
            yield from pair or ()

    def evaluate(self, results: Results) -> dict[str, Any]:
        """Everything that is said of the study, as plain data."""
        study = self.study
        dense = results[self._point(DENSE)]["chips"][0]
        raw = dense["effective_tops_per_watt"]

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
            "without": _without(study.chip, dense, results[self._point(study.corner)]["chips"][0]),
            "others": self._others(results, raw),
            "sensitivities": [sensitivity, *self._at_points(results, raw)],
        }

    # ---- points -------------------------------------------------------------------------------------------------

    def _surface(self) -> Iterator[CornerSpec]:
        """The points of the surface, the dense one first; without zero weights there is nothing coarse."""
        for weight in self.study.weights:
            for coarse in self.study.coarse_shares if weight < 1.0 else (0.0,):
                for density in self.study.inputs:
                    yield CornerSpec(input=density, weight=weight, coarse=coarse)

    def _point(self, at: CornerSpec, chip: ChipSpec | None = None, layer: StatisticalLayer | None = None) -> Point:
        key = (at, chip.name if chip else "", chip.operating_point if chip else "", layer)
        if key not in self._made:
            self._made[key] = layer_point(
                chip or self.study.chip, self.study.memory, layer or self.study.layer, at, self.seed
            )
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
    def _variants(self) -> list[tuple[Variant, tuple[Point, Point] | None]]:
        """Every assumed parameter at each of its other plausible values, and its dense and its corner point; none
        where the layer does not fit."""
        study = self.study
        found = variants(study.chip, study.record, study.record_of)
        return [
            (one, self._pair(study.chip if one.parameter.startswith(WITHOUT_EFFECT) else one.chip)) for one in found
        ]

    @cached_property
    def _of_points(self) -> list[tuple[str, Variant, tuple[Point, Point] | None]]:
        """The same of the parameters of each operating point, with the chip at that point."""
        found = []
        for name in self.study.operating_points:
            for one in variants(self.study.chip, self.study.record, self.study.record_of, of_points=True):
                if one.parameter.split(".")[1] == name:
                    there = None if one.chip is None else with_parameter(one.chip, "operating_point", name)
                    found.append((name, one, self._pair(there)))
        return found

    def _pair(self, chip: ChipSpec | None) -> tuple[Point, Point] | None:
        """The dense point and that in the corner."""
        study = self.study
        if chip is None:
            return None
        try:
            dense, corner = (
                layer_point(chip, study.memory, study.layer, at, self.seed) for at in (DENSE, study.corner)
            )
        except ValidationError:
            return None
        return dense, corner

    # ---- evaluation ---------------------------------------------------------------------------------------------

    def _others(self, results: Results, raw: float) -> list[dict[str, Any]]:
        """All are calibrated by the chip's one factor."""
        rows = []
        factor = self.study.dense_tops_per_watt / raw
        for chip, layer in self._beside():
            dense, corner = (results[self._point(at, chip, layer)]["chips"][0] for at in (DENSE, self.study.corner))
            rows.append(
                {
                    "chip": chip.name,
                    "operating_point": chip.operating_point,
                    "layer": f"{layer.c} to {layer.k} channels, {layer.r}x{layer.s}, on {layer.h}x{layer.w}",
                    "voltage_mv": chip.voltage,
                    "dense_tops_per_watt": dense["effective_tops_per_watt"] * factor,
                    "tops_per_watt": corner["effective_tops_per_watt"] * factor,
                    "gain": dense["energy_fj"]["chip"] / corner["energy_fj"]["chip"],
                    "gain_of_the_cores": _cores(chip, dense) / _cores(chip, corner),
                    "macs_ratio": dense["macs"]["executed"] / corner["macs"]["executed"],
                    "speedup": dense["time_ps"] / corner["time_ps"],
                }
            )
        return rows

    def _sensitivity(self, results: Results, corner: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[float, float]]:
        """The gain in the corner with each assumption at its other plausible values; and the least and the greatest
        gain with all energies anywhere in their ranges and one parameter of the chip changed."""
        rows: list[tuple[str, Any, float | None]] = []
        least, greatest = corner["gain_least"], corner["gain_greatest"]
        for one, pair in self._variants:
            gain = None
            if one.chip is not None and pair is not None:
                dense, sparse = (results[point]["chips"][0] for point in pair)
                gain = dense["energy_fj"]["chip"] / sparse["energy_fj"]["chip"]
                above, below = energy_form(one.chip, dense["counts"]), energy_form(one.chip, sparse["counts"])
                least = min(least, float(extreme_ratio(one.chip, above, below, greatest=False)))
                greatest = max(greatest, float(extreme_ratio(one.chip, above, below, greatest=True)))
            rows.append((one.parameter, one.value, gain))
        above, below = (
            energy_form(self.study.chip, results[self._point(at)]["chips"][0]["counts"])
            for at in (DENSE, self.study.corner)
        )
        rows += element_rows(self.study.chip, above, below)
        what = f"energy gain of {self.study.chip.name} in the corner"
        return by_influence(rows, what, "x", corner["gain"]), (least, greatest)

    def _at_points(self, results: Results, raw: float) -> list[dict[str, Any]]:
        """Efficiency in the corner at each operating point with that point's assumptions changed; calibrated by the
        chip's one factor."""
        factor = self.study.dense_tops_per_watt / raw

        def efficiency(pair: tuple[Point, Point]) -> float:
            return float(results[pair[1]]["chips"][0]["effective_tops_per_watt"]) * factor

        found = []
        for name in self.study.operating_points:
            rows = [
                (one.parameter, one.value, None if pair is None else efficiency(pair))
                for point, one, pair in self._of_points
                if point == name
            ]
            if rows:
                there = with_parameter(self.study.chip, "operating_point", name)
                nominal = efficiency((self._point(DENSE, there), self._point(self.study.corner, there)))
                what = f"efficiency of {self.study.chip.name} in the corner, operating point {name}"
                found.append(by_influence(rows, what, "TOPS/W", nominal))
        return found


def _row(study: GainStudy, dense: Mapping[str, Any], sparse: Mapping[str, Any], at: CornerSpec) -> dict[str, Any]:
    chip = study.chip
    above, below = energy_form(chip, dense["counts"]), energy_form(chip, sparse["counts"])
    gain = dense["energy_fj"]["chip"] / sparse["energy_fj"]["chip"]
    skips_weights = any("weight" in way.operands for ways in chip.core.skip.values() for way in ways)
    return {
        "input": at.input,
        "weight": at.weight,
        "coarse": at.coarse,
        "bound": 1 / (at.input * (at.weight if skips_weights else 1.0)),
        "gain": gain,
        "gain_least": float(extreme_ratio(chip, above, below, greatest=False)),
        "gain_greatest": float(extreme_ratio(chip, above, below, greatest=True)),
        "gain_of_the_cores": _cores(chip, dense) / _cores(chip, sparse),
        "gain_with_dram": dense["energy_fj"]["total"] / sparse["energy_fj"]["total"],
        "macs_ratio": dense["macs"]["executed"] / sparse["macs"]["executed"],
        "speedup": dense["time_ps"] / sparse["time_ps"],
        "uncalibrated_tops_per_watt": sparse["effective_tops_per_watt"],
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
