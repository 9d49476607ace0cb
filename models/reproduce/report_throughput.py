"""Throughput against another chip in tables: trainings, one layer, and the condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure, share
from .sensitivity import reach
from .verdict import Compared, Verdict, judged, verdict

__all__ = ["throughput_rows", "throughput_sections"]


def throughput_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[Compared]:
    """The claim's training, the first, with its interval over assumptions; and the fastest of the other workloads."""
    value, (first, *others) = published[0]["value"], found["trainings"]
    least, greatest = reach(first["simulated"], found["sensitivities"][:1])
    one = verdict(value, least, first["simulated"], greatest)
    rows = [
        Compared(
            f"{claim}: {first['name']}",
            figure(published[0]),
            first["simulated"],
            least,
            greatest,
            first["simulated"] / value,
            "nothing",
            Verdict(one.kind, f"{one.text}; bound: {first['total']['bound']:.3g} x"),
        )
    ]
    if others:
        best = max(others, key=lambda row: row["simulated"])
        number = best["simulated"]
        kind = judged(value, number, number, number)
        text = f"miss: published is {value / number:.1f} x as much" if kind == "miss" else "reached"
        rows.append(
            Compared(
                f"{claim}: fastest of the other workloads, {best['name']}",
                figure(published[0]),
                number,
                None,
                None,
                number / value,
                "nothing",
                Verdict(kind, f"{text}; bound: {best['total']['bound']:.3g} x; nothing varied"),
            )
        )
    return rows


def throughput_sections(claim: str, found: Found) -> list[Section]:
    """Trainings, one layer over densities, and the weight sparsity from which the bound reaches the factor."""
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
                    [
                        *columns([Column("workload"), Column("zero weights", "%", digits=3)]),
                        Column("iterations simulated"),
                        Column("sampling, +-", "%", digits=2),
                    ],
                    [
                        [
                            row["name"],
                            100 * row["zero_weights"],
                            *cells(row),
                            f"{row['iterations_simulated']} of {row['iterations']}",
                            row["sampling_percent"],
                        ]
                        for row in found["trainings"]
                    ],
                    title=f"Times faster than {found['against']}, equal multipliers and clock",
                    note="Bound: ratio of executed multiply-accumulates, every multiplier busy. Cores: cycles "
                    "of the busiest core. "
                    "Elapsed time: everything simulated, data movement included. The first row is the claim's. "
                    "The digits "
                    "are real trainings, pruned on the way (sampling: both chips' 95 % half-widths added; in no "
                    "interval); "
                    "every other row is a single iteration with random zeros at assumed, fixed densities.",
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
