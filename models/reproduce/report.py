"""What came out, in tables: the overview of all claims, and each claim's own sections. For terminal, page and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.report import Column, Report, Section, Table
from cosim.scenario import RunResult

from .kinds import KINDS
from .sensitivity import most_influential
from .verdict import Compared

__all__ = ["OVERVIEW", "build_report", "claim_sections", "in_order", "overview", "overview_rows"]

OVERVIEW = (
    Column("claim"),
    Column("published"),
    Column("simulated", digits=3),
    Column("from", digits=3),
    Column("to", digits=3),
    Column("simulated / published", digits=3),
    Column("calibrated on"),
    Column("finding"),
)


def in_order(results: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The claims by name, in the order in which they are shown."""
    return sorted(results["claims"].items(), key=lambda item: (item[1]["position"], item[0]))


def overview_rows(result: Mapping[str, Any]) -> list[Compared]:
    """What is held against the published values of one claim."""
    return KINDS[result["study"]].rows(result["claim"], result["published"], result["found"])


def overview(results: Mapping[str, Any]) -> Section:
    """All claims in one table."""
    rows = [row.cells() for _, result in in_order(results) for row in overview_rows(result)]
    return Section(
        "Published and simulated",
        [
            Table(
                list(OVERVIEW),
                rows,
                note="Simulated, from and to in the unit of the published value; TFLOPS/W and TOPS/W are the same "
                "here. Simulated / published: of savings (%), the quotient of what is left. The interval (from, to): "
                "of gains and of efficiency against another chip, all energies anywhere in their plausible ranges at "
                "once, with each other assumption at an end of its range, one at a time; of throughput and of "
                "pruning, each assumption at an end of its range. In no interval: what-ifs, ranges that were put on "
                "record when the numbers were known, random seeds, sampling. Of trainings, assumptions are varied on "
                "a shorter one: the interval is the number here, changed by as much as the shorter one's. Every "
                "access to a memory counts as one to a bank of 8 KiB, an upper bound: "
                "[energy.md](energy.md#what-the-energies-rest-on).",
            )
        ],
    )


def claim_sections(result: Mapping[str, Any], *, sensitivity: bool = True) -> list[Section]:
    """One claim in detail, with or without what its numbers hang on."""
    sections = KINDS[result["study"]].sections(result["claim"], result["found"])
    if not sensitivity:
        return sections
    return [*sections[:-1], Section(sections[-1].title, [*sections[-1].blocks, most_influential([result])])]


def build_report(result: RunResult) -> Report:
    """Of `cosim run` on one claim file."""
    one = result.summary
    return Report(
        title=result.name,
        subtitle="; ".join(f"{value['value']} {value['unit']}: {value['what']}" for value in one["published"]),
        figures=[],
        sections=[overview({"claims": {result.name: one}}), *claim_sections(one)],
    )
