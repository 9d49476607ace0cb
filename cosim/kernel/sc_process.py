"""What SystemC's methods and threads have in common: when they run, and how they are controlled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import simpy

from .errors import BindingError
from .event import AndList, Event, EventList, OrList, Wait, swap_out
from .hierarchy import NamedObject, Node
from .time import whole

if TYPE_CHECKING:
    from .simulator import Simulator


class ScProcess(NamedObject):
    """A process of the evaluate phase: runnable, or waiting for its static sensitivity, events, a time.

    `sensitive` is what wakes it while it waits for nothing else: events, or anything with a `default_event`.
    With `dont_initialize` it does not run before that happens for the first time.
    """

    is_method: ClassVar[bool]
    server = True
    # NOTE: what every activation touches is in the object itself, not in its dictionary: 20 % among 1,000 threads.
    __slots__ = (
        "_disabled", "_events", "_held", "_missing", "_resets", "_runnable", "_simpy_event", "_simpy_result", "_static",
        "_suspended", "_timeout", "simulator", "terminated", "timed_out",
    )  # fmt: skip

    def __init__(self, parent: Node, name: str | None, sensitive: Iterable[Any], dont_initialize: bool) -> None:
        super().__init__(parent, name)
        simulator = parent.simulator
        self.sensitive = tuple(sensitive)
        self.dont_initialize = dont_initialize
        self.terminated = False
        self.terminated_event = Event.hidden(self, "terminated_event")
        self._reset_event: Event | None = None
        self.unwinding = False
        """Whether the process is being ended by a kill or reset: its clean-up runs."""
        self._resets: list[tuple[Any, bool]] = []  # (signal, active level)
        self._runnable: Any = False  # or True, or ASLEEP
        self._static = False
        self._suspended = False
        self._disabled = False
        self._held = False  # suspended or disabled
        self._missed = False
        # A dynamic wait: the events it still hangs on, and its time-out (a time, or the delta marker).
        self._events: tuple[Event, ...] = ()
        self._missing: set[Event] | None = None
        self._timeout: Any = None
        self._simpy_event: simpy.Event | None = None  # waited for
        self._simpy_result: simpy.Event | None = None  # happened, not yet handed to the process
        self.timed_out = False
        simulator._add_process(self)

    # ---- sensitivity --------------------------------------------------------------------------------------

    def _hook_static(self) -> None:
        """Register with the events of the static sensitivity; ports are bound by now."""
        for event in self._static_events():
            listeners: list[Any] = event._static_methods if self.is_method else event._static_threads
            event._more |= not self.is_method
            if self not in listeners:
                listeners.insert(0, self)  # the order of Event._fire

    def _unhook_static(self) -> None:
        for event in self._static_events():
            listeners: list[Any] = event._static_methods if self.is_method else event._static_threads
            if self in listeners:
                # Listed last first: see `swap_out`.
                listeners[listeners.index(self)] = listeners[0]
                del listeners[0]

    def _static_events(self) -> list[Event]:
        return [event for source in self.sensitive for event in events_of(source)]

    def _wait_for(self, what: Any) -> None:
        """Register a wait; `what` is a delay, an event, a list of events, a `Wait`, or None: static sensitivity."""
        simulator = self.simulator
        kind = type(what)
        if kind is int:
            if what > 0:
                self._timeout = time = simulator._now + what
                simulator._add_timed(time, self)
            elif what == 0:
                self._timeout = DELTA
                simulator._deltas[self] = None
            else:
                raise ValueError(f"process {self.full_name}: Negative delay {what}")
        elif kind is Event:
            self._events = (what,)
            what._waiters(self).append(self)
        elif what is None:
            self._static = True
        elif isinstance(what, EventList):
            self._events = what.events
            if not what.events:
                # Nothing but a resume ends it: the process has suspended itself.
                self._missed = self._suspended
                if not self._suspended:
                    self._ready()
            elif type(what) is AndList:
                self._missing = set(what.events)
            elif type(what) is not OrList:
                raise TypeError(f"process {self.full_name}: waits for {what!r}")
            for event in what.events:
                event._waiters(self).append(self)
        elif kind is Wait:
            self._wait_for_all_of_it(what)
        elif isinstance(what, simpy.Event):
            if what.processed:
                self._simpy_result = what
                self._plan()
                self._ready()
            else:
                self._simpy_event = what
                what.callbacks.append(self._simpy_fired)
        elif isinstance(what, tuple) and len(what) == 2:
            self._wait_for_all_of_it(Wait(whole(what[0], "delay"), what[1], 1))
        elif hasattr(what, "default_event"):
            self._wait_for(what.default_event)
        else:
            try:
                delay = whole(what, "delay")
            except TypeError:
                raise TypeError(f"process {self.full_name} at t={simulator._now}: cannot wait for {what!r}") from None
            self._wait_for(delay)

    def _wait_for_all_of_it(self, what: Wait) -> None:
        if what.delay is not None:
            self._wait_for(what.delay)
        if what.events is not None:
            self._wait_for(what.events)
        elif what.delay is None:
            self._static = True

    def _simpy_fired(self, event: simpy.Event) -> None:
        if self._simpy_event is event:
            if not event._ok:
                event._defused = True
            self._end_wait()
            self._simpy_result = event
            self.timed_out = False
            self._plan()
            self._ready()

    def _dynamic(self, event: Event) -> None:
        """An event of the dynamic wait happened; it has dropped this process from its list."""
        if self._disabled:
            event._waiters(self).append(self)
            return
        missing = self._missing
        if missing is not None:
            missing.discard(event)
            if missing:
                return
            self._missing = None
        self.timed_out = False
        if self._timeout is not None or len(self._events) > 1:
            self._end_wait(event)
        else:
            self._events = ()
        self._ready()

    def _fire(self) -> None:
        """The time-out of the dynamic wait has come."""
        if self._timeout is None:
            return  # an event of this instant came first
        self._timeout = None
        self.timed_out = True
        if self._events or self._simpy_event is not None:
            self._end_wait()
        self._ready()

    def _end_wait(self, happened: Event | None = None) -> None:
        """Take the process off everything it waits for."""
        for event in self._events:
            if event is not happened:
                waiters = event._waiters(self)
                if self in waiters:
                    swap_out(waiters, waiters.index(self))
        self._events = ()
        self._missing = None
        self._simpy_event = None
        timeout = self._timeout
        if timeout is not None:
            self._timeout = None
            if self._runnable is ASLEEP:
                self._runnable = False
            if timeout is DELTA:
                self.simulator._deltas.pop(self, None)
            else:
                self.simulator._cancel_timed(timeout, self)

    # ---- running ------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """What decides how `_run` runs the process has changed."""
        raise NotImplementedError

    def _unqueue(self) -> None:
        """Do not run in this evaluation phase."""
        if self._runnable:
            self._runnable = False
            simulator = self.simulator
            queue = simulator._methods if self.is_method else simulator._threads
            if self not in queue:
                return
            if simulator._current is None:
                # From outside of all processes: it must not count as one that ran.
                queue.remove(self)
            else:
                # A round counts on its places. If the process is made runnable again, its turn is at the end.
                queue[queue.index(self)] = _NOBODY

    def _ready(self) -> None:
        """Make the process runnable in this or the next evaluation phase."""
        raise NotImplementedError

    def _run(self) -> None:
        """Run the process; called by the evaluation phase."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Forget wait and runnability, before a kill or reset."""
        self._end_wait()
        self._simpy_result = None
        self._static = False
        self._missed = False

    def _terminate(self) -> None:
        self.terminated = True
        self._clear()
        self._unhook_static()
        self.simulator._drop_process(self)
        # While it has children it stays in the tree, for them to be found and controlled through it.
        node: Node = self
        while isinstance(node, ScProcess) and node.terminated and not node.children:
            if node.parent.children.get(node.name) is node:
                del node.parent.children[node.name]
            node = node.parent
        self.terminated_event.notify()

    # ---- control ------------------------------------------------------------------------------------------

    def _descendants(self) -> list[ScProcess]:
        return [child for child in self.children.values() if isinstance(child, ScProcess)]

    def _each(self, action: Callable[[ScProcess], None], descendants: bool) -> None:
        if descendants:
            for child in self._descendants():
                child._each(action, True)
        if not self.terminated:
            action(self)

    def _interrupt(self, action: Callable[[ScProcess], None], descendants: bool) -> None:
        """Do what runs other processes within the caller's activation; then it may be the caller's turn to be ended."""
        caller = self.simulator._current
        if caller is not None and caller.is_method:
            caller._static = caller._next is None  # the others may wake it
            try:
                self._each(action, descendants)
            finally:
                caller._static = False
        else:
            self._each(action, descendants)
        if caller is not None and caller._deferred is not None:
            error, caller._deferred = caller._deferred, None
            caller._raise_when_in_control(error)

    _next: Any = None  # of a method: what it has said will wake it
    _deferred: BaseException | None = None
    """What is to be raised in the process as soon as those return that it has killed, reset or thrown at."""

    def _raise_when_in_control(self, error: BaseException) -> None:
        raise NotImplementedError

    def suspend(self, *, descendants: bool = False) -> OrList:
        """Do not run until `resume`; what would have woken it meanwhile is remembered.

        A thread that suspends itself goes on to its next wait; `yield self_thread.suspend()` waits for the resume only.
        """

        def action(process: ScProcess) -> None:
            process._suspended = process._held = True
            process._plan()
            left = process._timeout - process.simulator._now if process._runnable is ASLEEP else 0
            if process.is_method and process.simulator._current is process:
                process._missed = True  # a resume runs it again at once
            elif left:
                # Its time is to find it suspended, not runnable.
                process._end_wait()
                process._wait_for(left)
            elif process._runnable:
                process._unqueue()
                process._timeout = None  # of a sleeper
                process._missed = True

        self._each(action, descendants)
        return OrList(())

    def resume(self, *, descendants: bool = False) -> None:
        """End a suspension; if something would have woken the process, it is runnable at once."""

        def action(process: ScProcess) -> None:
            process._suspended = False
            process._held = process._disabled
            process._plan()
            if process._missed:
                process._missed = False
                if not (process.is_method and process.simulator._current is process):
                    process._end_wait()  # of a method that suspended itself
                    process._ready()

        self._each(action, descendants)

    def disable(self, *, descendants: bool = False) -> None:
        """Ignore all events until `enable`. RuntimeError while the process waits for a time: it would wait for ever."""

        def action(process: ScProcess) -> None:
            if process._timeout is not None:
                raise RuntimeError(f"process {process.full_name} waits for a time and cannot be disabled")
            process._disabled = process._held = True
            process._plan()

        self._each(action, descendants)

    def enable(self, *, descendants: bool = False) -> None:
        """End a `disable`; events since then are lost."""

        def action(process: ScProcess) -> None:
            process._disabled = False
            process._held = process._suspended
            process._plan()

        self._each(action, descendants)

    def kill(self, *, descendants: bool = False) -> None:
        """End the process at once, in the caller's activation; a thread can clean up but not refuse.

        One that is on its way out already is left alone. One that waits for the caller, whom it has killed, reset or
        thrown at itself, ends when it is back in control; so it is with `reset` and `throw`.
        """
        self._interrupt(lambda process: process._kill(), descendants)

    def reset(self, *, descendants: bool = False) -> None:
        """Start the process anew, at once, in the caller's activation, which may be its own."""
        self._interrupt(lambda process: process._reset(), descendants)

    def reset_when(self, signal: Any, level: bool = True, *, asynchronous: bool = False) -> None:
        """Start anew whenever the process would run while `signal` has `level`; if `asynchronous`, also at once then.

        A method has no state to lose: it runs, and is back at its static sensitivity.
        """
        self._resets.append((signal, level))
        self._plan()
        if asynchronous:
            event = signal.posedge_event if level else signal.negedge_event

            def check() -> None:
                if not self.terminated:
                    event._hook(check)
                    self._reset_by_signal()

            event._hook(check)

    def sync_reset_on(self, *, descendants: bool = False) -> None:
        """Start anew whenever the process would run, until `sync_reset_off`."""

        def action(process: ScProcess) -> None:
            if _STICKY not in process._resets:
                process._resets.append(_STICKY)
                process._plan()

        self._each(action, descendants)

    def sync_reset_off(self, *, descendants: bool = False) -> None:
        """End `sync_reset_on`."""

        def action(process: ScProcess) -> None:
            if _STICKY in process._resets:
                process._resets.remove(_STICKY)
                process._plan()

        self._each(action, descendants)

    @property
    def reset_event(self) -> Event:
        """Happens at every reset of the process, by whatever way."""
        if self._reset_event is None:
            self._reset_event = Event.hidden(self, "reset_event")
        return self._reset_event

    def _tell_reset(self) -> None:
        if self._reset_event is not None:
            self._reset_event.notify()

    def _reset_active(self) -> bool:
        return any(bool(signal.read()) is level for signal, level in self._resets)

    def _reset_by_signal(self) -> None:
        """An asynchronous reset became active."""
        raise NotImplementedError

    def throw(self, error: BaseException, *, descendants: bool = False) -> None:
        """Raise `error` in a thread, at once, in the caller's activation. Methods ignore it."""
        self._interrupt(lambda process: process._throw(error), descendants)

    def _kill(self) -> None:
        raise NotImplementedError

    def _reset(self) -> None:
        raise NotImplementedError

    def _throw(self, error: BaseException) -> None:
        raise NotImplementedError

    def waits_for(self) -> str:
        """What the process waits for, in words."""
        if self.terminated:
            return "nothing: it has ended"
        parts = []
        if self._events:
            joint = " & " if self._missing is not None else " | "
            parts.append(joint.join(event.full_name for event in self._events))
        if self._simpy_event is not None:
            parts.append(type(self._simpy_event).__name__)
        if self._static:
            names = (event.full_name for event in self._static_events())
            parts.append(f"static sensitivity ({', '.join(names)})")
        if self._timeout is not None:
            parts.append("the next delta cycle" if self._timeout is DELTA else f"t={self._timeout}")
        return " or ".join(parts) or "nothing"

    if TYPE_CHECKING:
        simulator: Simulator


