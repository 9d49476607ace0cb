"""An event that remembers every notification."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from .event import Event
from .hierarchy import NamedObject, Node
from .method import Method
from .time import whole


class EventQueue(NamedObject):
    """`default_event` happens once for every `notify(delay)`; those due at one instant in successive delta cycles."""

    kind = "event_queue"

    def __init__(self, parent: Node, name: str | None = None) -> None:
        super().__init__(parent, name)
        self.default_event = Event.hidden(self, "default_event")
        self._times: list[Any] = []
        Method(self, self._fired, "fire_event", sensitive=(self.default_event,), dont_initialize=True)

    def notify(self, delay: int = 0) -> None:
        """One more notification, in the next delta cycle for 0, else after `delay`."""
        delay = whole(delay, "delay")
        if delay < 0:
            raise ValueError(f"event queue {self.full_name}: Negative delay {delay}")
        heappush(self._times, self.simulator._now + delay)
        self.default_event.notify(delay)

    def cancel_all(self) -> None:
        """Drop all notifications."""
        self._times.clear()
        self.default_event.cancel()

    def _fired(self) -> None:
        # Beside those who wait for the event: the next notification comes after their delta cycle.
        if not self._times:
            return  # somebody else notified the event
        heappop(self._times)
        if self._times:
            self.default_event.notify(self._times[0] - self.simulator._now)
