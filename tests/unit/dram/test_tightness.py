"""Every row of every preset under every scheduler: our commands come as early as it allows, or it is said why not.

A row is one of these, and the test says which:

* *tight*: in one of our own runs a command comes exactly as many clocks after the other as the row says (slack 0);
* *dominated*: other rows, and the states of the banks, ask for more than it does. `least_distance` proves it: the
  shortest legal sequence of commands from the first to the second takes longer than the row says;
* *not issued*, *kept apart*: the scheduler does not issue both commands, or not one so shortly after the other. The
  sentence of the documentation that says so is named, stands there, and the commands of the runs agree with it.

Runs are of one and two ranks, all-bank and per-bank refresh, open and closed page. Only tREFI differs from the presets.
"""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cosim.models.dram import PRESETS, SCHEDULERS, Checker, Command, Controller
from cosim.models.dram.checker import label
from cosim.models.dram.rules import COMMANDS, RANK_COMMANDS

DOCUMENT = Path(__file__).parents[3] / "docs" / "dram.md"

# ---- dominated --------------------------------------------------------------------------------------------------

LEAVES_OPEN = {"ACT", "RD", "WR"}
NEEDS_OPEN = {"RD", "WR", "RDA", "WRA", "PRE", "PREA"}  # a controller closes no bank that is closed
OPENING, CLOSING = (("ACT",),), (("PRE",), ("PREA",), ("RDA",), ("WRA",))


def between(row):
    """The shortest sequences that take the bank from one command of the row to the other. In the scope "rank" two
    commands of banks are in different ones: nothing has to come between them."""
    of_rank = row.preceding in RANK_COMMANDS or row.following in RANK_COMMANDS
    if row.scope != "bank" and not of_rank:
        return [()]
    is_open, wanted_open = row.preceding in LEAVES_OPEN, row.following in NEEDS_OPEN
    if row.preceding == row.following == "ACT":
        return list(CLOSING)
    return [()] if is_open == wanted_open else list(OPENING if wanted_open else CLOSING)


def distance(rules, before, after, one_bank):
    """What rules of one command before another ask for."""
    scopes = ("bank", "group", "rank") if one_bank else ("rank",)
    told = [r for r in rules if (r.preceding, r.following) == (before, after) and r.scope in scopes and r.window == 1]
    return max((rule.clocks for rule in told), default=1)


def least_distance(row, rules):
    """Clocks from `row.preceding` to `row.following` that the other rows make necessary."""
    if row.scope == "other rank":
        return 1  # the command bus is all that the ranks have in common beside the data bus, of which these rows tell
    others = [other for other in rules if other != row]
    one_bank = row.scope == "bank" or row.preceding in RANK_COMMANDS or row.following in RANK_COMMANDS
    shortest = []
    for middle in between(row):
        sequence = [row.preceding, *middle, row.following]
        clks = [0]
        for i, command in enumerate(sequence[1:], start=1):
            clks.append(max(clks[j] + distance(others, sequence[j], command, one_bank) for j in range(i)))
        shortest.append(clks[-1])
    return min(shortest)


def is_dominated(row, rules):
    return least_distance(row, rules) > row.clocks


def test_what_is_dominated():
    """After REF all banks are closed: ACT, and tRAS later the first precharge. On LPDDR4 a read comes so much later
    than its command that it may be in the clock behind another rank's write: no two commands are in one. Nothing else.
    """
    for device in PRESETS.values():
        rules, t = device.rules(), device.timing
        dominated = {label(row): least_distance(row, rules) for row in rules if is_dominated(row, rules)}
        expected = dict.fromkeys(("tRFC REF-PRE rank", "tRFC REF-PREA rank"), t["tRFC"] + t["tRAS"])
        if t["WL"] + t["BL_CK"] + t["tCS"] - t["RL"] < 1:
            assert device.standard == "LPDDR4"
            expected |= {f"tCS {write}-{read} other rank": 1 for write in ("WR", "WRA") for read in ("RD", "RDA")}
        assert dominated == expected


def test_least_distances_by_hand():
    rules = PRESETS["ddr4_2400"].rules()
    by_label = {label(row): row for row in rules}
    # By way of RDA: that its precharge waits for tRAS is no row, it is what tRC is for.
    assert least_distance(by_label["tRC ACT-ACT bank"], rules) == 17 + 9 + 17
    assert least_distance(by_label["tRC ACT-REF rank"], rules) == 17 + 9 + 17
    assert least_distance(by_label["tRCD ACT-RD bank"], rules) == 1
    assert least_distance(by_label["tRP PRE-REF rank"], rules) == 1


