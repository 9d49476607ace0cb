"""The laws of a simulated iteration: they hold, and each of them notices what breaks it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.chips import SCENARIOS
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip import System
from cosim.models.chip.invariants import effectual, violations
from cosim.models.chip.system import IterationResult
from cosim.models.core import SkipPolicy
from cosim.models.dram.checker import Command
from cosim.models.dram.observed import ObservedController
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload import Operation
from cosim.scenario import load_scenario
from cosim.testing import masks

SMALL = [
    "baselines=[]",
    "hindsight=false",
    "simulate.every=1",
    "workload={fidelity: statistical, iterations: 2, layers: [{name: a, c: 5, h: 4, w: 3, k: 6, r: 3, s: 3, pad: 1, "
    "density: {x: 0.5, w: 0.4}}]}",
    "pruning={schedule: none}",
]


@pytest.fixture
def spec():
    return load_scenario(SCENARIOS / "quickstart.yaml", SMALL).spec


def laws(spec):
    return {violation.law for violation in violations(spec)}


def test_all_hold(spec):
    assert list(violations(spec)) == []


def test_time_that_nobody_accounts_for(spec, monkeypatch):
    accounts = System.accounts
    monkeypatch.setattr(System, "accounts", lambda self: accounts(self) | {"vector": {"busy": 1}})
    assert laws(spec) == {"accounting"}


def changed(monkeypatch, change, only=lambda system: True):
    """Iterations of which `change` makes others."""
    simulate = System.simulate

    def other(self, iteration):
        result = simulate(self, iteration)
        if only(self):
            self.results[-1] = result = change(result)
        return result

    monkeypatch.setattr(System, "simulate", other)


def later(result):
    return replace(result, job=replace(result.job, end_ps=result.job.end_ps + 1))


def with_macs(result, macs):
    first, *others = result.operations
    return replace(result, operations=[replace(first, counts=macs(first.counts)), *others])


def test_a_multiply_accumulate_too_many(spec, monkeypatch):
    changed(monkeypatch, lambda r: with_macs(r, lambda counts: replace(counts, macs=counts.macs + 1)))
    assert {"multiply-accumulates", "executed and skipped"} <= laws(spec)


@pytest.mark.parametrize("density", [0, 1])
def test_the_extremes_have_laws_of_their_own(spec, monkeypatch, density):
    layer = spec.workload.layers[0].model_copy(
        update={"density": spec.workload.layers[0].density.model_copy(update={"x": density, "w": density})}
    )
    extreme = spec.model_copy(update={"workload": spec.workload.model_copy(update={"layers": (layer,)})})
    assert list(violations(extreme)) == []
    wrong = 1 if density == 0 else -1
    changed(monkeypatch, lambda r: with_macs(r, lambda counts: replace(counts, macs=counts.macs + wrong)))
    assert f"density {density}" in laws(extreme)


def test_an_iteration_faster_than_its_multipliers(spec, monkeypatch):
    monkeypatch.setattr(IterationResult, "duration_ps", property(lambda self: 1000))
    assert laws(spec) == {"accounting", "roofline"}


@pytest.mark.parametrize(
    ("law", "only"),
    [
        ("order within one instant", lambda system: system.shuffle_seed == 2),
        ("fused and unfused links", lambda system: not system.fused),
        ("twice the period", lambda system: system.chip_spec.clock > 20_000),
    ],
)
def test_a_run_that_differs(spec, monkeypatch, law, only):
    assert spec.chip.clock == 20_000
    changed(monkeypatch, later, only)
    assert laws(spec) == {law}


def test_a_command_too_early(spec, monkeypatch):
    process = ObservedController.process

    def early(self, until):
        tags = process(self, until)
        if self.commands and self.commands[-1].name == "ACT":
            last = self.commands[-1]
            self.commands.append(Command(last.clk + 1, "RD", last.group, last.bank, last.row))
        return tags

    monkeypatch.setattr(ObservedController, "process", early)
    assert laws(spec) == {"DRAM rules"}


Z = ConvShape(2, 4, 3, 4, 6, 2, 2, stride=2, pad=1, groups=2)
POLICIES = [SkipPolicy(frozenset(named)) for named in ([], ["input"], ["weight", "output"], ["input", "output"])]


@given(masks(Z.x_shape), masks(Z.w_shape), masks(Z.y_shape), st.sampled_from(POLICIES), st.sampled_from(list(Stage)))
def test_effectual_pairs_one_by_one(x, w, y, policy, stage):
    """Five loops and nothing else, groups included."""
    of = {
        Stage.FF: {"x": x, "w": w},
        Stage.BP: {"w": w, "dy": y, "output_needed": x},
        Stage.WG: {"x": x, "dy": y, "output_needed": w},
    }[stage]
    operation = Operation("a", stage, Z, (), "", **{name: BitTensor.from_bool(mask) for name, mask in of.items()})
    roles = {Stage.FF: "xw-", Stage.BP: "ywx", Stage.WG: "xyw"}[stage]
    used = {role for role, name in zip(roles, ("input", "weight", "output"), strict=True) if name in policy.operands}
    count = 0
    for n, k, p, q, r, s, c in np.ndindex(Z.n, Z.k, Z.p, Z.q, Z.r, Z.s, Z.c // Z.groups):
        h, v, channel = p * 2 + r - 1, q * 2 + s - 1, k // 3 * 2 + c
        if not (0 <= h < Z.h and 0 <= v < Z.w):
            continue
        count += (
            ("x" not in used or x[n, h, v, channel])
            and ("w" not in used or w[k, r, s, c])
            and ("y" not in used or y[n, p, q, k])
        )
    assert effectual(operation, policy) == count
