"""Check the timing laws on variations of a scenario; shrink what breaks one."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosim.cli.boundary import EXIT_FAILED, EXIT_USAGE, complain

if TYPE_CHECKING:
    from cosim.scenario import LoadedScenario

    from .training import TrainingScenario

__all__ = ["app"]

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)

_KIND = "training"


@app.command()
def fuzz(
    file: Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).")],
    examples: Annotated[
        int, typer.Option("--examples", "-n", min=0, help="Variations to check; 0: the scenario itself.")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the variations.")] = 0,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value; repeatable.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Simulate variations of a scenario (small workloads; other cores, memories and links) and check on each: every
    unit's time is accounted for; no order within an instant and no way of linking changes a result;
    multiply-accumulates are those that a count of the masks finds; nothing is faster than its multipliers and its data
    bus; DRAM commands keep the standard's rules; half as fast clocks take twice as long.

    What breaks one is shrunk to a minimal scenario, written beside the given one. Exit code 1 then.
    """
    from cosim.cli.progress import progress  # noqa: PLC0415
    from cosim.scenario import load_scenario  # noqa: PLC0415

    try:
        from . import fuzz as engine  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        complain("cosim fuzz: needs Hypothesis: pip install 'cosim-npu[testing]'")
        raise typer.Exit(EXIT_USAGE) from None
    scenario = load_scenario(file, override or [])
    if scenario.kind.kind != _KIND:
        complain(f"cosim fuzz: {file}: a scenario of kind '{scenario.kind.kind}'; expected '{_KIND}'")
        raise typer.Exit(EXIT_USAGE)
    if scenario.sweep is not None:
        complain(f"cosim fuzz: {file}: a sweep; expected one scenario, like the scenario.resolved.yaml of a point")
        raise typer.Exit(EXIT_USAGE)
    if not examples:
        if laws := engine.broken_laws(scenario.spec):  # type: ignore[arg-type]  # by its kind
            for law in laws:
                print(law)
            raise typer.Exit(EXIT_FAILED)
        print(f"{file}: all laws hold")
        return
    with progress(quiet=quiet) as report:
        failure = engine.fuzz(scenario.resolved(), examples, seed, report)
    if failure is None:
        print(f"{file}: all laws hold on {examples} variations, seed {seed}")
        return
    for law in failure.broken:
        print(law)
    written = _write(scenario, failure.spec)
    print(f"smallest scenario found: {written}")
    print(f"again: cosim fuzz {shlex.quote(str(written))} --examples 0")
    raise typer.Exit(EXIT_FAILED)


def _write(scenario: LoadedScenario, spec: TrainingScenario) -> Path:
    """The failing scenario in one file beside the one it varies."""
    from dataclasses import replace  # noqa: PLC0415

    from cosim.scenario.runner import resolved_yaml  # noqa: PLC0415

    path = scenario.file.with_name(f"{scenario.file.stem}.failing.yaml")
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(resolved_yaml(replace(scenario, spec=spec)))
    os.replace(partial, path)
    return path
