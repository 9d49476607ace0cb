"""The kernel does what SystemC 2.3.4 does: small designs, one file each in `designs/`, against recorded logs.

The logs are in `expected/`. `systemc/` has the SystemC programs of those that `make litmus-record` records again; the
others' logs are kept as they were recorded.
"""

import importlib
import re

import pytest
from litmus.designs import sc_time_arith
from litmus.harness import EXPECTED, Log, comparable, expected

# How closely a log must agree (`harness.comparable`). Our order within a phase is Accellera's, so all agree line by
# line, "exact", those included that depend on it (ORDER). But where several timed notifications are due at one instant,
# Accellera's order is that of an unstable heap, which is not imitated: these agree as "phase". Delta counts agree
# everywhere, so no design needs "time".
UNSTABLE_HEAP = ("clocks", "clocked_threads", "process_reset", "tlm_bus")
MODE = dict.fromkeys(UNSTABLE_HEAP, "phase")
ORDER = ("exec_order", "mutex_contention", "elaboration")
DESIGNS = sorted(path.stem for path in EXPECTED.glob("*.jsonl"))


def without_what_python_does_not_have(rows):
    """The SystemC log of `sc_time_arith` without wrap-around and without resolutions that are set late."""
    kept, case = [], ""
    for row in rows:
        if row["who"] == "case" and row["what"] == "begin":
            case = row["value"]
        if case not in sc_time_arith.WITHOUT_CASES and row["what"] not in sc_time_arith.WITHOUT:
            kept.append(row)
    return kept


def systemcs(name):
    rows = expected(name)
    return without_what_python_does_not_have(rows) if name == "sc_time_arith" else rows


def run_design(name, seed=None):
    log = Log(seed)
    log.new_simulator()
    importlib.import_module(f"litmus.designs.{name}").run(log)
    return log


@pytest.mark.parametrize("name", DESIGNS)
def test_the_log_is_systemcs(name):
    mode = MODE.get(name, "exact")
    assert comparable(run_design(name).rows, mode) == comparable(systemcs(name), mode)


def changes(text):
    """(time, name, value) of every change in a VCD file, values in lower case and without leading zeros."""
    names, scopes, time, rows = {}, [], 0, []
    header, _, body = text.partition("$enddefinitions")
    for words in (line.split() for line in header.splitlines()):
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            names[words[3]] = ".".join([*(scope for scope in scopes if scope != "SystemC"), words[4]])
    for line in body.splitlines():
        if match := re.fullmatch(r"#(\d+)", line):
            time = int(match[1])
        elif match := re.fullmatch(r"([01xXzZ])(\S+)", line):
            rows.append((time, names[match[2]], match[1].lower()))
        elif match := re.fullmatch(r"b([01xXzZ]+) (\S+)", line):
            rows.append((time, names[match[2]], match[1].lower().lstrip("0") or "0"))
        elif match := re.fullmatch(r"r(\S+) (\S+)", line):
            rows.append((time, names[match[2]], float(match[1])))
    return sorted(rows, key=lambda row: row[:2])


def test_the_wave_file_has_systemcs_values():
    ours = changes(run_design("vcd_trace").vcd)
    theirs = changes((EXPECTED / "vcd_trace.vcd").read_text(encoding="utf-8"))
    assert len(theirs) > 20
    # Four-state vectors are compared bit by bit: a run of x may be written short.
    assert [row for row in ours if row[1] != "top.lv"] == [row for row in theirs if row[1] != "top.lv"]
    widened = [
        [
            (time, name, value.rjust(4, value[0] if value[0] in "xz" else "0"))
            for time, name, value in rows
            if name == "top.lv"
        ]
        for rows in (ours, theirs)
    ]
    assert widened[0] == widened[1]


@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in ORDER])
def test_another_order_within_a_phase_gives_the_same_log(name):
    rows = comparable(systemcs(name), "phase")
    for seed in range(8):
        assert comparable(run_design(name, seed).rows, "phase") == rows


def test_the_shuffle_does_change_the_order():
    assert any(run_design("ev_kinds", seed).rows != expected("ev_kinds") for seed in range(8))


def test_what_depends_on_the_order_changes_with_it():
    rows = comparable(expected("exec_order"), "exact")
    assert any(comparable(run_design("exec_order", seed).rows, "exact") != rows for seed in range(8))


def test_each_program_is_recorded_and_each_log_has_its_design():
    programs = {path.stem for path in (EXPECTED.parent / "systemc").glob("*.cpp")}
    designs = {path.stem for path in (EXPECTED.parent / "designs").glob("*.py")} - {"__init__"}
    assert programs <= set(DESIGNS)
    assert designs == set(DESIGNS)


def test_the_comparison_can_fail():
    rows = expected("ev_kinds")
    for key, value in (("t_ps", 1), ("delta", 99), ("who", "x"), ("value", "x")):
        changed = [dict(row) for row in rows]
        changed[5][key] = value
        assert comparable(changed, "phase") != comparable(rows, "phase")
    later = [dict(row, delta=row["delta"] + 1) for row in rows]
    assert comparable(later, "time") == comparable(rows, "time")
