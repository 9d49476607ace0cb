"""Threads: generators or coroutines that run from wait to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappush
from typing import Any, ClassVar

import simpy

from .event import Event, Wait
from .hierarchy import Node
from .process import copy_of_exception
from .sc_process import ProcessKilled, ProcessReset, ScProcess

_ONLY_ONCE = "process {} was made of a generator object and cannot start anew"
_START_ANEW = object()


class Thread(ScProcess):
    """A process that waits by `yield` (a generator) or `await` (an async function).

    What it can wait for: an int (time units; 0 is the next delta cycle), an event, `a | b`, `a & b`, `(delay, events)`,
    a SimPy event, or nothing: its static sensitivity. The value of a wait with time-out is whether the events came;
    that of a SimPy event is the event's. `function` is called again at a reset; a generator object can only be run
    once.
    """

    kind = "thread_process"
    is_method: ClassVar[bool] = False

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
        self._send: Callable[[Any], Any] | None = None
        self._started = False
        self._running = False
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
        self.simulator._threads.append(self)

    def _fire(self) -> None:
        # NOTE: ScProcess._fire and _ready inlined for the plain wait for a time: 15 % of it.
        if self._timeout is None:
            return
        self._timeout = None
        self.timed_out = True
        if self._events or self._simpy_event is not None:
            self._end_wait()
        if self._held:
            self._ready()
        elif not self._runnable:
            self._runnable = True
            self.simulator._threads.append(self)

    def _run(self) -> None:
        if not self._runnable:
            return  # killed, or reset, meanwhile
        self._runnable = False
        if self._suspended:
            self._missed = True
        elif self._resets and self._started and self._reset_active():
            self._restart()
        elif self._simpy_result is not None:
            self._resume_from(self._simpy_result)
        else:
            self._step(self._send, not self.timed_out)

    def _resume_from(self, event: simpy.Event) -> None:
        self._simpy_result = None
        if event._ok:
            self._step(self._send, event._value)
        else:
            event._defused = True
            self._step(self._body.throw, copy_of_exception(event._value))

    def _step(self, resume: Callable[[Any], Any] | None, value: Any) -> None:
        """Run to the next wait."""
        simulator = self.simulator
        caller = simulator._current
        simulator._current = self
        simulator._ran = True
        self._static = False
        self._running = True
        try:
            if resume is None:
                if not self._start():
                    return
                resume, value = self._send, None
                assert resume is not None
            what = resume(value)
        except StopIteration as stop:
            self.result = stop.value
            self._terminate()
            return
        except ProcessKilled as unwinding:
            # By its own hand, or unwound.
            self.unwinding = False
            if self.terminated:
                return
            if not isinstance(unwinding, ProcessReset):
                self._terminate()
                return
            what = _START_ANEW
        except Exception as error:
            note = f"in process {self.full_name} at t={simulator._now}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            raise
        finally:
            self._running = False
            simulator._current = caller
        # NOTE: the two commonest waits are inlined from _wait_for: 20 % of a wait's cost.
        kind = type(what)
        if kind is int and what > 0:
            self._timeout = time = simulator._now + what
            timed = simulator._timed
            if time in timed:
                timed[time][self] = None
            else:
                timed[time] = {self: None}
                if time not in simulator._buckets and time not in simulator._later_unusual:
                    heappush(simulator._times, time)
        elif kind is Event:
            self._events = (what,)
            what._threads.append(self)
        elif what is _START_ANEW:
            self._clear()
            self._start_anew()
        elif not self.terminated:
            self.timed_out = False
            self._count = what.count if kind is Wait else 0
            self._wait_for(what)

    def _start(self) -> bool:
        """Make the body; False if it is a plain function, which has run now."""
        self._started = True
        if self._body is None:
            assert self.function is not None
            body = self.function()
            if not hasattr(body, "send"):
                self.result = body
                self._terminate()
                return False
            self._body = body
        self._send = self._body.send
        return True

    # ---- control ------------------------------------------------------------------------------------------

    def _unwind(self, error: ProcessKilled) -> None:
        """Raise `error` in the body, which must end."""
        if self._send is None:
            if self._body is not None:
                self._body.close()
            return
        simulator = self.simulator
        caller, simulator._current = simulator._current, self
        self.unwinding = True
        try:
            self._body.throw(error)
        except (ProcessKilled, StopIteration):
            return
        finally:
            self.unwinding = False
            simulator._current = caller
        raise RuntimeError(f"process {self.full_name} waited while it was being killed or reset")

    def _kill(self) -> None:
        if self._running:
            # It is killing itself, or something it called into does: unwind the caller.
            self.unwinding = True
            raise ProcessKilled(self.full_name)
        self._runnable = False
        self._clear()
        self._unwind(ProcessKilled(self.full_name))
        self._terminate()

    def _reset(self) -> None:
        if self._running:
            if self.function is None:
                raise RuntimeError(_ONLY_ONCE.format(self.full_name))
            self.unwinding = True
            raise ProcessReset(self.full_name)
        if self._started:
            self._runnable = False
            self._restart()

    def _restart(self) -> None:
        if self.function is None:
            raise RuntimeError(_ONLY_ONCE.format(self.full_name))
        self._clear()
        self._unwind(ProcessReset(self.full_name))
        self._start_anew()

    def _start_anew(self) -> None:
        self._body = self._send = None
        self.timed_out = False
        self._tell_reset()
        self._step(None, None)

    def _reset_by_signal(self) -> None:
        if self._started:
            self._end_wait()
            self._ready()

    def _throw(self, error: BaseException) -> None:
        if self._running:
            raise error
        if not self._started:
            raise RuntimeError(f"process {self.full_name} has not started: nothing can be raised in it")
        self._runnable = False
        self._clear()
        self._step(self._body.throw, error)
