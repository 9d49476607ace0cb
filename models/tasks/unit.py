"""Units: SimPy processes that execute tasks in program order and account for every picosecond."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any

from cosim.kernel import ClockDomain, Module, Simulator
from cosim.trace import Account

from .critical_path import enabling_task, time_by_reason
from .graph import Kind, Task


class Unit(Module):
    """Base of everything that executes tasks; a subclass defines `execute`.

    The unit takes its tasks strictly in the order in which they were assigned, waits for each one's dependencies,
    starts it at its next clock edge (at once, without a clock), and signals its end. Its `account` is busy, stalled
    for a named reason, or idle, and sums to the elapsed time.
    """

    def __init__(self, parent: Simulator | Module, name: str, clock: ClockDomain | None = None) -> None:
        super().__init__(parent, name)
        self.clock = clock
        self.account = Account(self.full_name, self.simulator.now_ps)
        self._program: deque[Task] = deque()
        self._wake: Any = None
        self._last: Task | None = None
        self.task_ended: Callable[[Task], None] | None = None
        self.process(self._run(), "program", server=True)

    def assign(self, tasks: Iterable[Task]) -> None:
        """Append tasks to the program; their graph must be linked."""
        for task in tasks:
            task.owner = self
            self._program.append(task)
        self._notify()

    @property
    def ended(self) -> tuple[int, int] | None:
        """Of the last task: when it ended, and its index in its graph; None before the first."""
        return None if self._last is None else (self._last.end_ps, self._last.index)

    @ended.setter
    def ended(self, last: tuple[int, int] | None) -> None:
        self._last = None if last is None else Task(last[1], Kind.SYNC, self.name, "before", (), None, end_ps=last[0])

    def execute(self, task: Task) -> Generator[Any, Any, None]:
        """Do the task's work, in simulated time, and fill in `task.spent_ps` by resource."""
        raise NotImplementedError

    def own_time(self, task: Task) -> dict[str, int]:
        """How the task's duration counts for this unit: "busy", or stalled for a reason."""
        return {"busy": task.end_ps - task.start_ps}

    def dependency_met(self, task: Task) -> None:
        """The task's last dependency ended; called by the unit that executed it."""
        if self._program and self._program[0] is task:
            self._notify()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.triggered:
            self._wake.succeed()

    def _pause(self) -> Any:
        self._wake = self.simulator.event()
        return self._wake

    def _run(self) -> Generator[Any, Any, None]:
        simulator, program, clock = self.simulator, self._program, self.clock
        while True:
            if not program:
                while not program:
                    yield self._pause()
                now = simulator.now_ps
                if now > self.account.until_ps:
                    self.account.charge(now, {"idle": now - self.account.until_ps})
            task = program[0]
            while task.unmet:
                yield self._pause()
            now = simulator.now_ps
            if clock is not None:
                edge = clock.align(now)
                if edge > now:
                    yield simulator.timeout(edge - now)
                    now = edge
            program.popleft()
            task.cause = enabling_task((*task.deps, self._last))
            task.start_ps = now
            yield from self.execute(task)
            self._finish(task, simulator.now_ps)

    def _finish(self, task: Task, now: int) -> None:
        task.end_ps = now
        if sum(task.spent_ps.values()) != now - task.start_ps:
            raise RuntimeError(f"{task!r}: {task.spent_ps} does not sum to {now - task.start_ps} ps")
        # The wait for the task and its own time in one go.
        parts = time_by_reason(task.cause, self.account.until_ps, task.start_ps)
        if now > task.start_ps:
            for reason, spent in self.own_time(task).items():
                parts[reason] = parts.get(reason, 0) + spent
        if parts:
            self.account.charge(now, parts)
        self._last = task
        for successor in task.successors:
            successor.unmet -= 1
            if successor.unmet == 0 and successor.owner is not None:
                successor.owner.dependency_met(successor)
        if self.task_ended is not None:
            self.task_ended(task)


class CycleUnit(Unit):
    """A unit whose tasks take a known number of its clock's cycles: `task.work.cycles`."""

    def __init__(self, parent: Simulator | Module, name: str, clock: ClockDomain, reason: str) -> None:
        super().__init__(parent, name, clock)
        self._clock = clock
        self.reason = reason

    def execute(self, task: Task) -> Generator[Any, Any, None]:
        """Take the task's cycles; waits for it are charged to this unit's `reason`."""
        start = self.simulator.now_ps
        end = self._clock.after(start, task.work.cycles)
        if end > start:
            yield self.simulator.timeout(end - start)
        task.spent_ps = {self.reason: end - start}
