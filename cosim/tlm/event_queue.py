"""Payload event queues: transactions that are due later."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from ..kernel.event import Event
from ..kernel.hierarchy import NamedObject, Node
from ..kernel.method import Method
from ..kernel.time import whole
from .payload import GenericPayload
from .phase import Phase


class PeqWithGet(NamedObject):
    """A queue that its owner empties: `event` happens when a transaction is due, `get()` takes it out."""

    kind = "peq_with_get"

    def __init__(self, parent: Node, name: str | None = None) -> None:
        super().__init__(parent, name)
        self.event = Event.hidden(self, "event")
        self._queue: list[tuple[int, int, GenericPayload]] = []
        self._order = 0

    def notify(self, payload: GenericPayload, delay: int | None = None) -> None:
        """Make `payload` due after `delay`; without one at once."""
        self._order += 1
        time = self.simulator._now + (whole(delay, "delay") if delay is not None else 0)
        heappush(self._queue, (time, self._order, payload))
        self.event.notify(delay)

    def get(self) -> GenericPayload | None:
        """The next transaction that is due, or None; then `event` is notified for the next one that will be."""
        if not self._queue:
            return None
        time = self._queue[0][0]
        if time <= self.simulator._now:
            return heappop(self._queue)[2]
        self.event.notify(time - self.simulator._now)
        return None

    def cancel_all(self) -> None:
        """Drop all transactions."""
        self._queue.clear()
        self.event.cancel()


class PeqWithCallback(NamedObject):
    """A queue that calls `callback(payload, phase)` when a transaction is due, from a method of its own."""

    kind = "peq_with_cb"

    def __init__(
        self, parent: Node, callback: Callable[[GenericPayload, Phase], None], name: str | None = None
    ) -> None:
        super().__init__(parent, name)
        self.callback = callback
        self._queue: list[tuple[int, int, GenericPayload, Phase]] = []
        self._delta: list[tuple[int, GenericPayload, Phase]] = []
        self._at_once: list[tuple[GenericPayload, Phase]] = []
        self._order = 0
        self._event = Event.hidden(self, "event")
        Method(self, self._fire, "fire", sensitive=(self._event,), dont_initialize=True)

    def notify(self, payload: GenericPayload, phase: Phase, delay: int | None = None) -> None:
        """Make `payload` due after `delay`, for 0 in the next delta cycle; without one in this evaluation phase."""
        if delay is None:
            self._at_once.append((payload, phase))
            self._event.notify()
            return
        delay = whole(delay, "delay")
        if delay == 0:
            self._delta.append((self.simulator._stamp, payload, phase))
        else:
            self._order += 1
            heappush(self._queue, (self.simulator._now + delay, self._order, payload, phase))
        self._event.notify(delay)

    def cancel_all(self) -> None:
        """Drop all transactions."""
        self._queue.clear()
        self._delta.clear()
        self._at_once.clear()
        self._event.cancel()

    def _fire(self) -> None:
        at_once, self._at_once = self._at_once, []
        for payload, phase in at_once:
            self.callback(payload, phase)
        # What is posted for the next delta cycle in this one waits until then.
        stamp = self.simulator._stamp
        due = [entry for entry in self._delta if entry[0] < stamp]
        self._delta = [entry for entry in self._delta if entry[0] >= stamp]
        for _, payload, phase in due:
            self.callback(payload, phase)
        queue = self._queue
        now = self.simulator._now
        while queue and queue[0][0] <= now:
            _, _, payload, phase = heappop(queue)
            self.callback(payload, phase)
        if self._delta:
            self._event.notify(0)
        elif queue:
            self._event.notify(queue[0][0] - now)
