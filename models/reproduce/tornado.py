"""A tornado plot as SVG: how far each assumption moves one number, the most influential on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

__all__ = ["tornado"]

SHORT_UNIT = 2

_LABELS, _BARS, _ROW, _TOP, _BOTTOM = 230, 510, 24, 58, 40
_LEAST_ROOM, _PER_CHARACTER = 240, 6
_LOW, _HIGH, _INK, _MUTED, _GRID, _PAPER = "#2a6f97", "#d98a29", "#1f2933", "#52606d", "#d9dee3", "#ffffff"


def tornado(
    title: str, unit: str, nominal: float, bars: Sequence[tuple[str, Sequence[tuple[str, float | None]]]]
) -> str:
    """`bars`: label -> (what it is set to, number) for up to any number of values; None where there is no number.

    The same text for the same data.
    """
    shown = [other for _, values in bars for _, other in values if other is not None]
    low, high = min(*shown, nominal), max(*shown, nominal)
    span = (high - low) or 1.0
    left, right = _LABELS, _LABELS + _BARS
    ends = [
        "; ".join(f"{setting}: {'does not fit' if other is None else f'{other:.3g}'}" for setting, other in values)
        for _, values in bars
    ]
    overall = right + max(_LEAST_ROOM, *(20 + _PER_CHARACTER * len(text) for text in ends))

    def x(number: float) -> str:
        return f"{left + (number - low) / span * (right - left):.1f}"

    height = _TOP + _ROW * len(bars) + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {overall} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{overall}" height="{height}" fill="{_PAPER}"/>',
        f'<text x="12" y="22" font-size="15" fill="{_INK}">{escape(title)}</text>',
        f'<text x="12" y="42" fill="{_MUTED}">bars: the assumption at the ends of its plausible range (on the right); '
        f"line: nominal, {nominal:.3g} {escape(unit)}</text>",
    ]
    bottom = height - _BOTTOM
    beside = f" {unit}" if len(unit) <= SHORT_UNIT else ""  # longer ones would meet; the line above says them
    for number in _ticks(low, high):
        lines.append(f'<line x1="{x(number)}" x2="{x(number)}" y1="{_TOP}" y2="{bottom}" stroke="{_GRID}"/>')
        lines.append(
            f'<text x="{x(number)}" y="{bottom + 18}" fill="{_MUTED}" text-anchor="middle">'
            f"{number:.3g}{escape(beside)}</text>"
        )
    for at, (label, values) in enumerate(bars):
        y = _TOP + _ROW * at
        lines.append(f'<text x="{left - 10}" y="{y + 16}" fill="{_INK}" text-anchor="end">{escape(label)}</text>')
        for setting, other in values:
            if other is None:
                continue
            begin, end = sorted((other, nominal))
            width = (end - begin) / span * (right - left)
            colour = _LOW if other < nominal else _HIGH
            lines.append(
                f'<rect x="{x(begin)}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" fill="{colour}" '
                f'fill-opacity="0.85"><title>{escape(label)} = {escape(setting)}: {other:.4g}</title></rect>'
            )
        lines.append(f'<text x="{right + 10}" y="{y + 16}" fill="{_MUTED}" font-size="11">{escape(ends[at])}</text>')
    lines.append(
        f'<line x1="{x(nominal)}" x2="{x(nominal)}" y1="{_TOP - 4}" y2="{bottom}" stroke="{_INK}" stroke-width="1.5"/>'
    )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, four to nine of them; the only one if they are equal."""
    if high <= low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (5, 2, 1) if (high - low) / (factor * step) >= 4)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
