"""Coarse-fine pruning: what it prunes, what it counts, and that both stay within what it promises."""

import numpy as np
import pytest
from helpers.schedules import ITERATIONS, LAYERS, schedule, train
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.models.pruning import CoarseUnit, count_coarse_zeros
from cosim.models.tensors import ConvShape


@settings(max_examples=15)
@given(
    st.sampled_from(["gradual", "cfp", "scfp"]),
    st.sampled_from([0.3, 0.8, 0.95]),
    st.integers(1, 9),
    st.sampled_from([0.1, 0.5]),
    st.integers(0, 99),
)
def test_sparsity_is_as_scheduled_and_masks_only_shrink(kind, sparsity, period, begin, seed):
    pruning = schedule(schedule=kind, sparsity=sparsity, period=period, begin=begin)
    events, masks = train(pruning, seed)
    for event in events:
        due = pruning.due(event.layer, event.iteration)
        zeros = int(np.count_nonzero(~event.mask))
        assert zeros == event.zeros
        assert zeros == int(due * event.mask.size + 0.5)
    total = sum(mask.size for mask in masks.values())
    zeros = sum(int(np.count_nonzero(~mask)) for mask in masks.values())
    assert abs(zeros - sparsity * total) <= len(masks) / 2 + 1e-6


@pytest.mark.parametrize("kind", ["cfp", "scfp"])
def test_the_coarse_share_is_reached(kind):
    _, masks = train(schedule(schedule=kind, coarse_share=0.6))
    unit = CoarseUnit(4, 2)
    zeros = sum(int(np.count_nonzero(~mask)) for mask in masks.values())
    assert sum(count_coarse_zeros(mask, unit) for mask in masks.values()) >= 0.58 * zeros


def test_every_count_of_a_full_event():
    pruning = schedule(schedule="cfp", period=ITERATIONS)
    events, _ = train(pruning)
    event = {e.layer: e for e in events}["middle"]
    k, crs, segments = 12, 8 * 9, 9 * 4
    assert event.sampled_channels == tuple(range(12))
    assert event.coarse_macs == k * (k - 1) // 2 * crs
    assert event.coarse_adds == event.coarse_weights_read == k * crs
    assert event.coarse_compares == 2 * (k * (k - 1) // 2) * segments + 3 * segments
    assert event.fine_compares == event.fine_weights_read == k * crs
    assert event.weights_read == 2 * k * crs
    assert event.operations == event.coarse_macs + event.coarse_adds + event.coarse_compares + event.fine_compares
    assert event.coarse_zeros == count_coarse_zeros(event.mask, CoarseUnit(4, 2))
    # A layer whose last band is cut off: 10 channels are 3 bands of 15 segments.
    last = {e.layer: e for e in events}["last"]
    assert last.coarse_compares == 2 * 45 * 15 + 3 * 15


def test_every_count_of_a_sampled_event():
    event = {e.layer: e for e in train(schedule(sample=0.01))[0]}["middle"]
    assert len(event.sampled_channels) == 4
    assert event.coarse_macs == 6 * 72
    assert event.coarse_adds == event.coarse_weights_read == 4 * 72
    assert event.coarse_compares == 2 * 6 * 36 + 36
    assert event.fine_compares == 12 * 72


def test_counts_by_magnitude_have_no_multiply_accumulates():
    for kind in ("cfp", "scfp"):
        event = train(schedule(schedule=kind, criterion="magnitude"))[0][0]
        assert event.coarse_macs == 0
        assert event.coarse_compares == len(event.sampled_channels) // 4 * 9


def test_gradual_pruning_samples_and_compares_no_channels():
    event = train(schedule(schedule="gradual"))[0][0]
    assert event.sampled_channels == ()
    assert (event.coarse_macs, event.coarse_adds, event.coarse_compares, event.coarse_weights_read) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sample", "channels", "expected"), [(0.05, 64, 4), (0.05, 512, 24), (0.25, 64, 16), (1.0, 10, 10), (0.01, 2, 2)]
)
def test_a_sample_is_a_share_of_the_channels_in_whole_units(sample, channels, expected):
    layers = {"a": ConvShape(n=1, c=4, h=1, w=1, k=channels, r=1, s=1)}
    assert len(schedule(layers=layers, sample=sample).sampled("a", channels, 5)) == expected


def test_the_sample_of_the_published_saving():
    """4 of 64 channels: 99.7 % fewer multiply-accumulates than all pairs."""
    layers = {"a": ConvShape(n=1, c=32, h=4, w=4, k=64, r=3, s=3)}
    macs = {}
    for kind in ("cfp", "scfp"):
        events, _ = train(schedule(schedule=kind, layers=layers, unit={}), layers=layers)
        macs[kind] = {e.coarse_macs for e in events}
    assert macs == {"cfp": {64 * 63 // 2 * 288}, "scfp": {6 * 288}}
    assert pytest.approx(0.997, abs=1e-4) == 1 - 6 / (64 * 63 // 2)


def test_every_channel_is_sampled_once_in_a_round_in_an_order_of_its_own():
    pruning = schedule(sample=0.01)
    begin = pruning.ramp.begin
    rounds = [
        [tuple(pruning.sampled("middle", 12, begin + 1 + 3 * turn + i).tolist()) for i in range(3)] for turn in range(6)
    ]
    for bands in rounds:
        assert sorted(bands) == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)]
    assert len({tuple(bands) for bands in rounds}) > 1
    other = [tuple(pruning.sampled("else", 12, begin + 1 + i).tolist()) for i in range(18)]
    assert other != [band for bands in rounds for band in bands]


def test_layers_that_are_not_pruned_have_no_events():
    assert {event.layer for event in train(schedule())[0]} == set(LAYERS)
    events, masks = train(schedule(sparsity=0.5, layer_sparsity={"first": 0.0}))
    assert {event.layer for event in events} == {"middle", "last"}
    assert masks["first"].all()


@pytest.mark.parametrize("kind", ["gradual", "cfp", "scfp"])
def test_when_events_come_is_known_before_the_training(kind):
    pruning = schedule(schedule=kind, period=3)
    due = [i for i in range(ITERATIONS) if pruning.is_due(i)]
    assert due == sorted({event.iteration for event in train(pruning)[0]})


def test_seeds_change_the_sample_and_nothing_else_does():
    samples = [
        [event.sampled_channels for event in train(schedule(seed=seed), weights)[0]]
        for seed, weights in ((1, 0), (1, 5), (2, 0))
    ]
    assert samples[0] == samples[1] != samples[2]
