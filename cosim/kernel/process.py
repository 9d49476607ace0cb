"""SimPy's process and time-out, with the constructors inlined and errors that say who and when."""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappush
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import PENDING, Initialize, _describe_frame

from .event import Wait, wait
from .time import whole

if TYPE_CHECKING:
    from .environment import Environment
    from .module import Module


class Timeout(simpy.events.Timeout):
    """`simpy.Timeout`, put straight into the simulator's queue."""

    def __init__(self, env: Environment, delay: Any, value: Any = None) -> None:
        # NOTE: simpy.Timeout.__init__ and Environment.schedule are inlined: 20 % of a time-out's cost.
        if delay.__class__ is not int and env.strict_time:
            delay = whole(delay, "delay")
        self.env = env
        self.callbacks = []
        self._value = value
        self._delay = delay
        self._ok = True
        now = env._now
        time = now + delay
        if time > now:
            buckets = env._buckets
            if time in buckets:
                env._add_normal(time, self)
            else:
                buckets[time] = self
                heappush(env._times, time)
        elif time == now:
            env._normal.append(self)
        else:
            raise ValueError(f"Negative delay {delay}")


class Process(simpy.Process):
    """`simpy.Process`; a module's process also has a full name, which errors carry.

    `server` processes wait for work by nature: they are not reported as blocked at a drained end. Besides SimPy's
    events a process may yield what a thread does (a delay, events of the kernel, both), so that both can run the same
    generators.
    """

    def __init__(
        self,
        env: Environment,
        generator: Generator[Any, Any, Any],
        *,
        name: str | None = None,
        module: Module | None = None,
        server: bool = False,
    ) -> None:
        if not hasattr(generator, "throw"):
            raise ValueError(f"{generator} is not a generator.")
        self.env = env
        self.callbacks = []
        self._generator = generator
        self._own_name = name
        self.module = module
        self.server = server
        # One bound method for the process's life; SimPy makes one per wait.
        self._resume_self = self._resume
        self._send = generator.send
        self._target = Initialize(env, self)

    @property
    def name(self) -> str:
        """The name given by its module, else the generator's."""
        return self._own_name or str(getattr(self._generator, "__name__", type(self._generator).__name__))

    @property
    def full_name(self) -> str:
        """The name with the names of the modules above it."""
        return f"{self.module.full_name}.{self.name}" if self.module is not None else self.name

    def _resume(self, event: simpy.Event) -> None:
        env: Environment = self.env  # type: ignore[assignment]
        env._active_proc = self
        while True:
            try:
                if event._ok:
                    # NOTE: not `self._send(...)`, which the interpreter looks up in the class first: 3 % of a time-out.
                    send = self._send
                    event = send(event._value)
                else:
                    event._defused = True
                    event = self._generator.throw(copy_of_exception(event._value))
            except StopIteration as stop:
                self._ok = True
                self._end(stop.value)
                break
            except BaseException as error:
                self._ok = False
                # SimPy strips its own frame from the traceback, too.
                error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ is not None else None
                note = f"in process {self.full_name} at t={env._now}"
                if note not in getattr(error, "__notes__", ()):
                    error.add_note(note)
                self._end(error)
                break
            try:
                callbacks = event.callbacks
            except AttributeError:
                event = self._as_simpy(event)
                callbacks = event.callbacks
            if callbacks is not None:
                callbacks.append(self._resume_self)
                self._target = event
                break
        env._active_proc = None

    def _end(self, value: Any) -> None:
        self._value = value
        self._target = None  # type: ignore[assignment]
        if self.module is not None:
            self.module._forget_process(self)
        self.env.schedule(self)
        # Break the cycle process -> bound method -> process, so that ended processes go at once.
        del self._resume_self

    def _as_simpy(self, value: Any) -> simpy.Event:
        """What a thread could wait for, too: a delay, or an event of the kernel. RuntimeError for anything else."""
        if isinstance(value, int) and not isinstance(value, bool):
            return Timeout(self.env, value)  # type: ignore[arg-type]
        if isinstance(value, tuple) and len(value) == 2:
            value = wait(*value)
        if isinstance(value, Wait):
            return value.once(self.env)  # type: ignore[arg-type]
        once = getattr(value, "once", None)
        if once is None:
            raise RuntimeError(self._invalid_yield(value)) from None
        event: simpy.Event = once()
        return event

    def _invalid_yield(self, value: object) -> str:
        frame = getattr(self._generator, "gi_frame", None)
        where = _describe_frame(frame) if frame is not None else ""
        return f'\n{where}Invalid yield value "{value}" in process {self.full_name} at t={self.env._now}'

    def waits_for(self) -> str:
        """What the process waits for, in words."""
        return describe(self._target) if self._value is PENDING else "nothing: it has ended"


def copy_of_exception(error: BaseException) -> BaseException:
    """A copy caused by `error`, so that several receivers do not share one traceback.

    `error` itself if its `args` do not rebuild it.
    """
    try:
        copy = type(error)(*error.args)
    except Exception:
        return error
    copy.__cause__ = error
    for note in getattr(error, "__notes__", ()):
        copy.add_note(note)
    return copy


def describe(event: object) -> str:
    """An event in words: its own name, its resource's name, or its type."""
    if isinstance(event, Process):
        return f"the end of {event.full_name}"
    if isinstance(event, simpy.events.Condition):
        kind = "all of" if event._evaluate is simpy.events.Condition.all_events else "any of"
        return f"{kind} ({', '.join(describe(part) for part in event._events if part.callbacks is not None)})"
    kind = type(event).__name__
    name = getattr(event, "full_name", None) or getattr(event, "name", None)
    if name is None:
        resource = getattr(event, "resource", None)
        name = getattr(resource, "full_name", None) or getattr(resource, "name", None)
    return f"{kind}({name})" if name else kind
