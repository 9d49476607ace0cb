"""Tables and plot of docs/pruning.md, made of docs/studies/pruning.json: `python -m studies.pruning_report`."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import pruning_operations
from .pruning import RESULTS, ROOT, SAMPLES, SCHEDULES, SEEDS, load

PAGE = ROOT / "docs" / "pruning.md"
PLOT = RESULTS.with_name("pruning_accuracy.svg")
FOCUS = 0.9
T_975 = 2.776
"""Quantile of Student's t for the four degrees of freedom of five paired differences."""
COMPARED = (
    ("scfp", "dense"),
    ("scfp", "cfp"),
    ("scfp", "scfp without coarse"),
    ("scfp", "scfp without stochastic"),
    ("scfp", "gradual"),
    ("cfp", "scfp without coarse"),
    ("gradual", "scfp without coarse"),
    ("random", "dense"),
)
"""Of each pair, how far the first is below the second."""
Cases = Mapping[tuple[str, float], Mapping[int, Mapping[str, Any]]]
"""(case, sparsity) -> seed -> row; whole cases only."""


def cases_of(rows: Sequence[Mapping[str, Any]]) -> Cases:
    """The rows by case; those of which a seed is missing are left out."""
    found: dict[tuple[str, float], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["case"], row["sparsity"]), {})[row["seed"]] = row
    return {case: by_seed for case, by_seed in found.items() if set(by_seed) == set(SEEDS)}


def mean(case: Mapping[int, Mapping[str, Any]], name: str = "accuracy") -> float:
    """Over the seeds."""
    return statistics.mean(row[name] for row in case.values())


def points_below(case: Mapping[int, Mapping[str, Any]], other: Mapping[int, Mapping[str, Any]]) -> float:
    """How many points of accuracy less than the other, paired by seed, on average."""
    return 100 * statistics.mean(other[seed]["accuracy"] - case[seed]["accuracy"] for seed in case)


def half_width(case: Mapping[int, Mapping[str, Any]], other: Mapping[int, Mapping[str, Any]]) -> float:
    """Half of the 95 % interval of `points_below`: of the seeds' differences, taken to be normally distributed."""
    differences = [100 * (other[seed]["accuracy"] - case[seed]["accuracy"]) for seed in case]
    return T_975 * statistics.stdev(differences) / math.sqrt(len(differences))


def _difference(case: Mapping[int, Mapping[str, Any]], other: Mapping[int, Mapping[str, Any]]) -> str:
    return f"{points_below(case, other):+.2f} ± {half_width(case, other):.2f}"


def operations(case: Mapping[int, Mapping[str, Any]]) -> tuple[float, float]:
    """(coarse, fine) operations of a training, on average over the seeds."""
    fine = statistics.mean(row["operations"]["fine_compares"] for row in case.values())
    total = statistics.mean(sum(row["operations"].values()) for row in case.values())
    return total - fine, fine


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [" | ".join(head), " | ".join(["---"] * len(head)), *(" | ".join(row) for row in body)]
    return "\n".join(f"| {line} |" for line in lines)


def accuracy_table(cases: Cases) -> list[list[str]]:
    """Mean accuracy by schedule and sparsity, with the standard deviation over the seeds."""
    sparsities = sorted({sparsity for name, sparsity in cases if name in SCHEDULES})
    rows = [["schedule", *(f"{sparsity:.0%} zeros" for sparsity in sparsities)]]
    for name in SCHEDULES:
        row = [name]
        for sparsity in sparsities:
            case = cases.get((name, sparsity))
            deviation = statistics.stdev(r["accuracy"] for r in case.values()) if case else 0.0
            row.append(f"{mean(case):.2%} ± {100 * deviation:.2f}" if case else "")
        rows.append(row)
    return rows


def differences_table(cases: Cases) -> list[list[str]]:
    """How far schedules are below others, by sparsity; bold where the interval does not hold zero."""
    sparsities = sorted({sparsity for name, sparsity in cases if name in SCHEDULES})
    rows = [["", *(f"{sparsity:.0%} zeros" for sparsity in sparsities)]]
    for name, other in COMPARED:
        row = [f"{name} below {other}"]
        for sparsity in sparsities:
            pair = cases[name, sparsity], cases[other, sparsity if other in SCHEDULES else 0.0]
            carried = abs(points_below(*pair)) > half_width(*pair)
            row.append(f"**{_difference(*pair)}**" if carried else _difference(*pair))
        rows.append(row)
    return rows


