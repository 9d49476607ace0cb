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
    Gantt,
    LinePlot,
    Note,
    Report,
    Section,
    Series,
    Span,
    StackedBars,
    Table,
)
from cosim.scenario import RunResult

from ..tasks import Kind

Chip = Mapping[str, Any]

_MJ = 1e12  # fJ
_MS = 1e9  # ps

SKIP_NAMES = {
    "executed": "executed",
    "skipped_output": "output known zero or not needed",
    "skipped_coarse": "coarse block jumped",
    "skipped_input": "input zero",
    "skipped_other": "weight (WG: dY) zero",
    "skipped_both": "both zero",
}
STAGE_NAMES = {"ff": "FF", "bp": "BP", "wg": "WG"}
GANTT_LANES = 28


def build_report(result: RunResult) -> Report:
    """For the terminal and for report.html."""
    summary = result.summary
    training, chips, comparison = summary["training"], summary["chips"], summary["comparison"]
    first = chips[0]
    figures = [
        Figure("accuracy", _percent(training["accuracy"]), "%", "on the test images"),
        Figure("zero weights", _percent(training["zero_weights"]), "%", "at the end of the training"),
        Figure(
            "effective", first["effective_tops_per_watt"], "TOPS/W", f"{first['name']}, nominal operations, chip only"
        ),
    ]
    for row in comparison:
        figures.append(
            Figure(f"faster than {row['against']}", row["speedup"], "x", f"{row['energy_gain']:.2f} x less energy")
        )
    sections = [
        _overview(chips, comparison),
        _training(training, result.statistics),
        _skipping(chips),
        _skip_numbers(chips),
        _time(chips),
        _units(chips[0]),
        _energy(chips),
        _traffic(chips),
        _pruning(training, chips),
    ]
    if result.timeline and result.timeline.get("traceEvents"):
        sections.append(_timeline(result.timeline, first["name"]))
    sections.append(_assumptions(summary["assumptions"]))
    return Report(
        title=result.name,
        subtitle=_subtitle(training, first),
        figures=figures,
        sections=sections,
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _subtitle(training: Mapping[str, Any], chip: Chip) -> str:
    simulated, total = training["simulated_iterations"], training["iterations"]
    how = "every training iteration" if simulated == total else f"{simulated} of {total} training iterations"
    return f"{chip['name']}: {chip['description']}. Simulated in detail: {how}; totals speak of the whole training."


def _overview(chips: Sequence[Chip], comparison: Sequence[Mapping[str, Any]]) -> Section:
    against = {row["against"]: row for row in comparison}
    rows = []
    for chip in chips:
        row = against.get(chip["name"])
        rows.append(
            [
                chip["name"],
                chip["cycles"] / 1e6,
                chip["time_ps"] / _MS,
                chip["energy_fj"]["chip"] / _MJ,
                chip["energy_fj"]["dram"] / _MJ,
                chip["effective_tops"],
                chip["effective_tops_per_watt"],
                chip["effective_tops_per_watt_with_dram"],
                _percent(chip["core"]["utilisation"]),
                row["speedup"] if row else None,
                row["energy_gain"] if row else None,
            ]
        )
    table = Table(
        [
            Column("chip"),
            Column("cycles", "M"),
            Column("time", "ms"),
            Column("energy", "mJ"),
            Column("DRAM", "mJ"),
            Column("effective", "TOPS"),
            Column("chip", "TOPS/W"),
            Column("with DRAM", "TOPS/W"),
            Column("MACs busy", "%"),
            Column("slower", "x"),
            Column("more energy", "x"),
        ],
        rows,
        note="Effective: nominal operations, skipped ones included, two for each multiply-accumulate.",
    )
    return Section("Result", [table, *_intervals(chips)])


def _intervals(chips: Sequence[Chip]) -> list[Block]:
    """How far totals can be off where not every iteration was simulated."""
    rows: list[list[Any]] = []
    for chip in chips:
        half = chip["interval"]["half_width"]
        if all(width == 0 for width in half.values()):
            continue
        cells = [
            (half[name], total, unit)
            for name, total, unit in (
                ("time_ps", chip["time_ps"], _MS),
                ("energy_fj_total", chip["energy_fj"]["total"], _MJ),
                ("executed_macs", chip["macs"]["executed"], 1e6),
            )
        ]
        row = [chip["name"]]
        for width, total, unit in cells:
            row += [total / unit, None if width is None else width / unit]
        rows.append(row)
    if not rows:
        return []
    columns = [Column("chip")]
    for title, symbol in (("time", "ms"), ("energy with DRAM", "mJ"), ("MACs executed", "M")):
        columns += [Column(title, symbol), Column("+-", symbol)]
    note = "95 % intervals: the totals are estimated from the iterations that were simulated."
    return [Table(columns, rows, note=note)]


def _training(training: Mapping[str, Any], statistics: Any) -> Section:
    rows = [
        ["test accuracy", _percent(training["accuracy"]), "%"],
        ["training loss at the end", training["loss"], ""],
        ["zero weights", _percent(training["zero_weights"]), "%"],
        ["zeros in coarse units", _percent(training["coarse_share_of_zeros"]), "% of the zeros"],
        ["pruning events (one layer each)", training["pruning_events"], ""],
    ]
    blocks: list[Block] = [Table([Column("training"), Column("value"), Column("unit")], rows)]
    if statistics:
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


def _skip_rows(chips: Sequence[Chip]) -> list[tuple[str, Chip, dict[str, int]]]:
    """Stage, chip, and what became of its multiply-accumulates."""
    rows = []
    for stage, title in STAGE_NAMES.items():
        for chip in chips:
            row = chip["macs"]["by_stage"].get(stage)
            if row and row["dense_macs"]:
                rows.append((title, chip, {name: row["macs" if name == "executed" else name] for name in SKIP_NAMES}))
    return rows


def _skipping(chips: Sequence[Chip]) -> Section:
    rows = _skip_rows(chips)
    parts = {
        title: [100 * counts[name] / sum(counts.values()) for _, _, counts in rows]
        for name, title in SKIP_NAMES.items()
    }
    bars = StackedBars(
        "What became of the multiply-accumulates",
        [f"{stage} {chip['name']}" for stage, chip, _ in rows],
        parts,
        "of the nominal ones",
        "%",
    )
    return Section("Skipping: by which mechanism", [bars, _choices(chips), _switching(chips)])


def _choices(chips: Sequence[Chip]) -> Table:
    return Table(
        [Column("chip"), Column("stage"), Column("skips"), Column("chosen")],
        [
            [chip["name"], title, policy, count]
            for chip in chips
            for stage, title in STAGE_NAMES.items()
            for policy, count in chip["core"]["choices"][stage].items()
            if len(chip["core"]["choices"][stage]) > 1 or chip is chips[0]
        ],
        title="Adaptive choice: what is skipped",
    )


def _switching(chips: Sequence[Chip]) -> Table:
    """What choosing cost, of the stages in which the core has a choice at all; all of the first chip's."""
    rows = []
    for chip in chips:
        for stage, title in STAGE_NAMES.items():
            row = chip["core"]["switching"][stage]
            if not row["choices"] or not (chip is chips[0] or len(chip["core"]["choices"][stage]) > 1):
                continue
            settled, spent = row["settled"], row["settled_cycles"]
            rows.append(
                [
                    chip["name"],
                    title,
                    row["choices"],
                    row["switches"],
                    row["switch_cycles"],
                    100 * row["best_chosen"] / settled if settled else None,
                    row["regret_cycles"] if settled else None,
                    100 * row["regret_cycles"] / spent if spent else None,
                ]
            )
    return Table(
        [
            Column("chip"),
            Column("stage"),
            Column("choices"),
            Column("changes"),
            Column("changing cost", "cycles"),
            Column("best chosen", "%"),
            Column("regret", "cycles"),
            Column("regret", "% of the cycles"),
        ],
        rows,
        title="Adaptive choice: its cost and its regret",
        note="In the simulated iterations. Regret: cycles, changes included, beyond the best way of skipping in "
        "hindsight. Where a core has several, they are compared with `hindsight: true` only.",
    )


def _skip_numbers(chips: Sequence[Chip]) -> Section:
    table = Table(
        [Column("stage"), Column("chip"), Column("nominal", "M"), *(Column(name, "M") for name in SKIP_NAMES.values())],
        [
            [stage, chip["name"], sum(counts.values()) / 1e6, *(count / 1e6 for count in counts.values())]
            for stage, chip, counts in _skip_rows(chips)
        ],
    )
    return Section("Multiply-accumulates in numbers", [table], detail=True)


def _time(chips: Sequence[Chip]) -> Section:
    reasons = sorted({reason for chip in chips for reason in chip["critical_path_ps"]}, key=lambda r: (r != "core", r))
    path = StackedBars(
        "Where the elapsed time went: along the critical path",
        [chip["name"] for chip in chips],
        {reason: [chip["critical_path_ps"].get(reason, 0) / _MS for chip in chips] for reason in reasons},
        "time",
        "ms",
    )
    cores = Table(
        [
            Column("chip"),
            Column("MACs busy", "%"),
            Column("while computing", "%"),
            Column("balance of cores", "%"),
            Column("cores busy", "%"),
            Column("waiting for transfers", "%"),
            Column("for other units", "%"),
            Column("idle", "%"),
        ],
        [[chip["name"], *_core_shares(chip)] for chip in chips],
        note="Balance: mean over the cores of the compute cycles of the busiest. Transfers: dram, noc, sram, dma.",
    )
    return Section("Time: utilisation and stalls by reason", [path, cores, _orders(chips)])


ORDER_NAMES = {"static": "static", "random": "random allocator", "balanced": "sparsity balancer"}


def _orders(chips: Sequence[Chip]) -> Table:
    """Utilisation with and without load balance."""
    rows = []
    for chip in chips:
        core = chip["core"]
        for order in (name for name in ORDER_NAMES if name in core["orders"]):
            row = core["orders"][order]
            rows.append(
                [
                    chip["name"],
                    ORDER_NAMES[order],
                    "yes" if order == core["order"] else "",
                    row["cycles"] / 1e6,
                    _percent(row["utilisation_while_computing"]),
                    _percent(row["balance"]),
                ]
            )
    return Table(
        [
            Column("chip"),
            Column("order of channels"),
            Column("used"),
            Column("compute cycles", "M"),
            Column("MACs busy while computing", "%"),
            Column("balance of cores", "%"),
        ],
        rows,
        title="Load balance: utilisation with and without",
        note="Compute cycles: of the busiest core, operation by operation. Orders that were not used are evaluated on "
        "the same operations with `hindsight: true`.",
    )


TRANSFERS = ("dram", "noc", "sram", "dma")


def _core_shares(chip: Chip) -> list[float | None]:
    totals = _unit_groups(chip["units_ps"])["cores"]
    elapsed = max(1, sum(totals.values()))
    moving = sum(totals.get(reason, 0) for reason in TRANSFERS)
    other = elapsed - moving - totals.get("busy", 0) - totals.get("idle", 0)
    return [
        _percent(chip["core"]["utilisation"]),
        _percent(chip["core"]["utilisation_while_computing"]),
        _percent(chip["core"]["balance"]),
        *(100 * part / elapsed for part in (totals.get("busy", 0), moving, other, totals.get("idle", 0))),
    ]


def _units(chip: Chip) -> Section:
    groups = _unit_groups(chip["units_ps"])
    stalls = sorted({reason for totals in groups.values() for reason in totals} - {"busy", "idle"})
    order = ["busy", *stalls, "idle"]
    titles = {name: name if name in ("busy", "idle") else f"waits: {name}" for name in order}
    return Section(
        f"Units of {chip['name']}",
        [
            StackedBars(
                "What the units did in the simulated iterations",
                list(groups),
                {
                    titles[name]: [
                        100 * totals.get(name, 0) / max(1, sum(totals.values())) for totals in groups.values()
                    ]
                    for name in order
                },
                "of the time",
                "%",
            ),
            Table(
                [Column("unit"), *(Column(titles[name], "ms") for name in order)],
                [[unit, *(totals.get(name, 0) / _MS for name in order)] for unit, totals in groups.items()],
                note="Like units are averaged. Busy, waits and idle time sum to the simulated time exactly.",
            ),
        ],
        detail=True,
    )


def _unit_groups(units: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Like units (core0, core1, ...) averaged."""
    groups: dict[str, list[Mapping[str, int]]] = {}
    for unit, totals in units.items():
        head, _, role = unit.partition(".")
        name = head.rstrip("0123456789")
        name = {"core": "cores"}.get(name, name) if not role else f"DMA {name} {role}"
        groups.setdefault(name, []).append(totals)
    return {
        name: {
            reason: sum(totals.get(reason, 0) for totals in members) // len(members)
            for reason in dict.fromkeys(reason for totals in members for reason in totals)
        }
        for name, members in groups.items()
    }


def _energy(chips: Sequence[Chip]) -> Section:
    groups = list(dict.fromkeys(group for chip in chips for group in chip["energy_fj"]["by_group"]))
    parts = {group: [chip["energy_fj"]["by_group"].get(group, 0) / _MJ for chip in chips] for group in groups}
    parts["DRAM"] = [chip["energy_fj"]["dram"] / _MJ for chip in chips]
    rows: list[list[Any]] = [[group, *values] for group, values in parts.items()]
    rows.append(["total", *(chip["energy_fj"]["total"] / _MJ for chip in chips)])
    return Section(
        "Energy",
        [
            StackedBars("Energy by component", [chip["name"] for chip in chips], parts, "energy", "mJ"),
            Table([Column("component"), *(Column(chip["name"], "mJ") for chip in chips)], rows, total=True),
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
                _percent(unit["coverage"]),
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


def _timeline(timeline: Mapping[str, Any], chip: str) -> Section:
    """The last simulated iteration on the chip, unit by unit."""
    names = {
        event["tid"]: event["args"]["name"].removeprefix("chip.")
        for event in timeline["traceEvents"]
        if event["ph"] == "M" and event["name"] == "thread_name"
    }
    spans = []
    for event in timeline["traceEvents"]:
        if event["ph"] == "X":
            start = round(event["ts"] * 1e6)
            spans.append(Span(names[event["tid"]], start, start + round(event["dur"] * 1e6), event["args"]["kind"]))
    present = {span.lane for span in spans}
    lanes = [lane for lane in names.values() if lane in present]
    lanes.sort(key=_lane_order)
    lanes = lanes[:GANTT_LANES]
    kinds = [str(kind) for kind in Kind if any(span.kind == kind for span in spans)]
    return Section(
        f"Timeline of {chip}",
        [
            Gantt(
                "Tasks of the last simulated iterations",
                lanes,
                [span for span in spans if span.lane in set(lanes)],
                kinds,
                note="All units are in timeline.json, for ui.perfetto.dev.",
            )
        ],
        detail=True,
    )


def _lane_order(lane: str) -> tuple[int, int, str]:
    """Controller, the units that all results pass, then the cores, then their DMA channels."""
    head, _, role = lane.partition(".")
    digits = head.removeprefix("core")
    if head == "controller":
        return (0, 0, lane)
    if not digits.isdigit():
        return (1, 0, lane)
    return (3 if role else 2, int(digits), lane)


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
