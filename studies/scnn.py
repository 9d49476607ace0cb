"""SCNN's speed-up over its dense counterpart with masks as real layers have them: `python -m studies.scnn`.

The densities by layer of AlexNet, VGG16 and GoogLeNet are Timeloop's examples for SCNN, read from the file given, or
from `scnn_layer_densities.csv` in $COSIM_FACTS (`facts` where that is not set). Masks are drawn in four ways: every
element by itself; with channels that differ and go together as in a sparse MobileNet (`ChannelsSpec`); with
inputs that cluster in the plane as those of VGG16 do for photographs (`PlanesSpec`), too; and with the channels of
VGG16 as well. Nothing of it comes from SCNN, and a layer's densities are always its own. The published speed-ups are
those of Parashar et al., ISCA 2017. Over five seeds; half an hour.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np

from cosim.models.core import Operands
from cosim.models.core.chip_file import CoreChip, load_chip
from cosim.models.numerics.streams import Stream
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload.channels import channel_ranks, related_ranks
from cosim.models.workload.planes import clustered
from cosim.models.workload.schema import ChannelsSpec, PlanesSpec

from .channels import densities

ROOT = Path(__file__).parents[1]
FACTS = Path(os.environ.get("COSIM_FACTS", "facts")) / "scnn_layer_densities.csv"
NETWORKS = {"AlexNet": ("ALEX", 2.37), "VGG16": ("VGG", 3.52), "GoogLeNet": ("inception", 2.19)}
"""Of each network how the names of its layers begin, and the published speed-up."""
SEEDS = (1, 2, 3, 4, 5)


class Way(NamedTuple):
    """How masks are drawn: without `channels` all channels alike, without `planes` every element by itself."""

    channels: ChannelsSpec | None = None
    planes: PlanesSpec | None = None


VGG16 = ChannelsSpec(inputs=0.151, weights=0.026, correlation=0.098)
"""As measured in VGG16: its inputs' channels for eight photographs, its weights pruned by magnitude (docs/cores.md)."""

WAYS = {
    "every element by itself": Way(),
    "channels of a MobileNet": Way(ChannelsSpec()),
    "and planes of VGG16": Way(ChannelsSpec(), PlanesSpec()),
    "channels and planes of VGG16": Way(VGG16, PlanesSpec()),
}


class Row(NamedTuple):
    """A layer of the file."""

    name: str
    shape: ConvShape
    inputs: float
    weights: float


def read_rows(file: Path) -> list[Row]:
    """All layers: padding keeps the outputs' size, stride 1."""
    with file.open(newline="") as lines:
        return [
            Row(
                row["layer"],
                ConvShape(
                    n=1, c=int(row["C"]), h=int(row["P"]), w=int(row["Q"]), k=int(row["K"]),
                    r=int(row["R"]), s=int(row["S"]), pad=int(row["R"]) // 2,
                ),
                float(row["dI"]),
                float(row["dW"]),
            )
            for row in csv.DictReader(lines)
        ]  # fmt: skip


def draw(row: Row, way: Way, seed: int) -> Operands:
    """Masks of the layer's densities."""
    z, channels = row.shape, way.channels
    of_x, of_w = np.full(z.c, row.inputs), np.full(z.c, row.weights)
    if channels is not None:
        ranks = channel_ranks(seed, f"{row.name}/x", z.c)
        of_x = densities(ranks, row.inputs, channels.inputs, exact=True)
        related = related_ranks(seed, row.name, ranks, channels.correlation)
        of_w = densities(related, row.weights, channels.weights, exact=True)
    noise, of_weights = (
        Stream(seed, f"masks/{row.name}/{tensor}").uniform(int(np.prod(shape))).reshape(shape)
        for tensor, shape in (("x", z.x_shape), ("w", z.w_shape))
    )
    x, w = noise < of_x, of_weights < of_w
    if way.planes is not None:
        (x,) = clustered([x], noise, way.planes, Stream(seed, f"planes/{row.name}/x"))
    return Operands(BitTensor.from_bool(x), BitTensor.from_bool(w), None, None)


def cycles(chip: CoreChip, rows: Iterable[Row], way: Way, seed: int) -> int:
    """Of the layers' forward passes, one after the other."""
    return sum(chip.core.run(row.shape, Stage.FF, draw(row, way, seed)).cycles for row in rows)


def speed_ups(rows: Iterable[Row], way: Way, seeds: Iterable[int] = SEEDS) -> list[float]:
    """Of SCNN over DCNN, with the masks of each seed."""
    scnn, dcnn = (load_chip(ROOT / f"scenarios/chips/{name}.yaml") for name in ("scnn", "dcnn"))
    own = list(rows)
    dense = cycles(dcnn, own, Way(), 0)  # whatever the masks
    return [dense / cycles(scnn, own, way, seed) for seed in seeds]


def table(rows: Sequence[Row], seeds: Sequence[int] = SEEDS) -> list[list[str]]:
    """A row for each network: of the seeds the mean, the least and the most; the mean's distance from the published."""
    lines = [["network", "published", *(cell for way in WAYS for cell in (way, ""))]]
    for network, (beginning, published) in NETWORKS.items():
        own = [row for row in rows if row.name.startswith(beginning)]
        line = [network, f"{published}"]
        for way in WAYS.values():
            found = speed_ups(own, way, seeds)
            line += [f"{mean(found):.2f} ({min(found):.2f} to {max(found):.2f})", f"{mean(found) / published - 1:+.1%}"]
        lines.append(line)
        print(" | ".join(line), file=sys.stderr, flush=True)
    return lines


def main(arguments: list[str]) -> int:
    """Print the table."""
    file = Path(arguments[0]) if arguments else FACTS
    if not file.is_file():
        print(f"{file}: no such file; the layers' densities are not part of this project", file=sys.stderr)
        return 2
    for line in table(read_rows(file)):
        print("| " + " | ".join(line) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
