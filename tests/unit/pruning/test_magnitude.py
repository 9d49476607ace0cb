"""Magnitude pruning in rounds and at once."""

import numpy as np
from helpers.schedules import build, schedule, train

from cosim.models.tensors import ConvShape

ROW = {"a": ConvShape(n=1, c=8, h=1, w=1, k=1, r=1, s=1)}
WEIGHTS = {"a": np.array([5, -1, 3, -8, 2, 7, -4, 6], dtype=np.float32).reshape(1, 1, 1, 8)}
WHOLE = {"a": np.ones((1, 1, 1, 8), dtype=bool)}


def test_each_round_halves_what_is_left():
    pruning = build(ROW, 10, schedule="magnitude", sparsity=0.875, begin=0.2, end=0.6, rounds=3)
    assert [i for i in range(10) if pruning.is_due(i)] == [2, 4, 6]
    masks, kept = WHOLE, []
    for iteration in range(10):
        for event in pruning.events(iteration, WEIGHTS, masks):
            masks = {"a": event.mask}
            kept.append(np.flatnonzero(event.mask).tolist())
            assert (event.fine_compares, event.fine_weights_read, event.operations) == (8, 8, 8)
    assert kept == [[0, 3, 5, 7], [3, 5], [3]]


def test_at_once():
    pruning = build(ROW, 10, schedule="one_shot", sparsity=0.75, at=0.5)
    assert [i for i in range(10) if pruning.is_due(i)] == [5]
    (event,) = pruning.events(5, WEIGHTS, WHOLE)
    assert np.flatnonzero(event.mask).tolist() == [3, 5]
    assert event.operations == 8


def test_layers_that_are_not_pruned_have_no_events():
    events, masks = train(schedule(schedule="magnitude", sparsity=0.5, layer_sparsity={"first": 0.0}))
    assert {event.layer for event in events} == {"middle", "last"}
    assert masks["first"].all()
    zeros = sum(int(np.count_nonzero(~mask)) for mask in masks.values())
    assert abs(zeros - (72 + 864 + 300) // 2) <= 1
