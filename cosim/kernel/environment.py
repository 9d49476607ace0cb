"""SimPy's environment over a bucket queue: one list of events for each distinct time, SimPy's order kept."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from types import MethodType
from typing import Any

import simpy
from simpy.core import Infinity, StopSimulation
from simpy.events import NORMAL, AllOf, AnyOf, Event, EventPriority, Initialize

from .process import Process, Timeout, copy_of_exception
from .sc_process import ASLEEP
from .time import whole

_FIRST = EventPriority(-1)
_COMPACT_FROM = 1024


class EndOfRun(Event):
    """The end of `run(until=time)`: nobody else knows it."""


class Entries(dict[Any, None]):
    """What fires at an instant: events and processes, each once, in order."""

    __slots__ = ()
    _runnable = False

    def _fire(self) -> None:
        for entry in self:
            entry._fire()


class Sleepers(Entries):
    """Entries that are all threads which wait for nothing but the time."""

    __slots__ = ()


class Environment(simpy.Environment):
    """The queue of a simulator: SimPy's events and the kernel's timed notifications, by time.

    Events of the current instant are in `_urgent`, `_normal` and, with other priorities, `_unusual`; later ones in
    dictionaries from time to entries, whose keys are in the heap `_times`, once for each dictionary. A time whose
    entries were all cancelled stays in the heap until it is passed or outnumbers the live ones.

    NOTE: a time's only event, or only timed entry, is in its dictionary without a list around it: 8 % of a wait.
    Threads that only sleep are in a `Sleepers`, which becomes runnable as a whole: 20 % of a wait among 1,000 threads.
    """

    # NOTE: in slots, as SimPy's attributes are not: 5 % of a time-out.
    __slots__ = (
        "_active_proc",
        "_buckets",
        "_later_unusual",
        "_normal",
        "_now",
        "_timed",
        "_times",
        "_unusual",
        "_urgent",
        "strict_time",
    )  # fmt: skip

    def __init__(self, initial_time: float, strict_time: bool, shuffle_seed: int | None) -> None:
        self.strict_time = strict_time
        self._now: Any = whole(initial_time, "initial_time") if strict_time else initial_time
        self._active_proc: simpy.Process | None = None
        self._urgent: deque[Event] = deque()
        self._normal: deque[Event] = deque()
        self._unusual: list[tuple[int, int, Event]] = []  # a heap of (priority, order, event)
        self._times: list[Any] = []
        self._buckets: dict[Any, Any] = {}
        self._later_unusual: dict[Any, list[tuple[int, int, Event]]] = {}
        self._timed: dict[Any, Any] = {}
        self._cancelled_times = 0
        self._order = 0
        self._shuffle: random.Random | None = None if shuffle_seed is None else random.Random(shuffle_seed)
        # NOTE: attributes of the instance, as SimPy binds them early: the look-up through the class costs 5 %.
        self.process = MethodType(Process, self)  # type: ignore[method-assign]
        self.timeout = MethodType(Timeout, self)  # type: ignore[method-assign]
        self.event = MethodType(Event, self)  # type: ignore[method-assign]
        self.all_of = MethodType(AllOf, self)  # type: ignore[method-assign]
        self.any_of = MethodType(AnyOf, self)  # type: ignore[method-assign]

    # ---- scheduling ---------------------------------------------------------------------------------------

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: Any = 0) -> None:
        """Queue `event` at `delay` from now. ValueError for a delay that is negative, or fractional in strict mode."""
        if type(delay) is not int and self.strict_time:
            delay = whole(delay, "delay")
        now = self._now
        time = now + delay
        if time == now:
            if priority == 1:
                self._normal.append(event)
            elif priority == 0:
                self._urgent.append(event)
            else:
                self._order += 1
                heappush(self._unusual, (priority, self._order, event))
            return
        if time < now:
            raise ValueError(f"cannot schedule {event} in the past: delay {delay}")
        if priority == 1:
            self._add_normal(time, event)
            return
        self._order += 1
        unusual = self._later_unusual.get(time)
        if unusual is None:
            heappush(self._times, time)
            unusual = self._later_unusual[time] = []
        unusual.append((priority, self._order, event))

    def _add_normal(self, time: Any, event: Event) -> None:
        buckets = self._buckets
        if time not in buckets:
            buckets[time] = event
            heappush(self._times, time)
        elif type(bucket := buckets[time]) is list:
            bucket.append(event)
        else:
            buckets[time] = [bucket, event]

    def _add_timed(self, time: Any, entry: Any) -> None:
        """Have `entry._fire()` called when time comes to `time`, before the callbacks of that instant."""
        timed = self._timed
        if time not in timed:
            timed[time] = entry
            heappush(self._times, time)
            return
        entries = timed[time]
        asleep = entry._runnable is ASLEEP
        if not isinstance(entries, Entries):
            asleep = asleep and entries._runnable is ASLEEP
            timed[time] = (Sleepers if asleep else Entries)({entries: None, entry: None})
        elif asleep or type(entries) is Entries:
            entries[entry] = None
        else:
            timed[time] = Entries({**entries, entry: None})

    def _cancel_timed(self, time: Any, entry: Any) -> None:
        entries = self._timed.get(time)
        if entries is None:
            return  # of this very instant, whose notifications are firing
        if isinstance(entries, Entries):
            del entries[entry]
        else:
            entries = None
        if not entries:
            del self._timed[time]
            self._cancelled_times += 1
            if self._cancelled_times > _COMPACT_FROM and 2 * self._cancelled_times > len(self._times):
                self._times[:] = {*self._buckets, *self._timed, *self._later_unusual}
                heapify(self._times)
                self._cancelled_times = 0

    def _next_time(self) -> Any:
        """The earliest later time at which something is queued, or None."""
        times = self._times
        while times:
            time = times[0]
            if time in self._buckets or time in self._timed or time in self._later_unusual:
                return time
            heappop(times)
        return None

    def peek(self) -> Any:
        """Time of the next event of the queue, or infinity; engines' events are not in the queue."""
        if self._normal or self._urgent or self._unusual:
            return self._now
        time = self._next_time()
        return Infinity if time is None else time

    # ---- one instant --------------------------------------------------------------------------------------

    def _enter(self, instant: Any) -> None:
        """Make `instant` the current time, its queued events the current ones, and fire its timed notifications."""
        self._now = instant
        times = self._times
        if not times or times[0] != instant:
            return
        # A time with entries of several kinds, or one that was cancelled and used again, is in the heap more than once.
        while times and times[0] == instant:
            heappop(times)
        bucket = self._buckets.pop(instant, ())
        self._normal.extend(bucket if type(bucket) in (list, tuple) else (bucket,))
        if self._later_unusual:
            for entry in self._later_unusual.pop(instant, ()):
                if entry[0] == 0:
                    self._urgent.append(entry[2])
                else:
                    heappush(self._unusual, entry)
        if self._timed:
            entries = self._timed.pop(instant, None)
            if entries is not None:
                entries._fire()

    def _next_callback(self) -> Event | None:
        """Take the next SimPy event of this instant."""
        unusual = self._unusual
        if unusual and unusual[0][0] < 0:
            return heappop(unusual)[2]
        if self._shuffle is not None:
            if self._urgent:
                return self._draw_urgent(self._shuffle)
            if self._normal:
                return self._draw(self._shuffle, self._normal)
        else:
            if self._urgent:
                return self._urgent.popleft()
            if self._normal:
                return self._normal.popleft()
        return heappop(unusual)[2] if unusual else None

    @staticmethod
    def _draw(generator: random.Random, events: deque[Event]) -> Event:
        index = generator.randrange(len(events))
        event = events[index]
        del events[index]
        return event

    def _draw_urgent(self, generator: random.Random) -> Event:
        # A process must have started before an interrupt reaches it, so starts come first among the urgent ones.
        events = self._urgent
        starts = [event for event in events if isinstance(event, Initialize)]
        if starts:
            event = generator.choice(starts)
            events.remove(event)
            return event
        return self._draw(generator, events)

    def _run_callbacks(self, event: Event) -> None:
        """Run the callbacks of one event."""
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        callback: Callable[[Event], None]
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:
            self._keep_rest(event, callbacks, callback)
            raise
        if not event._ok and not hasattr(event, "_defused"):
            raise copy_of_exception(event._value)

    def _keep_rest(self, event: Event, callbacks: list[Callable[[Event], None]], last: Callable[[Event], None]) -> None:
        # A run that ends at an event leaves the event's other callbacks to the next run, before all others.
        if type(event) is EndOfRun:
            return
        event.callbacks = callbacks[callbacks.index(last) + 1 :]
        self.schedule(event, _FIRST)
