"""The report of a training run: what came out, why, where time and energy went, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import (
    Assumption,
    Assumptions,
    Block,
    Column,
    Figure,
    LinePlot,
    Note,
    Report,
    Section,
    Series,
    StackedBars,
    Table,
)
from cosim.scenario import RunResult

from .report_skips import skip_numbers, skipping
from .report_terms import MJ, MS, Chip, percent
from .report_time import elapsed, timeline_of, units


def build_report(result: RunResult) -> Report:
    """For the terminal and for report.html."""
    summary = result.summary
    training, chips, comparison = summary["training"], summary["chips"], summary["comparison"]
    first = chips[0]
    figures = []
    if training["accuracy"] is not None:
        figures.append(Figure("accuracy", percent(training["accuracy"]), "%", "on the test images"))
    figures += [
        Figure("zero weights", percent(training["zero_weights"]), "%", "at the end of the training"),
        Figure(
            "effective", first["effective_tops_per_watt"], "TOPS/W", f"{first['name']}, nominal operations, chip only"
        ),
    ]
    for row in comparison:
        gain = row["energy_gain"]
        energy = f"{gain:.2f} x less energy" if gain >= 1 else f"{1 / gain:.2f} x more energy"
        figures.append(Figure(f"faster than {row['against']}", row["speedup"], "x", energy))
    sections = [
        _overview(training, chips, comparison, result.statistics),
        _training(training, result.statistics),
        skipping(chips),
        skip_numbers(chips),
        elapsed(chips),
        units(chips[0]),
        _energy(chips),
        _traffic(chips),
    ]
    if training["pruning_events"]:
        sections.append(_pruning(training, chips))
    if result.timeline and result.timeline.get("traceEvents"):
        sections.append(timeline_of(result.timeline, first["name"]))
    sections.append(_assumptions(summary["assumptions"]))
    return Report(
        title=result.name,
        subtitle=_subtitle(training, first),
        figures=figures,
        sections=sections,
    )


def _subtitle(training: Mapping[str, Any], chip: Chip) -> str:
    simulated, total = training["simulated_iterations"], training["iterations"]
    how = "every training iteration" if simulated == total else f"{simulated} of {total} training iterations"
    return f"{chip['name']}: {chip['description']}. Simulated in detail: {how}; totals speak of the whole training."


def _overview(
    training: Mapping[str, Any], chips: Sequence[Chip], comparison: Sequence[Mapping[str, Any]], statistics: Any
) -> Section:
    against = {row["against"]: row for row in comparison}
    rows = []
    for chip in chips:
        row = against.get(chip["name"])
        rows.append(
            [
                chip["name"],
                chip["cycles"] / 1e6,
                chip["time_ps"] / MS,
                chip["energy_fj"]["chip"] / MJ,
                chip["energy_fj"]["dram"] / MJ,
                chip["effective_tops"],
                chip["effective_tops_per_watt"],
                chip["effective_tops_per_watt_with_dram"],
                percent(chip["core"]["utilisation"]),
                row["speedup"] if row else None,
                row["energy_gain"] if row else None,
            ]
        )
    table = Table(
        [
            Column("chip"),
            Column("cycles", "M"),
            Column("time", "ms"),
            Column("chip energy", "mJ"),
            Column("DRAM energy", "mJ"),
            Column("effective", "TOPS"),
            Column("chip alone", "TOPS/W"),
            Column("with DRAM", "TOPS/W"),
            Column("MACs busy", "%"),
            Column("slower", "x"),
            Column("more energy", "x"),
        ],
        rows,
        note="Effective: nominal operations, skipped ones included, two for each multiply-accumulate.",
    )
    return Section("Result", [table, *_intervals(chips, statistics)])


def _intervals(chips: Sequence[Chip], statistics: Any) -> list[Block]:
    """How far totals can be off where not every iteration was simulated, or why that is not known."""
    rows: list[list[Any]] = []
    for chip in chips:
        half = chip["interval"]["half_width"]
        if all(width == 0 for width in half.values()):
            continue
        if None in half.values():  # of every chip, then: their sample is the same
            who = _alone(statistics)
            return [Note(f"no interval: {who} and has no second one; simulate more, or `choose: random`")]
        cells = [
            (half[name], total, unit)
            for name, total, unit in (
                ("time_ps", chip["time_ps"], MS),
                ("energy_fj_total", chip["energy_fj"]["total"], MJ),
                ("executed_macs", chip["macs"]["executed"], 1e6),
            )
        ]
        row = [chip["name"]]
        for width, total, unit in cells:
            row += [total / unit, width / unit]
        rows.append(row)
    if not rows:
        return []
    columns = [Column("chip")]
    for title, symbol in (("time", "ms"), ("energy with DRAM", "mJ"), ("MACs executed", "M")):
        columns += [Column(title, symbol), Column("±", symbol)]
    note = "95 % intervals: the totals are estimated from the iterations that were simulated."
    return [Table(columns, rows, note=note)]


def _alone(statistics: Any) -> str:
    """Which simulated iteration stands for several by itself: iterations with pruning events are sampled apart."""
    if not statistics:
        return "a simulated iteration stands for several"
    events = {row["iteration"] for row in statistics["training"] if row["pruning_events"]}
    simulated = statistics["simulated"][0]["iterations"]
    kinds = {"a": [row for row in simulated if row["iteration"] in events]}
    kinds["no"] = [row for row in simulated if row["iteration"] not in events]
    found = [
        f"the one simulated iteration {f'with {which} pruning event ' if all(kinds.values()) else ''}"
        f"stands for {rows[0]['stands_for']}"
        for which, rows in kinds.items()
        if len(rows) == 1 and rows[0]["stands_for"] > 1
    ]
    return ", ".join(found)


def _training(training: Mapping[str, Any], statistics: Any) -> Section:
    trained = [
        ["test accuracy", percent(training["accuracy"]), "%"],
        ["training loss at the end", training["loss"], ""],
    ]
    rows = [
        *(row for row in trained if row[1] is not None),  # densities are not trained
        ["zero weights", percent(training["zero_weights"]), "%"],
        ["zeros in coarse units", percent(training["coarse_share_of_zeros"]), "% of the zeros"],
        ["pruning events (one layer each)", training["pruning_events"], ""],
    ]
    blocks: list[Block] = [Table([Column("training"), Column("value"), Column("unit")], rows)]
    if statistics and training["iterations"] > 1:
        curve = statistics["training"]
        x = [row["iteration"] for row in curve]
        blocks.append(
            LinePlot(
                "Sparsity over the training",
                [
                    Series("zero weights", x, [100 * row["zero_weights"] for row in curve]),
                    Series("of these in coarse units", x, [100 * row["coarse_share_of_zeros"] for row in curve]),
                ],
                "training iteration",
                "share",
                y_unit="%",
            )
        )
        tested = [row for row in curve if row.get("accuracy") is not None]
        if tested:
            blocks.append(
                LinePlot(
                    "Accuracy over the training",
                    [Series("test accuracy", [r["iteration"] for r in tested], [100 * r["accuracy"] for r in tested])],
                    "training iteration",
                    "accuracy",
                    y_unit="%",
                    y_from_zero=False,
                )
            )
        blocks.append(
            LinePlot(
                "Throughput over the training",
                [
                    Series(
                        one["chip"],
                        [row["iteration"] for row in one["iterations"]],
                        [row["effective_tops"] for row in one["iterations"]],
                    )
                    for one in statistics["simulated"]
                ],
                "training iteration",
                "effective throughput",
                y_unit="TOPS",
            )
        )
    return Section("Training", blocks)


def _energy(chips: Sequence[Chip]) -> Section:
    groups = list(dict.fromkeys(group for chip in chips for group in chip["energy_fj"]["by_group"]))
    parts = {group: [chip["energy_fj"]["by_group"].get(group, 0) / MJ for chip in chips] for group in groups}
    parts["DRAM"] = [chip["energy_fj"]["dram"] / MJ for chip in chips]
    return Section(
        "Energy",
        [
            StackedBars("Energy by component", [chip["name"] for chip in chips], parts, "energy", "mJ"),
        ],
    )


def _traffic(chips: Sequence[Chip]) -> Section:
    rows = []
    for chip in chips:
        traffic = chip["traffic"]
        moved = traffic["dram_read_bytes"] + traffic["dram_write_bytes"]
        rows.append(
            [
                chip["name"],
                traffic["dram_read_bytes"] / 1e6,
                traffic["dram_write_bytes"] / 1e6,
                traffic["dram_compulsory_bytes"] / 1e6,
                moved / traffic["dram_compulsory_bytes"] if traffic["dram_compulsory_bytes"] else None,
                traffic["noc_flit_hops"] / 1e6,
                traffic["sram_words"] / 1e6,
            ]
        )
    return Section(
        "Traffic",
        [
            Table(
                [
                    Column("chip"),
                    Column("DRAM read", "MB"),
                    Column("DRAM written", "MB"),
                    Column("compulsory", "MB"),
                    Column("of compulsory", "x"),
                    Column("NoC", "M flit-hops"),
                    Column("SRAM", "M words"),
                ],
                rows,
                note="Compulsory: every operand of every operation read once, every result that is read again written "
                "once, in the chip's storage form, with nothing kept on chip between operations.",
            )
        ],
    )


def _pruning(training: Mapping[str, Any], chips: Sequence[Chip]) -> Section:
    operations, full = training["pruning_operations"], training["pruning_operations_cfp"]
    coarse = ("coarse_macs", "coarse_adds", "coarse_compares")
    rows: list[list[Any]] = []
    for name, mine, all_pairs in (
        ("coarse", sum(operations[c] for c in coarse), sum(full[c] for c in coarse)),
        ("fine", operations["fine_compares"], full["fine_compares"]),
        ("total", operations["total"], full["total"]),
    ):
        rows.append([name, mine / 1e6, all_pairs / 1e6, 100 * (1 - mine / all_pairs) if all_pairs else None])
    unit_rows = []
    for chip in chips:
        unit = chip["pruning_unit"]
        unit_rows.append(
            [
                chip["name"],
                "shared" if unit["shared"] else "separate",
                unit["events"],
                unit["passing_weights"],
                unit["fetched_weights"],
                percent(unit["coverage"]),
                unit["delay_ps_total"] / max(1, unit["events"]) / 1e6,
                unit["weight_memory_reads"]["pruning"],
                unit["weight_port_waiting_clocks"]["unit"],
            ]
        )
    return Section(
        "Pruning",
        [
            Table(
                [
                    Column("operations of the schedule"),
                    Column("this run", "M"),
                    Column("with all pairs (cfp)", "M"),
                    Column("fewer", "%", digits=4),
                ],
                rows,
                note="cfp: the same events with every pair of output channels compared, counted, not run.",
            ),
            Table(
                [
                    Column("chip"),
                    Column("pruning unit"),
                    Column("events simulated"),
                    Column("weights that passed by"),
                    Column("weights fetched"),
                    Column("coverage", "%"),
                    Column("mean delay", "us"),
                    Column("weight memory accesses for pruning"),
                    Column("lanes waiting at its ports", "clocks"),
                ],
                unit_rows,
                note="Of the simulated iterations. Delay: from the last weight that was seen to the new mask.",
            ),
        ],
    )


def _assumptions(rows: Sequence[Mapping[str, Any]]) -> Section:
    return Section(
        "Inputs",
        [
            Assumptions(
                [Assumption(row["parameter"], row["value"], row["unit"], row["assumed"], row["reason"]) for row in rows]
            ),
            Note("Everything marked as assumed is in the chip file, with its reason, and can be changed there."),
        ],
        detail=True,
    )
