"""A training goes on from a checkpoint to the bytes of one never interrupted: summary, statistics, timeline."""

import itertools
import json
import re

import numpy as np
import pytest
from helpers.interrupting import WORKLOADS, outcome, training
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.arrays import Under
from cosim.models.chip import System
from cosim.models.chip.training import _Training
from cosim.models.workload import build_workload
from cosim.scenario import Checkpoint, CheckpointError

ITERATIONS = 6
SCHEDULES = {
    "none": {},
    "one_shot": {"sparsity": 0.6, "at": 0.4},
    "magnitude": {"sparsity": 0.7, "begin": 0.2, "end": 0.8, "rounds": 3},
    "gradual": {"sparsity": 0.7, "begin": 0.0, "end": 0.9},
    "random": {"sparsity": 0.7, "begin": 0.0, "end": 0.9},
    "n_of_m": {"at": 0.4},
    "rigl": {"sparsity": 0.6, "end": 0.9, "period": 2},
    "lottery_ticket": {"sparsity": 0.7, "begin": 0.4, "end": 0.8, "rounds": 2, "rewind_to": 0.2},
    "cfp": {"sparsity": 0.7, "begin": 0.0, "end": 0.9},
    "scfp": {"sparsity": 0.7, "begin": 0.0, "end": 0.9, "sample": 0.5},
    "activation": {"tile": 4, "begin": 0.4, "weights": {"schedule": "gradual", "sparsity": 0.5, "begin": 0.0}},
}


def schedule(name):
    return {"schedule": name, **SCHEDULES[name]}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_goes_on_after_every_iteration(tmp_path, name):
    spec = training(tmp_path, schedule=schedule(name)).spec

    def train(workload, until=ITERATIONS):
        return [
            (
                iteration.index,
                iteration.loss,
                iteration.sparsity,
                [event.operations for event in iteration.prune_events],
            )
            for iteration in itertools.islice(workload.iterations(), until)
        ]

    def built():
        return build_workload(spec.workload, spec.pruning, seed=spec.seed)

    def put_away(workload):
        return {f"w/{part}": array.copy() for part, array in workload.state().items()}

    whole = built()
    expected = train(whole)
    assert any(events for *_, events in expected) == (name != "none")
    for stop in range(1, ITERATIONS + 1):
        first, second = built(), built()
        before = train(first, stop)
        second.restore(stop, Under(put_away(first), "w"))
        assert before + train(second, ITERATIONS - stop) == expected
        assert second.evaluate() == whole.evaluate()
        one, other = put_away(whole), put_away(second)
        assert one.keys() == other.keys()
        for part, array in one.items():
            np.testing.assert_array_equal(array, other[part], err_msg=f"{stop}: {part}")


SOME = ("scfp", "activation", "lottery_ticket")
"""On chips; the others are marked slow: a chip sees masks, whatever made them."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in SOME else pytest.mark.slow) for n in SCHEDULES])
def test_every_schedule_interrupted_after_every_iteration(tmp_path, name):
    scenario = training(tmp_path, schedule=schedule(name), simulate={"every": 3})
    whole = outcome(scenario, tmp_path / "c.npz")
    assert json.loads(whole[0])["training"]["iterations"] == ITERATIONS
    assert (json.loads(whole[0])["training"]["pruning_events"] > 0) == (name != "none")
    assert outcome(scenario, tmp_path / "c.npz", range(1, ITERATIONS + 1)) == whole


# A trace has its zeros already: nothing prunes it.
@pytest.mark.parametrize(("workload", "name"), [("statistical", "none"), ("statistical", "scfp"), ("trace", "none")])
def test_without_values_too(tmp_path, workload, name):
    scenario = training(tmp_path, workload, schedule(name))
    whole = outcome(scenario, tmp_path / "c.npz")
    total = json.loads(whole[0])["training"]["iterations"]
    assert outcome(scenario, tmp_path / "c.npz", range(1, total + 1)) == whole
    assert outcome(scenario, tmp_path / "c.npz", [total // 2]) == whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Adam, weight decay, sampled at random, in hindsight: and what it gives uninterrupted."""
    folder = tmp_path_factory.mktemp("whole")
    workload = WORKLOADS["functional"] | {
        "optimizer": {"rule": "adam", "weight_decay": 0.01, "learning_rate": {"schedule": "constant", "rate": 0.01}}
    }
    sampled = {"every": 2, "choose": "random"}
    scenario = training(folder, workload, schedule("scfp"), baselines=True, hindsight=True, simulate=sampled)
    return scenario, folder, outcome(scenario, folder / "c.npz")


@settings(max_examples=3)
@given(stops=st.sets(st.integers(1, ITERATIONS), min_size=1, max_size=3))
def test_any_points(whole, stops):
    scenario, folder, expected = whole
    assert outcome(scenario, folder / "c.npz", sorted(stops)) == expected


