"""The checker judges: both sides of every rule, each by a trace of its own, and every mutated timing is noticed."""

import gzip
from functools import cache

import pytest
from reference.dram.traces import arrays, requests

from cosim.models.dram import PRESETS, STANDARDS, Checker, Command, Controller, TraceError, preset, read_commands
from cosim.models.dram.checker import label
from cosim.models.dram.rules import COMMANDS

SAME, OTHER_BANK, OTHER_GROUP = (0, 0), (0, 1), (1, 0)


def rule_cases():
    for device in PRESETS.values():
        for rule in device.rules():
            yield pytest.param(device.with_ranks(2), rule, id=f"{device.name}-{label(rule)}")


def pair(rule, distance):
    """`rule.window` commands and the one that ends the rule, `distance` after the first, in one scope."""
    first, second = rule.preceding, rule.following

    def at(clk, name, place, rank=0):
        return Command(clk, name, rank=rank) if name in ("PREA", "REF") else Command(clk, name, *place, 0, rank)

    other = {"bank": SAME, "group": OTHER_BANK, "rank": OTHER_BANK, "other rank": SAME}[rule.scope]
    before = [at(100_000 + i, first, (0, i)) for i in range(rule.window)]
    place = other if rule.window == 1 else (1, 0)
    return [*before, at(100_000 + distance, second, place, int(rule.scope == "other rank"))]


@pytest.mark.parametrize(("device", "rule"), list(rule_cases()))
def test_both_sides_of_every_row(device, rule):
    """A clock too early is a violation of slack -1, in time is slack 0."""
    late = Checker(device).feed(pair(rule, rule.clocks)).report
    assert late.slack[label(rule)] == 0
    assert label(rule) not in late.violations
    if rule.clocks == 0:
        return  # nothing is earlier than at once
    early = Checker(device).feed(pair(rule, rule.clocks - 1)).report
    assert early.slack[label(rule)] == -1
    assert early.violations[label(rule)] == 1


def test_a_row_holds_only_in_its_scope():
    device = preset("ddr4_2400")
    report = Checker(device).feed([Command(0, "RD", *SAME, 0), Command(4, "RD", *OTHER_GROUP, 0)]).report
    assert report.slack["tCCD_S RD-RD rank"] == 0
    assert "tCCD_L RD-RD group" not in report.slack
    ranks = [Command(0, "RD", *SAME, 0), Command(6, "RD", *SAME, 0, rank=1)]
    report = Checker(device.with_ranks(2)).feed(ranks).report
    assert report.slack["tCS RD-RD other rank"] == report.slack["data bus between ranks"] == 0
    assert not {"tCCD_S RD-RD rank", "tCCD_L RD-RD group"} & set(report.slack)


def act(clk=0, row=7, place=SAME):
    return Command(clk, "ACT", *place, row)


@pytest.mark.parametrize(
    ("commands", "broken"),
    [
        ([act(), act(100)], "ACT on a closed bank"),
        ([Command(0, "RD", *SAME, 7)], "column command on an open bank"),
        ([act(), Command(100, "RD", *OTHER_BANK, 7)], "column command on an open bank"),
        ([act(), Command(50, "PRE", *SAME), Command(90, "WR", *SAME, 7)], "column command on an open bank"),
        ([act(), Command(50, "PREA"), Command(90, "RD", *SAME, 7)], "column command on an open bank"),
        ([act(), Command(100, "WR", *SAME, 8)], "column command on the open row"),
        ([act(), Command(100, "REF")], "all banks closed at REF"),
        ([act(), Command(50, "RDA", *SAME, 7), Command(90, "RD", *SAME, 7)], "column command on an open bank"),
        (
            [act(), Command(50, "WRA", *SAME, 7), Command(150, "PREA"), Command(200, "WR", *SAME, 7)],
            "column command on an open bank",
        ),
        ([act(), Command(100, "REFPB", *SAME)], "the bank closed at REFPB"),
        ([act(0), Command(99, "PREA", rank=1)], "a rank that there is"),
        ([act(place=(4, 0))], "a bank that there is"),
        ([Command(0, "REFPB", 0, 4)], "a bank that there is"),
        ([act(5), act(5, place=OTHER_GROUP)], "one command per clock"),
        ([act(9), act(5, place=OTHER_GROUP)], "one command per clock"),
        ([act(), Command(50, "RD", *SAME, 7), Command(58, "WR", *SAME, 7)], "data bus"),
    ],
)
def test_states_and_buses(commands, broken):
    report = Checker(preset("ddr4_2400")).feed(commands).report
    assert report.violations.get(broken, 0) >= 1
    assert not report.ok
    assert any(broken in line for line in report.first)


