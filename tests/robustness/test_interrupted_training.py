"""A training in a process of its own, stopped or killed, goes on to the bytes of one that was left alone."""

import json
import os
import random
import signal
import subprocess
import time

import pytest
from helpers.interrupting import WORKLOADS, training
from robustness.plugin import COMMAND, cosim, environment
from typer.testing import CliRunner

from cosim.cli.app import app
from cosim.scenario import run_scenario

SCHEDULE = {"schedule": "scfp", "sparsity": 0.7, "begin": 0.0, "end": 0.9}
WORKLOAD = WORKLOADS["functional"] | {"epochs": 12}
ITERATIONS = 36


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of the scenario, and of its run without interruption."""
    folder = tmp_path_factory.mktemp("training")
    run_scenario(training(folder, WORKLOAD, SCHEDULE, simulate={"every": 4}), folder / "alone")
    return folder


def start(folder, out, *options):
    command = [*COMMAND, "run", "s.yaml", "--out", out, "--no-report", "--checkpoint-every", "1", *options]
    return subprocess.Popen(command, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True, stdout=-3)


def wait_for_checkpoint(folder, process, out, *, newer_than=0):
    file = folder / out / "checkpoint.npz"
    while process.poll() is None and not (file.exists() and file.stat().st_mtime_ns > newer_than):
        time.sleep(0.005)


def assert_same(folder, out):
    for name in ("summary.json", "statistics.json", "timeline.json"):
        assert (folder / out / name).read_bytes() == (folder / "alone" / name).read_bytes(), name
    assert not (folder / out / "checkpoint.npz").exists()
    assert not (folder / out / ".partial").exists()


def test_stopped_by_either_signal_it_says_how_to_go_on(alone):
    stopped = []
    for number, options in ((signal.SIGINT, ()), (signal.SIGTERM, ("--resume",))):
        process = start(alone, "signals", *options)
        before = alone / "signals/checkpoint.npz"
        wait_for_checkpoint(alone, process, "signals", newer_than=before.stat().st_mtime_ns if before.exists() else 0)
        process.send_signal(number)
        _, messages = process.communicate(timeout=120)
        first, second = messages.splitlines()
        assert process.returncode == 130
        assert first == "cosim: stopping after this iteration; once more to stop at once"
        done = int(second.split()[2])
        assert second == (
            f"cosim: interrupted; {done} of {ITERATIONS} iterations are kept; go on with: cosim run s.yaml --out "
            "signals --no-report --checkpoint-every 1 --resume"
        )
        assert [file.name for file in (alone / "signals").iterdir()] == ["checkpoint.npz"]
        stopped.append(done)
    assert 0 < stopped[0] < stopped[1] < ITERATIONS

    # Without --resume nothing is lost.
    refused = cosim("run", "s.yaml", "--out", "signals", site=alone, cwd=alone)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"{alone / 'signals'}: holds an unfinished run; go on with --resume, start again with --force, or choose "
        "another --out\n"
    )
    ended = cosim("run", "s.yaml", "--out", "signals", "--no-report", "--resume", site=alone, cwd=alone)
    assert (ended.returncode, ended.stderr) == (0, "cosim: wrote signals\n")
    assert_same(alone, "signals")
    assert json.loads((alone / "signals/manifest.json").read_bytes())["resumed_after"] == stopped


def killed(folder, out, times, seed):
    draw = random.Random(seed)
    for _ in range(times):
        process = start(folder, out, "--resume")
        wait_for_checkpoint(folder, process, out)
        time.sleep(draw.random() * 0.4)
        process.kill()
        process.communicate()
    ended = cosim("run", "s.yaml", "--out", out, "--no-report", "--resume", site=folder, cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, f"cosim: wrote {out}\n")
    assert_same(folder, out)


def test_killed_at_a_random_moment(alone):
    killed(alone, "killed", 1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_random_moments(alone, seed):
    killed(alone, f"killed{seed}", 4, seed)


def test_resume_where_there_is_nothing_to_resume(alone):
    for _ in range(2):  # it starts, and the second time all is there already
        out = run_scenario(training(alone, WORKLOAD, SCHEDULE, simulate={"every": 4}), alone / "new", resume=True)
        assert out.summary == json.loads((alone / "alone/summary.json").read_bytes())
    before = os.stat(alone / "new/summary.json").st_mtime_ns
    run_scenario(training(alone, WORKLOAD, SCHEDULE, simulate={"every": 4}), alone / "new", resume=True)
    assert os.stat(alone / "new/summary.json").st_mtime_ns == before


def test_options_that_are_wrong(alone):
    for options, message in (
        (("--checkpoint-every", "10 m"), "expected a number of iterations, a time like '10 min', or 'off', got '10 m'"),
        (("--checkpoint-every", "0"), "got '0'"),
        (("--resume", "--force"), "--resume goes on, --force starts again: one of them"),
    ):
        wrong = CliRunner().invoke(app, ["run", str(alone / "s.yaml"), *options])
        assert wrong.exit_code == 2
        assert message in " ".join(wrong.output.replace("│", " ").split())
