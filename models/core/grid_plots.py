"""Plots of a density grid (`grid.py`), drawn with matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cosim.report.style import PALETTE

from ..tensors import Stage
from .grid import Point, bound, training_steps

_BOUND = {"color": "#5c636e", "linestyle": (0, (4, 2)), "linewidth": 1.2}


def draw(folder: Path, names: Sequence[str], points: Sequence[Point]) -> list[Path]:
    """Write the plots; returns their files. Raises ImportError without matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        over_dense = Figure(figsize=(9.5, 6.2), dpi=110, layout=ConstrainedLayoutEngine(h_pad=0.08))
        _over_dense(over_dense, names, points)
        steps = Figure(figsize=(9.5, 5.6), dpi=110, layout=ConstrainedLayoutEngine(h_pad=0.08))
        _steps(steps, names, points)
    files = [folder / "stages.png", folder / "step.png"]
    for figure, file in zip((over_dense, steps), files, strict=True):
        figure.savefig(file, metadata={"Software": None})
    return files


def _over_dense(figure: Any, names: Sequence[str], points: Sequence[Point]) -> None:
    """Per stage: speed-up of the first chip over the last, over the density of weights, a colour for each density of
    activations; the bound dashed."""
    axes = figure.subplots(2, len(Stage), sharex=True, sharey=True)
    shares = sorted({p.coarse for p in points})
    densities = [d for d in sorted({p.activations for p in points}) if d in (0.05, 0.25, 1.0)]
    for row, batch_norm in enumerate((False, True)):
        for column, stage in enumerate(Stage):
            ax = axes[row][column]
            for colour, activations in enumerate(densities):
                paint = PALETTE[(0, 2, 5)[colour]][0]
                for coarse, style, marker in ((shares[0], "solid", "o"), (shares[-1], "solid", "^")):
                    line = sorted(
                        (p.weights, p.cycles[-1] / p.cycles[0])
                        for p in points
                        if p.batch_norm == (batch_norm and stage is not Stage.FF)
                        and (p.stage, p.activations) == (stage, activations)
                        and p.coarse == (coarse if p.weights < 1.0 else shares[0])
                    )
                    ax.plot(*zip(*line, strict=True), color=paint, linestyle=style, marker=marker, markersize=4)
                weights = sorted({p.weights for p in points})
                ax.plot(
                    weights,
                    [bound(stage, activations, w, batch_norm and stage is not Stage.FF) for w in weights],
                    **{**_BOUND, "color": paint, "alpha": 0.7},
                )
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_ylim(0.8, 1000)
            ax.grid(color="#dfe2e7", linewidth=0.6)
            with_norm = ", dY dense" if batch_norm and stage is not Stage.FF else ""
            ax.set_title(f"{stage.upper()}{with_norm}", loc="left", fontsize=9.5, fontweight="bold")
            if row:
                ax.set_xlabel("density of W")
        axes[row][0].set_ylabel(f"{names[0]} over {names[-1]} (x)" + (", batch norm" if batch_norm else ""))
    handles = [axes[0][0].plot([], [], color=PALETTE[(0, 2, 5)[i]][0])[0] for i in range(len(densities))]
    labels = [f"X {d:g}" for d in densities]
    handles += [axes[0][0].plot([], [], color="#1b1e23", marker=m, linestyle="none", markersize=4)[0] for m in "o^"]
    labels += ["no zero in a coarse unit", "all zeros in coarse units"]
    handles.append(axes[0][0].plot([], [], **_BOUND)[0])
    labels.append("bound")
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles), frameon=False)


def _steps(figure: Any, names: Sequence[str], points: Sequence[Point]) -> None:
    """FF, BP and WG together: speed-up of the first chip over the second, as numbers on colours."""
    steps = training_steps(points)
    shares = sorted({place[3] for place in steps})
    shown = [shares[0], shares[len(shares) // 2], shares[-1]]
    densities = sorted({place[1] for place in steps})
    axes = figure.subplots(2, len(shown), sharex=True, sharey=True)
    image = None
    for row, batch_norm in enumerate((False, True)):
        for column, coarse in enumerate(shown):
            ax = axes[row][column]
            values = []
            for activations in densities:
                line = []
                for weights in densities:
                    cycles = steps[batch_norm, activations, weights, coarse if weights < 1.0 else shares[0]]
                    line.append(cycles[1] / cycles[0])
                values.append(line)
            image = ax.imshow(values, origin="lower", cmap="Blues", vmin=0, vmax=20, aspect="auto")
            for y, line in enumerate(values):
                for x, value in enumerate(line):
                    ink = "white" if value > 11 else "#1b1e23"
                    ax.text(x, y, f"{value:.3g}", ha="center", va="center", color=ink, fontsize=8.5)
            ax.set_xticks(range(len(densities)), [f"{d:g}" for d in densities])
            ax.set_yticks(range(len(densities)), [f"{d:g}" for d in densities])
            ax.tick_params(length=0)
            norm = "batch norm" if batch_norm else "no batch norm"
            ax.set_title(f"{norm}, coarse share {coarse:g}", loc="left", fontsize=9.5, fontweight="bold")
            if row:
                ax.set_xlabel("density of W")
        axes[row][0].set_ylabel("density of X")
    figure.colorbar(image, ax=axes, label=f"{names[0]} over {names[1]}, FF + BP + WG (x)", shrink=0.8, pad=0.02)
