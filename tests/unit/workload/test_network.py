"""Networks from descriptions: graphs, names, shapes, and what does not fit is refused by name."""

import numpy as np
import pytest

from cosim.models.numerics import Format
from cosim.models.tensors import ConvShape, Stage
from cosim.models.workload import Network, NetworkError, NetworkSpec, Operation, VectorWork
from cosim.models.workload.network import initial_weights
from cosim.models.workload.notes import Formats
from cosim.models.workload.recorder import Recorder

WIDE = Formats(Format.FP32, Format.FP32, Format.FP32)
RESIDUAL = [
    {"kind": "conv", "name": "stem", "channels": 4, "kernel": 3, "pad": 1, "bias": False},
    {"kind": "batch_norm", "name": "norm"},
    {"kind": "relu", "name": "start"},
    {"kind": "conv", "name": "left", "channels": 4, "kernel": 3, "pad": 1},
    {"kind": "conv", "name": "right", "input": "start", "channels": 4, "kernel": 1},
    {"kind": "add", "name": "join", "other": "left"},
    {"kind": "relu"},
    {"kind": "mean_pool", "size": 4},
    {"kind": "linear", "name": "fc", "channels": 3},
]


def build(layers, *, size=4, channels=2, batch=2, formats=WIDE, seed=1):
    described = {"name": "net", "input": {"height": size, "width": size, "channels": channels}, "layers": layers}
    return Network(NetworkSpec.model_validate(described), batch=batch, formats=formats, seed=seed)


def images(n=2, size=4, channels=2):
    return np.random.default_rng(0).standard_normal((n, size, size, channels)).astype(np.float32)


def test_a_residual_network_s_gradient_is_the_slope_of_its_loss():
    network = build(RESIDUAL)
    x, labels = images(), np.array([0, 2], dtype=np.int32)
    network.train_step(x, labels, Recorder(False))
    gradients = {p.name: p.gradient.copy() for p in network.parameters}
    for parameter in network.parameters:
        at = tuple(0 for _ in parameter.master.shape)
        losses = []
        for step in (0.0005, -0.0005):
            kept = parameter.master[at]
            parameter.master[at] = kept + np.float32(step)
            for layer in network.mac_layers:
                layer.refresh()
            losses.append(network.train_step(x, labels, Recorder(False)))
            parameter.master[at] = kept
            for layer in network.mac_layers:
                layer.refresh()
        slope = (losses[0] - losses[1]) / 0.001
        assert gradients[parameter.name][at] == pytest.approx(slope, rel=0.01, abs=1e-4), parameter.name


def test_steps_of_a_residual_network():
    network, recorder = build(RESIDUAL), Recorder(True)
    network.train_step(images(), np.array([0, 2], dtype=np.int32), recorder)
    operations = [(s.layer, s.stage) for s in recorder.steps if isinstance(s, Operation)]
    assert operations == [
        *[(name, Stage.FF) for name in ("stem", "left", "right", "fc")],
        *[(name, stage) for name in ("fc", "right", "left") for stage in (Stage.BP, Stage.WG)],
        ("stem", Stage.WG),
    ]
    # The tensor that both branches read is rounded once, and its two gradients are added.
    assert [s.layer for s in recorder.steps if isinstance(s, VectorWork) and s.kind == "quantize"].count("start") == 1
    added = [(s.layer, s.stage) for s in recorder.steps if isinstance(s, VectorWork) and s.kind == "add"]
    assert added == [("join", Stage.FF), ("join", Stage.BP), ("start", Stage.BP)]


def test_every_tensor_that_is_read_was_written_or_is_state():
    network, recorder = build(RESIDUAL), Recorder(True)
    network.train_step(images(), np.array([0, 2], dtype=np.int32), recorder)
    state = {"input", "labels", "norm.running", "norm.gamma.master", "norm.beta.master"}
    for layer in network.mac_layers:
        state |= {f"{layer.name}.{part}" for part in ("w.low", "w.mask", "bias.master")}
    written = set(state)
    for step in recorder.steps:
        operation = isinstance(step, Operation)
        reads = step.reads if operation else [access.tensor for access in step.reads]
        # Masks that do not exist: of what comes from no ReLU, or is not pruned.
        absent = {f"{name}.mask" for name in ("join", "mean_pool1")}
        assert set(reads) - absent <= written, step
        written |= {step.writes} if operation else {access.tensor for access in step.writes}


