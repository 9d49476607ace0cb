"""The command line: one file a command, imported when it is used.

Results go to stdout, progress and messages to stderr. Exit codes: 0 success; 1 a check or comparison failed, or an
internal error; 2 a mistake in the scenario or the command line; 3 deadlock or limit reached; 130
interrupted. A sweep has the code of its first point that failed.
"""

from __future__ import annotations

from _cosim_start import leaving_at_once

__all__ = ["main"]


def main() -> None:
    """The `cosim` program, which starts in `_cosim_start`. Ctrl-C ends it at once until a command has begun something
    that it would have to undo, and says `raising()`."""
    leaving_at_once()
    from .app import app  # noqa: PLC0415  (imports take long)
    from .boundary import interrupted  # noqa: PLC0415

    try:
        app()
    except KeyboardInterrupt:
        interrupted()
