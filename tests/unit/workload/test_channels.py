"""Channels differ as in measured layers: published cycles lie in the predicted interval, independent masks below."""

import json

import numpy as np
import pytest
from helpers.published import published

from cosim.models.core import EyerissV2Pe, Operands, Tile
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload.channels import beta_quantiles, channel_ranks, related_ranks
from cosim.models.workload.masks import Draws
from cosim.models.workload.schema import ChannelsSpec
from studies.channels import fit

# Layer: channels in and out, rows and columns, densities of inputs and weights, published cycles (one multiply each).
# Source: the Eyeriss v2 example of the Sparseloop artifact (MICRO 2022), a sparse MobileNet.
LAYERS = {
    "L07": (64, 64, 32, 0.7281, 0.5203, 1_702_140),
    "L09": (64, 128, 16, 0.8640, 0.8184, 1_499_682),
    "L13": (128, 256, 8, 0.8330, 0.6440, 1_144_158),
    "L19": (256, 256, 8, 0.6080, 0.5500, 1_457_458),
}
SEEDS = 60


def cycles(name, channels, seed):
    c, m, size, x, w, _ = LAYERS[name]
    z = ConvShape(1, c, size, size, m, 1, 1)
    draws = Draws(seed, 0.0, channels)
    of_x = draws.mask(name, "x", z.x_shape, x)
    of_w = draws.weights(name, (name, c), z.w_shape, w)
    operands = Operands(BitTensor.from_bool(of_x), BitTensor.from_bool(of_w), None, None)
    return EyerissV2Pe().run_tile(z, operands, Tile.whole(z, Stage.FF)).cycles


# Fitted to the seven other layers of the eight (`studies.channels.fit`): inputs, weights, correlation.
OF_OTHERS = {
    "L07": (0.578, 0.0237, 0.537),
    "L09": (0.589, 0.0335, 0.512),
    "L13": (0.595, 0.0313, 0.556),
    "L19": (0.582, 0.0322, 0.550),
}


@pytest.mark.parametrize("counts", [published("eyeriss_v2_pe_layers.json")])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_fitted_to_the_other_layers(name, counts):
    layers = json.loads(counts.read_text())
    found = fit({other: layer for other, layer in layers.items() if other != name})
    assert (found.inputs, found.weights, found.correlation) == pytest.approx(OF_OTHERS[name], abs=0.0005)


@pytest.mark.parametrize("name", LAYERS)
def test_published_cycles_lie_in_the_predicted_interval(name):
    """The layer has no part in the parameters that predict it."""
    published = LAYERS[name][-1]
    inputs, weights, correlation = OF_OTHERS[name]
    channels = ChannelsSpec(inputs=inputs, weights=weights, correlation=correlation)
    predicted = [cycles(name, channels, seed) for seed in range(SEEDS)]
    low, high = np.quantile(predicted, [0.05, 0.95])
    assert low < published < high
    independent = np.mean([cycles(name, None, seed) for seed in range(5)])
    bias = independent / published - 1
    print(f"{name}: {published} in {low:.0f}..{high:.0f}; independent masks {independent:.0f}, {100 * bias:.1f} %")
    assert -0.072 < bias < -0.009


def test_quantiles_have_the_mean_and_variance_asked_for():
    ranks = (np.arange(8192) + 0.5) / 8192
    for mean, spread in ((0.5, 0.1), (0.6, 0.59), (0.1, 0.03), (0.9, 0.7)):
        values = beta_quantiles(ranks, mean, spread)
        assert values.mean() == pytest.approx(mean, abs=0.01)
        assert values.var() / (mean * (1 - mean)) == pytest.approx(spread, rel=0.05)
        assert (np.diff(values) >= 0).all()
        assert (beta_quantiles(ranks, mean + 0.05, spread) >= values).all()
    # Beta(1, 1) is uniform: mean 1/2, a third of the largest variance.
    np.testing.assert_allclose(beta_quantiles(ranks, 0.5, 1 / 3), ranks, atol=0.005)
    assert beta_quantiles(ranks[:2], 0.3, 0.0).tolist() == [0.3, 0.3]


def test_weights_share_the_ranks_of_their_inputs():
    inputs = channel_ranks(1, "t", 2000)
    assert np.array_equal(related_ranks(1, "l", inputs, 1.0), inputs)
    assert not (related_ranks(1, "l", inputs, 0.0) == inputs).any()
    assert (related_ranks(1, "l", inputs, 0.54) == inputs).mean() == pytest.approx(0.54, abs=0.04)
