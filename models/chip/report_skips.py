"""Of a training run's report: what the cores skipped, by which mechanism, and how they chose."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.report import Column, Section, StackedBars, Table

from .report_terms import Chip

SKIP_NAMES = {
    "executed": "executed",
    "skipped_output": "output known zero or not needed",
    "skipped_coarse": "coarse block jumped",
    "skipped_input": "input zero",
    "skipped_other": "weight (WG: dY) zero",
    "skipped_both": "both zero",
}
STAGE_NAMES = {"ff": "FF", "bp": "BP", "wg": "WG"}


def _skip_rows(chips: Sequence[Chip]) -> list[tuple[str, Chip, dict[str, int]]]:
    """Stage, chip, and what became of its multiply-accumulates."""
    rows = []
    for stage, title in STAGE_NAMES.items():
        for chip in chips:
            row = chip["macs"]["by_stage"].get(stage)
            if row and row["dense_macs"]:
                rows.append((title, chip, {name: row["macs" if name == "executed" else name] for name in SKIP_NAMES}))
    return rows


def skipping(chips: Sequence[Chip]) -> Section:
    """What became of the multiply-accumulates, as bars, and the adaptive choices behind it."""
    rows = _skip_rows(chips)
    parts = {title: [counts[name] / 1e6 for _, _, counts in rows] for name, title in SKIP_NAMES.items()}
    bars = StackedBars(
        "What became of the multiply-accumulates",
        [f"{stage} {chip['name']}" for stage, chip, _ in rows],
        parts,
        "of the nominal ones",
        "M",
        share=True,
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
        note="Counted in the simulated iterations, without weights. Of a sample, a change is one since the simulated "
        "iteration before: no estimate of the whole training's. Regret: cycles, changes included, beyond the best way "
        "of skipping in hindsight. Where a core has several, they are compared with `hindsight: true` only.",
    )


def skip_numbers(chips: Sequence[Chip]) -> Section:
    """The bars' numbers."""
    table = Table(
        [Column("stage"), Column("chip"), Column("nominal", "M"), *(Column(name, "M") for name in SKIP_NAMES.values())],
        [
            [stage, chip["name"], sum(counts.values()) / 1e6, *(count / 1e6 for count in counts.values())]
            for stage, chip, counts in _skip_rows(chips)
        ],
    )
    return Section("Multiply-accumulates in numbers", [table], detail=True)
