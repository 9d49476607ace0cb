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
from cosim.models.reproduce import load_claims, reproduce
from cosim.models.reproduce.claim_files import claim_files
from cosim.scenario import ScenarioError


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


def test_some_of_the_claims_do_not_take_the_place_of_all(done, tmp_path):
    folder, _ = done
    (tmp_path / "claims").mkdir()
    for file in (folder / "claims").iterdir():
        (tmp_path / "claims" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "claims" / "second.yaml").write_bytes((folder / "claims" / "small.yaml").read_bytes())
    out = tmp_path / "out"
    assert run("--claims", tmp_path / "claims", "--out", out).exit_code == 0
    whole = (out / "results.json").read_bytes()
    some = run("--claims", tmp_path / "claims", "--out", out, "--only", "small")
    assert some.stderr == f"cosim: wrote {out}/results-only.json\n"
    assert (out / "results.json").read_bytes() == whole
    assert list(json.loads(whole)["claims"]) == ["second", "small"]
    assert list(json.loads((out / "results-only.json").read_bytes())["claims"]) == ["small"]
    assert not list(out.glob("*.partial"))


def test_mistakes_are_named(done, tmp_path):
    folder, _ = done
    wrong = run("--claims", folder / "claims", "--only", "smal")
    message = "cosim reproduce: unknown claim 'smal'; did you mean 'small'?\n"
    assert (wrong.exit_code, wrong.stdout, wrong.stderr) == (2, "", message)
    far = run("--claims", folder / "claims", "--only", "small", "--only", "xyzzy")
    assert (far.exit_code, far.stderr) == (2, "cosim reproduce: unknown claim 'xyzzy'; known: small\n")
    empty = run("--claims", tmp_path, "--out", tmp_path)
    assert (empty.exit_code, empty.stderr) == (2, f"cosim reproduce: {tmp_path}: no claim files (*.yaml)\n")


def test_a_wrong_name_is_answered_before_anything_is_loaded(tmp_path):
    (tmp_path / "good.yaml").write_text("not: a claim")
    program = (
        "import sys; from cosim.cli import main\n"
        "sys.argv = ['cosim', 'reproduce', '--claims', '.', '--only', 'goof']\n"
        "try: main()\n"
        "except SystemExit as left: print(left.code, [name for name in ('ruamel.yaml', 'cosim.scenario', "
        "'cosim.models.chip', 'cosim.models.workload') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stderr == "cosim reproduce: unknown claim 'goof'; did you mean 'good'?\n"
    assert said.stdout == "2 []\n"


def test_only_the_claims_that_are_named_are_read(done, tmp_path):
    write(tmp_path / "claims")
    (tmp_path / "claims" / "broken.yaml").write_text("kind: claim")
    assert list(claim_files(tmp_path / "claims")) == ["broken", "small"]
    assert list(load_claims(tmp_path / "claims", ["small"])) == ["small"]
    with pytest.raises(ScenarioError):
        load_claims(tmp_path / "claims")


def test_progress_is_shown_from_the_beginning(done):
    folder, _ = done
    calls = []
    reproduce(load_claims(folder / "claims"), folder / "out" / "points", progress=lambda *call: calls.append(call))
    assert calls[:2] == [("listing simulations", 0, 1), ("listing simulations", 1, 1)]
    assert calls[2:] == [("simulating", calls[2][2], calls[2][2])]


def test_a_claim_is_a_scenario_as_well(done):
    folder, _ = done
    checked = CliRunner().invoke(app, ["check", str(folder / "claims" / "small.yaml")])
    assert (checked.exit_code, checked.stderr) == (0, "")
    ran = CliRunner().invoke(app, ["run", str(folder / "claims" / "small.yaml"), "--out", str(folder / "run"), "-q"])
    assert ran.exit_code == 0, ran.output
    assert "a small claim" in ran.stdout


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
