"""SCNN on real masks, beside drawn ones of the same densities: `python -m studies.scnn_masks WEIGHTS.npz FILE.npz ...`.

The files are those of `studies.planes`: masks of weights (k, r, s, c), and for each image the inputs (h, w, c), of the
layers in turn by the same names; convolutions whose padding keeps the planes' size. The speed-up over DCNN for each
image shows what no drawing assumes. Drawn are layers of the same shapes, with the mean densities over the images.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from cosim.models.core import Operands
from cosim.models.core.chip_file import load_chip
from cosim.models.tensors import BitTensor, ConvShape, Stage

from .planes import Layers, read_images, read_weights
from .scnn import ROOT, WAYS, Row, Way, cycles, speed_ups

SEEDS = (1, 2)


def rows_of(files: Sequence[Layers], weights: Layers) -> list[Row]:
    """The layers, with the mean densities of their inputs."""
    rows = []
    for name, mask in files[0].items():
        (h, w, c), (k, r, s, _) = mask.shape, weights[name].shape
        inputs = mean(float(layers[name].mean()) for layers in files)
        shape = ConvShape(n=1, c=c, h=h, w=w, k=k, r=r, s=s, pad=r // 2)
        rows.append(Row(name, shape, inputs, float(weights[name].mean())))
    return rows


def real_speed_ups(files: Sequence[Layers], weights: Layers) -> list[float]:
    """Of SCNN over DCNN for each image."""
    scnn, dcnn = (load_chip(ROOT / f"scenarios/chips/{name}.yaml") for name in ("scnn", "dcnn"))
    rows = rows_of(files, weights)
    dense = cycles(dcnn, rows, Way(), 0)
    found = []
    for layers in files:
        taken = 0
        for row in rows:
            x, w = BitTensor.from_bool(layers[row.name][None]), BitTensor.from_bool(weights[row.name])
            taken += scnn.core.run(row.shape, Stage.FF, Operands(x, w, None, None)).cycles
        found.append(dense / taken)
    return found


def main(arguments: list[str], seeds: Sequence[int] = SEEDS) -> int:
    """Print the speed-ups."""
    missing = [file for file in arguments if not Path(file).is_file()]
    if len(arguments) < 2 or missing:
        what = f"{missing[0]}: no such file" if missing else "a file of weights and files of activations are wanted"
        print(f"{what}; real masks are not part of this project", file=sys.stderr)
        return 2
    try:
        files = read_images(arguments[1:])
        weights = read_weights(arguments[0], files[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    real = real_speed_ups(files, weights)
    print(f"real masks: {mean(real):.3f} ({min(real):.3f} to {max(real):.3f})", flush=True)
    rows = rows_of(files, weights)
    for name, way in WAYS.items():
        drawn = mean(speed_ups(rows, way, seeds))
        print(f"{name}: {drawn:.3f}, {100 * (drawn / mean(real) - 1):+.1f} %", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
