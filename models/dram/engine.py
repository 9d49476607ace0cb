"""A DRAM channel as an engine of the simulator: picoseconds outside, clocks of the channel inside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from cosim import NEVER, ClockDomain

from .controller import Controller

__all__ = ["DramEngine"]


class DramEngine:
    """A `Controller` behind the Engine protocol (docs/architecture.md, "Engines").

    A request submitted at t arrives at the last edge of `clock` that is not after t, and acts from the next edge on.
    The controller takes one request per clock; what it does not take yet waits here, in order, and is offered at every
    clock. `on_done(tag, time_ps)` is called in `deliver`. When all is done, what the controller still does (buffered
    writes, refreshes) nobody sees: it is caught up with at the next request.
    """

    def __init__(
        self, name: str, controller: Controller, clock: ClockDomain, on_done: Callable[[int, int], None]
    ) -> None:
        self.name = name
        self.controller = controller
        self.clock = clock
        self.on_done = on_done
        self._waiting: deque[tuple[int, int, int, bool]] = deque()  # arrival clk, tag, address, is_write
        self._offer = 0  # the clock at which the first of them is offered next
        self._under_way = 0  # submitted and not yet done
        self._done: list[tuple[int, int]] = []
        self._not_before_ps = 0  # without latency, an edge at which a request is done may be past when it is submitted

    @property
    def waiting(self) -> int:
        """Requests that the controller has not taken yet."""
        return len(self._waiting)

    def submit(self, now_ps: int, tag: int, address: int, is_write: bool) -> None:
        """A request at `now_ps`. Raises ValueError for an address outside the channel."""
        limit = self.controller.preset.geometry.channel_bytes
        if not 0 <= address < limit:
            raise ValueError(f"{self.name}: address {address:#x}: expected 0 <= address < {limit:#x}")
        clk = self.clock.cycle_at_or_before(now_ps)
        if self._under_way == 0:
            self.controller.advance(clk)
        self._under_way += 1
        self._not_before_ps = now_ps
        self._waiting.append((clk, tag, address, is_write))
        if len(self._waiting) == 1:
            self._offer = max(self._offer, clk)
        self._feed(clk)

    def _feed(self, until: int) -> None:
        """Offer what can be offered at clocks <= until, all events before them being processed."""
        while self._waiting and self._offer <= until:
            _, tag, address, is_write = self._waiting[0]
            if self.controller.submit(self._offer, tag, address, is_write):
                self._waiting.popleft()
                if not self.controller.scheduler.ideal:
                    self._offer += 1
                if self._waiting:
                    self._offer = max(self._offer, self._waiting[0][0])
            elif self.controller.scheduler.ideal:
                return  # until it has told what is done
            else:
                # Only an event makes a place.
                self._offer = max(self.controller.next(), self._offer + 1)

    def next(self) -> int:
        """See `cosim.Engine`: in ps."""
        if self._under_way == 0:
            return NEVER
        clk = self.controller.next()
        if self._waiting:
            clk = min(clk, self._offer)
        return NEVER if clk == NEVER else max(self.clock.edge(clk), self._not_before_ps)

    def advance(self, limit: int) -> int:
        """See `cosim.Engine`: in ps."""
        if self._done:
            return self._done[0][1]
        # The end of time: as far as there are events.
        until = NEVER if limit == NEVER else self.clock.cycle_at_or_before(limit)
        while not self._done:
            clk = min(self.controller.next(), self._offer if self._waiting else NEVER)
            if clk > until or clk == NEVER:
                if until != NEVER:
                    self.controller.advance(until)
                return NEVER
            if self._waiting:
                # Step by step: a place may become free at each event.
                done = self.controller.advance(clk, stop=True).done
                if not done:
                    self._feed(clk)
            else:
                done = self.controller.advance(min(until, _FAR), stop=True).done
            self._done = [(tag, max(self.clock.edge(at), self._not_before_ps)) for tag, at in done]
            self._under_way -= len(done)
        return self._done[0][1]

    def deliver(self) -> None:
        """See `cosim.Engine`."""
        done, self._done = self._done, []
        for tag, time_ps in done:
            self.on_done(tag, time_ps)


_FAR = 1 << 59  # the controller's clocks end at 2**60
