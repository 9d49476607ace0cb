"""Waiting for processes to end: fork and join."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from types import coroutine
from typing import Any

from .event import Event
from .hierarchy import Node
from .sc_process import ScProcess
from .thread import Thread


class Join:
    """Some processes that others wait for: `yield from join.wait()`, or `await join.wait()`, until all have ended.

    A process ends by returning or by being killed. A `Join` over processes that have all ended does not wait.
    """

    def __init__(self, processes: Iterable[ScProcess] = ()) -> None:
        self._pending: set[ScProcess] = set()
        self._done: Event | None = None
        for process in processes:
            self.add(process)

    def add(self, process: ScProcess) -> None:
        """Wait for `process`, too."""
        if self._done is None:
            self._done = Event.hidden(process.simulator, "joined")
        if not process.terminated and process not in self._pending:
            self._pending.add(process)
            process.terminated_event._hook(lambda: self._ended(process))

    def _ended(self, process: ScProcess) -> None:
        self._pending.discard(process)
        if not self._pending and self._done is not None:
            self._done.notify()

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._pending)

    def __bool__(self) -> bool:
        return True

    @coroutine
    def wait(self) -> Generator[Any, Any, None]:
        """Wait until all have ended."""
        while self._pending:
            yield self._done


def fork(parent: Node, *functions: Callable[[], Any]) -> Join:
    """Start each function as a thread below `parent`; the threads run in this evaluation phase.

    `yield from fork(module, f, g).wait()` is SystemC's SC_FORK ... SC_JOIN. Threads are called like their functions,
    numbered where that name is taken.
    """
    join = Join()
    for function in functions:
        name = getattr(function, "__name__", "fork")
        if name == "<lambda>":
            name = "fork"
        if name in parent.children or name in parent.child_events:
            name = parent.unique_name(name)
        join.add(Thread(parent, function, name))
    return join
