"""Tasks, their dependencies, and the program order of their units."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


class Kind(enum.StrEnum):
    """What a task does. MOVE is memory to memory over the network, SYNC the controller setting up an operation."""

    LOAD = "load"
    COMPUTE = "compute"
    MOVE = "move"
    REDUCE = "reduce"
    NORM = "norm"
    VECTOR = "vector"
    UPDATE = "update"
    PRUNE = "prune"
    STORE = "store"
    SYNC = "sync"


@dataclass(slots=True, eq=False)
class Task:
    """One piece of work of one unit.

    `work` is what the unit understands; `owner` is the unit object, once the task is assigned. The rest is filled in
    as the task runs: `start_ps` and `end_ps`; `spent_ps`, what the time between them went to, by resource, summing to
    it exactly; `cause`, the task whose end let this one start (None: it could start when the graph was released).
    """

    index: int
    kind: Kind
    unit: str
    label: str
    deps: tuple[Task, ...]
    work: Any
    owner: Any = None
    unmet: int = 0
    successors: list[Task] = field(default_factory=list)
    start_ps: int = -1
    end_ps: int = -1
    spent_ps: dict[str, int] = field(default_factory=dict)
    cause: Task | None = None

    def __repr__(self) -> str:
        return f"Task({self.index}, {self.kind}, {self.unit}, {self.label!r})"


class TaskGraph:
    """Tasks in one global order in which every task comes after its dependencies.

    Each unit's program is the subsequence of its tasks. Because program order and dependencies agree with one global
    order, a graph cannot deadlock.
    """

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self._programs: dict[str, list[Task]] = {}

    def add(self, kind: Kind, unit: str, label: str, work: Any, deps: Iterable[Task | None] = ()) -> Task:
        """Append a task; None among `deps` is left out, a repeated dependency counts once.

        Raises ValueError if a dependency is not a task of this graph.
        """
        tasks = self.tasks
        unique = dict.fromkeys(deps)
        unique.pop(None, None)
        for dep in unique:
            if dep is None or dep.index >= len(tasks) or tasks[dep.index] is not dep:
                raise ValueError(f"{label}: depends on {dep!r}, which is not in this graph")
        task = Task(len(tasks), kind, unit, label, tuple(unique), work)  # type: ignore[arg-type]  # None is left out
        tasks.append(task)
        program = self._programs.get(unit)
        if program is None:
            self._programs[unit] = [task]
        else:
            program.append(task)
        return task

    @property
    def units(self) -> list[str]:
        """Names of the units that have work, in order of their first task."""
        return list(self._programs)

    def program(self, unit: str) -> list[Task]:
        """The unit's tasks in program order."""
        return self._programs.get(unit, [])

    def link(self) -> None:
        """Fill in `unmet` and `successors`, once, before the graph runs."""
        for task in self.tasks:
            task.unmet = len(task.deps)
            for dep in task.deps:
                dep.successors.append(task)

    def unlink(self) -> None:
        """Forget what depends on what, once the graph has run: tasks that are kept then keep no others alive, and the
        rest is freed at once, without the cycle collector."""
        for task in self.tasks:
            task.deps = ()
            task.successors = []
            task.cause = None

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)
