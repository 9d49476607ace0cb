"""Ranks, closed pages and per-bank refresh: what they do, and that the checker finds nothing. That no clock is lost:
test_tightness."""

from dataclasses import dataclass, fields, replace

import pytest
from reference.dram.traces import arrays, requests

from cosim.models.dram import (
    PRESETS,
    SCHEDULERS,
    AddressMapping,
    BankRoundRobin,
    Checker,
    Command,
    Controller,
    EnergyTable,
    FrFcfs,
    Preset,
    ResolvedRule,
    energy_fj,
    preset,
)
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library


def run(device, scheduler, addresses, writes=()):
    """Commands (clk, name, rank, group, bank) of reads and writes offered one a clock."""
    controller = Controller(device, "m1", scheduler)
    told = []
    for index, address in enumerate(addresses):
        told += controller.advance(index, observe=True).commands.tolist()
        assert controller.submit(index, index, address, index in writes)
    told += controller.advance(len(addresses) + 400, observe=True).commands.tolist()
    return [(clk, COMMANDS[kind], rank, group, bank) for clk, kind, group, bank, _, _, rank in told]


def test_a_row_is_closed_with_its_last_access():
    closed = FrFcfs(page="closed")
    assert run(preset("ddr4_2400"), closed, [0]) == [(1, "ACT", 0, 0, 0), (18, "RDA", 0, 0, 0)]
    # Two accesses to a row that wait together need one ACT.
    assert [name for _, name, *_ in run(preset("ddr4_2400"), closed, [0, 64])] == ["ACT", "RD", "RDA"]
    assert [name for _, name, *_ in run(preset("ddr4_2400"), closed, [0], writes=[0])] == ["ACT", "WRA"]
    other_row = [0, 8192 * 16]
    commands = run(preset("ddr4_2400"), closed, other_row)
    # The row cycle of 56 binds: no PRE in between, and none too early.
    assert commands == [(1, "ACT", 0, 0, 0), (18, "RDA", 0, 0, 0), (57, "ACT", 0, 0, 0), (74, "RDA", 0, 0, 0)]


def test_two_ranks_overlap_and_leave_the_bus_two_clocks():
    device = preset("ddr4_2400").with_ranks(2)
    far = device.mapping("m1").encode({"rank": 1})
    commands = run(device, "fr-fcfs", [0, far])
    assert commands == [(1, "ACT", 0, 0, 0), (2, "ACT", 1, 0, 0), (18, "RD", 0, 0, 0), (24, "RD", 1, 0, 0)]


def test_ranks_are_refreshed_in_turn_half_an_interval_apart():
    device = preset("ddr4_2400").with_ranks(2)
    told = Controller(device).advance(4 * 9360, observe=True).commands
    assert [(clk, rank) for clk, _, *_, rank in told.tolist()] == [(4680 * k, (k - 1) % 2) for k in range(1, 9)]


