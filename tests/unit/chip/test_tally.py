"""What is kept of simulated iterations: plain data that can be put away and taken back."""

import json

from helpers.chips import PLAIN, iterations, system

from cosim.models.chip.tally import Tally


def test_a_tally_is_plain_data():
    chip = system(keep_results=False, hindsight=True)
    one, two = (Tally(chip.chip_spec) for _ in range(2))
    first, second = iterations(PLAIN, [1, 3])
    one.add(chip.simulate(first), 2)
    two.restore(json.loads(json.dumps(one.state())))
    assert two.state() == one.state()
    result = chip.simulate(second)
    one.add(result, 3)
    two.add(result, 3)
    assert two.state() == one.state()
    assert [row["iteration"] for row in one.rows] == [1, 3]
    assert one.totals.iterations == 5
    assert one.totals.time_ps == 2 * one.rows[0]["time_ps"] + 3 * one.rows[1]["time_ps"]
    assert one.pruning["events"] > 0
    for stage, counts in one.policies.items():
        assert sum(counts.values()) == one.switching[stage]["choices"] == one.switching[stage]["settled"] > 0
    assert chip.results == []


def test_only_the_totals_are_weighted():
    """What docs/sampling.md lists: ways of skipping chosen, their changes and regret, the pruning unit's work."""
    chip = system(keep_results=False, hindsight=True)
    light, heavy = (Tally(chip.chip_spec) for _ in range(2))
    for iteration in iterations(PLAIN, [1, 3]):
        result = chip.simulate(iteration)
        light.add(result, 1)
        heavy.add(result, 7)
    for name in ("policies", "switching", "pruning", "rows"):
        assert getattr(heavy, name) == getattr(light, name)
    assert sum(row["choices"] for row in light.switching.values()) > 0
    for name in ("iterations", "time_ps", "tasks", "switch_cycles", "core_cycles"):
        assert getattr(heavy.totals, name) == 7 * getattr(light.totals, name)
    assert heavy.totals.actions == {action: 7 * count for action, count in light.totals.actions.items()}