# ---- by the scheduler -------------------------------------------------------------------------------------------

#: (schedulers, commands): sentences of docs/dram.md because of which a row between them cannot be tight.
FR_FCFS = ("fr-fcfs", "fr-fcfs-ramulator1")
NOT_ISSUED = (
    (("bank-round-robin",), {"PREA"}, "Before a refresh it closes the open banks one by one, without PREA."),
    (FR_FCFS, {"PREA", "REFPB"}, "PREA comes before REF only; before REFPB its bank is closed by PRE."),
    ((*FR_FCFS, "bank-round-robin"), {"REF", "REFPB"}, "A channel has one kind of refresh, never both."),
)  # fmt: skip
KEPT_APART = (
    (("fr-fcfs",), ("PREA", "ACT"), "So the next command of a rank after its PREA is REF."),
    (("bank-round-robin",), ("REF", "REF"), "So two refreshes of a rank never wait for each other."),
)  # fmt: skip


def test_the_sentences_are_written():
    text = re.sub(r"\s+", " ", DOCUMENT.read_text(encoding="utf-8"))
    for *_, sentence in (*NOT_ISSUED, *KEPT_APART):
        assert sentence in text


@pytest.mark.parametrize("device", PRESETS.values(), ids=list(PRESETS))
def test_refreshes_of_round_robin_are_further_apart_than_one_can_be_late(device):
    """KEPT_APART, from the table: a refresh waits for the last ACT or write right before it was due, and for the PREs
    of all banks; the least interval is longer than tRFC by more than that."""
    t, scheduler = device.timing, SCHEDULERS["bank-round-robin"]
    longest = max(t["tRAS"], t["WL"] + t["BL_CK"] + t["tWR"], t["tRTP"])
    late = longest + device.geometry.banks * t.get("tPPD", 1) + t["tRP"]
    assert scheduler.least_refresh_interval(device) - t["tRFC"] > late


# ---- runs -------------------------------------------------------------------------------------------------------


def channels(device, scheduler):
    """Ranks, refresh and page in all combinations, with frequent refreshes, and some with as many as may be."""
    for ranks in (1, 2):
        for refresh in ("all-bank", "per-bank") if device.refreshes_banks else ("all-bank",):
            for page in ("open", "closed"):
                policy = replace(scheduler, page=page, refresh=refresh)
                channel = device.with_ranks(ranks)
                turns = ranks * (channel.geometry.banks if refresh == "per-bank" else 1)
                least = policy.least_refresh_interval(channel)
                yield channel.with_timing(tREFI=least + 60 * turns), policy
                if ranks == 1 and page == "open":
                    yield channel.with_timing(tREFI=least), policy


def crowd(device, random, count=250):
    """Bursts over all banks, rows that meet, and pauses in which a late column command is the last before a refresh."""
    geometry = device.geometry
    limits = {"row": 3, "bank": geometry.banks_per_group, "group": geometry.groups, "rank": geometry.ranks, "column": 8}
    return random.choice([0] * 12 + [25, 35, 60, 150], count), random.random(count) < 0.3, limits


def few_banks(device, random, count=250):
    """Rows of two banks in turn, mostly written."""
    limits = {"row": 3, "bank": 2, "group": device.geometry.groups, "rank": device.geometry.ranks, "column": 8}
    return random.choice([0] * 12 + [25, 35, 60, 150], count), random.random(count) < 0.6, limits


def lonely(device, random, count=250):
    """Two or three requests for a bank or its neighbour, then silence until anywhere in the refresh interval."""
    limits = {"row": 2, "bank": 2, "group": min(device.geometry.groups, 2), "rank": device.geometry.ranks, "column": 8}
    gaps = np.where(
        random.random(count) < 0.35, random.integers(20, 900, count), random.choice([0, 1, 3, 8, 20], count)
    )
    return gaps, random.random(count) < 0.4, limits


