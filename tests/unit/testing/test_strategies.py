"""The strategies that are shipped: what they draw is what they promise, and it shrinks to the simplest."""

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from cosim.testing import KEEP, Request, masks, scenarios, traffic

BASE = {"chip": {"core": {"lanes": 16, "group": 16}}, "seed": 1}
KNOBS = {"seed": (1, 2), "chip.core": (KEEP, {"lanes": 4, "group": 2}), "chip.noc.ideal": (KEEP, True)}


@given(scenarios(BASE, KNOBS))
def test_only_the_knobs_turn_and_the_base_stays(varied):
    assert BASE == {"chip": {"core": {"lanes": 16, "group": 16}}, "seed": 1}
    assert varied["seed"] in (1, 2)
    assert varied["chip"]["core"] in ({"lanes": 16, "group": 16}, {"lanes": 4, "group": 2})
    assert varied["chip"].get("noc") in (None, {"ideal": True})


def test_a_scenario_shrinks_to_the_one_it_varies():
    plain = settings(database=None)
    assert find(scenarios(BASE, KNOBS), lambda _: True, settings=plain) == BASE
    only = find(scenarios(BASE, KNOBS), lambda s: s["chip"]["core"]["lanes"] == 4, settings=plain)
    assert only == {"chip": {"core": {"lanes": 4, "group": 2}}, "seed": 1}


@given(st.integers(64, 5000), st.data())
def test_requests_are_within_the_memory_and_in_order(capacity, data):
    requests = data.draw(traffic(capacity=capacity, max_requests=10))
    assert len(requests) <= 10
    assert [r.time_ps for r in requests] == sorted(r.time_ps for r in requests)
    for request in requests:
        assert request.address % 64 == 0
        assert 1 <= request.size <= 64
        assert request.address + request.size <= capacity


def test_traffic_shrinks_to_one_early_read_at_the_bottom():
    found = find(
        traffic(capacity=1 << 20),
        lambda requests: len(requests) == 1,
        settings=settings(database=None, max_examples=20),
    )
    assert found == (Request(0, 0, 1, False),)


def test_no_room_for_an_access():
    with pytest.raises(ValueError, match=r"^a memory of 63 bytes holds no access of 64\b"):
        find(traffic(capacity=63), lambda _: True)


@given(masks((3, 5, 10)))
def test_masks_have_their_shape(mask):
    assert mask.shape == (3, 5, 10)
    assert mask.dtype == np.bool_
    assert mask.flags.writeable


def test_masks_are_of_every_kind_and_shrink_to_all():
    plain = settings(database=None, max_examples=500)
    assert find(masks((2, 8)), lambda _: True, settings=plain).all()
    assert not find(masks((2, 8)), lambda mask: not mask.any(), settings=plain).any()

    def rows(mask):
        return 0 < mask.sum() < mask.size and all(row.all() or not row.any() for row in mask)

    def blocks(mask):
        halves = mask.reshape(2, 2, 4)
        return not rows(mask) and 0 < mask.sum() < mask.size and (halves.all(-1) | ~halves.any(-1)).all()

    find(masks((2, 8)), rows, settings=plain)
    find(masks((2, 8)), blocks, settings=plain)
