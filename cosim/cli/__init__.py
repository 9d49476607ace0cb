"""The command line: one file a command, imported when it is used.

Results go to stdout, progress and messages to stderr. Exit codes: 0 success; 1 a check or comparison failed, or an
internal error; 2 a mistake in the scenario or the command line; 3 deadlock or limit reached; 130
interrupted. A sweep has the code of its first point that failed.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the `cosim` program."""
    from .boundary import interrupted  # noqa: PLC0415  (so that Ctrl-C during the imports below is clean, too)

    try:
        from .app import app  # noqa: PLC0415

        app()
    except KeyboardInterrupt:
        interrupted()