def test_layers_with_weights_and_their_stages():
    info = build(RESIDUAL).info
    assert [(layer.name, layer.has_bp) for layer in info] == [
        ("stem", False),
        ("left", True),
        ("right", True),
        ("fc", True),
    ]
    assert info[0].shape == ConvShape(n=2, c=2, h=4, w=4, k=4, r=3, s=3, pad=1)
    assert info[3].shape == ConvShape(n=2, c=4, h=1, w=1, k=3, r=1, s=1)


def test_layers_without_a_name_are_called_by_kind_and_number():
    network = build([{"kind": "relu"}, {"kind": "relu"}, {"kind": "linear", "channels": 2}])
    assert [layer.name for layer in network.layers] == ["relu1", "relu2", "linear1"]


def test_initial_weights_are_he_s_and_depend_on_the_layer_s_name_alone():
    shape = ConvShape(n=1, c=32, h=8, w=8, k=64, r=3, s=3)
    weights = initial_weights(shape, "conv", 7)
    bound = np.sqrt(6 / (9 * 32))
    assert np.abs(weights).max() <= bound
    assert weights.var() == pytest.approx(2 / (9 * 32), rel=0.02)
    assert np.array_equal(weights, initial_weights(shape, "conv", 7))
    assert not np.array_equal(weights, initial_weights(shape, "other", 7))
    assert not np.array_equal(weights, initial_weights(shape, "conv", 8))
    longer = build(
        [{"kind": "linear", "name": "extra", "channels": 4}, {"kind": "linear", "name": "fc", "channels": 2}]
    )
    shorter = build([{"kind": "linear", "name": "fc", "channels": 2}], size=2, channels=1)
    assert np.array_equal(longer.mac_layers[1].weight.master, shorter.mac_layers[0].weight.master)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [{"kind": "conv", "name": "a", "channels": 2, "kernel": 5}],
            "layer a: a 5x5 filter leaves no output of a 4x4 input",
        ),
        (
            [{"kind": "conv", "channels": 2, "kernel": 1, "groups": 3}],
            "layer conv1: c=2 and k=2 must both divide into 3 groups",
        ),
        ([{"kind": "max_pool", "size": 5}], "layer max_pool1: a 5x5 window does not fit into 4x4 with pad 0"),
        ([{"kind": "relu", "name": "a"}, {"kind": "relu", "name": "a"}], "layer a: the name is taken"),
        ([{"kind": "relu", "name": "input"}], "layer input: the name is taken"),
        ([{"kind": "relu", "input": "b"}], "layer relu1: there is no layer 'b' before it"),
        ([{"kind": "add", "name": "a", "other": "a"}], "layer a: there is no layer 'a' before it"),
        (
            [{"kind": "conv", "name": "a", "channels": 2, "kernel": 3}, {"kind": "add", "other": "input"}],
            "layer add1: adds tensors of different shapes, (2, 2, 2) and (4, 4, 2)",
        ),
        ([{"kind": "relu"}], "layer relu1: the last layer gives classes, 1x1, not (4, 4)"),
        (
            [{"kind": "relu"}, {"kind": "linear", "channels": 2, "input": "input"}],
            "layer relu1: nothing reads its output",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(layers, message):
    with pytest.raises(NetworkError) as raised:
        build(layers)
    assert str(raised.value) == message


def test_images_of_another_size_are_refused():
    network = build([{"kind": "linear", "channels": 2}])
    with pytest.raises(ValueError, match=r"^images: expected \(n, 4, 4, 2\), got \(1, 4, 4, 1\)$"):
        network.forward(images(1, channels=1), Recorder(False), training=False)
