"""A chip that trains, on a fused and on an unfused memory system: the same times, accounts and counts."""

from pathlib import Path

import pytest

from cosim.models.chip import ChipSpec, System
from cosim.models.dram.spec import MemorySpec
from cosim.models.pruning import PruningSchedule
from cosim.models.workload import FunctionalSpec, FunctionalWorkload, load_dataset
from cosim.scenario import load_component

SCENARIOS = Path(__file__).parents[3] / "scenarios"
LAYERS = [
    {"kind": "conv", "name": "conv1", "channels": 8, "kernel": 3, "pad": 1},
    {"kind": "relu"},
    {"kind": "max_pool", "size": 2},
    {"kind": "linear", "name": "fc", "channels": 10},
]


@pytest.fixture(scope="module")
def iterations():
    spec = FunctionalSpec.model_validate(
        {
            "fidelity": "functional",
            "network": {"name": "tiny", "input": {"height": 8, "width": 8, "channels": 1}, "layers": LAYERS},
            "data": {"loader": "optical_digits", "file": "unused"},
            "batch": 4,
            "epochs": 1,
            "optimizer": {"learning_rate": {"rate": 0.05, "schedule": "constant"}},
        }
    )
    digits = load_dataset("optical_digits", SCENARIOS / "data/optical_digits.npz")
    workload = FunctionalWorkload(spec, digits, lambda layers, iterations: PruningSchedule(), seed=1)
    delivered = workload.iterations(detailed={0, 1})
    return [next(delivered), next(delivered)]


def simulate(iterations, **options):
    chip = load_component(SCENARIOS / "chips/pnpu.yaml", ChipSpec)
    memory = load_component(SCENARIOS / "memories/lpddr4_3200.yaml", MemorySpec)
    system = System(chip, memory, seed=1, **options)
    tasks = []
    mapping = system.mapper.map

    def remember(iteration):
        mapped = mapping(iteration)
        tasks.append(mapped.graph)
        return mapped

    system.mapper.map = remember
    results = [system.simulate(iteration) for iteration in iterations]
    times = [(task.start_ps, task.end_ps, task.spent_ps) for graph in tasks for task in graph]
    totals = [
        (result.job.start_ps, result.job.end_ps, result.job.time_by_reason_ps, result.action_counts, result.dram_bytes)
        for result in results
    ]
    return times, totals, system.accounts()


def test_a_training_takes_the_same_time_fused_and_unfused(iterations):
    fused = simulate(iterations)
    assert fused[1][0][1] > 0
    assert simulate(iterations, fused=False) == fused


def test_the_order_within_an_instant_changes_nothing(iterations):
    assert simulate(iterations[:1], fused=False, shuffle_seed=5) == simulate(iterations[:1])
