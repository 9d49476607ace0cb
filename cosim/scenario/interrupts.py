"""Ctrl-C and SIGTERM only where they can do no harm.

Python raises KeyboardInterrupt between any two instructions, also between the making of a thing and the `with` or
`try` that would remove it again, and inside of the removal. Here it is held back, but for the long part in the middle;
and that part can say that it will stop by itself at the next good place. SIGTERM, as batch systems and containers send
it, is treated alike. An exception raised while an extension module is imported, or in a weak reference's callback, may
be lost: so the long part also asks from time to time.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["HeldInterrupts"]


class HeldInterrupts:
    """Holds Ctrl-C back: `with HeldInterrupts() as held: prepare(); with held.let_through(): work(); clean_up()`.

    What came while it was held is raised where it is let through, or at the end, unless it was dropped. One that is
    let through and does not end the work is raised again by the next `check`, or where the work ends. After `defer` the
    first one that is let through is only noted, in `pending`, and `notice` is called. Does nothing in other threads
    than the main one, and where the program has a handler of its own.
    """

    def __init__(self, notice: Callable[[], None] | None = None) -> None:
        self.pending = False
        """Whether one came, raised or not, and was not dropped."""
        self._through = False
        self._deferred = False
        self._notice = notice
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            if main and signal.getsignal(number) is usual:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if self.pending and error is None:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        raised = self._through and (self.pending or not self._deferred)
        self.pending = True
        if raised:
            raise KeyboardInterrupt
        if self._through and self._notice is not None:
            self._notice()

    def check(self) -> None:
        """Raise KeyboardInterrupt if one was let through and got lost on its way; not after `defer`."""
        if self.pending and not self._deferred:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Here Ctrl-C raises KeyboardInterrupt, as always."""
        try:
            self._through = True
            self.check()
            yield
            self.check()
        finally:
            self._through = False

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Here signals are as they were before: for work that holds them back by itself."""
        self.check()
        for number, before in self._before.items():
            signal.signal(number, before)
        try:
            yield
        finally:
            for number in self._before:
                signal.signal(number, self._handle)

    def defer(self) -> None:
        """From now on whoever is interrupted looks at `pending` from time to time; the second interrupt is raised."""
        self._deferred = True

    def drop(self) -> None:
        """Forget what is held: it came too late to change anything."""
        self.pending = False
