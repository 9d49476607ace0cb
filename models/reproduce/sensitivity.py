"""How far each assumption moves each headline number, in tables: the most influential, and all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

__all__ = ["change", "full_sections", "in_points", "most_influential", "pairs", "reach", "sensitivities"]

Pair = tuple[str, list[tuple[str, float | None]]]

SMALL = 1.0
IN_POINTS = 50.0
"""Percentages from here to 100 change in points; smaller ones in percent of themselves, as other numbers do."""
NAMED = 3
"""Assumptions that the short table names, the most influential ones."""


def sensitivities(results: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Of all claims, in order."""
    for result in results:
        yield from result["found"]["sensitivities"]


def pairs(sensitivity: Mapping[str, Any], which: str = "rows") -> list[Pair]:
    """Parameter -> (value, number) at its other plausible values, the most influential parameter first; `which`: of
    those in intervals (`rows`), or of the others (`apart`)."""
    found: dict[str, list[tuple[str, float | None]]] = {}
    for row in sensitivity[which]:
        found.setdefault(row["parameter"], []).append((row["value"], row["number"]))
    return list(found.items())


def most_influential(results: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each headline number: its ends, and what moves it most."""
    rows = []
    for sensitivity in sensitivities(results):
        nominal, unit, all_pairs = sensitivity["nominal"], sensitivity["unit"], pairs(sensitivity)
        numbers = [number for _, values in all_pairs for _, number in values if number is not None]
        moved = [
            _moved(name, values, sensitivity)
            for name, values in all_pairs[:NAMED]
            if any(number not in (None, nominal) for _, number in values)
        ]
        aside = pairs(sensitivity, "apart")
        told = [[number for _, number in values if number is not None] for _, values in all_pairs]
        unmoved = sum(all(abs(change(number, sensitivity)) < SMALL for number in own) for own in told if own)
        without = sum(not own for own in told)
        ends = (min([nominal, *numbers]), max([nominal, *numbers]))
        rows.append(
            [
                f"{sensitivity['of']}, {unit}",
                nominal,
                *ends,
                "; ".join(moved) or "none",
                f"{unmoved} of {len(all_pairs)}" + (f"; no number: {without}" if without else ""),
                "; ".join(_moved(name, values, sensitivity) for name, values in aside[:NAMED]),
            ]
        )
    return Table(
        [
            Column("number"),
            Column("nominal", digits=3),
            Column("least", digits=3),
            Column("greatest", digits=3),
            Column("most influential assumptions (change at the ends of their ranges)"),
            Column("move it by less than 1 % (point)"),
            Column("in no interval: late ranges and what-ifs"),
        ],
        rows,
        title="Sensitivity: one assumption at a time at the ends of its plausible range",
    )


def full_sections(results: Iterable[Mapping[str, Any]]) -> Iterator[Section]:
    """For each headline number all assumptions, a row each."""
    for sensitivity in sensitivities(results):
        nominal, unit = sensitivity["nominal"], sensitivity["unit"]
        rows: list[list[Any]] = []
        why = {row["parameter"]: row["why"] for row in sensitivity["apart"]}
        for name, values in (*pairs(sensitivity), *pairs(sensitivity, "apart")):
            row: list[Any] = [name + (f" ({why[name]}: in no interval)" if name in why else "")]
            for value, number in values[:2]:
                row += [value, number, None if number is None else change(number, sensitivity)]
            rows.append([*row, *[None] * (7 - len(row))])
            for value, number in values[2:]:
                moved = None if number is None else change(number, sensitivity)
                rows.append([name, value, number, moved, None, None, None])
        one = [
            Column("at"),
            Column("number", unit, digits=3),
            Column("change", "points" if in_points(sensitivity) else "%", digits=3),
        ]
        yield Section(
            f"{sensitivity['of']}: {nominal:.3g} {unit}",
            [
                Table(
                    [Column("assumption"), *one, *one],
                    rows,
                    note=" ".join(text for text in (sensitivity["note"], unmoved(sensitivity)) if text),
                )
            ],
        )


def in_points(sensitivity: Mapping[str, Any]) -> bool:
    """Are changes in points (of a percentage near 100), not in percent?"""
    return bool(sensitivity["unit"] == "%" and sensitivity["nominal"] >= IN_POINTS)


def change(number: float, sensitivity: Mapping[str, Any]) -> float:
    """Against the nominal number: in percent of it, of percentages near 100 in points; against zero no change is 0 and
    any other infinite."""
    nominal: float = sensitivity["nominal"]
    if in_points(sensitivity):
        return number - nominal
    if nominal == 0:
        return 0.0 if number == nominal else math.copysign(math.inf, number)
    return 100 * (number - nominal) / nominal


def reach(claimed: float, found: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The least and the greatest of a claim's number with one assumption at a time at the ends of its range, from
    sensitivities of the same number, which may be of less work: by their relative changes, of percentages by points."""
    ends = [claimed]
    for sensitivity in found:
        for row in sensitivity["rows"]:
            if row["number"] is not None:
                moved = change(row["number"], sensitivity)
                ends.append(claimed + moved if in_points(sensitivity) else claimed * (1 + moved / 100))
    return min(ends), max(ends)


def unmoved(sensitivity: Mapping[str, Any]) -> str:
    """The assumptions that are not varied because they cannot move the number, and why."""
    because: dict[str, list[str]] = {}
    for rule in sensitivity["without_effect"]:
        because.setdefault(rule["because"], []).append(rule["assumptions"])
    return " ".join(f"Without effect: {', '.join(names)}. {why}" for why, names in because.items())


def _moved(name: str, values: Sequence[tuple[str, float | None]], sensitivity: Mapping[str, Any]) -> str:
    unit = "points" if in_points(sensitivity) else "%"
    changes = [f"{change(number, sensitivity):+.2g} {unit}" for _, number in values if number is not None]
    return f"{name} ({', '.join(changes) or 'no number'})"
