"""Transformers as exporters write them to ONNX: attention, GELU and layer norm in many nodes, or in one."""

import math
from collections import Counter
from pathlib import Path

import pytest

from cosim.models.workload import NetworkSpec
from cosim.models.workload.graph import Graph
from cosim.models.workload.importers import ImportProblem, import_network
from cosim.scenario import load_component

onnx = pytest.importorskip("onnx", reason="reading ONNX is the optional extra 'onnx'")
h, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64

NETWORKS = Path(__file__).parents[3] / "scenarios/networks"


class Writer:
    """An ONNX graph, written node by node. Weights have sizes only: an import reads no more of them."""

    def __init__(self, size, images="n"):
        self.nodes, self.weights, self.images = [], [], images
        self.input = h.make_tensor_value_info("x", FLOAT, (images, *size))

    def __call__(self, op, *inputs, **attributes):
        out = f"t{len(self.nodes)}"
        self.nodes.append(h.make_node(op, inputs, [out], name=f"{op}_{out}", **attributes))
        return out

    def weight(self, *shape):
        self.weights.append(onnx.TensorProto(name=f"w{len(self.weights)}", data_type=FLOAT, dims=shape))
        return self.weights[-1].name

    def number(self, value):
        return self("Constant", value=h.make_tensor("", FLOAT, (), [value]))

    def list(self, *values):
        return self("Constant", value=h.make_tensor("", INT64, (len(values),), values))

    def at(self, index):
        return self("Constant", value=h.make_tensor("", INT64, (), [index]))

    def save(self, path, output):
        graph = h.make_graph(
            self.nodes, "net", [self.input], [h.make_tensor_value_info(output, FLOAT, None)], self.weights
        )
        path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 23)]).SerializeToString())
        return path

    def linear(self, x, inputs, outputs):
        return self("Add", self.weight(outputs), self("MatMul", x, self.weight(inputs, outputs)))


class OldExporter(Writer):
    """Before operator sets had LayerNormalization and Gelu: arithmetic, one product for each of Q, K and V."""

    def norm(self, x, channels):
        centred = self("Sub", x, self("ReduceMean", x, axes=[-1]))
        variance = self("ReduceMean", self("Pow", centred, self.number(2.0)), axes=[-1])
        deviation = self("Sqrt", self("Add", variance, self.number(1e-6)))
        return self("Add", self("Mul", self("Div", centred, deviation), self.weight(channels)), self.weight(channels))

    def gelu(self, x):
        gate = self("Add", self("Erf", self("Div", x, self.number(math.sqrt(2)))), self.number(1.0))
        return self("Mul", self("Mul", x, gate), self.number(0.5))

    def attention(self, x, tokens, channels, heads):
        depth = channels // heads
        split = self.list(0, tokens, heads, depth)
        q, k, v = (self("Reshape", self.linear(x, channels, channels), split) for _ in range(3))
        scores = self("MatMul", self("Transpose", q, perm=[0, 2, 1, 3]), self("Transpose", k, perm=[0, 2, 3, 1]))
        weights = self("Softmax", self("Div", scores, self.number(math.sqrt(depth))), axis=-1)
        context = self("MatMul", self("Dropout", weights), self("Transpose", v, perm=[0, 2, 1, 3]))
        return self("Reshape", self("Transpose", context, perm=[0, 2, 1, 3]), self.list(0, tokens, channels))


