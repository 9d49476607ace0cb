from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.report import Gantt, LinePlot, Series, Span, StackedBars
from cosim.report.plots import _TIMELINE_COLUMNS, _drawable, svg

STEPS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=30)


def lane(steps):
    spans, now = [], 0
    for gap, length in steps:
        spans.append(Span("a", now + gap, now + gap + length, "xy"[length % 2]))
        now += gap + length
    return spans


@settings(max_examples=20)
@given(STEPS)
def test_a_crowded_lane_keeps_its_busy_time(steps):
    spans = lane(steps * _TIMELINE_COLUMNS)
    drawn = _drawable(spans, spans[0].start_ps, spans[-1].end_ps)
    assert len(drawn) <= _TIMELINE_COLUMNS
    assert sum(s.end_ps - s.start_ps for s in drawn) == sum(s.end_ps - s.start_ps for s in spans)
    assert all(a.end_ps <= b.start_ps for a, b in pairwise(drawn))


def test_a_lane_with_few_spans_is_drawn_as_it_is():
    spans = lane([(1, 2)] * 10)
    assert _drawable(spans, 0, 30) is spans


def test_a_page_with_forty_thousand_spans_stays_small():
    lanes = [f"unit {i}" for i in range(20)]
    spans = [Span(name, 100 * i, 100 * i + 60, "BUSY") for name in lanes for i in range(2000)]
    assert len(svg(Gantt("t", lanes, spans, ["BUSY"]), "t")) < 3_000_000


def test_degenerate_plots_are_drawn():
    assert "<svg" in svg(LinePlot("one point", [Series("s", [1], [2])], "x", "y"), "a")
    assert "<svg" in svg(LinePlot("nothing", [], "x", "y"), "b")
    assert "<svg" in svg(LinePlot("log", [Series("s", [1, 2], [1, 1000])], "x", "y", log_y=True, steps=True), "c")
    assert "<svg" in svg(LinePlot("below zero", [Series("s", [1, 2], [-5, 5])], "x", "y"), "d")
    assert "<svg" in svg(StackedBars("zero", ["a"], {"p": [0]}, "l", share=True), "e")
    assert "<svg" in svg(Gantt("empty", ["a"], [], ["k"]), "f")


def test_more_parts_than_colours_are_told_apart_by_hatching():
    plots = [svg(StackedBars("many", ["a"], {f"{i}": [1.0] for i in range(n)}, "l"), "m") for n in (8, 9)]
    assert ["<pattern" in plot for plot in plots] == [False, True]
