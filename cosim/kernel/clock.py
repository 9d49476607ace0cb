"""A clock that is a signal."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from .clock_domain import ClockDomain
from .event import Event
from .hierarchy import Node
from .method import Method
from .signal import Signal, WriterPolicy
from .time import whole


class Clock(Signal[bool]):
    """A signal that toggles for ever: high for `duty` of each period, first edge at `start`.

    `period` is a number of time units, or a `ClockDomain`, whose edges it then follows exactly. The high (or, with
    `posedge_first=False`, the low) time is rounded half up. An edge takes two delta cycles, as SystemC's does: one in
    which the clock writes, one in which its listeners run. Where only edges in time are needed, a `ClockDomain` costs
    nothing.
    """

    kind: ClassVar[str] = "clock"

    def __init__(
        self,
        parent: Node,
        name: str,
        period: int | ClockDomain,
        *,
        duty: float | Fraction = Fraction(1, 2),
        start: int = 0,
        posedge_first: bool = True,
    ) -> None:
        super().__init__(parent, name, not posedge_first, writer_policy=WriterPolicy.UNCHECKED)
        if not isinstance(period, ClockDomain):
            if whole(period, "period") < 1:
                raise ValueError(f"clock {self.full_name}: period is zero")
            period = ClockDomain(self.full_name, whole(period, "period"))
        exact = Fraction(str(duty)) if isinstance(duty, float) else Fraction(duty)
        if not 0 < exact < 1:
            raise ValueError(f"clock {self.full_name}: duty must be between 0 and 1, got {duty}")
        self.domain = period
        self.duty = exact
        self.start = whole(start, "start")
        self.posedge_first = posedge_first
        high = int(period.period_ps * exact + Fraction(1, 2))
        self.high_time = high
        """The time from a rising to the next falling edge."""
        if high == 0:
            raise ValueError(f"clock {self.full_name}: high time is zero")
        low = period.edge(1) - high
        if low <= 0:
            raise ValueError(f"clock {self.full_name}: low time is zero")
        self._first_level_time = high if posedge_first else low
        self._cycle = 0
        self._lead = Event.hidden(self, "lead_edge")
        self._trail = Event.hidden(self, "trail_edge")
        Method(self, self._lead_edge, "lead_action", sensitive=(self._lead,), dont_initialize=True)
        Method(self, self._trail_edge, "trail_action", sensitive=(self._trail,), dont_initialize=True)
        self._lead.notify(self.start)

    @property
    def period(self) -> Fraction:
        """The exact period."""
        return self.domain.period_ps

    def _lead_edge(self) -> None:
        self._trail.notify(self._first_level_time)
        self._new = self.posedge_first
        self.request_update()

    def _trail_edge(self) -> None:
        cycle = self._cycle = self._cycle + 1
        self._lead.notify(self.domain.edge(cycle) - self.domain.edge(cycle - 1) - self._first_level_time)
        self._new = not self.posedge_first
        self.request_update()
