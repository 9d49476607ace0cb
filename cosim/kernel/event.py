"""SystemC's events: no value, no memory, at most one pending notification. Not SimPy's, which happen once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import simpy

from .hierarchy import Node
from .report import SELF_NOTIFICATION
from .time import whole

if TYPE_CHECKING:
    from .method import Method
    from .sc_process import ScProcess
    from .simulator import Simulator
    from .thread import Thread

_DELTA: Any = object()


class Event:
    """Something that happens now and then.

    `notify()` is immediate: whoever waits runs in this evaluation phase. `notify(0)` takes effect in the next delta
    cycle, `notify(n)` n time units later. At most one notification is pending: the earlier one wins, and an immediate
    one cancels it. An event that nobody waits for leaves no trace.

    Threads wait with `yield event`, `yield a | b`, `yield a & b`; or `await` instead of `yield`.
    """

    _runnable = False  # no process
    __slots__ = (
        "__weakref__", "_hooks", "_methods", "_more", "_pending", "_stamp", "_static_methods", "_static_threads",
        "_threads", "full_name", "name", "parent", "simulator",
    )  # fmt: skip

    def __init__(self, parent: Node, name: str | None = None) -> None:
        self._set_up(parent.simulator, parent._checked_name(name, "event"), parent)
        parent.child_events[self.name] = self

    @classmethod
    def hidden(cls, owner: Node, name: str) -> Event:
        """An event of a channel's or a process's own, which is not in the tree of names."""
        event = cls.__new__(cls)
        event._set_up(owner.simulator, name, owner)
        return event

    def _set_up(self, simulator: Simulator, name: str, parent: Node) -> None:
        self.simulator = simulator
        self.parent = parent
        self.name = name
        self.full_name = parent.path_of(name)
        self._static_methods: list[Method] = []
        self._static_threads: list[Thread] = []
        self._methods: list[Method] = []
        self._threads: list[Thread] = []
        self._hooks: list[Callable[[], None]] = []
        self._more = False  # whether anything but static methods waits
        self._pending: Any = None
        self._stamp = -1

    # ---- notification -------------------------------------------------------------------------------------

    def notify(self, delay: Any = None) -> None:
        """Immediately without a delay, in the next delta cycle for 0, else after `delay`."""
        if delay is None:
            self.cancel()
            self._check_self_notification()
            self._fire()
            return
        if type(delay) is not int:
            delay = whole(delay, "delay")
        simulator = self.simulator
        pending = self._pending
        if delay == 0:
            if pending is _DELTA:
                return
            if pending is not None:
                simulator._cancel_timed(pending, self)
            self._pending = _DELTA
            simulator._deltas[self] = None
            return
        if delay < 0:
            raise ValueError(f"event {self.full_name}: Negative delay {delay}")
        if pending is _DELTA:
            return
        time = simulator._now + delay
        if pending is not None:
            if pending <= time:
                return
            simulator._cancel_timed(pending, self)
        self._pending = time
        simulator._add_timed(time, self)

    def cancel(self) -> None:
        """Drop the pending notification, if there is one. What has been woken stays awake."""
        pending = self._pending
        if pending is None:
            return
        self._pending = None
        if pending is _DELTA:
            self.simulator._deltas.pop(self, None)
        else:
            self.simulator._cancel_timed(pending, self)

    def _check_self_notification(self) -> None:
        current = self.simulator._current
        if current is not None and (current in self._static_methods or current in self._static_threads):
            self.simulator.reports.report(
                SELF_NOTIFICATION,
                f"immediate notification of {self.full_name} by {current.full_name}, which is sensitive to it, "
                f"at t={self.simulator._now}: does not wake it",
            )

    def _fire(self) -> None:
        """Happen: make runnable whoever waits.

        The order is Accellera's: static methods (last registered first), waiting methods, static threads (last
        registered first), waiting threads; waiters in the order first, last, last but one, ..., second.
        """
        self._pending = None
        simulator = self.simulator
        self._stamp = simulator._stamp
        for method in self._static_methods:
            if method._static:
                # NOTE: Method._ready inlined: 10 % of a method's activation.
                if method._held:
                    method._ready()
                else:
                    method._static = False
                    method._runnable = True
                    simulator._methods.append(method)
        if self._more:
            self._fire_more()

    def _fire_more(self) -> None:
        self._more = bool(self._static_threads)
        if self._methods:
            self._fire_waiters(self._methods)
        if self._static_threads:
            for thread in self._static_threads:
                if thread._static:
                    thread._static_trigger()
        if self._threads:
            if len(self._threads) == 1:
                (thread,), self._threads = self._threads, []
                thread._dynamic(self)
            else:
                self._fire_waiters(self._threads)
        if self._hooks:
            hooks, self._hooks = self._hooks, []
            for hook in hooks:
                hook()

    def _fire_waiters(self, waiters: list[Any]) -> None:
        position = 0
        while position < len(waiters):
            process = waiters[position]
            if process._disabled:
                position += 1
                self._more = True
            else:
                swap_out(waiters, position)
                process._dynamic(self)

    @property
    def triggered(self) -> bool:
        """Whether it happened in, or led to, the current evaluation phase."""
        return self._stamp == self.simulator._stamp

    @property
    def pending(self) -> bool:
        """Whether a notification is pending."""
        return self._pending is not None

    # ---- waiting ------------------------------------------------------------------------------------------

    def __or__(self, other: Event | OrList) -> OrList:
        return OrList((self,)) | other

    def __and__(self, other: Event | AndList) -> AndList:
        return AndList((self,)) & other

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)

    def once(self) -> simpy.Event:
        """A SimPy event that succeeds when this one happens next, for SimPy processes to wait for."""
        event = simpy.Event(self.simulator)
        self._hook(event.succeed)  # type: ignore[arg-type]
        return event

    def _forget(self, once: simpy.Event) -> None:
        """Drop what `once` made, when nobody waits for it any more."""
        self._hooks = [hook for hook in self._hooks if getattr(hook, "__self__", None) is not once]

    def _hook(self, function: Callable[[], None]) -> None:
        """Call `function` when the event happens next."""
        self._more = True
        self._hooks.append(function)

    def _waiters(self, process: ScProcess) -> list[Any]:
        self._more = True
        return self._methods if process.is_method else self._threads

    def __repr__(self) -> str:
        return f"<Event {self.full_name}>"


class EventList:
    """Several events to wait for; the same event twice counts once."""

    __slots__ = ("events",)

    joint = " ? "

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(dict.fromkeys(events))

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)

    def __repr__(self) -> str:
        return self.joint.join(event.full_name for event in self.events)

    def once(self) -> simpy.Event:
        """A SimPy event that succeeds when the list happens next."""
        raise NotImplementedError

    def _forget(self, once: simpy.Event) -> None:
        for event, part in zip(self.events, once._events, strict=True):  # type: ignore[attr-defined]
            event._forget(part)


class OrList(EventList):
    """Happens when any of its events does."""

    __slots__ = ()
    joint = " | "

    def once(self) -> simpy.Event:
        """A SimPy event that succeeds when any of the events happens next."""
        return simpy.AnyOf(self.events[0].simulator, [event.once() for event in self.events])

    def __or__(self, other: Event | OrList) -> OrList:
        return OrList((*self.events, *_events_of(other, OrList)))


class AndList(EventList):
    """Happens when each of its events has happened at least once since the wait began."""

    __slots__ = ()
    joint = " & "

    def once(self) -> simpy.Event:
        """A SimPy event that succeeds when all of the events have happened."""
        return simpy.AllOf(self.events[0].simulator, [event.once() for event in self.events])

    def __and__(self, other: Event | AndList) -> AndList:
        return AndList((*self.events, *_events_of(other, AndList)))


def swap_out(waiters: list[Any], position: int) -> None:
    """Take one out and put the last in its place: the order that Accellera's vectors have then."""
    last = waiters.pop()
    if position < len(waiters):
        waiters[position] = last


