"""Networks from other tools' files, and files that are none."""

from pathlib import Path

import pytest
from robustness.plugin import install

from cosim.models.tensors import ConvShape
from cosim.models.workload import NetworkSpec, StatisticalSpec
from cosim.models.workload.graph import Graph
from cosim.models.workload.importers import Importer, ImportProblem, import_network, importers
from cosim.scenario import load_component

NETWORKS = Path(__file__).parents[3] / "scenarios/networks"
HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


def problem(file, form=None):
    with pytest.raises(ImportProblem) as error:
        import_network(file, form)
    return str(error.value).replace(str(file), file.name)


def write(path, text):
    path.write_text(text)
    return path


# ---- SCALE-Sim -----------------------------------------------------------------------------------------------------


def test_convolutions(tmp_path):
    file = write(tmp_path / "t.csv", HEADER + "Conv1, 230, 230, 7, 7, 3, 64, 2,\n\n1x1 s, 56,56,1,3, 64, 32, 1\n,,\n")
    spec = import_network(file)
    assert [layer.name for layer in spec.layers] == ["Conv1", "layer_1x1_s"]
    assert spec.layers[0].shape(1) == ConvShape(1, 3, 230, 230, 64, 7, 7, 2)
    assert spec.layers[0].shape(1).p == 112
    assert spec.layers[1].shape(1) == ConvShape(1, 64, 56, 56, 32, 1, 3)
    assert [layer.first for layer in spec.layers] == [True, False]


def test_matrix_products(tmp_path):
    (layer, again) = import_network(write(tmp_path / "t.csv", "Layer,M,N,K,\nL,128,512,768,\nL,1,2,3\n")).layers
    assert layer.shape(1).macs == 128 * 512 * 768
    assert layer.shape(1) == ConvShape(1, 768, 128, 1, 512, 1, 1)
    assert again.name == "L_2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.csv: no header"),
        (HEADER, "t.csv: no layers"),
        ("Layer, M, N, Q\na, 1, 2, 3\n", "t.csv:1:14: unknown column 'Q'"),
        ("Layer, M, N\na, 1, 2\n", "t.csv:1:1: expected the columns of convolutions (layer, ifmap height, ifmap width, "
         "filter height, filter width, channels, num filter, strides) or of matrix products (layer, M, N, K)"),
        (HEADER + "a, 4, 4, 3, 3, 1, 1\n", "t.csv:2:1: 7 cells under 8 columns"),
        (HEADER + "a, 4, 4, 3, x, 1, 1, 1\n", "t.csv:2:13: expected a whole number from 1 to 16777216, got 'x'"),
        (HEADER + "a, 4, 4, 3, 3, 0, 1, 1\n", "t.csv:2:16: expected a whole number from 1 to 16777216, got '0'"),
        (HEADER + "a, 4, 99999999, 3, 3, 1, 1, 1\n",
         "t.csv:2:7: expected a whole number from 1 to 16777216, got '99999999'"),
        ("Layer, M, N, K\r\na\x0cb\x1c\u2028, 1, 2, 3\r\nc, 1, x, 3\r\n",
         "t.csv:3:7: expected a whole number from 1 to 16777216, got 'x'"),
        (HEADER + "a, 2, 2, 3, 3, 1, 1, 1\n", "t.csv:2:1: layer a: a 3x3 filter leaves no output of a 2x2 input"),
    ],
)  # fmt: skip
def test_broken_topologies(tmp_path, text, expected):
    assert problem(write(tmp_path / "t.csv", text)) == expected