def test_data_bus_touches_at_nine_clocks():
    # RL 17 + 4 - WL 12: the write's data starts where the read's ends.
    commands = [act(), Command(50, "RD", *SAME, 7), Command(59, "WR", *SAME, 7)]
    assert Checker(preset("ddr4_2400")).feed(commands).report.slack["data bus"] == 0


def test_rows_that_are_not_told_are_not_judged():
    report = Checker(preset("ddr4_2400")).feed([Command(0, "ACT", *SAME), Command(100, "RD", *SAME)]).report
    assert report.ok
    assert "column command on the open row" not in report.slack


def test_commands_of_a_rank_leave_the_other_alone():
    device = preset("ddr4_2400").with_ranks(2)
    other = Command(1, "ACT", *SAME, 7, rank=1)
    commands = [act(0), other, Command(50, "PREA"), Command(90, "REF"), Command(95, "RD", *SAME, 7, rank=1)]
    assert Checker(device).feed(commands).report.ok
    closed = Checker(device).feed([*commands, Command(99, "REF", rank=1)]).report
    assert set(closed.violations) == {"all banks closed at REF"}


def test_a_bank_is_closed_by_auto_precharge():
    commands = [act(), Command(50, "RDA", *SAME, 7), Command(50 + 9 + 17, "ACT", *SAME, 8)]
    report = Checker(preset("ddr4_2400")).feed(commands).report
    assert report.ok
    assert report.slack["tRTP RDA-ACT bank"] == 0
    assert Checker(preset("ddr4_2400")).feed([*commands[:2], Command(200, "REF")]).report.ok


def test_refreshes_of_banks_are_counted_for_each():
    """One bank is forgotten for nine intervals while the others are refreshed."""
    device = preset("lpddr4_3200")
    interval = device.timing["tREFI"]

    def rounds(banks):
        return [Command(k * interval + 200 * b, "REFPB", 0, b) for k in range(1, 10) for b in banks]

    assert Checker(device).feed(rounds(range(8))).report.ok
    assert set(Checker(device).feed(rounds(range(7))).finish().violations) == {
        "postponed refreshes", "tREFI of the longest gap"
    }  # fmt: skip
    whole = sorted([*rounds(range(7)), Command(9 * interval - 500, "REF")])
    assert Checker(device).feed(whole).finish().ok


def refreshes(*times):
    return [Command(int(time * 9360), "REF") for time in times]


@pytest.mark.parametrize(
    ("commands", "end", "broken"),
    [
        ([], 9 * 9360 - 1, set()),
        ([], 9 * 9360, {"postponed refreshes"}),
        ([], 9 * 9360 + 1, {"postponed refreshes", "tREFI of the longest gap"}),
        (refreshes(*[i / 10 for i in range(1, 9)]), 9360, set()),
        (refreshes(*[i / 10 for i in range(1, 10)]), 9360, {"refreshes pulled in"}),
        (refreshes(8.5), 10 * 9360, {"postponed refreshes"}),
        (refreshes(9), 9 * 9360, set()),
        (refreshes(9 + 1 / 9360), 9 * 9360 + 1, {"postponed refreshes", "tREFI of the longest gap"}),
    ],
)
def test_refreshes_are_neither_late_nor_early_by_more_than_eight(commands, end, broken):
    assert set(Checker(preset("ddr4_2400")).feed(commands).finish(end).violations) == broken


def test_a_channel_that_is_never_refreshed():
    device = preset("ddr4_2400").with_timing(tREFI=0)
    assert Checker(device).feed([Command(1, "ACT", 0, 0, 3)]).finish(10**9).ok
    early = Checker(device).feed([Command(1, "REF"), Command(420, "REF")]).finish()
    assert set(early.violations) == {"tRFC REF-REF rank"}


