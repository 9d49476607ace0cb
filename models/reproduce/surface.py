"""A surface as small plots, SVG: gain over the density of inputs, a line for each density of weights, a panel for each
coarse share, with the interval, 1 / (input x weight) and the published gain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["surface"]

_PANEL, _PLOT_HEIGHT, _LEFT, _TOP, _GAP, _BOTTOM = 250, 260, 52, 102, 18, 58
_LEGEND = 450  # its text must fit
_LINES = ("#2a6f97", "#d98a29", "#6b4c9a", "#3f7f4f")
_INK, _MUTED, _GRID, _PAPER, _PUBLISHED = "#1f2933", "#52606d", "#d9dee3", "#ffffff", "#b3261e"


def surface(title: str, rows: Sequence[Mapping[str, Any]], published: Sequence[tuple[str, float]]) -> str:
    """`rows`: of a study's surface (input, weight, coarse, inverse_density, gain, gain_least, gain_greatest);
    `published`: figures and their gains.

    The same text for the same data.
    """
    shares = sorted({row["coarse"] for row in rows if row["weight"] < 1.0}) or [0.0]
    weights = sorted({row["weight"] for row in rows}, reverse=True)
    inputs = sorted({row["input"] for row in rows}, reverse=True)
    top = (
        max(*(max(row["inverse_density"], row["gain_greatest"]) for row in rows), *(gain for _, gain in published))
        * 1.4
    )
    bottom = min(1.0, *(row["gain_least"] for row in rows)) / 1.15
    width = max(_LEFT + len(shares) * (_PANEL + _GAP), _LEGEND)
    height = _TOP + _PLOT_HEIGHT + _BOTTOM

    def y(gain: float) -> float:
        return _TOP + _PLOT_HEIGHT * (math.log(top) - math.log(gain)) / (math.log(top) - math.log(bottom))

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
        f'<text x="12" y="22" font-size="15" fill="{_INK}">{escape(title)}</text>',
    ]
    x = 12.0
    for weight, colour in zip(weights, _LINES, strict=False):
        lines.append(f'<line x1="{x}" x2="{x + 18}" y1="40" y2="40" stroke="{colour}" stroke-width="2.5"/>')
        lines.append(f'<text x="{x + 23}" y="44" fill="{_INK}">weights {_percent(weight)}</text>')
        x += 122
    lines.append(
        f'<text x="12" y="64" fill="{_MUTED}">red: published; upright: all energy ranges; '
        "dashed: 1 / (input x weight)</text>"
    )
    for at, share in enumerate(shares):
        left = _LEFT + at * (_PANEL + _GAP)
        title = f"{_percent(share)} of the zero weights coarse" if min(weights) < 1.0 else "dense weights"
        lines += _panel(left, title, inputs, y, (bottom, top), first=at == 0)
        for figure, gain in published:
            lines.append(
                f'<line x1="{left}" x2="{left + _PANEL}" y1="{y(gain):.1f}" y2="{y(gain):.1f}" stroke="{_PUBLISHED}" '
                'stroke-width="1.5"/>'
            )
            lines.append(
                f'<text x="{left + 4}" y="{y(gain) - 6:.1f}" fill="{_PUBLISHED}" paint-order="stroke" '
                f'stroke="{_PAPER}" stroke-width="3">{escape(figure)}: {gain:.3g} x</text>'
            )
        for number, (weight, colour) in enumerate(zip(weights, _LINES, strict=False)):
            of = {
                row["input"]: row
                for row in rows
                if row["weight"] == weight and row["coarse"] == (share if weight < 1.0 else 0.0)
            }
            places = [(_x(left, inputs, density), of[density]) for density in inputs if density in of]
            for key, style in (
                ("inverse_density", 'stroke-width="1" stroke-dasharray="4 4"'),
                ("gain", 'stroke-width="2.5"'),
            ):
                path = " ".join(f"{place:.1f},{y(row[key]):.1f}" for place, row in places)
                lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" {style}/>')
            for place, row in places:
                beside = place + 5 * (number - (len(weights) - 1) / 2)  # intervals side by side
                said = f"input {_percent(row['input'])}, weights {_percent(weight)}: {row['gain']:.3g} x"
                lines.append(
                    f'<line x1="{beside:.1f}" x2="{beside:.1f}" y1="{y(row["gain_least"]):.1f}" '
                    f'y2="{y(row["gain_greatest"]):.1f}" stroke="{colour}" stroke-opacity="0.6"/>'
                )
                lines.append(
                    f'<circle cx="{place:.1f}" cy="{y(row["gain"]):.1f}" r="3.5" fill="{colour}">'
                    f"<title>{said}</title></circle>"
                )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(
    left: float, title: str, inputs: Sequence[float], y: Any, ends: tuple[float, float], *, first: bool
) -> list[str]:
    """Frame, grid and labels."""
    floor = _TOP + _PLOT_HEIGHT
    lines = [f'<text x="{left}" y="{_TOP - 10}" fill="{_INK}">{escape(title)}</text>']
    for gain in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if ends[0] <= gain <= ends[1]:
            lines.append(
                f'<line x1="{left}" x2="{left + _PANEL}" y1="{y(gain):.1f}" y2="{y(gain):.1f}" stroke="{_GRID}"/>'
            )
            if first:
                lines.append(
                    f'<text x="{left - 6}" y="{y(gain) + 4:.1f}" fill="{_MUTED}" text-anchor="end">{gain:g} x</text>'
                )
    lines.append(f'<line x1="{left}" x2="{left + _PANEL}" y1="{floor}" y2="{floor}" stroke="{_MUTED}"/>')
    for density in inputs:
        place = _x(left, inputs, density)
        lines.append(
            f'<text x="{place:.1f}" y="{floor + 18}" fill="{_MUTED}" text-anchor="middle">{_percent(density)}</text>'
        )
    lines.append(
        f'<text x="{left + _PANEL / 2}" y="{floor + 38}" fill="{_MUTED}" text-anchor="middle">'
        "non-zero inputs and gradients</text>"
    )
    return lines


def _x(left: float, inputs: Sequence[float], density: float) -> float:
    """Logarithmic, from dense to sparse."""
    if len(inputs) < 2:
        return left + _PANEL / 2
    span = math.log(inputs[0] / inputs[-1])
    return left + 20 + (_PANEL - 40) * math.log(inputs[0] / density) / span


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
