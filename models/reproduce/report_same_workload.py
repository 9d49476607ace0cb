"""The same workload on two chips, in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure

__all__ = ["same_rows", "same_sections"]


def same_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    value = published[0]["value"]
    rows = []
    for row in found["rows"]:
        inside = row["reach_least"] <= value <= row["reach_greatest"]
        rows.append(
            [
                f"{claim}: {row['name']}",
                figure(published[0]),
                row["ratio"],
                row["reach_least"],
                row["reach_greatest"],
                row["ratio"] / value,
                "nothing",
                "inside the interval"
                if inside
                else f"miss: published is {value / row['reach_greatest']:.1f} x the interval's upper end",
            ]
        )
    return rows


def same_sections(claim: str, found: Found) -> list[Section]:
    first, second = found["chips"]
    return [
        Section(
            claim,
            [
                Table(
                    [
                        Column("workload"),
                        Column(first, "TOPS/W", digits=3),
                        Column(second, "TOPS/W", digits=3),
                        Column("ratio", "x", digits=3),
                        Column("from", "x", digits=3),
                        Column("to", "x", digits=3),
                        Column("with DRAM", "x", digits=3),
                        Column(f"{first}, calibrated", "TOPS/W", digits=3),
                        Column(f"{second}, calibrated", "TOPS/W", digits=3),
                        Column("ratio, calibrated", "x", digits=3),
                    ],
                    [
                        [
                            row["name"],
                            *row["tops_per_watt"],
                            *(row[key] for key in ("ratio", "ratio_least", "ratio_greatest", "ratio_with_dram")),
                            *row["calibrated_tops_per_watt"],
                            row["calibrated_ratio"],
                        ]
                        for row in found["rows"]
                    ],
                    title="The same work on both chips, nominal operations for each joule",
                    note="Uncalibrated: one energy table for both. Calibrated: each on its own dense figure.",
                )
            ],
        )
    ]
