"""ONNX models: the graph and its shapes become a network; weights are drawn anew, since a training begins with them.

The input is (n, c, h, w), or (n, tokens, c), or (n, c). A matrix product with constant weights, and the constant that
is added to it, become a linear layer, or a 1x1 convolution where there are tokens; one whose channels are read in
parts, as queries, keys and values, becomes a layer for each. Attention, GELU and layer norm are recognised by what the
nodes that exporters write for them compute. A softmax in front of the output is the loss's. Identity, Cast and Dropout
are left out by what they are. An operator, attribute or shape that has no layer here is an ImportProblem naming
operator and node. Needs the extra `onnx`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..network_schema import NetworkSpec
from . import Importer, ImportProblem
from .onnx_constants import COMPUTED, Constant, computed
from .onnx_frame import fields_of
from .onnx_layers import OPERATORS
from .onnx_translation import Node, Translation

MAX_BYTES = 1 << 31  # what a message of protocol buffers may have
MAX_NODES = 20_000
MAX_FIELDS = 1 << 20  # of all messages in it: nodes, their names, inputs and attributes, sizes; each takes 200 bytes
OPERATOR_SETS = (7, 23)  # since operands are broadcast as numpy does it; up to what exporters were tried with


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
    fields = fields_of(file, onnx.ModelProto.DESCRIPTOR, MAX_FIELDS)
    if fields is None:
        raise ImportProblem(f"{file}: not an ONNX model, or damaged")
    if fields > MAX_FIELDS:
        raise ImportProblem(f"{file}: nodes, names and sizes are more than the {MAX_FIELDS} fields that are read")
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
    _check_operator_set(file, model)
    return _translated(file, model.graph, onnx.helper.get_attribute_value)


def _check_operator_set(file: Path, model: Any) -> None:
    sets = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    oldest, newest = OPERATOR_SETS
    if not sets:
        raise ImportProblem(f"{file}: names no set of operators of ONNX; {oldest} to {newest} are read")
    for version in sets:
        if not oldest <= version <= newest:
            raise ImportProblem(f"{file}: operator set {version}; {oldest} to {newest} are read")


def _translated(file: Path, graph: Any, value_of: Any) -> NetworkSpec:
    constants = {str(tensor.name): Constant(tuple(tensor.dims), tensor=tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if str(value.name) not in constants]
    if len(inputs) != 1:
        raise ImportProblem(f"{file}: {len(inputs)} inputs; a network here has one")
    outputs = {str(value.name) for value in graph.output}
    if len(outputs) != 1:
        raise ImportProblem(f"{file}: {len(outputs)} outputs; a network here has one")
    translation = Translation(file, outputs)
    translation.constants = constants
    sizes = [axis.dim_value for axis in inputs[0].type.tensor_type.shape.dim]
    size = translation.input(str(inputs[0].name), sizes)
    for proto in graph.node:
        _node(translation, Node(file, proto, value_of))
    return translation.finish(str(graph.name) or file.stem, size, *outputs)


def _node(translation: Translation, node: Node) -> None:
    if node.domain not in ("", "ai.onnx") or (node.op not in OPERATORS and node.op not in COMPUTED):
        where = f" of domain {node.domain!r}" if node.domain else ""
        raise translation.problem(node, f"unknown operator{where}")
    translation.read.update(node.inputs)
    if node.op in COMPUTED and node.inputs and all(name in translation.constants for name in node.inputs if name):
        _compute(translation, node)
    elif node.op in OPERATORS:
        OPERATORS[node.op](translation, node)
    else:
        name = next((name for name in node.inputs if name not in translation.constants), "")
        raise translation.problem(node, f"its input {name!r} must be a constant")


def _compute(translation: Translation, node: Node) -> None:
    constants = [translation.constants[name] if name else None for name in node.inputs]
    try:
        made = computed(node.op, constants, node.attributes)
    except ValueError as error:
        for_each = "; instead of a class token, take the mean over the tokens" if node.op == "Expand" else ""
        raise translation.problem(node, f"of constants: {error}{for_each}") from None
    translation.done_with(node)
    translation.constants[node.output()] = made


importer = Importer((".onnx",), read_onnx, "ONNX model (extra `onnx`).")