class PackedExporter(OldExporter):
    """One product for Q, K and V together, root of the scale on each side, tokens first, sizes out of Shape."""

    def norm(self, x, channels):
        return self("LayerNormalization", x, self.weight(channels), self.weight(channels), axis=-1, epsilon=1e-6)

    def gelu(self, x):
        inner = self("Mul", self("Pow", x, self.number(3.0)), self.number(0.044715))
        inner = self("Mul", self("Add", x, inner), self.number(math.sqrt(2 / math.pi)))
        half = self("Mul", self.number(0.5), x)
        return self("Mul", half, self("Add", self.number(1.0), self("Tanh", inner)))

    def attention(self, x, tokens, channels, heads):
        depth = channels // heads
        packed = self.linear(self("Transpose", x, perm=[1, 0, 2]), channels, 3 * channels)
        packed = self("Unsqueeze", self("Reshape", packed, self.list(tokens, -1, 3, channels)), self.list(0))
        packed = self("Squeeze", self("Transpose", packed, perm=[3, 1, 2, 0, 4]), self.list(-2))
        parts = [self("Gather", packed, self.at(i), axis=0) for i in range(3)]
        images = self("Gather", self("Shape", x), self.at(0), axis=0)
        rows = self("Unsqueeze", self("Mul", images, self.at(heads)), self.list(0))
        rows = self("Concat", self.list(tokens), rows, self.list(depth), axis=0)
        q, k, v = (self("Transpose", self("Reshape", part, rows), perm=[1, 0, 2]) for part in parts)
        root = self("Sqrt", self("Div", self.number(1.0), self("Sqrt", self.number(float(depth)))))
        k = self("Transpose", k, perm=[0, 2, 1])
        weights = self("Softmax", self("MatMul", self("Mul", q, root), self("Mul", k, root)), axis=2)
        context = self("Transpose", self("MatMul", weights, v), perm=[1, 0, 2])
        return self("Transpose", self("Reshape", context, self.list(tokens, -1, channels)), perm=[1, 0, 2])


