"""What runs next: the callbacks of an instant, its delta cycles, then the next instant. See docs/timing-model.md."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import repeat
from typing import Any, Protocol

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import Event

from .engine import EngineGroup
from .environment import Environment, Sleepers
from .errors import ZeroTimeLoopError
from .process import copy_of_exception, describe
from .sc_process import ASLEEP, ScProcess
from .signal import Signal
from .time import NEVER


class Status(enum.Enum):
    """Where a simulation is."""

    ELABORATION = "elaboration"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class StopMode(enum.Enum):
    """How `stop` ends the delta cycle in which it is called."""

    FINISH_DELTA = "finish delta"
    """All runnable processes run, and the update phase is done."""
    IMMEDIATE = "immediate"
    """Runnable processes do not run any more, nothing is updated."""


class Updatable(Protocol):
    """What can take part in an update phase."""

    def update(self) -> None:
        """Called once in the update phase that follows a `request_update`."""


class Halt(Exception):
    """Ends the loop after a `stop` or `pause`."""


class Scheduler(Environment):
    """The loop of a simulator: evaluate, update and notify phases, engines, observers, and how time moves."""

    __slots__ = (
        "_current", "_delta_count", "_deltas", "_halting", "_methods", "_stamp", "_threads", "_updates",
    )  # fmt: skip

    def __init__(self, initial_time: float, strict_time: bool, shuffle_seed: int | None) -> None:
        super().__init__(initial_time, strict_time, shuffle_seed)
        self.max_zero_time_steps = 10_000_000
        self.stop_mode = StopMode.FINISH_DELTA
        self._engines = EngineGroup()
        self._observers: list[Callable[[Any], None]] = []
        self.elaborated = False
        self.status = Status.ELABORATION
        # The delta cycle: what is runnable, what wants an update, what was notified for the next cycle.
        self._methods: deque[ScProcess] = deque()
        self._threads: deque[ScProcess] = deque()
        self._updates: dict[Updatable, None] = {}
        self._deltas: dict[Any, None] = {}
        self._current: ScProcess | None = None
        # Changes with every evaluation phase: what is stamped with it has happened just now.
        self._stamp = 0
        self._delta_count = 0
        self._waking: Iterable[ScProcess] = ()
        self._halting = False
        self._end: Any = None
        # Not empty while time may not simply move to the next entry of the queue: observers, an end, a halt.
        self._special: list[str] = []

    # ---- delta cycles -------------------------------------------------------------------------------------

    def _delta_cycle(self, ran: bool = False) -> None:
        """Evaluate, update, notify. `ran`: some processes have run already."""
        if self._methods or self._threads:
            ran = True
            self._evaluate()
        if self._halting and self.stop_mode is StopMode.IMMEDIATE and self.status is Status.STOPPED:
            raise Halt
        self._stamp += 1
        if self._updates:
            channel = self._updates.popitem()[0]
            if self._updates:
                self._update(channel)
            else:
                channel.update()
        if self._halting and self.status is Status.STOPPED:
            raise Halt
        if self._deltas:
            self._notify(self._deltas.popitem()[0])
        if ran:
            self._delta_count += 1
        if not (self._methods or self._threads or self._normal or self._urgent):
            # Nobody looks at what happened in this cycle: later it is not "just now" any more.
            self._stamp += 1
        if self._halting:
            raise Halt

    def _evaluate(self) -> None:
        """Run what is runnable, in rounds: the methods that are at a round's start, then the threads that are by then.

        ZeroTimeLoopError after `max_zero_time_steps` rounds.
        """
        rounds = self.max_zero_time_steps
        queues = self._methods, self._threads
        while self._methods or self._threads:
            if not rounds:
                last = (self._methods or self._threads)[0].full_name
                raise ZeroTimeLoopError(self._now, self.max_zero_time_steps, f"a notification of {last}")
            rounds -= 1
            for queue in queues:
                if self._shuffle is not None:
                    self._shuffle.shuffle(queue)
                if queue:
                    self._round(queue.popleft(), queue)

    def _wake(self, sleepers: Sleepers) -> None:
        """Run threads whose time has come, as the first round of an evaluation phase."""
        self._waking = sleepers
        rest = iter(sleepers)
        try:
            for thread in rest:
                thread._run()
        except BaseException:
            self._threads.extend(rest)
            raise

    def _round(self, first: ScProcess, others: deque[ScProcess]) -> None:
        count = len(others)
        first._run()
        while count:
            count -= 1
            others.popleft()._run()

    # Last requested, last notified first, as Accellera does; no model may depend on it. What an update requests is for
    # the next cycle.

    def _update(self, last: Updatable) -> None:
        others = list(self._updates)
        self._updates.clear()
        last.update()
        for channel in reversed(others):
            channel.update()

    def _notify(self, last: Any) -> None:
        others = list(self._deltas)
        self._deltas.clear()
        last._fire()
        for entry in reversed(others):
            entry._fire()

    # ---- from instant to instant --------------------------------------------------------------------------

    def _advance_time(self) -> None:
        """Move to the next instant: of the queue, or an engine's earlier completion. EmptySchedule if there is none."""
        limit = self._next_time()
        if self._end is not None:
            self._check_end(limit)
        engines = self._engines
        if engines.members and engines.due(NEVER if limit is None else limit):
            instant, deliveries = engines.advance(self._now, NEVER if limit is None else limit)
            if instant == NEVER:
                raise EmptySchedule
            self._enter_instant(instant)
            while deliveries:
                if self._shuffle is not None:
                    self._shuffle.shuffle(deliveries)
                for deliver in deliveries:
                    deliver()
                deliveries = engines.advance(instant, instant)[1] if engines.due(instant) else []
            return
        if limit is None:
            raise EmptySchedule
        self._enter_instant(limit)

    def _check_end(self, limit: Any) -> None:
        """Go to the end of a `start` instead, if the next activity is not before it."""
        if limit is None or limit >= self._end:
            due = self._engines.due(self._end - 1)
            if not due and (limit is not None or self._engines.due(NEVER)):
                self._enter_instant(self._end)
                raise Halt

    def _enter_instant(self, instant: Any) -> None:
        if self._observers and instant != self._now:
            for observer in self._observers:
                observer(self._now)
        self._enter(instant)

    def _pending_now(self) -> bool:
        return bool(
            self._methods
            or self._threads
            or self._updates
            or self._deltas
            or self._normal
            or self._urgent
            or self._unusual
        )

    def _loop(self) -> None:
        """`step` for ever, inlined; ends by an exception.

        NOTE: a step is one event, one delta cycle, or one move of time; the bounded `for` counts them for nothing. Time
        that has not moved within `max_zero_time_steps` of them does not advance at all.
        """
        urgent = self._urgent
        normal = self._normal
        unusual = self._unusual
        methods = self._methods
        threads = self._threads
        updates = self._updates
        deltas = self._deltas
        times = self._times
        buckets = self._buckets
        timed = self._timed
        later_unusual = self._later_unusual
        special = self._special
        engines = self._engines
        members = engines.members
        event: Any = None
        while True:
            began = self._now
            for _ in repeat(None, self.max_zero_time_steps + 1):
                if unusual:
                    event = self._next_callback()
                elif urgent:
                    event = urgent.popleft()
                elif normal:
                    event = normal.popleft()
                elif methods or threads:
                    # NOTE: _delta_cycle inlined, for one round of evaluation and one update: 25 % of a cycle.
                    if methods:
                        process = methods.popleft()
                        if methods:
                            self._round(process, methods)
                        else:
                            process._run()
                    if threads:
                        process = threads.popleft()
                        if threads:
                            self._round(process, threads)
                        else:
                            process._run()
                    if methods or threads or special:
                        self._delta_cycle(True)
                        continue
                    self._stamp += 1
                    if updates:
                        channel, _ = updates.popitem()
                        if updates:
                            self._update(channel)
                        elif type(channel) is Signal and not deltas:
                            channel._change()
                        else:
                            channel.update()
                    if special and self._halting and self.status is Status.STOPPED:
                        raise Halt
                    if deltas:
                        entry, _ = deltas.popitem()
                        if deltas:
                            self._notify(entry)
                        else:
                            entry._fire()
                    self._delta_count += 1
                    if not (methods or threads or normal or urgent):
                        self._stamp += 1
                    if special and self._halting:
                        raise Halt
                    continue
                elif updates or deltas:
                    self._delta_cycle()
                    continue
                elif special or not times:
                    if self._halting:
                        raise Halt
                    self._advance_time()
                    continue
                else:
                    # NOTE: _enter inlined: 20 % of a time-out's cost.
                    instant = heappop(times)
                    if (later_unusual and instant in later_unusual) or (
                        members and (engines.earliest <= instant or (engines.next_times and engines.due(instant)))
                    ):
                        heappush(times, instant)
                        self._advance_time()
                        continue
                    if timed and instant in timed:
                        self._now = instant
                        entries = timed.pop(instant)
                        if buckets and instant in buckets:
                            bucket = buckets.pop(instant)
                            normal.extend(bucket if type(bucket) is list else (bucket,))
                            entries._fire()
                        elif entries._runnable is ASLEEP:
                            # NOTE: the only process of the instant runs at once: 15 % of a thread's wait.
                            entries._run()
                            if methods or threads or updates or deltas or special:
                                self._delta_cycle(True)
                            else:
                                self._stamp += 1
                                self._delta_count += 1
                        elif type(entries) is Sleepers:
                            self._wake(entries)
                            self._delta_cycle(True)
                        else:
                            entries._fire()
                        continue
                    try:
                        event = buckets.pop(instant)
                    except KeyError:
                        continue  # cancelled
                    self._now = instant
                    if type(event) is list:
                        normal.extend(event)
                        continue
                # NOTE: _run_callbacks inlined: 10 % of a time-out's cost.
                callbacks, event.callbacks = event.callbacks, None
                try:
                    for callback in callbacks:
                        callback(event)
                except StopSimulation:
                    self._keep_rest(event, callbacks, callback)
                    raise
                if not event._ok and not hasattr(event, "_defused"):
                    raise copy_of_exception(event._value)
            self._check_progress(began, event)

    def _loop_shuffled(self) -> None:
        """`_loop` with the events of an instant drawn at random."""
        while True:
            began, event = self._now, None
            for _ in repeat(None, self.max_zero_time_steps + 1):
                event = self._next_callback()
                if event is not None:
                    self._run_callbacks(event)
                elif self._methods or self._threads or self._updates or self._deltas:
                    self._delta_cycle()
                elif self._halting:
                    raise Halt
                else:
                    self._advance_time()
            self._check_progress(began, event)

    def _check_progress(self, began: Any, event: Event | None) -> None:
        if self._now == began:
            cycling = event is None or self._methods or self._threads or self._updates or self._deltas
            last = "a delta cycle" if cycling else describe(event)
            raise ZeroTimeLoopError(self._now, self.max_zero_time_steps, last)
