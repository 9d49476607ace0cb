"""The report of a small run that really happened: what it says, in the terminal and as a page."""

import io
import re
from dataclasses import replace

import pytest
from helpers.chips import SCENARIOS
from rich.console import Console

from cosim.report import Gantt, Note, Section, StackedBars, Table, build_report, html_page, print_report
from cosim.report.tables import bars_table
from cosim.scenario import load_scenario, run_scenario

SCENARIO = f"""
schema_version: 1
kind: training
name: a small one
chip: {SCENARIOS}/chips/pnpu.yaml
baselines: [{SCENARIOS}/chips/dense.yaml]
memory: {SCENARIOS}/memories/ddr4_2400.yaml
workload:
  fidelity: statistical
  batch: 2
  iterations: 4
  layers:
    - {{name: conv1, c: 8, h: 6, w: 6, k: 16, r: 3, s: 3, pad: 1, density: {{x: 0.5}}}}
    - {{name: conv2, c: 16, h: 6, w: 6, k: 16, r: 3, s: 3, pad: 1, density: {{x: 0.5}}}}
pruning: {{schedule: cfp, sparsity: 0.5, begin: 0.0, end: 0.75, period: 2}}
simulate: {{every: 2}}
hindsight: true
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "small.yaml"
    file.write_text(SCENARIO)
    return run_scenario(load_scenario(file))


@pytest.fixture(scope="module")
def report(result):
    return build_report(result)


def section(report, title) -> Section:
    return next(section for section in report.sections if section.title == title)


def block(section, kind):
    return next(block for block in section.blocks if isinstance(block, kind))


def test_all_sections_are_there(report):
    assert [section.title for section in report.sections] == [
        "Result",
        "Training",
        "Skipping: by which mechanism",
        "Multiply-accumulates in numbers",
        "Time: utilisation and stalls by reason",
        "Units of PNPU",
        "Energy",
        "Traffic",
        "Pruning",
        "Timeline of PNPU",
        "Inputs",
    ]


def test_the_terminal_and_the_page_show_it(report):
    text = io.StringIO()
    print_report(report, Console(file=text, width=120, no_color=True))
    page = html_page(report)
    for shown in (text.getvalue(), page if isinstance(page, str) else page.decode()):
        assert "a small one" in shown
        assert "PNPU" in shown
        assert "TOPS/W" in shown
        assert not re.search(
            r"\b(nan|None|inf)\b", re.sub(r"<script.*?</script>|base64,[^\"']*", "", shown, flags=re.S)
        )


def test_the_subtitle_says_what_was_simulated(result, report):
    """Four iterations, events in 0 and 2: of each pair one."""
    assert result.summary["training"]["simulated_iterations"] == 2
    assert report.subtitle.endswith(
        "Simulated in detail: 2 of 4 training iterations; totals speak of the whole training."
    )


def report_of(folder, text):
    file = folder / "small.yaml"
    file.write_text(text)
    return build_report(run_scenario(load_scenario(file)))


def intervals(report):
    """Captions and paragraphs below the result."""
    blocks = section(report, "Result").blocks[1:]
    return [block.text if isinstance(block, Note) else block.note for block in blocks]


ONE = "the one simulated iteration"
EVENTS = "schedule: cfp, sparsity: 0.5"


@pytest.mark.parametrize(
    ("iterations", "every", "schedule", "who"),
    [
        # Of two iterations with an event one is simulated, and of two without.
        (4, 2, f"{EVENTS}, begin: 0.0, end: 0.75, period: 2",
         f"{ONE} with a pruning event stands for 2, {ONE} with no pruning event stands for 2"),
        # Without events, one of four.
        (4, 4, "schedule: none", f"{ONE} stands for 4"),
        # Of eight iterations the one with an event stands for itself, and one stands for the others.
        (8, 7, "schedule: one_shot, sparsity: 0.5, at: 0.5", f"{ONE} with no pruning event stands for 7"),
        # Two of those without are simulated.
        (8, 4, f"{EVENTS}, begin: 0.0, end: 0.25, period: 1", f"{ONE} with a pruning event stands for 2"),
    ],
)  # fmt: skip
def test_where_an_iteration_stands_for_several_alone_no_interval_is_promised(
    tmp_path, iterations, every, schedule, who
):
    text = SCENARIO.replace("iterations: 4", f"iterations: {iterations}").replace("every: 2", f"every: {every}")
    report = report_of(tmp_path, re.sub("pruning: .*", f"pruning: {{{schedule}}}", text))
    assert intervals(report) == [f"no interval: {who} and has no second one; simulate more, or `choose: random`"]


def test_of_an_iteration_without_statistics_it_is_not_said_which(result):
    report = build_report(replace(result, statistics=None))
    (note,) = intervals(report)
    assert note.startswith("no interval: a simulated iteration stands for several and has no second one")


def test_what_a_run_has_not_is_left_out(tmp_path):
    """Pruning without a pruning event, curves of one iteration, less energy where it is more."""
    text = re.sub("pruning: .*", "pruning: {schedule: none}", SCENARIO).replace("iterations: 4", "iterations: 1")
    report = report_of(tmp_path, text.replace("every: 2", "every: 1").replace("density: {x: 0.5}", "density: {x: 1}"))
    assert "Pruning" not in [section.title for section in report.sections]
    assert [type(block) for block in section(report, "Training").blocks] == [Table]
    hint = report.figures[-1].hint
    assert re.fullmatch(r"1\.\d\d x more energy", hint)


def test_intervals_are_shown_where_there_are_some(tmp_path):
    text = SCENARIO.replace("iterations: 4", "iterations: 16").replace("every: 2", "every: 2, choose: random")
    report = report_of(tmp_path, text)
    table = section(report, "Result").blocks[1]
    assert intervals(report) == ["95 % intervals: the totals are estimated from the iterations that were simulated."]
    assert all(isinstance(cell, float) for row in table.rows for cell in row[1:])


def test_what_only_a_real_training_has_is_left_out_without_one(report):
    """The densities of a statistical workload have neither accuracy nor loss."""
    assert [figure.label for figure in report.figures] == ["zero weights", "effective", "faster than dense"]
    rows = [row[0] for row in block(section(report, "Training"), Table).rows]
    assert rows == ["zero weights", "zeros in coarse units", "pruning events (one layer each)"]


def test_a_real_training_shows_its_accuracy_and_loss(result):
    training = {**result.summary["training"], "accuracy": 0.5, "loss": 1.25}
    trained = build_report(replace(result, summary={**result.summary, "training": training}))
    figure = trained.figures[0]
    assert (figure.label, figure.value, figure.unit) == ("accuracy", 50, "%")
    rows = block(section(trained, "Training"), Table).rows
    assert [list(row) for row in rows[:2]] == [["test accuracy", 50, "%"], ["training loss at the end", 1.25, ""]]


def test_what_became_of_the_multiply_accumulates_sums_to_all(result, report):
    bars = block(section(report, "Skipping: by which mechanism"), StackedBars)
    for bar in range(len(bars.categories)):
        stage, name = bars.categories[bar].split()
        (chip,) = (chip for chip in result.summary["chips"] if chip["name"] == name)
        nominal = chip["macs"]["by_stage"][stage.lower()]["dense_macs"]
        assert sum(values[bar] for values in bars.parts.values()) == pytest.approx(nominal / 1e6)
    for chip in result.summary["chips"]:
        macs = chip["macs"]
        assert macs["dense"] == macs["executed"] + sum(n for name, n in macs.items() if name.startswith("skipped_"))


def test_utilisation_is_shown_with_and_without_load_balance(result, report):
    table = next(
        b for b in section(report, "Time: utilisation and stalls by reason").blocks if b.title and "Load" in b.title
    )
    assert [(row[0], row[1], row[2]) for row in table.rows] == [
        ("PNPU", "static", ""),
        ("PNPU", "random allocator", ""),
        ("PNPU", "sparsity balancer", "yes"),
        ("dense", "static", "yes"),
        ("dense", "random allocator", ""),
        ("dense", "sparsity balancer", ""),
    ]
    pnpu, dense = (chip["core"]["orders"] for chip in result.summary["chips"])
    # The order that was used is the one that was measured; a dense core does not care.
    first = result.summary["chips"][0]["core"]
    assert pnpu["balanced"]["utilisation_while_computing"] == first["utilisation_while_computing"]
    assert pnpu["balanced"]["balance"] == first["balance"]
    assert pnpu["balanced"] != pnpu["static"]
    assert dense["static"] == dense["random"] == dense["balanced"]


def test_the_choice_its_cost_and_its_regret_are_shown(result, report):
    choices, switching = (b for b in section(report, "Skipping: by which mechanism").blocks if isinstance(b, Table))
    core = result.summary["chips"][0]["core"]
    assert sum(row[3] for row in choices.rows if row[:2] == ["PNPU", "BP"]) == core["switching"]["bp"]["choices"]
    by_stage = {row[1]: row[2:] for row in switching.rows if row[0] == "PNPU"}
    assert list(by_stage) == ["FF", "BP", "WG"]
    for stage, (made, switches, cost, best, regret, share) in by_stage.items():
        counts = core["switching"][stage.lower()]
        assert (made, switches, cost, regret) == tuple(
            counts[name] for name in ("choices", "switches", "switch_cycles", "regret_cycles")
        )
        assert best == 100 * counts["best_chosen"] / counts["settled"]
        assert share == 100 * regret / counts["settled_cycles"]
    assert sum(row["regret_cycles"] for row in core["switching"].values()) == core["regret_cycles"]
    assert sum(row["settled"] for row in core["switching"].values()) == core["choices_settled"] > 0


def test_without_hindsight_only_what_was_done_is_shown(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(SCENARIO.replace("hindsight: true", "hindsight: false"))
    report = build_report(run_scenario(load_scenario(file)))
    table = next(
        b for b in section(report, "Time: utilisation and stalls by reason").blocks if b.title and "Load" in b.title
    )
    assert [row[:3] for row in table.rows] == [["PNPU", "sparsity balancer", "yes"], ["dense", "static", "yes"]]


def bank_waits(report):
    blocks = section(report, "Time: utilisation and stalls by reason").blocks
    return [block for block in blocks if block.title == "Lanes waiting for a bank"]


def test_waits_for_banks_are_shown_of_chips_that_have_them(report, tmp_path):
    assert bank_waits(report) == []
    (tmp_path / "chip.yaml").write_text(
        f"extends: {SCENARIOS}/chips/pnpu.yaml\ncore: {{banks: conflict, weight_memory: {{ports: 1}}}}\n"
    )
    file = tmp_path / "small.yaml"
    file.write_text(SCENARIO.replace(f"chip: {SCENARIOS}/chips/pnpu.yaml", "chip: chip.yaml"))
    result = run_scenario(load_scenario(file))
    (table,) = bank_waits(build_report(result))
    ((name, waits, each),) = table.rows  # the baseline's banks are ideal
    chip = result.summary["chips"][0]
    assert name == chip["name"]
    assert waits == chip["core"]["bank_wait_cycles"] / 1e6 > 0
    assert each == chip["core"]["bank_wait_cycles"] / chip["macs"]["executed"]


def test_the_energy_is_the_sum_of_its_components(result, report):
    for chip, column in zip(result.summary["chips"], (1, 2), strict=True):
        energy = chip["energy_fj"]
        assert sum(energy["by_group"].values()) == sum(energy["by_action"].values()) == energy["chip"]
        assert energy["total"] == energy["chip"] + energy["dram"]
        rows = bars_table(block(section(report, "Energy"), StackedBars)).rows
        assert rows[-1][0] == "total"
        assert rows[-1][column] == pytest.approx(energy["total"] / 1e12)
        parts = {row[0]: row[column] for row in rows[:-1]}
        assert parts == {name: fj / 1e12 for name, fj in (energy["by_group"] | {"DRAM": energy["dram"]}).items()}


def test_the_terminal_shows_each_energy_once(report):
    text = io.StringIO()
    print_report(replace(report, sections=[section(report, "Energy")]), Console(file=text, width=120, no_color=True))
    assert re.findall("NoC", text.getvalue()) == ["NoC"]


def test_the_result_compares_the_baseline_with_the_chip(result, report):
    first, dense = block(section(report, "Result"), Table).rows
    (comparison,) = result.summary["comparison"]
    assert (first[0], first[-2:]) == ("PNPU", [None, None])
    assert (dense[0], dense[-2:]) == ("dense", [comparison["speedup"], comparison["energy_gain"]])
    assert [figure.label for figure in report.figures][-1] == "faster than dense"


def test_the_timeline_lies_within_its_lanes(report):
    gantt = block(section(report, "Timeline of PNPU"), Gantt)
    assert gantt.lanes[0] == "controller"
    assert len(gantt.lanes) <= 28
    assert {"vector", "vector.store"} <= set(gantt.lanes)
    assert {span.lane for span in gantt.spans} == set(gantt.lanes)
    assert all(span.start_ps < span.end_ps for span in gantt.spans)
