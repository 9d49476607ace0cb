"""Where the `cosim` program starts: before anything is imported that takes time, so that Ctrl-C is clean from then on.

A module of its own at the top, since importing one of a package imports the package first.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["leaving_at_once", "main", "raising"]

EXIT_INTERRUPTED = 130


def main() -> None:
    """Entry point of the `cosim` program."""
    leaving_at_once()
    from cosim.cli import main as program  # noqa: PLC0415

    program()


def leaving_at_once() -> None:
    """From here on there is nothing to undo: Ctrl-C ends the program where it is, with a line.

    As an exception it would be a traceback, or get lost: in the import of an extension module, for one. Where Ctrl-C is
    ignored, as in a shell's background jobs, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raising() -> None:
    """From here on there may be something to undo: Ctrl-C is KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"cosim: interrupted\n")
    os._exit(EXIT_INTERRUPTED)