ASLEEP: Any = 2
"""What `_runnable` is of a thread that waits for a time and nothing else: it runs as soon as it is queued."""

DELTA: Any = object()
"""Marks a time-out of zero: the next delta cycle."""


class _Nobody:
    """Stands in a queue for a process that does not run after all."""

    _runnable = False
    full_name = "nobody"

    def _run(self) -> None:
        """Nothing."""


_NOBODY: Any = _Nobody()


class _Always:
    """Reads like a signal that is always high."""

    @staticmethod
    def read() -> bool:
        return True


_STICKY: tuple[Any, bool] = (_Always(), True)


def events_of(source: Any) -> list[Event]:
    """The events that a process sensitive to `source` waits for: of a port, one for each channel.

    BindingError if it has none.
    """
    if isinstance(source, Event):
        return [source]
    events = getattr(source, "default_events", None)
    if events is None:
        events = [getattr(source, "default_event", None)]
    if not all(isinstance(event, Event) for event in events):
        raise BindingError(f"cannot be sensitive to {source!r}: it is no event and has no default_event")
    return list(events)


class ProcessKilled(BaseException):
    """Raised in a thread that is killed; like GeneratorExit it is no Exception and must not be swallowed."""

    def __init__(self, process: ScProcess) -> None:
        super().__init__(process.full_name)
        self.process = process


class ProcessReset(ProcessKilled):
    """Raised in a thread that is reset, before it starts anew."""
