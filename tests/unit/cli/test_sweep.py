"""`cosim run` of a scenario with a sweep, as a user runs it."""

import json
import signal
import subprocess

import pytest
from robustness.plugin import COMMAND, SCENARIO, cosim, environment, install, write_files

SWEEP = SCENARIO + "sweep:\n  chip.core.lanes: [8, 16, 32]\n  steps: [2, 3]\n"
NAMES = [f"chip.core.lanes={lanes},steps={steps}" for lanes in (8, 16, 32) for steps in (2, 3)]


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    write_files(folder, **{"sweep.yaml": SWEEP})
    return folder


def contents(folder):
    """The bytes of all files but the manifests, which have the clock and the command line in them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_check_validates_every_point(site, here):
    done = cosim("check", "sweep.yaml", site=site, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "sweep.yaml: ok: demo scenario 'sweep', 3 file(s), a sweep of 6 point(s)\n"
    short = cosim("check", "sweep.yaml", "--set", "sweep.steps=[1, 2]", site=site, cwd=here)
    assert (short.returncode, short.stderr) == (0, "sweep.yaml: warning: one step is little\n")
    (here / "sweep.yaml").write_text(SWEEP.replace("[2, 3]", "[2, 0]").replace("[8, 16, 32]", "[8, 65]"))
    wrong = cosim("check", "sweep.yaml", site=site, cwd=here)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.splitlines() == [
        "sweep.yaml:10:14: sweep.steps[1]: must be at least 1, got 0",
        "chips/base.yaml:5:3: chip.core: 65 lanes need at least 65 KiB (at chip.core.lanes=65, steps=2 and 1 more)",
    ]


def test_a_sweep_runs_its_points_and_shows_a_table_with_one_row_each(site, here):
    done = cosim("run", "sweep.yaml", "--out", "out", site=site, cwd=here)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        *(f"cosim: point {i + 1} of 6: {name}" for i, name in enumerate(NAMES)),
        "cosim: wrote out; open out/report.html",
    ]
    draws = json.loads((here / "out" / NAMES[1] / "summary.json").read_text())["draws"]
    table = [line.split() for line in done.stdout.splitlines()[4:]]
    assert table[:4] == [
        ["chip.core.lanes", "steps", "lanes", "draws[2]"],
        ["8", "2", "8"],
        ["8", "3", "8", str(draws[2])],
        ["16", "2", "16"],
    ]
    before = contents(here / "out")
    again = cosim("run", "sweep.yaml", "--out", "out", site=site, cwd=here)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert again.stderr == "cosim: wrote out; open out/report.html\n"
    shown = cosim("report", "out", site=site, cwd=here)
    assert (shown.stdout, shown.stderr) == (done.stdout, "cosim: wrote out/report.html\n")
    assert contents(here / "out") == before


def test_several_jobs_give_the_same_bytes(site, here):
    one = cosim("run", "sweep.yaml", "--out", "one", "--json", "-q", site=site, cwd=here)
    two = cosim("run", "sweep.yaml", "--out", "two", "--json", "-q", "--jobs", "2", site=site, cwd=here)
    assert (one.returncode, one.stderr, two.returncode, two.stderr) == (0, "", 0, "")
    assert one.stdout == two.stdout == (here / "two/sweep.json").read_text()
    assert contents(here / "one") == contents(here / "two")
    assert len(contents(here / "one")) == 6 * 6 + 3


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("jobs", "number"), [("1", signal.SIGINT), ("2", signal.SIGINT), ("2", signal.SIGTERM)])
def test_an_interrupted_sweep_says_how_to_go_on_and_does(site, here, jobs, number):
    slow = ["--set", "step_time=60 s", "--out", "out", "--no-report", "--jobs", jobs]
    with subprocess.Popen(
        [*COMMAND, "run", "sweep.yaml", *slow],
        cwd=here,
        env=environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for _ in range(int(jobs)):
            process.stderr.readline()
        while sum(1 for _ in (here / "out").glob("*/.partial")) < int(jobs):
            assert process.poll() is None
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == (
        "cosim: interrupted; 0 of 6 points are complete; go on with: cosim run sweep.yaml --set 'step_time=60 s' --out "
        f"out --no-report --jobs {jobs}"
    )
    assert not (here / "out").exists()


def test_a_killed_sweep_goes_on_to_the_same_bytes(site, here):
    kill = "import os, robustness.demo_kind as demo; left = [2 + 3 + 2 + 1];"
    kill += "demo.time.sleep = lambda s: left.append(left.pop() - 1) or left[0] or os.kill(os.getpid(), 9);"
    killed = subprocess.run(
        [*COMMAND[:2], kill + COMMAND[2], "run", "sweep.yaml", "-o", "out", "-q"],
        cwd=here,
        env=environment(site),
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    complete = {path.parent: path.stat() for path in sorted((here / "out").glob("*/summary.json"))}
    assert len(complete) == 3
    assert not (here / "out/sweep.json").exists()
    done = cosim("run", "sweep.yaml", "-o", "out", site=site, cwd=here)
    assert done.returncode == 0
    assert [line.partition(": point ")[2] for line in done.stderr.splitlines()[:-1]] == [
        f"{i + 1} of 6: {name}" for i, name in enumerate(NAMES) if i >= 3
    ]
    for folder, before in complete.items():
        after = (folder / "summary.json").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    cosim("run", "sweep.yaml", "-o", "whole", site=site, cwd=here)
    assert contents(here / "out") == contents(here / "whole")


FAILING = """\
import os
from cosim.kernel.errors import DeadlockError
from cosim.scenario import ScenarioSpec

def run(spec, context):
    if spec.seed == 1:
        raise DeadlockError(10, (("noc.source", "put"),))
    if spec.seed == 2:
        raise AssertionError("counts differ")
    if spec.seed == 3:
        os._exit(7)
    return {"twice": 2 * spec.seed}

def register(registry):
    registry.scenario("failing", ScenarioSpec, run)
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_points_that_fail_are_named_at_the_end_with_the_exit_code_of_the_first(site, here, jobs):
    (site / "failing_kind.py").write_text(FAILING)
    install(site, "failing", "failing_kind:register")
    seeds = "[0, 1, 2, 4]" if jobs == "1" else "[0, 1, 2, 3, 4]"  # in one process the end of it is the end of all
    (here / "f.yaml").write_text(f"schema_version: 1\nkind: failing\nsweep: {{seed: {seeds}}}\n")
    done = cosim("run", "f.yaml", "-o", "out", "--jobs", jobs, site=site, cwd=here)
    assert done.returncode == 3
    lines = [line for line in done.stderr.splitlines() if line.startswith("cosim: ") and ": point " not in line]
    assert "Traceback" in done.stderr
    assert [line for line in done.stderr.splitlines() if " failed" in line] == [
        "cosim: point seed=1 failed: drained at t=10, blocked: noc.source on put",
        "cosim: point seed=2 failed: AssertionError: counts differ",
        *(["cosim: point seed=3 failed: its process ended with exit code 7"] if jobs == "2" else []),
        f"cosim: {2 if jobs == '1' else 3} of {4 if jobs == '1' else 5} points failed; run it again to try these again",
    ]
    assert lines[-1] == "cosim: wrote out; open out/report.html"
    assert (here / "out/seed=4/summary.json").exists()
    assert not (here / "out/seed=1").exists()


def test_jobs_are_for_sweeps(site, here):
    done = cosim("run", "demo.yaml", "--jobs", "2", site=site, cwd=here)
    assert done.returncode == 2
    assert "--jobs: demo.yaml has no sweep" in done.stderr
