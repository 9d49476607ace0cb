"""Of a training run's report: where the elapsed time went, and what every unit did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Gantt, Section, Span, StackedBars, Table

from ..tasks import Kind
from .report_terms import MS, Chip, percent

GANTT_LANES = 28
ORDER_NAMES = {"static": "static", "random": "random allocator", "balanced": "sparsity balancer"}
TRANSFERS = ("dram", "noc", "sram", "dma")


def elapsed(chips: Sequence[Chip]) -> Section:
    """The critical path by reason, and how well the cores were used."""
    reasons = sorted({reason for chip in chips for reason in chip["critical_path_ps"]}, key=lambda r: (r != "core", r))
    path = StackedBars(
        "Where the elapsed time went: along the critical path",
        [chip["name"] for chip in chips],
        {reason: [chip["critical_path_ps"].get(reason, 0) / MS for chip in chips] for reason in reasons},
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
    return Section("Time: utilisation and stalls by reason", [path, cores, *_bank_waits(chips), _orders(chips)])


def _bank_waits(chips: Sequence[Chip]) -> list[Table]:
    """Of chips with `core: banks: conflict`; nothing where there is none."""
    rows = []
    for chip in chips:
        if (waits := chip["core"].get("bank_wait_cycles")) is not None:
            executed = chip["macs"]["executed"]
            rows.append([chip["name"], waits / 1e6, waits / executed if executed else None])
    if not rows:
        return []
    return [
        Table(
            [Column("chip"), Column("lane-cycles waiting", "M"), Column("for each executed MAC")],
            rows,
            title="Lanes waiting for a bank",
            note="Cycles, summed over all lanes, in which one would have looked at a block, but for the banks; part of "
            "the compute cycles.",
        )
    ]


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
                    percent(row["utilisation_while_computing"]),
                    percent(row["balance"]),
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


def _core_shares(chip: Chip) -> list[float | None]:
    totals = _unit_groups(chip["units_ps"])["cores"]
    elapsed = max(1, sum(totals.values()))
    moving = sum(totals.get(reason, 0) for reason in TRANSFERS)
    other = elapsed - moving - totals.get("busy", 0) - totals.get("idle", 0)
    return [
        percent(chip["core"]["utilisation"]),
        percent(chip["core"]["utilisation_while_computing"]),
        percent(chip["core"]["balance"]),
        *(100 * part / elapsed for part in (totals.get("busy", 0), moving, other, totals.get("idle", 0))),
    ]


def units(chip: Chip) -> Section:
    """Busy, waiting and idle time of every unit."""
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
                {titles[name]: [totals.get(name, 0) / MS for totals in groups.values()] for name in order},
                "of the time",
                "ms",
                share=True,
            ),
            Table(
                [Column("unit"), *(Column(titles[name], "ms") for name in order)],
                [[unit, *(totals.get(name, 0) / MS for name in order)] for unit, totals in groups.items()],
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


def timeline_of(timeline: Mapping[str, Any], chip: str) -> Section:
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
