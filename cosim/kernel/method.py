"""Methods: functions that run to completion whenever something they are sensitive to happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from .hierarchy import Node
from .sc_process import ProcessKilled, ProcessReset, ScProcess


class Method(ScProcess):
    """A function of no arguments. In it, `next_trigger` says what wakes it next, instead of its static sensitivity."""

    kind = "method_process"
    is_method: ClassVar[bool] = True
    __slots__ = ("_next", "function")

    def __init__(
        self,
        parent: Node,
        function: Callable[[], Any],
        name: str | None = None,
        *,
        sensitive: Iterable[Any] = (),
        dont_initialize: bool = False,
    ) -> None:
        self.function = function
        self._next: tuple[Any] | None = None  # what `next_trigger` said
        super().__init__(parent, name or function.__name__, sensitive, dont_initialize)

    def next_trigger(self, *what: Any) -> None:
        """Wake next for what a thread could wait for: a delay, events, both. Without arguments: static sensitivity.

        Of several calls in one run the last one counts.
        """
        self._next = None if not what else what if len(what) == 1 else (what,)

    def _ready(self) -> None:
        if self._runnable:
            return
        if self._held:
            self._missed = self._suspended and not self._disabled
            return
        self._runnable = True
        self._static = False
        self.simulator._methods.append(self)

    def _run(self) -> None:
        if not self._runnable:
            return  # killed meanwhile
        self._runnable = False
        simulator = self.simulator
        simulator._current = self
        # NOTE: not `self.function()`, which the interpreter looks up in the class first: 3 % of an activation.
        function = self.function
        try:
            function()
        except BaseException as error:
            simulator._current = None
            if isinstance(error, ProcessReset) and error.process is self:
                self._runnable = True
                self._run()
                return
            if not (self.terminated and isinstance(error, ProcessKilled)):
                error.add_note(f"in process {self.full_name} at t={simulator._now}")
                raise
        simulator._current = None
        if self._next is None:
            self._static = True
        elif not self.terminated:
            (what,), self._next = self._next, None
            self._wait_for(what)

    def _plan(self) -> None:
        self._simpy_result = None  # a method has no use for it

    def _kill(self) -> None:
        self._unqueue()
        self._terminate()
        if self.simulator._current is self:
            raise ProcessKilled(self)

    def _reset(self) -> None:
        # A method has no state: it runs once more, and with its static sensitivity.
        self._end_wait()
        self._next = None
        simulator = self.simulator
        caller = simulator._current
        self._tell_reset()
        if caller is self:
            raise ProcessReset(self)
        self._runnable = True
        self._static = False
        try:
            self._run()
        finally:
            simulator._current = caller

    def _reset_by_signal(self) -> None:
        self._reset()

    def _throw(self, error: BaseException) -> None:
        pass
