"""Run single layers on the core of any chip file: cycles, utilisation and skips, without the rest of the system."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cosim.cli.boundary import complain, mistakes_named
from cosim.scenario import Position, Problem, ScenarioError

from ..tensors import Stage
from .chip_file import CoreChip, load_chip
from .layer_core import SKIPS, LayerRun
from .layers import Layer, read_layers

__all__ = ["app"]

SCHEMA_VERSION = 1

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _group() -> None:
    pass


@dataclass(frozen=True)
class Replayed:
    """A layer's stage on the chip, and on the baseline if there is one."""

    layer: Layer
    stage: Stage
    run: LayerRun
    baseline: LayerRun | None


@app.command("replay")
def replay_command(
    layers: Annotated[
        Path, typer.Argument(help="Layers: JSON or YAML (masks, densities, counts), or CSV (densities).")
    ],
    chip: Annotated[Path, typer.Option("--chip", help="Chip file: a whole chip, or one with a `core:` of some kind.")],
    baseline: Annotated[Path | None, typer.Option("--baseline", help="Another chip file to compare with.")] = None,
    only: Annotated[str, typer.Option("--layers", metavar="PATTERN", help="Names of layers, e.g. 'VGG_*'.")] = "*",
    stage: Annotated[
        list[Stage] | None, typer.Option("--stage", help="ff, bp or wg; repeatable. All by default.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of masks drawn from densities and counts.", min=0)] = 1,
    density: Annotated[
        float | None, typer.Option("--density", help="Draw all tensors at this density instead.", min=0, max=1)
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the chip; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run layers on a chip's core: operands at hand, no memories, no network.

    A layer runs the stages that it has operands for and that the core is modelled for.
    """
    device = load_chip(chip, override or ())
    other = load_chip(baseline) if baseline is not None else None
    with mistakes_named("core"):
        found = read_layers(layers, seed=seed, only=only, density=density)
    results = replay(found, device, other, stage or tuple(Stage))
    summary = _summary(layers, seed, device, other, results)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _print(summary, device)


@app.command("grid")
def grid_command(
    chips: Annotated[list[Path], typer.Argument(metavar="CHIP...", help="Chip files: the first against the others.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for grid.csv, tables.md and plots (with matplotlib).")],
    seed: Annotated[int, typer.Option("--seed", help="Of the masks.", min=0)] = 1,
) -> None:
    """Run one layer's three stages over a grid of densities of activations and weights and coarse shares of the zeros,
    with and without batch normalisation; write cycles, tables and plots."""
    from . import grid, grid_plots  # noqa: PLC0415  (on use)

    devices = [load_chip(chip) for chip in chips]
    with mistakes_named("core"):
        if len(devices) < 2:
            raise ValueError("expected at least two chips to compare")
        for device in devices:
            if missing := [stage for stage in Stage if stage not in device.core.stages]:
                raise ValueError(f"{device.name} is not modelled for {_listed(missing)}, which the grid has")
        if (there := next(path for path in (out, *out.absolute().parents) if path.exists())) and not there.is_dir():
            raise ValueError(f"{there}: not a folder")
        points = list(grid.run(devices, grid.cases(grid.DENSITIES, grid.COARSE_SHARES), seed=seed))
        names = [device.name for device in devices]
        out.mkdir(parents=True, exist_ok=True)
        grid.write_csv(out / "grid.csv", names, points)
        (out / "tables.md").write_text(grid.markdown(names, points), encoding="utf-8")
        try:
            grid_plots.draw(out, names, points)
        except ImportError:
            complain("cosim core: no plots without matplotlib; install the extra 'report'")
    print(f"{len(points)} points in {out / 'grid.csv'}")


def replay(
    layers: Sequence[Layer], device: CoreChip, baseline: CoreChip | None, stages: Sequence[Stage]
) -> list[Replayed]:
    """A layer without operands for any of `stages` is left out. Raises ScenarioError for layers that a core cannot run,
    and where nothing is left to run."""
    results: list[Replayed] = []
    problems: list[Problem] = []
    chips = [device] if baseline is None else [device, baseline]
    able = [stage for stage in Stage if all(stage in each.core.stages for each in chips)]
    for layer in layers:
        asked = [stage for stage in layer.operands if stage in stages]
        wanted = [stage for stage in asked if stage in able]
        if not wanted and (asked or len(layers) == 1):
            message = f"no stage to run: it has operands for {_listed(layer.operands)}, the core runs {_listed(able)}"
            problems.append(Problem(layer.place, layer.name, message))
        for stage in wanted:
            try:
                runs = [each.core.run(layer.shape, stage, layer.operands[stage]) for each in chips]
            except ValueError as error:
                problems.append(Problem(layer.place, layer.name, f"stage {stage}: {error}"))
            else:
                results.append(Replayed(layer, stage, runs[0], runs[1] if baseline is not None else None))
    if not results and not problems:
        message = f"no layer has operands for {_listed(stages)}"
        problems.append(Problem(Position(layers[0].place.source), "", message))
    if problems:
        raise ScenarioError(problems)
    return results


def _listed(names: Any) -> str:
    return " and ".join(map(str, names)) or "none"


def _summary(
    file: Path, seed: int, device: CoreChip, baseline: CoreChip | None, results: Sequence[Replayed]
) -> dict[str, Any]:
    rows = []
    for each in results:
        row: dict[str, Any] = {"layer": each.layer.name, "stage": str(each.stage), **_figures([each.run])}
        row["way"] = each.run.way
        row["events"] = dict(each.run.events)
        if each.layer.published_cycles is not None:
            row["published_cycles"] = each.layer.published_cycles
        if each.baseline is not None:
            row |= _compared([each])
        rows.append(row)
    total = _figures([each.run for each in results])
    if baseline is not None:
        total |= _compared(results)
    return {
        "schema_version": SCHEMA_VERSION,
        "layers_file": str(file),
        "seed": seed,
        "chip": device.name,
        "baseline": None if baseline is None else baseline.name,
        "assumed": device.assumed,
        "layers": rows,
        "total": total,
    }


def _figures(runs: Sequence[LayerRun]) -> dict[str, Any]:
    cycles = sum(run.cycles for run in runs)
    macs = sum(run.macs for run in runs)
    slots = sum(run.cycles * run.multipliers for run in runs)
    return {
        "cycles": cycles,
        "dense_macs": sum(run.dense_macs for run in runs),
        "macs": macs,
        "utilisation": round(macs / slots, 6) if slots else 0.0,
        "skipped": {name: count for name in SKIPS if (count := sum(run.skipped.get(name, 0) for run in runs))},
    }


def _compared(results: Sequence[Replayed]) -> dict[str, Any]:
    cycles = sum(each.run.cycles for each in results)
    baseline = sum(each.baseline.cycles for each in results if each.baseline is not None)
    return {"baseline_cycles": baseline, "speed_up": round(baseline / cycles, 4) if cycles else None}


def _print(summary: dict[str, Any], device: CoreChip) -> None:
    from cosim.report.blocks import Column, Note, Report, Section, Table  # noqa: PLC0415  (rich, on use)
    from cosim.report.terminal import print_report  # noqa: PLC0415

    rows = [*summary["layers"], summary["total"] | {"layer": "total", "stage": ""}]
    skips = [name for name in SKIPS if name in summary["total"]["skipped"]]
    published = any("published_cycles" in row for row in rows)
    columns = [Column("layer"), Column("stage"), Column("cycles")]
    columns += [Column("published")] * published
    columns += [Column("multiplied"), Column("of dense", "%", 3), Column("utilisation", "%", 3)]
    columns += [Column(name.removeprefix("skipped_") + " zero", "%", 3) for name in skips]
    columns += [Column(f"{summary['baseline']} cycles"), Column("speed-up", "x", 3)] * (summary["baseline"] is not None)
    cells: list[list[Any]] = []
    for row in rows:
        dense = row["dense_macs"]
        counts = [row["macs"], *(row["skipped"].get(name, 0) for name in skips)]
        line = [row["layer"], row["stage"], row["cycles"]]
        line += [row.get("published_cycles")] * published
        # A layer whose filters see nothing but padding has no MAC.
        shares = [100 * count / dense if dense else None for count in counts]
        line += [row["macs"], shares[0], 100 * row["utilisation"], *shares[1:]]
        if summary["baseline"] is not None:
            line += [row["baseline_cycles"], row["speed_up"]]
        cells.append(line)
    names = list(dict.fromkeys(name for row in summary["layers"] for name in row["events"]))
    ways = len({row["way"] for row in summary["layers"]}) > 1
    events = Table(
        [
            Column("layer"),
            Column("stage"),
            *([Column("skips")] * ways),
            *(Column(name.replace("_", " ")) for name in names),
        ],
        [
            [row["layer"], row["stage"], *([row["way"]] * ways), *(row["events"].get(name) for name in names)]
            for row in summary["layers"]
        ],
    )
    way = "" if ways else f"; skips {summary['layers'][0]['way']}"
    blocks = [Section("Events", [events])]
    if device.assumed:
        blocks.append(Section("Assumed, not published", [Note(", ".join(device.assumed))]))
    print_report(
        Report(
            title=f"{summary['layers_file']} on {summary['chip']}",
            subtitle=f"the core alone, operands at hand{way}; seed {summary['seed']}",
            sections=[Section("Layers", [Table(columns, cells, total=True)]), *blocks],
        )
    )
