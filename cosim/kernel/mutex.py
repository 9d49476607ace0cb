"""Mutex and semaphore."""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine
from typing import Any

from .event import Event
from .hierarchy import NamedObject, Node


class Mutex(NamedObject):
    """A lock owned by a process. `yield from mutex.lock()` in a thread, `await mutex.lock()` in an async one.

    As in SystemC, an unlock wakes all waiters in the same evaluation phase and the first to run gets it: waiters are
    not served first come first served. Whoever needs that uses `simpy.Resource`.
    """

    kind = "mutex"

    def __init__(self, parent: Node, name: str | None = None) -> None:
        super().__init__(parent, name)
        self.owner: Any = None
        self._free = Event.hidden(self, "free_event")

    @coroutine
    def lock(self) -> Generator[Any, Any, None]:
        """Take the lock, waiting for it."""
        while self.owner is not None:
            yield self._free
        self.owner = self.simulator.current_process

    def trylock(self) -> bool:
        """Take the lock if it is free; whether it was."""
        if self.owner is not None:
            return False
        self.owner = self.simulator.current_process
        return True

    def unlock(self) -> bool:
        """Give the lock back; False if the calling process does not own it."""
        if self.owner is None or self.owner is not self.simulator.current_process:
            return False
        self.owner = None
        self._free.notify()
        return True


class Semaphore(NamedObject):
    """A count that `wait` takes one from and `post` gives one back to."""

    kind = "semaphore"

    def __init__(self, parent: Node, name: str | None, value: int) -> None:
        if value < 0:
            raise ValueError(f"semaphore {name}: requires an initial value >= 0, got {value}")
        super().__init__(parent, name)
        self.value = value
        self._free = Event.hidden(self, "free_event")

    @coroutine
    def wait(self) -> Generator[Any, Any, None]:
        """Take one, waiting for it."""
        while self.value <= 0:
            yield self._free
        self.value -= 1

    def trywait(self) -> bool:
        """Take one if there is one; whether there was."""
        if self.value <= 0:
            return False
        self.value -= 1
        return True

    def post(self) -> None:
        """Give one back."""
        self.value += 1
        self._free.notify()
