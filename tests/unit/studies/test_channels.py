"""What the study of channels fits, on counts made from known parameters."""

import numpy as np
import pytest

from cosim.models.workload.channels import beta_quantiles, channel_ranks, related_ranks
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


def test_limits():
    same = np.array([0.1, 0.4, 0.9])
    assert correlation(same, same) == pytest.approx(1.0)
    assert spread(np.full(10, 0.5), 64) == 0.0
    ranks = np.array([0.1, 0.2, 0.3])
    assert densities(ranks, 0.6, 0.3, exact=True).mean() == pytest.approx(0.6, abs=1e-6)
    assert densities(ranks, 0.6, 0.3, exact=False).mean() < 0.55


def test_counts_that_are_not_there(tmp_path, capsys):
    assert main([str(tmp_path / "none.json")]) == 2
    assert "no such file; the measured counts are not part of this project" in capsys.readouterr().err