def in_turn(device, random, count=250):
    """Bursts of a bank and its namesake in the other rank, so that column commands of two ranks meet."""
    limits = {"row": 2, "bank": 1, "group": 1, "rank": device.geometry.ranks, "column": 8}
    gaps = np.where(np.arange(count) % 8 == 0, 150, 0)
    return gaps, random.random(count) < random.choice([0.1, 0.5, 0.9]), limits


def commands_of(device, policy, traffic, seed):
    random, encode = np.random.default_rng(seed), device.mapping("m1").encode
    gaps, is_write, limits = traffic(device, random)
    addresses = [encode({name: int(random.integers(limit)) for name, limit in limits.items()}) for _ in gaps]
    requests = np.array(addresses, np.uint64), is_write.astype(np.uint8)
    replay = Controller(device, "m1", policy).replay(*requests, earliest=np.cumsum(gaps), observe=True)
    return [
        Command(clk, COMMANDS[kind], *(None if v < 0 else v for v in (group, bank, row)), rank)
        for clk, kind, group, bank, row, _, rank in replay.commands.tolist()
    ]


class Suite:
    """The runs of a preset under a scheduler: the smallest slack of each row, and which commands came together."""

    def __init__(self, device, scheduler):
        self.device, self.scheduler = device, scheduler
        self.rules = device.with_ranks(2).rules()
        self.smallest = {}
        self.together = set()
        self.runs = self.commands = 0

    def run(self, device, policy, traffic, seed):
        commands = commands_of(device, policy, traffic, seed)
        judge = Checker(device, max_postponed=1 << 30)  # how late refreshes are is not the question here
        report = judge.feed(commands).report
        assert report.ok, (policy, traffic, seed, report.first)
        for rule, slack in report.slack.items():
            self.smallest[rule] = min(slack, self.smallest.get(rule, slack))
        issued = {name for name, count in report.counts.items() if count}
        self.together |= {(before, after) for before in issued for after in issued}
        self.runs, self.commands = self.runs + 1, self.commands + len(commands)
        if policy.name == "fr-fcfs":
            for rank in range(device.geometry.ranks):
                names = [command.name for command in commands if command.rank == rank]
                assert {after for before, after in pairwise(names) if before == "PREA"} <= {"REF"}

    def sentence_against(self, row):
        """Why the scheduler cannot make the row tight; None if nothing says so."""
        pair = (row.preceding, row.following)
        for schedulers, commands, sentence in NOT_ISSUED:
            if self.scheduler in schedulers and commands <= {*pair}:
                assert pair not in self.together, (label(row), sentence)
                return sentence
        return next((words for names, apart, words in KEPT_APART if self.scheduler in names and pair == apart), None)

    def unexplained(self):
        return [
            row
            for row in self.rules
            if self.smallest.get(label(row)) != 0
            and not is_dominated(row, self.rules)
            and not self.sentence_against(row)
        ]


def can_show(device, policy, rows):
    """Whether one of the rows can be put to the test in this channel."""

    def can(row):
        names = {row.preceding, row.following}
        return (
            (row.scope != "other rank" or device.geometry.ranks > 1)
            and (policy.page == "closed" or not names & {"RDA", "WRA"})
            and (policy.refresh == "per-bank" or "REFPB" not in names)
            and (policy.refresh == "all-bank" or "REF" not in names)
        )

    return any(can(row) for row in rows)


def run_until_explained(name, scheduler, most=40):
    """Every combination is run with every kind of traffic, then on until nothing is left."""
    suite = Suite(PRESETS[name], scheduler)
    for seed in range(most):
        for traffic in (crowd, in_turn, lonely, few_banks):
            left = suite.unexplained()
            for device, policy in channels(PRESETS[name], SCHEDULERS[scheduler]):
                if seed == 0 or can_show(device, policy, left):
                    suite.run(device, policy, traffic, seed)
        if not suite.unexplained():
            break
    return suite


@pytest.mark.c_library
@pytest.mark.parametrize("scheduler", [name for name, policy in SCHEDULERS.items() if not policy.ideal])
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_row_is_tight_or_it_is_said_why_not(name, scheduler):
    suite = run_until_explained(name, scheduler)
    assert {label(row): suite.smallest.get(label(row)) for row in suite.unexplained()} == {}
    # What is explained is not tight: no explanation is there in vain, none hides a row that binds.
    for row in suite.rules:
        if is_dominated(row, suite.rules) or suite.sentence_against(row):
            assert suite.smallest.get(label(row)) != 0, label(row)
