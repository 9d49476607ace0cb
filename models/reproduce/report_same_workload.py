"""The same workload on two chips, in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure
from .verdict import Compared, verdict

__all__ = ["same_rows", "same_sections"]


def same_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[Compared]:
    """The quotient of efficiencies, uncalibrated, for each workload."""
    value = published[0]["value"]
    return [
        Compared(
            f"{claim}: {row['name']}",
            figure(published[0]),
            row["ratio"],
            row["reach_least"],
            row["reach_greatest"],
            row["ratio"] / value,
            "nothing",
            verdict(value, row["reach_least"], row["ratio"], row["reach_greatest"]),
        )
        for row in found["rows"]
    ]


def same_sections(claim: str, found: Found) -> list[Section]:
    """Both workloads, uncalibrated and calibrated."""
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
                        Column("sampling, +-", "%", digits=2),
                        Column(f"{first}, calibrated", "TOPS/W", digits=3),
                        Column(f"{second}, calibrated", "TOPS/W", digits=3),
                        Column("ratio, calibrated", "x", digits=3),
                        Column("with DRAM, calibrated", "x", digits=3),
                    ],
                    [
                        [
                            row["name"],
                            *row["tops_per_watt"],
                            *(row[key] for key in ("ratio", "ratio_least", "ratio_greatest", "sampling_percent")),
                            *row["calibrated_tops_per_watt"],
                            row["calibrated_ratio"],
                            row["calibrated_ratio_with_dram"],
                        ]
                        for row in found["rows"]
                    ],
                    title="The same work on both chips, nominal operations for each joule",
                    note="Uncalibrated: one energy table for both. From, to: over all energy ranges. Calibrated: "
                    "each on "
                    "its own dense figure, so that the ratio is multiplied by the quotient of two factors; with DRAM: "
                    "the chips' energies as calibrated, the DRAM's as it is. Sampling: both chips' 95 % half-widths "
                    "added, as not every iteration was simulated; in no interval.",
                )
            ],
        )
    ]
