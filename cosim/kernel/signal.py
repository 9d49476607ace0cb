"""Signals: what is written in one delta cycle is read in the next."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .channel import PrimitiveChannel
from .errors import MultipleDriverError
from .event import _DELTA as DELTA_PENDING
from .event import Event
from .hierarchy import Node

if TYPE_CHECKING:
    from .port import Port

T = TypeVar("T")


class WriterPolicy(enum.Enum):
    """Who may write a signal. Writes from outside of all processes are not checked."""

    ONE = "one"
    """One process, ever."""
    MANY = "many"
    """Any process, but only one in each delta cycle."""
    UNCHECKED = "unchecked"


class Signal(PrimitiveChannel, Generic[T]):
    """A value with an update phase; the last write of a delta cycle counts, equal values are no change.

    Values are compared with == and must not be changed in place. MultipleDriverError for a writer that
    `writer_policy` does not allow.
    """

    kind = "signal"
    __slots__ = (
        "_changed_at", "_changed_event", "_checked", "_edges", "_lone_event", "_negedge_event", "_new",
        "_posedge_event", "_value", "_writer", "simulator",
    )  # fmt: skip

    def __init__(
        self, parent: Node, name: str | None, initial: T, *, writer_policy: WriterPolicy = WriterPolicy.ONE
    ) -> None:
        super().__init__(parent, name)
        self._value: T = initial
        self._new: T = initial
        self._policy = writer_policy
        self._checked = writer_policy is not WriterPolicy.UNCHECKED
        self._writer: Any = None  # the only one, which need not be checked again
        self._last_writer: Any = None
        self._written_at = -1
        self._changed_at = -1
        self._out_port: Any = None
        self._changed_event: Event | None = None
        self._edges = False  # whether an edge has an event
        self._lone_event: Event | None = None  # that of a change, while no edge has one
        self._posedge_event: Event | None = None
        self._negedge_event: Event | None = None

    # ---- value --------------------------------------------------------------------------------------------

    def read(self) -> T:
        """The value of the last update phase."""
        return self._value

    @property
    def value(self) -> T:
        """The value of the last update phase."""
        return self._value

    def write(self, value: T) -> None:
        """Have `value` from the next update phase on."""
        simulator = self.simulator
        writer = simulator._current or simulator._active_proc
        if writer is not self._writer and self._checked:
            self._check_writer(writer)
        self._new = value
        if value != self._value:
            simulator._updates[self] = None

    def _check_writer(self, writer: Any) -> None:
        if writer is None:
            return
        many = self._policy is WriterPolicy.MANY
        stamp = self.simulator._stamp
        other = self._last_writer
        if other is writer or other is None:
            pass
        elif not many or self._written_at == stamp:
            raise MultipleDriverError(
                f"signal {self.full_name}: written by {getattr(other, 'full_name', other)} and "
                f"{getattr(writer, 'full_name', writer)}"
                + (" in one delta cycle" if self._policy is WriterPolicy.MANY else "")
            )
        self._last_writer = writer
        self._written_at = stamp
        if not many:
            self._writer = writer

    def update(self) -> None:
        """Take the new value over; tell who waits for a change."""
        new = self._new
        if new == self._value:
            return
        self._value = new
        simulator = self.simulator
        self._changed_at = simulator._stamp
        event = self._changed_event
        # NOTE: Event.notify(0) inlined; a signal's own event has no other pending notification.
        if event is not None:
            event._pending = DELTA_PENDING
            simulator._deltas[event] = None
        if self._edges:
            if self._posedge_event is not None and is_high(new):
                self._posedge_event.notify(0)
            if self._negedge_event is not None and is_low(new):
                self._negedge_event.notify(0)

    def _change(self) -> None:
        """`update`, and the notification that follows, of a signal that has the delta cycle for itself.

        NOTE: saves queueing the event: 4 % of a delta cycle of one signal and one method.
        """
        event = self._lone_event
        if event is None:
            self.update()
        elif self._new != self._value:
            self._value = self._new
            self._changed_at = self.simulator._stamp
            event._fire()

    # ---- events -------------------------------------------------------------------------------------------

    @property
    def value_changed_event(self) -> Event:
        """Happens in the delta cycle after a change."""
        if self._changed_event is None:
            self._changed_event = Event.hidden(self, "value_changed_event")
            self._lone_event = None if self._edges else self._changed_event
        return self._changed_event

    default_event = value_changed_event

    @property
    def posedge_event(self) -> Event:
        """Happens in the delta cycle after a change to True or 1."""
        if self._posedge_event is None:
            self._edges = True
            self._lone_event = None
            self._posedge_event = Event.hidden(self, "posedge_event")
        return self._posedge_event

    @property
    def negedge_event(self) -> Event:
        """Happens in the delta cycle after a change to False or 0."""
        if self._negedge_event is None:
            self._edges = True
            self._lone_event = None
            self._negedge_event = Event.hidden(self, "negedge_event")
        return self._negedge_event

    def event(self) -> bool:
        """Whether the value changed in the update phase just before this evaluation phase."""
        return self._changed_at == self.simulator._stamp

    def posedge(self) -> bool:
        """Whether it changed to True or 1 then."""
        return self.event() and is_high(self._value)

    def negedge(self) -> bool:
        """Whether it changed to False or 0 then."""
        return self.event() and is_low(self._value)

    # ---- binding ------------------------------------------------------------------------------------------

    def register_port(self, port: Port[Any]) -> None:
        """MultipleDriverError for a second output port, where only one writer is allowed."""
        if port.writes and self._policy is WriterPolicy.ONE:
            if self._out_port is not None and self._out_port is not port:
                raise MultipleDriverError(
                    f"signal {self.full_name}: bound to the output ports {self._out_port.full_name} "
                    f"and {port.full_name}"
                )
            self._out_port = port


class Buffer(Signal[T]):
    """A signal for which every write is a change, also one of the value that it has."""

    kind = "buffer"

    def write(self, value: T) -> None:
        """Have `value` from the next update phase on, and `value_changed_event` with it."""
        super().write(value)
        self.request_update()

    def update(self) -> None:
        """Take the new value over; tell who waits."""
        if self._new == self._value:
            self._changed_at = self.simulator._stamp
            if self._changed_event is not None:
                self._changed_event.notify(0)
            for event, is_level in ((self._posedge_event, is_high), (self._negedge_event, is_low)):
                if event is not None and is_level(self._new):
                    event.notify(0)
        super().update()


def is_high(value: Any) -> bool:
    """Whether a value is a logic one."""
    return value is True or (value == 1 and not isinstance(value, str)) or str(value) == "1"


def is_low(value: Any) -> bool:
    """Whether a value is a logic zero."""
    return value is False or (value == 0 and not isinstance(value, str)) or str(value) == "0"
