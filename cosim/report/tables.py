"""Blocks that can also be read as tables: where there is no place, or no library, for a plot."""

from __future__ import annotations

from .blocks import Assumptions, Cell, Column, LinePlot, StackedBars, Table

__all__ = ["assumptions_table", "bars_table", "lines_table"]


def assumptions_table(block: Assumptions) -> Table:
    """Assumed inputs first, then published ones, each in the order given."""
    rows = [
        (item.parameter, item.value, item.unit, "assumed" if item.assumed else "published", item.reason)
        for item in sorted(block.items, key=lambda item: not item.assumed)
    ]
    columns = [Column("input"), Column("value"), Column("unit"), Column("known as"), Column("source or reason")]
    return Table(columns, rows, block.title)


def bars_table(bars: StackedBars) -> Table:
    """One row per category: its parts and their sum; shares of it in % if the bars are shares. One row per part where
    there are more parts than categories, so that a table is long rather than wide."""
    if len(bars.parts) > len(bars.categories) and not bars.share:
        lines: list[list[Cell]] = [[name, *values] for name, values in bars.parts.items()]
        lines.append(["total", *map(sum, zip(*bars.parts.values(), strict=True))])
        columns = [Column(""), *(Column(category, bars.unit) for category in bars.categories)]
        return Table(columns, lines, bars.title, bars.note, total=True)
    unit = "%" if bars.share else bars.unit
    columns = [Column(""), *(Column(name, unit) for name in bars.parts), Column("total", bars.unit)]
    rows: list[list[Cell]] = []
    for i, category in enumerate(bars.categories):
        values = [part[i] for part in bars.parts.values()]
        total = sum(values)
        shown = [100 * value / total if total else 0 for value in values] if bars.share else values
        rows.append([category, *shown, total])
    return Table(columns, rows, bars.title, bars.note)


def lines_table(plot: LinePlot) -> Table:
    """First, last, least and greatest value of every line."""
    columns = [Column("line"), *(Column(name, plot.y_unit) for name in ("first", "last", "least", "greatest"))]
    rows = [(line.name, line.y[0], line.y[-1], min(line.y), max(line.y)) for line in plot.series if line.y]
    return Table(columns, rows, plot.title, plot.note)
