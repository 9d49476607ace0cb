"""The program as a user runs it: in a process of its own."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from robustness.plugin import COMMAND, SCENARIO, cosim, environment, install


def test_a_run_leaves_a_complete_folder(site, here):
    done = cosim("run", "demo.yaml", "--out", "out", site=site, cwd=here)
    assert (done.returncode, done.stderr) == (0, "cosim: wrote out; open out/report.html\n")
    assert "draws[0]" in done.stdout
    names = ["events.txt", "manifest.json", "report.html", "scenario.resolved.yaml", "statistics.json", "summary.json"]
    assert sorted(path.name for path in (here / "out").iterdir()) == [*names, "timeline.json"]
    manifest = json.loads((here / "out/manifest.json").read_text())
    assert manifest["inputs"] == {
        name: hashlib.sha256((here / name).read_bytes()).hexdigest()
        for name in ("demo.yaml", "chips/fast.yaml", "chips/base.yaml")
    }
    assert manifest["argv"] == ["cosim", "run", "demo.yaml", "--out", "out"]
    assert str(here) not in (here / "out/summary.json").read_text()


def test_json_is_the_summary_and_nothing_else(site, here):
    done = cosim("run", "demo.yaml", "--out", "out", "--json", "-q", "--no-report", site=site, cwd=here)
    assert done.stdout == (here / "out/summary.json").read_text()
    assert done.stderr == ""
    assert not (here / "out/report.html").exists()


def test_the_summary_is_the_same_under_any_hash_seed_and_shuffle_seed(site, here):
    summaries = set()
    for i in ("1", "2", "3"):
        cosim("run", "demo.yaml", "-o", i, "--shuffle-seed", i, site=site, cwd=here, PYTHONHASHSEED=i)
        summaries.add((here / i / "summary.json").read_bytes())
    assert len(summaries) == 1


def test_the_resolved_scenario_gives_the_same_summary(site, here):
    cosim("run", "demo.yaml", "-o", "a", "--seed", "7", "--set", "chip.core.lanes=16", site=site, cwd=here)
    cosim("run", "a/scenario.resolved.yaml", "-o", "b", site=site, cwd=here)
    assert (here / "a/summary.json").read_bytes() == (here / "b/summary.json").read_bytes()
    summary = json.loads((here / "a/summary.json").read_text())
    assert (summary["seed"], summary["lanes"], summary["name"]) == (7, 16, "demo")


def test_mistakes_exit_2_without_traceback_or_folder(site, here):
    done = cosim("run", "demo.yaml", "-o", "out", "--set", "step=3", site=site, cwd=here)
    assert done.returncode == 2
    assert done.stderr == "--set step=3: step: unknown key; did you mean 'steps'?\n"
    assert done.stdout == ""
    assert not (here / "out").exists()
    assert cosim("run", site=site, cwd=here).returncode == 2
    assert cosim("rum", "demo.yaml", site=site, cwd=here).returncode == 2


def test_a_folder_with_another_run_is_not_overwritten(site, here):
    first = cosim("run", "demo.yaml", "-o", "out", "-q", site=site, cwd=here)
    summary = (here / "out/summary.json").read_bytes()
    other = cosim("run", "demo.yaml", "-o", "out", "--seed", "3", site=site, cwd=here)
    assert (first.returncode, other.returncode) == (0, 2)
    assert other.stderr == (
        f"{here}/out: holds the complete run of something else (scenario 'demo', seed 0); "
        "choose another --out, or --force\n"
    )
    assert (here / "out/summary.json").read_bytes() == summary
    again = cosim("run", "demo.yaml", "-o", "out", "-q", site=site, cwd=here)
    assert again.returncode == 0
    forced = cosim("run", "demo.yaml", "-o", "out", "--seed", "3", "--force", "--json", site=site, cwd=here)
    assert forced.returncode == 0
    assert (here / "out/summary.json").read_text() == forced.stdout


def wait_for(condition, process):
    for _ in range(500):
        if condition():
            return
        assert process.poll() is None
        time.sleep(0.02)
    raise AssertionError("it never happened")


IMPORTS = ["cosim", "cosim.kernel", "typer", "cosim.scenario", "numpy", "ruamel.yaml", "robustness.demo_kind"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("module", IMPORTS)
def test_ctrl_c_before_the_run_is_a_line(module, site, here):
    """As it comes in the import of a module, which takes most of that time; some of them have lost it there."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv[0] = 'cosim'\n"
        "from _cosim_start import main\n"
        "main()\n"
    )
    command = [COMMAND[0], "-c", code, "run", "demo.yaml", "-o", "out"]
    done = subprocess.run(command, cwd=here, env=environment(site), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (130, "cosim: interrupted\n", "")
    assert not (here / "out").exists()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_exits_130_and_leaves_nothing(site, here):
    slow = ["run", "demo.yaml", "-o", "out", "--set", "step_time=1 s", "--set", "steps=100"]
    with subprocess.Popen(
        [*COMMAND, *slow], cwd=here, env=environment(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for((here / "out/.partial").exists, process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr == "cosim: interrupted; out is as it was before\n"
    assert stdout == ""
    assert not (here / "out").exists()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_the_complete_run_that_was_there(site, here):
    (here / "slow.yaml").write_text(SCENARIO.replace("steps: 5", "steps: 2\nstep_time: 10 ms\nname: slow"))
    cosim("run", "slow.yaml", "-o", "out", "-q", site=site, cwd=here)
    before = {path.name: path.read_bytes() for path in (here / "out").iterdir()}
    hold = "import time, robustness.demo_kind as demo; demo.time.sleep = lambda s, sleep=time.sleep: sleep(60);"
    command = [*COMMAND[:2], hold + COMMAND[2], "run", "slow.yaml", "-o", "out"]
    with subprocess.Popen(command, cwd=here, env=environment(site), stderr=subprocess.PIPE) as process:
        wait_for((here / "out/.partial").exists, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert {path.name: path.read_bytes() for path in (here / "out").iterdir()} == before


def test_a_killed_run_looks_incomplete_and_is_replaced(site, here):
    slow = ["run", "demo.yaml", "-o", "out", "--set", "step_time=1 s", "--set", "steps=100"]
    with subprocess.Popen([*COMMAND, *slow], cwd=here, env=environment(site), stderr=subprocess.PIPE) as process:
        wait_for((here / "out/.partial/events.txt").parent.exists, process)
        process.kill()
    assert not (here / "out/summary.json").exists()
    assert cosim("report", "out", site=site, cwd=here).returncode == 2
    assert cosim("run", "demo.yaml", "-o", "out", site=site, cwd=here).returncode == 0
    assert not (here / "out/.partial").exists()


def test_two_runs_do_not_share_a_folder(site, here):
    slow = ["run", "demo.yaml", "-o", "out", "--set", "step_time=1 s", "--set", "steps=100"]
    with subprocess.Popen([*COMMAND, *slow], cwd=here, env=environment(site), stderr=subprocess.PIPE) as process:
        wait_for((here / "out/.partial").exists, process)
        time.sleep(0.2)
        second = cosim("run", "demo.yaml", "-o", "out", site=site, cwd=here)
        process.kill()
    assert second.returncode == 2
    assert second.stderr == f"{here}/out: another run is writing here; choose another --out\n"


def test_progress_on_a_terminal_and_none_in_a_pipe(site, here):
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "run", "demo.yaml", "-o", "a", "--set", "step_time=100 ms"],
        cwd=here,
        env=environment(site, TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        stdout, _ = process.communicate(timeout=30)
    os.close(leader)
    assert process.returncode == 0
    assert b"steps" in shown and b"5/5" in shown
    assert b"\x1b" not in stdout and b"5/5" not in stdout
    piped = cosim("run", "demo.yaml", "-o", "b", site=site, cwd=here)
    assert "5/5" not in piped.stderr


FAILING = """\
from cosim.kernel.errors import DeadlockError
from cosim.report import Report
from cosim.scenario import ScenarioSpec

def deadlock(spec, context):
    raise DeadlockError(10, (("noc.source", "put"),))

def internal(spec, context):
    raise AssertionError("counts differ")

def fine(spec, context):
    return {"answer": 42}

def full(spec, context):
    raise OSError(28, "No space left on device", "out/waves.vcd")

def broken_report(result):
    raise KeyError("energy")

def register(registry):
    for run in (deadlock, internal, fine, full):
        registry.scenario(run.__name__, ScenarioSpec, run)
    registry.report("fine", broken_report)
"""


@pytest.fixture
def failing(site, here):
    (site / "failing_kinds.py").write_text(FAILING)
    install(site, "failing", "failing_kinds:register")

    def run(kind):
        (here / "f.yaml").write_text(f"schema_version: 1\nkind: {kind}\n")
        return cosim("run", "f.yaml", "-o", "out", site=site, cwd=here)

    return run


def test_a_deadlock_exits_3_with_its_own_words(failing, here):
    done = failing("deadlock")
    assert (done.returncode, done.stderr) == (3, "drained at t=10, blocked: noc.source on put\n")
    assert not (here / "out").exists()


def test_an_internal_error_exits_1_with_its_traceback(failing, here):
    done = failing("internal")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "AssertionError: counts differ" in done.stderr
    assert done.stderr.endswith("cosim: internal error; please report it with the lines above and `cosim doctor`\n")
    assert not (here / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_place_for_what_is_printed_is_no_internal_error(site, here):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "describe"],
            env=environment(site),
            cwd=here,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "cosim: No space left on device\n")


def test_a_full_disk_is_no_internal_error(failing, here):
    done = failing("full")
    assert (done.returncode, done.stderr) == (1, "cosim: out/waves.vcd: No space left on device\n")
    assert not (here / "out").exists()


def test_a_failing_report_does_not_cost_the_run(failing, here):
    done = failing("fine")
    assert done.returncode == 0
    assert "answer" in done.stdout and "42" in done.stdout
    warning, wrote = done.stderr.splitlines()
    assert warning.startswith("cosim: warning: the report failed: KeyError: 'energy' (")
    assert wrote == "cosim: wrote out"
    assert json.loads((here / "out/summary.json").read_text())["answer"] == 42


def test_a_closed_pipe_is_no_error_message(site, here):
    command = [*COMMAND, "schema"]
    with subprocess.Popen(
        command, cwd=here, env=environment(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_warnings_of_the_scenario_are_shown_before_the_run(site, here):
    done = cosim("run", "demo.yaml", "-o", "out", "--set", "steps=1", site=site, cwd=here)
    assert done.stderr.splitlines()[0] == "demo.yaml: warning: one step is little"


@pytest.mark.parametrize(("variables", "coloured"), [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_no_color_is_respected_on_a_terminal(site, here, variables, coloured):
    leader, follower = pty.openpty()
    variables = {"TERM": "xterm-256color", **variables}
    (site / "colour.py").write_text(
        "from cosim.report import Note, Report, Section, print_report\n"
        "print_report(Report('r', sections=[Section('s', [Note('careful', 'warning')])]))\n"
    )
    with subprocess.Popen(
        [COMMAND[0], str(site / "colour.py")], env=environment(site, **variables), stdout=follower
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(leader)
    assert process.returncode == 0
    assert b"careful" in shown
    assert (b"\x1b[33m" in shown) is coloured
