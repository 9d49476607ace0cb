"""A report as one HTML file: no scripts, nothing fetched, light and dark, readable on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from .blocks import Assumptions, Block, Figure, Gantt, LinePlot, Note, Report, Section, StackedBars, Table
from .numbers import format_cell
from .style import STYLE, paints
from .tables import assumptions_table, bars_table, lines_table

__all__ = ["html_page"]

_CONTENTS_FROM = 4  # a list of contents is worth it from this many sections
_NO_PLOTS = (
    "The plots are missing because matplotlib is not installed; their numbers are in tables instead. "
    "Install it with: pip install 'cosim-npu[report]', then: cosim report DIR."
)

_ROUND = ("once", "again")  # style classes: colours used again are hatched

Plotter = Callable[[LinePlot | StackedBars | Gantt, str], str]


def html_page(report: Report) -> bytes:
    """The page, UTF-8. The same report gives the same bytes with the same version of matplotlib.

    Without matplotlib, tables replace the plots and the page says so.
    """
    sections = [section for section in report.sections if section.blocks]
    plots = any(isinstance(block, LinePlot | StackedBars | Gantt) for section in sections for block in section.blocks)
    plotter = _plotter() if plots else None
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n"
        f"<h1>{escape(report.title)}</h1>\n"
    ]
    if report.subtitle:
        parts.append(f'<p class="subtitle">{escape(report.subtitle)}</p>\n')
    parts.append("</header>\n")
    if plots and plotter is None:
        parts.append(_note(Note(_NO_PLOTS, "warning")))
    if report.figures:
        parts.append('<dl class="figures">\n' + "".join(map(_figure, report.figures)) + "</dl>\n")
    if len(sections) >= _CONTENTS_FROM:
        links = "".join(f'<li><a href="#{_anchor(i)}">{escape(s.title)}</a></li>' for i, s in enumerate(sections))
        parts.append(f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n')
    for i, section in enumerate(sections):
        parts.append(_section(section, i, plotter))
    parts.append(_provenance(report) + "</main>\n</body>\n</html>\n")
    return "".join(parts).encode()


def _plotter() -> Plotter | None:
    try:
        from .plots import svg  # noqa: PLC0415  (matplotlib takes half a second)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        return None
    return svg


def _anchor(index: int) -> str:
    return f"section-{index + 1}"


def _figure(figure: Figure) -> str:
    unit = f' <span class="unit">{escape(figure.unit)}</span>' if figure.unit else ""
    hint = f'<dd class="hint">{escape(figure.hint)}</dd>' if figure.hint else ""
    value = escape(format_cell(figure.value))
    return f"<div><dt>{escape(figure.label)}</dt><dd>{value}{unit}</dd>{hint}</div>\n"


def _section(section: Section, index: int, plotter: Plotter | None) -> str:
    blocks = "".join(_block(block, f"{_anchor(index)}-{i + 1}", plotter) for i, block in enumerate(section.blocks))
    return f'<section id="{_anchor(index)}">\n<h2>{escape(section.title)}</h2>\n{blocks}</section>\n'


def _block(block: Block, name: str, plotter: Plotter | None) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Assumptions):
        return _table(assumptions_table(block), css="assumptions")
    if isinstance(block, Note):
        return _note(block)
    if plotter is not None:
        note = f'<p class="caption">{_prose(block.note)}</p>' if block.note else ""
        title = f"<figcaption>{escape(block.title)}</figcaption>"
        plot = f'<div class="plot">{plotter(block, name)}</div>'
        return f"<figure>{title}\n{_legend(block)}{plot}\n{note}{_numbers(block)}</figure>\n"
    if isinstance(block, LinePlot):
        return _table(lines_table(block))
    if isinstance(block, StackedBars):
        return _table(bars_table(block))
    return _note(Note(f"{block.title}: {len(block.spans)} spans on {len(block.lanes)} lanes (no plot)"))


def _legend(block: LinePlot | StackedBars | Gantt) -> str:
    """Which colour is what; in HTML, where it can wrap on a narrow screen."""
    if isinstance(block, LinePlot):
        names = [series.name for series in block.series]
    else:
        names = list(block.parts if isinstance(block, StackedBars) else block.kinds)
    if len(names) < 2:
        return ""
    items = (
        f'<li style="--paint:var(--series-{paint})" class="{_ROUND[again > 0]}">{escape(name)}</li>'
        for name, (paint, again) in zip(names, paints(names), strict=True)
    )
    listed = "".join(items)
    return f'<ul class="legend">{listed}</ul>\n'


def _numbers(block: LinePlot | StackedBars | Gantt) -> str:
    """The numbers behind a bar plot, folded away."""
    if not isinstance(block, StackedBars):
        return ""
    return f"<details><summary>Numbers</summary>\n{_table(bars_table(block), title=False)}</details>\n"


def _note(note: Note) -> str:
    return f'<p class="note {note.level}">{_prose(note.text)}</p>\n'


def _prose(text: str) -> str:
    """Words in which `this` is what one types."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(table: Table, *, css: str = "", title: bool = True) -> str:
    numeric = [not any(isinstance(row[i], str) for row in table.rows) for i in range(len(table.columns))]
    head = "".join(
        f"<th{_number_class(right)}>{escape(column.title)}"
        + (f' <span class="unit">({escape(column.unit)})</span>' if column.unit else "")
        + "</th>"
        for column, right in zip(table.columns, numeric, strict=True)
    )
    body = "".join(_row(table, row, numeric, last=i == len(table.rows) - 1) for i, row in enumerate(table.rows))
    caption = f"<caption>{escape(table.title)}</caption>" if table.title and title else ""
    note = f'<p class="caption">{_prose(table.note)}</p>\n' if table.note else ""
    opening = f'<table class="{css}">' if css else "<table>"
    filled = f"{opening}{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    return f'<div class="table">{filled}</div>\n{note}'


def _row(table: Table, row: Sequence[str | int | float | None], numeric: Sequence[bool], *, last: bool) -> str:
    cells = "".join(
        f"<td{_number_class(right)}>{_breakable(escape(format_cell(cell, column.digits)))}</td>"
        for cell, column, right in zip(row, table.columns, numeric, strict=True)
    )
    opening = '<tr class="total">' if table.total and last else "<tr>"
    return f"{opening}{cells}</tr>\n"


def _number_class(right: bool) -> str:
    return ' class="number"' if right else ""


def _breakable(text: str) -> str:
    """Long dotted names may break behind their dots."""
    return re.sub(r"(?<=[a-z_\]])([._/])(?=[a-z_])", r"\1<wbr>", text)


def _provenance(report: Report) -> str:
    if not report.provenance:
        return ""
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in report.provenance.items())
    return f"<footer><h2>How to get this again</h2><dl>{rows}</dl></footer>\n"
