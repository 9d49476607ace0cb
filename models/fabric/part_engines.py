"""The parts of an unfused fabric as engines of the simulator, and what is under way between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cosim.kernel import NEVER, ClockDomain

from .descriptor import Descriptor, Direction
from .parts import Done

if TYPE_CHECKING:
    from .unfused import UnfusedFabric


STAGES = {
    Direction.READ: ("noc out", "dram", "noc back", "sram write"),
    Direction.WRITE: ("sram read", "noc out", "dram", "noc back"),
    Direction.MOVE: ("sram read", "noc out", "sram write"),
}


@dataclass(eq=False, slots=True)
class DescriptorUnderWay:
    """A descriptor and where its next request begins."""

    what: Descriptor
    endpoint: int
    base_ps: int
    done: Done
    word: int
    far_word: int
    row: int = 0
    offset: int = 0
    in_flight: int = 0


@dataclass(eq=False, slots=True)
class Request:
    """One request of a DMA channel, or one direct access, on its way."""

    tag: int
    stages: tuple[str, ...]
    base_ps: int
    mark_ps: int  # up to here the time is in `spent_ps`
    is_write: bool
    address: int = 0
    memory: int = 0
    client: int = 0
    sram: int = 0
    word: int = 0
    words: int = 0
    bytes: int = 0
    port_node: int = 0
    far_word: int = 0
    offered: int = 0  # bytes before the next burst
    bursts: int = 0  # not yet done
    descriptor: DescriptorUnderWay | None = None
    done: Done | None = None
    stage: int = 0
    spent_ps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("dram", "noc", "sram", "dma"), 0))


class PartEngine:
    """One part as an engine of the simulator. It stops where the fabric has something to do, and tells it."""

    def __init__(self, fabric: UnfusedFabric, model: Any, clock: ClockDomain) -> None:
        self._fabric = fabric
        self.model = model
        self.clock = clock
        self.done: list[int] = []

    def next(self) -> int:
        if not self._fabric.is_busy:
            return NEVER
        clk = self.model.next()
        # A model may still have to take in, at an edge that has just passed, what arrived since.
        return NEVER if clk == NEVER else max(self.clock.edge(clk), self._fabric.sim.now_ps)

    def advance(self, limit: int) -> int:
        while True:
            time = self.next()
            if time > limit or time == NEVER:
                return NEVER
            self.done = self.model.process(self.clock.cycle_at_or_before(time))
            if self.done or self.wants_to_stop():
                return time

    def catch_up(self, now_ps: int) -> None:
        """With what nobody saw since all was done: credits on their way, buffered writes."""
        clk = self.clock.cycle_at_or_before(now_ps)
        if self.model.next() <= clk:
            self.model.process(clk)

    def wants_to_stop(self) -> bool:
        """Whether the fabric looks at the part though nothing is done."""
        return False

    def deliver(self) -> None:
        self._fabric.moved = True


class MemoryEngine(PartEngine):
    """A DRAM channel with the line of requests that wait for it."""

    def __init__(self, fabric: UnfusedFabric, model: Any, clock: ClockDomain) -> None:
        super().__init__(fabric, model, clock)
        self._burst_bytes = fabric.config.burst_bytes
        self.waiting: deque[Request] = deque()
        self.accepted_clk = -1
        self.offered_ps = -1

    def next(self) -> int:
        time = super().next()
        if self.waiting:
            offer = self.clock.edge(self.accepted_clk + 1)
            if offer > self.offered_ps:
                time = min(time, offer)
        return time

    def wants_to_stop(self) -> bool:
        return bool(self.waiting)

    def offer(self, now_ps: int, address: Callable[[Request], int]) -> None:
        """Offer the first in line at the present clock, if none was accepted at it."""
        self.offered_ps = now_ps
        clk = self.clock.cycle_at_or_before(now_ps)
        if not self.waiting or clk <= self.accepted_clk:
            return
        first = self.waiting[0]
        if self.model.submit(clk, first.tag, address(first), first.is_write):
            self.accepted_clk = clk
            first.offered += self._burst_bytes - (first.address + first.offered) % self._burst_bytes
            if first.offered >= first.bytes:
                self.waiting.popleft()
