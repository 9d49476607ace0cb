import contextlib
import json
import signal

import pytest
from robustness.demo_kind import Demo, register
from robustness.plugin import write_files

from cosim.registry import Registry
from cosim.scenario import RunFolderError, RunResult, ScenarioSpec, load_scenario, run_scenario


@pytest.fixture
def scenario(tmp_path):
    registry = Registry()
    register(registry)
    write_files(tmp_path)
    return load_scenario(tmp_path / "demo.yaml", known=registry)


def of_kind(tmp_path, run, model=ScenarioSpec):
    registry = Registry()
    registry.scenario("mine", model, run)
    (tmp_path / "mine.yaml").write_text("schema_version: 1\nkind: mine\n")
    return load_scenario(tmp_path / "mine.yaml", known=registry)


def test_a_run_in_a_folder_reads_back_as_it_was(scenario, tmp_path):
    result = run_scenario(scenario, tmp_path / "out", argv=["x"])
    again = RunResult.load(tmp_path / "out")
    assert again.summary == result.summary
    assert (again.statistics, again.timeline) == (result.statistics, result.timeline)
    assert (again.kind, again.name, again.seed) == ("demo", "demo", 0)
    assert set(again.manifest["files"]) == {path.name for path in (tmp_path / "out").iterdir()} - {"manifest.json"}


def test_a_run_in_memory_has_the_same_summary_but_no_files(tmp_path):
    def run(spec, context):
        return {"draw": int(context.stream("a").integers(1000)), "shuffled": False}

    scenario = of_kind(tmp_path, run)
    assert run_scenario(scenario).summary == run_scenario(scenario, tmp_path / "o", shuffle_seed=3).summary


def test_progress_reaches_the_caller(scenario, tmp_path):
    calls = []
    run_scenario(scenario, tmp_path / "out", progress=lambda *call: calls.append(call))
    assert calls == [("steps", i, 5) for i in range(1, 6)]


@pytest.mark.usefixtures("interruptible")
def test_a_run_that_loses_ctrl_c_ends_at_its_next_report_of_progress(tmp_path):
    reached = []

    def run(spec, context):
        context.progress("steps", 0, 2)
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        reached.append("worked on")
        context.progress("steps", 1, 2)
        reached.append("and on")
        return {}

    with pytest.raises(KeyboardInterrupt):
        run_scenario(of_kind(tmp_path, run), tmp_path / "out")
    assert reached == ["worked on"]
    assert not (tmp_path / "out").exists()


def test_a_failing_run_leaves_nothing_and_says_why(tmp_path):
    def run(spec, context):
        context.open("half.txt").close()
        raise RuntimeError("the reason")

    with pytest.raises(RuntimeError, match="the reason"):
        run_scenario(of_kind(tmp_path, run), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("summary", "error", "message"),
    [
        ({"seed": 3}, ValueError, "summary of scenario kind 'mine' must not set seed"),
        ({"a": {1, 2}}, TypeError, "a: a set cannot go into a result"),
        ({"a": float("nan")}, ValueError, "a: nan has no place"),
    ],
)
def test_a_summary_that_is_no_summary(tmp_path, summary, error, message):
    with pytest.raises(error, match=message):
        run_scenario(of_kind(tmp_path, lambda spec, context: summary), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_page_is_kept_or_left_out(scenario, tmp_path):
    run_scenario(scenario, tmp_path / "a", report=lambda result: b"page of " + result.name.encode())
    run_scenario(scenario, tmp_path / "b", report=lambda result: None)
    assert (tmp_path / "a/report.html").read_bytes() == b"page of demo"
    assert not (tmp_path / "b/report.html").exists()


def test_what_is_no_run_cannot_be_loaded(tmp_path):
    with pytest.raises(RunFolderError, match=r"not a complete run \(no summary\.json\)"):
        RunResult.load(tmp_path)
    for text, message in (("{", "summary.json"), ("[]", "not the summary of a run"), ("{}", "not the summary")):
        (tmp_path / "summary.json").write_text(text)
        with pytest.raises(RunFolderError, match=message):
            RunResult.load(tmp_path)


def test_the_manifest_says_what_was_run(scenario, tmp_path):
    run_scenario(scenario, tmp_path / "out", shuffle_seed=5, argv=["cosim", "run"])
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["identity"] == scenario.identity()
    assert manifest["shuffle_seed"] == 5
    assert manifest["started"] <= manifest["stopped"]
    assert {"cosim_version", "kernel_sha256", "python", "platform", "inputs", "seed"} <= manifest.keys()
    assert "shuffle_seed" not in json.loads((tmp_path / "out/summary.json").read_text())
    assert isinstance(scenario.spec, Demo)
