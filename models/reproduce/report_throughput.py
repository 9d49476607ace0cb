"""Throughput against another chip in tables: trainings, one layer, and the condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure, share
from .sensitivity import reach

__all__ = ["throughput_rows", "throughput_sections"]


def throughput_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    value = published[0]["value"]
    totals = [row["simulated"] for row in found["trainings"]]
    least, greatest = reach(totals[0], found["sensitivities"][:1])
    bound = max(row["total"]["bound"] for row in found["trainings"])
    missed = f"miss: published is {value / max([*totals, greatest]):.1f} x the interval's upper end"
    verdict = f"{missed}; the bound is {bound:.1f} x at most over a training"
    if bound >= value:
        verdict = f"{missed}, though the bound reaches {bound:.1f} x"
    if greatest >= value:
        verdict = "reached with one assumption at an end of its range"
    if max(totals) >= value:
        verdict = "reached"
    return [
        [
            claim,
            figure(published[0]),
            found["trainings"][0]["simulated"],
            min([*totals, least]),
            max([*totals, greatest]),
            found["trainings"][0]["simulated"] / value,
            "nothing",
            verdict,
        ]
    ]


def throughput_sections(claim: str, found: Found) -> list[Section]:
    stages = ("ff", "bp", "wg", "total")

    def columns(first: list[Column]) -> list[Column]:
        shown = [
            Column(f"{stage.upper() if stage != 'total' else stage} {what}", "x", digits=3)
            for stage in stages
            for what in ("bound", "cores")
        ]
        return [*first, *shown, Column("elapsed time", "x", digits=3)]

    def cells(row: Mapping[str, Any]) -> list[Any]:
        return [
            *(row[stage][what] if stage in row else None for stage in stages for what in ("bound", "cores")),
            row["simulated"],
        ]

    def percent(density: float | None) -> str:
        return "never" if density is None else f"{100 * (1 - density):.1f} %"

    return [
        Section(
            claim,
            [
                Table(
                    columns([Column("training"), Column("zero weights", "%", digits=3)]),
                    [[row["name"], 100 * row["zero_weights"], *cells(row)] for row in found["trainings"]],
                    title=f"Times faster than {found['against']}, equal multipliers and clock",
                    note="Bound: ratio of executed multiply-accumulates, every multiplier busy. Cores: cycles "
                    "of the busiest core. "
                    "Elapsed time: everything simulated, data movement included. The first row is the claim's: a real "
                    "training, pruned on the way.",
                ),
                Table(
                    columns(
                        [
                            Column("non-zero weights", "%"),
                            Column("inputs, known outputs", "%"),
                            Column("gradients", "%"),
                        ]
                    ),
                    [
                        [100 * row["weight"], 100 * row["input"], 100 * row["gradient"], *cells(row)]
                        for row in found["condition"]
                    ],
                    title="One layer over densities: gradients as dense as inputs, and dense (batch normalisation)",
                ),
                Table(
                    [
                        Column("inputs, known outputs"),
                        Column("in FF"),
                        Column("in BP, batch norm"),
                        Column("in total"),
                        Column("in total, batch norm"),
                    ],
                    [
                        [
                            share(row["input"]),
                            *(percent(row[key]) for key in ("ff", "bp_batch_norm", "total", "total_batch_norm")),
                        ]
                        for row in found["algebra"]
                    ],
                    title=f"Weight sparsity from which the bound reaches {found['algebra'][0]['factor']:.3g} x",
                    note="Independent zeros, the best two operands, against skipping input zeros alone, every "
                    "multiplier busy. In FF the second operand is the weight: 1 / density, so "
                    f"{percent(found['algebra'][0]['ff'])} always. Where gradients are dense and known outputs "
                    "sparse, BP needs less.",
                ),
            ],
        )
    ]
