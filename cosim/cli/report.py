"""`cosim report`: render a run folder, or the folder of a sweep, again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder, or that of a sweep.")],
    no_html: Annotated[bool, typer.Option("--no-html", help="Only print; leave report.html as it is.")] = False,
) -> None:
    """Render the report of a finished run again: on stdout and as report.html in its folder."""
    from ..report import build_report, html_page, print_report, sweep_report  # noqa: PLC0415
    from ..scenario import RunResult, SweepResult  # noqa: PLC0415
    from ..scenario.sweep_result import SWEEP_JSON  # noqa: PLC0415
    from .boundary import complain  # noqa: PLC0415

    if (folder / SWEEP_JSON).is_file():
        built = sweep_report(SweepResult.load(folder))
    else:
        built = build_report(RunResult.load(folder))
    if not no_html:
        page = folder / "report.html"
        partial = folder / ".report.html.partial"
        partial.write_bytes(html_page(built))
        os.replace(partial, page)
        complain(f"cosim: wrote {page}")
    print_report(built)