def _events_of(other: object, kind: type[EventList]) -> tuple[Event, ...]:
    if isinstance(other, Event | kind):
        return (other,) if isinstance(other, Event) else other.events
    # As in SystemC: a wait for a mixture of both would need an order of evaluation.
    raise TypeError(f"cannot combine {other!r}: a list of events has only | or only &")


class Wait:
    """What a thread waits for, as one object: made by `wait`."""

    __slots__ = ("count", "delay", "events")

    def __init__(self, delay: int | None, events: Event | EventList | simpy.Event | None, count: int) -> None:
        self.delay = delay
        self.events = events
        self.count = count

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)

    def once(self, simulator: Simulator) -> simpy.Event:
        """For SimPy processes: a SimPy event whose value says whether the events came before the time-out."""
        events = self.events
        if events is None:
            if self.delay is None:
                raise TypeError("a SimPy process has no static sensitivity to wait for")
            return simulator.timeout(self.delay)
        happened = events if isinstance(events, simpy.Event) else events.once()
        if self.delay is None:
            return happened
        result = simpy.Event(simulator)

        def decide(first: simpy.Event) -> None:
            if not first._ok:
                first._defused = True
            if not result.triggered:
                if first._ok:
                    result.succeed(first is happened)
                else:
                    result.fail(first._value)
                if first is not happened and not isinstance(events, simpy.Event):
                    events._forget(happened)

        for part in (happened, simulator.timeout(self.delay)):
            if part.processed:
                decide(part)
            else:
                part.callbacks.append(decide)
        return result


def wait(*what: Any, count: int = 1) -> Wait:
    """Something to yield or await in a thread.

    `wait()` waits for the static sensitivity, `wait(count=n)` for n of its events; `wait(delay)`, `wait(events)` for a
    time or events; `wait(delay, events)` for events but no longer than `delay`: its value says whether they came.
    """
    delay: int | None = None
    events: Any = None
    for part in what:
        if isinstance(part, Event | EventList | simpy.Event):
            if events is not None:
                raise TypeError("wait: combine events with | or &")
            events = part
        elif delay is not None:
            raise TypeError("wait: more than one delay")
        else:
            delay = whole(part, "delay")
    if count < 1:
        raise ValueError(f"count: expected at least 1, got {count}")
    if count > 1 and what:
        raise TypeError("wait: a count goes with static sensitivity only")
    return Wait(delay, events, count)
