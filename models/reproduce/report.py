"""What came out, in tables: the overview of all claims, and each claim's own sections. For terminal, page and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.report import Column, Report, Section, Table
from cosim.scenario import RunResult

from .report_gain import gain_rows, gain_sections
from .report_pruning import pruning_rows, pruning_sections
from .report_same_workload import same_rows, same_sections
from .report_throughput import throughput_rows, throughput_sections
from .sensitivity import most_influential

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


def overview_rows(result: Mapping[str, Any]) -> list[list[Any]]:
    """A row for each published value of one claim."""
    return _ROWS[result["study"]](result["claim"], result["published"], result["found"])


def overview(results: Mapping[str, Any]) -> Section:
    """All claims in one table."""
    rows = [row for _, result in in_order(results) for row in overview_rows(result)]
    return Section(
        "Published and simulated",
        [
            Table(
                list(OVERVIEW),
                rows,
                note="Simulated, from and to in the unit of the published value; TFLOPS/W and TOPS/W are the same "
                "here. The interval (from, to): of gains and of efficiency against another chip, all energies anywhere "
                "in their plausible ranges at once, with each other assumption at an end of its range, one at a time; "
                "of throughput, over the trainings, and of the first with each assumption at the ends of its range; of "
                "pruning, each assumption at the ends of its range. Where a piece of the work was varied, by what it "
                "changed there.",
            )
        ],
    )


def claim_sections(result: Mapping[str, Any], *, sensitivity: bool = True) -> list[Section]:
    """One claim in detail, with or without what its numbers hang on."""
    sections = _SECTIONS[result["study"]](result["claim"], result["found"])
    if not sensitivity:
        return sections
    return [*sections[:-1], Section(sections[-1].title, [*sections[-1].blocks, most_influential([result])])]


def build_report(result: RunResult) -> Report:
    """Of `cosim run` on one claim file."""
    summary = result.summary
    study = {"energy_gain": "surface", "throughput": "trainings", "same_workload": "rows", "pruning": "operations"}
    one = {
        "claim": result.name,
        "position": 0,
        "study": next(name for name, key in study.items() if key in summary["found"]),
        "published": summary["published"],
        "found": summary["found"],
    }
    return Report(
        title=result.name,
        subtitle="; ".join(f"{value['value']} {value['unit']}: {value['what']}" for value in one["published"]),
        figures=[],
        sections=[overview({"claims": {result.name: one}}), *claim_sections(one)],
    )


_ROWS = {
    "energy_gain": gain_rows,
    "throughput": throughput_rows,
    "same_workload": same_rows,
    "pruning": pruning_rows,
}
_SECTIONS = {
    "energy_gain": gain_sections,
    "throughput": throughput_sections,
    "same_workload": same_sections,
    "pruning": pruning_sections,
}
