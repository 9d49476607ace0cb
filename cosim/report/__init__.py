"""Reports: a run's result as blocks, and the blocks on the terminal and as one self-contained HTML page.

A scenario kind registers a function that fills blocks from the result; the framework knows no hardware:

    def build(result: RunResult) -> Report:
        energy = result.summary["energy_fj"]
        return Report(
            title=result.name,
            figures=[Figure("elapsed", result.summary["elapsed_ps"] / 1e9, "ms", "simulated time")],
            sections=[
                Section("Energy", [
                    StackedBars(
                        "Energy by unit", ["pnpu", "dense"], {"core": [3.1, 9.8], "DRAM": [7.0, 7.4]}, "energy", "mJ"
                    ),
                    Table([Column("unit"), Column("energy", "fJ")], sorted(energy.items())),
                ]),
            ],
        )

    registry.report("training", build)

Blocks: `Table` (with `Column`s), `LinePlot` (of `Series`), `StackedBars`, `Gantt` (of `Span`s), `Assumptions` (of
`Assumption`s), `Note`; `Figure`s are the headline, `Section`s the rest. Units go into the blocks' unit fields, not into
their titles. Colours go by position: the same parts in the same order have the same colours in every plot.
"""

from .blocks import (
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
from .build import build_report, plain_report
from .html import html_page
from .sweep import sweep_report
from .terminal import print_report

__all__ = [
    "Assumption",
    "Assumptions",
    "Block",
    "Column",
    "Figure",
    "Gantt",
    "LinePlot",
    "Note",
    "Report",
    "Section",
    "Series",
    "Span",
    "StackedBars",
    "Table",
    "build_report",
    "html_page",
    "plain_report",
    "print_report",
    "sweep_report",
]
