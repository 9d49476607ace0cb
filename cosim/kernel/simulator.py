"""The simulator: SimPy's environment with integer time, delta cycles and engines. See docs/timing-model.md."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Generator, Iterable
from heapq import heappop, heappush
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import URGENT, Event

from .elaboration import elaborate
from .engine import Attachment, Engine, EngineGroup
from .environment import EndOfRun, Environment, Sleepers
from .errors import DeadlockError, StoppedError, ZeroTimeLoopError
from .hierarchy import NamedObject, Node
from .module import Module
from .process import Process, Timeout, copy_of_exception, describe
from .report import NO_ACTIVITY, STOPPED, STOPPED_ALREADY, Reports
from .resolution import TimeResolution
from .sc_process import ASLEEP, ScProcess
from .signal import Signal
from .thread import Thread
from .time import NEVER, whole

if TYPE_CHECKING:
    from .channel import Bindable, Elaborated, PrimitiveChannel
    from .port import Export


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


class _Halt(Exception):
    """Ends the loop after a `stop` or `pause`."""


class Simulator(Environment, Node):
    """A `simpy.Environment` with delta cycles, engines and modules.

    * `strict_time`: time is an integer; a delay that is not a whole number is a ValueError. Without it time is what
      SimPy allows, and engines cannot be attached.
    * `shuffle_seed`: run the callbacks of one instant and priority, and the processes of one evaluation phase, in an
      order drawn from this seed, to find models that depend on that order. Without it the order of callbacks is
      SimPy's, (time, priority, order of scheduling), and that of the delta cycle Accellera SystemC's.
    * `resolution`: what one unit of time means. Models of this project count in picoseconds.
    * `max_zero_time_steps`, an attribute: ZeroTimeLoopError when time does not move within that many callbacks and
      delta cycles (at the latest within twice as many).
    """

    __slots__ = (
        "_current", "_delta_count", "_deltas", "_halting", "_methods", "_stamp", "_threads", "_updates",
    )  # fmt: skip

    def __init__(
        self,
        initial_time: float = 0,
        *,
        strict_time: bool = True,
        shuffle_seed: int | None = None,
        resolution: str = "1 ps",
    ) -> None:
        super().__init__(initial_time, strict_time, shuffle_seed)
        self.resolution = TimeResolution(resolution)
        self.max_zero_time_steps = 10_000_000
        self.stop_mode = StopMode.FINISH_DELTA
        self.reports = Reports(self.stop)
        self.simulator = self
        self.full_name = ""
        self._init_node()
        self._modules: list[Module] = []
        self._ports: list[Bindable] = []
        self._exports: list[Export[Any]] = []
        self._channels: list[PrimitiveChannel] = []
        self._sc_processes: dict[ScProcess, None] = {}
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

    # ---- hierarchy ----------------------------------------------------------------------------------------

    def modules(self) -> Iterable[Module]:
        """All modules, each before its children, in order of creation."""
        for child in self.children.values():
            if isinstance(child, Module):
                yield from child.walk()

    def find(self, full_name: str) -> Any:
        """The object or event of that full name, or None."""
        node: Node = self
        *path, last = full_name.split(".")
        for name in path:
            child = node.children.get(name)
            if child is None:
                return None
            node = child
        return node.children.get(last) or node.child_events.get(last)

    def walk_objects(self) -> Iterable[NamedObject]:
        """All objects, each before its children, in order of creation."""
        for child in tuple(self.children.values()):
            yield from child.walk_objects()

    def _add_process(self, process: ScProcess) -> None:
        self._sc_processes[process] = None
        if self.elaborated:
            process._hook_static()
            self._start_process(process)

    def _start_process(self, process: ScProcess) -> None:
        if process.dont_initialize:
            process._static = True
        else:
            process._ready()

    def _drop_process(self, process: ScProcess) -> None:
        self._sc_processes.pop(process, None)

    @property
    def current_process(self) -> Any:
        """The process that is running: a method, a thread, a SimPy process, or None."""
        return self._current or self._active_proc

    def blocked(self) -> list[tuple[str, str]]:
        """(full name, what it waits for) of every process of a module that has not ended and is no server.

        SimPy processes and threads; a method waits by nature.
        """
        simpy_processes = [
            (process.full_name, process.waits_for())
            for module in self.modules()
            for process in module.processes()
            if not process.server
        ]
        return simpy_processes + [
            (process.full_name, process.waits_for())
            for process in self._sc_processes
            if isinstance(process, Thread) and not process.server
        ]

    def check_drained(self) -> None:
        """Raise DeadlockError if a process that is no server still waits. For the end of a run."""
        blocked = self.blocked()
        if blocked:
            raise DeadlockError(self._now, tuple(blocked))

    # ---- delta cycles -------------------------------------------------------------------------------------

    def request_update(self, channel: Updatable) -> None:
        """Have `channel.update()` called once in the next update phase, however often it is requested."""
        self._updates[channel] = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self.status is Status.STOPPED

    @property
    def delta_count(self) -> int:
        """Number of finished delta cycles in which a method or thread ran; it never restarts."""
        return self._delta_count

    def _delta_cycle(self, ran: bool = False) -> None:
        """Evaluate, update, notify. `ran`: some processes have run already."""
        if self._methods or self._threads:
            ran = True
            self._evaluate()
        if self._halting and self.stop_mode is StopMode.IMMEDIATE and self.stopped:
            raise _Halt
        self._stamp += 1
        if self._updates:
            self._update(self._updates.popitem()[0])
        if self._halting and self.stopped:
            raise _Halt
        if self._deltas:
            self._notify(self._deltas.popitem()[0])
        if ran:
            self._delta_count += 1
        if not (self._methods or self._threads or self._normal or self._urgent):
            # Nobody looks at what happened in this cycle: later it is not "just now" any more.
            self._stamp += 1
        if self._halting:
            raise _Halt

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
    def now_ps(self) -> int:
        """`now`, as the integer that it is in strict mode."""
        now: int = self._now
        return now

    def observe_time(self, observer: Callable[[Any], None]) -> None:
        """Have `observer(now)` called when time is about to move on from `now`: everything of that instant has settled.

        It may read anything and must change nothing.
        """
        self._observers.append(observer)
        self._special.append("observer")

    def unobserve_time(self, observer: Callable[[Any], None]) -> None:
        """End `observe_time`."""
        self._observers.remove(observer)
        self._special.remove("observer")

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
                raise _Halt

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

    def peek(self) -> Any:
        """Time of the next event of the queue, or infinity; engines' events are not in the queue."""
        return self._now if self._pending_now() else super().peek()

    def step(self) -> None:
        """Process the next SimPy event, and what comes before it. EmptySchedule if there is none."""
        if not self.elaborated:
            elaborate(self)
        while True:
            event = self._next_callback()
            if event is not None:
                self._run_callbacks(event)
                return
            if self._methods or self._threads or self._updates or self._deltas:
                self._delta_cycle()
            else:
                self._advance_time()

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
                    if special and self._halting and self.stopped:
                        raise _Halt
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
                        raise _Halt
                    continue
                elif updates or deltas:
                    self._delta_cycle()
                    continue
                elif special or not times:
                    if self._halting:
                        raise _Halt
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
                    raise _Halt
                else:
                    self._advance_time()
            self._check_progress(began, event)

    def _check_progress(self, began: Any, event: Event | None) -> None:
        if self._now == began:
            cycling = event is None or self._methods or self._threads or self._updates or self._deltas
            last = "a delta cycle" if cycling else describe(event)
            raise ZeroTimeLoopError(self._now, self.max_zero_time_steps, last)

    # ---- running ------------------------------------------------------------------------------------------

    def run(self, until: Any = None) -> Any:
        """SimPy's `run`: until nothing is left, until the time `until` (exclusive), or until the event `until`.

        Returns the event's value. DeadlockError (a RuntimeError, as SimPy raises) if that event can no longer happen.
        """
        if self.status is Status.STOPPED:
            raise StoppedError("the simulation was stopped and cannot be run again")
        if not self.elaborated:
            elaborate(self)
        if until is not None:
            if not isinstance(until, Event):
                at = until
                if self.strict_time:
                    at = whole(until, "until")
                elif not isinstance(until, int):
                    at = float(until)
                if at <= self._now:
                    raise ValueError(f"until ({at}) must be greater than the current simulation time")
                until = EndOfRun(self)
                until._ok = True
                until._value = None
                self.schedule(until, URGENT, at - self._now)
            elif until.processed:
                return until.value
            until.callbacks.append(StopSimulation.callback)
        self.status = Status.RUNNING
        try:
            if self._shuffle is None:
                self._loop()
            else:
                self._loop_shuffled()
        except StopSimulation as stop:
            return stop.args[0]
        except EmptySchedule:
            if until is not None:
                raise DeadlockError(self._now, tuple(self.blocked()), str(until)) from None
        except _Halt:
            self._halted()
            if until is not None:
                self._withdraw(until)
        finally:
            if self.status is Status.RUNNING:
                self.status = Status.PAUSED
            elif self.status is Status.STOPPED:
                self._end_of_simulation()
        return None

    def _withdraw(self, until: Event) -> None:
        """Take the end of a run that was halted before it out of the queue: it must not move time later."""
        if StopSimulation.callback in until.callbacks:
            until.callbacks.remove(StopSimulation.callback)
        for time, entries in self._later_unusual.items():
            kept = [entry for entry in entries if entry[2] is not until]
            if len(kept) < len(entries):
                entries[:] = kept
                if not kept:
                    del self._later_unusual[time]
                    self._cancelled_times += 1
                return

    def start(self, duration: int | None = None, *, exit_on_starvation: bool = False) -> None:
        """SystemC's `sc_start`: run for `duration`, always to its end; events due at the end are left to the next call.

        `start()` runs until nothing is left, `start(0)` one delta cycle. With `exit_on_starvation` time stays at the
        last event when nothing is left before the end.
        """
        if self.status is Status.STOPPED:
            raise StoppedError("the simulation was stopped and cannot be started again")
        if not self.elaborated:
            elaborate(self)
        if duration is None:
            before = self._now, self._delta_count
            self.run()
            if before == (self._now, self._delta_count) and not self.stopped:
                self._warn_no_activity()
            return
        duration = whole(duration, "duration")
        if duration < 0:
            raise ValueError(f"duration: expected at least 0, got {duration}")
        end = self._now + duration
        if duration == 0:
            self._one_delta_cycle()
        elif exit_on_starvation:
            self._end = end
            self._special.append("end")
            try:
                self.run()
            finally:
                self._end = None
                self._special.remove("end")
        else:
            self.run(until=end)

    def _one_delta_cycle(self) -> None:
        if not self._pending_now():
            if self._delta_count or self._now:  # not in a first one, which is there to end elaboration
                self._warn_no_activity()
            return
        self.status = Status.RUNNING
        try:
            event = self._next_callback()
            while event is not None:
                self._run_callbacks(event)
                event = self._next_callback()
            self._delta_cycle()
        except _Halt:
            self._halted()
        finally:
            if self.status is Status.RUNNING:
                self.status = Status.PAUSED
            elif self.status is Status.STOPPED:
                self._end_of_simulation()

    def _warn_no_activity(self) -> None:
        self.reports.report(NO_ACTIVITY, f"nothing to do at t={self._now}: no activity, and time does not move")

    def stop(self) -> None:
        """End the simulation for good: after this delta cycle, or at once, as `stop_mode` says.

        Then `end_of_simulation`.
        """
        if self.status is Status.STOPPED:
            self.reports.report(STOPPED_ALREADY, "the simulation has been stopped already")
            return
        running = self.status is Status.RUNNING
        self.status = Status.STOPPED
        if running:
            self._halt()
            if self.stop_mode is StopMode.IMMEDIATE:
                for process in (*self._methods, *self._threads, *self._waking):
                    process._runnable = False  # and so does not run any more
        else:
            self._end_of_simulation()

    def pause(self) -> None:
        """Return from `run` or `start` after this delta cycle; the next call goes on."""
        if self.status is Status.RUNNING:
            self._halt()

    def _halt(self) -> None:
        if not self._halting:
            self._halting = True
            self._special.append("halt")

    def _halted(self) -> None:
        if self._halting:
            self._halting = False
            self._special.remove("halt")

    def _end_of_simulation(self) -> None:
        self._halted()
        self.reports.report(STOPPED, f"simulation stopped by the user at t={self._now}")
        for part in self._elaborated_parts():
            part.end_of_simulation()

    def _elaborated_parts(self) -> list[Elaborated]:
        return [*reversed(self._ports), *self._exports, *self._channels, *self._modules]

    # ---- pending activity ---------------------------------------------------------------------------------

    def pending_activity_now(self) -> bool:
        """Whether anything is left to do at the current time."""
        return self._pending_now()

    def pending_activity_later(self) -> bool:
        """Whether anything is queued for a later time, in the queue or by an engine."""
        return self._next_time() is not None or self._engines.due(NEVER)

    def time_to_pending_activity(self) -> Any:
        """Time until the next activity: 0 if there is some now; NEVER - now if there is none at all."""
        if self._pending_now():
            return 0
        time = self._next_time()
        return min([NEVER if time is None else time, *(member.engine.next() for member in self._engines.members)]) - (
            self._now
        )

    if TYPE_CHECKING:

        def process(self, generator: Generator[Any, Any, Any]) -> Process:
            """Start a SimPy process; `module.process` gives it a name and reports it when it is blocked."""

        def timeout(self, delay: Any = 0, value: Any = None) -> Timeout:
            """An event that happens after `delay`."""