def test_topologies_that_are_no_text_or_too_long(tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes(b"Layer\xff")
    assert problem(file) == "t.csv: not UTF-8 at byte 5"
    file.write_bytes(b" " * ((1 << 20) + 1))
    assert problem(file) == "t.csv: 1048577 bytes; a topology file has at most 1048576"
    write(file, "Layer,M,N,K\n" + "a,1,1,1\n" * 10_001)
    assert problem(file) == "t.csv: 10001 layers; at most 10000 are read"


# ---- finding importers ---------------------------------------------------------------------------------------------


def test_importers_by_ending_and_name(tmp_path):
    assert list(importers()) == ["onnx", "scale_sim"]
    assert problem(tmp_path / "net.pb") == "net.pb: no importer for this ending; there are: .csv, .onnx"
    assert problem(tmp_path / "net.csv") == "net.csv: no such file"
    assert problem(tmp_path / "net.csv", "caffe") == "no importer called 'caffe'; there are: onnx, scale_sim"
    other = write(tmp_path / "net.txt", "Layer,M,N,K\na,1,1,1\n")
    assert len(import_network(other, "scale_sim").layers) == 1


third_party = Importer((".mine",), lambda file: NetworkSpec.model_validate(
    {"name": file.stem, "input": {"height": 1, "width": 1, "channels": 1}, "layers": [{"kind": "gelu"}], "loss": "none"}
))  # fmt: skip


def test_a_third_party_s_importer(tmp_path, monkeypatch):
    site = install(tmp_path / "site", "mine", "unit.workload.test_importers:third_party", "cosim.importers")
    monkeypatch.syspath_prepend(str(site))
    assert import_network(write(tmp_path / "net.mine", "x")).name == "net"


def test_an_import_is_a_file_of_its_own(tmp_path, capsys):
    from cosim.models.workload.cli import import_command  # noqa: PLC0415

    file, out = write(tmp_path / "t.csv", HEADER + "Conv1, 9, 9, 3, 3, 3, 4, 2,\n"), tmp_path / "w.yaml"
    import_command(file, out)
    assert load_component(out, StatisticalSpec) == import_network(file)
    import_command(file)
    assert capsys.readouterr().out == out.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "w.yaml"]


# ---- ONNX ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="reading ONNX is the optional extra 'onnx'")


def save(onnx, path, nodes, constants, size=("n", 3, 8, 8), output="y"):
    h = onnx.helper
    made = [h.make_tensor(name, onnx.TensorProto.FLOAT, shape, [0.5] * product(shape)) for name, shape in constants]
    graph = h.make_graph(
        [h.make_node(op, inputs, [out], name=f"{op}_{out}", **attributes) for op, inputs, out, attributes in nodes],
        "net",
        [h.make_tensor_value_info("x", onnx.TensorProto.FLOAT, size)],
        [h.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        made,
    )
    path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 23)]).SerializeToString())
    return path


def product(shape):
    result = 1
    for size in shape:
        result *= size
    return result


