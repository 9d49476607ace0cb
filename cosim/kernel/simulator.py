"""The simulator: SimPy's environment with integer time, delta cycles and engines. See docs/timing-model.md."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import URGENT, Event

from .elaboration import elaborate
from .engine import Attachment, Engine
from .environment import EndOfRun
from .errors import DeadlockError, StoppedError
from .hierarchy import NamedObject, Node
from .module import Module
from .process import Process, Timeout
from .report import NO_ACTIVITY, STOPPED, STOPPED_ALREADY, Reports
from .resolution import TimeResolution
from .sc_process import ScProcess
from .scheduler import Halt, Scheduler, Status, StopMode, Updatable
from .thread import Thread
from .time import NEVER, whole

if TYPE_CHECKING:
    from .channel import Bindable, Elaborated, PrimitiveChannel
    from .port import Export


class Simulator(Scheduler, Node):
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
        self.reports = Reports(self.stop)
        self.simulator = self
        self.full_name = ""
        self._init_node()
        self._modules: list[Module] = []
        self._ports: list[Bindable] = []
        self._exports: list[Export[Any]] = []
        self._channels: list[PrimitiveChannel] = []
        self._sc_processes: dict[ScProcess, None] = {}

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

        SimPy processes and threads; a method waits by nature. Processes of plain `env.process(f())` belong to no module
        and are not seen.
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
        """Raise DeadlockError if a process of a module that is no server still waits. For the end of a run.

        Processes of plain `env.process(f())` belong to no module and are not seen.
        """
        blocked = self.blocked()
        if blocked:
            raise DeadlockError(self._now, tuple(blocked))

    # ---- delta cycles and engines ---------------------------------------------------------------------------

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

    # ---- running ------------------------------------------------------------------------------------------

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
        except Halt:
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
        except Halt:
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
