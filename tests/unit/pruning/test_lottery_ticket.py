"""Lottery-ticket rewinding: events of magnitude pruning that send the kept weights back."""

import numpy as np
from helpers.schedules import build, train


def test_every_event_rewinds_and_prunes_what_magnitude_pruning_does():
    common = {"sparsity": 0.8, "begin": 0.25, "end": 0.75, "rounds": 3}
    ticket, plain = build(schedule="lottery_ticket", **common), build(schedule="magnitude", **common)
    events, expected = train(ticket)[0], train(plain)[0]
    assert len(events) == len(expected) == 9
    for event, other in zip(events, expected, strict=True):
        assert event.rewinds and not other.rewinds
        assert np.array_equal(event.mask, other.mask)
        assert event.operations == other.operations


def test_the_snapshot_is_taken_before_the_first_round():
    assert build(schedule="lottery_ticket", sparsity=0.8, rewind_to=0.05).snapshot_iteration == 2
    assert build(schedule="lottery_ticket", sparsity=0.8, begin=0.1, rewind_to=0.9).snapshot_iteration == 3
    assert build(schedule="magnitude", sparsity=0.8).snapshot_iteration is None