RESIDUAL = [
    ("Conv", ["x", "w1"], "a", {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}),
    ("BatchNormalization", ["a", "s", "s", "s", "s"], "b", {"epsilon": 1e-4}),
    ("Clip", ["b", "zero", "six"], "c", {}),
    ("Conv", ["c", "w2", "s"], "d", {"pads": [1, 1, 1, 1], "strides": [1, 1], "group": 4}),
    ("Add", ["d", "c"], "e", {}),
    ("MaxPool", ["e"], "f", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Flatten", ["f"], "g", {}),
    ("Gemm", ["g", "w3", "b3"], "h", {"transB": 1}),
    ("Dropout", ["h"], "i", {}),
    ("Softmax", ["i"], "y", {}),
]
CONSTANTS = [("w1", (4, 3, 3, 3)), ("s", (4,)), ("w2", (4, 1, 3, 3)), ("w3", (10, 64)), ("b3", (10,))]


def test_a_residual_network(onnx, tmp_path):
    h = onnx.helper
    path = save(onnx, tmp_path / "net.onnx", RESIDUAL, CONSTANTS)
    model = onnx.load(path)
    for name, value in (("zero", 0.0), ("six", 6.0)):
        model.graph.initializer.append(h.make_tensor(name, onnx.TensorProto.FLOAT, (), [value]))
    path.write_bytes(model.SerializeToString())
    graph = Graph(import_network(path))
    assert [node.spec.kind for node in graph.nodes] == [
        "conv", "batch_norm", "relu", "conv", "add", "max_pool", "flatten", "linear"
    ]  # fmt: skip
    conv, norm, relu, depthwise, *_, linear = graph.nodes
    assert conv.mac_shape(1) == ConvShape(1, 3, 8, 8, 4, 3, 3, 1, 1)
    assert (conv.spec.bias, depthwise.spec.bias) == (False, True)
    assert depthwise.mac_shape(1) == ConvShape(1, 4, 8, 8, 4, 3, 3, 1, 1, 4)
    assert norm.spec.epsilon == pytest.approx(1e-4)
    assert relu.spec.limit == 6.0
    assert (linear.output_shape, graph.spec.loss) == ((1, 1, 10), "softmax_cross_entropy")


def test_a_transformer_s_layer(onnx, tmp_path):
    nodes = [
        ("LayerNormalization", ["x", "s", "s"], "n", {"axis": -1}),
        ("MatMul", ["n", "w"], "q0", {}),
        ("Add", ["q0", "s"], "q", {}),
        ("MatMul", ["n", "w"], "k", {}),
        ("MatMul", ["n", "w"], "v", {}),
        ("Attention", ["q", "k", "v"], "a", {"q_num_heads": 2, "kv_num_heads": 2}),
        ("Gelu", ["a"], "g", {}),
        ("Add", ["x", "g"], "y", {}),
    ]
    path = save(onnx, tmp_path / "net.onnx", nodes, [("s", (8,)), ("w", (8, 8))], size=("n", 5, 8))
    graph = Graph(import_network(path))
    kinds = [node.spec.kind for node in graph.nodes]
    assert kinds == ["layer_norm", "conv", "conv", "conv", "attention", "gelu", "add"]
    assert [node.spec.bias for node in graph.nodes[1:4]] == [True, False, False]
    assert (graph.input_shape, graph.nodes[-1].output_shape, graph.spec.loss) == ((5, 1, 8), (5, 1, 8), "none")


def test_what_exporters_write_for_a_mean_and_for_shared_constants(onnx, tmp_path):
    """Weights through Identity, a mean over both spatial axes, and the images' number left to a Reshape."""
    nodes = [
        ("Identity", ["w1"], "w", {}),
        ("Conv", ["x", "w"], "a", {"pads": [1, 1, 1, 1]}),
        ("ReduceMean", ["a", "axes"], "b", {"keepdims": 1}),
        ("Reshape", ["b", "shape"], "c", {"allowzero": 1}),
        ("Gemm", ["c", "w3", "b3"], "y", {"transB": 1}),
    ]
    path = save(onnx, tmp_path / "net.onnx", nodes, [("w1", (4, 3, 3, 3)), ("w3", (10, 4)), ("b3", (10,))])
    h = onnx.helper
    for axes in ((2, 3), (-1, -2), (3,)):
        model = onnx.load(path)
        for name, values in (("axes", axes), ("shape", (1, 4))):
            model.graph.initializer.append(h.make_tensor(name, onnx.TensorProto.INT64, (len(values),), values))
        (tmp_path / "made.onnx").write_bytes(model.SerializeToString())
        if len(axes) == 1:
            expected = "operator ReduceMean, node 'ReduceMean_b': over the axes [3]; only over all positions, as a "
            assert problem(tmp_path / "made.onnx") == f"made.onnx: {expected}global mean, or in a layer norm"
            continue
        graph = Graph(import_network(tmp_path / "made.onnx"))
        assert [node.spec.kind for node in graph.nodes] == ["conv", "global_mean_pool", "flatten", "linear"]
        assert graph.nodes[-1].mac_shape(1) == ConvShape(1, 4, 1, 1, 10, 1, 1)


def test_small_constants_that_are_elsewhere_too_large_or_damaged(onnx, tmp_path):
    nodes = [("ReduceMean", ["x", "axes"], "y", {"keepdims": 0})]
    path = save(onnx, tmp_path / "net.onnx", nodes, [])
    where = "net.onnx: operator ReduceMean, node 'ReduceMean_y': its input 'axes'"
    for dims, external, text in (
        ((1 << 40,), False, f"{where} has shape (1099511627776,); expected a number or a short list"),
        ((2,), True, f"{where} is in another file, which is not read"),
        ((2,), False, f"{where} is damaged"),
    ):
        model = onnx.load(path)
        tensor = model.graph.initializer.add(name="axes", data_type=onnx.TensorProto.INT64, dims=dims)
        tensor.raw_data = b"123"
        if external:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="elsewhere")
        path.write_bytes(model.SerializeToString())
        assert problem(path) == text
        path = save(onnx, tmp_path / "net.onnx", nodes, [])


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([("Einsum", ["x"], "y", {"equation": "i"})], "operator Einsum, node 'Einsum_y': unknown operator"),
        ([("Conv", ["x", "w1"], "y", {"dilations": [2, 2]})],
         "operator Conv, node 'Conv_y': dilated windows have no layer here"),
        ([("Conv", ["x", "w1"], "y", {"pads": [0, 0, 1, 1]})],
         "operator Conv, node 'Conv_y': pads [0, 0, 1, 1] differ, which no layer here has"),
        ([("Conv", ["x", "nowhere"], "y", {})],
         "operator Conv, node 'Conv_y': its input 'nowhere' must be a constant"),
        ([("Relu", ["x"], "y", {"alpha": 0.1})],
         "operator Relu, node 'Relu_y': attribute alpha = 0.10000000149011612 has no counterpart here"),
        ([("Relu", ["z"], "y", {})], "operator Relu, node 'Relu_y': its input 'z' is no layer's output"),
        ([("Softmax", ["x"], "a", {}), ("Relu", ["a"], "y", {})],
         "operator Softmax, node 'Softmax_a': stands in front of the output, or between the two products of an "
         "attention"),
        ([("Conv", ["x", "w1"], "y", {"kernel_shape": [3, 5]})],
         "operator Conv, node 'Conv_y': kernel_shape [3, 5], but weights of shape (4, 3, 3, 3)"),
        ([("Conv", ["x", "w1"], "y", {"auto_pad": "VALID", "pads": [1, 1, 1, 1]})],
         "operator Conv, node 'Conv_y': auto_pad VALID, and pads [1, 1, 1, 1]: one of them only"),
        ([("Conv", ["x", "w1"], "y", {"strides": 2})],
         "operator Conv, node 'Conv_y': attribute strides = 2: expected whole numbers"),
        ([("Conv", ["x", "w1"], "y", {"group": "two"})],
         "operator Conv, node 'Conv_y': attribute group = b'two': expected a whole number"),
        ([("AveragePool", ["x"], "y", {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1})],
         "operator AveragePool, node 'AveragePool_y': a mean over padding has no layer here"),
        ([("Conv", ["x", "w2"], "y", {})],
         "operator Conv, node 'Conv_y': a 9x9 filter leaves no output of a 8x8 input"),
    ],
)  # fmt: skip
def test_what_has_no_layer_here(onnx, tmp_path, nodes, text):
    path = save(onnx, tmp_path / "net.onnx", nodes, [("w1", (4, 3, 3, 3)), ("w2", (4, 3, 9, 9))])
    assert problem(path) == f"net.onnx: {text}"


