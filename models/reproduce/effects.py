"""Which assumptions can move which number: what is not varied is named, with the rule that says why.

An assumption without a row in a sensitivity is there by a rule or it is missing; tests hold the rules, and that every
assumption has a row or a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CHIP", "ENERGIES", "POINTS", "PRUNING_UNIT", "RULES", "SCHEDULE", "group_of", "named"]

ENERGIES = "energies"
SCHEDULE = "pruning schedule"
POINTS = "operating points"
PRUNING_UNIT = "pruning unit"
CHIP = "chip"

RULES: Mapping[tuple[str, str], str] = {
    (ENERGIES, "time"): "Times and counts are simulated without energies.",
    (ENERGIES, "accesses"): "Accesses are counted, not weighed by energy.",
    (ENERGIES, "operations"): "Pruning operations are counted in the training, without a chip.",
    (CHIP, "operations"): "Pruning operations are counted in the training, without a chip.",
    (PRUNING_UNIT, "operations"): "Pruning operations are counted in the training, without a chip.",
    (POINTS, "operations"): "Pruning operations are counted in the training, without a chip.",
    (SCHEDULE, "layer"): "The layer stands alone, at given densities: no event is in it.",
    (PRUNING_UNIT, "layer"): "No pruning event is in these points, and without one the unit does nothing.",
    (POINTS, "elsewhere"): "The chip is at its nominal clock and supply, not at an operating point.",
}
"""(what is assumed, what the number is of) -> why the one cannot move the other."""


def group_of(parameter: str) -> str:
    """Of an assumption, as its row calls it."""
    if parameter.startswith("energy of "):
        return ENERGIES
    if parameter.startswith("schedule."):
        return SCHEDULE
    if parameter.startswith("operating_points."):
        return POINTS
    return PRUNING_UNIT if parameter.startswith("pruning_unit.") else CHIP


def named(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """Rules as plain data, for a sensitivity's `without_effect`. KeyError for one that is none."""
    return [{"assumptions": what, "because": RULES[what, of]} for what, of in pairs]


def uncovered(sensitivity: Mapping[str, Any], assumptions: Iterable[str]) -> list[str]:
    """Those that have neither a row nor a rule."""
    rows = {row["parameter"] for row in (*sensitivity["rows"], *sensitivity["apart"])}
    rules = {rule["assumptions"] for rule in sensitivity["without_effect"]}
    return [name for name in assumptions if name not in rows and group_of(name) not in rules]
