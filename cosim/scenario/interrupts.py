"""Ctrl-C only where it can do no harm.

Python raises KeyboardInterrupt between any two instructions, also between the making of a thing and the `with` or
`try` that would remove it again, and inside of the removal. Here it is held back, but for the long part in the middle.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["HeldInterrupts"]


class HeldInterrupts:
    """Holds Ctrl-C back: `with HeldInterrupts() as held: prepare(); with held.let_through(): work(); clean_up()`.

    What came while it was held is raised where it is let through, or at the end, unless it was dropped. Does
    nothing in threads other than the main one, and where the program has a handler of its own.
    """

    def __init__(self) -> None:
        self._pending = False
        self._through = False
        self._before: Any = None

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._pending and error is None:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._through:
            raise KeyboardInterrupt
        self._pending = True

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Here Ctrl-C raises KeyboardInterrupt, as always."""
        try:
            self._through = True
            if self._pending:
                raise KeyboardInterrupt
            yield
        finally:
            self._through = False

    def drop(self) -> None:
        """Forget what is held: it came too late to change anything."""
        self._pending = False
