"""Errors that end a simulation. Their `args` rebuild them, so that SimPy can raise them again."""

from __future__ import annotations


class DeadlockError(RuntimeError):
    """The event queue ran dry while processes that should have ended still wait.

    `time` is when; `blocked` is a tuple of (full name of the process, what it waits for).
    """

    exit_code = 3  # of the command line

    def __init__(self, time: float, blocked: tuple[tuple[str, str], ...], waited_for: str | None = None) -> None:
        super().__init__(time, blocked, waited_for)
        self.time = time
        self.blocked = blocked
        self.waited_for = waited_for

    def __str__(self) -> str:
        who = ", ".join(f"{name} on {reason}" for name, reason in self.blocked) or "no registered process"
        text = f"drained at t={self.time}, blocked: {who}"
        if self.waited_for is not None:
            text = f'No scheduled events left but "until" event was not triggered: {self.waited_for}; {text}'
        return text


class ZeroTimeLoopError(RuntimeError):
    """More steps happened at one instant than `max_zero_time_steps` allows."""

    exit_code = 3

    def __init__(self, time: float, steps: int, last: str) -> None:
        super().__init__(time, steps, last)
        self.time = time
        self.steps = steps
        self.last = last

    def __str__(self) -> str:
        return f"time does not advance: more than {self.steps} steps at t={self.time}; the last one was {self.last}"


class ElaborationError(RuntimeError):
    """A module, port, export or channel is made when the hierarchy is complete already."""


class ModuleInsertionError(ElaborationError):
    """A module after elaboration."""


class ChannelInsertionError(ElaborationError):
    """A primitive channel after elaboration."""


class PortInsertionError(ElaborationError):
    """A port or export after elaboration."""


class BindingError(ValueError):
    """A port, export or socket is bound to the wrong thing, too often, too late, or not at all."""


class CompleteBindingError(BindingError):
    """At the end of elaboration a port or socket is bound to too few or too many channels."""


class BindInterfaceError(BindingError):
    """A channel is bound twice to one port, after elaboration, or does not have the port's interface."""


class GetInterfaceError(BindingError):
    """A port is used before it is bound."""


class ExportInterfaceError(BindingError):
    """An export is used that is bound to nothing."""


class MultipleDriverError(RuntimeError):
    """A signal is written by more processes, or bound to more output ports, than its writer policy allows."""


class FifoPortError(BindingError):
    """A fifo has two readers or two writers."""


class StoppedError(RuntimeError):
    """The simulation cannot go on: it was stopped."""
