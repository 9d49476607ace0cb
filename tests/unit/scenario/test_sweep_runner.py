"""Running a sweep, in this process: what is left, what is not run again, and what happens to points that fail."""

import fcntl
import json
import os
import signal

import pytest
from robustness.demo_kind import register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry
from cosim.scenario import (
    RunFolderError,
    ScenarioSpec,
    State,
    SweepInterrupted,
    SweepResult,
    load_scenario,
    run_scenario,
    run_sweep,
    sweep_points,
)

SWEEP = "sweep:\n  chip.core.lanes: [8, 16]\n  steps: [2, 3]\n"
NAMES = [f"chip.core.lanes={lanes},steps={steps}" for lanes in (8, 16) for steps in (2, 3)]


@pytest.fixture
def load(tmp_path):
    registry = Registry()
    register(registry)

    def load(sweep=SWEEP, *overrides):
        write_files(tmp_path, **{"s.yaml": SCENARIO.replace("steps: 5\n", "") + sweep})
        return load_scenario(tmp_path / "s.yaml", overrides, known=registry)

    return load


def contents(folder):
    """The bytes of all files but the manifests, which have the clock in them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def inodes(folder):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_each_point_has_an_ordinary_run_folder_and_the_whole_a_json_and_a_csv(load, tmp_path):
    scenario = load()
    result = run_sweep(scenario, tmp_path / "out", report=lambda run: b"page", page=lambda swept: b"whole")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [*NAMES, "report.html", "sweep.csv", "sweep.json"]
    )
    for i, point in enumerate(sweep_points(scenario)):
        run_scenario(point, tmp_path / "alone" / NAMES[i], report=lambda run: b"page")
    assert contents(tmp_path / "alone") == {k: v for k, v in contents(tmp_path / "out").items() if "/" in k}
    assert SweepResult.load(tmp_path / "out") == result
    assert (result.kind, result.name, result.exit_code) == ("demo", "s", 0)
    data = json.loads((tmp_path / "out/sweep.json").read_bytes())
    assert data["schema_version"] == 1
    assert data["parameters"] == [
        {"path": "chip.core.lanes", "values": [8, 16]},
        {"path": "steps", "values": [2, 3]},
    ]
    assert [point["folder"] for point in data["points"]] == NAMES
    assert data["points"][2] == {
        "values": {"chip.core.lanes": 16, "steps": 2},
        "folder": NAMES[2],
        "summary": json.loads((tmp_path / "out" / NAMES[2] / "summary.json").read_bytes()),
        "failure": None,
    }
    first, second, third = data["points"][1]["summary"]["draws"]
    assert (tmp_path / "out/sweep.csv").read_text().splitlines() == [
        "point,chip.core.lanes,steps,lanes,draws[2]",
        f'"{NAMES[0]}",8,2,8,',
        f'"{NAMES[1]}",8,3,8,{third}',
        f'"{NAMES[2]}",16,2,16,',
        f'"{NAMES[3]}",16,3,16,{third}',
    ]
    assert (first, second) == tuple(data["points"][0]["summary"]["draws"])
    assert (tmp_path / "out/report.html").read_bytes() == b"whole"


def test_points_that_are_complete_are_not_run_again(load, tmp_path):
    run_sweep(load(), tmp_path / "out")
    before = inodes(tmp_path / "out")
    begun = []
    run_sweep(load(SWEEP.replace("[2, 3]", "[2, 3, 4]")), tmp_path / "out", begun=begun.append)
    assert [point.name for point in begun] == [f"chip.core.lanes={lanes},steps=4" for lanes in (8, 16)]
    after = inodes(tmp_path / "out")
    assert {path: after[path] for path in before if path.parent.name in NAMES} == {
        path: node for path, node in before.items() if path.parent.name in NAMES
    }
    run_sweep(load(SWEEP.replace("[2, 3]", "[2, 3, 4]")), tmp_path / "new")
    assert contents(tmp_path / "out") == contents(tmp_path / "new")


def test_force_runs_them_again(load, tmp_path):
    run_sweep(load(), tmp_path / "out")
    begun = []
    run_sweep(load(SWEEP, "seed=1"), tmp_path / "out", force=True, begun=begun.append)
    assert len(begun) == 4
    run_sweep(load(SWEEP, "seed=1"), tmp_path / "new")
    assert contents(tmp_path / "out") == contents(tmp_path / "new")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_goes_on_to_the_same_bytes(load, tmp_path, number):
    run_sweep(load(), tmp_path / "whole")
    calls = []

    def progress(phase, done, total):
        calls.append(done)
        if len(calls) == 2 + 3 + 1:  # in the third point
            signal.raise_signal(number)

    with pytest.raises(SweepInterrupted) as caught:
        run_sweep(load(), tmp_path / "out", progress=progress)
    assert (caught.value.done, caught.value.total) == (2, 4)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(NAMES[:2])
    with pytest.raises(RunFolderError, match="not a sweep that has ended"):
        SweepResult.load(tmp_path / "out")
    before = inodes(tmp_path / "out")
    begun = []
    run_sweep(load(), tmp_path / "out", begun=begun.append)
    assert [point.name for point in begun] == NAMES[2:]
    assert {path: node for path, node in inodes(tmp_path / "out").items() if path in before} == before
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("interruptible")
def test_a_sweep_interrupted_before_anything_is_complete_leaves_nothing(load, tmp_path):
    with pytest.raises(SweepInterrupted):
        run_sweep(load(), tmp_path / "a/out", begun=lambda point: signal.raise_signal(signal.SIGINT))
    assert not (tmp_path / "a").exists()


def of_kind(tmp_path, run, seeds):
    registry = Registry()
    registry.scenario("mine", ScenarioSpec, run)
    (tmp_path / "mine.yaml").write_text(f"schema_version: 1\nkind: mine\nsweep: {{seed: {seeds}}}\n")
    return load_scenario(tmp_path / "mine.yaml", known=registry)


def test_points_that_fail_do_not_keep_the_others_from_running(tmp_path):
    broken = {1, 2, 3}

    class Deadlocked(Exception):
        exit_code = 3

    def run(spec, context):
        if spec.seed in broken:
            raise {1: Deadlocked("drained"), 2: KeyError("x"), 3: OSError(28, "No space left", "waves.vcd")}[spec.seed]
        return {"seven": 7, "tenth": spec.seed / 10}

    result = run_sweep(of_kind(tmp_path, run, [0, 1, 2, 3, 4]), tmp_path / "out")
    assert [point.summary is None for point in result.points] == [False, True, True, True, False]
    failures = [point.failure for point in result.points[1:4]]
    assert [(one.message, one.exit_code) for one in failures] == [
        ("drained", 3),
        ("KeyError: 'x'", 1),
        ("waves.vcd: No space left", 1),
    ]
    assert [one.details.startswith("Traceback") for one in failures] == [False, True, False]
    assert result.exit_code == 3
    assert (tmp_path / "out/sweep.csv").read_text() == (
        "point,seed,tenth\nseed=0,0,0.0\nseed=1,1,\nseed=2,2,\nseed=3,3,\nseed=4,4,0.4\n"
    )
    assert not (tmp_path / "out/seed=1").exists()
    broken.clear()
    begun = []
    result = run_sweep(of_kind(tmp_path, run, [0, 1, 2, 3, 4]), tmp_path / "out", begun=begun.append)
    assert ([point.index for point in begun], result.exit_code) == ([1, 2, 3], 0)


def test_a_point_whose_file_has_changed_fails(load, tmp_path):
    scenario = load()

    def begun(point):
        if point.index == 2:
            (tmp_path / "chips/base.yaml").write_text("name: base\nclock: 50 MHz\nsupply: 0.9 V\n")

    result = run_sweep(scenario, tmp_path / "out", begun=begun)
    assert [point.failure and point.failure.exit_code for point in result.points] == [None, None, 2, 2]
    assert "changed since the sweep was begun" in result.points[2].failure.message


def refused(load, tmp_path):
    with pytest.raises(RunFolderError) as caught:
        run_sweep(load(), tmp_path / "out")
    return str(caught.value).removeprefix(f"{tmp_path}/out")


def test_folders_of_something_else_are_left_alone(load, tmp_path):
    out = tmp_path / "out"
    run_scenario(next(sweep_points(load())), out)
    assert refused(load, tmp_path) == ": holds a single run, not a sweep; choose another --out"
    for path in out.iterdir():
        path.unlink()
    (out / "thesis.txt").touch()
    assert refused(load, tmp_path) == ": not empty, and not a sweep (thesis.txt); choose another --out"
    (out / "thesis.txt").unlink()
    (out / NAMES[1]).write_text("a file")
    assert refused(load, tmp_path) == f": not empty, and not a sweep ({NAMES[1]}); choose another --out"
    (out / NAMES[1]).unlink()
    run_scenario(next(sweep_points(load(SWEEP, "seed=1"))), out / NAMES[3])
    assert refused(load, tmp_path) == (
        f"/{NAMES[3]}: holds the complete run of something else (scenario 's', seed 1); "
        "choose another --out, or --force"
    )
    assert [path.name for path in out.iterdir()] == [NAMES[3]]  # before anything was run


def test_points_of_another_version_are_not_compared_with_new_ones(load, tmp_path):
    run_sweep(load(), tmp_path / "out")
    manifest = tmp_path / "out" / NAMES[0] / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "cosim_version": "0.0.1"}))
    assert refused(load, tmp_path).startswith(f"/{NAMES[0]}: made by another cosim (0.0.1, C library ")


def test_two_sweeps_do_not_share_a_folder(load, tmp_path):
    (tmp_path / "out").mkdir()
    lock = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert refused(load, tmp_path) == ": another sweep is writing here; choose another --out"
    finally:
        os.close(lock)


def test_what_is_no_sweep_and_no_number_of_jobs_is_refused(load, tmp_path):
    with pytest.raises(ValueError, match="no sweep; run_scenario runs it"):
        run_sweep(load("steps: 1\n"), tmp_path / "out")
    with pytest.raises(ValueError, match="jobs: must be at least 1, got 0"):
        run_sweep(load(), tmp_path / "out", jobs=0)
    with pytest.raises(ValueError, match="a sweep of 4 points; run_sweep runs it"):
        run_scenario(load(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("interruptible")
def test_a_point_with_a_checkpoint_goes_on_from_it(tmp_path):
    done = []

    def run(spec, context):
        first = context.saved.done if context.saved is not None else 0
        for i in range(first, 3):
            done.append((spec.seed, i))
            if done == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]:
                signal.raise_signal(signal.SIGTERM)
            context.checkpoint(i + 1, 3, lambda: State({}, None))
        return {"twice": 2 * spec.seed}

    with pytest.raises(SweepInterrupted) as caught:
        run_sweep(of_kind(tmp_path, run, [0, 1, 2]), tmp_path / "out")
    assert (caught.value.done, caught.value.total) == (1, 3)
    assert (tmp_path / "out/seed=1/checkpoint.npz").exists()
    result = run_sweep(of_kind(tmp_path, run, [0, 1, 2]), tmp_path / "out")
    assert [point.summary["twice"] for point in result.points] == [0, 2, 4]
    assert done[5:] == [(1, 2), (2, 0), (2, 1), (2, 2)]
    assert not (tmp_path / "out/seed=1/checkpoint.npz").exists()
