"""Activation pruning: the smallest of every tile, and the schedule of the weights beside it."""

import numpy as np
import pytest
from helpers.schedules import build, train
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.pruning import ActivationPruning, InputPruning, kept_inputs


@pytest.mark.parametrize(
    ("values", "tile", "pruned", "kept", "compares"),
    [
        ([3, 1, -4, 2], 4, 2, [0, 2], 6),
        ([3, 1, -4, 2], 2, 1, [0, 2], 2),
        ([1, 1, 1, 1], 4, 1, [1, 2, 3], 6),  # equal: the first goes
        ([0, 0, 5, 6, 9, 8], 4, 2, [2, 3, 4], 7),  # a tile cut off at the edge: the same share
        ([5, 6, 7, 8, 9], 4, 2, [2, 3, 4], 6),  # rounded down to none
        ([1, 2], 2, 2, [], 1),
    ],
)
def test_the_smallest_of_every_tile_go(values, tile, pruned, kept, compares):
    mask, counted = kept_inputs(np.array(values, dtype=np.float32).reshape(1, 1, 1, -1), InputPruning(tile, pruned))
    assert (np.flatnonzero(mask).tolist(), counted) == (kept, compares)


@given(st.integers(1, 6), st.integers(0, 6), st.integers(1, 13), st.integers(0, 99))
def test_every_whole_tile_loses_as_many(tile, pruned, channels, seed):
    pruned = min(pruned, tile)
    values = np.random.default_rng(seed).integers(-4, 5, (2, 3, 1, channels)).astype(np.float32)
    mask, _ = kept_inputs(values, InputPruning(tile, pruned))
    for first in range(0, channels, tile):
        part = mask[..., first : first + tile]
        share = pruned if part.shape[-1] == tile else pruned * part.shape[-1] // tile
        assert (np.count_nonzero(~part, axis=-1) == share).all()


def test_it_begins_when_it_says_and_leaves_the_weights_to_their_schedule():
    weights = {"schedule": "rigl", "sparsity": 0.8, "period": 4}
    both = build(schedule="activation", share=0.5, tile=16, begin=0.25, weights=weights)
    alone = build(**weights)
    assert [both.prunes_inputs(i) for i in (0, 9, 10, 39)] == [None, None, InputPruning(16, 8), InputPruning(16, 8)]
    assert isinstance(both, ActivationPruning) and not both.monotone
    for i in range(40):
        assert (both.is_due(i), both.needs_gradients(i)) == (alone.is_due(i), alone.needs_gradients(i))
    masks, expected = train(both)[1], train(alone)[1]
    assert all(np.array_equal(masks[name], expected[name]) for name in masks)


def test_without_a_schedule_of_the_weights_they_stay():
    events, masks = train(build(schedule="activation"))
    assert events == []
    assert all(mask.all() for mask in masks.values())
