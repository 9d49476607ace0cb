"""ONNX models: the graph and its shapes become a network; weights are drawn anew, since a training begins with them.

Tensors of four axes are (n, c, h, w), those of three (n, tokens, c) one token a row. A matrix product with constant
weights, and the constant that is added to it, become a linear layer, or a 1x1 convolution where there are tokens. A
softmax in front of the output is the loss's. Identity and Dropout are left out by what they are. An operator, attribute
or shape that has no layer here is an ImportProblem naming operator and node. Needs the extra `onnx`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import NetworkError
from ..graph import Graph
from ..schema import NetworkSpec
from . import Importer, ImportProblem
from .scale_sim import unique

MAX_BYTES = 1 << 31  # what a message of protocol buffers may have
MAX_NODES = 20_000
_FEW = 64  # elements of a constant that says how to do something


def read_onnx(file: Path) -> NetworkSpec:
    """See the module. Raises ImportProblem."""
    try:
        import onnx  # noqa: PLC0415  (an extra, on use)
        from google.protobuf.message import DecodeError  # noqa: PLC0415
    except ImportError:
        raise ImportProblem(f"{file}: reading ONNX needs the extra 'onnx': pip install 'cosim-npu[onnx]'") from None
    size = file.stat().st_size
    if size >= MAX_BYTES:
        raise ImportProblem(f"{file}: {size} bytes; a model with its weights inside has less than {MAX_BYTES}")
    try:
        model = onnx.ModelProto.FromString(file.read_bytes())
    except DecodeError:
        raise ImportProblem(f"{file}: not an ONNX model, or damaged") from None
    if not model.HasField("graph") or not model.graph.node:
        raise ImportProblem(f"{file}: not an ONNX model, or damaged: it has no graph")
    if model.ir_version > onnx.IR_VERSION:
        newest = onnx.IR_VERSION
        raise ImportProblem(f"{file}: ONNX IR version {model.ir_version}; the installed onnx reads up to {newest}")
    if len(model.graph.node) > MAX_NODES:
        raise ImportProblem(f"{file}: {len(model.graph.node)} nodes; at most {MAX_NODES} are read")
    return _Translation(file, model.graph, onnx.helper.get_attribute_value).run()


class _Translation:
    """One graph on its way to a NetworkSpec."""

    def __init__(self, file: Path, graph: Any, value_of: Any) -> None:
        self._file, self._graph, self._value_of = file, graph, value_of
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._layers: list[dict[str, Any]] = []
        self._names: set[str] = {"input"}
        self._tensors: dict[str, str] = {}  # ONNX's name -> the layer that gives it
        self._tokens: set[str] = set()  # layers whose output has one row a token
        self._flat: set[str] = set()  # those whose output is one row of channels
        self._products: dict[str, int] = {}  # results of matrix products, which a constant may be added to
        self._attributes: dict[str, Any] = {}

    def run(self) -> NetworkSpec:
        inputs = [value for value in self._graph.input if value.name not in self._constants]
        if len(inputs) != 1:
            raise ImportProblem(f"{self._file}: {len(inputs)} inputs; a network here has one")
        outputs = {value.name for value in self._graph.output}
        if len(outputs) != 1:
            raise ImportProblem(f"{self._file}: {len(outputs)} outputs; a network here has one")
        height, width, channels = self._input_size(inputs[0])
        self._tensors[inputs[0].name] = "input"
        for node in self._graph.node:
            self._node(node, outputs)
        described = {
            "name": unique(self._graph.name or self._file.stem, set()),
            "input": {"height": height, "width": width, "channels": channels},
            "layers": self._layers,
        }
        try:
            spec = NetworkSpec.model_validate(described)
            last = Graph(NetworkSpec.model_validate(described | {"loss": "none"})).nodes[-1]
            if last.output_shape[:2] != (1, 1):
                spec = NetworkSpec.model_validate(described | {"loss": "none"})
            Graph(spec)
        except NetworkError as error:
            raise ImportProblem(f"{self._file}: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise ImportProblem(f"{self._file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return spec

    def _input_size(self, value: Any) -> tuple[int, int, int]:
        sizes = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if len(sizes) not in (2, 3, 4) or not all(size > 0 for size in sizes[1:]):
            raise ImportProblem(f"{self._file}: input {value.name}: sizes must be known, but for the batch: {sizes}")
        if len(sizes) == 2:
            self._flat.add("input")
            return (1, 1, sizes[1])
        if len(sizes) == 3:
            self._tokens.add("input")
            return (sizes[1], 1, sizes[2])
        return (sizes[2], sizes[3], sizes[1])

    # ---- helpers ---------------------------------------------------------------------------------------------

    def _problem(self, node: Any, what: str) -> ImportProblem:
        return ImportProblem(f"{self._file}: operator {node.op_type}, node {_label(node)!r}: {what}")

    def _source(self, node: Any, index: int = 0) -> str:
        name = node.input[index] if index < len(node.input) else ""
        if name not in self._tensors:
            raise self._problem(node, f"its input {name!r} is no layer's output")
        return self._tensors[name]

    def _shape(self, node: Any, index: int) -> tuple[int, ...]:
        name = node.input[index] if index < len(node.input) else ""
        if name not in self._constants:
            raise self._problem(node, f"its input {name!r} must be a constant")
        return tuple(self._constants[name].dims)

    def _get(self, name: str, default: Any) -> Any:
        return self._attributes.pop(name, default)

    def _one(self, node: Any, name: str, values: Sequence[int]) -> int:
        if len(set(values)) != 1:
            raise self._problem(node, f"{name} {list(values)} differ, which no layer here has")
        return int(values[0])

    def _add(self, node: Any, kind: str, source: str, **more: Any) -> None:
        if self._attributes:
            name, value = next(iter(self._attributes.items()))
            raise self._problem(node, f"attribute {name} = {value!r} has no counterpart here")
        name = unique(_label(node), self._names)
        self._layers.append({"kind": kind, "name": name, "input": source} | more)
        self._tensors[node.output[0]] = name
        for kept in (self._tokens, self._flat):
            if source in kept:
                kept.add(name)

    def _same(self, node: Any) -> None:
        self._tensors[node.output[0]] = self._source(node)

    # ---- operators -------------------------------------------------------------------------------------------

    def _node(self, node: Any, outputs: set[str]) -> None:
        self._attributes = {attribute.name: self._value_of(attribute) for attribute in node.attribute}
        translate = getattr(self, _METHODS.get(node.op_type, f"_{node.op_type.lower()}"), None)
        if node.domain not in ("", "ai.onnx") or translate is None or node.op_type not in OPERATORS:
            where = f" of domain {node.domain!r}" if node.domain else ""
            raise self._problem(node, f"unknown operator{where}")
        if node.op_type in ("Softmax", "LogSoftmax") and node.output[0] not in outputs:
            raise self._problem(node, "stands in front of the output only; attention is the operator Attention")
        translate(node)

    def _window(self, node: Any, size: Sequence[int]) -> dict[str, Any]:
        strides = self._get("strides", [1, 1])
        pads = self._get("pads", [0, 0, 0, 0])
        if len(size) != 2:
            raise self._problem(node, f"{len(size)} spatial axes; here there are two")
        if self._get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise self._problem(node, "auto_pad: write the padding out")
        if set(self._get("dilations", [1, 1])) != {1}:
            raise self._problem(node, "dilated windows have no layer here")
        return {"stride": self._one(node, "strides", strides), "pad": self._one(node, "pads", pads)}

    def _conv(self, node: Any) -> None:
        filters = self._shape(node, 1)
        size = filters[2:]
        self._get("kernel_shape", None)
        window = self._window(node, size)
        groups = self._get("group", 1)
        more = {"channels": filters[0], "kernel": size[0], "groups": groups, "bias": len(node.input) > 2}
        if size[1] != size[0]:
            more["kernel_width"] = size[1]
        self._add(node, "conv", self._source(node), **more, **window)

    def _gemm(self, node: Any) -> None:
        if (self._get("alpha", 1.0), self._get("beta", 1.0), self._get("transA", 0)) != (1.0, 1.0, 0):
            raise self._problem(node, "only A B + C, with alpha and beta of 1 and A as it is")
        weights = self._shape(node, 1)
        channels = weights[0] if self._get("transB", 0) else weights[1]
        self._add(node, "linear", self._source(node), channels=channels, bias=len(node.input) > 2)
        self._flat.add(self._tensors[node.output[0]])

    def _matmul(self, node: Any) -> None:
        source, weights = self._source(node), self._shape(node, 1)
        if len(weights) != 2:
            raise self._problem(node, f"weights of shape {weights}; expected two axes")
        if source in self._tokens:
            self._add(node, "conv", source, channels=weights[1], kernel=1, bias=False)
        elif source in self._flat:
            self._add(node, "linear", source, channels=weights[1], bias=False)
        else:
            raise self._problem(node, "its input is neither flat nor tokens")
        self._products[node.output[0]] = len(self._layers) - 1

    def _add_operator(self, node: Any) -> None:
        known = [name in self._tensors for name in node.input]
        if all(known):
            self._add(node, "add", self._source(node), other=self._source(node, 1))
            return
        tensor, constant = (0, 1) if known[0] else (1, 0)
        source, shape = self._source(node, tensor), self._shape(node, constant)
        product = self._products.get(node.input[tensor])
        if product is not None and len(shape) == 1:  # the bias of a matrix product
            self._layers[product]["bias"] = True
            self._tensors[node.output[0]] = source
            return
        if source not in self._tokens or len(shape) < 2:
            raise self._problem(node, f"adds a constant of shape {shape}, which is neither bias nor position embedding")
        self._add(node, "position", source)

    def _batchnormalization(self, node: Any) -> None:
        if self._get("training_mode", 0) not in (0, 1):
            raise self._problem(node, "training_mode is 0 or 1")
        self._get("spatial", 1)
        epsilon, momentum = self._get("epsilon", 1e-5), self._get("momentum", 0.9)
        self._add(node, "batch_norm", self._source(node), epsilon=float(epsilon), momentum=float(momentum))

    def _layernormalization(self, node: Any) -> None:
        source = self._source(node)
        if source not in self._tokens or self._get("axis", -1) not in (-1, 2):
            raise self._problem(node, "only over the channels of tokens (n, tokens, c)")
        self._get("stash_type", 1)
        self._add(node, "layer_norm", source, epsilon=float(self._get("epsilon", 1e-5)))

    def _relu(self, node: Any) -> None:
        self._add(node, "relu", self._source(node))

    def _clip(self, node: Any) -> None:
        low, high = self._get("min", None), self._get("max", None)
        if len(node.input) > 2:
            low, high = (self._scalar(node, index) for index in (1, 2))
        if low != 0.0 or high is None or not high > 0.0:
            raise self._problem(node, f"clips to {low}..{high}; a limited ReLU clips to 0 and more")
        self._add(node, "relu", self._source(node), limit=float(high))

    def _scalar(self, node: Any, index: int) -> float | None:
        if index >= len(node.input) or not node.input[index]:
            return None
        values = self._values(node, index)
        return float(values[0]) if len(values) == 1 else None

    def _values(self, node: Any, index: int) -> list[Any]:
        """The elements of a small constant that is in the file itself."""
        from onnx import TensorProto, numpy_helper  # noqa: PLC0415  (an extra, on use)

        shape = self._shape(node, index)
        tensor, name = self._constants[node.input[index]], node.input[index]
        if len(shape) > 1 or any(not 0 <= size <= _FEW for size in shape):
            raise self._problem(node, f"its input {name!r} has shape {shape}; expected a number or a short list")
        if tensor.data_location == TensorProto.EXTERNAL:
            raise self._problem(node, f"its input {name!r} is in another file, which is not read")
        try:
            return list(numpy_helper.to_array(tensor).reshape(-1).tolist())
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._problem(node, f"its input {name!r} is damaged") from None

    def _gelu(self, node: Any) -> None:
        self._get("approximate", b"none")  # both forms; they differ by less than 0.0005
        self._add(node, "gelu", self._source(node))

    def _maxpool(self, node: Any) -> None:
        self._pool(node, "max_pool")

    def _averagepool(self, node: Any) -> None:
        counts_padding = self._get("count_include_pad", 0)
        if counts_padding and any(self._attributes.get("pads", [0])):
            raise self._problem(node, "a mean over padding has no layer here")
        self._pool(node, "mean_pool")

    def _pool(self, node: Any, kind: str) -> None:
        size = self._get("kernel_shape", [])
        if self._get("ceil_mode", 0) or self._get("storage_order", 0):
            raise self._problem(node, "ceil_mode and storage_order have no counterpart here")
        window = self._window(node, size)
        self._add(node, kind, self._source(node), size=self._one(node, "kernel_shape", size), **window)

    def _globalaveragepool(self, node: Any) -> None:
        self._add(node, "global_mean_pool", self._source(node))

    def _reducemean(self, node: Any) -> None:
        axes = self._get("axes", None)
        if axes is None:
            axes = self._values(node, 1)
        self._get("noop_with_empty_axes", 0)
        source = self._source(node)
        ranks, spatial = (3, [1]) if source in self._tokens else (4, [2, 3])
        if source in self._flat or sorted(axis % ranks for axis in axes) != spatial:
            raise self._problem(node, f"over the axes {list(axes)}; only over all positions, as a global mean")
        kept = self._get("keepdims", 1)
        self._add(node, "global_mean_pool", source)
        name = self._tensors[node.output[0]]
        if not kept:
            self._tokens.discard(name)
            self._flat.add(name)

    def _flatten(self, node: Any) -> None:
        if self._get("axis", 1) != 1:
            raise self._problem(node, "flattens all but the images: axis 1")
        self._to_flat(node)

    def _reshape(self, node: Any) -> None:
        shape = self._values(node, 1)
        if len(shape) != 2 or (shape[1] != -1 and shape[0] not in (0, -1, 1)):
            raise self._problem(node, f"to {shape}; only (n, all the rest), which flattens")
        self._get("allowzero", 0)
        self._to_flat(node)

    def _to_flat(self, node: Any) -> None:
        self._add(node, "flatten", self._source(node))
        name = self._tensors[node.output[0]]
        self._tokens.discard(name)
        self._flat.add(name)

    def _attention(self, node: Any) -> None:
        heads, of_keys = self._get("q_num_heads", 0), self._get("kv_num_heads", None)
        if not heads or of_keys not in (None, heads) or len([name for name in node.input if name]) != 3:
            raise self._problem(node, "three inputs (n, tokens, c) and one number of heads; no mask, no past")
        more = {"key": self._source(node, 1), "value": self._source(node, 2), "heads": heads}
        self._add(node, "attention", self._source(node), **more)

    def _identity(self, node: Any) -> None:
        if node.input[0] in self._constants:  # exporters share equal weights so
            self._constants[node.output[0]] = self._constants[node.input[0]]
        else:
            self._same(node)

    def _dropout(self, node: Any) -> None:
        self._same(node)

    def _softmax(self, node: Any) -> None:
        self._same(node)

    def _logsoftmax(self, node: Any) -> None:
        self._same(node)

    def _constant(self, node: Any) -> None:
        value = self._attributes.get("value")
        if value is None or not hasattr(value, "dims"):
            raise self._problem(node, "only constants with the attribute value")
        self._constants[node.output[0]] = value


OPERATORS = frozenset(
    {
        "Add",
        "Attention",
        "AveragePool",
        "BatchNormalization",
        "Clip",
        "Constant",
        "Conv",
        "Dropout",
        "Flatten",
        "Gelu",
        "Gemm",
        "GlobalAveragePool",
        "Identity",
        "LayerNormalization",
        "LogSoftmax",
        "MatMul",
        "MaxPool",
        "ReduceMean",
        "Relu",
        "Reshape",
        "Softmax",
    }
)
"""The operators that are translated."""

_METHODS = {"Add": "_add_operator"}


def _label(node: Any) -> str:
    return str(node.name or (node.output[0] if node.output else "?"))


importer = Importer((".onnx",), read_onnx, "ONNX model (extra `onnx`).")
