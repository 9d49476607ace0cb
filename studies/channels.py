"""How well drawn channels predict the published cycles of an Eyeriss v2 element: `python -m studies.channels`.

The parameters of `ChannelsSpec` are fitted to the seven other layers of the sparse MobileNet in the Eyeriss v2 example
of the Sparseloop artifact (MICRO 2022), whose counts of non-zeros by channel are read from the file given, or from
`eyeriss_v2_pe_layers.json` in $COSIM_FACTS (`facts` where that is not set). For each layer with published cycles come
two intervals of 90 %: from the densities alone, and with the drawn channels' densities brought to the
layer's own totals of inputs and weights, so that only how they differ and go together is left open.

Counts are noisy: that there are so few weights of a channel adds 5 to 50 % to the variance of their share. So variances
are freed of what binomial counts add to them (moments of the beta-binomial), and the covariance, to which independent
noise adds nothing, is compared with that of Beta densities of equal ranks. The counts' own, put in order, would be the
wrong yardstick: with layers of these sizes it makes a correlation of 0.54 one of 0.50.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.models.core import EyerissV2Pe, Operands, Tile
from cosim.models.numerics.streams import Stream
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload.channels import beta_quantiles, channel_ranks, related_ranks
from cosim.models.workload.schema import ChannelsSpec

FACTS = Path(os.environ.get("COSIM_FACTS", "facts")) / "eyeriss_v2_pe_layers.json"
SEEDS = 60
_RANKS = 4096  # at which the covariance of equal ranks is taken

Layer = Mapping[str, Any]
Float64Array = npt.NDArray[np.float64]


def shares(layer: Layer) -> tuple[Float64Array, Float64Array]:
    """Shares of non-zeros by input channel, of the inputs and of the weights."""
    inputs = np.array(layer["nnz_iact_per_channel"], dtype=np.float64) / (layer["E"] * layer["F"])
    return inputs, np.array(layer["nnz_weight_per_channel"], dtype=np.float64) / layer["M"]


def spread(of_channels: Float64Array, trials: int) -> float:
    """The moments' estimate of a beta-binomial's share of the largest variance, from `trials` elements a channel."""
    mean = of_channels.mean()
    share = of_channels.var() / (mean * (1.0 - mean))
    return float(max(0.0, (share - 1.0 / trials) / (1.0 - 1.0 / trials)))


def correlation(inputs: Float64Array, weights: Float64Array, spreads: tuple[float, float]) -> float:
    """The covariance over that of equal ranks in the Beta distributions of these spreads; 0 where one has none."""
    ranks = (np.arange(_RANKS) + 0.5) / _RANKS
    of_x, of_w = (
        beta_quantiles(ranks, float(found.mean()), of_variance)
        for found, of_variance in zip((inputs, weights), spreads, strict=True)
    )
    most = np.mean(of_x * of_w) - of_x.mean() * of_w.mean()
    covariance = np.mean(inputs * weights) - inputs.mean() * weights.mean()
    return float(covariance / most) if min(spreads) > 0.0 else 0.0


def fit(layers: Mapping[str, Layer]) -> ChannelsSpec:
    """The means over the layers."""
    found = []
    for layer in layers.values():
        inputs, weights = shares(layer)
        spreads = spread(inputs, layer["E"] * layer["F"]), spread(weights, layer["M"])
        found.append((*spreads, correlation(inputs, weights, spreads)))
    means = np.mean(found, axis=0)
    return ChannelsSpec(inputs=means[0], weights=means[1], correlation=min(1.0, max(0.0, float(means[2]))))


def densities(ranks: Float64Array, mean: float, of_variance: float, *, exact: bool) -> Float64Array:
    """Of the channels; `exact`: of the Beta distribution whose quantiles at these ranks have that mean."""
    if not exact:
        return beta_quantiles(ranks, mean, of_variance)
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_quantiles(ranks, middle, of_variance).mean() < mean else (low, middle)
    return beta_quantiles(ranks, low, of_variance)


def cycles(name: str, layer: Layer, channels: ChannelsSpec | None, seed: int, *, totals: bool = False) -> int:
    """Of a layer with drawn masks; without `channels`, independent ones."""
    z = ConvShape(1, layer["C"], layer["E"], layer["F"], layer["M"], 1, 1)
    inputs, weights = (float(share.mean()) for share in shares(layer))
    of_x, of_w = np.full(z.c, inputs), np.full(z.c, weights)
    if channels is not None:
        ranks = channel_ranks(seed, f"{name}/x", z.c)
        of_x = densities(ranks, inputs, channels.inputs, exact=totals)
        related = related_ranks(seed, name, ranks, channels.correlation)
        of_w = densities(related, weights, channels.weights, exact=totals)
    x, w = (
        Stream(seed, f"masks/{name}/{tensor}").uniform(int(np.prod(shape))).reshape(shape) < of
        for tensor, shape, of in (("x", z.x_shape, of_x), ("w", z.w_shape, of_w))
    )
    operands = Operands(BitTensor.from_bool(x), BitTensor.from_bool(w), None, None)
    return int(EyerissV2Pe().run_tile(z, operands, Tile.whole(z, Stage.FF)).cycles)


def interval(name: str, layer: Layer, channels: ChannelsSpec, seeds: int, *, totals: bool) -> tuple[int, int]:
    """The middle 90 %."""
    drawn = [cycles(name, layer, channels, seed, totals=totals) for seed in range(seeds)]
    low, high = np.quantile(drawn, [0.05, 0.95])
    return round(float(low)), round(float(high))


def table(layers: Mapping[str, Layer], seeds: int = SEEDS) -> list[list[str]]:
    """A row for each layer with published cycles."""
    rows = [["layer", "published", "densities only, 90 %", "", "totals as well, 90 %", "", "independent masks"]]
    for name, layer in layers.items():
        published = layer.get("published_cycles")
        if published is None:
            continue
        others = fit({key: other for key, other in layers.items() if key != name})
        row = [name, f"{published:,}"]
        for totals in (False, True):
            low, high = interval(name, layer, others, seeds, totals=totals)
            verdict = "inside"
            if not low <= published <= high:
                verdict = f"{published / (low if published < low else high) - 1:+.1%}"
            row += [f"{low:,} to {high:,}", verdict]
        independent = sum(cycles(name, layer, None, seed) for seed in range(5)) / 5
        rows.append([*row, f"{independent / published - 1:+.1%}"])
    return rows


def main(arguments: list[str]) -> int:
    """Print what was fitted to all layers, and the table."""
    file = Path(arguments[0]) if arguments else FACTS
    if not file.is_file():
        print(f"{file}: no such file; the measured counts are not part of this project", file=sys.stderr)
        return 2
    layers = json.loads(file.read_text())
    every = fit(layers)
    print(f"all: inputs {every.inputs:.3f}, weights {every.weights:.4f}, correlation {every.correlation:.2f}")
    for row in table(layers):
        print(" | ".join(row))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
