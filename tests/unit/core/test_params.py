import pytest

from cosim.models.core import CoreParams

GOOD = {"lanes": 16, "group": 4, "window": 16, "queue": 8}


@pytest.mark.parametrize("name", ["lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"])
def test_sizes_are_at_least_one(name):
    CoreParams(**(GOOD | {"group": 1} | {name: 1}))
    with pytest.raises(ValueError, match=f"^{name} must be at least 1, got 0$"):
        CoreParams(**(GOOD | {name: 0}))


@pytest.mark.parametrize("name", ["coarse_jump", "lane_latency"])
def test_what_may_be_absent_is_at_least_zero(name):
    CoreParams(**(GOOD | {name: 0}))
    with pytest.raises(ValueError, match=f"^{name} must be at least 0, got -1$"):
        CoreParams(**(GOOD | {name: -1}))


def test_groups_divide_the_lanes():
    assert CoreParams(**GOOD).groups == 4
    with pytest.raises(ValueError, match=r"^lanes=16 must divide into groups of 3$"):
        CoreParams(**(GOOD | {"group": 3}))


def test_a_coarse_unit_has_two_sizes():
    with pytest.raises(ValueError, match="coarse_unit"):
        CoreParams(**GOOD, coarse_unit=(0, 4))


def test_absurd_sizes_are_refused():
    with pytest.raises(ValueError, match=r"^queue must be at most 1048576, got 1048577"):
        CoreParams(**(GOOD | {"queue": 2**20 + 1}))
    assert CoreParams(**(GOOD | {"coarse_unit": (4096, 4096)})).coarse_unit == (4096, 4096)
    with pytest.raises(ValueError, match=r"^coarse_unit must be two sizes of at most 4096, got \(4, 4097\)"):
        CoreParams(**(GOOD | {"coarse_unit": (4, 4097)}))
