"""How unevenly the non-zeros of real activations lie in their planes: `python -m studies.planes FILE.npz ...`.

Each file holds, for one image, the inputs of layers by name, (h, w, c): values, of which what is not zero counts, or
masks; values behind a ReLU. The plane is cut into T x T tiles, as even as possible. Of the tiles' densities two
variances are taken, as shares of the largest, the mean over channels of d (1 - d):

    own      that of a single channel, the mean over channels
    common   the covariance of two different channels, the mean over pairs: what does not average out over channels

Independent elements have 1 over the tile's size, and 0. Also the fullest tile's non-zeros over the mean tile's.

Fitted are the two parameters of `PlanesSpec`: `persistence` by least squares of the logarithm of `own`, T = 2, 4 and 8,
over all layers (a parabola through the least of a grid and its neighbours); then `common` so that the sum of `common`
over layers, files and T = 2, 4 and 8 is the measured one. The real masks' own counts are placed for that by the model,
so that how dense channels are has no part in it.

With `--weights FILE.npz` in front, masks (k, r, s, c) of pruned weights by the same names, `ChannelsSpec` is fitted,
too: means over layers and files of the moments' estimates of `studies.channels`.
"""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cosim.models.numerics.streams import Stream
from cosim.models.workload.planes import clustered
from cosim.models.workload.schema import ChannelsSpec, PlanesSpec

from .channels import spread

Mask = npt.NDArray[np.bool_]
Float64Array = npt.NDArray[np.float64]
Layers = Mapping[str, Mask]

TILES = (2, 4, 8)
GRID = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)


class Unevenness(NamedTuple):
    """Of the tiles of a layer; see the module."""

    own: float
    common: float
    fullest: float


