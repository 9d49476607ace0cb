"""Chips of the scenario folder, small networks that really train, and systems that run them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cosim.models.chip import ChipSpec, MappedIteration, System
from cosim.models.dram.spec import MemorySpec
from cosim.models.pruning import build_pruning
from cosim.models.pruning.schema import CoarseFineSpec, CoarseUnitSpec, NoPruningSpec
from cosim.models.workload import FunctionalSpec, FunctionalWorkload, Iteration
from cosim.models.workload.data import Dataset
from cosim.scenario import load_component

SCENARIOS = Path(__file__).parents[2] / "scenarios"

WHOLE_CHIPS = sorted(file for file in (SCENARIOS / "chips").glob("*.yaml") if "\n  kind: " not in file.read_text())
"""Those that can train; the other files of the folder describe no more than a core of some `kind:`."""

PLAIN = [
    {"kind": "conv", "name": "conv1", "channels": 12, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "conv", "name": "conv2", "channels": 20, "kernel": 3, "stride": 2, "pad": 1},
    {"kind": "relu"},
    {"kind": "linear", "name": "fc", "channels": 10},
]
"""Two convolutions with ReLUs (one with stride), channels that do not divide evenly, and a classifier."""

RESIDUAL = [
    {"kind": "conv", "name": "conv1", "channels": 8, "kernel": 3, "pad": 1, "bias": False},
    {"kind": "batch_norm"},
    {"kind": "relu"},
    {"kind": "conv", "name": "conv2", "channels": 8, "kernel": 3, "pad": 1, "bias": False},
    {"kind": "batch_norm"},
    {"kind": "add", "other": "relu1"},
    {"kind": "relu"},
    {"kind": "mean_pool", "size": 2},
    {"kind": "linear", "name": "fc", "channels": 10},
]
"""Batch normalisation, which sees whole tensors, and a tensor with two readers, whose gradient is a sum."""


def chip_spec(name: str, *overrides: str) -> ChipSpec:
    """A chip of scenarios/chips."""
    return load_component(SCENARIOS / "chips" / f"{name}.yaml", ChipSpec, overrides)


def memory_spec(*overrides: str) -> MemorySpec:
    """The LPDDR4 of scenarios/memories."""
    return load_component(SCENARIOS / "memories" / "lpddr4_3200.yaml", MemorySpec, overrides)


def system(name: str = "pnpu", chip: Sequence[str] = (), memory: Sequence[str] = (), **settings: Any) -> System:
    """A chip at its memory."""
    return System(chip_spec(name, *chip), memory_spec(*memory), seed=settings.pop("seed", 1), **settings)


def iterations(
    layers: list[dict[str, Any]], wanted: Iterable[int], *, batch: int = 8, prune: bool = True, seed: int = 1
) -> list[Iteration]:
    """Iterations of a training on made-up images; 60 % of the weights are pruned in events 0 to 3."""
    spec = FunctionalSpec.model_validate(
        {
            "fidelity": "functional",
            "network": {"name": "small", "input": {"height": 6, "width": 6, "channels": 2}, "layers": layers},
            "data": {"loader": "optical_digits", "file": "none"},
            "batch": batch,
            "epochs": 2,
            "optimizer": {"learning_rate": {"schedule": "constant", "rate": 0.05}},
        }
    )
    random = np.random.default_rng(seed)
    images = random.random((4 * batch, 6, 6, 2), dtype=np.float32)
    labels = np.arange(4 * batch, dtype=np.int32) % 10
    data = Dataset("noise", 10, images, labels, images[:batch], labels[:batch])
    unit = CoarseUnitSpec(channels_out=4, channels_in=4)
    schedule = (
        CoarseFineSpec(schedule="cfp", sparsity=0.6, begin=0.0, end=0.5, unit=unit)
        if prune
        else NoPruningSpec(unit=unit)
    )
    workload = FunctionalWorkload(
        spec, data, lambda shapes, total: build_pruning(schedule, shapes, total, seed=seed), seed=seed
    )
    wanted = set(wanted)
    chosen = []
    for iteration in workload.iterations(wanted):
        if iteration.index in wanted:
            chosen.append(iteration)
        if len(chosen) == len(wanted):
            break
    return chosen


def run(chip: System, iteration: Iteration) -> MappedIteration:
    """Simulate an iteration, and keep its graph."""
    mapped = chip.mapper.map(iteration)
    job = chip.run_graph(mapped.graph)
    chip.results.append(chip._result(mapped, job))
    return mapped
