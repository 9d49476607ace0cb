"""Banked memories as an engine of the simulator: picoseconds outside, clocks of their own domain inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cosim import NEVER, ClockDomain

from .memory import MemoryConfig
from .state import MemoryState

__all__ = ["SramEngine"]


class SramEngine:
    """Memories of csrc/sram*.c as an Engine (docs/architecture.md, "Engines").

    A job submitted at t is first granted at the first edge of `clock` after t; an ideal one is done at t and reported
    by `submit`. `on_done` gets the tag, in `deliver`, at the edge of the job's last grant; jobs of one edge come by
    (memory, client, submission).
    """

    def __init__(
        self,
        name: str,
        memories: Sequence[MemoryConfig],
        clients: int,
        clock: ClockDomain,
        on_done: Callable[[int], None],
        *,
        max_jobs: int = 1024,
        ideal: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.banks = MemoryState(memories, clients, max_jobs, ideal=ideal)
        self.max_jobs = max_jobs
        self.on_done = on_done
        self._under_way = 0
        self._done: list[int] = []

    @property
    def under_way(self) -> int:
        """Jobs submitted and not yet done, at most `max_jobs`."""
        return self._under_way

    def submit(self, now_ps: int, tag: int, memory: int, client: int, first_word: int, words: int) -> None:
        """A job first granted at the first edge after `now_ps`. Raises ValueError for arguments out of range,
        KernelError if `max_jobs` are under way."""
        clk = self.clock.cycle_at_or_before(now_ps)
        self.banks.submit(clk, tag, memory, client, first_word, words)
        self._under_way += 1
        if self.banks.ideal:
            self._done += self.banks.advance(clk)["tag"].tolist()
            self.deliver()

    def next(self) -> int:
        """See `cosim.Engine`: in ps."""
        clk = self.banks.next()
        return NEVER if clk == NEVER else self.clock.edge(clk)

    def advance(self, limit: int) -> int:
        """See `cosim.Engine`: in ps."""
        until = NEVER if limit == NEVER else self.clock.cycle_at_or_before(limit)
        records = self.banks.advance(until, stop=True)
        self._done += records["tag"].tolist()
        return self.clock.edge(int(records["clk"][0])) if records.size else NEVER

    def deliver(self) -> None:
        """See `cosim.Engine`."""
        done, self._done = self._done, []
        self._under_way -= len(done)
        for tag in done:
            self.on_done(tag)
