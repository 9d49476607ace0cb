"""The DRAM's laws (1 to 19), on random channels and traffic, from the commands alone.

They are written from the timing names of a preset, not from the rows that controller and checker read, so that a wrong
row is seen here. "Red for" names a mutation that a law was seen to catch.
"""

import time
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.dram.strategies import channels, traffic

from cosim.models.dram import PRESETS, BankRoundRobin, Controller, EnergyTable, FrFcfs, FrFcfsRamulator1, energy_fj
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library

COLUMNS = ("RD", "RDA", "WR", "WRA")
POSTPONED = 8
# A run serves one law at a time: a third of the usual number keeps all of them together in seconds.
_FEWER = settings(max_examples=settings().max_examples // 3)


class Issued(NamedTuple):
    clk: int
    name: str
    group: int
    bank: int
    row: int
    column: int
    rank: int

    @property
    def place(self):
        return self.rank, self.group, self.bank

    @property
    def is_read(self):
        return self.name in ("RD", "RDA")


class Run(NamedTuple):
    """A run until all is done: `arrivals` and `done` are clocks by request."""

    device: object
    scheduler: object
    requests: list
    arrivals: list
    done: dict
    commands: list
    stats: object

    def of_rank(self, *names):
        """(rank, its commands), those called `names` or all."""
        for rank in range(self.device.geometry.ranks):
            yield rank, [c for c in self.commands if c.rank == rank and (not names or c.name in names)]

    def of_bank(self):
        """(place, commands that touch it, those of its rank included)."""
        geometry = self.device.geometry
        for rank, commands in self.of_rank():
            for group in range(geometry.groups):
                for bank in range(geometry.banks_per_group):
                    touching = [c for c in commands if c.name in ("PREA", "REF") or (c.group, c.bank) == (group, bank)]
                    yield (rank, group, bank), touching


def drive(device, mapping, scheduler, requests):
    """Offer in order, each from its clock on until it is taken."""
    controller = Controller(device, mapping, scheduler)
    commands, done, arrivals, clk = [], {}, [], 0

    def advance(until):
        result = controller.advance(until, observe=True)
        commands.extend(Issued(c, COMMANDS[kind], *rest) for c, kind, *rest in result.commands.tolist())
        done.update(result.done)

    for tag, (gap, address, is_write) in enumerate(requests):
        clk += gap
        advance(clk)
        while not controller.submit(clk, tag, address, is_write):
            clk += 1
            advance(clk)
        arrivals.append(clk)
        clk += 1
    while len(done) < len(requests):
        clk += 500
        advance(clk)
    clk += 30 * device.timing["tREFI"] + device.timing["tRFC"] // 2  # long enough for refreshes to fall behind
    advance(clk)
    return Run(device, scheduler, requests, arrivals, done, commands, controller.stats(clk))


def crowd(device, mapping):
    """Bursts over all banks, so that ACTs meet; hits that come late, so that a precharge waits for them."""
    geometry, encode = device.geometry, device.mapping(mapping).encode
    address = st.builds(
        lambda row, bank, group, rank, column: encode(
            {"row": row, "bank": bank, "group": group, "rank": rank, "column": column}
        ),
        st.integers(0, 1),
        st.integers(0, geometry.banks_per_group - 1),
        st.integers(0, geometry.groups - 1),
        st.integers(0, geometry.ranks - 1),
        st.integers(0, 7),
    )
    gap = st.sampled_from([0] * 12 + [25, 35, 60])
    return st.lists(st.tuples(gap, address, st.sampled_from([False, False, True])), min_size=20, max_size=80)


@st.composite
def runs(draw):
    device, mapping, scheduler = draw(channels())
    requests = draw(st.one_of(traffic(device, mapping, most=80), crowd(device, mapping)))
    return drive(device, mapping, scheduler, requests)


@st.composite
def bank_refresh_runs(draw):
    """Dense traffic on banks that are refreshed one by one."""
    device = PRESETS["lpddr4_3200"]
    device = device.with_timing(tREFI=device.geometry.banks * (device.timing["tRFCpb"] + 20))
    page = draw(st.sampled_from(["open", "closed"]))
    scheduler = draw(st.sampled_from([FrFcfs, BankRoundRobin]))(page=page, refresh="per-bank")
    return drive(device, "m1", scheduler, draw(crowd(device, "m1")))


@st.composite
def rival_runs(draw):
    """Reads and writes of very few bursts, offered as fast as they are taken."""
    device, mapping, scheduler = draw(channels())
    encode = device.mapping(mapping).encode
    burst = st.builds(lambda row, column: encode({"row": row, "column": column}), st.integers(0, 1), st.integers(0, 2))
    requests = st.lists(st.tuples(st.sampled_from([0, 0, 0, 3]), burst, st.booleans()), min_size=10, max_size=40)
    return drive(device, mapping, scheduler, draw(requests))


def walk(run):
    """(place, command, row open before, clock of its ACT) of every bank."""
    for place, commands in run.of_bank():
        row, act = None, None
        for command in commands:
            yield place, command, row, act
            if command.name == "ACT":
                row, act = command.row, command.clk
            elif command.name in ("PRE", "PREA", "RDA", "WRA"):
                row = None


def write_end(timing, clk):
    return clk + timing["WL"] + timing["BL_CK"]


@_FEWER
@given(runs())
def test_01_columns_on_the_open_row_and_act_on_a_closed_bank(run):
    """Red for: any open row taken for the row of a request."""
    for _, command, row, _ in walk(run):
        if command.name == "ACT":
            assert row is None
        elif command.name in COLUMNS:
            assert row == command.row
        elif command.name in ("REF", "REFPB"):
            assert row is None


@_FEWER
@given(runs())
def test_02_03_05_distances_from_an_act(run):
    """tRCD, tRAS, tRC. Red for: the row of tRCD a clock short."""
    t = run.device.timing
    assert t["tRC"] >= t["tRAS"] + t["tRP"]
    for _, command, row, act in walk(run):
        if act is None:
            continue
        since = command.clk - act
        if command.name in COLUMNS:
            assert since >= t["tRCD"]
        elif command.name in ("PRE", "PREA") and row is not None:
            assert since >= t["tRAS"]
        elif command.name == "ACT":
            assert since >= t["tRC"]


@_FEWER
@given(runs())
def test_04_06_07_distances_around_a_precharge(run):
    """tRP after it, tRTP and tWR before it, RDA and WRA included. Red for: the row WRA-ACT taken out."""
    t = run.device.timing
    for _, commands in run.of_bank():
        closed, act, read, written, is_open = -t["tRP"], 0, None, None, False
        for command in commands:
            if command.name == "ACT":
                assert command.clk - closed >= t["tRP"]
                act, read, written, is_open = command.clk, None, None, True
            elif command.is_read:
                read = command.clk
            elif command.name in COLUMNS:
                written = write_end(t, command.clk)
            if command.name in ("PRE", "PREA") and is_open:
                assert read is None or command.clk - read >= t["tRTP"]
                assert written is None or command.clk - written >= t["tWR"]
                closed = command.clk + (t.get("tRPab", t["tRP"]) - t["tRP"] if command.name == "PREA" else 0)
            elif command.name in ("RDA", "WRA"):
                ready = command.clk + t["tRTP"] if command.is_read else written + t["tWR"]
                closed = max(ready, act + t["tRAS"])
            is_open = is_open and command.name not in ("PRE", "PREA", "RDA", "WRA")


@_FEWER
@given(runs())
def test_08_09_activates_of_a_rank(run):
    """tRRD between two, tFAW over five. Red for: tRRD_S kept in a bank only."""
    t = run.device.timing
    for _, acts in run.of_rank("ACT"):
        for before, after in pairwise(acts):
            assert after.clk - before.clk >= t["tRRD_S"]
        for i, after in enumerate(acts):
            for before in acts[max(0, i - 4) : i]:
                assert before.group != after.group or after.clk - before.clk >= t.get("tRRD_L", t["tRRD_S"])
        for first, fifth in zip(acts, acts[4:], strict=False):
            assert fifth.clk - first.clk >= t["tFAW"]


@_FEWER
@given(runs())
def test_10_11_column_commands_of_a_rank(run):
    """tCCD, tWTR, tRTW. Red for: tCCD_L kept in a bank only; tRTW a clock short."""
    t = run.device.timing
    for _, columns in run.of_rank(*COLUMNS):
        for i, after in enumerate(columns):
            for before in columns[max(0, i - 12) : i]:
                distance = after.clk - before.clk
                long = "L" if before.group == after.group and "tCCD_L" in t else "S"
                if before.is_read == after.is_read:
                    assert distance >= t["tCCD_" + long]
                elif after.is_read:
                    assert after.clk - write_end(t, before.clk) >= t["tWTR_" + long]
                else:
                    assert distance >= t["tRTW"] >= t["RL"] + t["BL_CK"] - t["WL"]


@_FEWER
@given(runs())
def test_12_17_bursts_never_overlap_and_no_window_is_fuller_than_the_peak(run):
    """tCS between ranks. Red for: a column command that does not hold up the other ranks."""
    t = run.device.timing
    bursts = sorted((c.clk + t["RL" if c.is_read else "WL"], c.rank) for c in run.commands if c.name in COLUMNS)
    for (start, rank), (after, other) in pairwise(bursts):
        assert after - start >= t["BL_CK"] + (t["tCS"] if rank != other else 0)
    # n bursts fill at least n - 1 burst times, wherever the window begins and ends.
    starts = [start for start, _ in bursts]
    for count in range(1, len(starts)):
        spans = [b - a for a, b in zip(starts, starts[count:], strict=False)]
        assert min(spans) >= count * t["BL_CK"]


@_FEWER
@given(runs())
def test_13_one_command_a_clock(run):
    """The command bus carries one. Red for: a command in the clock of the one before it."""
    assert all(before.clk < after.clk for before, after in pairwise(run.commands))


@_FEWER
@given(runs())
def test_14_nothing_in_a_refresh_and_all_precharged_before_it(run):
    """tRFC after it, tRP before it. Red for: a REF, and a REFPB, that hold up nothing."""
    t = run.device.timing
    for (rank, _, _), commands in run.of_bank():
        free, closed, act = 0, 0, -t["tRAS"]
        for command in commands:
            assert command.clk >= free, rank
            if command.name == "ACT":
                act = command.clk
            elif command.name in ("PRE", "PREA"):
                closed = command.clk
            elif command.name in ("RDA", "WRA"):
                ready = command.clk + t["tRTP"] if command.is_read else write_end(t, command.clk) + t["tWR"]
                closed = max(ready, act + t["tRAS"])
            elif command.name in ("REF", "REFPB"):
                assert command.clk - closed >= t["tRP"] or closed == 0
                free = command.clk + t["tRFC" if command.name == "REF" else "tRFCpb"]


@_FEWER
@given(runs())
def test_15_refreshes_are_owed_by_no_more_than_eight(run):
    """Neither postponed nor pulled in by more. Red for: an interval half as long again."""
    interval = run.device.timing["tREFI"]
    for place, commands in run.of_bank():
        count = 0
        for command in [*commands, None]:
            clk = run.stats.clocks if command is None else command.clk
            assert abs(count - clk // interval) <= POSTPONED, place
            count += command is not None and command.name in ("REF", "REFPB")


@_FEWER
@given(st.one_of(bank_refresh_runs(), runs()))
def test_15_a_bank_is_held_for_the_refresh_that_is_due(run):
    """From the clock at which it is due, and the one before has been, no row of it is opened, and there is no column
    command but that of the request for which it was opened; with bank-round-robin, none. Ramulator 1.0 opens rows of
    active requests again. Red for: a bank that is not held before its REFPB."""
    refreshes = [c for c in run.commands if c.name in ("REF", "REFPB")]
    if not refreshes or run.scheduler.name == "fr-fcfs-ramulator1":
        return
    geometry, interval = run.device.geometry, run.device.timing["tREFI"]
    targets = geometry.ranks * (geometry.banks if run.scheduler.refresh == "per-bank" else 1)
    since = 0
    for number, refresh in enumerate(refreshes, start=1):
        since = max(since, number * interval // targets)
        of_bank = refresh.name == "REFPB"
        touched = refresh.place if of_bank else refresh.place[:1]
        held = [c for c in run.commands if since < c.clk < refresh.clk and c.place[: len(touched)] == touched]
        assert "ACT" not in [command.name for command in held]
        columns = [command.place for command in held if command.name in COLUMNS]
        assert len(columns) == (0 if run.scheduler.name == "bank-round-robin" else len(set(columns)))
        since = refresh.clk


@_FEWER
@given(runs())
def test_16_no_read_is_faster_than_a_row_hit(run):
    """Nor a write, unless it is buffered. Red for: data that are there a clock before the burst ends."""
    t = run.device.timing
    for tag, (_, _, is_write) in enumerate(run.requests):
        latency = run.done[tag] - run.arrivals[tag]
        # At once only a write that is buffered, or a read that is answered from a waiting write.
        assert latency == 1 or latency >= 1 + t["WL" if is_write else "RL"] + t["BL_CK"]


@given(
    st.sampled_from(list(PRESETS.values())),
    st.sampled_from([FrFcfs(), FrFcfsRamulator1(), BankRoundRobin()]),
    st.integers(0, 300),
    st.integers(0, 7),
)
def test_16_a_lone_request_takes_exactly_the_least(device, scheduler, gap, bank):
    """One clock of queueing, RL + BL, and before it tRCD, nothing, or tRP + tRCD. Red for: data a clock late."""
    t, encode = device.timing, device.mapping("m1").encode
    place = {"bank": bank % device.geometry.banks_per_group}
    controller = Controller(device, "m1", scheduler)
    clk = gap
    hit = 1 + t["RL"] + t["BL_CK"]
    for row, column, expected in ((0, 0, hit + t["tRCD"]), (0, 1, hit), (1, 0, hit + t["tRP"] + t["tRCD"])):
        controller.advance(clk)
        controller.submit(clk, column, encode({**place, "row": row, "column": column}), False)
        assert controller.advance(clk + 1000, stop=True).done == [(column, clk + expected)]
        clk += 200  # far enough for tRAS and tRTP, before the first refresh


@given(st.integers(2, 16), st.integers(1, 3))
def test_16_what_is_done_is_told_before_the_clock_goes_on(clk, bank):
    """Who reacts to a completion at its clock is in time for the move of that clock, though an offer at it was refused
    before. Red for: a completion that is told only after the move of its clock."""
    device = PRESETS["ddr4_2400"]
    t, encode = device.timing, device.mapping("m1").encode
    controller = Controller(device, "m1", BankRoundRobin())
    first, far = encode({}), encode({"bank": 3, "group": 3})
    controller.submit(0, 0, first, False)
    controller.advance(clk - 1)
    controller.submit(clk - 1, 1, far, True)  # done at the next clock
    assert not controller.submit(clk, 2, first, True)  # the older read of it waits
    assert controller.advance(clk + 500, stop=True).done == [(1, clk)]
    assert controller.submit(clk, 3, encode({"bank": bank, "group": 1}), False)
    column = max(clk + 1, 1 + t["tRRD_S"]) + t["tRCD"]
    done = dict(controller.advance(clk + 500).done)
    assert done[3] == column + t["RL"] + t["BL_CK"]


@settings(max_examples=20)
@given(
    st.sampled_from([FrFcfs(), FrFcfsRamulator1(), BankRoundRobin()]), st.integers(2000, 6000), st.integers(0, 1 << 20)
)
def test_17_a_steady_stream_reaches_the_peak_less_the_refreshes(scheduler, count, start):
    """Alternating bank groups. Red for: all banks in one group."""
    device = PRESETS["ddr4_2400"]
    t = device.timing
    addresses = ((start + np.arange(count, dtype=np.uint64)) % (1 << 24)) * np.uint64(64)
    replay = Controller(device, "m2", scheduler).replay(addresses, np.zeros(count, np.uint8))
    lost = t["tRFC"] + t["tRP"] + t["tRCD"] + t["RL"] + t["tRTP"]
    assert replay.end_clk <= count * t["BL_CK"] * (1 + lost / (t["tREFI"] - lost)) + lost + 600


@_FEWER
@given(st.one_of(rival_runs(), runs()))
def test_18_requests_for_one_burst_keep_their_order(run):
    """Reads answered from a waiting write have no command. Red for: a read that overlooks a waiting write.

    The law's clause about policies with a cap on row hits has nothing to hold: none has one (test_schedulers)."""
    wanted, seen = defaultdict(list), defaultdict(list)
    burst = run.device.geometry.burst_bytes
    mapping = {}
    for tag, (_, address, is_write) in enumerate(run.requests):
        mapping[address // burst] = address
        if is_write or run.done[tag] - run.arrivals[tag] > 1:
            wanted[address // burst].append("W" if is_write else "R")
    for command in run.commands:
        if command.name in COLUMNS:
            key = (*command.place, command.row, command.column)
            seen[key].append("R" if command.is_read else "W")
    orders = sorted("".join(order) for order in wanted.values())
    issued = sorted("".join(order) for order in seen.values())
    if run.scheduler.name != "bank-round-robin":  # there some writes stay in the buffer
        assert issued == orders
    else:
        assert sum(map(len, issued)) <= sum(map(len, orders))
        assert sum(order.count("R") for order in issued) == sum(order.count("R") for order in orders)


@given(st.data())
def test_18_with_one_request_at_a_time_first_ready_is_first_come(data):
    """Then queues of one place do as well. Red for: write mode entered a write too early (a lone read never ends)."""
    device, mapping, scheduler = data.draw(channels())
    requests = data.draw(traffic(device, mapping, most=40))
    addresses = np.array([address for _, address, _ in requests], np.uint64)
    is_write = np.zeros(len(requests), np.uint8)
    small = replace(scheduler, read_queue=1, write_queue=1)
    if hasattr(small, "write_high"):
        small = replace(small, write_high=1, write_low=0)
        scheduler = replace(scheduler, write_high=26, write_low=6)
    one, other = (
        Controller(device, mapping, each).replay(addresses, is_write, one_at_a_time=True) for each in (scheduler, small)
    )
    assert one.latencies.tolist() == other.latencies.tolist()


@_FEWER
@given(runs())
def test_19_energy_is_counts_times_the_table_and_residencies_are_the_time(run):
    """And every count is of commands that were told. Red for: clocks of an auto-precharge counted twice, or not; a
    refresh twice as long."""
    stats, table = run.stats, EnergyTable.of(run.device)
    names = [command.name for command in run.commands]
    assert stats.commands == {name: names.count(name) for name in COMMANDS}
    total = stats.active_clocks + stats.precharged_clocks + stats.refreshing_clocks
    assert total == stats.clocks * run.device.geometry.ranks
    assert min(stats.active_clocks, stats.precharged_clocks, stats.refreshing_clocks) >= 0
    energy = energy_fj(run.device, stats)
    reads, writes = (sum(names.count(name) for name in pair) for pair in (("RD", "RDA"), ("WR", "WRA")))
    assert energy["read"] + energy["write"] == reads * table.read_fj + writes * table.write_fj
    assert energy["io"] == reads * table.read_io_fj + writes * table.write_io_fj
    assert energy["activate_precharge"] == names.count("ACT") * table.activate_precharge_fj
    assert energy["refresh"] == (names.count("REF") * table.refresh_fj + names.count("REFPB") * table.refresh_bank_fj)
    background = (stats.active_clocks + stats.refreshing_clocks) * table.active_clock_fj
    assert energy["background"] == background + stats.precharged_clocks * table.precharged_clock_fj
    assert stats.active_clocks == open_clocks(run)
    refreshes = [command.clk for command in run.commands if command.name == "REF"]
    assert stats.refreshing_clocks == sum(min(run.device.timing["tRFC"], stats.clocks - clk) for clk in refreshes)


def open_clocks(run):
    """Clocks with a bank open or about to close itself, rank by rank, from the commands."""
    t, total = run.device.timing, 0
    spans = defaultdict(list)
    for place, commands in run.of_bank():
        act = None
        for command in commands:
            if command.name == "ACT":
                act = command.clk
            elif act is not None and command.name in ("PRE", "PREA", "RDA", "WRA"):
                ready = {"RDA": command.clk + t["tRTP"], "WRA": write_end(t, command.clk) + t["tWR"]}
                end = max(ready[command.name], act + t["tRAS"]) if command.name in ready else command.clk
                spans[place[0]].append((act, min(end, run.stats.clocks)))
                act = None
        if act is not None:
            spans[place[0]].append((act, run.stats.clocks))
    for intervals in spans.values():
        until = 0
        for start, end in sorted(intervals):
            total += max(0, end - max(start, until))
            until = max(until, end)
    return total


@given(st.data())
def test_silence_is_accounted_for_as_if_stepped(data):
    """Counts and residencies after an idle time looked at once, or in pieces. Red for: a refresh left out of the
    sum; one too many up to a clock."""
    device, mapping, scheduler = data.draw(channels())
    requests = data.draw(traffic(device, mapping, most=10))
    silence = data.draw(st.integers(0, 60_000))
    engines = [Controller(device, mapping, scheduler) for _ in range(2)]
    clk = 0
    for tag, (gap, address, is_write) in enumerate(requests):
        clk += gap + 1
        for engine in engines:
            engine.advance(clk)
            engine.submit(clk, tag, address, is_write)
    end = clk + silence
    while clk < end:
        clk = min(clk + data.draw(st.integers(1, 5000)), end)
        engines[0].advance(clk, observe=True)
    assert engines[0].stats(end) == engines[1].stats(end)


@settings(max_examples=10)
@given(channels(), st.integers(10**12, 10**13))
def test_silence_of_hours_costs_as_much_as_of_a_microsecond(channel, clks):
    """Any number of clocks takes as many steps. Red for: refreshes simulated one by one, which takes seconds."""
    device, mapping, scheduler = channel
    start = time.process_time()
    short = Controller(device, mapping, scheduler).stats(10_000)
    long = Controller(device, mapping, scheduler).stats(clks)
    assert time.process_time() - start < 1
    name, banks = ("REFPB", device.geometry.banks) if scheduler.refresh == "per-bank" else ("REF", 1)
    turns, interval = device.geometry.ranks * banks, device.timing["tREFI"]
    for stats in (short, long):
        due = sum(1 for k in range(turns) if k and k * interval // turns <= stats.clocks % interval)
        assert stats.commands[name] == sum(stats.commands.values()) == stats.clocks // interval * turns + due
