"""Units that work on local memories: cycles of their own, and accesses that meet others' at the banks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from cosim.kernel import ClockDomain, Module, Simulator

from ..tasks import Task, Unit
from .batch import Batch
from .fabric import Fabric
from .unfused import UnfusedFabric


class Access(NamedTuple):
    """Consecutive accesses of one client to one local memory."""

    memory: int
    client: int
    words: int
    is_write: bool = False


class LocalWork(NamedTuple):
    """`cycles` of the unit, and the accesses it makes meanwhile; `counts` are actions for the energy table."""

    cycles: int
    accesses: tuple[Access, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()


class WorkUnit(Unit):
    """A unit with local memories: its task ends when its cycles are over and its accesses are served.

    Accesses are posted at the start and served as fast as the ports allow, beside the cycles (assumption: operands are
    fetched ahead within a task); what they take longer than the cycles is a stall for "sram".
    """

    def __init__(
        self,
        parent: Simulator | Module,
        name: str,
        clock: ClockDomain,
        fabric: Fabric | UnfusedFabric,
        sram: int,
        reason: str,
    ) -> None:
        super().__init__(parent, name, clock)
        self._clock = clock
        self._fabric = fabric
        self._sram = sram
        self.reason = reason

    def execute(self, task: Task) -> Generator[Any, Any, None]:
        """Do a task of `LocalWork`."""
        work: LocalWork = task.work
        simulator = self.simulator
        start = simulator.now_ps
        end = edge = self._clock.after(start, work.cycles)
        pending = [access for access in work.accesses if access.words]
        if not pending:
            if end > start:
                yield simulator.timeout(end - start)
        else:
            served = simulator.event()
            # What is served while the cycles last is of no interest.
            batch = Batch(len(pending), served.succeed, end)
            for memory, client, words, is_write in pending:
                self._fabric.local_of(batch, self._sram, memory, client, words, is_write)
            if end > start:
                yield simulator.timeout(end - start)
            if batch.left or served.triggered:
                yield served
            now = simulator.now_ps
            edge = self._clock.align(now)
            if edge > now:
                yield simulator.timeout(edge - now)
        task.spent_ps = {self.reason: end - start}
        if edge > end:
            task.spent_ps["sram"] = edge - end

    def own_time(self, task: Task) -> dict[str, int]:
        """Its cycles are busy, waiting for the memories is a stall."""
        return {("busy" if reason == self.reason else reason): spent for reason, spent in task.spent_ps.items()}