# ---- our own traces -------------------------------------------------------------------------------------------

RUNS = [
    ("ddr4_2400", "fr-fcfs"),
    ("ddr4_2400", "bank-round-robin"),
    ("ddr3_1600", "fr-fcfs"),
    ("ddr3_1600", "bank-round-robin"),
    ("lpddr4_3200", "fr-fcfs-ramulator1"),
    ("lpddr4_3200", "bank-round-robin"),
]
TRACES = ("mixed", "rand_rw", "seq_wr", "bank_stride", "row_stride")


def device_of(name):
    """With refreshes so often that they meet everything."""
    return preset(name).with_timing(tREFI=2 * preset(name).timing["tRFC"])


@cache
def commands(name, scheduler, mapping, trace, count=2000):
    device = device_of(name)
    addresses, is_write = arrays(requests(trace, device, mapping))
    controller = Controller(device, mapping, scheduler)
    replay = controller.replay(addresses[:count], is_write[:count], observe=True)
    return [
        Command(clk, COMMANDS[kind], *(None if v < 0 else v for v in (group, bank, row)), rank)
        for clk, kind, group, bank, row, _, rank in replay.commands.tolist()
    ]


@pytest.mark.c_library
@pytest.mark.parametrize(("name", "scheduler"), RUNS)
def test_the_controller_is_legal(name, scheduler):
    """How early it is: test_tightness."""
    device = device_of(name)
    bus = []
    for mapping in device.mappings:
        for trace in TRACES:
            report = Checker(device).feed(commands(name, scheduler, mapping, trace)).finish()
            assert report.ok, report.first
            bus.append(report.slack["data bus"])
    assert min(bus) == 0


def raised():
    for name, scheduler in RUNS:
        for timing in ("tRCD", "tRP", "tRAS", "tRTP", "tWR", "tRRD_S", "tRRD_L", "tFAW", "tCCD_S", "tCCD_L", "tRTW",
                       "tWTR_S", "tWTR_L", "tRFC", "tPPD", "tRC"):  # fmt: skip
            if any(timing in rule.latency.split() for rule in STANDARDS[PRESETS[name].standard]):
                yield name, scheduler, timing


@pytest.mark.c_library
@pytest.mark.parametrize(("name", "scheduler", "timing"), list(raised()))
def test_a_timing_raised_by_one_clock_is_noticed(name, scheduler, timing):
    device = device_of(name)
    slower = device.with_timing(**{timing: device.timing[timing] + 1})
    for trace in TRACES:
        for mapping in ("m1", "m2"):
            if not Checker(slower).feed(commands(name, scheduler, mapping, trace)).report.ok:
                return
    pytest.fail("no trace is tight in it")


@pytest.mark.c_library
@pytest.mark.parametrize(("name", "scheduler"), RUNS)
def test_trc_raised_by_one_clock_is_noticed_on_row_stride(name, scheduler):
    device = device_of(name)
    slower = device.with_timing(tRC=device.timing["tRC"] + 1)
    broken = Checker(slower).feed(commands(name, scheduler, "m1", "row_stride")).report.violations
    assert "tRC ACT-ACT bank" in broken


@pytest.mark.c_library
@pytest.mark.parametrize(("name", "scheduler"), RUNS)
@pytest.mark.parametrize(
    ("clocks", "broken"),
    [(0, set()), (1, {"refreshes pulled in"}), (-1, {"postponed refreshes", "tREFI of the longest gap"})],
)
def test_trefi_is_a_maximum_and_a_minimum(name, scheduler, clocks, broken):
    """An idle channel refreshes on the clock; without leave to postpone or pull in, one clock is noticed either way."""
    device = preset(name)
    interval = device.timing["tREFI"]
    told = Controller(device, "m1", scheduler).advance(20 * interval, observe=True).commands
    refreshes = [Command(clk, COMMANDS[kind]) for clk, kind, *_ in told.tolist()]
    judge = Checker(device.with_timing(tREFI=interval + clocks), max_postponed=0)
    assert set(judge.feed(refreshes).finish(20 * interval).violations) == broken


# ---- files ----------------------------------------------------------------------------------------------------

