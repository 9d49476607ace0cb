"""Units that work on local memories: cycles of their own, and accesses that meet others' at the banks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from cosim.kernel import ClockDomain, Module, Simulator

from ..tasks import Task, Unit
from .descriptor import Completion
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
        start = self.simulator.now_ps
        end = self._clock.after(start, work.cycles)
        pending = [access for access in work.accesses if access.words]
        served = self.simulator.event() if pending else None
        left = len(pending)

        def one_served(_: Completion) -> None:
            nonlocal left
            left -= 1
            if left == 0 and served is not None:
                served.succeed()

        for access in pending:
            self._fabric.local(
                self._sram, access.memory, access.client, access.words, is_write=access.is_write, done=one_served
            )
        if end > start:
            yield self.simulator.timeout(end - start)
        if served is not None:
            yield served
        edge = self._clock.align(self.simulator.now_ps)
        if edge > self.simulator.now_ps:
            yield self.simulator.timeout(edge - self.simulator.now_ps)
        task.spent_ps = {self.reason: end - start}
        if edge > end:
            task.spent_ps["sram"] = edge - end

    def own_time(self, task: Task) -> dict[str, int]:
        """Its cycles are busy, waiting for the memories is a stall."""
        return {("busy" if reason == self.reason else reason): spent for reason, spent in task.spent_ps.items()}
