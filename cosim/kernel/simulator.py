"""The simulator: SimPy's environment with integer time, delta cycles and engines. See docs/timing-model.md."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator, Iterable
from heapq import heapify, heappop, heappush
from itertools import repeat
from types import MethodType
from typing import TYPE_CHECKING, Any, Protocol

import simpy
from simpy.core import EmptySchedule, Infinity, StopSimulation
from simpy.events import NORMAL, URGENT, AllOf, AnyOf, Event, EventPriority, Initialize

from .engine import Attachment, Engine, EngineGroup
from .errors import DeadlockError, ZeroTimeLoopError
from .process import Process, Timeout, copy_of_exception, describe
from .time import NEVER, whole

if TYPE_CHECKING:
    from .module import Module

_FIRST = EventPriority(-1)


class Updatable(Protocol):
    """What can take part in an update phase."""

    def update(self) -> None:
        """Called once in the update phase that follows a `request_update`."""


class Simulator(simpy.Environment):
    """A `simpy.Environment` with delta cycles, engines and modules.

    * `strict_time`: time is an integer; a delay that is not a whole number is a ValueError. Without it time is what
      SimPy allows, and engines cannot be attached.
    * `shuffle_seed`: run the callbacks of one instant and priority in an order drawn from this seed, to find models
      that depend on that order. Without it the order is SimPy's: (time, priority, order of scheduling).
    * `max_zero_time_steps`, an attribute, bounds callbacks and delta cycles at one instant (ZeroTimeLoopError).

    The queue is a heap of distinct times and one list of events for each.
    """

    def __init__(self, initial_time: float = 0, *, strict_time: bool = True, shuffle_seed: int | None = None) -> None:
        self.strict_time = strict_time
        self.max_zero_time_steps = 10_000_000
        self._now: Any = whole(initial_time, "initial_time") if strict_time else initial_time
        self._active_proc: simpy.Process | None = None
        # Events of the current instant.
        self._urgent: deque[Event] = deque()
        self._normal: deque[Event] = deque()
        self._unusual: list[tuple[int, int, Event]] = []  # other priorities: a heap of (priority, order, event)
        # Events of later instants; every key of the two dictionaries is in the heap.
        self._times: list[Any] = []
        self._buckets: dict[Any, list[Event]] = {}
        self._later_unusual: dict[Any, list[tuple[int, int, Event]]] = {}
        self._order = 0
        self._updates: dict[Updatable, None] = {}
        self._delta_count = 0
        self._deltas_here = 0
        self._engines = EngineGroup()
        self._shuffle: random.Random | None = None if shuffle_seed is None else random.Random(shuffle_seed)
        self.children: dict[str, Module] = {}
        # NOTE: attributes of the instance, as SimPy binds them early: the look-up through the class costs 5 %.
        self.process = MethodType(Process, self)  # type: ignore[method-assign]
        self.timeout = MethodType(Timeout, self)  # type: ignore[method-assign]
        self.event = MethodType(Event, self)  # type: ignore[method-assign]
        self.all_of = MethodType(AllOf, self)  # type: ignore[method-assign]
        self.any_of = MethodType(AnyOf, self)  # type: ignore[method-assign]

    # ---- hierarchy ----------------------------------------------------------------------------------------

    @property
    def simulator(self) -> Simulator:
        """Itself: a module asks its parent, whichever it is."""
        return self

    @property
    def full_name(self) -> str:
        """The root has an empty name."""
        return ""

    def modules(self) -> Iterable[Module]:
        """All modules, each before its children, in order of creation."""
        for child in self.children.values():
            yield from child.walk()

    def blocked(self) -> list[tuple[str, str]]:
        """(full name, what it waits for) of every process of a module that has not ended and is no server."""
        return [
            (process.full_name, process.waits_for())
            for module in self.modules()
            for process in module.processes()
            if not process.server
        ]

    def check_drained(self) -> None:
        """Raise DeadlockError if a process that is no server still waits. For the end of a run."""
        blocked = self.blocked()
        if blocked:
            raise DeadlockError(self._now, tuple(blocked))

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
            bucket = self._buckets.get(time)
            if bucket is None:
                bucket = self._open_bucket(time)
            bucket.append(event)
            return
        self._order += 1
        unusual = self._later_unusual.get(time)
        if unusual is None:
            if time not in self._buckets:
                heappush(self._times, time)
            unusual = self._later_unusual[time] = []
        unusual.append((priority, self._order, event))

    def _open_bucket(self, time: Any) -> list[Event]:
        bucket: list[Event] = []
        self._buckets[time] = bucket
        if time not in self._later_unusual:
            heappush(self._times, time)
        return bucket

    def request_update(self, channel: Updatable) -> None:
        """Have `channel.update()` called once in the next update phase, however often it is requested."""
        self._updates[channel] = None

    def attach(self, engine: Engine, name: str | None = None, *, polled: bool = True) -> Attachment:
        """Make `engine` part of the simulator's time. Ties between engines are broken by `name` (default: its `name`).

        With `polled=False` the simulator does not ask for `engine.next()` at every instant: whoever submits to the
        engine calls the attachment's `wake()`.
        """
        if not self.strict_time:
            raise ValueError("engines need strict_time")
        if name is None:
            name = getattr(engine, "full_name", None) or getattr(engine, "name", None)
        if not isinstance(name, str):
            raise ValueError(f"{engine!r} has no name: give one, ties between engines are broken by it")
        return self._engines.add(engine, name, polled)

    @property
    def delta_count(self) -> int:
        """Number of finished evaluation phases that ran a process; it never restarts."""
        return self._delta_count

    def peek(self) -> Any:
        """Time of the next event of the queue, or infinity; engines' events are not in the queue."""
        if self._normal or self._urgent or self._unusual or self._updates:
            return self._now
        return self._times[0] if self._times else Infinity

    # ---- one instant --------------------------------------------------------------------------------------

    def _next_callback(self) -> Event | None:
        """Take the next SimPy event of this instant."""
        unusual = self._unusual
        if unusual and unusual[0][0] < 0:
            return heappop(unusual)[2]
        if self._shuffle is not None:
            if self._urgent:
                return self._draw_urgent()
            if self._normal:
                return self._draw(self._normal, len(self._normal))
        else:
            if self._urgent:
                return self._urgent.popleft()
            if self._normal:
                return self._normal.popleft()
        return heappop(unusual)[2] if unusual else None

    def _draw(self, events: deque[Event], candidates: int) -> Event:
        assert self._shuffle is not None
        index = self._shuffle.randrange(candidates)
        event = events[index]
        del events[index]
        return event

    def _draw_urgent(self) -> Event:
        # A process must have started before an interrupt reaches it, so starts come first among the urgent ones.
        events = self._urgent
        starts = [event for event in events if isinstance(event, Initialize)]
        if starts:
            assert self._shuffle is not None
            event = self._shuffle.choice(starts)
            events.remove(event)
            return event
        return self._draw(events, len(events))

    def _run_callbacks(self, event: Event) -> None:
        """Run the callbacks of one event."""
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        callback: Callable[[Event], None]
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:
            event.callbacks = callbacks[callbacks.index(callback) + 1 :]
            self.schedule(event, _FIRST)
            raise
        if not event._ok and not hasattr(event, "_defused"):
            raise copy_of_exception(event._value)

    def _delta_cycle(self) -> None:
        """One update phase."""
        self._deltas_here += 1
        if self._deltas_here > self.max_zero_time_steps:
            raise ZeroTimeLoopError(self._now, self.max_zero_time_steps, "a delta cycle")
        updates = self._updates
        self._updates = {}
        for channel in updates:
            channel.update()

    # ---- from instant to instant --------------------------------------------------------------------------

    def _advance_time(self) -> None:
        """Move to the next instant: of the queue, or an engine's earlier completion. EmptySchedule if there is none."""
        times = self._times
        limit = times[0] if times else NEVER
        engines = self._engines
        if engines.members and engines.due(limit):
            instant, deliveries = engines.advance(self._now, limit)
            if instant == NEVER:
                raise EmptySchedule
            self._enter(instant)
            while deliveries:
                if self._shuffle is not None:
                    self._shuffle.shuffle(deliveries)
                for deliver in deliveries:
                    deliver()
                deliveries = engines.advance(instant, instant)[1] if engines.due(instant) else []
            return
        if not times:
            raise EmptySchedule
        self._enter(limit)

    def _enter(self, instant: Any) -> None:
        """Make `instant` the current time and its queued events the current ones."""
        self._now = instant
        self._deltas_here = 0
        times = self._times
        if times and times[0] == instant:
            heappop(times)
            bucket = self._buckets.pop(instant, None)
            if bucket is not None:
                self._normal.extend(bucket)
            if self._later_unusual:
                entries = self._later_unusual.pop(instant, None)
                if entries is not None:
                    self._enter_unusual(entries)

    def _enter_unusual(self, entries: list[tuple[int, int, Event]]) -> None:
        for entry in entries:
            if entry[0] == 0:
                self._urgent.append(entry[2])
            else:
                self._unusual.append(entry)
        heapify(self._unusual)

    def step(self) -> None:
        """Process the next SimPy event, and what comes before it. EmptySchedule if there is none."""
        while True:
            event = self._next_callback()
            if event is not None:
                self._run_callbacks(event)
                return
            if self._updates:
                self._delta_cycle()
            else:
                self._advance_time()

    def _loop(self) -> None:
        """`step` for ever, inlined; ends by an exception."""
        urgent = self._urgent
        normal = self._normal
        unusual = self._unusual
        shuffled = self._shuffle is not None
        while True:
            event: Event | None = None
            # NOTE: a bounded `for` costs less than `while True` and a counter.
            for _ in repeat(None, self.max_zero_time_steps):
                if unusual or shuffled:
                    event = self._next_callback()
                    if event is None:
                        break
                elif urgent:
                    event = urgent.popleft()
                elif normal:
                    event = normal.popleft()
                else:
                    break
                callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
                try:
                    for callback in callbacks:
                        callback(event)
                except StopSimulation:
                    event.callbacks = callbacks[callbacks.index(callback) + 1 :]
                    self.schedule(event, _FIRST)
                    raise
                if not event._ok and not hasattr(event, "_defused"):
                    raise copy_of_exception(event._value)
            else:
                raise ZeroTimeLoopError(
                    self._now, self.max_zero_time_steps, describe(event) if event is not None else "nothing"
                )
            if self._updates:
                self._delta_cycle()
            else:
                self._advance_time()

    # ---- running ------------------------------------------------------------------------------------------

    def run(self, until: Any = None) -> Any:
        """SimPy's `run`: until nothing is left, until the time `until` (exclusive), or until the event `until`.

        Returns the event's value. DeadlockError (a RuntimeError, as SimPy raises) if that event can no longer happen.
        """
        if until is not None:
            if not isinstance(until, Event):
                at = until
                if self.strict_time:
                    at = whole(until, "until")
                elif not isinstance(until, int):
                    at = float(until)
                if at <= self._now:
                    raise ValueError(f"until ({at}) must be greater than the current simulation time")
                until = Event(self)
                until._ok = True
                until._value = None
                self.schedule(until, URGENT, at - self._now)
            elif until.processed:
                return until.value
            until.callbacks.append(StopSimulation.callback)
        try:
            self._loop()
        except StopSimulation as stop:
            return stop.args[0]
        except EmptySchedule:
            if until is not None:
                raise DeadlockError(self._now, tuple(self.blocked()), str(until)) from None
        return None

    def start(self, duration: int | None = None) -> None:
        """SystemC's `sc_start`: run for `duration`, always to its end; events due at the end are left to the next call.

        `start()` runs until nothing is left, `start(0)` one delta cycle.
        """
        if duration is None:
            self.run()
            return
        duration = whole(duration, "duration")
        if duration < 0:
            raise ValueError(f"duration: expected at least 0, got {duration}")
        if duration > 0:
            self.run(until=self._now + duration)
            return
        event = self._next_callback()
        while event is not None:
            self._run_callbacks(event)
            event = self._next_callback()
        if self._updates:
            self._delta_cycle()

    if TYPE_CHECKING:

        def process(self, generator: Generator[Any, Any, Any]) -> Process:
            """Start a SimPy process; `module.process` gives it a name and reports it when it is blocked."""

        def timeout(self, delay: Any = 0, value: Any = None) -> Timeout:
            """An event that happens after `delay`."""
