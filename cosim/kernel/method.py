"""Methods: functions that run to completion whenever something they are sensitive to happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from .hierarchy import Node
from .sc_process import ScProcess

_STATIC = object()


class Method(ScProcess):
    """A function of no arguments. In it, `next_trigger` says what wakes it next, instead of its static sensitivity."""

    kind = "method_process"
    is_method: ClassVar[bool] = True

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
        self._next: Any = _STATIC
        super().__init__(parent, name or function.__name__, sensitive, dont_initialize)

    def next_trigger(self, *what: Any) -> None:
        """Wake next for what a thread could wait for: a delay, events, both. Without arguments: static sensitivity.

        Of several calls in one run the last one counts.
        """
        if not what:
            self._next = _STATIC
        elif len(what) == 1:
            self._next = what[0]
        else:
            self._next = tuple(what)

    def _ready(self) -> None:
        if self._runnable or self._disabled:
            return
        if self._suspended:
            self._missed = True
            return
        self._runnable = True
        self.simulator._methods.append(self)

    def _run(self) -> None:
        if not self._runnable:
            return  # killed meanwhile
        self._runnable = False
        if self._suspended:
            self._missed = True
            return
        simulator = self.simulator
        caller, simulator._current = simulator._current, self
        simulator._ran = True
        if self._events or self._timeout is not None or self._simpy_event is not None:
            self._end_wait()  # made runnable by a reset, not by what it waited for
        self._static = False
        self._next = _STATIC
        try:
            self.function()
        except Exception as error:
            error.add_note(f"in process {self.full_name} at t={simulator._now}")
            raise
        except BaseException:
            if not self.terminated:
                raise
        finally:
            simulator._current = caller
        if self.terminated:
            return
        if self._next is _STATIC:
            self._static = True
        else:
            self._wait_for(self._next)

    def _kill(self) -> None:
        self._runnable = False
        self._terminate()

    def _reset(self) -> None:
        # A method has no state: it runs once more, and with its static sensitivity.
        self._end_wait()
        self._static = True
        running = self.simulator._current is self
        if not running:
            self._runnable = True
            self._run()

    def _throw(self, error: BaseException) -> None:
        pass
