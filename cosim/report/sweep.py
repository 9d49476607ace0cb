"""The report of a sweep: one row a point, with the headline figures of the kind's own report, and each figure that
moves over the parameter where one parameter is a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..registry import Registry, registry
from ..scenario.folder import RunFolderError
from ..scenario.result import RunResult
from ..scenario.sweep import Parameter, value_text
from ..scenario.sweep_result import SweepResult
from .blocks import Block, Cell, Column, Figure, LinePlot, Note, Report, Section, Series, Table
from .build import build_report

__all__ = ["sweep_report"]

_MOST_COLUMNS = 8  # of numbers of the summaries, where the kind has no headline figures
_QUANTITY = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)(?: *(\S+))?")

Key = tuple[str, str]  # label and unit of a figure
Rows = Sequence[dict[Key, Cell]]


def sweep_report(result: SweepResult, known: Registry | None = None) -> Report:
    """The report of a sweep; a point whose run folder is not there any more has no figures."""
    known = known or registry()
    rows = [_figures(result, point.folder, known) if point.failure is None else {} for point in result.points]
    if not any(rows):
        differing = list(result.differing().items())[:_MOST_COLUMNS]
        rows = [{(path, ""): column[i] for path, column in differing} for i in range(len(result.points))]
    blocks: list[Block] = [_table(result, rows)]
    for point in result.points:
        if point.failure is not None:
            blocks.append(Note(f"{point.folder}: {point.failure.message}", "error"))
    sections = [Section("Points", blocks)]
    if plots := _plots(result, rows):
        sections.append(Section("Over the parameter", plots))
    paths = ", ".join(one.path for one in result.parameters)
    return Report(
        result.name,
        f"{result.kind} scenario, a sweep of {len(result.points)} points over {paths}",
        sections=sections,
        provenance={"scenario": f"{result.name} ({result.kind})", "points": "each in its folder, with a manifest"},
    )


def _figures(result: SweepResult, folder: str, known: Registry) -> dict[Key, Cell]:
    try:
        run = RunResult.load(result.folder / folder)
    except RunFolderError:
        return {}
    try:
        figures: Sequence[Figure] = build_report(run, known).figures
    except Exception:  # a report of somebody else's kind: the numbers of the summaries are there
        return {}
    return {(figure.label, figure.unit): figure.value for figure in figures}


def _table(result: SweepResult, rows: Rows) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key, value in row.items() if value is not None))
    columns = [*(Column(one.path) for one in result.parameters), *(Column(label, unit) for label, unit in keys)]
    cells: list[list[Cell]] = [
        [*(_cell(point.values[one.path]) for one in result.parameters), *(row.get(key) for key in keys)]
        for point, row in zip(result.points, rows, strict=True)
    ]
    return Table(columns, cells, note="All numbers that differ between points are in sweep.csv.")


def _cell(value: Any) -> Cell:
    return value if isinstance(value, int | float) else value_text(value)


def _plots(result: SweepResult, rows: Rows) -> list[Block]:
    """Each figure over the one parameter that is a number, a line for each combination of the others."""
    scales = [(one, scale) for one in result.parameters if (scale := _scale(one)) is not None]
    if len(scales) != 1:
        return []
    (parameter, (numbers, unit)), *_ = scales
    by_text = dict(zip(map(value_text, parameter.values), numbers, strict=True))
    plots: list[Block] = []
    for key in dict.fromkeys(key for row in rows for key in row):
        lines: dict[str, list[tuple[float, float]]] = {}
        for point, row in zip(result.points, rows, strict=True):
            y = row.get(key)
            if isinstance(y, int | float) and not isinstance(y, bool):
                others = [one for one in result.parameters if one is not parameter]
                name = ", ".join(f"{one.path}={value_text(point.values[one.path])}" for one in others) or key[0]
                lines.setdefault(name, []).append((by_text[value_text(point.values[parameter.path])], y))
        series = [Series(name, *zip(*sorted(line), strict=True)) for name, line in lines.items() if len(line) > 1]
        if len({y for line in series for y in line.y}) > 1:
            plots.append(LinePlot(key[0], series, parameter.path, key[0], unit, key[1]))
    return plots


def _scale(parameter: Parameter) -> tuple[list[float], str] | None:
    """The values as numbers with their common unit; None if they are none, or only one."""
    numbers, units = [], set()
    for value in parameter.values:
        found = _QUANTITY.fullmatch(value_text(value))
        if found is None:
            return None
        numbers.append(float(found[1]))
        units.add(found[2] or "")
    return (numbers, units.pop()) if len(units) == 1 and len(numbers) > 1 else None
