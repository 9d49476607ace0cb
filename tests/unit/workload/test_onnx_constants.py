"""Constants computed from constants, against the reference evaluator of ONNX itself."""

import numpy as np
import pytest

from cosim.models.workload.importers.onnx_constants import MAX_ELEMENTS, Constant, computed, new_shape

onnx = pytest.importorskip("onnx", reason="reading ONNX is the optional extra 'onnx'")

INTEGERS = [np.array(values, np.int64) for values in ([2, 3, 4], [1], [0], [3, -7, 9], [2, 2, -4])]
F = np.arange(6, dtype=np.float32).reshape(2, 3) + 1
BIG = np.iinfo(np.int64).max


@pytest.mark.parametrize(
    ("op", "arguments", "attributes"),
    [
        ("Add", [INTEGERS[3], INTEGERS[4]], {}),
        ("Cast", [INTEGERS[0]], {"to": 1}),
        ("Concat", [INTEGERS[0], INTEGERS[1], INTEGERS[3]], {"axis": 0}),
        ("ConstantOfShape", [INTEGERS[0]], {}),
        ("Div", [INTEGERS[3], INTEGERS[4]], {}),
        ("Div", [F, np.float32(3)], {}),
        ("Equal", [INTEGERS[3], INTEGERS[4]], {}),
        ("Expand", [F, np.array([2, 2, 3])], {}),
        ("Floor", [F / 2], {}),
        ("Gather", [F, np.array(1)], {"axis": 1}),
        ("Gather", [INTEGERS[0], np.array(-1)], {}),
        ("Identity", [F], {}),
        ("Mod", [INTEGERS[3], INTEGERS[4]], {}),
        ("Mul", [INTEGERS[3], INTEGERS[4]], {}),
        ("Neg", [F], {}),
        ("Pow", [F, np.float32(2)], {}),
        ("Reciprocal", [F], {}),
        ("Reshape", [F, np.array([0, -1, 1])], {}),
        ("Shape", [F], {"start": 1}),
        ("Slice", [F, np.array([-1]), np.array([BIG]), np.array([1])], {}),
        ("Slice", [F, np.array([0, 2]), np.array([2, 0]), np.array([0, 1]), np.array([1, -1])], {}),
        ("Sqrt", [F], {}),
        ("Squeeze", [F[None], np.array([0])], {}),
        ("Squeeze", [F[None, :, None]], {}),
        ("Sub", [INTEGERS[3], INTEGERS[4]], {}),
        ("Transpose", [F], {"perm": [1, 0]}),
        ("Transpose", [F], {}),
        ("Unsqueeze", [F, np.array([0, -1])], {}),
        ("Where", [F > 2, F, -F], {}),
    ],
)
def test_what_onnx_computes(op, arguments, attributes):
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    names = [f"i{number}" for number in range(len(arguments))]
    node = onnx.helper.make_node(op, names, ["o"], **attributes)
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UNDEFINED, None) for name in (*names, "o")]
    graph = onnx.helper.make_graph([node], "one", values[:-1], values[-1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    (expected,) = ReferenceEvaluator(model).run(None, dict(zip(names, map(np.asarray, arguments), strict=True)))
    left = dict(attributes)
    found = computed(op, [Constant.of(argument) for argument in arguments], left)
    assert not left
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.read(), expected)


@pytest.mark.parametrize(
    ("op", "arguments", "attributes", "text"),
    [
        (
            "ConstantOfShape",
            [np.array([1 << 40])],
            {},
            "would make [1099511627776]; at most 4096 elements are computed",
        ),
        ("Expand", [F, np.array([1 << 20, 2, 3])], {}, "would make [1048576, 2, 3]; at most"),
        ("Add", [np.ones((1, 2000)), np.ones((2000, 1))], {}, "they are too large to be combined"),
        ("Mul", [np.ones((1, 1000)), np.ones((1000, 1))], {}, "would make 1000000 elements; at most 4096 are computed"),
        ("Reshape", [F, np.array([4, 2])], {}, "they do not fit: [2, 3] into [4, 2]"),
        ("Add", [F, np.ones(2)], {}, "they do not fit: operands could not be broadcast together"),
        ("Cast", [F], {"to": 99}, "they do not fit: 99"),
        ("Sqrt", [F], {"what": 1}, "they do not fit: "),
    ],
)
def test_what_is_not_computed(op, arguments, attributes, text):
    with pytest.raises(ValueError) as error:
        computed(op, [Constant.of(argument) for argument in arguments], dict(attributes))
    assert text in str(error.value)


def test_of_weights_only_the_shape_is_known():
    weight = Constant((3, 5000))
    assert weight.is_large
    assert computed("Transpose", [weight], {}).shape == (5000, 3)
    assert computed("Reshape", [weight, Constant.of([0, 50, -1])], {}).shape == (3, 50, 100)
    assert computed("Shape", [weight], {"end": 1}).read().tolist() == [3]
    with pytest.raises(ValueError, match=r"one of shape \(3, 5000\) is too large"):
        computed("Mul", [weight, Constant.of(2.0)], {})
    with pytest.raises(ValueError, match="expected a number or a short list"):
        weight.read()
    assert not Constant.of(np.zeros(MAX_ELEMENTS)).is_large
    assert Constant.of(np.zeros(MAX_ELEMENTS + 1)).is_large


def test_new_shapes():
    assert new_shape((2, 3, 4), (0, -1), 0) == (2, 12)
    assert new_shape((2, 0), (0, 5), 1) == (0, 5)
    for asked, zeros in (((-1, -1), 0), ((5, -1), 0), ((2, 3, 4, 0), 0), ((-2, 12), 0)):
        with pytest.raises(ValueError, match="into"):
            new_shape((2, 3, 4), asked, zeros)
