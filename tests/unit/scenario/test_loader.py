import json
from fractions import Fraction

import pytest
from robustness.demo_kind import Chip, register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry
from cosim.scenario import ScenarioError, load_component, load_scenario


@pytest.fixture
def load(tmp_path, monkeypatch):
    registry = Registry()
    register(registry)
    monkeypatch.chdir(tmp_path)

    def load_it(*overrides, **files):
        write_files(tmp_path, **files)
        return load_scenario("demo.yaml", overrides, known=registry)

    return load_it


def test_a_scenario_with_included_and_extended_files(load):
    scenario = load()
    chip = scenario.spec.chip
    assert (chip.name, chip.clock, chip.supply, chip.core.lanes) == ("fast", Fraction(10_000, 3), 780, 8)
    assert scenario.spec.schedule.target == Fraction(9, 10)
    assert (scenario.name, scenario.kind.kind) == ("demo", "demo")
    assert list(scenario.inputs) == ["demo.yaml", "chips/fast.yaml", "chips/base.yaml"]


def test_inline_things_may_extend_files(load):
    inline = "baselines:\n  - chips/base.yaml\n  - extends: chips/base.yaml\n    core: {buffer: 128 KiB}\n"
    base, changed = load(**{"demo.yaml": SCENARIO + inline}).spec.baselines
    assert base.core.buffer == 64 * 1024
    assert changed == base.model_copy(update={"core": base.core.model_copy(update={"buffer": 128 * 1024})})


def test_overrides_reach_into_included_files(load):
    spec = load("chip.core.lanes=16", "seed=9", "schedule={kind: step, target: 0.5, every: 3}").spec
    assert (spec.chip.core.lanes, spec.seed, spec.schedule.every) == (16, 9, 3)
    assert load("chip=chips/base.yaml").spec.chip.name == "base"
    assert load("chip=chips/base.yaml", "chip.core.lanes=2").spec.chip.core.lanes == 2


def test_an_override_may_extend_a_file(load):
    scenario = load("chip={extends: chips/fast.yaml, core: {lanes: 2}}", "schedule={kind: linear, target: 50 %}")
    assert (scenario.spec.chip.name, scenario.spec.chip.core.lanes) == ("fast", 2)
    assert list(scenario.inputs) == ["demo.yaml", "chips/fast.yaml", "chips/base.yaml"]
    swept = load("sweep={chip: [{extends: chips/fast.yaml, core: {lanes: 2}}, chips/base.yaml]}")
    assert [swept.sweep.load(i).spec.chip.core.lanes for i in (0, 1)] == [2, 8]


def test_data_files_are_found_beside_the_file_that_names_them_and_hashed(load, tmp_path):
    scenario = load(
        **{
            "sub/part.yaml": "data: masks.bin\n",
            "sub/masks.bin": b"abc",
            "demo.yaml": "extends: sub/part.yaml\n" + SCENARIO,
        }
    )
    assert scenario.spec.data == tmp_path / "sub/masks.bin"
    assert scenario.inputs["sub/masks.bin"].startswith("ba7816bf")  # SHA-256 of "abc", FIPS 180-2
    assert scenario.data == {str(tmp_path / "sub/masks.bin"): scenario.inputs["sub/masks.bin"]}


def test_identity_changes_with_what_determines_the_result_only(load):
    data = {"m.bin": b"1", "demo.yaml": SCENARIO + "data: m.bin\n"}
    identity = load(**data).identity()
    assert load(**data | {"demo.yaml": "# a comment\n" + data["demo.yaml"]}).identity() == identity
    assert load("steps=5", **data).identity() == identity
    moved = {"sub/m.bin": b"1", "demo.yaml": SCENARIO + "data: sub/m.bin\n"}
    assert load(**moved).identity() == identity
    others = [load("seed=1", **data), load("steps=4", **data), load("name=x", **data), load(**data | {"m.bin": b"2"})]
    assert len({identity, *(other.identity() for other in others)}) == 5


def test_the_resolved_scenario_loads_to_the_same_spec(load, tmp_path):
    scenario = load("chip.clock=2500/3 ps")
    (tmp_path / "resolved.yaml").write_text(json.dumps(scenario.resolved()))
    again = load_scenario("resolved.yaml", known=scenario_registry(scenario))
    assert again.spec == scenario.spec


def scenario_registry(scenario):
    registry = Registry()
    register(registry)
    return registry


def test_a_component_from_a_file_of_its_own(load):
    load()
    assert load_component("chips/fast.yaml", Chip, ["core.lanes=1"]).core.lanes == 1
    with pytest.raises(ScenarioError) as caught:
        load_component("chips/fast.yaml", Chip, ["core.lane=1"])
    assert str(caught.value) == "--set core.lane=1: core.lane: unknown key; did you mean 'lanes'?"
    with pytest.raises(ScenarioError, match=r"\ndemo\.yaml:1:1: schema_version: unknown key; known: clock"):
        load_component("demo.yaml", Chip)
