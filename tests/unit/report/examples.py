"""A report with one of every block, for the tests of the renderers."""

from cosim.report import (
    Assumption,
    Assumptions,
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

BARS = StackedBars(
    "Energy by part", ["pnpu", "dense"], {"MAC": [1, 3], "DRAM": [2, 2.5], "idle": [0, 0]}, "energy", "mJ"
)
LINES = LinePlot(
    "Sparsity",
    [
        Series("weights", [0, 1, 2], [0.0, 50.0, 75.0], [0.0, 45.0, 70.0], [0.0, 55.0, 80.0]),
        Series("inputs", [0, 2], [40, 41]),
    ],
    "iteration",
    "zeros",
    y_unit="%",
    note="Band: 95 %.",
)
TIMELINE = Gantt(
    "Units",
    ["core 0", "DMA"],
    [Span("core 0", 0, 4_000_000, "COMPUTE"), Span("DMA", 1_000_000, 2_000_000, "LOAD")],
    ["LOAD", "COMPUTE"],
)
TABLE = Table(
    [Column("unit"), Column("energy", "fJ"), Column("busy", "%", 3)],
    [["core <0>", 1_234_567, 12.345], ["sum", 1_234_567, None]],
    "Energy",
    "Counts times table.",
    total=True,
)
INPUTS = Assumptions(
    [
        Assumption("chip.lanes", 16, "", False, "the paper"),
        Assumption("chip.queue", 8, "blocks", True, "not published"),
    ]
)


def report(*, detail: bool = False) -> Report:
    return Report(
        "Run & run",
        "seed 0",
        [Figure("elapsed", 12.5, "ms", "simulated"), Figure("MACs", 123_456)],
        [
            Section("Energy", [BARS, TABLE]),
            Section("Training", [LINES]),
            Section("Timeline", [TIMELINE], detail=detail),
            Section("Trust", [Note("Two inputs.", "warning"), INPUTS]),
            Section("Nothing", []),
        ],
        {"seed": "0"},
    )
