"""Every command and every read latency of 94 recorded runs of Ramulator 2.1, Ramulator 1.0 and DRAMsim3.

A difference is a bug, not a tolerance.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import pytest
from reference.dram.traces import arrays, requests

from cosim.models.dram import Controller, format_commands, preset

EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text())
SCHEDULER = {"ramulator2.1": "fr-fcfs", "ramulator1": "fr-fcfs-ramulator1", "dramsim3": "bank-round-robin"}

pytestmark = pytest.mark.c_library


@cache
def trace(preset_name, mapping, name):
    return arrays(requests(name, preset(preset_name), mapping))


@pytest.mark.parametrize("file", sorted(EXPECTED["trace_sha256"]))
def test_the_traces_are_the_recorded_ones(file):
    preset_name, mapping, name, _ = file.split(".")
    addresses, is_write = trace(preset_name, mapping, name)
    text = "".join(f"{'RW'[w]} 0x{a:x}\n" for a, w in zip(addresses.tolist(), is_write.tolist(), strict=True))
    assert hashlib.sha256(text.encode()).hexdigest() == EXPECTED["trace_sha256"][file]


def run_id(run):
    return "-".join(run[key] for key in ("sim", "preset", "mapping", "trace", "mode"))


@pytest.mark.parametrize("run", EXPECTED["runs"], ids=run_id)
def test_same_commands_and_latencies(run):
    addresses, is_write = trace(run["preset"], run["mapping"], run["trace"])
    controller = Controller(preset(run["preset"]), run["mapping"], SCHEDULER[run["sim"]])
    replay = controller.replay(addresses, is_write, one_at_a_time=run["mode"] == "one", observe=True)
    commands = replay.commands.copy()
    if run["sim"] == "ramulator1":
        commands["row"] = commands["column"] = -1
    assert replay.end_clk == run["end_cycle"]
    assert {name: count for name, count in replay.stats.commands.items() if count} == {
        name: count for name, count in run["commands"].items() if count
    }
    assert hashlib.sha256(format_commands(commands)).hexdigest() == run["commands_sha256"]
    if run["read_latencies_sha256"] is not None:
        latencies = "".join(f"{latency}\n" for latency in replay.latencies[is_write == 0].tolist())
        assert hashlib.sha256(latencies.encode()).hexdigest() == run["read_latencies_sha256"]
