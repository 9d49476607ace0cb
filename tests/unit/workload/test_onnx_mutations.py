"""ONNX models that are nearly sound: whatever is wrong with one, it is a network or one clear line, nothing else."""

import copy
import random

import pytest
from unit.workload.test_onnx_transformers import NewExporter, OldExporter, encoder

from cosim.models.workload import NetworkSpec
from cosim.models.workload.importers import ImportProblem, import_network

onnx = pytest.importorskip("onnx", reason="reading ONNX is the optional extra 'onnx'")
h, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64

OPERATORS = (
    "Add", "Attention", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "ConstantOfShape",
    "Conv", "Div", "Dropout", "Equal", "Erf", "Expand", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool",
    "Identity", "LayerNormalization", "LogSoftmax", "MatMul", "MaxPool", "Mod", "Mul", "Neg", "Pow", "Reciprocal",
    "ReduceMean", "Relu", "Reshape", "Shape", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Tanh",
    "Transpose", "Unsqueeze", "Where", "a\nb",
)  # fmt: skip
NUMBERS = (-(1 << 62), -3, -1, 0, 1, 2, 3, 7, 1 << 31, 1 << 40, 1 << 62)


def convolutions():
    def filled(name, *shape, data_type=FLOAT, value=1):
        count = 1
        for size in shape:
            count *= size
        return h.make_tensor(name, data_type, shape, [value] * count)

    constants = [
        filled("w1", 4, 1, 3, 3), filled("s", 4), filled("zero", value=0), filled("six", value=6),
        filled("w2", 4, 4, 1, 1), filled("w3", 10, 4), filled("b3", 10),
        h.make_tensor("shape", INT64, [2], [-1, 4]), h.make_tensor("last", INT64, [1], [-1]),
    ]  # fmt: skip
    nodes = [
        h.make_node("Conv", ["x", "w1", "s"], ["a"], pads=[1] * 4, kernel_shape=[3, 3], strides=[1, 1], group=1),
        h.make_node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"], epsilon=1e-4),
        h.make_node("Clip", ["b", "zero", "six"], ["c"]),
        h.make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        h.make_node("Conv", ["d", "w2"], ["e"]),
        h.make_node("Add", ["d", "e"], ["f"]),
        h.make_node("GlobalAveragePool", ["f"], ["g"]),
        h.make_node("Squeeze", ["g", "last"], ["i"]),
        h.make_node("Unsqueeze", ["i", "last"], ["j"]),
        h.make_node("Flatten", ["j"], ["k"], axis=1),
        h.make_node("Reshape", ["k", "shape"], ["l"]),
        h.make_node("Gemm", ["l", "w3", "b3"], ["m"], transB=1, alpha=1.0),
        h.make_node("Softmax", ["m"], ["y"], axis=-1),
    ]
    ends = [h.make_tensor_value_info("x", FLOAT, [1, 1, 8, 8])], [h.make_tensor_value_info("y", FLOAT, None)]
    return h.make_model(h.make_graph(nodes, "net", *ends, constants), opset_imports=[h.make_opsetid("", 23)])


def transformer(exporter, path):
    net = exporter((6, 8))
    return onnx.load(net.save(path, encoder(net, "x", 6, 8, 2, 16, norm_first=False)))


def mutated(draw, model):
    model = copy.deepcopy(model)
    graph = model.graph
    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.HasField("t"))]
    names = ["", "nowhere", "x", *(t.name for t in graph.initializer), *(o for node in graph.node for o in node.output)]
    for _ in range(draw.choice((1, 1, 2))):
        node, tensor = draw.choice(graph.node), draw.choice(tensors)
        attribute = draw.choice(node.attribute) if node.attribute else node.attribute.add(name="axis", type=2)
        change = draw.randrange(15)
        if change == 0 and node.output:
            del node.output[draw.randrange(len(node.output))]
        elif change == 1 and node.input:
            del node.input[draw.randrange(len(node.input))]
        elif change == 2 and node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(names)
        elif change == 3:
            node.op_type = draw.choice(OPERATORS)
        elif change == 4:
            attribute.i = draw.choice(NUMBERS)
            if attribute.ints:
                attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(NUMBERS)
        elif change == 5:
            attribute.type = draw.choice(range(15))
        elif change == 6:
            node.attribute.remove(attribute)
        elif change == 7 and tensor.dims:
            tensor.dims[draw.randrange(len(tensor.dims))] = draw.choice(NUMBERS)
        elif change == 8:
            tensor.dims.append(draw.choice(NUMBERS))
        elif change == 9 and tensor.dims:
            del tensor.dims[0]
        elif change == 10:
            tensor.data_type = draw.choice((0, 1, 2, 7, 8, 9, 10, 11, 14, 16))
        elif change == 11:
            tensor.raw_data = draw.randbytes(draw.choice((0, 1, 4, 8, 16)))
        elif change == 12:
            node.attribute.add(
                name=draw.choice(("axes", "perm", "split", "start", "num_outputs", "q_num_heads")), type=2
            )
            node.attribute[-1].i = draw.choice(NUMBERS)
        elif change == 13:
            node.output.append(draw.choice(names))
        else:
            size = graph.input[0].type.tensor_type.shape.dim
            draw.choice(size).dim_value = draw.choice(NUMBERS)
    return model


@pytest.mark.parametrize("seed", range(4))
def test_a_nearly_sound_model_is_a_network_or_one_line(tmp_path, seed):
    draw = random.Random(seed)
    path = tmp_path / "net.onnx"
    sound = [convolutions(), transformer(OldExporter, path), transformer(NewExporter, path)]
    found = {"networks": 0, "problems": 0}
    for _ in range(250):
        model = mutated(draw, draw.choice(sound))
        path.write_bytes(model.SerializeToString())
        try:
            assert isinstance(import_network(path), NetworkSpec)
            found["networks"] += 1
        except ImportProblem as problem:
            assert "\n" not in str(problem)
            found["problems"] += 1
        except Exception as error:
            raise AssertionError(f"{error!r} of\n{h.printable_graph(model.graph)}") from error
    assert min(found.values()) > 20, found