def claim_table(cases: Cases) -> list[list[str]]:
    """What each schedule costs on the digits at 90 % zeros, beside cfp."""
    full, dense = cases["cfp", FOCUS], cases["dense", 0.0]
    coarse_full, fine_full = operations(full)
    rows = [
        [
            "schedule",
            "accuracy",
            "below cfp",
            "below dense",
            "zeros",
            "of them coarse",
            "events",
            "coarse operations",
            "fine operations",
            "coarse against cfp",
            "total against cfp",
        ]
    ]
    for name in (*SCHEDULES, *SAMPLES):
        case = cases.get((name, FOCUS))
        if case is None:
            continue
        coarse, fine = operations(case)
        rows.append(
            [
                name,
                f"{mean(case):.2%}",
                "" if case is full else _difference(case, full),
                _difference(case, dense),
                f"{mean(case, 'zeros'):.2%}",
                f"{mean(case, 'coarse_share_of_zeros'):.1%}",
                f"{mean(case, 'events'):.0f}",
                f"{coarse / 1e6:.3f} M",
                f"{fine / 1e6:.3f} M",
                f"{100 * (coarse / coarse_full - 1):+.2f} %",
                f"{100 * ((coarse + fine) / (coarse_full + fine_full) - 1):+.2f} %",
            ]
        )
    return rows


def plot(cases: Cases, path: Path) -> None:
    """Accuracy against sparsity, a line for each schedule, with the range over the seeds.

    Both axes by what is left, in even steps: between 99 and 95 % is as much room as between 80 and 24 %.
    """
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    from cosim.report.style import PALETTE  # noqa: PLC0415

    style = {"svg.hashsalt": "cosim", "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False}
    measured = sorted({sparsity for name, sparsity in cases if name in SCHEDULES})
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.6, 5.4), layout="constrained")
        axes = figure.subplots()
        dense = 100 * mean(cases["dense", 0.0])
        axes.axhline(100 - dense, color="#404040", linestyle=(0, (2, 2)), linewidth=1.2, label="dense")
        for number, name in enumerate(SCHEDULES):
            x = [i + 0.08 * (number - 3) for i, s in enumerate(measured) if (name, s) in cases]  # side by side
            errors = [
                [100 * (1 - r["accuracy"]) for r in cases[name, s].values()] for s in measured if (name, s) in cases
            ]
            y = [statistics.mean(column) for column in errors]
            spans = [
                [m - min(c) for m, c in zip(y, errors, strict=True)],
                [max(c) - m for m, c in zip(y, errors, strict=True)],
            ]
            axes.errorbar(
                x,
                y,
                yerr=spans,
                label=name,
                color=PALETTE[number][0],
                marker="osD^vPX"[number],
                markersize=6,
                linewidth=1.3,
                elinewidth=1.0,
                capsize=2,
            )
        axes.set_yscale("log")
        axes.invert_yaxis()
        shown = (99.8, 99.5, 99, 98, 95, 90, 80, 50, 20)
        axes.set_yticks([100 - accuracy for accuracy in shown], [f"{accuracy:g}" for accuracy in shown])
        axes.minorticks_off()
        axes.set_xticks(range(len(measured)), [f"{100 * sparsity:g}" for sparsity in measured])
        axes.set_xlabel("zero weights, % (steps not to scale)")
        axes.set_ylabel("test accuracy, % (the error is on a logarithmic scale)")
        axes.grid(axis="y", color="#dfe2e7", linewidth=0.7)
        axes.legend(frameon=False, loc="lower left")
        axes.set_title("Digits, five seeds: mean and range", loc="left", fontsize=11)
        figure.savefig(path, metadata={"Date": None})


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The tables of the page by name."""
    cases = cases_of(rows)
    return {
        "accuracy": _markdown(accuracy_table(cases)),
        "differences": _markdown(differences_table(cases)),
        "claim": _markdown(claim_table(cases)),
        "networks": _markdown(pruning_operations.table()),
    }


def filled(page: str, by_name: Mapping[str, str]) -> str:
    """The page with its tables replaced: what stands between `<!-- table NAME -->` and `<!-- end -->`."""
    for name, table in by_name.items():
        mark = f"<!-- table {name} -->"
        page = re.sub(f"{mark}.*?<!-- end -->", f"{mark}\n{table}\n<!-- end -->", page, flags=re.DOTALL)
    return page


def main() -> None:
    """Write both."""
    rows = load()
    PAGE.write_text(filled(PAGE.read_text(), tables(rows)))
    plot(cases_of(rows), PLOT)


if __name__ == "__main__":
    main()
