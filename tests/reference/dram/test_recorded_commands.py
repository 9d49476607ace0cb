"""The checker judges the recorded commands of the reference simulators, and all that ours issue in their runs.

The four files are every command that each simulator issued for the trace `mixed`, about 42 000. In the first 15 000
every timing is tight somewhere, so the checker also notices a preset that is slower than the simulators by one clock.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

import pytest
from reference.dram.test_simulators import EXPECTED, SCHEDULER, run_id, trace

from cosim.models.dram import STANDARDS, Checker, Command, Controller, preset, read_commands
from cosim.models.dram.rules import COMMANDS

FILES = sorted(Path(__file__).parent.glob("cmds.*.csv.gz"))
TIMINGS = (
    *("tRCD", "tRP", "tRAS", "tRC", "tRTP", "tWR", "tRRD_S", "tRRD_L", "tFAW", "tCCD_S", "tCCD_L"),
    *("tRTW", "tWTR_S", "tWTR_L", "tRFC", "tPPD"),
)


@cache
def recorded(path):
    return list(read_commands(path))


def run_of(path):
    """What is recorded about the run of a file."""
    _, device, mapping, name, simulator = path.name.removesuffix(".csv.gz").split(".", 4)
    wanted = (simulator, device, mapping, name, "fast")
    keys = ("sim", "preset", "mapping", "trace", "mode")
    return next(run for run in EXPECTED["runs"] if tuple(run[key] for key in keys) == wanted)


def device_of(path):
    return preset(path.name.split(".")[1])


def test_there_are_four_recorded_files():
    assert len(FILES) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_recorded_files_are_whole(path):
    """Up to the end of the last data they have the digest of the run; what DRAMsim3 issued later is no part of it."""
    run = run_of(path)
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    counted = [line for line in lines if int(line.partition(",")[0]) <= run["end_cycle"]]
    assert hashlib.sha256("".join([header, *counted]).encode()).hexdigest() == run["commands_sha256"]
    assert len(lines) - len(counted) < 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_checker_finds_nothing_in_the_simulators_commands(path):
    report = Checker(device_of(path)).feed(recorded(path)).finish()
    assert sum(report.counts.values()) >= sum(run_of(path)["commands"].values()) > 40_000
    assert report.counts["REF"] > 0
    assert report.ok, report.first


@pytest.mark.parametrize(
    ("path", "timing"),
    [
        pytest.param(path, timing, id=f"{path.name}-{timing}")
        for path in FILES
        for timing in TIMINGS
        if any(timing in rule.latency.split() for rule in STANDARDS[device_of(path).standard])
    ],
)
def test_a_timing_raised_by_one_clock_is_noticed_in_them(path, timing):
    device = device_of(path)
    slower = device.with_timing(**{timing: device.timing[timing] + 1})
    assert not Checker(slower).feed(recorded(path)[:15_000]).report.ok


# One run of each simulator and preset; the others are slow.
SAMPLE = {(run["sim"], run["preset"]): run for run in EXPECTED["runs"] if run["trace"] == "mixed"}


@pytest.mark.c_library
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run, marks=() if run is SAMPLE.get((run["sim"], run["preset"])) else pytest.mark.slow)
        for run in EXPECTED["runs"]
    ],
    ids=run_id,
)
def test_the_checker_finds_nothing_in_ours(run):
    addresses, is_write = trace(run["preset"], run["mapping"], run["trace"])
    device = preset(run["preset"])
    controller = Controller(device, run["mapping"], SCHEDULER[run["sim"]])
    replay = controller.replay(addresses, is_write, one_at_a_time=run["mode"] == "one", observe=True)
    commands = (
        Command(clk, COMMANDS[kind], *(None if v < 0 else v for v in (group, bank, row)), rank)
        for clk, kind, group, bank, row, _, rank in replay.commands.tolist()
    )
    report = Checker(device).feed(commands).finish()
    assert report.ok, report.first
    assert report.counts["RD"] + report.counts["WR"] > 0
