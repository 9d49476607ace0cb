"""`cosim run` of a scenario with a sweep: what it says while it runs, and at the end."""

from __future__ import annotations

import shlex
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from .boundary import complain, interrupted, say_at_once

if TYPE_CHECKING:
    from ..scenario import Every, LoadedScenario, RunResult, SweepPoint, SweepResult

__all__ = ["point_page", "print_sweep", "sweep"]


def sweep(
    scenario: LoadedScenario,
    folder: Path,
    *,
    jobs: int,
    shuffle_seed: int | None,
    force: bool,
    every: Every,
    no_report: bool,
    quiet: bool,
) -> SweepResult:
    """Run it into `folder`; ends the program when it is interrupted."""
    from ..scenario import SweepInterrupted, run_sweep  # noqa: PLC0415
    from ..scenario.runner import command_line  # noqa: PLC0415
    from .progress import progress  # noqa: PLC0415

    assert scenario.sweep is not None
    total = len(scenario.sweep.points)

    def begun(point: SweepPoint) -> None:
        if not quiet:
            complain(f"cosim: point {point.index + 1} of {total}: {point.name}")

    try:
        with progress(quiet=quiet or jobs > 1) as report_progress:
            result = run_sweep(
                scenario,
                folder,
                jobs=jobs,
                shuffle_seed=shuffle_seed,
                progress=report_progress,
                argv=command_line(),
                report=None if no_report else point_page,
                page=None if no_report else _whole_page,
                force=force,
                every=every,
                begun=begun,
                stopping=lambda: say_at_once("cosim: stopping; once more to stop at once"),
            )
    except SweepInterrupted as stopped:
        again = shlex.join([argument for argument in command_line() if argument != "--force"])
        interrupted(f"{stopped.done} of {stopped.total} points are complete; go on with: {again}")
    except KeyboardInterrupt:
        interrupted("finished points are kept")
    # The sweep is complete: to exit with 130 now would say that it is not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return result


def print_sweep(result: SweepResult, *, as_json: bool, quiet: bool) -> None:
    """The table of its points on stdout; what failed, and where it is, on stderr."""
    from ..report import print_report, sweep_report  # noqa: PLC0415

    if as_json:
        sys.stdout.write(result.to_json().decode())
    else:
        print_report(sweep_report(result))
    failed = [point for point in result.points if point.failure is not None]
    for point in failed:
        assert point.failure is not None
        if point.failure.details:
            complain(point.failure.details.rstrip())
        complain(f"cosim: point {point.folder} failed: {point.failure.message}")
    if failed:
        complain(f"cosim: {len(failed)} of {len(result.points)} points failed; run it again to try these again")
    if not quiet:
        written = result.folder / "report.html"
        complain(f"cosim: wrote {result.folder}" + (f"; open {written}" if written.is_file() else ""))


def point_page(result: RunResult) -> bytes | None:
    """The page of one point; None, and a warning, if it cannot be made."""
    from ..report import build_report, html_page  # noqa: PLC0415

    try:
        return html_page(build_report(result))
    except Exception as error:  # hours of simulation are not lost for a plot
        _warn(error)
        return None


def _whole_page(result: SweepResult) -> bytes | None:
    from ..report import html_page, sweep_report  # noqa: PLC0415

    try:
        return html_page(sweep_report(result))
    except Exception as error:
        _warn(error)
        return None


def _warn(error: Exception) -> None:
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    complain(f"cosim: warning: the report failed: {what}; the results are complete")
