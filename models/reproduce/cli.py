"""Reproduce the published numbers of the modelled chips: claim by claim, with what is assumed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cosim.cli.boundary import complain, interrupted, mistakes_named

from .claim_files import RECORD, claim_files

__all__ = ["app"]

RESULTS = "results.json"
RESULTS_OF_SOME = "results-only.json"
POINTS = "points"

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def command(
    folder: Annotated[
        Path, typer.Option("--claims", help="Folder of claim files.", exists=True, file_okay=False)
    ] = Path("scenarios/reproduce"),
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="One claim: its file's name without .yaml; repeatable.", show_default="all"),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Where results go (with --only results-only.json), and finished points, which are not run again.",
        ),
    ] = Path("runs/reproduce"),
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Run every claim's points and print published and simulated values side by side.

    A number that does not agree is a finding, not a failure: the exit status is 0.
    """
    with mistakes_named("reproduce"):
        files = claim_files(folder, only or ())  # a wrong name is answered at once: what follows takes seconds to load
        from cosim.cli.progress import progress  # noqa: PLC0415
        from cosim.report import Report, print_report  # noqa: PLC0415
        from cosim.scenario.canonical import canonical_json  # noqa: PLC0415

        from .claims import load_claims, reproduce  # noqa: PLC0415
        from .report import claim_sections, in_order, overview  # noqa: PLC0415
        from .workers import check_writable, write_whole  # noqa: PLC0415

        chosen = load_claims(folder, only or ())
        # Of some of the claims: beside the results of all, not in their place.
        place = out / (RESULTS if len(files) == len(claim_files(folder)) else RESULTS_OF_SOME)
        check_writable(out, place.name)
        try:
            with progress(quiet=quiet) as report_progress:
                results = reproduce(chosen, out / POINTS, workers=workers, progress=report_progress)
        except KeyboardInterrupt:
            interrupted(f"finished points are kept in {out / POINTS}; the same command goes on from there")
        write_whole(place, canonical_json(results))
    if as_json:
        sys.stdout.write(canonical_json(results).decode())
    else:
        sections = [section for _, result in in_order(results) for section in claim_sections(result)]
        report = Report(
            title="Published numbers, reproduced",
            subtitle=f"{results['points']} simulations; assumptions and their ranges: {folder / RECORD}",
            figures=[],
            sections=[overview(results), *sections],
        )
        print_report(report)
    if not quiet:
        complain(f"cosim: wrote {place}")
