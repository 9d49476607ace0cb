"""What the study of channels fits, on counts made from known parameters."""

import json

import numpy as np
import pytest
from helpers.published import published

from cosim.models.workload.channels import beta_quantiles, channel_ranks, related_ranks
from cosim.models.workload.schema import ChannelsSpec
from studies.channels import correlation, densities, fit, main, spread


def test_the_fit_finds_what_counts_were_drawn_from():
    random = np.random.default_rng(1)
    ranks = channel_ranks(1, "t", 4096)
    x = beta_quantiles(ranks, 0.7, 0.5)
    w = beta_quantiles(related_ranks(1, "l", ranks, 0.6), 0.5, 0.1)
    layer = {
        "E": 8,
        "F": 8,
        "M": 256,
        "nnz_iact_per_channel": random.binomial(64, x).tolist(),
        "nnz_weight_per_channel": random.binomial(256, w).tolist(),
    }
    found = fit({"layer": layer})
    assert found.inputs == pytest.approx(0.5, abs=0.02)
    assert found.weights == pytest.approx(0.1, abs=0.01)
    assert found.correlation == pytest.approx(0.6, abs=0.05)


# Input channels, pixels and filters of the layers that the defaults are fitted to.
SIZES = ((64, 1024, 64), (64, 256, 128), (128, 64, 256), (256, 64, 256), (256, 64, 256), (256, 64, 256), (256, 16, 512),
         (512, 16, 512))  # fmt: skip


def test_the_fit_is_not_biased_by_few_channels_and_few_weights():
    """Over 40 sets of eight layers, the mean of what is fitted is what was drawn; counts of equal ranks as yardstick
    would give a correlation of 0.50 for 0.54."""
    random = np.random.default_rng(7)
    drawn, found = ChannelsSpec(), []
    for _ in range(40):
        layers = {}
        for number, (channels, pixels, filters) in enumerate(SIZES):
            ranks = random.random(channels)
            related = np.where(random.random(channels) < drawn.correlation, ranks, random.random(channels))
            x, w = beta_quantiles(ranks, 0.7, drawn.inputs), beta_quantiles(related, 0.6, drawn.weights)
            layers[f"layer{number}"] = {
                "E": pixels,
                "F": 1,
                "M": filters,
                "nnz_iact_per_channel": random.binomial(pixels, x).tolist(),
                "nnz_weight_per_channel": random.binomial(filters, w).tolist(),
            }
        of_one = fit(layers)
        found.append((of_one.inputs, of_one.weights, of_one.correlation))
    mean = np.mean(found, axis=0)
    assert mean[0] == pytest.approx(drawn.inputs, rel=0.02)
    assert mean[1] == pytest.approx(drawn.weights, rel=0.03)
    assert mean[2] == pytest.approx(drawn.correlation, abs=0.015)


@pytest.mark.parametrize("counts", [published("eyeriss_v2_pe_layers.json")])
def test_the_defaults_are_what_is_fitted(counts):
    every, defaults = fit(json.loads(counts.read_text())), ChannelsSpec()
    assert every.inputs == pytest.approx(defaults.inputs, abs=0.005)
    assert every.correlation == pytest.approx(defaults.correlation, abs=0.005)
    # Within a unit of the last place, as docs/workloads.md says: recorded results are made with the default.
    assert every.weights == pytest.approx(defaults.weights, abs=0.001)


def test_limits():
    same = beta_quantiles((np.arange(500) + 0.5) / 500, 0.6, 0.3)
    assert correlation(same, same, (0.3, 0.3)) == pytest.approx(1.0, abs=0.005)
    assert correlation(same, same[::-1], (0.3, 0.3)) < -0.5
    assert correlation(same, np.full(500, 0.5), (0.3, 0.0)) == 0.0
    assert spread(np.full(10, 0.5), 64) == 0.0
    ranks = np.array([0.1, 0.2, 0.3])
    assert densities(ranks, 0.6, 0.3, exact=True).mean() == pytest.approx(0.6, abs=1e-6)
    assert densities(ranks, 0.6, 0.3, exact=False).mean() < 0.55


def test_counts_that_are_not_there(tmp_path, capsys):
    assert main([str(tmp_path / "none.json")]) == 2
    assert "no such file; the measured counts are not part of this project" in capsys.readouterr().err
