"""Gradual magnitude pruning: exactly the smallest weights, exactly as many as are due."""

import numpy as np
from helpers.schedules import build, train

from cosim.models.tensors import ConvShape

ROW = {"a": ConvShape(n=1, c=8, h=1, w=1, k=1, r=1, s=1)}


def test_the_smallest_go_along_the_cubic():
    pruning = build(ROW, 10, schedule="gradual", sparsity=0.75, begin=0.0, end=0.4, period=2)
    weights = {"a": np.array([5, -1, 3, -8, 2, 7, -4, 6], dtype=np.float32).reshape(1, 1, 1, 8)}
    masks = {"a": np.ones((1, 1, 1, 8), dtype=bool)}
    assert [i for i in range(10) if pruning.is_due(i)] == [2, 4]
    # Half of the way: 0.75 * (1 - 0.5 ** 3) of 8 is 5.25.
    (event,) = pruning.events(2, weights, masks)
    assert event.mask.reshape(-1).tolist() == [False, False, False, True, False, True, False, True]
    assert (event.zeros, event.fine_compares, event.fine_weights_read, event.operations) == (5, 8, 8, 8)
    (event,) = pruning.events(4, weights, {"a": event.mask})
    assert np.flatnonzero(event.mask).tolist() == [3, 5]
    assert pruning.events(3, weights, masks) == ()


def test_one_comparison_per_weight_and_event():
    events, _ = train(build(schedule="gradual", sparsity=0.8, period=3))
    assert {(e.layer, e.fine_compares) for e in events} == {("first", 72), ("middle", 864), ("last", 300)}
