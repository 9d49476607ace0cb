"""Networks as graphs: the sizes of the published ones, shapes and what comes from a ReLU."""

from pathlib import Path

import pytest

from cosim.models.tensors import ConvShape
from cosim.models.workload import NetworkError, NetworkSpec
from cosim.models.workload.graph import Graph
from cosim.scenario import load_component

NETWORKS = Path(__file__).parents[3] / "scenarios/networks"

# Parameters, biases and normalisation included, as torchvision 0.20 counts them (resnet18, vgg16, mobilenet_v2); of
# LeNet-5 and LeNet-300-100 as Han et al. (NeurIPS 2015) count layers of these shapes; ViT-Tiny without class token (192
# values, and as many of its position); BERT-base: 12 d^2 + 13 d, d = 768, of which one layer is made.
PARAMETERS = {
    "resnet18": 11_689_512,
    "vgg16": 138_357_544,
    "mobilenet_v2": 3_504_872,
    "lenet5": 61_706,
    "mlp": 266_610,
    "vit_tiny": 5_717_416 - 2 * 192,
    "bert_base_layer": 12 * 768**2 + 13 * 768,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_published_networks(name):
    graph = Graph(load_component(NETWORKS / f"{name}.yaml", NetworkSpec))
    assert sum(size for node in graph.nodes for _, size, _ in node.parameters()) == PARAMETERS[name]


def build(*layers, size=(4, 4, 2), **more):
    height, width, channels = size
    described = {"name": "n", "input": {"height": height, "width": width, "channels": channels}, "layers": layers}
    return Graph(NetworkSpec.model_validate(described | more))


def node(graph, name):
    return next(found for found in graph.nodes if found.name == name)


HEAD = ({"kind": "global_mean_pool"}, {"kind": "linear", "channels": 3})


def test_shapes():
    graph = build(
        {"kind": "conv", "channels": 4, "kernel": 3, "kernel_width": 1, "pad": 1},
        {"kind": "relu", "limit": 6.0},
        {"kind": "flatten"},
        {"kind": "linear", "channels": 3},
    )
    conv, relu, flatten, linear = graph.nodes
    assert conv.mac_shape(5) == ConvShape(5, 2, 4, 4, 4, 3, 1, 1, 1)
    assert (conv.output_shape, relu.output_shape, flatten.output_shape) == ((4, 6, 4), (4, 6, 4), (1, 1, 96))
    assert linear.mac_shape(5) == ConvShape(5, 96, 1, 1, 3, 1, 1)
    # A flattened tensor keeps its name.
    assert (flatten.tensor, linear.sources) == ("relu1", ("relu1",))


def test_attention_is_two_grouped_convolutions():
    graph = build(
        *({"kind": "conv", "name": name, "input": "input", "channels": 6, "kernel": 1} for name in "qkv"),
        {"kind": "attention", "name": "a", "input": "q", "key": "k", "value": "v", "heads": 3},
        *HEAD,
    )
    # 2 images, 3 heads of 2 channels, 16 tokens: 2 * 3 * 16 * 16 * 2 multiply-accumulates each.
    info = {layer.name: layer for layer in graph.layer_info(2)}
    assert info["a.scores"].shape == ConvShape(1, 12, 16, 1, 96, 1, 1, groups=6)
    assert info["a.context"].shape == ConvShape(1, 96, 16, 1, 12, 1, 1, groups=6)
    assert info["a.scores"].shape.macs == info["a.context"].shape.macs == 3072
    assert [layer.has_weights for layer in graph.layer_info(2)] == [True] * 3 + [False] * 2 + [True]


def test_what_comes_from_a_relu():
    graph = build(
        {"kind": "conv", "name": "c", "channels": 2, "kernel": 1},
        {"kind": "relu", "name": "r"},
        {"kind": "max_pool", "name": "p", "size": 1},
        {"kind": "add", "name": "both", "input": "r", "other": "p"},
        {"kind": "add", "name": "one", "input": "both", "other": "c"},
        {"kind": "gelu", "name": "g"},
        *HEAD,
    )
    assert {n.name: n.gated for n in graph.nodes if len(n.name) < 5} == {
        "c": False, "r": True, "p": True, "both": True, "one": False, "g": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([{"kind": "conv", "channels": 2, "kernel": 5}], "layer conv1: a 5x5 filter leaves no output of a 4x4 input"),
        ([{"kind": "attention", "input": "input", "key": "k", "value": "input", "heads": 1}],
         "layer attention1: there is no layer 'k' before it"),
        ([{"kind": "attention", "input": "input", "key": "input", "value": "input", "heads": 4}],
         "layer attention1: 2 channels do not divide into 4 heads"),
        ([{"kind": "conv", "name": "k", "channels": 4, "kernel": 1},
          {"kind": "attention", "input": "input", "key": "k", "value": "k", "heads": 1}],
         "layer attention1: queries, keys and values have different shapes, (4, 4, 2), (4, 4, 4), (4, 4, 4)"),
        ([{"kind": "gelu"}], "layer gelu1: the last layer gives classes, 1x1, not (4, 4)"),
        ([{"kind": "gelu"}, {"kind": "conv", "input": "input", "channels": 1, "kernel": 4}],
         "layer gelu1: nothing reads its output"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(layers, text):
    with pytest.raises(NetworkError) as error:
        build(*layers)
    assert str(error.value) == text


def test_without_a_loss_the_last_layer_may_give_anything():
    assert build({"kind": "gelu"}, loss="none").nodes[-1].output_shape == (4, 4, 2)


def test_sizes_that_nobody_means():
    build({"kind": "linear", "channels": 1 << 23}, size=(4, 4, 8), loss="none")  # the most that there may be
    for layer, text in (
        ({"kind": "linear", "channels": (1 << 23) + 1}, "its weights would have 1073741952 elements"),
        ({"kind": "conv", "channels": 1 << 24, "kernel": 1, "pad": 3}, "its output would have 1677721600 elements"),
    ):
        with pytest.raises(NetworkError, match=rf"{text}; at most 1073741824$"):
            build(layer, size=(4, 4, 8), loss="none")
    for field, value in (("kernel", 65537), ("stride", 65537), ("pad", 65537), ("channels", (1 << 24) + 1)):
        with pytest.raises(ValueError, match=f"(?s){field}.*less than or equal to"):
            build({"kind": "conv", "channels": 1, "kernel": 1} | {field: value}, loss="none")
