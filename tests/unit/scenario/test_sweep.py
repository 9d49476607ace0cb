"""What a `sweep:` stands for: its points, their order, their names, and what they are made of."""

import pytest
from robustness.demo_kind import register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry
from cosim.scenario import ScenarioError, load_scenario, sweep_points
from cosim.scenario.runner import resolved_yaml
from cosim.scenario.sweep import MAX_POINTS


@pytest.fixture
def known():
    registry = Registry()
    register(registry)
    return registry


@pytest.fixture
def load(tmp_path, known):
    def load(sweep, *overrides, **files):
        write_files(tmp_path, **{"s.yaml": SCENARIO + sweep, **files})
        return load_scenario(tmp_path / "s.yaml", overrides, known=known)

    return load


TWO = "sweep:\n  chip.core.lanes: [8, 16, 32]\n  schedule.target: [50 %, 0.9]\n"


def test_points_are_all_combinations_in_the_order_of_the_file_the_last_parameter_fastest(load):
    scenario = load(TWO)
    assert [(one.path, one.values) for one in scenario.sweep.parameters] == [
        ("chip.core.lanes", (8, 16, 32)),
        ("schedule.target", ("50 %", 0.9)),
    ]
    assert [tuple(point.values.items()) for point in scenario.sweep.points] == [
        (("chip.core.lanes", lanes), ("schedule.target", target)) for lanes in (8, 16, 32) for target in ("50 %", 0.9)
    ]
    assert [point.index for point in scenario.sweep.points] == list(range(6))
    assert [(one.spec.chip.core.lanes, float(one.spec.schedule.target)) for one in sweep_points(scenario)] == [
        (lanes, target) for lanes in (8, 16, 32) for target in (0.5, 0.9)
    ]


def test_a_point_is_the_scenario_with_its_values_set(load, tmp_path, known):
    scenario = load(TWO)
    points = list(sweep_points(scenario))
    assert points[3].sweep is None
    alone = load_scenario(tmp_path / "demo.yaml", ["name=s", "chip.core.lanes=16", "schedule.target=0.9"], known=known)
    assert points[3].spec.model_copy(update={"name": "s"}) == alone.spec
    assert [point.identity for point in scenario.sweep.points] == [point.identity() for point in points]
    assert len({point.identity for point in scenario.sweep.points}) == 6
    assert scenario.spec == points[0].spec


def test_a_scenario_without_a_sweep_is_its_only_point(load):
    scenario = load("")
    assert scenario.sweep is None
    assert list(sweep_points(scenario)) == [scenario]


def test_a_parameter_may_be_a_file_a_list_a_mapping_or_what_the_scenario_lacks(load):
    scenario = load(
        "sweep:\n  chip: [chips/fast.yaml, chips/base.yaml]\n  mode: [trace]\n"
        "  baselines: [[], [chips/base.yaml, chips/fast.yaml]]\n"
    )
    assert [(one.spec.chip.name, [chip.name for chip in one.spec.baselines]) for one in sweep_points(scenario)] == [
        ("fast", []),
        ("fast", ["base", "fast"]),
        ("base", []),
        ("base", ["base", "fast"]),
    ]
    assert [len(one.inputs) for one in sweep_points(scenario)] == [3, 3, 2, 3]
    assert len(scenario.inputs) == 3
    written = load("sweep:\n  chip: [{extends: chips/base.yaml, name: mine}]\n")
    assert [one.spec.chip.name for one in sweep_points(written)] == ["mine"]


def test_names_can_be_read_and_are_safe(load):
    sweep = (
        "sweep:\n  chip.clock: [50 MHz, 2500/3 ps]\n  'baselines[0]': [chips/base.yaml]\n  verify: [true]\n"
        "baselines: [chips/fast.yaml]\n"
    )
    assert [point.name for point in load(sweep).sweep.points] == [
        "chip.clock=50MHz,baselines.0=chips_base.yaml,verify=true",
        "chip.clock=2500_3ps,baselines.0=chips_base.yaml,verify=true",
    ]


def test_names_that_would_be_the_same_or_too_long_are_told_apart(load):
    names = [point.name for point in load("sweep:\n  description: [a b, a_b, A?b, c]\n").sweep.points]
    assert names[3] == "description=c"
    assert [name[:16] for name in names[:3]] == ["description=a_b-", "description=a_b-", "description=A_b-"]
    assert len({name.casefold() for name in names}) == 4
    (long,) = load(f"sweep:\n  description: [{'x' * 300}]\n").sweep.points
    assert len(long.name) == 150 + 1 + 8


def test_overrides_go_with_the_sweep(load):
    scenario = load(TWO, "sweep.chip.core.lanes=[4]", "steps=7", "chip=chips/base.yaml")
    assert [(one.spec.chip.name, one.spec.chip.core.lanes, one.spec.steps) for one in sweep_points(scenario)] == [
        ("base", 4, 7),
        ("base", 4, 7),
    ]
    inside = load("sweep:\n  chip: [chips/base.yaml, chips/fast.yaml]\n", "chip.core.lanes=3")
    assert [one.spec.chip.core.lanes for one in sweep_points(inside)] == [3, 3]
    made = load("", "sweep={steps: [1, 2]}")
    assert [one.spec.steps for one in sweep_points(made)] == [1, 2]


def test_a_parameter_may_be_inside_of_one_that_is_set_before(load):
    scenario = load("sweep:\n  chip: [chips/base.yaml, chips/fast.yaml]\n  chip.core.lanes: [1, 2]\n")
    assert [(one.spec.chip.name, one.spec.chip.core.lanes) for one in sweep_points(scenario)] == [
        ("base", 1),
        ("base", 2),
        ("fast", 1),
        ("fast", 2),
    ]


def test_the_resolved_sweep_reads_back_to_the_same_points(load, tmp_path, known):
    scenario = load(TWO)
    (tmp_path / "again.yaml").write_bytes(resolved_yaml(scenario))
    again = load_scenario(tmp_path / "again.yaml", known=known)
    assert again.sweep.parameters == scenario.sweep.parameters
    assert [one.spec for one in sweep_points(again)] == [
        one.spec.model_copy(update={"name": "s"}) for one in sweep_points(scenario)
    ]


def test_a_file_that_changes_meanwhile_gives_another_identity_or_an_error(load, tmp_path):
    scenario = load(TWO)
    (tmp_path / "chips/base.yaml").write_text("name: base\nclock: 50 MHz\nsupply: 0.9 V\ncore:\n  lanes: 8\n")
    assert next(sweep_points(scenario)).identity() != scenario.sweep.points[0].identity
    (tmp_path / "chips/base.yaml").write_text("name: base\n")
    with pytest.raises(ScenarioError, match="required, but missing"):
        next(sweep_points(scenario))


def test_as_many_points_as_are_allowed_are_counted_before_any_is_loaded(load):
    side = list(range(1, 101))
    with pytest.raises(ScenarioError, match=rf"s.yaml:8:1: sweep: {MAX_POINTS + 100} points; at most {MAX_POINTS}"):
        load(f"sweep:\n  seed: {[*side, 101]}\n  steps: {side}\n")
