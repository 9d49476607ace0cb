"""Descriptions as scenario files have them: the project's own files are read, and mistakes are named."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from cosim.models.numerics import Format
from cosim.models.pruning import PruningSpec, build_pruning
from cosim.models.workload import FunctionalSpec, Network, NetworkSpec, WorkloadSpec
from cosim.models.workload.graph import Graph
from cosim.models.workload.notes import Formats

SCENARIOS = Path(__file__).parents[3] / "scenarios"
NETWORKS = sorted((SCENARIOS / "networks").glob("*.yaml"))
SCHEDULES = sorted((SCENARIOS / "schedules").glob("*.yaml"))


def read(path):
    return YAML(typ="safe").load(path)


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_the_networks_that_come_along_are_networks(path):
    spec = NetworkSpec.model_validate(read(path))
    assert spec.name == path.stem
    assert Graph(spec).mac_nodes


@pytest.mark.parametrize("path", SCHEDULES, ids=lambda path: path.stem)
def test_the_schedules_that_come_along_fit_the_small_network(path):
    spec = TypeAdapter(PruningSpec).validate_python(read(path))
    assert spec.schedule == path.stem
    network = Network(
        NetworkSpec.model_validate(read(SCENARIOS / "networks/digits_cnn.yaml")), batch=2, formats=Formats(), seed=1
    )
    build_pruning(spec, {layer.name: layer.shape for layer in network.mac_layers}, 100, seed=1)


FUNCTIONAL = {
    "fidelity": "functional",
    "network": {
        "name": "n",
        "input": {"height": 1, "width": 1, "channels": 1},
        "layers": [{"kind": "linear", "channels": 2}],
    },
    "data": {"loader": "optical_digits", "file": "x.npz"},
    "batch": 4,
    "epochs": 1,
    "optimizer": {"learning_rate": {"schedule": "constant", "rate": 0.1}},
}


INT8 = {"activation": "int8", "weight": "int8", "gradient": "int8"}


def test_sums_take_the_formats_that_they_can():
    for formats in ({"accumulate": "fp16"}, {**INT8, "accumulate": "int32"}, {**INT8, "accumulate": "fp32"}):
        FunctionalSpec.model_validate(FUNCTIONAL | {"formats": formats})
    for formats, message in (
        ({"accumulate": "int32"}, "sums in int32 do not take operands in fp8_e4m3"),
        ({**INT8, "accumulate": "fp16"}, "sums in fp16 do not take operands in int8"),
        ({"gradient": "bf16", "accumulate": "fp16"}, "sums in fp16 do not take operands in bf16"),
    ):
        with pytest.raises(ValidationError, match=message):
            FunctionalSpec.model_validate(FUNCTIONAL | {"formats": formats})


def test_formats_are_fp8_unless_said_otherwise():
    formats = FunctionalSpec.model_validate(FUNCTIONAL).formats
    assert (formats.activation, formats.weight, formats.gradient) == (
        Format.FP8_E4M3,
        Format.FP8_E4M3,
        Format.FP8_E5M2,
    )
    wide = FunctionalSpec.model_validate(FUNCTIONAL | {"formats": {"gradient": "bf16"}}).formats
    assert wide.gradient is Format.BF16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fidelity": "exact"}, "does not match any of the expected tags: 'functional', 'statistical'"),
        ({"batch": 0}, "greater than or equal to 1"),
        ({"epoch": 3}, "Extra inputs are not permitted"),
        ({"optimizer": {"learning_rate": {"schedule": "cosine", "rate": 1}}}, "'constant', 'step', 'polynomial'"),
        ({"optimizer": {"learning_rate": {"schedule": "constant", "rate": 0}}}, "greater than 0"),
        ({"formats": {"weight": "fp4"}}, "'fp8_e4m3', 'fp8_e5m2', 'fp16', 'bf16', 'fp32' or 'int8'"),
        ({"network": FUNCTIONAL["network"] | {"layers": []}}, "at least 1 item"),
        ({"network": FUNCTIONAL["network"] | {"layers": [{"kind": "lstm"}]}}, "'conv', 'linear', 'batch_norm'"),
        ({"network": FUNCTIONAL["network"] | {"name": "a b"}}, "should match pattern"),
    ],
)
def test_mistakes_in_a_workload_are_named(changes, message):
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(WorkloadSpec).validate_python(FUNCTIONAL | changes)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"schedule": "rundom"}, "unknown kind"),
        ({"sparsity": 0.5}, "no kind"),
        ({"schedule": "scfp"}, "sparsity"),
        ({"schedule": "scfp", "sparsity": 1.1}, "less than or equal to 1"),
        ({"schedule": "magnitude", "sparsity": 0.5, "sample": 0.1}, "Extra inputs are not permitted"),
        ({"schedule": "n_of_m", "n": 5, "m": 4}, "n must be at most m, got 5 of 4"),
        ({"schedule": "magnitude", "sparsity": 0.5, "begin": 0.5, "end": 0.5}, "begin must be before end"),
        ({"schedule": "cfp", "sparsity": 0.5, "unit": {"channels_in": 0}}, "greater than or equal to 1"),
        ({"schedule": "cfp", "sparsity": 0.5, "criterion": "random"}, "'similarity' or 'magnitude'"),
    ],
)
def test_mistakes_in_a_schedule_are_named(described, message):
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(PruningSpec).validate_python(described)
    assert message in str(raised.value)
