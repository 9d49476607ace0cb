"""Which iterations are simulated, for how many others each stands, and whether the truth lies in the interval."""

import math
import statistics
from collections import Counter
from pathlib import Path

import pytest
from helpers.chips import PLAIN, iterations, system
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip.sampling import Sample, SimulateSpec, Stratum, choose
from cosim.scenario import load_scenario, run_scenario

SCENARIO = Path(__file__).resolve().parents[3] / "scenarios" / "quickstart.yaml"


def never(_):
    return False


def weights(total, every, prunes_in=never, **more):
    return choose(total, SimulateSpec(every=every, **more), prunes_in, seed=1).weights


@pytest.mark.parametrize(
    ("total", "every", "expected"),
    [
        (0, 3, {}),
        (1, 3, {0: 1}),
        (4, 1, {0: 1, 1: 1, 2: 1, 3: 1}),
        (6, 3, {1: 3, 4: 3}),
        (7, 3, {1: 3, 4: 3, 6: 1}),  # a last one that is left over stands for itself
        (8, 4, {2: 4, 6: 4}),  # of an even number, the later of the two in the middle
        (3, 100, {1: 3}),
    ],
)
def test_the_middle_one_of_each_part_stands_for_it(total, every, expected):
    assert weights(total, every) == expected


def test_iterations_with_pruning_events_are_a_stratum_of_their_own():
    events = {2, 3, 7, 9}
    chosen = weights(10, 3, events.__contains__)
    # Without: 0 1 4 | 5 6 8. With: 2 3 7 | 9.
    assert chosen == {1: 3, 3: 3, 6: 3, 9: 1}
    assert list(chosen) == sorted(chosen)


def test_two_of_twice_as_many_are_drawn():
    sample = choose(47, SimulateSpec(every=10, choose="random"), never, seed=1)
    # 20, 20, then 7: the last one for itself, two of the other six.
    assert [stratum.size for stratum in sample.strata] == [20, 20, 1, 6]
    (first, second, certain, last) = (stratum.simulated for stratum in sample.strata)
    assert all(0 <= i < 20 for i in first) and all(20 <= i < 40 for i in second) and all(40 <= i < 46 for i in last)
    assert certain == (46,)
    expected = {**dict.fromkeys((*first, *second), 10), **dict.fromkeys(last, 3), 46: 1}
    assert sample.weights == dict(sorted(expected.items()))


@pytest.mark.parametrize(("total", "expected"), [(1, {0: 1}), (2, {0: 1, 1: 1})])
def test_one_or_two_left_over_are_simulated(total, expected):
    assert weights(total, 10, choose="random") == expected


def test_every_iteration_is_as_likely_as_the_others():
    counted = Counter(i for seed in range(2000) for i in weights(20, 10, choose="random", seed=seed))
    assert len(counted) == 20
    # Binomial, 200 each, standard deviation 13.4.
    assert 140 <= min(counted.values()) <= max(counted.values()) <= 260


