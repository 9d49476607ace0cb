"""Every network of scenarios/networks runs on the chip: its tasks do all of its multiply-accumulates, none twice."""

import pytest
from helpers.chips import SCENARIOS, chip_spec, system

from cosim.models.chip.feasibility import chip_misfits
from cosim.models.workload import StatisticalSpec, build_workload
from cosim.models.workload.build import planned_layers
from cosim.models.workload.network_schema import NetworkSpec
from cosim.scenario import load_component

NETWORKS = sorted(file.stem for file in (SCENARIOS / "networks").glob("*.yaml"))
SMALL = [name for name in NETWORKS if name.startswith("digits_") or name in ("lenet5", "mlp")]
LARGE = [name for name in NETWORKS if name not in SMALL]


def workload(name, layers=None):
    """An iteration with one image; of the first `layers` layers, where given."""
    network = load_component(SCENARIOS / f"networks/{name}.yaml", NetworkSpec)
    if layers is not None:
        network = network.model_copy(update={"layers": network.layers[:layers], "loss": "none"})
    density = {"x": 0.5, "w": 0.5, "dy": 0.5}
    return StatisticalSpec.model_validate({"fidelity": "statistical", "network": network, "density": density})


def expected_macs(spec):
    """FF, BP of all but the first, WG of those with weights (attention: of both operands), from the shapes alone."""
    layers, _ = planned_layers(spec, seed=1)
    return sum(layer.shape.macs * (3 if layer.has_bp else 2) for layer in layers)


def mapped(spec, on):
    return on.mapper.map(next(iter(build_workload(spec, seed=1).iterations())))


def dense_macs(done):
    return sum(record.counts.dense_macs for record in done.operations)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_network_runs(name):
    spec, on = workload(name), system()
    done = mapped(spec, on)
    assert dense_macs(done) == expected_macs(spec)
    job = on.run_graph(done.graph)
    assert job.end_ps > 0
    assert sum(record.counts.macs for record in done.operations) == on.chip.action_counts()["core.mac"]


@pytest.mark.parametrize("name", LARGE)
def test_a_large_network_fits(name):
    spec = workload(name)
    assert [str(error) for error in chip_misfits(chip_spec("pnpu"), *planned_layers(spec, seed=1), "chip")] == []


def test_the_first_depthwise_layer_of_mobilenet_runs():
    """Whose rows of all channels are more than a core's memory holds."""
    network = workload("mobilenet_v2").network
    at = next(i for i, layer in enumerate(network.layers) if getattr(layer, "groups", 1) > 1)
    spec = workload("mobilenet_v2", at + 1)
    done = mapped(spec, system())
    assert dense_macs(done) == expected_macs(spec)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_network_is_mapped_whole(name):
    spec = workload(name)
    assert dense_macs(mapped(spec, system("pnpu_imagenet"))) == expected_macs(spec)
