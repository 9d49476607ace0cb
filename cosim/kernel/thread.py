"""Threads: generators or coroutines that run from wait to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappush
from typing import Any, ClassVar

import simpy

from .environment import Sleepers
from .event import Event, Wait
from .hierarchy import Node
from .process import copy_of_exception
from .sc_process import ASLEEP, ProcessKilled, ProcessReset, ScProcess

_ONLY_ONCE = "process {} was made of a generator object and cannot start anew"

_WAITED = "process {} waited while it was being killed or reset"


class Thread(ScProcess):
    """A process that waits by `yield` (a generator) or `await` (an async function).

    What it can wait for: an int (time units; 0 is the next delta cycle), an event, `a | b`, `a & b`, `(delay, events)`,
    a SimPy event, or nothing: its static sensitivity. The value of a wait with time-out is whether the events came;
    that of a SimPy event is the event's. `function` is called again at a reset; a generator object can only be run
    once.
    """

    kind = "thread_process"
    is_method: ClassVar[bool] = False
    __slots__ = ("_body", "_count", "_entered", "_plain", "_started", "function")

    def __init__(
        self,
        parent: Node,
        function: Callable[[], Any] | Any,
        name: str | None = None,
        *,
        sensitive: Iterable[Any] = (),
        dont_initialize: bool = False,
        server: bool = False,
    ) -> None:
        self.function = function if callable(function) else None
        self._body: Any = None if callable(function) else function
        # The body, or None while there is more to do than to send it something: see `_plan`.
        self._plain: Any = None
        self._started = False
        self._entered = False  # in `_step`
        self._count = 0
        self.result: Any = None
        """What the body returned, once terminated."""
        super().__init__(parent, name or function.__name__, sensitive, dont_initialize)
        self.server = server

    # ---- running ------------------------------------------------------------------------------------------

    def _static_trigger(self) -> None:
        """An event of the static sensitivity happened."""
        if self._disabled:
            return
        if self._count > 1 and not (self._resets and self._reset_active()):
            self._count -= 1
            return
        self._ready()

    def _ready(self) -> None:
        if self._runnable:
            return
        if self._held:
            self._missed = self._suspended and not self._disabled
            return
        self._runnable = True
        self._static = False
        self.simulator._threads.append(self)

    def _fire(self) -> None:
        if self._runnable is ASLEEP:
            self.simulator._threads.append(self)
        else:
            super()._fire()

    def _plan(self) -> None:
        rare = self._held or self._resets or self._simpy_result is not None or self.unwinding
        plain = self._started and not rare
        self._plain = self._body if plain else None

    def _run(self) -> None:
        state = self._runnable
        if not state:
            return  # killed, or reset, meanwhile
        self._runnable = False
        if state is ASLEEP:
            self._timeout = None
        body = self._plain
        if body is None:
            self._run_rare()
            return
        # NOTE: _step inlined, with the two commonest waits of _wait_for: 40 % of a wait's cost.
        simulator = self.simulator
        simulator._current = self
        try:
            what = body.send(not self.timed_out)
        except BaseException as error:
            simulator._current = None
            self._ended_by(error)
            return
        simulator._current = None
        kind = type(what)
        if kind is int and what > 0 and not self._held:
            self._runnable = ASLEEP
            self._timeout = time = simulator._now + what
            timed = simulator._timed
            if time not in timed:
                timed[time] = self
                heappush(simulator._times, time)
            elif type(sleepers := timed[time]) is Sleepers:
                sleepers[self] = None
            else:
                simulator._add_timed(time, self)
        elif kind is Event:
            self._events = (what,)
            what._more = True
            what._threads.append(self)
        elif not self.terminated:
            self._begin_wait(what)

    def _run_rare(self) -> None:
        if self.unwinding:
            self.unwinding = False
            raise RuntimeError(_WAITED.format(self.full_name))
        if self._suspended:
            self._missed = True
        elif not self._started:
            self._begin()
        elif self._resets and self._reset_active():
            self._restart()
        elif self._simpy_result is not None:
            self._resume_from(self._simpy_result)
        else:
            self._step(self._body.send, not self.timed_out)

    def _resume_from(self, event: simpy.Event) -> None:
        self._simpy_result = None
        self._plan()
        if event._ok:
            self._step(self._body.send, event._value)
        else:
            event._defused = True
            self._step(self._body.throw, copy_of_exception(event._value))

    def _begin(self) -> None:
        """Make the body and run it to its first wait."""
        self._started = True
        self._step(self._send_first, None)

    def _send_first(self, nothing: None) -> Any:
        if self._body is None:
            assert self.function is not None
            body = self.function()
            if not hasattr(body, "send"):
                raise StopIteration(body)  # a plain function has run, and that was all
            self._body = body
        self._plan()
        return self._body.send(nothing)

    def _step(self, resume: Callable[[Any], Any], value: Any) -> None:
        """Run to the next wait, by `resume(value)`."""
        simulator = self.simulator
        caller = simulator._current
        simulator._current = self
        self._entered = True
        self._static = False
        try:
            what = resume(value)
        except BaseException as error:
            self._leave(caller)
            self._ended_by(error)
            return
        self._leave(caller)
        if not self.terminated:
            self._begin_wait(what)

    def _leave(self, caller: Any) -> None:
        self._entered = False
        self.simulator._current = caller

    def _begin_wait(self, what: Any) -> None:
        self.timed_out = False
        self._count = what.count if type(what) is Wait else 0
        self._wait_for(what)

    def _ended_by(self, error: BaseException) -> None:
        """The body returned, was ended or reset by its own hand, or failed: then the error goes on to the caller."""
        self.unwinding = False
        if isinstance(error, ProcessReset):
            self._clear()
            self._start_anew()
            return
        if isinstance(error, StopIteration):
            self.result = error.value
        self._terminate()
        if not isinstance(error, StopIteration | ProcessKilled):
            self._sign(error)
            raise error

    def _sign(self, error: BaseException) -> None:
        note = f"in process {self.full_name} at t={self.simulator._now}"
        if isinstance(error, Exception) and note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    # ---- control ------------------------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        # Also while another process runs that this one has killed, reset or thrown at.
        body = self._body
        return self._entered or getattr(body, "gi_running", False) or getattr(body, "cr_running", False)

    def _unwind(self, error: ProcessKilled) -> None:
        """Raise `error` in the body, which must end."""
        if not self._started:
            if self._body is not None and not isinstance(error, ProcessReset):
                self._body.close()
            return
        simulator = self.simulator
        caller, simulator._current = simulator._current, self
        self.unwinding = True
        try:
            self._body.throw(error)
        except (ProcessKilled, StopIteration):
            return
        except BaseException as failure:
            self._terminate()
            self._sign(failure)
            raise
        finally:
            self.unwinding = False
            simulator._current = caller
        self._terminate()
        raise RuntimeError(_WAITED.format(self.full_name))

    def _raise_when_in_control(self, error: BaseException) -> None:
        """Raise it here if the process calls for it itself, else when those return whose end it waits for."""
        if self.simulator._current is self:
            if isinstance(error, ProcessKilled):
                self.unwinding = True
                self._plan()
            raise error
        if not isinstance(self._deferred, ProcessKilled):
            self._deferred = error

    def _kill(self) -> None:
        if self.unwinding:
            return
        if self._running:
            self._raise_when_in_control(ProcessKilled(self))
            return
        self._unqueue()
        self._clear()
        self._unwind(ProcessKilled(self))
        self._terminate()

    def _reset(self) -> None:
        if self.unwinding:
            return
        if self._running:
            if self.function is None:
                raise RuntimeError(_ONLY_ONCE.format(self.full_name))
            self._raise_when_in_control(ProcessReset(self))
            return
        self._unqueue()
        self._restart()

    def _restart(self) -> None:
        if self.function is None and self._started:
            raise RuntimeError(_ONLY_ONCE.format(self.full_name))
        self._clear()
        self._unwind(ProcessReset(self))
        self._start_anew()

    def _start_anew(self) -> None:
        if self._started:
            self._body = self._plain = None
        self.timed_out = False
        self._tell_reset()
        self._begin()

    def _reset_by_signal(self) -> None:
        self._end_wait()
        self._ready()

    def _throw(self, error: BaseException) -> None:
        if self.unwinding:
            return
        if self._running:
            self._raise_when_in_control(error)
            return
        if not self._started:
            raise RuntimeError(f"process {self.full_name} has not started: nothing can be raised in it")
        self._unqueue()
        self._clear()
        self._step(self._body.throw, error)
