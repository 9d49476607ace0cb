"""Schedules by name: all that are shipped, none at all, and a third party's by an entry point."""

from pathlib import Path

import pytest
from helpers.schedules import LAYERS, build, train
from robustness.plugin import cosim, install

from cosim.models.pruning import CoarseUnit, PruningSchedule, build_pruning
from cosim.models.pruning.schema import FAMILY
from cosim.registry import registry
from cosim.scenario import Spec

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"

PLUGIN = '''
from typing import Literal
from pydantic import Field
from cosim.models.pruning import PruningSchedule, fine_event
from cosim.scenario import Spec

class EveryOtherSpec(Spec):
    """Every other weight of the first layer, once."""
    schedule: Literal["every_other"]
    at: int = Field(default=1, ge=0)

class EveryOther(PruningSchedule):
    def __init__(self, spec, layers, total_iterations, *, seed):
        super().__init__()
        self.at, self.layer = spec.at, next(iter(layers))
    def is_due(self, iteration):
        return iteration == self.at
    def events(self, iteration, weights, masks, gradients=None):
        if not self.is_due(iteration):
            return ()
        mask = masks[self.layer].copy()
        mask.reshape(-1)[::2] = False
        return (fine_event(self.layer, iteration, mask, self.unit, compares=7, read=0),)

def register(registry):
    registry.component("schedule", "every_other", EveryOtherSpec, EveryOther)
'''
SCENARIO = """\
schema_version: 1
chip: {scenarios}/chips/pnpu.yaml
memory: {scenarios}/memories/ideal.yaml
workload: {{fidelity: statistical, iterations: 3, layers: [{{name: a, c: 4, h: 2, w: 2, k: 4, r: 1, s: 1}}]}}
pruning: {{schedule: every_other{more}}}
"""


def test_the_names():
    names = "activation cfp gradual lottery_ticket magnitude n_of_m none one_shot random rigl scfp"
    assert sorted(registry().components(FAMILY)) == names.split()


def test_no_pruning_has_no_events():
    pruning = build(schedule="none", unit={"channels_out": 2})
    assert not any(pruning.is_due(i) for i in range(40))
    assert train(pruning)[0] == []
    assert pruning.unit == CoarseUnit(2, 4)
    assert PruningSchedule().unit == CoarseUnit(4, 4)


def test_a_description_that_nobody_registered():
    class Unknown(Spec):
        pass

    with pytest.raises(TypeError, match=r"^no schedule is registered for a Unknown$"):
        build_pruning(Unknown(), LAYERS, 10, seed=1)


def test_a_third_partys_schedule_runs_by_its_entry_point(tmp_path):
    (tmp_path / "plugin_schedule.py").write_text(PLUGIN)
    install(tmp_path, "plugin-schedule", "plugin_schedule:register")
    for name, more in (("s", ""), ("wrong", ", att: 3")):
        (tmp_path / f"{name}.yaml").write_text(SCENARIO.format(scenarios=SCENARIOS, more=more))
    done = cosim("run", "s.yaml", "--out", "r", "--json", "--no-report", site=tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"fine_compares": 7' in done.stdout
    assert '"zero_weights": 0.5' in done.stdout
    wrong = cosim("check", "wrong.yaml", site=tmp_path, cwd=tmp_path)
    line = "wrong.yaml:5:34: pruning.att: unknown key; did you mean 'at'?\n"
    assert (wrong.returncode, wrong.stderr) == (2, line)
    without = cosim("check", "s.yaml", site=tmp_path, cwd=tmp_path, COSIM_PLUGINS="none")
    assert without.returncode == 2
    assert without.stderr.startswith(
        "s.yaml:5:21: pruning.schedule: unknown name 'every_other'; known: activation, cfp, "
    )


def test_statistics_refuse_what_needs_values(tmp_path):
    text = SCENARIO.format(scenarios=SCENARIOS, more="")
    for name, what in (
        ("rigl, sparsity: 0.5, period: 1", "gradients"),
        ("lottery_ticket, sparsity: 0.5, rounds: 1", "the weights of an earlier iteration"),
        ("activation", "the values of activations"),
    ):
        (tmp_path / "s.yaml").write_text(text.replace("every_other", name))
        done = cosim("check", "s.yaml", site=tmp_path, cwd=tmp_path)
        line = f"this schedule needs {what}: it goes with `fidelity: functional` only\n"
        assert (done.returncode, done.stderr) == (2, f"s.yaml:5:21: pruning.schedule: {line}")
