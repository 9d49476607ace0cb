"""check, describe, schema, report, doctor, and commands of plug-ins, as a user runs them."""

import json
import os
import subprocess
import sys

import pytest
from robustness.plugin import COMMAND, cosim, environment, install

EXIT_CODES = (
    "0 success",
    "1 a check or comparison failed",
    "2 a mistake",
    "3 deadlock",
    "130 interr",
    "A sweep has the code of its first point that failed.",
)


def test_help_documents_the_exit_codes(site, here):
    done = cosim("--help", site=site, cwd=here)
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    for code in EXIT_CODES:
        assert code in text
    assert cosim("--version", site=site, cwd=here).stdout.startswith("cosim 0.")


def test_check(site, here):
    done = cosim("check", "demo.yaml", site=site, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "demo.yaml: ok: demo scenario 'demo', 3 file(s)\n"
    short = cosim("check", "demo.yaml", "--set", "steps=1", site=site, cwd=here)
    assert (short.returncode, short.stderr) == (0, "demo.yaml: warning: one step is little\n")
    strict = cosim("check", "demo.yaml", "--set", "steps=1", "--strict", site=site, cwd=here)
    assert (strict.returncode, strict.stdout) == (2, "")
    assert cosim("check", "demo.yaml", "--set", "steps=0", site=site, cwd=here).returncode == 2
    resolved = cosim("check", "demo.yaml", "--resolved", site=site, cwd=here)
    assert "clock: 300 MHz" in resolved.stdout


def test_check_of_a_part_of_a_scenario(site, here):
    done = cosim("check", "chips/fast.yaml", site=site, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "chips/fast.yaml: ok: chip (demo_chip) 'fast', 2 file(s)\n"
    resolved = cosim("check", "chips/fast.yaml", "--resolved", "--set", "core.lanes=3", site=site, cwd=here)
    assert "clock: 300 MHz" in resolved.stdout
    assert "lanes: 3" in resolved.stdout
    wrong = cosim("check", "chips/fast.yaml", "--set", "core.lanez=3", site=site, cwd=here)
    message = "--set core.lanez=3: core.lanez: unknown key; did you mean 'lanes'?\n"
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", message)
    ran = cosim("run", "chips/fast.yaml", "--out", "out", site=site, cwd=here)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "describes a chip (demo_chip), no scenario" in ran.stderr
    assert not (here / "out").exists()


def test_describe(site, here):
    everything = cosim("describe", site=site, cwd=here)
    assert everything.returncode == 0
    for word in ("demo", "linear", "step", "demo_chip"):
        assert word in everything.stdout
    one = [" ".join(line.split()) for line in cosim("describe", "demo_chip", site=site, cwd=here).stdout.splitlines()]
    assert one[0] == "demo_chip (chip): A chip."
    assert "clock quantity, like '50 MHz' ps required core clock" in one
    assert "core.lanes integer >= 1 4 lanes of one core" in one
    assert "core.buffer quantity, like '64 KiB' B 64 KiB input buffer" in one
    assert one[-1] == "extends text YAML file to start from; the keys here override its keys"
    demo = cosim("describe", "demo", site=site, cwd=here).stdout
    assert "any schedule: " in demo
    last = " ".join(demo.splitlines()[-1].split())
    assert last == "sweep mapping to list of any paths and the values that they take: every combination is run"
    chip = [" ".join(line.split()) for line in cosim("describe", "chip", site=site, cwd=here).stdout.splitlines()]
    unit = "core.coarse_unit [integer >= 1, <= 4096, integer >= 1, <= 4096] [1, 1] output x input channels of a coarse"
    assert f"{unit} unit" in chip
    wrong = cosim("describe", "demo_chop", site=site, cwd=here)
    assert (wrong.returncode, wrong.stderr) == (2, "unknown name 'demo_chop'; did you mean 'demo_chip'?\n")


def test_schema(site, here):
    done = cosim("schema", "demo", site=site, cwd=here)
    assert "Demo" in json.loads(done.stdout)["$defs"]
    assert cosim("schema", "dome", site=site, cwd=here).returncode == 2


def test_report_renders_a_run_again(site, here):
    ran = cosim("run", "demo.yaml", "-o", "out", site=site, cwd=here)
    page = (here / "out/report.html").read_bytes()
    (here / "out/report.html").unlink()
    again = cosim("report", "out", site=site, cwd=here)
    assert (again.returncode, again.stderr) == (0, "cosim: wrote out/report.html\n")
    assert again.stdout == ran.stdout
    assert (here / "out/report.html").read_bytes() == page
    missing = cosim("report", "nowhere", site=site, cwd=here)
    assert (missing.returncode, missing.stderr) == (2, "nowhere: not a complete run (no summary.json)\n")


def test_doctor(site, here):
    done = cosim("doctor", site=site, cwd=here)
    assert done.returncode == 0, done.stdout
    for word in ("C library", "numpy", "demo_kind of demo-kind: ok", "builtin of cosim-npu: ok"):
        assert word in done.stdout
    install(site, "sick", "no_such_module:register")
    sick = cosim("doctor", site=site, cwd=here)
    assert sick.returncode == 1
    assert "sick of sick: ModuleNotFoundError" in sick.stdout


def test_a_broken_plug_in_is_one_warning_line(site, here):
    install(site, "sick", "no_such_module:register")
    done = cosim("check", "demo.yaml", site=site, cwd=here)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("cosim: warning: plug-in left out: sick ('sick' = no_such_module:register): ModuleNotFound")
    without = cosim("check", "demo.yaml", site=site, cwd=here, COSIM_PLUGINS="none")
    assert without.returncode == 2
    assert "unknown scenario kind 'demo'" in without.stderr


COMMANDS = '''\
"""Say hello in the way of the plug-in.

More text.
"""
import sys
import typer
print("imported", file=sys.stderr)
app = typer.Typer()
@app.command()
def hello(name: str):
    """Hello."""
    print("hello", name)
@app.command()
def fail():
    raise RuntimeError("inside")
'''


@pytest.fixture
def commands(site):
    (site / "their_commands.py").write_text(COMMANDS)
    install(site, "greet", "their_commands:app", group="cosim.commands")
    install(site, "lost", "no_such_module:app", group="cosim.commands")
    return site


def test_commands_of_plug_ins_are_listed_without_being_imported(commands, here):
    done = cosim("--help", site=commands, cwd=here)
    assert "Say hello in the way of the plug-in." in done.stdout
    assert "Provided by lost." in done.stdout
    assert "imported" not in done.stderr
    assert "greet" not in cosim("--help", site=commands, cwd=here, COSIM_PLUGINS="none").stdout


def test_commands_of_plug_ins_run(commands, here):
    assert cosim("greet", "hello", "you", site=commands, cwd=here).stdout == "hello you\n"
    failed = cosim("greet", "fail", site=commands, cwd=here)
    assert failed.returncode == 1
    assert "RuntimeError: inside" in failed.stderr
    lost = cosim("lost", site=commands, cwd=here)
    assert (lost.returncode, lost.stdout) == (1, "")
    assert lost.stderr.startswith("cosim: command 'lost' of lost cannot be loaded: ModuleNotFoundError")


@pytest.mark.parametrize(
    "arguments",
    [
        ["dram", "replay", "trace"],
        ["dram", "replay", "trace", "--json"],
        ["dram", "replay", "trace", "--commands", "/dev/stdout"],
        ["noc", "sweep", "--mesh", "2x2", "--packet", "1"],
    ],
    ids=" ".join,
)
def test_a_reader_who_has_gone_is_no_mistake(arguments, site, here):
    (here / "trace").write_text("R 0x0\n" * 10)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=here, env=environment(site), stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_starting_up_imports_nothing_heavy(site, here):
    code = "import sys; from cosim.cli.app import app; heavy = {'pydantic', 'numpy', 'matplotlib', 'ruamel'}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(sorted(heavy & set(sys.modules)))"],
        env=environment(site), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
    assert COMMAND[0] == sys.executable
