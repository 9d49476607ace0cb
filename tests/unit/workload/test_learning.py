"""Small networks with every kind of layer learn, in FP8; the bounds are far from what a network that does not has."""

from pathlib import Path

import pytest

from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component

DIGITS = Path(__file__).parents[3] / "scenarios/workloads/digits_cnn.yaml"


@pytest.mark.parametrize(
    ("name", "rule", "rate"), [("digits_residual", "momentum", 0.05), ("digits_vit", "adam", 0.002)]
)
def test_the_loss_falls(name, rule, rate):
    overrides = [f"network=../networks/{name}.yaml", "epochs=3", f"optimizer.rule={rule}"]
    overrides.append(f"optimizer.learning_rate={{schedule: constant, rate: {rate}}}")
    workload = build_workload(load_component(DIGITS, FunctionalSpec, overrides), seed=1)
    losses = [iteration.loss for iteration in workload.iterations(detailed=())]
    assert sum(losses[:10]) / 10 > 1.5
    assert sum(losses[-10:]) / 10 < 0.8
    assert workload.evaluate() > 0.7  # chance is 0.1
