"""`cosim check`: validate a scenario without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["check"]


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Scenario file (YAML).")],
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value; repeatable.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too (exit code 2).")] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the scenario with references and defaults filled in.")
    ] = False,
) -> None:
    """Validate a scenario and everything it refers to: all mistakes at once, each with file, line and column."""
    import warnings  # noqa: PLC0415

    from ..registry import registry  # noqa: PLC0415
    from ..scenario import load_scenario  # noqa: PLC0415
    from ..scenario.runner import resolved_yaml  # noqa: PLC0415
    from .boundary import EXIT_USAGE, complain  # noqa: PLC0415

    registry()  # warns of broken plug-ins, which are no fault of the scenario
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scenario = load_scenario(file, override or [])
        found = [str(warning.message) for warning in caught]
    if scenario.kind.check is not None:
        found += scenario.kind.check(scenario.spec)
    for message in found:
        complain(f"{file}: warning: {message}")
    if strict and found:
        raise typer.Exit(EXIT_USAGE)
    if resolved:
        print(resolved_yaml(scenario).decode(), end="")
    else:
        print(f"{file}: ok: {scenario.kind.kind} scenario '{scenario.name}', {len(scenario.inputs)} file(s)")
