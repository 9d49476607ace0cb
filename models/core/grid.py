"""Chips against each other over a grid of densities: one layer, its three stages, with and without batch normalisation.

The layer is conv3_x of ResNet-18, a single image. At a point of the grid X has the density `activations`, W `weights`,
and a share `coarse` of the zero weights lies in coarse units. The error dY is as dense as X (the ReLU behind the layer
cuts it off), or dense where batch normalisation stands between layer and ReLU. BP needs dX where X is not zero (the
ReLU in front of the layer), WG needs dW where W is not zero.

The **bound** of a stage is what skipping the zeros of two operands at once can give over a dense chip: the inverse of
the product of the two densities, for the best two of those that the stage can skip.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..numerics.streams import Stream
from ..tensors import BitTensor, ConvShape, Stage
from .chip_file import CoreChip
from .layer_core import LayerRun
from .layers import stage_operands
from .masks import MaskSpec
from .operands import Operands

LAYER = ConvShape(n=1, c=128, h=28, w=28, k=128, r=3, s=3, pad=1)
DENSITIES = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
COARSE_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
UNIT = (4, 4)

_FIXED = ("batch_norm", "stage", "activations", "weights", "coarse", "bound")


@dataclass(frozen=True)
class Point:
    """What one stage took on each chip. `ways`: what each skipped."""

    batch_norm: bool
    stage: Stage
    activations: float
    weights: float
    coarse: float
    cycles: tuple[int, ...]
    ways: tuple[str, ...]

    @property
    def bound(self) -> float:
        """See the module's docstring; over a dense chip."""
        return bound(self.stage, self.activations, self.weights, self.batch_norm)


def bound(stage: Stage, activations: float, weights: float, batch_norm: bool) -> float:
    """See the module's docstring."""
    error = 1.0 if batch_norm else activations
    # FF: X, W. BP: dY, W, dX. WG: X, dY, dW.
    operands = {
        Stage.FF: (activations, weights),
        Stage.BP: (error, weights, activations),
        Stage.WG: (activations, error, weights),
    }[stage]
    thinnest = sorted(operands)[:2]
    return 1.0 / (thinnest[0] * thinnest[1])


def cases(densities: Sequence[float], shares: Sequence[float]) -> Iterator[tuple[bool, Stage, float, float, float]]:
    """The points: each (batch_norm, stage, activations, weights, coarse) once that differs from the others. FF is the
    same with batch normalisation, and without zero weights none of them is coarse."""
    for batch_norm in (False, True):
        for stage in Stage:
            if batch_norm and stage is Stage.FF:
                continue
            for activations in densities:
                for weights in densities:
                    for coarse in shares if weights < 1.0 else shares[:1]:
                        yield batch_norm, stage, activations, weights, coarse


def run(
    chips: Sequence[CoreChip],
    points: Iterable[tuple[bool, Stage, float, float, float]],
    *,
    seed: int = 1,
    progress: Callable[[], None] = lambda: None,
) -> Iterator[Point]:
    """Run every chip at every point, in order. The masks of a density are the same at all points.
    ValueError, with the chip's name, for a chip that cannot run the layer."""
    for batch_norm, stage, activations, weights, coarse in points:
        error = 1.0 if batch_norm else activations
        operands = stage_operands(
            x=_drawn(seed, "x", LAYER.x_shape, activations),
            w=_drawn(seed, "w", LAYER.w_shape, weights, coarse),
            dy=_drawn(seed, "dy", LAYER.y_shape, error),
        )[stage]
        runs = [_ran(chip, stage, operands) for chip in chips]
        progress()
        yield Point(
            batch_norm,
            stage,
            activations,
            weights,
            coarse,
            tuple(each.cycles for each in runs),
            tuple(each.way for each in runs),
        )


def _ran(chip: CoreChip, stage: Stage, operands: Operands) -> LayerRun:
    try:
        return chip.core.run(LAYER, stage, operands)
    except ValueError as error:
        raise ValueError(f"{chip.name}: stage {stage}: {error}") from None


