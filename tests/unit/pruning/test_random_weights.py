"""Random pruning: as many as are due, whatever the weights, in an order that the seed fixes."""

import numpy as np
from helpers.schedules import build, train


def pruned(seed=1, weights=0):
    return train(build(schedule="random", sparsity=0.8, period=3, seed=seed), seed=weights)


def test_weights_do_not_matter_and_the_seed_does():
    (events, masks), (_, same), (_, other) = pruned(), pruned(weights=5), pruned(seed=2)
    assert all((masks[name] == same[name]).all() for name in masks)
    assert any((masks[name] != other[name]).any() for name in masks)
    assert {(e.fine_compares, e.fine_weights_read) for e in events if e.layer == "last"} == {(300, 0)}


def test_zeros_are_everywhere():
    """No output channel of the largest layer is spared or lost: 72 weights each, 80 % of them zero."""
    _, masks = pruned()
    kept = masks["middle"].reshape(12, -1).sum(axis=1)
    assert kept.sum() == 864 - int(0.8 * 864 + 0.5)
    assert 3 <= kept.min() <= kept.max() <= 28


def test_as_many_as_are_due():
    pruning = build(schedule="random", sparsity=0.8, period=3)
    for event in train(pruning)[0]:
        assert event.zeros == int(pruning.due(event.layer, event.iteration) * event.mask.size + 0.5)
        assert event.zeros == int(np.count_nonzero(~event.mask))
