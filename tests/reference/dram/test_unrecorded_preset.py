"""The preset of which no run is recorded, DDR3-1600: it is data only, and the recorded traces run on it.

No simulator's commands are there to compare with. So the twin, written from the policies' words, says what they are;
the checker judges them; and the times are those of the bounds that a table of timings sets.
"""

import numpy as np
import pytest
from reference.dram.test_simulators import EXPECTED, trace
from twins.dram import DramTwin

from cosim.models.dram import Checker, Command, Controller, preset
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library

NAME = "ddr3_1600"
T = preset(NAME).timing
TRACES = sorted({tuple(file.split(".")[1:3]) for file in EXPECTED["trace_sha256"] if file.startswith(NAME)})


def head(mapping, name, count):
    addresses, is_write = trace(NAME, mapping, name)
    return addresses[:count].copy(), is_write[:count].copy()


def test_it_is_the_only_one_without_runs():
    assert len(EXPECTED["runs"]) == 94
    assert {run["preset"] for run in EXPECTED["runs"]} == {"ddr4_2400", "lpddr4_3200"}
    assert sum(run["read_latencies_sha256"] is not None for run in EXPECTED["runs"]) == 86
    assert len(TRACES) == 22


@pytest.mark.parametrize("scheduler", ["fr-fcfs", "bank-round-robin"])
@pytest.mark.parametrize(("mapping", "name"), TRACES)
def test_its_commands_are_legal_and_the_twins(mapping, name, scheduler):
    device = preset(NAME)
    addresses, is_write = head(mapping, name, 2000)
    replay = Controller(device, mapping, scheduler).replay(addresses, is_write, observe=True)
    rows = [(clk, COMMANDS[kind], *rest) for clk, kind, *rest in replay.commands.tolist()]
    report = (
        Checker(device)
        .feed(
            Command(clk, kind, *(None if v < 0 else v for v in (group, bank, row)), rank)
            for clk, kind, group, bank, row, _, rank in rows
        )
        .finish()
    )
    assert report.ok, report.first
    columns = report.counts["RD"] + report.counts["WR"]
    assert len(addresses) - 8 * (scheduler == "bank-round-robin") <= columns <= len(addresses)
    assert replay.end_clk > columns * T["tCCD_S"]

    twin, clk = DramTwin(device, mapping, scheduler), 0
    for tag, (address, write) in enumerate(zip(addresses[:120].tolist(), is_write[:120].tolist(), strict=True)):
        twin.advance(clk)
        while not twin.submit(clk, tag, address, write):
            clk += 1
            twin.advance(clk)
        clk += 1
    # The last of them was offered at clk - 1: up to there no later request can matter.
    assert rows[: len(twin.commands)] == twin.commands


@pytest.mark.parametrize("scheduler", ["fr-fcfs", "bank-round-robin"])
@pytest.mark.parametrize(
    ("name", "mapping", "clocks"),
    [
        ("row_stride", "m1", T["tRC"]),
        ("bank_rr", "m1", T["tCCD_S"]),
        ("seq_rd", "m2", T["tCCD_S"]),
        ("bank_stride", "m1", T["tFAW"] / 4),
    ],
)
def test_a_request_takes_what_the_table_lets_it_take(name, mapping, clocks, scheduler):
    addresses, is_write = head(mapping, name, 20_000)
    end = Controller(preset(NAME), mapping, scheduler).replay(addresses, is_write).end_clk
    lost = (T["tRFC"] + 4 * T["tRC"]) / T["tREFI"]  # in each interval a refresh, and what it holds up
    assert len(addresses) * clocks <= end <= len(addresses) * clocks / (1 - lost) + 200


def test_one_at_a_time_each_takes_the_least():
    device = preset(NAME)
    encode = device.mapping("m1").encode
    places = [{"row": 0}, {"row": 0, "column": 1}, {"row": 1}, {"row": 1, "column": 9}]
    addresses = np.array([encode(place) for place in places], np.uint64)
    replay = Controller(device).replay(addresses, np.zeros(4, np.uint8), one_at_a_time=True)
    hit = 1 + T["RL"] + T["BL_CK"]
    assert replay.latencies.tolist() == [27, hit, 38, 16]
