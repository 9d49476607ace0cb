"""Where errors become one clear message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import NoReturn

__all__ = [
    "EXIT_FAILED",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "boundary",
    "complain",
    "interrupted",
    "mistakes_named",
    "say_at_once",
]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What writing to an open file, or to stdout, fails with when the disk is full; such an error names no file."""


def _what_failed(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename is not None else str(error.strerror)


def complain(message: object) -> None:
    """To stderr, as it is."""
    print(message, file=sys.stderr, flush=True)


def say_at_once(message: str) -> None:
    """The same from a signal handler, which may have interrupted any other message."""
    os.write(2, f"{message}\n".encode())


def interrupted(consequence: str = "") -> NoReturn:
    """Leave after Ctrl-C."""
    complain("cosim: interrupted" + (f"; {consequence}" if consequence else ""))
    # Not sys.exit: interpreter shutdown could be interrupted again.
    sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)


def _show_warning(message: Warning | str, *_: object) -> None:
    complain(f"cosim: warning: {message}")


@contextlib.contextmanager
def boundary() -> Iterator[None]:
    """Turn what a command raises into a message on stderr and the exit code of that error.

    An exception with an integer `exit_code` is a message for the user (str() of it); any other is an internal error
    and shows its traceback.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        try:
            yield
        except KeyboardInterrupt:
            interrupted()
        except BrokenPipeError:
            # The reader of stdout has gone; give the interpreter's own flush somewhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(EXIT_FAILED)
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("typer", "click"):
                raise
            code = getattr(error, "exit_code", None)
            if isinstance(code, int):
                complain(error)
                sys.exit(code)
            if isinstance(error, OSError) and (error.filename is not None or error.errno in NO_ROOM):
                complain(f"cosim: {_what_failed(error)}")
                sys.exit(EXIT_FAILED)
            traceback.print_exc()
            complain("cosim: internal error; please report it with the lines above and `cosim doctor`")
            sys.exit(EXIT_FAILED)


@contextlib.contextmanager
def mistakes_named(command: str) -> Iterator[None]:
    """For `cosim COMMAND`: a wrong argument or file ends it with its message and EXIT_USAGE.

    What happens to stdout, an OSError that names no file, is no mistake of the arguments: see `boundary`.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in (errno.EPIPE, *NO_ROOM):
            raise
        complain(f"cosim {command}: {_what_failed(error)}")
    except KeyError as error:
        complain(f"cosim {command}: {error.args[0]}")
    except ValueError as error:
        complain(f"cosim {command}: {error}")
    else:
        return
    import typer  # noqa: PLC0415  (this module is imported first, so that Ctrl-C is clean while the others are)

    raise typer.Exit(EXIT_USAGE)