class NewExporter(PackedExporter):
    """An operator each for attention, GELU and layer norm; Split in place of Gather."""

    def gelu(self, x):
        return self("Gelu", x)

    def attention(self, x, tokens, channels, heads):
        packed = self.linear(x, channels, 3 * channels)
        name = self("Split", packed, self.list(channels, channels, channels), axis=-1)
        self.nodes[-1].output.extend((f"{name}k", f"{name}v"))
        split = self.list(0, tokens, heads, channels // heads)
        views = [
            self("Transpose", self("Reshape", part, split), perm=[0, 2, 1, 3])
            for part in (name, f"{name}k", f"{name}v")
        ]
        context = self("Transpose", self("Attention", *views), perm=[0, 2, 1, 3])
        return self("Reshape", context, self.list(0, 0, -1))


EXPORTERS = [OldExporter, PackedExporter, NewExporter]


def encoder(net, x, tokens, channels, heads, hidden, norm_first):
    if norm_first:
        mixed = net.linear(net.attention(net.norm(x, channels), tokens, channels, heads), channels, channels)
        x = net("Add", x, mixed)
        inner = net.gelu(net.linear(net.norm(x, channels), channels, hidden))
        return net("Add", x, net.linear(inner, hidden, channels))
    mixed = net.linear(net.attention(x, tokens, channels, heads), channels, channels)
    x = net.norm(net("Add", x, mixed), channels)
    return net.norm(net("Add", net.linear(net.gelu(net.linear(x, channels, hidden)), hidden, channels), x), channels)


def work(graph):
    return Counter((info.shape, info.has_weights, info.has_bp) for info in graph.layer_info(3))


def parameters(graph):
    return sum(size for node in graph.nodes for _, size, _ in node.parameters())


def same(imported, described):
    """Kinds of layers, multiply-accumulates of every stage, and what learns."""
    assert Counter(node.spec.kind for node in imported.nodes) == Counter(node.spec.kind for node in described.nodes)
    assert work(imported) == work(described)
    assert parameters(imported) == parameters(described)
    assert imported.spec.loss == described.spec.loss


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_layer_of_bert(tmp_path, exporter):
    net = exporter((128, 768))
    path = net.save(tmp_path / "bert.onnx", encoder(net, "x", 128, 768, 12, 3072, norm_first=False))
    imported = Graph(import_network(path))
    same(imported, Graph(load_component(NETWORKS / "bert_base_layer.yaml", NetworkSpec)))
    assert all(n.spec.epsilon == pytest.approx(1e-6) for n in imported.nodes if n.spec.kind == "layer_norm")


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("images", ["n", 1, 2])
def test_vit_tiny(tmp_path, exporter, images):
    net = exporter((3, 224, 224), images)
    patches = net("Conv", "x", net.weight(192, 3, 16, 16), net.weight(192), strides=[16, 16])
    shape = net.list(0, 192, 196) if images == "n" else net.list(images, 192, -1)
    x = net("Transpose", net("Reshape", patches, shape), perm=[0, 2, 1])
    x = net("Add", x, net.weight(1, 196, 192))
    for _ in range(12):
        x = encoder(net, x, 196, 192, 3, 768, norm_first=True)
    x = net("ReduceMean", net.norm(x, 192), net.list(1), keepdims=0)
    path = net.save(tmp_path / "vit.onnx", net("Gemm", x, net.weight(1000, 192), net.weight(1000), transB=1))
    same(Graph(import_network(path)), Graph(load_component(NETWORKS / "vit_tiny.yaml", NetworkSpec)))


# ---- what is not that --------------------------------------------------------------------------------------------


def problem(net, output, tmp_path):
    with pytest.raises(ImportProblem) as error:
        import_network(net.save(tmp_path / "net.onnx", output))
    return str(error.value).replace(f"{tmp_path}/", "")


def split(net, x, heads=2):
    return net("Transpose", net("Reshape", x, net.list(0, 5, heads, 8 // heads)), perm=[0, 2, 1, 3])


def scores(net, q, k):
    return net("MatMul", q, net("Transpose", k, perm=[0, 1, 3, 2]))


FINISH = "which it does not finish as a layer here"


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda net, q, k, v: net("MatMul", net("Softmax", net("Mul", scores(net, q, k), net.number(0.25))), v),
         "MatMul_t20: its scores are multiplied by 0.25; here by one over the root of the depth 4"),
        (lambda net, q, k, v: net("MatMul", net("Mul", scores(net, q, k), net.number(0.5)), v),
         "MatMul_t19: multiplies the scores of an attention without a softmax between"),
        (lambda net, q, k, v: net("Softmax", net("Mul", scores(net, q, k), net.number(0.5)), axis=2),
         "Softmax_t19: of the scores of an attention: only once, and over the last axis"),
        (lambda net, q, k, v: net("Add", scores(net, q, k), net.weight(5, 5)),
         f"Add_t17: its input 't16' is the scores of an attention, {FINISH}"),
        (lambda net, q, k, v: net("MatMul", q, net("Reshape", k, net.list(0, 4, 5, 2))),
         "Reshape_t16: [n, 2, 5, 4] into [n, 4, 5, 2] cuts through its positions"),
        (lambda net, q, k, v: net("MatMul", q, k),
         "MatMul_t15: queries (n, 2, 5, 4) and keys (n, 2, 4, 5) have different heads"),
        (lambda net, q, k, v: net("Relu", net("Mul", q, net.number(0.5))),
         "Relu_t17: reads MatMul_t0 times 0.5, which no layer here gives"),
        (lambda net, q, k, v: net("Relu", net("Gather", q, net.at(0), axis=1)),
         "Relu_t17: reads a part of the output of MatMul_t0"),
        (lambda net, q, k, v: net("Relu", net("Gather", q, net.at(2), axis=1)),
         "Gather_t16: takes 1 from 2 of an axis of 2"),
        (lambda net, q, k, v: net("Sqrt", q), "Sqrt_t15: has no layer here but in a layer norm"),
        (lambda net, q, k, v: net("Erf", q), "Erf_t15: has no layer here but in a GELU"),
        (lambda net, q, k, v: net("Relu", net("Sub", q, net("ReduceMean", q, axes=[3]))),
         "ReduceMean_t15: over the axes [3]; only over all positions, as a global mean, or in a layer norm"),
        (lambda net, q, k, v: net("Relu", net("Sub", "x", net("ReduceMean", "x", axes=[2]))),
         f"Relu_t17: its input 't16' is a part of a layer norm (centred), {FINISH}"),
        (lambda net, q, k, v: net("Mul", q, k), "Mul_t15: of two layers' outputs has no layer here"),
        (lambda net, q, k, v: net("Relu", net("Mul", q, q)),
         f"Relu_t16: its input 't15' is a polynomial of a layer's output, {FINISH}"),
        (lambda net, q, k, v: net("Concat", q, k, axis=0),
         "Concat_t15: joins layers' outputs, which no layer here does; instead of a class token, take the mean over "
         "the tokens"),
        (lambda net, q, k, v: net("Gather", net.weight(9, 8), "x"),
         "Gather_t15: looks values up by its input: an embedding has no layer here"),
        (lambda net, q, k, v: net("Where", q, k, v), "Where_t15: its input 't4' must be a constant"),
        (lambda net, q, k, v: net("Attention", "x", "x", "x", q_num_heads=2, is_causal=1),
         "Attention_t15: three inputs (n, tokens, c) and one number of heads, or (n, heads, tokens, depth); no mask, "
         "no past"),
    ],
)  # fmt: skip
def test_attention_that_is_none_here(tmp_path, build, text):
    net = Writer((5, 8))
    q, k, v = (split(net, net.linear("x", 8, 8)) for _ in range(3))
    node, what = text.split(": ", 1)
    operator = node.split("_")[0]
    assert problem(net, build(net, q, k, v), tmp_path) == f"net.onnx: operator {operator}, node {node!r}: {what}"


def test_a_class_token_of_each_image(tmp_path):
    net = Writer((5, 8))
    images = net("Unsqueeze", net("Gather", net("Shape", "x"), net.at(0), axis=0), net.list(0))
    token = net("Expand", net("ConstantOfShape", net.list(1, 1, 8)), net("Concat", images, net.list(1, 8), axis=0))
    assert problem(net, net("Concat", token, "x", axis=1), tmp_path) == (
        "net.onnx: operator Expand, node 'Expand_t9': of constants: they do not fit: would make [n, 1, 8]; at most "
        "4096 elements are computed; instead of a class token, take the mean over the tokens"
    )


def test_steps_that_nothing_reads(tmp_path):
    """A step is not left out because its result is: what the file computes is a layer or an error."""
    net = Writer((5, 8))
    net("ReduceMean", "x", axes=[2])
    assert problem(net, net("Relu", "x"), tmp_path) == (
        "net.onnx: tensor 't0': is a part of a layer norm (mean), which nothing reads"
    )


def test_a_product_of_which_a_part_is_not_read(tmp_path):
    net = Writer((5, 8))
    packed = net.linear("x", 8, 24)
    parts = [net("Slice", packed, net.list(8 * i), net.list(8 * i + 8), net.list(2)) for i in range(3)]
    good = net("Attention", *parts, q_num_heads=2)
    kinds = [node.name for node in Graph(import_network(net.save(tmp_path / "net.onnx", good))).nodes]
    assert kinds == ["MatMul_t0_query", "MatMul_t0_key", "MatMul_t0_value", "Attention_t14"]
    net = Writer((5, 8))
    packed = net.linear("x", 8, 24)
    part = net("Slice", packed, net.list(0), net.list(8), net.list(2))
    output = net("Attention", part, part, part, q_num_heads=2)
    assert problem(net, output, tmp_path) == "net.onnx: layer MatMul_t0: is read in parts that are not all of it, once"


def test_tokens_first(tmp_path):
    """As torch.nn.MultiheadAttention without batch_first has them: their first axis would be that of the images."""
    net = Writer((5, 8))
    q = net("Transpose", "x", perm=[1, 0, 2])
    assert problem(net, net("MatMul", q, net("Transpose", q, perm=[1, 2, 0])), tmp_path) == (
        "net.onnx: operator MatMul, node 'MatMul_t2': attends from image to image: the input's first axis is that of "
        "the images"
    )


def test_an_attention_of_the_input_keeps_the_order_of_its_channels(tmp_path):
    net = Writer((5, 8))
    graph = Graph(import_network(net.save(tmp_path / "net.onnx", net("Attention", *[split(net, "x")] * 3))))
    assert [node.sources for node in graph.nodes] == [("input",) * 3]
    net = Writer((5, 8))
    view = net("Transpose", net("Reshape", "x", net.list(0, 5, 4, 2)), perm=[0, 3, 1, 2])
    assert problem(net, net("Attention", view, view, view), tmp_path) == (
        "net.onnx: operator Attention, node 'Attention_t3': reads the channels of input in another order than they have"
    )
