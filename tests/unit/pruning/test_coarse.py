"""Coarse units: scores by hand, tiles aligned and whole, counts against an obvious count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.pruning import CoarseUnit, count_coarse_zeros
from cosim.models.pruning.coarse import prune_units, segment_scores
from cosim.models.pruning.interface import spread, tile_sum


def coarse_zeros_by_hand(nonzero, unit):
    total = 0
    k, r, s, c = nonzero.shape
    for first_k in range(0, k, unit.channels_out):
        for first_c in range(0, c, unit.channels_in):
            for i in range(r):
                for j in range(s):
                    tile = nonzero[first_k : first_k + unit.channels_out, i, j, first_c : first_c + unit.channels_in]
                    total += 0 if tile.any() else tile.size
    return total


SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 2), st.integers(1, 2), st.integers(1, 9))
UNITS = st.builds(CoarseUnit, st.integers(1, 4), st.integers(1, 4))


@given(SHAPES, UNITS, st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.4]))
def test_coarse_zeros_are_counted_as_by_hand(shape, unit, seed, density):
    nonzero = np.random.default_rng(seed).random(shape) < density
    assert count_coarse_zeros(nonzero, unit) == coarse_zeros_by_hand(nonzero, unit)


@given(SHAPES, UNITS)
def test_every_weight_is_in_the_unit_that_its_place_says(shape, unit):
    ones = tile_sum(np.ones(shape, dtype=np.int64), unit)
    assert ones.sum() == np.prod(shape)
    numbered = np.arange(ones.size).reshape(ones.shape)
    found = spread(numbered, unit, shape)
    for k, r, s, c in np.ndindex(shape):
        assert found[k, r, s, c] == numbered[k // unit.channels_out, r, s, c // unit.channels_in]


def test_a_unit_has_channels():
    with pytest.raises(ValueError, match=r"^a coarse unit has at least one channel each way"):
        CoarseUnit(0, 4)


def test_scores_by_hand():
    """Three channels of two segments of two weights."""
    weights = np.array([[4, 4, 1, -1], [4, 3, 0, 5], [-4, -4, 2, 2]], dtype=np.float32).reshape(3, 1, 1, 4)
    unit = CoarseUnit(1, 2)

    def score(channels, similarity):
        return segment_scores(weights, np.array(channels), unit, similarity=similarity).reshape(-1, 2).tolist()

    assert score([0, 1, 2], False) == [[8, 2], [7, 5], [8, 4]]
    # Segment 0: channel 1 repeats the larger channel 0 but for 1; of 0 and 2 neither repeats the other (distance 16).
    # Segment 1: (1, -1) is 7 from (0, 5) and 4 from (2, 2), further than from zero.
    assert score([0, 1, 2], True) == [[8, 2], [1, 5], [8, 4]]
    # Compared with channel 2 alone, channel 1 repeats nothing.
    assert score([2, 1], True) == [[8, 4], [7, 5]]


def test_a_channel_repeats_only_those_of_its_own_group():
    """Channel 2 is channel 0 again, and 3 nearly 1: in two groups they read other inputs."""
    weights = np.array([[4, 4], [9, 1], [4, 4], [9, 2]], dtype=np.float32).reshape(4, 1, 1, 2)

    def scores(channels, groups):
        found = segment_scores(weights, np.array(channels), CoarseUnit(1, 2), similarity=True, groups=groups)
        return found.ravel().tolist()

    assert scores([0, 1, 2, 3], 1) == [7, 1, 0, 11]
    assert scores([0, 1, 2, 3], 2) == [8, 10, 7, 11]
    assert scores([3, 0, 1, 2], 4) == [11, 8, 10, 8]


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4), st.integers(1, 6))
def test_a_layer_with_groups_is_its_groups_side_by_side(seed, groups, width, depth):
    weights = np.random.default_rng(seed).integers(-8, 9, (groups * width, 2, 1, depth)).astype(np.float32)
    unit = CoarseUnit(1, 4)
    together = segment_scores(weights, np.arange(groups * width), unit, similarity=True, groups=groups)
    for group in range(groups):
        part = slice(group * width, (group + 1) * width)
        alone = segment_scores(weights[part], np.arange(width), unit, similarity=True)
        assert np.array_equal(together[part], alone)


def test_of_equal_segments_only_the_later_goes():
    weights = np.array([[3.0, 3.0], [3.0, 3.0], [1.0, 9.0]], dtype=np.float32).reshape(3, 1, 1, 2)
    scores = segment_scores(weights, np.array([0, 1, 2]), CoarseUnit(1, 2), similarity=True)
    assert scores.ravel().tolist() == [6.0, 0.0, 10.0]


@given(st.integers(0, 2**32), SHAPES, UNITS, st.floats(0, 1), st.booleans())
def test_sampled_bands_get_their_share_and_others_nothing(seed, shape, unit, share, similarity):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-8, 9, shape).astype(np.float32)
    mask = rng.random(shape) < 0.8
    bands = -(-shape[0] // unit.channels_out)
    chosen = rng.permutation(bands)[: max(1, bands // 2)]
    channels = np.array([k for b in chosen for k in range(shape[0]) if k // unit.channels_out == b])
    result = prune_units(weights, mask, channels, unit, share, mask.size, similarity=similarity)
    assert not (result & ~mask).any()
    before, after = (tile_sum(m.astype(np.int64), unit) == 0 for m in (mask, result))
    for band in range(bands):
        due = int(share * before[band].size + 0.5) if band in chosen else 0
        assert np.count_nonzero(after[band]) == max(due, np.count_nonzero(before[band]))
    changed = result != mask
    assert not changed[~spread(after, unit, shape)].any()


def test_the_least_of_a_band_goes_first():
    weights = np.array([[1, 9, 4, 2], [1, 9, 4, 2]], dtype=np.float32).reshape(2, 1, 1, 4)
    mask = np.ones(weights.shape, dtype=bool)
    result = prune_units(weights, mask, np.array([0, 1]), CoarseUnit(2, 1), 0.5, 8, similarity=False)
    assert result.reshape(2, 4).tolist() == [[False, True, True, False]] * 2


@pytest.mark.parametrize(("budget", "gone"), [(0, 0), (1, 0), (2, 2), (3, 3), (4, 3), (5, 5), (9, 7)])
def test_no_more_weights_go_than_the_budget_and_only_whole_units(budget, gone):
    """Half of three units in two bands are due, least first: 2 weights, 1 (the other is gone already), 2, 2."""
    weights = np.array([[1, 0, 9], [1, 3, 9], [2, 9, 9], [2, 9, 9]], dtype=np.float32).reshape(4, 1, 1, 3)
    mask = weights != 0
    result = prune_units(weights, mask, np.arange(4), CoarseUnit(2, 1), 0.5, budget, similarity=False)
    assert np.count_nonzero(mask) - np.count_nonzero(result) == gone
