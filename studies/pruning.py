"""Accuracy against sparsity on the digits: `python -m studies.pruning` (`make study-pruning`), about 15 CPU minutes.

Every case is trained functionally (nothing is simulated) over the seeds 1 to 5, on scenarios/workloads/digits_cnn.yaml.
Each training's row goes into docs/studies/pruning.json as soon as it is there: an interrupted study goes on where it
stopped, and rows that are there are not trained again. Then `studies.pruning_report` makes tables and plot of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cosim.models.pruning import PruningSpec, all_pairs_operations
from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "studies" / "pruning.json"
SEEDS = (1, 2, 3, 4, 5)
SPARSITIES = (0.9, 0.95, 0.8, 0.98, 0.5)
KINDS = ("coarse_macs", "coarse_adds", "coarse_compares", "fine_compares")

_RAMP = {"begin": 0.1, "end": 0.7, "layers": {"conv1": 0.5}}
_SCFP = {"schedule": "scfp", "coarse_share": 0.6, "sample": 0.05, "period": 2}
SCHEDULES: dict[str, dict[str, Any]] = {
    "scfp": _SCFP,
    "cfp": {"schedule": "cfp", "coarse_share": 0.6, "period": 20},
    "scfp without coarse": {"schedule": "gradual", "period": 2},
    "scfp without stochastic": _SCFP | {"sample": 1.0},
    "magnitude": {"schedule": "magnitude", "rounds": 5},
    "gradual": {"schedule": "gradual", "period": 20},
    "random": {"schedule": "random", "period": 20},
}
"""The files of scenarios/schedules/, and scfp without one of its parts: with single weights only; with all channels in
every sample, as often as scfp."""

SAMPLES: dict[str, dict[str, Any]] = {
    f"scfp, sample {sample}, period {period}": _SCFP | {"sample": sample, "period": period}
    for sample, period in ((0.1, 2), (0.25, 2), (0.5, 2), (0.05, 20), (0.25, 20), (0.05, 1))
}
"""Other samples and periods, at 90 % zeros."""


def cases() -> Iterator[tuple[str, float, dict[str, Any]]]:
    """(name, sparsity, schedule), the most wanted first."""
    yield "dense", 0.0, {"schedule": "none"}
    for sparsity in SPARSITIES:
        for name, values in SCHEDULES.items():
            yield name, sparsity, {"sparsity": sparsity, **_RAMP, **values}
        if sparsity == SPARSITIES[0]:
            for name, values in SAMPLES.items():
                yield name, sparsity, {"sparsity": sparsity, **_RAMP, **values}


def train(schedule: dict[str, Any], seed: int, workload: FunctionalSpec) -> dict[str, Any]:
    """One training: what the study keeps of it."""
    spec = TypeAdapter(PruningSpec).validate_python(schedule)
    training = build_workload(workload, spec, seed=seed)
    own, full = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    events = 0
    for last in training.iterations(detailed=()):
        for event in last.prune_events:
            events += 1
            for kind, count in all_pairs_operations(event).items():
                own[kind] += getattr(event, kind)
                full[kind] += count
    return {
        "accuracy": training.evaluate(),
        "zeros": last.zero_weight_share,
        "coarse_share_of_zeros": last.coarse_zero_share,
        "events": events,
        "operations": own,
        "operations_all_pairs": full,
    }


def load() -> list[dict[str, Any]]:
    """The rows that are there."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def save(rows: list[dict[str, Any]]) -> None:
    """All of them or, interrupted, those before."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    partial = RESULTS.with_suffix(".partial")
    partial.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    os.replace(partial, RESULTS)


def main() -> None:
    """Train what is missing, then report."""
    workload = load_component(ROOT / "scenarios/workloads/digits_cnn.yaml", FunctionalSpec)
    rows = load()
    done = {(row["case"], row["sparsity"], row["seed"]) for row in rows}
    for name, sparsity, schedule in cases():
        for seed in SEEDS:
            if (name, sparsity, seed) in done:
                continue
            rows.append({"case": name, "sparsity": sparsity, "seed": seed} | train(schedule, seed, workload))
            save(rows)
            print(f"{name}, {sparsity:.0%}, seed {seed}: {rows[-1]['accuracy']:.2%}", file=sys.stderr, flush=True)
    from .pruning_report import main as report  # noqa: PLC0415

    report()


if __name__ == "__main__":
    main()
