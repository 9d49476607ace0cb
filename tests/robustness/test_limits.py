"""Absurd sizes in a scenario: one clear line at the place, at once, not a machine without memory."""

import json

import pytest
from helpers.chips import SCENARIOS
from helpers.interrupting import NET, WORKLOADS
from helpers.scenario_of import scenario_of

from cosim.scenario import ScenarioError, load_scenario

LAYER = {"name": "a", "c": 4, "h": 4, "w": 4, "k": 4, "r": 1, "s": 1}


def load(folder, workload):
    (folder / "s.yaml").write_text(json.dumps(scenario_of(workload), indent=1))
    return load_scenario(folder / "s.yaml")


def problem(folder, workload):
    with pytest.raises(ScenarioError) as error:
        load(folder, workload)
    (line,) = str(error.value).splitlines()
    return line.split(": ", 1)[1]


def layers(**changed):
    return {"fidelity": "statistical", "layers": [LAYER | changed]}


def net(**changed):
    return {"fidelity": "statistical", "network": NET, **changed}


def functional(**changed):
    data = {"loader": "optical_digits", "file": str(SCENARIOS / "data/optical_digits.npz")}
    return WORKLOADS["functional"] | {"data": data, **changed}


WIDE = NET | {"layers": [{"kind": "linear", "channels": 1 << 22}, {"kind": "linear", "channels": 10}]}

ABSURD = {
    "batch": (net(batch=10**12), "workload.batch: must be at most 1048576, got 1000000000000"),
    "batch of a layer": (
        layers() | {"batch": 1 << 20, "layers": [LAYER | {"h": 64, "w": 64}]},
        "workload.batch: layer a: its input would have 17179869184 elements; at most 1073741824",
    ),
    "iterations": (net(iterations=10**12), "workload.iterations: must be at most 1048576, got 1000000000000"),
    "epochs": (functional(epochs=10**9), "workload.epochs: must be at most 1048576, got 1000000000"),
    "epochs of batches": (
        functional(epochs=1 << 20, batch=100),
        "workload.epochs: 1048576 epochs of 13 batches; a training has at most 1048576 iterations",
    ),
    "batch of a training": (
        functional(batch=1 << 20),
        "workload.batch: a batch of 1048576 is more than the 1347 training images",
    ),
    "weights of a training": (
        functional(network=WIDE),
        "workload.network.layers[0]: layer linear1: 272629760 weights; at most 134217728 of a layer can be trained",
    ),
    "channels": (layers(c=10**12), "workload.layers[0].c: must be at most 16777216, got 1000000000000"),
    "pad": (layers(pad=10**12), "workload.layers[0].pad: must be at most 16777216, got 1000000000000"),
    "weights": (
        layers(c=1 << 20, k=1 << 20, h=1, w=1),
        "workload.layers[0]: layer a: its weights would have 1099511627776 elements; at most 1073741824",
    ),
    "output": (
        layers(h=1 << 15, w=1 << 15, c=1, k=1 << 10),
        "workload.layers[0]: layer a: its output would have 1099511627776 elements; at most 1073741824",
    ),
    "density": (net(density={"x": 1e300}), "workload.density.x: must be at most 1.0, got 1e+300"),
    "density below": (net(density={"w": -1}), "workload.density.w: must be at least 0.0, got -1"),
    "coarse share": (layers(density={"coarse_share": 2}), "workload.layers[0].density.coarse_share: must be at most"),
    "a network of another tool": (
        net(network="net.onnx"),
        "workload.network: expected a mapping, or the path of a YAML file (*.yaml), got the text 'net.onnx'; "
        "`cosim import` makes a YAML file of another tool's",
    ),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_sizes(tmp_path, name):
    workload, message = ABSURD[name]
    assert problem(tmp_path, workload).startswith(message)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_densities_that_are_no_numbers(tmp_path, value):
    text = f"{{fidelity: statistical, network: {json.dumps(NET)}, density: {{x: {value}}}}}"
    (tmp_path / "w.yaml").write_text(text)
    assert "density.x: " in problem(tmp_path, "w.yaml")


def test_the_largest_of_each_is_taken(tmp_path):
    """Judged, not run."""
    spec = load(tmp_path, net(batch=1 << 16, iterations=1 << 20)).spec
    assert (spec.workload.batch, spec.workload.iterations) == (1 << 16, 1 << 20)