HEADER = "clk,cmd,rank,bg,bank,row,col\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clk,cmd\n", r":1:1: expected the header clk,cmd,rank,bg,bank,row,col, got 'clk,cmd'$"),
        (HEADER + "1,ACT,0,0,0,5\n", r":2:14: expected 7 fields, got 'the end of the line'$"),
        (HEADER + "1,ACT,0,0,0,5,,\n", r":2:16: expected 7 fields, got ''$"),
        (HEADER + "\n", r":2:1: expected 7 fields, got 'the end of the line'$"),
        (HEADER + f"{1 << 59},REF,0,,,,\n", rf":2:1: expected clk as a number below 2\^59, got '{1 << 59}'$"),
        (HEADER + f"1,ACT,0,0,0,{'9' * 4000},\n", r":2:13: expected row as a number below 2\^59, got '9+'$"),
        (HEADER + "1,RD,0,0,0,5,x\n", r":2:14: expected col as a number below 2\^59, got 'x'$"),
        (HEADER + '"1",REF,0,,,,\n', r":2:1: expected clk as a number below 2\^59, got '\"1\"'$"),
        ("", r":1:1: expected the header clk,cmd,rank,bg,bank,row,col, got an empty file$"),
        (HEADER + "1,ACT,0,0,0,5,\n2,NOP,0,0,0,,\n", r":3:3: expected one of ACT, .* got 'NOP'$"),
        (HEADER + "x,REF,0,,,,\n", r":2:1: expected clk as a number below 2\^59, got 'x'$"),
        (HEADER + "1,REF,,,,,\n", r":2:7: expected rank as a number below 2\^59, got ''$"),
        (HEADER + "1,PRE,0,,0,,\n", r":2:9: expected bg as a number below 2\^59, got ''$"),
        (HEADER + "1,REF,0,0,,,\n", r":2:9: expected no bg of REF, got '0'$"),
        (HEADER + "1,PREA,0,,3,,\n", r":2:11: expected no bank of PREA, got '3'$"),
        (HEADER + "1,PREA,0,x,,,\n", r":2:10: expected no bg of PREA, got 'x'$"),
        (HEADER + "1,PRE,0,0,0,7,\n", r":2:13: expected no row of PRE, got '7'$"),
        (HEADER + "1,ACT,0,0,0,7,0\n", r":2:15: expected no col of ACT, got '0'$"),
        (HEADER + "1,REFPB,0,0,0,,0\n", r":2:16: expected no col of REFPB, got '0'$"),
        (HEADER + "1,RDA,0,0,,7,0\n", r":2:11: expected bank as a number below 2\^59, got ''$"),
        (HEADER + "1,ACT,0,0,0,-1,\n", r":2:13: expected row as a number below 2\^59, got '-1'$"),
        (HEADER + "1,ACT,0,0,0,\u00e9,\n", r":2:13: expected plain ASCII text, got byte 0xc3$"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, text, message):
    path = tmp_path / "commands.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError, match=message):
        list(read_commands(path))


def test_reads_gzipped_commands(tmp_path):
    path = tmp_path / "commands.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "3,ACT,0,1,2,9,\n20,PREA,0,,,,\n").encode()))
    assert list(read_commands(path)) == [Command(3, "ACT", 1, 2, 9), Command(20, "PREA")]
    path.write_bytes(b"clk")
    with pytest.raises(TraceError, match="expected a gzip file"):
        list(read_commands(path))


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        (Command(100, "RD", 0, 0, 65535, column=127), set()),
        (Command(100, "RD", 0, 0, 65535, column=128), {"a column that there is"}),
        (Command(100, "WR", 0, 0, 65536, column=127), {"a row that there is", "column command on the open row"}),
        (Command(200, "ACT", 0, 1, 65536), {"a row that there is"}),
        (Command(200, "ACT", 0, 1, 99999999), {"a row that there is"}),
        (Command(200, "ACT", 0, 1, 65535), set()),
    ],
)
def test_rows_and_columns_are_those_of_the_device(command, broken):
    report = Checker(preset("ddr4_2400")).feed([Command(1, "ACT", 0, 0, 65535), command]).report
    assert set(report.violations) == broken
