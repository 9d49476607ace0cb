"""The gradients of every kind of layer: their own code in FP64 against central differences, and against PyTorch."""

import numpy as np
import pytest

from cosim.models.workload import Network, NetworkSpec
from cosim.models.workload.network_schema import AnyLayer
from cosim.models.workload.notes import Formats
from cosim.models.workload.recorder import Recorder

STEP = 1e-6
HEAD = [{"kind": "linear", "name": "head", "channels": 3}]
STEM = {"kind": "conv", "name": "stem", "channels": 4, "kernel": 3, "pad": 1}
QKV = [{"kind": "conv", "name": name, "input": "stem", "channels": 4, "kernel": 1} for name in "qkv"]
ATTENTION = {"kind": "attention", "input": "q", "key": "k", "value": "v", "heads": 2}
CASES = {
    "linear": [],
    "conv": [{"kind": "conv", "channels": 3, "kernel": 2}],
    "conv, strided, padded, not square": [
        {"kind": "conv", "channels": 2, "kernel": 3, "kernel_width": 2, "stride": 2, "pad": 1}
    ],
    "conv, grouped": [{"kind": "conv", "channels": 6, "kernel": 3, "groups": 2}],
    "conv, depthwise": [{"kind": "conv", "channels": 4, "kernel": 3, "groups": 4, "bias": False}],
    "batch_norm": [{"kind": "batch_norm"}],
    "layer_norm": [{"kind": "layer_norm"}],
    "relu": [{"kind": "relu"}],
    "relu, limited": [{"kind": "relu", "limit": 0.3}],
    "gelu": [{"kind": "gelu"}],
    "max_pool": [{"kind": "max_pool", "size": 2}],
    "max_pool, overlapping, padded": [{"kind": "max_pool", "size": 3, "stride": 2, "pad": 1}],
    "mean_pool": [{"kind": "mean_pool", "size": 2}],
    "global_mean_pool": [{"kind": "global_mean_pool"}],
    "flatten": [{"kind": "flatten"}],
    "position": [{"kind": "position"}],
    "add": [{"kind": "gelu"}, {"kind": "add", "other": "stem"}],
    "attention": [*QKV, ATTENTION],
    "attention to itself": [ATTENTION | {"input": "stem", "key": "stem", "value": "stem"}],
}


def build(layers, size=(4, 3, 2)):
    height, width, channels = size
    spec = NetworkSpec.model_validate(
        {
            "name": "n",
            "input": {"height": height, "width": width, "channels": channels},
            "layers": [STEM, *layers, *HEAD],
        }
    )
    network = Network(spec, batch=3, formats=Formats(), seed=1, dtype=np.float64)
    random = np.random.default_rng(2)
    for parameter in network.parameters:  # scales of one and shifts of zero would hide mistakes
        parameter.master = parameter.master + 0.1 * random.standard_normal(parameter.master.shape)
    refresh(network)
    return network, random.standard_normal((3, *size)), np.array([0, 2, 1], dtype=np.int32)


def refresh(network):
    for layer in network.mac_layers:
        layer.refresh()


def slope(network, images, labels, parameter, at):
    losses = []
    for step in (STEP, -STEP):
        kept = parameter.master[at]
        parameter.master[at] = kept + step
        refresh(network)
        losses.append(network.train_step(images, labels, Recorder(False)))
        parameter.master[at] = kept
    refresh(network)
    return (losses[0] - losses[1]) / (2 * STEP)


def test_every_kind_of_layer_is_here():
    kinds = {item.model_fields["kind"].annotation.__args__ for item in AnyLayer.__args__[0].__args__}
    here = {layer["kind"] for layers in CASES.values() for layer in layers} | {"linear"}
    assert {kind for several in kinds for kind in several} == here