def unevenness(mask: Mask, tiles: int) -> Unevenness:
    """Of a mask (h, w, c) cut into tiles x tiles.

    ValueError for a plane smaller than that, for a single channel, or where all channels are full or empty.
    """
    rows, columns, channels = mask.shape
    if min(rows, columns) < tiles or channels < 2:
        raise ValueError(f"{tiles} x {tiles} tiles of at least 2 channels, got {mask.shape}")
    tops, lefts = ([size * i // tiles for i in range(tiles)] for size in (rows, columns))
    sums = np.add.reduceat(np.add.reduceat(mask.astype(np.int64), tops, axis=0), lefts, axis=1)
    sizes = np.outer(np.diff([*tops, rows]), np.diff([*lefts, columns]))
    densities = sums / sizes[:, :, None]
    of_channels = mask.mean(axis=(0, 1))
    largest = float(np.mean(of_channels * (1.0 - of_channels)))
    if largest == 0.0:
        raise ValueError(f"channels that are neither full nor empty are wanted, got none in {mask.shape}")
    own = float(densities.var(axis=(0, 1)).mean()) / largest
    of_mean = float(densities.mean(axis=2).var()) / largest
    in_all = densities.mean(axis=2)
    common = (of_mean - own / channels) * channels / (channels - 1)
    return Unevenness(own, common, float(in_all.max() / in_all.mean()))


def measured(layers: Layers) -> dict[tuple[str, int], Unevenness]:
    """Of all layers that are large enough, by name and tiles a side."""
    return {
        (name, tiles): unevenness(mask, tiles)
        for name, mask in layers.items()
        for tiles in TILES
        if min(mask.shape[:2]) >= tiles
    }


def drawn(layers: Layers, planes: PlanesSpec, seed: int) -> dict[str, Mask]:
    """Masks with the same counts, placed by the model."""
    placed = {}
    for name, mask in layers.items():
        noise = Stream(seed, f"noise/{name}").uniform(mask.size).reshape(1, *mask.shape)
        placed[name] = clustered([mask[None]], noise, planes, Stream(seed, f"planes/{name}"))[0][0]
    return placed


def mean_of(found: Sequence[Mapping[tuple[str, int], Unevenness]]) -> dict[tuple[str, int], Unevenness]:
    """The means over files."""
    return {key: Unevenness(*np.mean([one[key] for one in found], axis=0).tolist()) for key in found[0]}


def fit(files: Sequence[Layers], *, common: float = 0.05, grid: Sequence[float] = GRID) -> PlanesSpec:
    """See the module. `common`: where the linear search for it starts; ValueError for a least at the grid's end."""
    real = mean_of([measured(layers) for layers in files])

    def model(planes: PlanesSpec) -> dict[tuple[str, int], Unevenness]:
        return mean_of([measured(drawn(layers, planes, seed)) for seed, layers in enumerate(files)])

    def miss(persistence: float) -> float:
        found = model(PlanesSpec(persistence=persistence, common=common))
        return float(sum(np.log(found[key].own / real[key].own) ** 2 for key in real))

    misses = [miss(persistence) for persistence in grid]
    at = int(np.argmin(misses))
    if at in (0, len(grid) - 1):
        raise ValueError(f"the least miss is at the end of the grid, {grid[at]}")
    a, b, _ = np.polyfit(grid[at - 1 : at + 2], misses[at - 1 : at + 2], 2)
    persistence = float(-b / (2.0 * a))
    found = model(PlanesSpec(persistence=persistence, common=common))
    ratio = sum(one.common for one in real.values()) / sum(one.common for one in found.values())
    return PlanesSpec(persistence=persistence, common=min(1.0, max(0.0, common * ratio)))


def correlation(inputs: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """The covariance over that of equal ranks among the shares themselves: a channel has hundreds of weights here, so
    that the noise in a share is small beside how channels differ (otherwise see `studies.channels`)."""
    most = np.mean(np.sort(inputs) * np.sort(weights)) - inputs.mean() * weights.mean()
    return float((np.mean(inputs * weights) - inputs.mean() * weights.mean()) / most)


def channels(files: Sequence[Layers], weights: Layers) -> ChannelsSpec:
    """How the channels of the inputs and of these weights (k, r, s, c) differ and go together; means over all."""
    found = []
    for layers in files:
        for name, mask in layers.items():
            inputs, of_weights = mask.mean(axis=(0, 1)), weights[name].mean(axis=(0, 1, 2))
            trials = mask[:, :, 0].size, weights[name][:, :, :, 0].size
            spreads = spread(inputs, trials[0]), spread(of_weights, trials[1])
            found.append((*spreads, correlation(inputs, of_weights)))
    means = np.mean(found, axis=0).tolist()
    return ChannelsSpec(inputs=means[0], weights=means[1], correlation=min(1.0, max(0.0, means[2])))


def table(files: Sequence[Layers], planes: PlanesSpec) -> list[list[str]]:
    """Measured and drawn, by layer: means over the files, and the deviation of the fullest tile between files."""
    real = [measured(layers) for layers in files]
    model = [measured(drawn(layers, planes, 100 + seed)) for seed, layers in enumerate(files)]
    heads = [f"{what} {tiles} x {tiles}" for tiles in TILES for what in ("own", "common", "fullest")]
    rows = [["layer", "plane", "channels", "density", "", *heads]]
    for name, mask in files[0].items():
        place = [name, f"{mask.shape[0]} x {mask.shape[1]}", f"{mask.shape[2]}"]
        place.append(f"{np.mean([layers[name].mean() for layers in files]):.3f}")
        for what, found in (("measured", real), ("drawn", model)):
            row = [*place, what]
            for tiles in TILES:
                if (name, tiles) not in found[0]:
                    row += ["", "", ""]
                    continue
                own, common, fullest = np.transpose([one[name, tiles] for one in found])
                row += [f"{own.mean():.3f}", f"{common.mean():.4f} +- {common.std():.4f}"]
                row.append(f"{fullest.mean():.2f} +- {fullest.std():.2f}")
            rows.append(row)
    return rows


def read(file: Path) -> dict[str, Mask]:
    """The layers of a file; what is not zero. ValueError, a line that names the file, if it holds no arrays."""
    if not zipfile.is_zipfile(file):
        raise ValueError(f"{file}: an npz archive is wanted")
    try:
        with np.load(file) as arrays:
            return {name: np.asarray(arrays[name] != 0) for name in arrays.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{file}: an archive of arrays is wanted: {error}") from error


def read_images(files: Sequence[str]) -> list[dict[str, Mask]]:
    """The layers of each file, of the same shapes in all. ValueError, a line that names the file, if they are not."""
    found = [read(Path(file)) for file in files]
    for file, layers in zip(files, found, strict=True):
        if layers.keys() != found[0].keys() or not layers:
            raise ValueError(f"{file}: the same layers in all files are wanted, got {', '.join(layers) or 'none'}")
        for name, mask in layers.items():
            if mask.ndim != 3 or not mask.size:
                raise ValueError(f"{file}: {name}: (h, w, c) is wanted, got {mask.shape}")
            if mask.shape != found[0][name].shape:
                raise ValueError(f"{file}: {name}: {found[0][name].shape} is wanted as in {files[0]}, got {mask.shape}")
    return found


def read_weights(file: str, layers: Layers) -> dict[str, Mask]:
    """The weights of these layers. ValueError, a line that names the file, if some are missing or of other channels."""
    weights = read(Path(file))
    for name, mask in layers.items():
        if name not in weights:
            raise ValueError(f"{file}: no weights of {name}")
        shape = weights[name].shape
        if len(shape) != 4 or shape[3] != mask.shape[2] or not weights[name].size:
            raise ValueError(f"{file}: {name}: (k, r, s, {mask.shape[2]}) is wanted, got {shape}")
    return weights


def main(arguments: list[str], **options: Any) -> int:
    """Print what is fitted, and the table."""
    weights = arguments[1:2] if arguments[:1] == ["--weights"] else []
    arguments = arguments[2 * len(weights) :]
    missing = [file for file in [*weights, *arguments] if not Path(file).is_file()]
    if not arguments or missing:
        what = f"{missing[0]}: no such file" if missing else "files of activations are wanted"
        print(f"{what}; measured activations are not part of this project", file=sys.stderr)
        return 2
    try:
        files = read_images(arguments)
        for file in weights:
            of = channels(files, read_weights(file, files[0]))
            print(f"channels: inputs {of.inputs:.3f}, weights {of.weights:.3f}, correlation {of.correlation:.3f}")
        planes = fit(files, **options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"persistence {planes.persistence:.3f}, common {planes.common:.4f}")
    for row in table(files, planes):
        print("| " + " | ".join(row) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