@given(st.integers(0, 60), st.integers(1, 70), st.sets(st.integers(0, 59)), st.sampled_from(["middle", "random"]))
def test_the_weights_of_each_kind_sum_to_it(total, every, events, how):
    sample = choose(total, SimulateSpec(every=every, choose=how), events.__contains__, seed=3)
    for kind in (True, False):
        members = [index for index in range(total) if (index in events) is kind]
        stand = [weight for index, weight in sample.weights.items() if (index in events) is kind]
        assert sum(stand) == len(members)
        assert max(stand, default=0) <= every
        assert len(stand) <= -(-len(members) // every) + 2
    assert sum(stratum.size for stratum in sample.strata) == total
    assert {i for stratum in sample.strata for i in stratum.simulated} == set(sample.weights)
    if every == 1:
        assert len(sample.weights) == total
        assert sample.half_width(dict.fromkeys(range(total), 7)) == 0


def test_an_interval_by_hand():
    """Two strata of 10, two drawn of each: variance 10 * 8 / 2 * s2 each, s2 of (a, b) is (a - b)^2 / 2."""
    sample = Sample((Stratum(10, (1, 5)), Stratum(10, (12, 15))), {1: 5, 5: 5, 12: 5, 15: 5})
    values = {1: 100, 5: 110, 12: 50, 15: 53}
    assert sample.total(values) == 5 * 313
    parts = [40 * 50, 40 * 4.5]
    freedom = sum(parts) ** 2 / sum(part**2 for part in parts)  # 1.18: one degree of freedom
    assert int(freedom) == 1
    assert sample.half_width(values) == math.ceil(12.706 * math.sqrt(sum(parts)))
    values = {1: 100, 5: 110, 12: 50, 15: 60}  # equal variances: two
    assert sample.half_width(values) == math.ceil(4.303 * math.sqrt(40 * 50 * 2))


def test_systematic_samples_are_judged_by_successive_differences():
    sample = Sample((Stratum(9, (1, 4, 7), systematic=True),), {1: 3, 4: 3, 7: 3})
    values = {1: 10, 4: 20, 7: 36}
    squares = (10**2 + 16**2) / (2 * 2)
    assert sample.half_width(values) == math.ceil(4.303 * math.sqrt(9 * 6 / 3 * squares))


def test_what_one_of_several_does_not_say():
    assert Sample((Stratum(5, (2,), systematic=True),), {2: 5}).half_width({2: 7}) is None
    assert Sample((Stratum(1, (2,)),), {2: 1}).half_width({2: 7}) == 0


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_width_follows_the_unit(seed, factor):
    """Times in other units give the same interval, to the rounding."""
    sample = choose(60, SimulateSpec(every=10, choose="random", seed=seed), never, seed=1)
    values = {i: (i * 7919 + seed) % 1000 for i in sample.weights}
    one, many = sample.half_width(values), sample.half_width({i: v * factor for i, v in values.items()})
    assert (one - 1) * factor <= many <= one * factor


def test_an_iteration_that_is_not_simulated_leaves_counters_but_no_way_of_skipping():
    """What docs/sampling.md says an iteration starts from."""
    mapper = system().mapper
    first, second, third = iterations(PLAIN, [0, 1, 2])
    mapper.map(first)
    before = mapper.chooser.state()
    mapper.observe(second)
    after = mapper.chooser.state()
    assert [row[:3] for row in after] == [row[:3] for row in before]  # layer, stage, place of the way at hand
    assert [row[3:] for row in after] != [row[3:] for row in before]
    taken = len(mapper.chooser.choices)
    mapper.map(third)
    assert len(mapper.chooser.choices) == 2 * taken > 0


def test_the_truth_lies_in_the_interval():
    """Iteration times of a training that becomes sparse: a falling curve with noise, and dearer pruning iterations."""
    truth = [1000 + 9000 * (400 - i) // 400 + (i * 7919) % 700 + (1500 if i % 5 == 0 else 0) for i in range(400)]
    inside, errors = 0, []
    for seed in range(200):
        sample = choose(400, SimulateSpec(every=10, choose="random", seed=seed), lambda i: i % 5 == 0, seed=1)
        values = {i: truth[i] for i in sample.weights}
        errors.append(sample.total(values) - sum(truth))
        inside += abs(errors[-1]) <= sample.half_width(values)
    assert 180 <= inside <= 198  # of 200; too many would mean that intervals are wider than they need be
    assert abs(statistics.mean(errors)) < 3 * statistics.stdev(errors) / math.sqrt(200)


SMALL = [
    "baselines=[]",
    "hindsight=false",
    "timeline.iterations=0",
    "workload.batch=4",
    "workload.epochs=1",
    "workload.network={name: small, input: {height: 8, width: 8, channels: 1}, layers: [{kind: conv, name: conv1, "
    "channels: 8, kernel: 3, stride: 2}, {kind: relu}, {kind: linear, name: fc, channels: 10}]}",
]


@pytest.mark.slow
def test_forty_samples_of_a_small_training():
    """The true total, every iteration simulated, against 40 sampled runs of the same training at a tenth."""

    def chip(*overrides):
        return run_scenario(load_scenario(SCENARIO, [*SMALL, *overrides])).summary["chips"][0]

    whole = chip("simulate.every=1")
    assert set(whole["interval"]["half_width"].values()) == {0}
    inside = Counter()
    for seed in range(40):
        part = chip(f"simulate={{every: 10, choose: random, seed: {seed}}}")
        for name, true, estimate in (
            ("time_ps", whole["time_ps"], part["time_ps"]),
            ("energy_fj_total", whole["energy_fj"]["total"], part["energy_fj"]["total"]),
            ("executed_macs", whole["macs"]["executed"], part["macs"]["executed"]),
        ):
            inside[name] += abs(estimate - true) <= part["interval"]["half_width"][name]
    print({name: f"{count} of 40" for name, count in inside.items()})
    assert min(inside[name] for name in ("time_ps", "energy_fj_total", "executed_macs")) >= 35
