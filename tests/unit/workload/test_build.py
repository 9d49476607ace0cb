"""Whole trainings as scenario files describe them: accuracy, dense and pruned; the same bytes everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cosim.models.pruning import NoPruningSpec
from cosim.models.pruning.schema import CoarseFineSpec, StochasticCoarseFineSpec
from cosim.models.tensors import Stage
from cosim.models.workload import FunctionalSpec, StatisticalSpec, build_workload
from cosim.scenario import load_component

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SEEDS = (1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def digits():
    return load_component(SCENARIOS / "workloads/digits_cnn.yaml", FunctionalSpec)


@pytest.fixture(scope="module")
def scfp():
    return load_component(SCENARIOS / "schedules/scfp.yaml", StochasticCoarseFineSpec)


def train(workload):
    """The last iteration, and the accuracy after it."""
    *_, last = workload.iterations(detailed=())
    return last, workload.evaluate()


def test_one_training_reaches_its_accuracy_and_its_sparsity(digits, scfp):
    """Seed 6; the five seeds of the slow test below are another matter. About 3 CPU seconds."""
    workload = build_workload(digits, scfp, seed=6)
    last, accuracy = train(workload)
    assert workload.total_iterations == 504
    assert accuracy >= 0.975
    # Exactly, but for weights that FP8 rounds to zero besides the pruned ones.
    assert 0.9 - 1e-4 <= last.zero_weight_share <= 0.905
    assert last.coarse_zero_share >= 0.5
    assert last.sparsity["conv1"].zeros == 72


@pytest.mark.slow
def test_accuracy_over_five_seeds(digits, scfp):
    """Dense FP8 training reaches 98 %; stochastic coarse-fine pruning to 90 % zeros loses at most 0.7 points.

    Both on average over seeds 1 to 5, paired by seed; test accuracy of the last iteration. Recorded:
    dense 99.33 99.33 99.33 99.78 98.89, mean 99.33 %; pruned 98.44 98.67 99.33 99.11 98.67, mean 98.84 %: 0.49 points.
    Zeros 90.00 %, 60 % of them in coarse units; 2.4 and 2.7 CPU seconds for one training.
    Hyper-parameters were chosen on other seeds (100 to 103, 200 to 207, 300 to 307): learning rates 0.02, 0.05, 0.1;
    10, 12, 15 epochs; end of the ramp at 0.5, 0.6, 0.7; an event every iteration, every second, every fourth;
    similarity and magnitude; units of 2x2, 4x4, 8x8; weight decay 0 and 0.0005.
    """
    dense, pruned = [], []
    for seed in SEEDS:
        dense.append(train(build_workload(digits, NoPruningSpec(), seed=seed))[1])
        last, accuracy = train(build_workload(digits, scfp, seed=seed))
        pruned.append(accuracy)
        assert last.zero_weight_share >= 0.9 - 1e-4
        assert last.coarse_zero_share >= 0.5
    assert np.mean(dense) >= 0.98
    assert np.mean(dense) - np.mean(pruned) <= 0.007


def test_pruning_saves_what_sampling_saves(digits, scfp):
    """Similarity of sampled channels against all pairs, event by event; at equal sparsity, by the schedule."""
    full = CoarseFineSpec.model_validate(scfp.model_dump(exclude={"sample"}) | {"schedule": "cfp", "end": 0.12})
    short = scfp.model_copy(update={"end": 0.12})
    macs = []
    for spec in (full, short):
        workload = build_workload(digits.model_copy(update={"epochs": 2}), spec, seed=1)
        events = [event for iteration in workload.iterations(detailed=()) for event in iteration.prune_events]
        macs.append({event.layer: event.coarse_macs for event in events})
    assert macs[0] == {"conv1": 120 * 9, "conv2": 496 * 144, "conv3": 2016 * 288, "fc": 45 * 256}
    sampled = {layer: count for layer, count in macs[1].items() if layer != "fc"}
    assert sampled == {"conv1": 6 * 9, "conv2": 6 * 144, "conv3": 6 * 288}
    assert macs[1]["fc"] in (6 * 256, 1 * 256)  # the last band of ten channels has two


def test_a_statistical_file_delivers_its_layers():
    spec = load_component(SCENARIOS / "workloads/resnet18_stage2.yaml", StatisticalSpec)
    (iteration,) = build_workload(spec, seed=1).iterations()
    assert len(iteration.operations) == 12
    shares = [o.x.count() / o.x.size for o in iteration.operations if o.stage is Stage.FF]
    assert shares == pytest.approx([0.5] * 4, abs=0.1)
    assert all(o.dy.count() == o.dy.size for o in iteration.operations if o.stage is Stage.BP)


DIGEST = """
import hashlib, sys
from pathlib import Path
from cosim.models.pruning.schema import StochasticCoarseFineSpec
from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component
scenarios = Path(sys.argv[1])
spec = load_component(scenarios / "workloads/digits_cnn.yaml", FunctionalSpec, ["epochs=1"])
pruning = load_component(scenarios / "schedules/scfp.yaml", StochasticCoarseFineSpec)
workload = build_workload(spec, pruning, seed=11)
digest = hashlib.sha256()
for iteration in workload.iterations(detailed=range(0, 42, 10)):
    digest.update(repr((iteration.index, iteration.loss.hex(), sorted(iteration.sparsity.items()))).encode())
    for event in iteration.prune_events:
        digest.update(repr((event.layer, event.sampled_channels)).encode() + event.mask.tobytes())
    for o in iteration.operations:
        for mask in (o.x, o.w, o.dy, o.output_needed):
            digest.update(b"" if mask is None else mask.words.tobytes())
for parameter in workload.network.parameters:
    digest.update(parameter.master.tobytes() + parameter.momentum.tobytes())
print(digest.hexdigest(), workload.evaluate())
"""


def test_same_seed_same_bytes_under_another_hash_seed_and_instruction_set():
    plain = {"PYTHONHASHSEED": "0"}
    other = {"PYTHONHASHSEED": "12345", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"}
    digests = set()
    for extra in (plain, other):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", DIGEST, SCENARIOS],
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(result.stdout)
    assert len(digests) == 1