def test_banks_are_refreshed_in_turn_while_others_go_on():
    device = preset("lpddr4_3200")
    controller = Controller(device, "m1", FrFcfs(refresh="per-bank"))
    told = controller.advance(2 * 6247, observe=True).commands.tolist()
    assert [clk for clk, *_ in told] == [k * 6247 // 8 for k in range(1, 17)]
    assert [bank for _, _, _, bank, *_ in told] == [*range(8), *range(8)]
    assert {COMMANDS[kind] for _, kind, *_ in told} == {"REFPB"}
    # Bank 0 is refreshed at 780 for 144 clocks; a read of bank 1 does not notice, one of bank 0 waits.
    for bank, latency in ((1, 73), (0, 780 + 144 - 800 + 29 + 35 + 8)):
        controller = Controller(device, "m1", FrFcfs(refresh="per-bank"))
        controller.advance(800)
        controller.submit(800, 0, device.mapping("m1").encode({"bank": bank}), False)
        assert controller.advance(2000, stop=True).done == [(0, 800 + latency)]


def test_a_silent_second_costs_nothing_and_counts_every_refresh():
    clks = 1_600_000_000
    for device, scheduler, name, refreshes in (
        (preset("lpddr4_3200"), FrFcfs(), "REF", clks // 6247),
        (preset("lpddr4_3200").with_ranks(2), BankRoundRobin(), "REF", clks * 2 // 6247),
        (preset("lpddr4_3200").with_ranks(2), FrFcfs(refresh="per-bank"), "REFPB", clks * 16 // 6247),
    ):
        stats = Controller(device, "m1", scheduler).stats(clks)
        assert stats.commands[name] == refreshes
        assert sum(stats.commands.values()) == refreshes


def test_energy_of_auto_precharge_and_bank_refresh():
    device = preset("lpddr4_3200")
    table = EnergyTable.of(device)
    controller = Controller(device, "m1", FrFcfs(page="closed", refresh="per-bank"))
    controller.submit(0, 0, 0, False)
    stats = controller.stats(781)
    # Open from the ACT at 1 until the auto-precharge begins, tRAS 68 later: tRTP after the RDA would be sooner.
    assert (stats.active_clocks, stats.refreshing_clocks) == (68, 0)
    energy = energy_fj(device, stats)
    assert energy["refresh"] == table.refresh_bank_fj == table.refresh_fj // 8
    assert energy["read"] == table.read_fj
    assert energy["background"] == 68 * table.active_clock_fj + (781 - 68) * table.precharged_clock_fj


def test_a_rank_is_active_until_the_last_of_its_banks_closes():
    """The auto-precharge of a write begins later than that of the read behind it in another bank. Red for: the time of
    the newest one alone."""
    device = preset("ddr4_2400")
    controller = Controller(device, "m1", FrFcfs(page="closed"))
    controller.submit(0, 0, 0, True)
    controller.advance(1)
    controller.submit(1, 1, device.mapping("m1").encode({"group": 1}), False)
    told = controller.advance(60, observe=True).commands.tolist()
    assert [(clk, COMMANDS[kind]) for clk, kind, *_ in told] == [(5, "ACT"), (18, "WRA"), (18 + 19, "RDA")]
    # The read's: 9 clocks after it. The write's: WL, burst and tWR after it.
    assert controller.stats(200).active_clocks == 18 + 12 + 4 + 18 - 1


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"ddr4_2400: DDR4 has no per-bank refresh"):
        Controller(preset("ddr4_2400"), "m1", FrFcfs(refresh="per-bank"))
    with pytest.raises(ValueError, match=r"page 'shut': expected open or closed"):
        FrFcfs(page="shut")
    with pytest.raises(ValueError, match=r"refresh 'none': expected all-bank or per-bank"):
        FrFcfs(refresh="none")
    with pytest.raises(ValueError, match=r"ddr4_2400: 3 ranks: expected a power of two up to 8, and at most 32 banks"):
        preset("ddr4_2400").with_ranks(3)
    with pytest.raises(ValueError, match=r"ddr4_2400: 4 ranks"):
        preset("ddr4_2400").with_ranks(4)


@dataclass(frozen=True)
class OtherTable(Preset):
    """A preset with more rules than its standard."""

    more: tuple[ResolvedRule, ...] = ()

    def rules(self):
        return (*super().rules(), *self.more)


def with_rule(rule, ranks=1):
    device = preset("ddr4_2400").with_ranks(ranks)
    return OtherTable(**{field.name: getattr(device, field.name) for field in fields(Preset)}, more=(rule,))


@pytest.mark.parametrize(
    "rule",
    [
        # Rows that the engine would never look at, or has no place for.
        ResolvedRule("tMORE", "other rank", "ACT", "ACT", 9, 1),
        ResolvedRule("tMORE", "other rank", "PRE", "RD", 9, 1),
        ResolvedRule("tMORE", "bank", "REF", "ACT", 9, 1),
        ResolvedRule("tMORE", "group", "ACT", "PREA", 9, 1),
        ResolvedRule("tMORE", "rank", "RD", "RD", 9, 2),
        ResolvedRule("tMORE", "group", "ACT", "ACT", 9, 4),
        ResolvedRule("tMORE", "rank", "ACT", "ACT", 9, 5),  # beside tFAW
        ResolvedRule("tMORE", "rank", "ACT", "ACT", -1, 1),
        ResolvedRule("tMORE", "rank", "ACT", "ACT", 2**20 + 1, 1),
    ],
)
def test_a_rule_that_would_not_be_kept_is_refused(rule):
    with pytest.raises(ValueError, match="ddr4_2400: the controller does not take this configuration"):
        Controller(with_rule(rule, ranks=2))


def test_a_rule_more_is_kept():
    other_rank = preset("ddr4_2400").with_ranks(2).mapping("m1").encode({"rank": 1})
    commands = run(with_rule(ResolvedRule("tMORE", "other rank", "RD", "ACT", 30, 1), ranks=2), "fr-fcfs", [0])
    assert commands == [(1, "ACT", 0, 0, 0), (18, "RD", 0, 0, 0)]
    controller = Controller(with_rule(ResolvedRule("tMORE", "other rank", "RD", "ACT", 30, 1), ranks=2))
    controller.submit(0, 0, 0, False)
    controller.advance(20)
    controller.submit(20, 1, other_rank, False)
    told = controller.advance(100, observe=True).commands.tolist()
    assert (told[0][0], COMMANDS[told[0][1]]) == (18 + 30, "ACT")


def test_more_fields_of_an_address_than_there_is_room_for_are_refused():
    device = preset("ddr4_2400")
    mapping = AddressMapping.of((*["row:1"] * 16, "bank", "group", "column"), device.geometry)
    with pytest.raises(ValueError, match=r"ddr4_2400: 19 fields of an address, \d+ rules: expected at most 16 and 160"):
        Controller(device, mapping)


# ---- legal ----------------------------------------------------------------------------------------------------

TRACES = ("mixed", "rand_rw", "multi4_rw")


def configurations(device):
    """Each scheduler with what it can be combined with; refreshes so often that they meet everything."""
    for scheduler in SCHEDULERS.values():
        if scheduler.ideal:
            continue
        yield device.with_timing(tREFI=2 * device.timing["tRFC"]), replace(scheduler, page="closed")
        two = device.with_ranks(2)
        yield two.with_timing(tREFI=4 * device.timing["tRFC"]), scheduler
        if device.refreshes_banks:
            clocks = 2 * device.timing["tRFCpb"] * device.geometry.banks
            yield device.with_timing(tREFI=clocks), replace(scheduler, refresh="per-bank")
            yield two.with_timing(tREFI=2 * clocks), replace(scheduler, refresh="per-bank", page="closed")


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_new_commands_are_legal(name, count=1000):
    issued, between_ranks = set(), []
    for device, scheduler in configurations(PRESETS[name]):
        for trace in TRACES:
            addresses, is_write = (part[:count].copy() for part in arrays(requests(trace, device, "m2")))
            replay = Controller(device, "m2", scheduler).replay(addresses, is_write, observe=True)
            commands = [
                Command(clk, COMMANDS[kind], *(None if v < 0 else v for v in (group, bank, row)), rank)
                for clk, kind, group, bank, row, _, rank in replay.commands.tolist()
            ]
            report = Checker(device).feed(commands).finish()
            assert report.ok, (scheduler, trace, report.first)
            issued |= {command.name for command in commands}
            between_ranks.append(report.slack.get("data bus between ranks", 1))
    assert issued >= {"RDA", "WRA", *(["REFPB"] if PRESETS[name].refreshes_banks else [])}
    assert min(between_ranks) == 0
