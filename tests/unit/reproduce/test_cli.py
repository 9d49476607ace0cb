"""`cosim reproduce`: tables, JSON, what it keeps, and how it is broken off."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.claims import write
from typer.testing import CliRunner

from cosim.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, ["reproduce", "--workers", "1", *map(str, arguments)])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduce")
    write(folder / "claims")
    return folder, run("--claims", folder / "claims", "--out", folder / "out")


def test_tables_on_stdout_and_results_in_the_folder(done):
    folder, first = done
    assert first.exit_code == 0
    assert "Published and simulated" in first.stdout
    assert "miss" in first.stdout
    assert first.stderr == f"cosim: wrote {folder}/out/results.json\n"
    again = run("--claims", folder / "claims", "--out", folder / "out", "--json", "-q")
    assert (again.exit_code, again.stderr) == (0, "")
    assert again.stdout.encode() == (folder / "out" / "results.json").read_bytes()
    assert json.loads(again.stdout)["schema_version"] == 1


def test_mistakes_are_named(done, tmp_path):
    folder, _ = done
    wrong = run("--claims", folder / "claims", "--only", "smal")
    assert (wrong.exit_code, wrong.stderr) == (2, "cosim reproduce: --only 'smal': expected one of small\n")
    empty = run("--claims", tmp_path, "--out", tmp_path)
    assert (empty.exit_code, empty.stderr) == (2, f"cosim reproduce: {tmp_path}: no claim files (*.yaml)\n")


def test_a_claim_is_a_scenario_as_well(done):
    folder, _ = done
    checked = CliRunner().invoke(app, ["check", str(folder / "claims" / "small.yaml")])
    assert (checked.exit_code, checked.stderr) == (0, "")
    ran = CliRunner().invoke(app, ["run", str(folder / "claims" / "small.yaml"), "--out", str(folder / "run"), "-q"])
    assert ran.exit_code == 0, ran.output
    assert "a small claim" in ran.stdout


@pytest.fixture
def interruptible():
    """Ctrl-C reaches child processes, even where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_exits_130_and_keeps_what_has_ended(tmp_path):
    write(tmp_path / "claims")
    program = Path(sys.executable).parent / "cosim"
    command = [program, "reproduce", "--claims", "claims", "--out", "out", "--workers", "2"]
    points = tmp_path / "out" / "points"
    # In a session of its own: as from a terminal, the signal reaches the workers as well.
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 300
        while not list(points.glob("*.json")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    consequence = "finished points are kept in out/points; the same command goes on from there"
    assert messages == f"cosim: interrupted; {consequence}\n"
    assert not (tmp_path / "out" / "results.json").exists()
