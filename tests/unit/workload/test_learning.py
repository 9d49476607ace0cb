"""Small networks with every kind of layer learn in FP8, about as well as in FP32."""

from pathlib import Path

import pytest

from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component

DIGITS = Path(__file__).parents[3] / "scenarios/workloads/digits_cnn.yaml"
IN_FP32 = [f"formats.{operand}=fp32" for operand in ("activation", "weight", "gradient")]


def train(name, rule, rate, epochs, *more):
    """The losses of the first ten iterations, of the last ten, and the accuracy at the end."""
    overrides = [f"network=../networks/{name}.yaml", f"epochs={epochs}", f"optimizer.rule={rule}", *more]
    overrides.append(f"optimizer.learning_rate={{schedule: constant, rate: {rate}}}")
    workload = build_workload(load_component(DIGITS, FunctionalSpec, overrides), seed=1)
    losses = [iteration.loss for iteration in workload.iterations(detailed=())]
    return sum(losses[:10]) / 10, sum(losses[-10:]) / 10, workload.evaluate()


CASES = [("digits_residual", "momentum", 0.05), ("digits_vit", "adam", 0.002)]


@pytest.mark.parametrize(("name", "rule", "rate"), CASES)
def test_the_loss_falls(name, rule, rate):
    """In one epoch; guessing has a loss of 2.3 and an accuracy of 0.1."""
    first, last, accuracy = train(name, rule, rate, 1)
    assert last < 0.8 * first
    assert accuracy > 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rule", "rate"), CASES)
def test_fp8_learns_as_fp32_does(name, rule, rate):
    """In three epochs, from the same weights: not two thirds of what FP32 learns beyond guessing, or less."""
    _, _, exact = train(name, rule, rate, 3, *IN_FP32)
    first, last, accuracy = train(name, rule, rate, 3)
    print(f"{name}: FP8 {accuracy:.4f}, FP32 {exact:.4f}")
    assert first > 1.5 > last
    assert accuracy - 0.1 > (exact - 0.1) * 2 / 3
