"""The trace is valid JSON, exact to the picosecond, bounded, and independent of the order of recording."""

import json
import random

import pytest

from cosim.trace import Timeline


def record(order_seed):
    timeline = Timeline()
    events = [
        lambda: timeline.span("chip.core0", "conv1", 1_000_001, 3_000_003, {"macs": 12, "stage": "FF"}),
        lambda: timeline.span("chip.core0", "conv2", 3_000_003, 4_000_000),
        lambda: timeline.span("chip.core0", "inner", 1_000_001, 2_000_000),
        lambda: timeline.span("dram", "refresh", 2**60, 2**60 + 1),
        lambda: timeline.counter("dram", "queue", 5, 3),
    ]
    random.Random(order_seed).shuffle(events)
    for event in events:
        event()
    return timeline


def test_spans_and_counters_in_chromes_format():
    text = record(0).to_json()
    rows = json.loads(text)["traceEvents"]
    names = {row["tid"]: row["args"]["name"] for row in rows if row["name"] == "thread_name"}
    groups = {row["pid"]: row["args"]["name"] for row in rows if row["name"] == "process_name"}
    spans = [
        (groups[r["pid"]], names[r["tid"]], r["name"], r["ts"], r["dur"], r["args"]) for r in rows if r["ph"] == "X"
    ]
    assert spans == [
        ("chip", "chip.core0", "conv1", 1.000001, 2.000002, {"macs": 12, "stage": "FF"}),
        ("chip", "chip.core0", "inner", 1.000001, 0.999999, {}),
        ("chip", "chip.core0", "conv2", 3.000003, 0.999997, {}),
        ("dram", "dram", "refresh", 2**60 / 1e6, 0.000001, {}),
    ]
    assert '"ts":1152921504606.846976' in text  # 2**60 ps, exactly
    assert [(r["name"], r["ts"], r["args"]) for r in rows if r["ph"] == "C"] == [("dram queue", 0.000005, {"value": 3})]


def test_the_bytes_do_not_depend_on_the_order_of_recording(tmp_path):
    record(1).write(tmp_path / "a.json")
    record(2).write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_last_value_of_an_instant_counts():
    timeline = Timeline()
    for value in (1, 2):
        timeline.counter("t", "n", 0, value)
    rows = json.loads(timeline.to_json())["traceEvents"]
    assert [row["args"]["value"] for row in rows if row["ph"] == "C"] == [2]


def test_the_limit_is_reported():
    timeline = Timeline(limit=2)
    for index in range(5):
        timeline.span("t", str(index), index, index + 1)
    assert (len(timeline), timeline.dropped) == (2, 3)
    assert json.loads(timeline.to_json())["otherData"] == {"limit": 2, "dropped": 3}


def test_an_empty_timeline_is_valid():
    assert json.loads(Timeline().to_json())["traceEvents"] == []


def test_what_is_no_span_is_refused():
    with pytest.raises(ValueError, match=r"^span 'x' on t: ends at 4, before it starts at 5$"):
        Timeline().span("t", "x", 5, 4)
    with pytest.raises(ValueError, match=r"^limit: expected at least 0, got -1$"):
        Timeline(-1)
