"""The order of what happens at one instant is drawn anew by every shuffle seed; the summary stays byte for byte."""

import pytest
from helpers.chips import SCENARIOS

from cosim.scenario import load_scenario, run_scenario, sweep_points
from cosim.scenario.canonical import canonical_json

# What makes a short run of a scenario that simulates every part of it.
_FEW = ["workload.epochs=1", "simulate.every=500"]
SHORT = {
    "quickstart": _FEW,
    "memory_bound": _FEW,
    "pruning_unit": _FEW,
    "sweep_lanes": ["sweep={chip.core.lanes: [64, 128]}"],
    "conv2_x": ["workload.layers=[{name: small, c: 64, h: 14, w: 14, k: 32, r: 3, s: 3, pad: 1, first: true}]"],
}
ALL = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def outcome(name, overrides, seed):
    points = sweep_points(load_scenario(SCENARIOS / f"{name}.yaml", overrides))
    results = [run_scenario(point, shuffle_seed=seed) for point in points]
    return [(canonical_json(result.summary), canonical_json(result.statistics)) for result in results]


@pytest.mark.parametrize("name", SHORT)
def test_another_order_gives_the_same_summary(name):
    assert outcome(name, SHORT[name], 1) == outcome(name, SHORT[name], None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_another_order_of_the_whole_scenario_gives_the_same_summary(name):
    assert outcome(name, [], 3) == outcome(name, [], 2) == outcome(name, [], None)