@pytest.mark.parametrize("name", CASES)
def test_central_differences(name):
    """All gradients of the layer's parameters, and, through those of the layer before it, that of its input."""
    network, images, labels = build(CASES[name])
    network.train_step(images, labels, Recorder(False))
    gradients = {parameter.name: parameter.gradient.copy() for parameter in network.parameters}
    random = np.random.default_rng(3)
    for parameter in network.parameters:
        every = list(np.ndindex(parameter.master.shape))
        chosen = every if len(every) <= 12 else [every[i] for i in random.choice(len(every), 12, replace=False)]
        for at in chosen:
            expected = slope(network, images, labels, parameter, at)
            assert gradients[parameter.name][at] == pytest.approx(expected, rel=1e-5, abs=1e-8), (parameter.name, at)


# ---- PyTorch -------------------------------------------------------------------------------------------------------


def run_in_pytorch(torch, network, images, labels):
    """The loss and the gradients of all parameters, by name, of the same network written in PyTorch."""
    f = torch.nn.functional
    parameters = {}
    for layer in network.layers:
        for parameter in layer.parameters:
            values = parameter.master
            if parameter.name.endswith(".w"):
                values = values.transpose(0, 3, 1, 2)  # (k, c, r, s)
            parameters[parameter.name] = torch.tensor(values.copy(), requires_grad=True)
    tensors = [torch.tensor(images.transpose(0, 3, 1, 2).copy())]  # (n, c, h, w)
    for node in network.graph.nodes:
        item, inputs = node.spec, [tensors[i] for i in node.inputs]
        x, own = inputs[0], {part: parameters.get(f"{node.name}.{part}") for part in ("w", "bias", "gamma", "beta")}
        match item.kind:
            case "conv":
                y = f.conv2d(x, own["w"], own["bias"], item.stride, item.pad, groups=item.groups)
            case "linear":
                y = f.linear(x.permute(0, 2, 3, 1).flatten(1), own["w"].flatten(1), own["bias"])[..., None, None]
            case "batch_norm":
                y = f.batch_norm(x, None, None, own["gamma"], own["beta"], training=True, eps=item.epsilon)
            case "layer_norm":
                last = x.permute(0, 2, 3, 1)
                y = f.layer_norm(last, last.shape[-1:], own["gamma"], own["beta"], item.epsilon).permute(0, 3, 1, 2)
            case "relu":
                y = x.clamp(min=0) if item.limit is None else x.clamp(0, item.limit)
            case "gelu":
                y = f.gelu(x, approximate="tanh")
            case "max_pool":
                y = f.max_pool2d(x, item.size, item.stride, item.pad)
            case "mean_pool":
                y = f.avg_pool2d(x, item.size, item.stride, item.pad, count_include_pad=False)
            case "global_mean_pool":
                y = x.mean(dim=(2, 3), keepdim=True)
            case "flatten":
                y = x.permute(0, 2, 3, 1).flatten(1)[..., None, None]
            case "position":
                y = x + parameters[f"{node.name}.values"].permute(2, 0, 1)
            case "add":
                y = inputs[0] + inputs[1]
            case "attention":
                n, c, h, w = x.shape
                q, k, v = (t.reshape(n, item.heads, c // item.heads, h * w).transpose(2, 3) for t in inputs)
                y = f.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(n, c, h, w)
        tensors.append(y)
    loss = f.cross_entropy(tensors[-1][:, :, 0, 0], torch.tensor(labels.astype(np.int64)))
    loss.backward()
    gradients = {name: parameter.grad.numpy() for name, parameter in parameters.items()}
    return loss.item(), {n: g.transpose(0, 2, 3, 1) if n.endswith(".w") else g for n, g in gradients.items()}


@pytest.mark.parametrize("name", CASES)
def test_pytorch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the optional extra 'capture'")
    network, images, labels = build(CASES[name])
    loss = network.train_step(images, labels, Recorder(False))
    expected, gradients = run_in_pytorch(torch, network, images, labels)
    assert loss == pytest.approx(expected, rel=1e-12)
    for parameter in network.parameters:
        np.testing.assert_allclose(
            parameter.gradient, gradients[parameter.name].reshape(parameter.gradient.shape), rtol=1e-9, atol=1e-12
        )
