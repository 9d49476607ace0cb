"""A report on the terminal: headline figures and tables; plots become a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from .blocks import Assumptions, Block, Column, Gantt, LinePlot, Note, Report, StackedBars, Table
from .numbers import format_cell, format_number, with_unit
from .tables import assumptions_table, bars_table

__all__ = ["print_report"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 32
_LEVEL_STYLE = {"info": "dim", "warning": "yellow", "error": "red"}


def print_report(report: Report, console: Console | None = None) -> None:
    """Print to stdout (or `console`); plain text in a pipe."""
    console = console or Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width: do not fold what a script reads
        console = Console(file=console.file, highlight=False, width=200)
    console.print(f"[bold]{escape(report.title)}[/bold]")
    if report.subtitle:
        console.print(escape(report.subtitle), style="dim")
    if report.figures:
        grid = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        grid.add_column()
        grid.add_column(justify="right", style="bold")
        grid.add_column()
        grid.add_column(style="dim")
        for figure in report.figures:
            grid.add_row(escape(figure.label), format_cell(figure.value), figure.unit, escape(figure.hint))
        console.print()
        console.print(grid)
    for section in report.sections:
        if not section.detail and section.blocks:
            console.print()
            console.print(f"[bold]{escape(section.title)}[/bold]")
            for i, block in enumerate(section.blocks):
                if i:
                    console.print()
                console.print(_render(block))


def _render(block: Block) -> Any:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Assumptions):
        return _table(assumptions_table(block))
    if isinstance(block, StackedBars):
        return _table(bars_table(block))
    if isinstance(block, Note):
        return Text(block.text, style=_LEVEL_STYLE[block.level])
    if isinstance(block, LinePlot):
        return _lines(block)
    return _gantt(block)


def _table(table: Table) -> Any:
    rich = RichTable(box=None, pad_edge=False)
    shown = [
        [format_cell(cell, column.digits) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    for i, (column, numeric) in enumerate(zip(table.columns, _numeric(table.columns, table.rows), strict=True)):
        title = escape(with_unit(column.title, column.unit))
        if numeric:  # a heading may fold; a number that is cut off would be another number
            widest = max((len(row[i]) for row in shown), default=1)
            rich.add_column(title, justify="right", min_width=widest, overflow="fold")
        else:
            rich.add_column(title, overflow="fold")
    for i, cells in enumerate(shown):
        style = "bold" if table.total and i == len(shown) - 1 else None
        rich.add_row(*map(escape, cells), style=style)
    # The title is no part of the table, which may be narrower.
    above, below = (
        [Text(text, style=style)] if text else [] for text, style in ((table.title, ""), (table.note, "dim"))
    )
    return Group(*above, rich, *below)


def _numeric(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[bool]:
    return [not any(isinstance(row[i], str) for row in rows) for i in range(len(columns))]


def _lines(plot: LinePlot) -> Any:
    grid = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for series in plot.series:
        if series.y:
            ends = f"{format_number(series.y[0])} → {format_number(series.y[-1])}"
            grid.add_row(escape(series.name), _spark(series.y), f"{ends} {plot.y_unit}".rstrip())
    title = f"{plot.title}: {with_unit(plot.y_label, plot.y_unit)} over {with_unit(plot.x_label, plot.x_unit)}"
    return Group(Text(title), grid)


def _spark(values: Sequence[float]) -> str:
    count = min(len(values), _SPARK_WIDTH)
    picked = [values[i * (len(values) - 1) // max(1, count - 1)] for i in range(count)]
    low, span = min(picked), max(picked) - min(picked)
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1)) if span else 3] for value in picked)


def _gantt(timeline: Gantt) -> Any:
    return Text(f"{timeline.title}: {len(timeline.spans)} spans on {len(timeline.lanes)} lanes", style="dim")
