"""What is read back of a sweep, and what of its summaries goes into a table."""

import pytest

from cosim.registry import Registry
from cosim.scenario import RunFolderError, ScenarioSpec, SweepResult, load_scenario, run_sweep
from cosim.scenario.sweep_result import numbers_of


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "demo", "name": "s", "parameters": [1], "points": []}'])
def test_a_damaged_result_is_refused(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"sweep.json: damaged, or not the result of a sweep"):
        SweepResult.load(tmp_path)


def test_numbers_of_a_summary_are_its_leaves_without_its_head():
    summary = {"seed": 3, "kind": "x", "a": {"seed": 4, "b": [1, {"c": 2.5}]}, "yes": True, "text": "5", "none": None}
    assert list(numbers_of(summary)) == [("a.seed", 4), ("a.b[0]", 1), ("a.b[1].c", 2.5)]


def test_a_number_called_like_a_parameter_is_told_apart(tmp_path):
    registry = Registry()
    registry.scenario("mine", ScenarioSpec, lambda spec, context: {"description": len(spec.description)})
    (tmp_path / "mine.yaml").write_text("schema_version: 1\nkind: mine\nsweep: {description: [a, bc]}\n")
    run_sweep(load_scenario(tmp_path / "mine.yaml", known=registry), tmp_path / "out")
    assert (tmp_path / "out/sweep.csv").read_text() == (
        "point,description,summary.description\ndescription=a,a,1\ndescription=bc,bc,2\n"
    )