def _drawn(seed: int, name: str, shape: tuple[int, ...], density: float, coarse: float = 0.0) -> BitTensor:
    mask = MaskSpec.model_validate({"density": density, "coarse": coarse, "unit": list(UNIT)})
    return BitTensor.from_bool(mask.draw(shape, Stream(seed, f"grid/{name}/{density}/{coarse}")))


# ---- files ----------------------------------------------------------------------------------------------------


def write_csv(path: Path, names: Sequence[str], points: Sequence[Point]) -> None:
    """A line a point: its place, the bound, cycles and way of each chip."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*_FIXED, *(f"{name} cycles" for name in names), *(f"{name} skips" for name in names)])
        for p in points:
            place = ["yes" if p.batch_norm else "no", str(p.stage), p.activations, p.weights, p.coarse]
            writer.writerow([*place, f"{p.bound:.6g}", *p.cycles, *p.ways])


def read_csv(path: Path) -> tuple[list[str], list[Point]]:
    """The chips' names and the points of a file of `write_csv`."""
    with path.open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    chips = (len(head) - len(_FIXED)) // 2
    names = [title.removesuffix(" cycles") for title in head[len(_FIXED) : len(_FIXED) + chips]]
    points = []
    for row in rows:
        cells = row[len(_FIXED) :]
        points.append(
            Point(
                row[0] == "yes",
                Stage(row[1]),
                float(row[2]),
                float(row[3]),
                float(row[4]),
                tuple(map(int, cells[:chips])),
                tuple(cells[chips:]),
            )
        )
    return names, points


# ---- what the grid says ---------------------------------------------------------------------------------------

Place = tuple[bool, float, float, float]
"""(batch_norm, activations, weights, coarse)."""


def training_steps(points: Sequence[Point]) -> dict[Place, tuple[int, ...]]:
    """Cycles of FF, BP and WG together on each chip, by place."""
    by_place = {(p.batch_norm, p.stage, p.activations, p.weights, p.coarse): p.cycles for p in points}
    result: dict[Place, tuple[int, ...]] = {}
    for (batch_norm, stage, *rest), cycles in by_place.items():
        if stage is not Stage.WG:
            continue
        activations, weights, coarse = rest
        others = [by_place[False, Stage.FF, activations, weights, coarse]]
        others.append(by_place[batch_norm, Stage.BP, activations, weights, coarse])
        result[batch_norm, activations, weights, coarse] = tuple(map(sum, zip(cycles, *others, strict=True)))
    return result


def markdown(names: Sequence[str], points: Sequence[Point]) -> str:
    """The tables of the documentation: the first chip's speed-up over the others, per stage and for all three."""
    lines: list[str] = []
    shares = sorted({p.coarse for p in points})
    steps = training_steps(points)
    for batch_norm in (False, True):
        title = "With batch normalisation: dY dense" if batch_norm else "Without batch normalisation: dY as dense as X"
        lines += [f"**{title}**", ""]
        heads = [f"{stage} {what}" for stage in map(str.upper, Stage) for what in ("bound", *names[1:])]
        heads += [f"step {name}" for name in names[1:]]
        lines.append("| X | W | coarse | " + " | ".join(heads) + " |")
        lines.append("|" + "---|" * (3 + len(heads)))
        for activations, weights in ((0.5, 0.5), (0.5, 0.1), (0.25, 0.1), (0.1, 0.1), (0.05, 0.05), (0.02, 0.02)):
            for coarse in (shares[0], shares[len(shares) // 2], shares[-1]):
                cells: list[float] = []
                for stage in Stage:
                    here = _at(points, batch_norm and stage is not Stage.FF, stage, activations, weights, coarse)
                    cells += [here.bound, *(other / here.cycles[0] for other in here.cycles[1:])]
                step = steps[batch_norm, activations, weights, coarse]
                cells += [other / step[0] for other in step[1:]]
                numbers = " | ".join(f"{cell:.3g}" if cell < 100 else f"{cell:.0f}" for cell in cells)
                lines.append(f"| {activations:g} | {weights:g} | {coarse:g} | {numbers} |")
        lines.append("")
    return "\n".join(lines)


def _at(points: Sequence[Point], *place: object) -> Point:
    for p in points:
        if (p.batch_norm, p.stage, p.activations, p.weights, p.coarse) == place:
            return p
    raise LookupError(f"no point {place}")
