import pytest
from helpers.chips import SCENARIOS
from robustness.demo_kind import register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry, registry
from cosim.scenario import LoadedComponent, LoadedScenario, ScenarioError, load_described, load_scenario
from cosim.scenario.files import Files
from cosim.scenario.recognise import component_of, described

FAMILIES = {
    "chips": "chip",
    "energy": "energy table",
    "memories": "memory",
    "networks": "network",
    "schedules": "schedule",
    "workloads": "workload",
}


def recognised(text, tmp_path):
    (tmp_path / "it.yaml").write_text(text)
    return component_of(Files().load_root(tmp_path / "it.yaml"), "training", registry())


@pytest.mark.parametrize("folder", FAMILIES)
def test_every_shipped_part_of_a_scenario_is_told_by_its_keys(folder):
    files = sorted((SCENARIOS / folder).glob("*.yaml"))
    assert files
    for file in files:
        component = component_of(Files().load_root(file), "training", registry())
        assert component is not None
        assert component.family == FAMILIES[folder], file
        if folder == "schedules":
            assert component.name == file.stem


@pytest.mark.parametrize("file", [*SCENARIOS.glob("*.yaml"), *(SCENARIOS / "reproduce" / "inputs").glob("*.yaml")])
def test_scenarios_are_no_parts(file):
    assert component_of(Files().load_root(file), "training", registry()) is None


def test_the_record_of_assumptions_is_told_from_claims():
    folder = SCENARIOS / "reproduce"
    component = component_of(Files().load_root(folder / "assumptions.yaml"), "training", registry())
    assert component is not None
    assert described(component) == "record (assumptions)"
    assert component_of(Files().load_root(folder / "pruning.yaml"), "training", registry()) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        # Of the two kinds of chip files, the one of which less is missing.
        ("{name: a, clock: 1 GHz, core: {kind: scnn}, provenance: {}}", "chip (core_chip)"),
        ("{name: a, clock: 1 GHz, voltage: 1 V, core: {}, provenance: {}}", "chip"),
        # With mistakes in it, it still is what it is.
        ("{schedule: scfp, sparsity: 0.9, sampel: 0.1}", "schedule (scfp)"),
        ("{kind: systolic, rows: 4}", "core (systolic)"),
        ("{preset: ddr4_2400, maping: m1}", "memory"),
        # As many keys of a scenario: that it is.
        ("{name: a, seed: 1}", None),
        ("{chip: a.yaml, memory: b.yaml, clock: 1 GHz}", None),
        ("{kind: trainig, chip: a.yaml, memory: b.yaml}", None),
        ("{kind: training, name: a, clock: 1 GHz, voltage: 1 V, core: {}, provenance: {}}", None),
        ("{nothing: 1}", None),
        ("{}", None),
    ],
)
def test_what_fits_best_it_is(text, what, tmp_path):
    component = recognised(text, tmp_path)
    assert (None if component is None else described(component)) == what


@pytest.fixture
def demo(tmp_path, monkeypatch):
    known = Registry()
    register(known)
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return known


def test_a_third_partys_part_is_checked_as_what_it_is(demo, tmp_path):
    chip = load_described("chips/fast.yaml", known=demo)
    assert isinstance(chip, LoadedComponent)
    assert (chip.name, chip.what, list(chip.inputs)) == (
        "fast",
        "chip (demo_chip)",
        ["chips/fast.yaml", "chips/base.yaml"],
    )
    assert isinstance(load_described("demo.yaml", known=demo), LoadedScenario)
    (tmp_path / "chips" / "fast.yaml").write_text("extends: base.yaml\nclok: 300 MHz\ncore: {lanes: 0}\n")
    with pytest.raises(ScenarioError) as wrong:
        load_described("chips/fast.yaml", known=demo)
    assert str(wrong.value).splitlines() == [
        "chips/fast.yaml:2:1: clok: unknown key; did you mean 'clock'?",
        "chips/fast.yaml:3:15: core.lanes: must be at least 1, got 0",
    ]


def test_a_part_cannot_be_run_and_that_is_said_in_one_line(demo):
    with pytest.raises(ScenarioError) as wrong:
        load_scenario("chips/base.yaml", known=demo)
    assert str(wrong.value) == (
        "chips/base.yaml:1:1: describes a chip (demo_chip), no scenario that names one; "
        "`cosim check` validates it by itself"
    )


def test_a_scenario_with_a_mistake_is_still_complained_of_as_a_scenario(demo, tmp_path):
    (tmp_path / "demo.yaml").write_text(SCENARIO.replace("kind: demo", "kind: dem"))
    with pytest.raises(ScenarioError, match=r"demo.yaml:2:7: kind: unknown scenario kind 'dem'; did you mean 'demo'\?"):
        load_scenario("demo.yaml", known=demo)
