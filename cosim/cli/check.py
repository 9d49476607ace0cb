"""`cosim check`: validate a scenario, or a part of one, without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..scenario import LoadedScenario

__all__ = ["check", "warnings_of"]


def check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Scenario file, or one that it names: a chip, a memory, a network ... (YAML)."
        ),
    ],
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value; repeatable.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too (exit code 2).")] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print it with references and defaults filled in.")
    ] = False,
) -> None:
    """Validate a file and everything it refers to: all mistakes at once, each with file, line and column.

    What it describes is told by its keys: a scenario, a chip, a memory, an energy table, a network, a schedule ...
    """
    import warnings  # noqa: PLC0415

    from ..registry import registry  # noqa: PLC0415
    from ..scenario import LoadedScenario, load_described  # noqa: PLC0415
    from ..scenario.runner import resolved_yaml  # noqa: PLC0415
    from .boundary import EXIT_USAGE, complain  # noqa: PLC0415

    registry()  # warns of broken plug-ins, which are no fault of the scenario
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = load_described(file, override or [])
        found = [str(warning.message) for warning in caught]
    what = f"{loaded.kind.kind} scenario" if isinstance(loaded, LoadedScenario) else loaded.what
    if isinstance(loaded, LoadedScenario):
        found += warnings_of(loaded)
    for message in dict.fromkeys(found):
        complain(f"{file}: warning: {message}")
    if strict and found:
        raise typer.Exit(EXIT_USAGE)
    if resolved:
        print(resolved_yaml(loaded).decode(), end="")
    else:
        sweep = loaded.sweep if isinstance(loaded, LoadedScenario) else None
        points = f", a sweep of {len(sweep.points)} point(s)" if sweep is not None else ""
        print(f"{file}: ok: {what} '{loaded.name}', {len(loaded.inputs)} file(s){points}")


def warnings_of(scenario: LoadedScenario) -> list[str]:
    """What the scenario's kind warns of, at any point of a sweep, each once."""
    from ..scenario import sweep_points  # noqa: PLC0415

    check = scenario.kind.check
    return (
        [] if check is None else list(dict.fromkeys(text for one in sweep_points(scenario) for text in check(one.spec)))
    )