def test_files_that_are_no_models(onnx, tmp_path):
    path = save(onnx, tmp_path / "net.onnx", RESIDUAL, CONSTANTS)
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    assert problem(path) == "net.onnx: not an ONNX model, or damaged"
    path.write_bytes(b"")
    assert problem(path) == "net.onnx: not an ONNX model, or damaged: it has no graph"
    path.write_bytes(b"\x89PNG\r\n")
    assert problem(path).startswith("net.onnx: not an ONNX model, or damaged")
    model = onnx.ModelProto.FromString(good)
    model.graph.node[2].op_type = "abcd"
    path.write_bytes(model.SerializeToString().replace(b"abcd", b"\xffb\nd"))
    assert problem(path) == "net.onnx: operator b'\\xffb\\nd', node 'Clip_c': unknown operator"
    model = onnx.ModelProto.FromString(good)
    model.ir_version = 99
    path.write_bytes(model.SerializeToString())
    assert problem(path) == f"net.onnx: ONNX IR version 99; the installed onnx reads up to {onnx.IR_VERSION}"


@pytest.mark.parametrize(("version", "read"), [(6, False), (7, True), (13, True), (23, True), (24, False), (99, False)])
def test_sets_of_operators(onnx, tmp_path, version, read):
    path = save(onnx, tmp_path / "net.onnx", RESIDUAL[:1], CONSTANTS, output="a")
    model = onnx.load(path)
    model.opset_import[0].version = version
    model.opset_import.add(domain="com.microsoft", version=1)
    path.write_bytes(model.SerializeToString())
    if read:
        assert len(import_network(path).layers) == 1
    else:
        assert problem(path) == f"net.onnx: operator set {version}; 7 to 23 are read"
    del model.opset_import[0]
    path.write_bytes(model.SerializeToString())
    assert problem(path) == "net.onnx: names no set of operators of ONNX; 7 to 23 are read"


def test_a_node_without_outputs(onnx, tmp_path):
    path = save(onnx, tmp_path / "net.onnx", RESIDUAL, CONSTANTS)
    for op in ("Conv", "BatchNormalization"):
        model = onnx.load(path)
        (node,) = (node for node in model.graph.node if node.op_type == op and "w2" not in node.input)
        del node.output[:]
        (tmp_path / "made.onnx").write_bytes(model.SerializeToString())
        assert problem(tmp_path / "made.onnx") == f"made.onnx: operator {op}, node {node.name!r}: has no output 0"
