"""What is said of a published number beside a simulated one: a kind that programs ask for, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["DISAGREES", "Compared", "Kind", "Verdict", "judged", "verdict"]

Kind = Literal["reached", "inside", "miss", "follows", "none"]
"""At the nominal values; only elsewhere in the interval; nowhere in it; by an assumption that says so itself; there is
no number."""

DISAGREES: tuple[Kind, ...] = ("inside", "miss")
"""Kinds that the page lists under what does not agree."""


@dataclass(frozen=True)
class Verdict:
    """What came of a comparison, and how it is said."""

    kind: Kind
    text: str


def judged(value: float, least: float, nominal: float, greatest: float) -> Kind:
    """Is a published value, of which more is better, reached by the number at the nominal values, by one inside the
    interval from `least` to `greatest`, or by none? ValueError where the nominal number is outside."""
    if not least <= nominal <= greatest:
        raise ValueError(f"{nominal} is not between {least} and {greatest}")
    if nominal >= value:
        return "reached"
    return "inside" if greatest >= value else "miss"


def verdict(value: float, least: float, nominal: float, greatest: float) -> Verdict:
    """That, in words."""
    kind = judged(value, least, nominal, greatest)
    said = {
        "reached": "reached at the nominal values",
        "inside": "inside the interval, not at the nominal values",
        "miss": f"miss: published is {value / greatest:.1f} x the interval's upper end" if greatest else "miss",
    }
    return Verdict(kind, said[kind])


@dataclass(frozen=True)
class Compared:
    """A row of the overview: a published value and what is held against it, in its unit.

    `ratio`: simulated / published, of a saving that of what is left.
    """

    claim: str
    published: str
    simulated: float | None
    least: float | None
    greatest: float | None
    ratio: float | None
    calibrated_on: str
    verdict: Verdict

    def cells(self) -> list[Any]:
        """For the table."""
        return [
            self.claim,
            self.published,
            self.simulated,
            self.least,
            self.greatest,
            self.ratio,
            self.calibrated_on,
            self.verdict.text,
        ]
