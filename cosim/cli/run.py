"""`cosim run`: simulate a scenario."""

from __future__ import annotations

import gc
import shlex
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..report import Report
    from ..scenario import RunResult

__all__ = ["run"]


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Scenario file (YAML).")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder.", show_default="runs/<FILE's name>")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed instead of the scenario's.", show_default=False)] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value; repeatable.")
    ] = None,
    shuffle_seed: Annotated[
        int | None,
        typer.Option(min=0, help="Shuffle the order of same-time events; no result may change.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of something else in the run folder.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run folder's checkpoint; start if there is none.")
    ] = False,
    checkpoint_every: Annotated[
        str,
        typer.Option(
            "--checkpoint-every", metavar="N|TIME|off", help="Iterations (100), or a time (30 s, 10 min, 2 h)."
        ),
    ] = "10 min",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Points of a sweep to run at once.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Simulate a scenario: results into a run folder, a summary on stdout.

    With a sweep: each point into a run folder in the run folder; those that are complete there are not run again.
    """
    from _cosim_start import raising  # noqa: PLC0415

    from ..report import build_report, html_page, plain_report, print_report  # noqa: PLC0415
    from ..scenario import load_scenario, run_scenario  # noqa: PLC0415
    from ..scenario.canonical import canonical_json  # noqa: PLC0415
    from ..scenario.checkpoint import CHECKPOINT, Every, RunInterrupted  # noqa: PLC0415
    from ..scenario.runner import command_line  # noqa: PLC0415
    from .boundary import complain, interrupted, mistakes_named, say_at_once  # noqa: PLC0415
    from .check import warnings_of  # noqa: PLC0415
    from .progress import progress  # noqa: PLC0415
    from .sweep import print_sweep, sweep  # noqa: PLC0415

    reports: list[Report] = []

    def page(result: RunResult) -> bytes | None:
        try:
            reports.append(build_report(result))
            return None if no_report else html_page(reports[0])
        except Exception as error:  # hours of simulation are not lost for a plot
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
            complain(f"cosim: warning: the report failed: {what}; the results are complete")
            reports[:] = [plain_report(result)]
            return None

    with mistakes_named("run --checkpoint-every"):
        every = Every.parse(checkpoint_every)
    if resume and force:
        raise typer.BadParameter("--resume goes on, --force starts again: one of them")
    overrides = [*(override or []), *([f"seed={seed}"] if seed is not None else [])]
    scenario = load_scenario(file, overrides)
    if not quiet:
        for message in warnings_of(scenario):
            complain(f"{file}: warning: {message}")
    raising()
    folder = out if out is not None else Path("runs") / file.stem
    if scenario.sweep is not None:
        swept = sweep(
            scenario,
            folder,
            jobs=jobs,
            shuffle_seed=shuffle_seed,
            force=force,
            every=every,
            no_report=no_report,
            quiet=quiet,
        )
        print_sweep(swept, as_json=as_json, quiet=quiet)
        raise typer.Exit(swept.exit_code)
    if jobs > 1:
        raise typer.BadParameter(f"--jobs: {file} has no sweep")
    # NOTE: 3 % of a step of ResNet-18, 4 % of a training on the digits. A run makes millions of objects and few cycles;
    # looked for after every 700 objects, they were hardly ever found. For this process only: a library does not decide.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        with progress(quiet=quiet) as report_progress:
            result = run_scenario(
                scenario,
                folder,
                shuffle_seed=shuffle_seed,
                progress=report_progress,
                argv=command_line(),
                report=page,
                force=force,
                resume=resume,
                every=every,
                stopping=lambda: say_at_once("cosim: stopping after this iteration; once more to stop at once"),
            )
    except RunInterrupted as stopped:
        interrupted(f"{stopped.done} of {stopped.total} iterations are kept; go on with: {_resuming(command_line())}")
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            interrupted(f"the last checkpoint is kept; go on with: {_resuming(command_line())}")
        interrupted(f"{folder} is as it was before")
    # The run is complete: to exit with 130 now would say that it is not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if as_json:
        sys.stdout.write(canonical_json(result.summary).decode())
    else:
        print_report(reports[0])
    if not quiet:
        written = folder / "report.html"
        complain(f"cosim: wrote {folder}" + (f"; open {written}" if written.is_file() else ""))


def _resuming(arguments: list[str]) -> str:
    """The command that goes on with this one."""
    kept = [argument for argument in arguments if argument not in ("--force", "--resume")]
    return shlex.join([*kept, "--resume"])
