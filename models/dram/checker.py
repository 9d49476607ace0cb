"""An independent judge of command traces.

It reads the same rule rows and presets as the controller and shares no code with it: it sees commands only, one after
the other, and looks up every row that ends in each of them. Besides the rows it checks the state of the banks, the data
bus, the command bus, and that refreshes are neither postponed nor pulled in by more than the standards allow.

For every rule it reports the smallest slack seen: how many clocks later than allowed the command came. A negative
slack is a violation; a suite whose traces reach slack 0 for a rule also notices a controller that is too slow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cosim.files import read_lines

from .presets import Preset
from .rules import COMMANDS, RANK_COMMANDS, ResolvedRule
from .traces import TraceError, is_clock

#: Refreshes that may be postponed or pulled in (JESD79-3, JESD79-4, JESD209-4).
MAX_POSTPONED = 8
_HEADER = ("clk", "cmd", "rank", "bg", "bank", "row", "col")
_ROW = _HEADER.index("row")
_COLUMN_COMMANDS = ("RD", "WR", "RDA", "WRA")
#: Commands that a field says nothing about: it is empty there. What a row or column is may be left untold elsewhere.
_WITHOUT = {
    "clk": (),
    "rank": (),
    "bg": RANK_COMMANDS,
    "bank": RANK_COMMANDS,
    "row": tuple(name for name in COMMANDS if name not in ("ACT", *_COLUMN_COMMANDS)),
    "col": tuple(name for name in COMMANDS if name not in _COLUMN_COMMANDS),
}


class Command(NamedTuple):
    """One line of a trace. `group` and `bank` are None for PREA and REF; `row` and `column` are None where they are not
    told; a column is one burst."""

    clk: int
    name: str
    group: int | None = None
    bank: int | None = None
    row: int | None = None
    rank: int = 0
    column: int | None = None


@dataclass
class Report:
    """`slack` maps each rule that was put to the test to its smallest slack in clocks, `violations` each broken one to
    how often; `first` describes the first violations."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMMANDS, 0))
    slack: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was broken."""
        return not self.violations


def label(rule: ResolvedRule) -> str:
    """The name under which a row is reported: `tRAS ACT-PRE bank`."""
    return f"{rule.name} {rule.preceding}-{rule.following} {rule.scope}"


class Checker:
    """Feed it commands in order; `report` is up to date after each, `finish` closes it.

    With a tREFI of 0 a preset is never refreshed: then refreshes are judged by the rows alone.
    """

    def __init__(self, preset: Preset, max_postponed: int = MAX_POSTPONED) -> None:
        self.preset = preset
        self.report = Report()
        self._max_postponed = max_postponed
        self._ending_in: dict[str, list[tuple[str, ResolvedRule]]] = {name: [] for name in COMMANDS}
        windows: dict[str, int] = dict.fromkeys(COMMANDS, 1)
        for rule in preset.rules():
            if rule.scope == "other rank" and preset.geometry.ranks == 1:
                continue
            self._ending_in[rule.following].append((label(rule), rule))
            windows[rule.preceding] = max(windows[rule.preceding], rule.window)
        self._windows = windows
        self._seen: dict[tuple[str, tuple[int, ...]], deque[int]] = {}
        self._open_rows: dict[tuple[int, ...], int | None] = {}
        self._bus_free = 0
        self._bus_rank = -1
        self._last_clk = -1
        geometry = preset.geometry
        self._banks = {
            rank: [(rank, g, b) for g in range(geometry.groups) for b in range(geometry.banks_per_group)]
            for rank in range(geometry.ranks)
        }
        places: list[tuple[int, ...]] = [place for banks in self._banks.values() for place in banks]
        self._beyond = _named((geometry.ranks, geometry.groups, geometry.banks_per_group))
        self._refreshes = dict.fromkeys(places, 0)
        self._last_refresh = dict.fromkeys(places, 0)

    def feed(self, commands: Iterable[Command]) -> Checker:
        """Check more of the trace."""
        for command in commands:
            self._check(command)
        return self

    def finish(self, end_clk: int | None = None) -> Report:
        """The report of a trace that ends at `end_clk` (default: with its last command)."""
        end = max(self._last_clk, 0) if end_clk is None else end_clk
        for banks in self._banks.values():
            self._check_refresh(Command(end, "end"), banks)
        return self.report

    def _measure(self, name: str, slack: int, command: Command, note: str) -> None:
        report = self.report
        if slack < report.slack.get(name, slack + 1):
            report.slack[name] = slack
        if slack < 0:
            report.violations[name] = report.violations.get(name, 0) + 1
            if report.violations[name] <= 2:
                report.first.append(f"clk {command.clk}, {command.name}: {name}: {note}")

    def _require(self, name: str, holds: bool, command: Command, note: str) -> None:
        self._measure(name, 0 if holds else -1, command, note)

    @staticmethod
    def _scopes(command: Command) -> dict[str, tuple[int, ...]]:
        rank = command.rank
        if command.group is None or command.bank is None:
            return {"rank": (rank,)}
        return {"rank": (rank,), "group": (rank, command.group), "bank": (rank, command.group, command.bank)}

    def _before(self, rule: ResolvedRule, command: Command, scopes: dict[str, tuple[int, ...]]) -> int | None:
        """The clock from which the rule counts for this command, if there was such a command."""
        if rule.scope == "other rank":
            others = [(rank,) for rank in self._banks if rank != command.rank]
            clks = [self._seen[rule.preceding, other][-1] for other in others if (rule.preceding, other) in self._seen]
            return max(clks, default=None)
        if rule.scope not in scopes:
            return None
        before = self._seen.get((rule.preceding, scopes[rule.scope]))
        return None if before is None or len(before) < rule.window else before[-rule.window]

    def _check(self, command: Command) -> None:
        name, clk = command.name, command.clk
        self.report.counts[name] += 1
        self._measure("one command per clock", clk - self._last_clk - 1, command, f"the last was at {self._last_clk}")
        self._last_clk = clk
        scopes = self._scopes(command)
        for rule_name, rule in self._ending_in[name]:
            then = self._before(rule, command, scopes)
            if then is None:
                continue
            note = f"{rule.preceding} at {then}, expected at least {rule.clocks} clocks"
            self._measure(rule_name, clk - then - rule.clocks, command, note)
        if name in RANK_COMMANDS:
            self._check_rank(command)
        else:
            self._check_bank(command)
        for scope in scopes.values():
            history = self._seen.setdefault((name, scope), deque(maxlen=self._windows[name]))
            history.append(clk)

    def _check_rank(self, command: Command) -> None:
        banks = self._banks.get(command.rank, [])
        self._require("a rank that there is", bool(banks), command, f"rank {command.rank}")
        still_open = sorted(place for place in self._open_rows if place[0] == command.rank)
        if command.name == "REF":
            self._require(
                "all banks closed at REF", not still_open, command, f"open: {'; '.join(map(_named, still_open))}"
            )
            self._refresh(command, banks)
        else:
            for place in still_open:
                del self._open_rows[place]

    def _check_bank(self, command: Command) -> None:
        assert command.group is not None
        assert command.bank is not None
        place = command.rank, command.group, command.bank
        there_is = place in self._refreshes
        geometry = self.preset.geometry
        note = f"{_named(place)}: expected below {self._beyond}"
        self._require("a bank that there is", there_is, command, note)
        if command.row is not None:
            self._require("a row that there is", command.row < geometry.rows, command, f"row {command.row}")
        if command.column is not None:
            there_is_one = command.column < geometry.columns
            self._require("a column that there is", there_is_one, command, f"column {command.column}")
        if command.name == "ACT":
            self._require("ACT on a closed bank", place not in self._open_rows, command, f"{_named(place)} is open")
            self._open_rows[place] = command.row
        elif command.name == "PRE":
            self._open_rows.pop(place, None)
        elif command.name == "REFPB":
            self._require("the bank closed at REFPB", place not in self._open_rows, command, f"{_named(place)} is open")
            self._refresh(command, [place] if there_is else [])
        else:
            self._require(
                "column command on an open bank", place in self._open_rows, command, f"{_named(place)} is closed"
            )
            row = self._open_rows.get(place)
            if row is not None and command.row is not None:
                self._require("column command on the open row", row == command.row, command, f"row {row} is open")
            if command.name in ("RDA", "WRA"):
                self._open_rows.pop(place, None)
            self._check_data_bus(command)

    def _check_data_bus(self, command: Command) -> None:
        timing = self.preset.timing
        start = command.clk + timing["RL" if command.name in ("RD", "RDA") else "WL"]
        self._measure("data bus", start - self._bus_free, command, f"busy until {self._bus_free}")
        if self._bus_rank not in (-1, command.rank):
            free = self._bus_free + timing["tCS"]
            self._measure("data bus between ranks", start - free, command, f"not free until {free}")
        self._bus_free = start + timing["BL_CK"]
        self._bus_rank = command.rank

    def _check_refresh(self, at: Command, places: Iterable[tuple[int, ...]]) -> None:
        """Of each bank: a REF is one of all banks of its rank. A refresh at the clock at which it is due is in time."""
        interval = self.preset.timing["tREFI"]
        if interval == 0:
            return
        due = (at.clk - (at.name in ("REF", "REFPB"))) // interval
        for place in places:
            late = due - self._refreshes[place]
            self._measure("postponed refreshes", self._max_postponed - late, at, f"{due} were due of {_named(place)}")
            last = self._last_refresh[place]
            gap = (self._max_postponed + 1) * interval - (at.clk - last)
            self._measure("tREFI of the longest gap", gap, at, f"the last refresh of {_named(place)} was at {last}")

    def _refresh(self, command: Command, places: Sequence[tuple[int, ...]]) -> None:
        self._check_refresh(command, places)
        interval = self.preset.timing["tREFI"]
        if interval == 0:
            return
        due = command.clk // interval
        for place in places:
            self._refreshes[place] += 1
            self._last_refresh[place] = command.clk
            number = self._refreshes[place]
            early = self._max_postponed - (number - due)
            self._measure("refreshes pulled in", early, command, f"{due} were due, this is number {number}")


def _named(place: tuple[int, ...]) -> str:
    """A bank by the columns of a command file."""
    rank, group, bank = place
    return f"rank {rank}, bg {group}, bank {bank}"


def read_commands(path: Path) -> Iterator[Command]:
    """The commands of a CSV file, gzipped or not, with the columns clk,cmd,rank,bg,bank,row,col.

    bg and bank are empty for PREA and REF, which are of a rank, row but for ACT and column commands, col but for the
    latter; row and col may be empty throughout.

    Raises TraceError naming file, line and column of what cannot be read; OSError if the file cannot.
    """
    lines = read_lines(path, TraceError)
    header = next(lines, None)
    if header is None or tuple(header.split(",")) != _HEADER:
        got = "an empty file" if header is None else repr(header)
        raise TraceError(f"{path}:1:1: expected the header {','.join(_HEADER)}, got {got}")
    return _parse(path, lines)


def _parse(path: Path, lines: Iterable[str]) -> Iterator[Command]:
    for number, line in enumerate(lines, start=2):
        fields = line.split(",")

        def fail(index: int, expected: str, fields: list[str] = fields, number: int = number) -> TraceError:
            column = sum(len(text) + 1 for text in fields[:index]) + 1
            return TraceError(f"{path}:{number}:{column}: expected {expected}, got {fields[index]!r}")

        if len(fields) < len(_HEADER):
            end = f"{path}:{number}:{len(line) + 1}"
            raise TraceError(f"{end}: expected {len(_HEADER)} fields, got 'the end of the line'")
        if len(fields) > len(_HEADER):
            raise fail(len(_HEADER), f"{len(_HEADER)} fields")
        name = fields[1]
        if name not in COMMANDS:
            raise fail(1, f"one of {', '.join(COMMANDS)}")
        values: list[int | None] = []
        for index in (0, 2, 3, 4, 5, 6):
            text = fields[index]
            if name in _WITHOUT[_HEADER[index]]:
                if text:
                    raise fail(index, f"no {_HEADER[index]} of {name}")
            elif not is_clock(text) and (text or index < _ROW):
                raise fail(index, f"{_HEADER[index]} as a number below 2^59")
            values.append(int(text) if text else None)
        clk, rank, group, bank, row, column = values
        assert clk is not None
        assert rank is not None
        yield Command(clk, name, group, bank, row, rank, column)
