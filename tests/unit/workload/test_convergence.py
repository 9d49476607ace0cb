"""FP8 learns as FP32 does."""

from pathlib import Path

import numpy as np
import pytest

from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component

DIGITS = Path(__file__).parents[3] / "scenarios/workloads/digits_cnn.yaml"
SEEDS = range(1, 6)


def accuracy(seed, *overrides):
    workload = build_workload(load_component(DIGITS, FunctionalSpec, overrides), seed=seed)
    for _ in workload.iterations(detailed=()):
        pass
    return workload.evaluate()


@pytest.mark.slow
def test_fp8_converges_within_0_7_points_of_fp32():
    """Five seeds, paired: the same weights and batches, in the chip's formats and without any rounding but FP32's."""
    wide = [f"formats.{part}=fp32" for part in ("activation", "weight", "gradient")]
    fp8 = np.array([accuracy(seed) for seed in SEEDS])
    fp32 = np.array([accuracy(seed, *wide) for seed in SEEDS])
    print(f"FP8 {100 * fp8.mean():.2f} %, FP32 {100 * fp32.mean():.2f} %, seed by seed {100 * (fp8 - fp32)} points")
    assert fp32.mean() > 0.98
    assert abs((fp8 - fp32).mean()) <= 0.007
