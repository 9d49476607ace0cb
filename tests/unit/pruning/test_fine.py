"""Fine pruning takes the smallest, exactly as many as are due, and ties from all over the layer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.numerics import Format, round_to
from cosim.models.pruning.fine import prune_smallest


def made(seed, size):
    rng = np.random.default_rng(seed)
    weights = round_to(rng.standard_normal((size, 2, 1, 3)).astype(np.float32), Format.FP8_E4M3)
    return weights, rng.random(weights.shape) < 0.7


@given(st.integers(0, 2**32), st.integers(1, 8), st.floats(0, 1))
def test_the_smallest_go_and_no_more_than_are_due(seed, size, sparsity):
    weights, mask = made(seed, size)
    due = round(sparsity * mask.size)
    result = prune_smallest(weights, mask, due)
    before = mask.size - np.count_nonzero(mask)
    assert mask.size - np.count_nonzero(result) == max(before, due)
    assert not (result & ~mask).any()
    gone = mask & ~result
    if gone.any() and result.any():
        assert np.abs(weights[gone]).max() <= np.abs(weights[result]).min()


def test_nothing_due_changes_nothing():
    weights, mask = made(1, 4)
    assert prune_smallest(weights, mask, 0) is mask


def test_ties_are_taken_from_everywhere():
    weights = np.ones((64, 1, 1, 64), dtype=np.float32)
    result = prune_smallest(weights, np.ones(weights.shape, dtype=bool), 2048)
    by_channel = np.count_nonzero(~result, axis=(1, 2, 3))
    assert by_channel.sum() == 2048
    assert by_channel.min() > 16
    assert by_channel.max() < 48
