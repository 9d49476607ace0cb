"""A bounded queue between processes, with SystemC's rules: what is written can be read one delta cycle later."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from types import coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .channel import PrimitiveChannel
from .errors import FifoPortError
from .event import Event
from .hierarchy import Node

if TYPE_CHECKING:
    from .port import Port

T = TypeVar("T")


class Fifo(PrimitiveChannel, Generic[T]):
    """A first-in first-out channel of `capacity` items, one reader, one writer.

    `yield from fifo.write(item)` and `item = yield from fifo.read()` wait in a thread; an async one has `await` for
    `yield from`. `nb_write` and `nb_read` do not wait. A written item can be read, a freed place written, from the next
    delta cycle on.
    """

    kind = "fifo"
    __slots__ = ("_available", "_items", "_readable", "_room", "capacity", "simulator")

    def __init__(self, parent: Node, name: str | None = None, capacity: int = 16) -> None:
        if capacity < 1:
            raise ValueError(f"fifo {name}: must have a size of at least 1, got {capacity}")
        super().__init__(parent, name)
        self.capacity = capacity
        self._items: deque[T] = deque()
        # As of the last update phase, and what is left of it in this evaluation phase.
        self._readable = self._available = 0
        self._room = capacity
        self.data_written_event = Event.hidden(self, "data_written_event")
        self.data_read_event = Event.hidden(self, "data_read_event")
        self._reader: Any = None
        self._writer: Any = None

    def num_available(self) -> int:
        """How many items can be read now."""
        return self._available

    def num_free(self) -> int:
        """How many items can be written now."""
        return self._room

    def nb_write(self, item: T) -> bool:
        """Write if there is room; whether it was written."""
        if not self._room:
            return False
        self._room -= 1
        self._items.append(item)
        self.simulator._updates[self] = None
        return True

    def nb_read(self) -> tuple[bool, T | None]:
        """(True, item), or (False, None) when there is nothing to read."""
        if not self._available:
            return False, None
        self._available -= 1
        self.simulator._updates[self] = None
        return True, self._items.popleft()

    @coroutine
    def write(self, item: T) -> Generator[Any, Any, None]:
        """Write, waiting for room."""
        while not self.nb_write(item):
            yield self.data_read_event

    @coroutine
    def read(self) -> Generator[Any, Any, T]:
        """Read, waiting for an item."""
        while not self._available:
            yield self.data_written_event
        self._available -= 1
        self.simulator._updates[self] = None
        return self._items.popleft()

    def update(self) -> None:
        """Make what was written readable, and what was read free."""
        if self._available < self._readable:
            self.data_read_event.notify(0)
        if self._room < self.capacity - self._readable:
            self.data_written_event.notify(0)
        self._readable = self._available = len(self._items)
        self._room = self.capacity - self._readable

    def register_port(self, port: Port[Any]) -> None:
        """FifoPortError for a second port that writes, or a second one that only reads."""
        if port.writes:
            if self._writer not in (None, port):
                raise FifoPortError(f"fifo {self.full_name}: more than one writer, {self._writer} and {port}")
            self._writer = port
        else:
            if self._reader not in (None, port):
                raise FifoPortError(f"fifo {self.full_name}: more than one reader, {self._reader} and {port}")
            self._reader = port