def test_the_weights_are_the_same_to_the_last_bit(tmp_path, monkeypatch):
    """Not only what the summary shows of them."""
    ended = []
    init = _Training.__init__

    def keep(self, *arguments):
        init(self, *arguments)
        ended.append(self)

    monkeypatch.setattr(_Training, "__init__", keep)
    scenario = training(tmp_path, schedule=schedule("lottery_ticket"))
    outcome(scenario, tmp_path / "c.npz")
    outcome(scenario, tmp_path / "c.npz", [2, 3])
    one, other = (run.state() for run in (ended[0], ended[-1]))
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)
    assert json.dumps(one.data) == json.dumps(other.data)
    names = {name.removeprefix("workload/") for name in one.arrays if name.startswith("workload/")}
    assert {"conv1.w/master", "conv1.w/momentum", "conv1.w/mask", "conv1/snapshot", "fc.bias/master"} <= names
    assert {"batch_norm1/running_mean", "batch_norm1/running_variance"} <= names


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda data, arrays: data["systems"].pop(), "IndexError: list index out of range"),
        (lambda data, arrays: data["tallies"].pop(), "ValueError: of another training"),
        (lambda data, arrays: data["systems"][1].update(now_ps=1), "ValueError: the account of"),
        (
            lambda data, arrays: data["systems"][0].update(now_ps="soon"),
            r"ValueError: systems\.0\.now_ps: Input should be a valid integer",
        ),
        (lambda data, arrays: data["systems"][0]["units"].clear(), "KeyError: 'core0'"),
        (lambda data, arrays: arrays.pop("workload/conv1.w/master"), "KeyError: "),
        (lambda data, arrays: arrays.update({"chip0/noc0": np.zeros(3)}), r"ValueError: noc0: float64 \(3,\)"),
        (lambda data, arrays: arrays.update({"workload/fc.w/mask": np.zeros(3)}), r"ValueError: fc.w/mask: float64"),
        (lambda data, arrays: arrays.update({"workload/pruning/x": np.zeros(3)}), "ValueError: a schedule without"),
    ],
)
def test_a_state_that_does_not_fit(whole, change, what):
    scenario, folder, _ = whole
    outcome(scenario, folder / "c.npz", [1])
    saved = Checkpoint.open(folder / "c.npz", scenario)
    data, arrays = saved.data, dict(saved.arrays)
    change(data, arrays)
    refused(scenario, saved, data, arrays, what)


def refused(scenario, saved, data, arrays, what):
    changed = Checkpoint(saved.path, saved.done, ITERATIONS, data, arrays, (saved.done,), saved._archive)
    context = type("Context", (), {"saved": changed, "shuffle_seed": None})()
    with pytest.raises(CheckpointError, match=rf"c\.npz: damaged \({what}"):
        scenario.kind.run(scenario.spec, context)
    saved.close()


WRONG = [
    ("systems/0/tags", -7, "greater than or equal to 0"),
    ("systems/0/units/core0/ended", [1], "at least 2 items"),
    ("systems/0/units/core0/totals_ps/busy", "x", "valid integer"),
    ("systems/0/chip_counts/core.mac", 1.5, "valid integer"),
    ("systems/0/counted/core.mac", None, "valid integer"),
    ("systems/0/dram_spent/read", [], "valid integer"),
    ("systems/0/traffic", [1, 2], "at least 3 items"),
    ("tallies/0/totals", {}, "Field required"),
    ("tallies/0/totals/time_ps", "x", "valid integer"),
    ("tallies/0/totals/by_stage/ff/macs", "x", "valid integer"),
    ("tallies/0/totals/by_layer/fc.ff", {}, "expected "),
    ("tallies/0/totals/by_task/compute", None, "valid dictionary"),
    ("tallies/0/totals/orders/balanced", 3, "valid dictionary"),
    ("tallies/0/rows/0/time_ps", True, "valid integer"),
    ("tallies/0/policies/ff", [], "valid dictionary"),
    ("tallies/0/switching", {}, "expected ff, bp, wg, got"),
    ("tallies/0/switching/ff/choices", "x", "valid integer"),
    ("tallies/0/pruning", {"events": 1}, "expected events, passing_weights"),
    ("curve/rows/0/loss", "x", "valid number"),
    ("curve/rows", None, "valid list"),
    ("curve/full/coarse_adds", {}, "valid integer"),
    ("curve", None, "valid dictionary"),
]


@pytest.mark.parametrize(("path", "value", "what"), WRONG, ids=[path for path, *_ in WRONG])
def test_wrong_types_are_named_with_their_place(whole, path, value, what):
    scenario, folder, _ = whole
    outcome(scenario, folder / "c.npz", [3])
    saved = Checkpoint.open(folder / "c.npz", scenario)
    *steps, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
    inner = saved.data
    for step in steps:
        inner = inner[step]
    assert not isinstance(inner, dict) or last in inner
    inner[last] = value
    place = re.escape(path.replace("/", "."))
    refused(scenario, saved, saved.data, dict(saved.arrays), rf"ValueError: {place}(\.\w+)?: .*({what})")


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("tallies", 0, "rows"), [], "ValueError: other iterations were simulated"),
        (("systems", 0, "places", 0), 1 << 60, "ValueError: a tensor outside of the memory"),
        (("systems", 0, "places", 1, "input", 0), -7, "ValueError: a tensor outside of the memory"),
        (("systems", 0, "chooser"), {}, "ValueError: .*chooser: Input should be a valid list"),
        (("systems", 0, "chooser"), [3], "TypeError: cannot unpack"),
        (("timeline", 0), "x", "ValueError: invalid literal"),
    ],
)
def test_data_of_the_right_types_that_do_not_fit(whole, path, value, what):
    scenario, folder, _ = whole
    outcome(scenario, folder / "c.npz", [3])
    saved = Checkpoint.open(folder / "c.npz", scenario)
    inner = saved.data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    refused(scenario, saved, saved.data, dict(saved.arrays), what)


def test_only_a_fused_system_at_rest_is_put_away(tmp_path):
    spec = training(tmp_path).spec
    with pytest.raises(TypeError, match="only a fused fabric"):
        System(spec.chip, spec.memory, 1, fused=False).state()
    system = System(spec.chip, spec.memory, 1)
    system.memory.fabric.local(0, 0, 0, 4, is_write=False, done=lambda _: None)
    with pytest.raises(RuntimeError, match="under way"):
        system.state()
