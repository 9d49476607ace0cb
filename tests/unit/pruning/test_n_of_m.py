"""N:M sparsity: the largest of every group, and what finding them takes."""

import numpy as np
import pytest
from helpers.schedules import LAYERS, build
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.pruning import PruningError
from cosim.models.pruning.n_of_m import keep_largest


def row(*values):
    return np.array(values, dtype=np.float32).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("weights", "n", "m", "kept"),
    [
        (row(1, -4, 3, 2), 2, 4, [1, 2]),
        (row(1, -4, 3, 2, 9, 8, 7, 6), 2, 4, [1, 2, 4, 5]),
        (row(5, 5, 5, 5), 2, 4, [0, 1]),  # equal: the first
        (row(0, 0, 0, 0), 1, 4, [0]),
        (row(1, 2, 3, 4, 1, 2), 1, 4, [3, 5]),  # a group cut off at the edge keeps as many
        (row(1, 2, 3, 4, 1), 2, 4, [2, 3, 4]),  # or all it has
        (row(1, 2, 3), 3, 3, [0, 1, 2]),
    ],
)
def test_the_largest_of_every_group_stay(weights, n, m, kept):
    assert np.flatnonzero(keep_largest(weights, n, m)).tolist() == kept


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 19), st.integers(0, 99))
def test_every_group_keeps_n(n, more, channels, seed):
    m = n + more
    weights = np.random.default_rng(seed).integers(-3, 4, (2, 1, 3, channels)).astype(np.float32)
    mask = keep_largest(weights, n, m)
    for first in range(0, channels, m):
        group, kept = np.abs(weights[..., first : first + m]), mask[..., first : first + m]
        assert (kept.sum(axis=-1) == min(n, group.shape[-1])).all()
        smallest_kept = np.where(kept, group, np.inf).min(axis=-1)
        assert (np.where(kept, -1, group).max(axis=-1) <= smallest_kept).all()


def test_one_event_with_all_pairs_of_each_group_compared():
    pruning = build(schedule="n_of_m", n=2, m=4, at=0.25, dense=["first"])
    assert [i for i in range(40) if pruning.is_due(i)] == [10]
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(z.w_shape).astype(np.float32) for name, z in LAYERS.items()}
    masks = {name: np.ones(z.w_shape, dtype=bool) for name, z in LAYERS.items()}
    middle, last = pruning.events(10, weights, masks)
    assert (middle.layer, middle.fine_compares, middle.zeros) == ("middle", 12 * 9 * 2 * 6, 432)
    # 30 channels: seven groups of four and one of two, which keeps both.
    assert (last.layer, last.fine_compares, last.zeros) == ("last", 10 * (7 * 6 + 1), 140)
    assert last.fine_weights_read == 300


def test_an_unknown_layer_is_refused():
    with pytest.raises(PruningError, match=r"^pruning names layer 'z'; the network has: first, middle, last$"):
        build(schedule="n_of_m", dense=["z"])
