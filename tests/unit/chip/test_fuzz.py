"""`cosim fuzz`: laws hold on variations; a planted violation is found, shrunk, written down and found there again."""

import shutil

import pytest
from helpers.chips import SCENARIOS
from typer.testing import CliRunner

from cosim.cli.app import app
from cosim.models.chip import System
from cosim.models.chip.fuzz import NothingFitsError, fuzz
from cosim.scenario import load_scenario


def resolved(name, *overrides):
    return load_scenario(SCENARIOS / f"{name}.yaml", list(overrides)).resolved()


def test_the_laws_hold_on_variations_of_the_quick_start():
    assert fuzz(resolved("quickstart"), 5, seed=0) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quickstart", "memory_bound", "pruning_unit"])
@pytest.mark.parametrize("chip", ["pnpu", "lnpu", "dense"])
def test_the_laws_hold_on_many_variations(name, chip):
    assert fuzz(resolved(name, f"chip=chips/{chip}.yaml"), 100, seed=1) is None


def cosim(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout


def test_a_planted_violation_is_shrunk_to_a_scenario_that_reproduces_it(tmp_path, monkeypatch):
    folder = tmp_path / "my scenarios"
    shutil.copytree(SCENARIOS, folder)
    accounts = System.accounts

    def lossy(self):
        """A picosecond of one unit is lost where a core has six lanes."""
        totals = accounts(self)
        if self.chip_spec.core.lanes == 6:
            totals["vector"]["idle"] -= 1
        return totals

    with monkeypatch.context() as planted:
        planted.setattr(System, "accounts", lossy)
        file, written = folder / "quickstart.yaml", folder / "quickstart.failing.yaml"
        code, printed = cosim("fuzz", file, "--examples", 40, "--seed", 1)
        assert code == 1
        assert printed.startswith("accounting: PNPU: iteration 0: unit vector: ")
        assert printed.endswith(f"smallest scenario found: {written}\nagain: cosim fuzz '{written}' --examples 0\n")
        # All that does not matter is as simple as it can be.
        spec = load_scenario(written).spec
        given = load_scenario(file).spec
        lanes = given.chip.core.model_copy(update={"lanes": 6, "group": 3})
        assert spec.chip == given.chip.model_copy(update={"core": lanes})
        assert spec.memory == given.memory
        (layer,) = spec.workload.layers
        assert (layer.c, layer.h, layer.w, layer.k, layer.r, layer.s, layer.pad) == (1, 1, 1, 1, 1, 1, 0)
        assert (spec.workload.batch, spec.workload.iterations, spec.pruning.schedule) == (1, 1, "none")
        code, printed = cosim("fuzz", written, "--examples", 0)
        assert (code, printed.count("accounting")) == (1, 1)
    assert cosim("fuzz", written, "--examples", 0) == (0, f"{written}: all laws hold\n")


def test_a_crash_is_a_failure(monkeypatch):
    def broken(self, graph):
        raise RuntimeError("stuck")

    monkeypatch.setattr(System, "run_graph", broken)
    failure = fuzz(resolved("quickstart"), 3, seed=0)
    assert failure is not None
    assert failure.broken == ("runs to its end: RuntimeError: stuck",)


def test_equal_seeds_are_equal_variations(monkeypatch):
    seen = []
    monkeypatch.setattr("cosim.models.chip.fuzz.broken_laws", lambda spec, most: seen.append(spec) or ())
    for seed in (1, 1, 2):
        fuzz(resolved("quickstart"), 5, seed=seed)
    assert len(seen) == 15
    assert seen[:5] == seen[5:10] != seen[10:]


def test_nothing_that_can_run():
    with pytest.raises(NothingFitsError, match=r"^no variation of this scenario can run$"):
        fuzz(resolved("quickstart") | {"schema_version": 2}, 1, seed=0)


def test_another_kind_of_scenario_is_refused(tmp_path):
    (tmp_path / "s.yaml").write_text("schema_version: 1\nkind: nothing\n")
    assert cosim("fuzz", tmp_path / "s.yaml")[0] == 2


def test_a_sweep_is_refused():
    done = CliRunner().invoke(app, ["fuzz", str(SCENARIOS / "sweep_lanes.yaml")])
    assert done.exit_code == 2
    assert done.stderr.endswith(": a sweep; expected one scenario, like the scenario.resolved.yaml of a point\n")
