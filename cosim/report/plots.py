"""Plots as SVG for the HTML page, by matplotlib: the only file that imports it.

Text stays text and colours become the page's variables, so that a plot follows the page's font and light or dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import singledispatch
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .blocks import Gantt, LinePlot, Span, StackedBars
from .numbers import format_number, time_unit, with_unit
from .style import GRID, INK, MUTED, PALETTE, SURFACE

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
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "legend.handlelength": 1.2,
    "legend.handleheight": 0.8,
    "legend.columnspacing": 1.4,
    "lines.linewidth": 2.0,
}
_DASHES = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))
_HATCHES = ("", "////", "....")
_TIMELINE_COLUMNS = 1400  # a lane is drawn at this resolution when it has more spans


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
    # Sized by the page; the view box keeps the proportions.
    text = re.sub(r'<svg ([^>]*?)\s?height="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)\s?width="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r"\n\s*\n+", "\n", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title, quote=True)}" ', 1).strip()


def _colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)][0]


def _legend(figure: Any, handles: Sequence[Any], names: Sequence[str]) -> None:
    if len(names) > 1:
        figure.legend(handles, names, loc="outside upper left", ncols=min(len(names), 5))


def _numbers(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(round(value, 12), 3)))


@singledispatch
def _draw(block: Any, figure: Any) -> None:
    raise TypeError(f"no plot for a {type(block).__name__}")


@_draw.register
def _(plot: LinePlot, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 3.6)
    axes = figure.subplots()
    handles = []
    for i, series in enumerate(plot.series):
        colour = _colour(i)
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[i // len(PALETTE) % len(_DASHES)]}
        if plot.steps:
            style["drawstyle"] = "steps-post"
        if len(series.x) == 1:
            style["marker"] = "o"
        if series.low is not None and series.high is not None:
            step = "post" if plot.steps else None
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18, linewidth=0, step=step)
        handles += axes.plot(series.x, series.y, **style)
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
    _legend(figure, handles, [series.name for series in plot.series])


def _lowest(plot: LinePlot) -> float:
    return min((min(line.low or line.y) for line in plot.series if len(line.y)), default=0)


@_draw.register
def _(bars: StackedBars, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 1.25 + 0.42 * len(bars.categories))
    axes = figure.subplots()
    totals = [sum(part[i] for part in bars.parts.values()) for i in range(len(bars.categories))]
    left = [0.0] * len(bars.categories)
    rows = range(len(bars.categories))
    handles = []
    for i, values in enumerate(bars.parts.values()):
        if bars.share:
            values = [100 * v / total if total else 0 for v, total in zip(values, totals, strict=True)]  # noqa: PLW2901
        colour, hatch = _colour(i), _HATCHES[i // len(PALETTE) % len(_HATCHES)]
        axes.barh(rows, values, left=left, height=0.68, color=colour, hatch=hatch, edgecolor=SURFACE, linewidth=0.8)
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor=SURFACE, linewidth=0))
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
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlabel(with_unit(bars.label, "%" if bars.share else bars.unit))
    _numbers(axes.xaxis)
    _legend(figure, handles, list(bars.parts))


@_draw.register
def _(timeline: Gantt, figure: Any) -> None:
    figure.set_size_inches(_WIDTH, 1.3 + 0.26 * len(timeline.lanes))
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
    handles = []
    for i, boxes in enumerate(outlines.values()):
        vertices: list[tuple[float, float]] = []
        codes: list[Any] = []
        for x0, x1, row in boxes:
            vertices += [(x0, row - 0.38), (x1, row - 0.38), (x1, row + 0.38), (x0, row + 0.38), (x0, row - 0.38)]
            codes += [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY]
        if boxes:
            axes.add_patch(PathPatch(Outline(vertices, codes), facecolor=_colour(i), linewidth=0))
        handles.append(Patch(facecolor=_colour(i), linewidth=0))
    axes.set_xlim(start / size, end / size)
    axes.set_ylim(len(timeline.lanes) - 0.4, -0.6)
    axes.set_yticks(range(len(timeline.lanes)), timeline.lanes, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set_xlabel(with_unit("simulated time", unit))
    _numbers(axes.xaxis)
    _legend(figure, handles, list(outlines))


def _drawable(spans: list[Span], start: int, end: int) -> list[Span]:
    """The spans of a lane, or, where there are more than pixels, one per pixel: the kind that filled most of it."""
    if len(spans) <= _TIMELINE_COLUMNS // 4 or end <= start:
        return spans
    shares: list[dict[str, float]] = [{} for _ in range(_TIMELINE_COLUMNS)]
    scale = _TIMELINE_COLUMNS / (end - start)
    for span in spans:
        a, b = (span.start_ps - start) * scale, (span.end_ps - start) * scale
        for column in range(int(a), min(int(b), _TIMELINE_COLUMNS - 1) + 1):
            share = min(b, column + 1) - max(a, column)
            shares[column][span.kind] = shares[column].get(span.kind, 0.0) + share
    result: list[Span] = []
    for column, kinds in enumerate(shares):
        kind = max(kinds, key=lambda name: (kinds[name], name), default=None)
        if kind is None or sum(kinds.values()) < 0.5:
            continue
        a = start + column * (end - start) // _TIMELINE_COLUMNS
        b = start + (column + 1) * (end - start) // _TIMELINE_COLUMNS
        if result and result[-1].kind == kind and result[-1].end_ps == a:
            result[-1] = Span(spans[0].lane, result[-1].start_ps, b, kind)
        else:
            result.append(Span(spans[0].lane, a, b, kind))
    return result
