"""A training step of ResNet-18: the network whole on small images, and at full size within its limits of cost."""

import sys

import pytest
from helpers.chips import SCENARIOS

from benchmarks.resnet18 import CASES
from benchmarks.system import in_a_process
from cosim.models.chip.system import System
from cosim.models.tensors import Stage
from cosim.models.workload import Operation, build_workload
from cosim.scenario import load_scenario

SMALL = ["workload.network.input.height=32", "workload.network.input.width=32"]


def first_iteration(spec):
    return next(iter(build_workload(spec.workload, spec.pruning, seed=spec.seed).iterations()))


def test_the_step_has_all_stages_of_all_layers_and_the_update_of_all_weights():
    steps = first_iteration(load_scenario(SCENARIOS / "resnet18_step.yaml", SMALL).spec).steps
    operations = [step for step in steps if isinstance(step, Operation)]
    by_stage = {stage: [each.layer for each in operations if each.stage is stage] for stage in Stage}
    assert len(by_stage[Stage.FF]) == 21  # 17 convolutions, 3 projections, 1 linear layer
    assert by_stage[Stage.WG] == by_stage[Stage.FF][::-1]
    assert by_stage[Stage.BP] == by_stage[Stage.FF][:0:-1]  # not of the first
    updated = sum(step.elements_in for step in steps if getattr(step, "kind", "") == "update")
    assert updated == 11_689_512  # the published number of parameters


def test_the_forward_part_alone_is_the_beginning_of_the_step():
    whole = first_iteration(load_scenario(SCENARIOS / "resnet18_step.yaml", SMALL).spec).steps
    alone = first_iteration(load_scenario(SCENARIOS / "resnet18_ff.yaml", SMALL).spec).steps
    names = [(type(step), step.layer, step.stage, getattr(step, "kind", "")) for step in alone]
    assert names == [(type(step), step.layer, step.stage, getattr(step, "kind", "")) for step in whole[: len(alone)]]
    assert {step.stage for step in alone} == {Stage.FF}


def test_a_sparse_forward_part_on_small_images_moves_at_least_what_it_must():
    settings = [*SMALL, "workload.density.x=0.4", "workload.density.w=0.1"]
    spec = load_scenario(SCENARIOS / "resnet18_ff.yaml", settings).spec
    system = System(spec.chip, spec.memory, spec.seed)
    result = system.simulate(first_iteration(spec))
    weights = 11_689_512 - 1000 - 9600  # without biases and normalisation
    assert sum(result.dram_bytes) >= result.compulsory_bytes > weights // 8 + weights // 10
    macs, dense = (sum(getattr(record.counts, what) for record in result.operations) for what in ("macs", "dense_macs"))
    assert 0 < macs < 0.1 * dense  # of the weights a tenth, of most inputs 0.4


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_full_size_keeps_its_limits(name):
    """Loosely: three times the processor time that is asked for on an idle machine, and the memory that is."""
    scenario = str(SCENARIOS / f"{name}.yaml")
    cost = in_a_process([sys.executable, "-m", "benchmarks.resnet18", "--once", scenario])
    assert cost.figures[name]["macs"] == {"resnet18_ff": 1_680_390_912}.get(name, 4_924_958_208)
    assert cost.seconds < (12 if name == "resnet18_ff" else 30)
    assert cost.peak_mib * 1.048576 < 500
