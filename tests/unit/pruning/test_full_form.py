"""The yardstick of a sample: what the full form counts when it runs on the same layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.pruning import CoarseUnit, PruneEvent, all_pairs_operations, build_pruning
from cosim.models.pruning.schema import CoarseFineSpec, CoarseUnitSpec, GradualMagnitudeSpec, StochasticCoarseFineSpec
from cosim.models.pruning_unit import plan_event
from cosim.models.tensors import ConvShape

COUNTS = ("coarse_macs", "coarse_adds", "coarse_compares", "fine_compares")


def events(spec, shape, seed):
    """All events of 20 iterations on random weights."""
    weights = {"conv": np.random.default_rng(seed).standard_normal(shape.w_shape).astype(np.float32)}
    masks = {"conv": np.ones(shape.w_shape, dtype=bool)}
    schedule = build_pruning(spec, {"conv": shape}, 20, seed=seed)
    found = []
    for iteration in range(20):
        for event in schedule.events(iteration, weights, masks):
            masks["conv"] = event.mask
            found.append(event)
    return found


def counts(event):
    return {name: getattr(event, name) for name in COUNTS}


SHARED = {"sparsity": 0.6, "begin": 0.0, "end": 0.8, "period": 4}


@given(
    st.integers(0, 2**32),
    st.integers(1, 13),
    st.integers(1, 9),
    st.integers(1, 3),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from(["similarity", "magnitude"]),
    st.sampled_from([0.05, 0.3, 1.0]),
    st.integers(1, 4),
)
def test_a_sample_priced_in_full_is_what_the_full_form_counts(seed, k, c, r, unit, criterion, sample, groups):
    shape = ConvShape(n=1, c=c * groups, h=4, w=4, k=k * groups, r=r, s=1, pad=1, groups=groups)
    shared = {**SHARED, "criterion": criterion, "unit": CoarseUnitSpec(channels_out=unit[0], channels_in=unit[1])}
    full = events(CoarseFineSpec(schedule="cfp", **shared), shape, seed)
    sampled = events(StochasticCoarseFineSpec(schedule="scfp", sample=sample, **shared), shape, seed)
    assert len(full) == len(sampled) > 2
    for of_all, of_some in zip(full, sampled, strict=True):
        assert all_pairs_operations(of_all) == counts(of_all)
        assert all_pairs_operations(of_some) == counts(of_all)


def test_by_hand():
    """5 channels of 3 x 1 positions and 6 inputs in units of 4 x 4: 10 pairs, 6 segments a channel, 2 bands."""
    event = PruneEvent(
        "conv",
        0,
        np.ones((5, 3, 1, 6), dtype=bool),
        CoarseUnit(4, 4),
        sampled_channels=(0, 1, 2, 3),
        similarity=True,
        coarse_macs=6 * 18,
        coarse_adds=4 * 18,
        coarse_compares=2 * 6 * 6 + 6,
        fine_compares=90,
    )
    assert all_pairs_operations(event) == {
        "coarse_macs": 10 * 18,
        "coarse_adds": 5 * 18,
        "coarse_compares": 2 * 10 * 6 + 2 * 6,
        "fine_compares": 90,
    }


@pytest.mark.parametrize("channels", [1, 7])
def test_an_event_that_compares_no_channels_stays_what_it_is(channels):
    shape = ConvShape(n=1, c=3, h=4, w=4, k=channels, r=1, s=1)
    for event in events(GradualMagnitudeSpec(schedule="gradual", **SHARED), shape, 1):
        assert all_pairs_operations(event) == counts(event) | {"fine_compares": 3 * channels}


def test_pairs_are_those_within_a_group():
    """8 channels of 3 x 3 in two groups: 6 pairs in each, none between them; depthwise there is none."""
    for groups, pairs in ((1, 28), (2, 12), (4, 4), (8, 0)):
        shape = ConvShape(n=1, c=8, h=4, w=4, k=8, r=3, s=3, pad=1, groups=groups)
        event = events(CoarseFineSpec(schedule="cfp", **SHARED), shape, 1)[0]
        weights, segments = 9 * 8 // groups, 9 * -(-8 // groups // 4)
        assert event.coarse_macs == pairs * weights
        assert event.coarse_adds == 8 * weights
        assert event.coarse_compares == 2 * pairs * segments + 2 * segments
        plan = plan_event(
            event, weights_per_channel=weights, channels=8, buffer_bytes=8 * weights, shared=True, free_passes=2
        )
        assert (plan.passes, plan.pairs, plan.pairs_seen) == (1, pairs, pairs)
