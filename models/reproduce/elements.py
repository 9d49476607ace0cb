"""Energies as linear forms of a table's elements: exact sums, splits, and the extremes of a ratio over all ranges.

Counts times energies are linear in the elements, so a change of an energy needs no new simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..chip import ChipSpec
from ..chip.energy import action_form, element_fj, recipes, table_fj
from ..energy import ELEMENTS, SRAM, Level

__all__ = [
    "Form",
    "Spent",
    "breakdown",
    "calibrated_total",
    "element_rows",
    "elements_of",
    "energy_form",
    "energy_of",
    "extreme_ratio",
    "ratio_at",
]

Form = Mapping[str, Fraction]
"""Element -> femtojoules for each fJ of the element (of memories: for each 100 % of the table)."""

PARTS = {
    "MAC": ("core.mac",),
    "scan": ("core.scan", "core.jump"),
    "queue": ("core.queue_move",),
    "operand fetch": (
        "core.operand_fetch",
        "core.buffer_write",
        "core.buffer_read",
        "sram.input.read",
        "sram.weight.read",
    ),
    "bitmap read": ("core.bitmap_read",),
    "loading": ("sram.input.write", "sram.weight.write", "dma.request"),
    "sums": (
        "sram.output.read",
        "sram.output.write",
        "aggregator.add",
        "sram.aggregator.read",
        "sram.aggregator.write",
    ),
    "vector": ("vector.op", "sram.vector.read", "sram.vector.write"),
    "pruning": ("pruning.mac", "pruning.compare", "sram.pruning.read", "sram.pruning.write"),
    "NoC": ("noc.flit_hop",),
    "clock": ("clock.core", "clock.aggregator", "clock.vector", "clock.pruning", "clock.top"),
    "leakage": ("leakage.core", "leakage.aggregator", "leakage.vector", "leakage.pruning", "leakage.top"),
}
"""Part of a chip's energy -> actions; every action is in exactly one. Words of bitmaps are moved to `bitmap read`."""

CORE_ACTIONS = tuple(
    [action for part in ("MAC", "scan", "queue", "operand fetch", "bitmap read") for action in PARTS[part]]
    + ["sram.output.read", "sram.output.write", "clock.core", "leakage.core"]
)
"""What the sparse cores spend themselves, without what brings their operands and takes their results."""


def breakdown(spec: ChipSpec, counts: Mapping[str, int]) -> dict[str, int]:
    """Energy by part in fJ; sums to the chip's energy to the last digit."""
    table = table_fj(spec)
    parts = {part: sum(counts.get(action, 0) * table[action] for action in actions) for part, actions in PARTS.items()}
    # Bitmaps lie in the memories beside the values: their words were counted there. Assumed: each of them cost what a
    # word of the input memory does (how many came from which memory is not counted); the total does not depend on it.
    words = counts.get("core.bitmap_read", 0) * table["sram.input.read"]
    parts["bitmap read"] += words
    parts["operand fetch"] -= words
    return parts


def energy_form(spec: ChipSpec, counts: Mapping[str, int]) -> dict[str, Fraction]:
    """The chip's energy, before rounding, as a form of the elements. Raises KeyError for an unknown action."""
    form: dict[str, Fraction] = {}
    for action, count in counts.items():
        for element, part in action_form(spec, action).items():
            form[element] = form.get(element, Fraction(0)) + count * part
    return form


@dataclass(frozen=True)
class Spent:
    """What a chip spent on a piece of work: energy before any rounding, for so many nominal multiply-accumulates."""

    spec: ChipSpec
    form: Form
    macs: int

    @classmethod
    def of(cls, spec: ChipSpec, summary: Mapping[str, Any]) -> Spent:
        """From a chip's summary."""
        return cls(spec, energy_form(spec, summary["counts"]), summary["macs"]["dense"])

    @property
    def tops_per_watt(self) -> float:
        """Nominal operations, two a multiply-accumulate, for each picojoule; not calibrated."""
        return float(2 * self.macs * 1000 / energy_of(self.spec, self.form))

    def over(self, other: Spent) -> Fraction:
        """How many times as much as `other`, elements at their nominal values."""
        return ratio_at(self.spec, self.form, other.form)

    def extremes_over(self, other: Spent) -> tuple[float, float]:
        """The least and the greatest of it, every element anywhere in its range. ValueError for two tables."""
        if self.spec.energy != other.spec.energy:
            raise ValueError("the chips have different energy tables")
        least, greatest = (extreme_ratio(self.spec, self.form, other.form, greatest=up) for up in (False, True))
        return float(least), float(greatest)

    def rows_over(self, other: Spent) -> list[tuple[str, Any, float | None]]:
        """It, with one element after the other at the ends of its range: (parameter, value, number)."""
        return element_rows(self.spec, self.form, other.form)


def energy_of(spec: ChipSpec, form: Form) -> Fraction:
    """In fJ, every element at its nominal value, before any rounding."""
    return sum((part * element_fj(spec, element, Level.NOMINAL) for element, part in form.items()), Fraction(0))


def calibrated_total(summary: Mapping[str, Any], factor: float) -> float:
    """A chip's energy times a calibration's factor, and the DRAM's, which is not calibrated; in fJ."""
    return float(summary["energy_fj"]["chip"] * factor + summary["energy_fj"]["dram"])


def elements_of(spec: ChipSpec) -> list[str]:
    """The elements that the chip's actions are made of, memories first, in the order of the table."""
    used = {element for made in recipes(spec).values() for element in made}
    return [SRAM, *(element for element in ELEMENTS if element in used)]


def ratio_at(spec: ChipSpec, above: Form, below: Form, levels: Mapping[str, Level] | None = None) -> Fraction:
    """The quotient of two energies, elements at their nominal values but for those in `levels`."""
    levels = levels or {}
    values = {element: element_fj(spec, element, levels.get(element, Level.NOMINAL)) for element in {**above, **below}}
    return _ratio(above, below, values)


def element_rows(spec: ChipSpec, above: Form, below: Form, scale: int = 1) -> list[tuple[str, Any, float | None]]:
    """The quotient with one element after the other at the ends of its range: (parameter, value, number). All elements
    of the chip, those that were not used, too."""
    return [
        (f"energy of {element}", str(level), float(scale * ratio_at(spec, above, below, {element: level})))
        for element in elements_of(spec)
        for level in (Level.LOW, Level.HIGH)
    ]


def _ratio(above: Form, below: Form, values: Mapping[str, Fraction]) -> Fraction:
    numerator = sum((part * values[element] for element, part in above.items()), Fraction(0))
    denominator = sum((part * values[element] for element, part in below.items()), Fraction(0))
    return numerator / denominator


def extreme_ratio(spec: ChipSpec, above: Form, below: Form, *, greatest: bool) -> Fraction:
    """The greatest (least) quotient of two energies, every element anywhere in its range: exact.

    A quotient of two linear forms over a box has its extremes at its vertices; from any ratio g, the vertex that is
    best for above - g * below has a better ratio, until none has (Dinkelbach 1967).
    """
    elements = dict.fromkeys((*above, *below))
    better, worse = (Level.HIGH, Level.LOW) if greatest else (Level.LOW, Level.HIGH)
    zero = Fraction(0)
    found = ratio_at(spec, above, below)
    while True:
        vertex = {
            element: element_fj(
                spec, element, better if above.get(element, zero) - found * below.get(element, zero) > 0 else worse
            )
            for element in elements
        }
        ratio = _ratio(above, below, vertex)
        if ratio == found or (ratio > found) is not greatest:
            return found
        found = ratio
