"""Regrowth: as many as go come back, where the gradient is largest; the number of zeros never changes."""

import numpy as np
import pytest
from helpers.schedules import LAYERS, build, train

from cosim.models.pruning import PruningError
from cosim.models.pruning.rigl import grow_largest
from cosim.models.tensors import ConvShape

ROW = {"a": ConvShape(n=1, c=10, h=1, w=1, k=1, r=1, s=1)}


def row(*values):
    return np.array(values, dtype=np.float32).reshape(1, 1, 1, -1)


def test_an_exchange_by_hand():
    pruning = build(ROW, 20, schedule="rigl", sparsity=0.6, end=1.0, period=10, drop=1.0)
    mask = row(1, 1, 1, 1, 0, 0, 0, 0, 0, 0) > 0
    weights = row(4, -1, 3, -2, 0, 0, 0, 0, 0, 0)
    gradients = row(9, 0.5, 9, 0, 3, -1, 0, 7, -8, 1)
    # A decay of (1 - 10 / 20) ** 3 leaves 0 of 4 kept weights.
    assert (pruning.events(10, {"a": weights}, {"a": mask}, {"a": gradients})[0].mask == mask).all()
    pruning = build(ROW, 200, schedule="rigl", sparsity=0.6, end=1.0, period=10, drop=0.6)
    assert pruning.exchanged(4, 10) == 2
    (event,) = pruning.events(10, {"a": weights}, {"a": mask}, {"a": gradients})
    assert np.flatnonzero(event.mask).tolist() == [0, 2, 7, 8]  # -1 and -2 go; gradients 7 and -8 come
    assert (event.fine_compares, event.fine_weights_read, event.gradients_read, event.zeros) == (4, 4, 8, 6)


def test_what_was_dropped_may_come_back():
    mask = row(1, 1, 0, 0) > 0
    assert np.flatnonzero(grow_largest(row(0, 9, 5, 5), row(1, 0, 0, 0) > 0, 1)).tolist() == [0, 1]
    assert np.flatnonzero(grow_largest(row(0, 0, 5, -5), mask, 1)).tolist() == [0, 1, 2]  # equal: the first


def test_the_first_mask_is_drawn_and_zeros_stay_as_many():
    pruning = build(schedule="rigl", sparsity=0.8, period=4, end=0.75)
    assert [i for i in range(40) if pruning.is_due(i)] == list(range(0, 30, 4))
    assert [i for i in range(40) if pruning.needs_gradients(i)] == list(range(4, 30, 4))
    events, masks = train(pruning)
    assert {(e.layer, e.zeros) for e in events} == {("first", 58), ("middle", 691), ("last", 240)}
    first = {e.layer: e for e in events if e.iteration == 0}
    assert (first["last"].fine_compares, first["last"].fine_weights_read, first["last"].gradients_read) == (300, 0, 0)
    assert any((first[name].mask != masks[name]).any() for name in masks)


def test_no_room():
    with pytest.raises(PruningError, match=r"^1 iterations leave no room for regrowth until 0\.75$"):
        build(LAYERS, 1, schedule="rigl", sparsity=0.5)
