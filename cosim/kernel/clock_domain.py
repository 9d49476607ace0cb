"""Clocks as arithmetic: edges of an exact rational period, floored to whole picoseconds."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Final

PS_PER_SECOND: Final = 10**12


class ClockDomain:
    """A clock with edge n at `floor(n * period_ps)`, n = 0, 1, ...: edges never drift.

    `period_ps` is an int or a Fraction of picoseconds, at least 1 (ValueError; a shorter one would give two edges at
    one instant). A float is a TypeError: 1e12 / 1.2e9 is not the period of 1.2 GHz; use `from_frequency`.
    """

    __slots__ = ("_denominator", "_numerator", "name", "period_ps")

    def __init__(self, name: str, period_ps: int | Fraction) -> None:
        if not isinstance(period_ps, Rational):
            raise TypeError(f"clock {name}: the period must be an int or a Fraction, got {period_ps!r}")
        if period_ps < 1:
            raise ValueError(f"clock {name}: the period must be at least 1 ps, got {period_ps}")
        self.name = name
        self.period_ps = Fraction(period_ps)
        self._numerator = self.period_ps.numerator
        self._denominator = self.period_ps.denominator

    @classmethod
    def from_frequency(cls, name: str, hertz: int | Fraction) -> ClockDomain:
        """The clock of that frequency: the period is exactly 1 / hertz."""
        if not isinstance(hertz, Rational):
            raise TypeError(f"clock {name}: the frequency must be an int or a Fraction, got {hertz!r}")
        if hertz <= 0:
            raise ValueError(f"clock {name}: the frequency must be positive, got {hertz}")
        return cls(name, PS_PER_SECOND / Fraction(hertz))

    @property
    def frequency_hz(self) -> Fraction:
        """The exact frequency."""
        return PS_PER_SECOND / self.period_ps

    def edge(self, n: int) -> int:
        """Time of edge n, in ps."""
        return n * self._numerator // self._denominator

    def cycle_at_or_before(self, time_ps: int) -> int:
        """The number of the last edge that is not after `time_ps`."""
        # floor(n p) <= t  <=>  n p < t + 1  <=>  n < (t + 1) / p
        return -(-(time_ps + 1) * self._denominator // self._numerator) - 1

    def first_edge_after(self, time_ps: int) -> int:
        """Time of the first edge strictly after `time_ps`."""
        return self.edge(self.cycle_at_or_before(time_ps) + 1)

    def align(self, time_ps: int) -> int:
        """`time_ps` if there is an edge, else the time of the next one."""
        return self.first_edge_after(time_ps - 1)

    def cycles(self, n: int) -> int:
        """The time that n cycles take, counted from edge 0: `floor(n * period_ps)`.

        From an edge k other than 0 the same n cycles may take 1 ps more. A model that adds such delays up drifts by
        up to 1 ps for each addition; one that must stay on the clock waits until `after(now, n)`.
        """
        if n < 0:
            raise ValueError(f"clock {self.name}: expected a number of cycles, got {n}")
        return n * self._numerator // self._denominator

    def after(self, time_ps: int, n: int) -> int:
        """Time of the edge n cycles after the last edge that is not after `time_ps`."""
        return self.edge(self.cycle_at_or_before(time_ps) + n)

    def __repr__(self) -> str:
        return f"ClockDomain({self.name!r}, {self.period_ps})"
