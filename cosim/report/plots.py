"""Plots as SVG for the HTML page, by matplotlib: the only file that imports it.

Text stays text and colours become the page's variables, so that a plot follows the page's font and light or dark.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from functools import singledispatch
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .blocks import Gantt, LinePlot, Span, StackedBars
from .numbers import format_number, format_tick, time_unit, with_unit
from .style import GRID, INK, MUTED, PALETTE, SURFACE, paints

__all__ = ["svg"]

_WIDTH = 9.0  # inches of 72 px: the page's column
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cosim",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "lines.linewidth": 2.0,
}
_DASHES = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))
_HATCHES = ("", "////", "....")
_TIMELINE_COLUMNS = 1000  # a lane is drawn at this resolution when it has more spans


def svg(block: LinePlot | StackedBars | Gantt, name: str) -> str:
    """One `<svg>` element for the page; `name` keeps its ids apart from those of other plots.

    Always the same text for the same block: no dates, no random ids.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # the user's matplotlibrc is for the user's plots
        mpl.rcParams.update(_STYLE)
        figure = Canvas(layout="constrained")
        _draw(block, figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_page(stream.getvalue(), block.title, name)


def _for_page(text: str, title: str, name: str) -> str:
    """Strip what a page does not need, make ids unique, and turn colours into the page's variables."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(re.findall(r"""(?:url\(#|href="#)([^)"]+)""", text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r"""(url\(#|href="#)""", rf"\g<1>{name}-", text)
    variables = {INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface"}
    variables |= {light: f"series-{i}" for i, (light, _) in enumerate(PALETTE)}
    for colour, variable in variables.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    # Sized by the page; the view box keeps the proportions.
    text = re.sub(r'<svg ([^>]*?)\s?height="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)\s?width="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r"\n\s*\n+", "\n", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title, quote=True)}" ', 1).strip()


def _numbers(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_tick(value)))


@singledispatch
def _draw(block: Any, figure: Any) -> None:
    raise TypeError(f"no plot for a {type(block).__name__}")


@_draw.register
def _(plot: LinePlot, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 3.3)
    axes = figure.subplots()
    for series, (paint, again) in zip(plot.series, paints([series.name for series in plot.series]), strict=True):
        colour = PALETTE[paint][0]
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[again % len(_DASHES)]}
        if plot.steps:
            style["drawstyle"] = "steps-post"
        if len(series.x) == 1:
            style["marker"] = "o"
        if series.low is not None and series.high is not None:
            step = "post" if plot.steps else None
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18, linewidth=0, step=step)
        axes.plot(series.x, series.y, **style)
    axes.set_xlabel(with_unit(plot.x_label, plot.x_unit))
    axes.set_ylabel(with_unit(plot.y_label, plot.y_unit))
    axes.margins(x=0.01)
    if plot.log_y:
        axes.set_yscale("log")
    else:
        if plot.y_from_zero:
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]) if _lowest(plot) < 0 else 0)
        _numbers(axes.yaxis)
    if all(float(x).is_integer() for series in plot.series for x in series.x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _numbers(axes.xaxis)


def _lowest(plot: LinePlot) -> float:
    return min((min(line.low or line.y) for line in plot.series if len(line.y)), default=0)


@_draw.register
def _(bars: StackedBars, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 0.75 + 0.42 * len(bars.categories))
    axes = figure.subplots()
    totals = [sum(part[i] for part in bars.parts.values()) for i in range(len(bars.categories))]
    left = [0.0] * len(bars.categories)
    rows = range(len(bars.categories))
    for values, (paint, again) in zip(bars.parts.values(), paints(list(bars.parts)), strict=True):
        if bars.share:
            values = [100 * v / total if total else 0 for v, total in zip(values, totals, strict=True)]  # noqa: PLW2901
        colour, hatch = PALETTE[paint][0], _HATCHES[again % len(_HATCHES)]
        axes.barh(rows, values, left=left, height=0.68, color=colour, hatch=hatch, edgecolor=SURFACE, linewidth=0.8)
        left = [a + b for a, b in zip(left, values, strict=True)]
    end = max(left, default=0)
    if not bars.share:
        for row, total in zip(rows, totals, strict=True):
            axes.text(left[row] + end * 0.008, row, format_number(total), va="center", color=MUTED)
        axes.set_xlim(0, end * 1.1 or 1)
    else:
        axes.set_xlim(0, 100)
    axes.set_yticks(rows, bars.categories, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(bars.categories) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlabel(with_unit(bars.label, "%" if bars.share else bars.unit))
    _numbers(axes.xaxis)


@_draw.register
def _(timeline: Gantt, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 0.75 + 0.26 * len(timeline.lanes))
    axes = figure.subplots()
    start = min((span.start_ps for span in timeline.spans), default=0)
    end = max((span.end_ps for span in timeline.spans), default=1)
    unit, size = time_unit(end)
    row_of = {lane: row for row, lane in enumerate(timeline.lanes)}
    by_lane: dict[str, list[Span]] = {lane: [] for lane in timeline.lanes}
    for span in timeline.spans:
        by_lane[span.lane].append(span)
    # One outline per kind, not one element per span: a page with thousands of them stays small.
    outlines: dict[str, list[tuple[float, float, int]]] = {kind: [] for kind in timeline.kinds}
    for lane, spans in by_lane.items():
        for span in _drawable(spans, start, end):
            outlines[span.kind].append((span.start_ps / size, span.end_ps / size, row_of[lane]))
    for boxes, (paint, again) in zip(outlines.values(), paints(list(outlines)), strict=True):
        vertices: list[tuple[float, float]] = []
        codes: list[Any] = []
        for x0, x1, row in boxes:
            vertices += [(x0, row - 0.38), (x1, row - 0.38), (x1, row + 0.38), (x0, row + 0.38), (x0, row - 0.38)]
            codes += [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY]
        if boxes:
            hatch = _HATCHES[again % len(_HATCHES)]
            style = {"facecolor": PALETTE[paint][0], "hatch": hatch, "edgecolor": SURFACE, "linewidth": 0}
            axes.add_patch(PathPatch(Outline(vertices, codes), **style))
    axes.set_xlim(start / size, end / size)
    axes.set_ylim(len(timeline.lanes) - 0.4, -0.6)
    axes.set_yticks(range(len(timeline.lanes)), timeline.lanes, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set_xlabel(with_unit("simulated time", unit))
    _numbers(axes.xaxis)


def _drawable(spans: list[Span], start: int, end: int) -> list[Span]:
    """The spans of a lane, or, where there are more than pixels, one per pixel: of the kind that fills most of it, as
    wide as all its kinds together, so that a lane that is busy a tenth of the time looks a tenth as dark."""
    if len(spans) <= _TIMELINE_COLUMNS // 4 or end <= start:
        return spans
    filled: list[dict[str, int]] = [{} for _ in range(_TIMELINE_COLUMNS)]
    edges = [start + column * (end - start) // _TIMELINE_COLUMNS for column in range(_TIMELINE_COLUMNS + 1)]
    for span in spans:
        column = bisect_right(edges, span.start_ps, hi=_TIMELINE_COLUMNS) - 1
        while column < _TIMELINE_COLUMNS and edges[column] < span.end_ps:
            part = min(span.end_ps, edges[column + 1]) - max(span.start_ps, edges[column])
            filled[column][span.kind] = filled[column].get(span.kind, 0) + part
            column += 1
    result: list[Span] = []
    for column, kinds in enumerate(filled):
        if not kinds:
            continue
        kind = max(kinds, key=lambda name: (kinds[name], name))
        begin, until = edges[column], min(edges[column] + sum(kinds.values()), edges[column + 1])
        if result and result[-1].kind == kind and result[-1].end_ps == begin:
            result[-1] = Span(spans[0].lane, result[-1].start_ps, until, kind)
        else:
            result.append(Span(spans[0].lane, begin, until, kind))
    return result
