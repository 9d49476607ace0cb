"""A network that trains: built from its description, with FF, loss and BP over the graph of its layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..numerics import vecmath as vm
from ..numerics.streams import Stream
from ..tensors import ConvShape
from . import notes
from .attention import AttentionLayer
from .errors import NetworkError
from .graph import INPUT, Graph, Node
from .interface import LayerInfo
from .layers import Layer, MacLayer, Parameter, Tensor
from .network_schema import (
    AddSpec,
    AttentionSpec,
    BatchNormSpec,
    ConvSpec,
    FlattenSpec,
    GeluSpec,
    GlobalPoolSpec,
    LayerNormSpec,
    LinearSpec,
    NetworkSpec,
    PoolSpec,
    PositionSpec,
    ReluSpec,
)
from .notes import Formats
from .recorder import Recorder
from .vector_layers import (
    AddLayer,
    BatchNormLayer,
    FlattenLayer,
    GeluLayer,
    GlobalMeanLayer,
    LayerNormLayer,
    PoolLayer,
    PositionLayer,
    ReluLayer,
)

Float32Array = npt.NDArray[np.float32]

__all__ = ["INPUT", "Network", "initial_weights"]


MAX_WEIGHTS = 1 << 27
"""Of one layer, with values: the largest of VGG16 has 2^26.6. They are drawn in FP64, and have moments and copies."""


class Network:
    """The layers of a `NetworkSpec` for batches of `batch` images, with weights drawn from `seed`.

    Weights are drawn uniformly from +-sqrt(6 / fan_in), which has He's variance 2 / fan_in (He et al., ICCV 2015), each
    layer from a random stream of its own name; position embeddings from +-0.02 sqrt(3). With `dtype` float64 nothing is
    rounded to `formats` and sums are in FP64: the reference for gradients. Raises NetworkError for a network that does
    not fit together (see `Graph`) or has no loss.
    """

    def __init__(
        self, spec: NetworkSpec, *, batch: int, formats: Formats, seed: int, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.batch = batch
        self.formats = formats
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.graph = Graph(spec)
        if spec.loss == "none":
            raise NetworkError("without a loss there is nothing to train for", ("network", "loss"))
        for index, node in enumerate(self.graph.nodes):
            weights = sum(size for _, size, _ in node.parameters())
            if weights > MAX_WEIGHTS:
                what = f"layer {node.name}: {weights} weights; at most {MAX_WEIGHTS} of a layer can be trained"
                raise NetworkError(what, ("network", "layers", index))
        self.layers: list[Layer] = []
        for node in self.graph.nodes:
            layer = _build(node, batch, formats, seed, self.dtype)
            layer.sources = node.sources
            self.layers.append(layer)
        self._inputs = [node.inputs for node in self.graph.nodes]
        self.classes = self.graph.classes
        self.input_shape = self.graph.input_shape
        # Which tensors need a gradient: those with parameters before them.
        self._needed = [False]
        for layer, inputs in zip(self.layers, self._inputs, strict=True):
            self._needed.append(bool(layer.parameters) or any(self._needed[i] for i in inputs))

    @property
    def mac_layers(self) -> tuple[MacLayer, ...]:
        """The layers with weights, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, MacLayer))

    @property
    def info(self) -> tuple[LayerInfo, ...]:
        """Name, shape and stages of all multiply-accumulates."""
        return self.graph.layer_info(self.batch)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All trainable parameters, in order."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    def forward(self, images: Float32Array, recorder: Recorder, *, training: bool) -> Float32Array:
        """Logits (n, classes) of images (n, h, w, c)."""
        if images.shape[1:] != self.input_shape:
            raise ValueError(f"images: expected (n, {', '.join(map(str, self.input_shape))}), got {images.shape}")
        tensors = [Tensor(INPUT, images)]
        for layer, inputs in zip(self.layers, self._inputs, strict=True):
            tensors.append(layer.forward(tuple(tensors[i] for i in inputs), recorder, training=training))
        return np.ascontiguousarray(tensors[-1].values.reshape(len(images), self.classes))

    def train_step(self, images: Float32Array, labels: npt.NDArray[np.int32], recorder: Recorder) -> float:
        """FF, loss, BP and WG: sets the gradients of all parameters and returns the mean loss."""
        logits = self.forward(images, recorder, training=True)
        loss, gradient = vm.softmax_cross_entropy(logits, labels)
        notes.loss(recorder, self.graph.nodes[-1].tensor, logits.size, len(images))
        gradients: list[Float32Array | None] = [None] * (len(self.layers) + 1)
        gradients[-1] = gradient.reshape(len(images), 1, 1, self.classes)
        for number in range(len(self.layers), 0, -1):
            layer, inputs = self.layers[number - 1], self._inputs[number - 1]
            dy = gradients[number]
            if dy is None:  # nothing before it has parameters
                continue
            gradients[number] = None
            needed = any(self._needed[i] for i in inputs)
            if not needed and not layer.parameters:
                continue
            for i, dx in zip(inputs, layer.backward(dy, recorder, needed=needed), strict=True):
                if dx is None or not self._needed[i]:
                    continue
                before = gradients[i]
                if before is None:
                    gradients[i] = dx
                    continue
                gradients[i] = before + dx
                notes.add_gradients(recorder, self.graph.nodes[i - 1].tensor, dx.size)
        return loss


def _build(node: Node, batch: int, formats: Formats, seed: int, dtype: np.dtype[Any]) -> Layer:
    item, name, shape = node.spec, node.name, node.input_shapes[0]
    match item:
        case ConvSpec() | LinearSpec():
            z = node.mac_shape(batch)
            weights = initial_weights(z, name, seed).astype(dtype)
            return MacLayer(name, z, weights, bias=item.bias, formats=formats)
        case BatchNormSpec():
            return BatchNormLayer(name, shape, epsilon=item.epsilon, momentum=item.momentum, dtype=dtype)
        case LayerNormSpec():
            return LayerNormLayer(name, shape, epsilon=item.epsilon, dtype=dtype)
        case ReluSpec():
            return ReluLayer(name, shape, item.limit)
        case GeluSpec():
            return GeluLayer(name, shape)
        case PoolSpec():
            pooling = vm.Pooling(item.size, item.stride or item.size, item.pad)
            return PoolLayer(name, shape, pooling, maximum=item.kind == "max_pool")
        case GlobalPoolSpec():
            return GlobalMeanLayer(name, shape)
        case FlattenSpec():
            return FlattenLayer(name, shape)
        case PositionSpec():
            centred = Stream(seed, f"weights/{name}").uniform(int(np.prod(shape))) * 2.0 - 1.0
            values = (centred * (0.02 * np.sqrt(3.0))).astype(dtype)
            return PositionLayer(name, shape, values.reshape(shape))
        case AttentionSpec():
            return AttentionLayer(name, shape, item.heads, formats)
        case AddSpec():
            return AddLayer(name, shape)


def initial_weights(shape: ConvShape, name: str, seed: int) -> Float32Array:
    """He-uniform weights (k, r, s, c / groups) from the stream `weights/NAME`."""
    count = int(np.prod(shape.w_shape))
    fan_in = count // shape.k
    centred = Stream(seed, f"weights/{name}").uniform(count) * 2.0 - 1.0
    return np.asarray(centred * np.sqrt(6.0 / fan_in), dtype=np.float32).reshape(shape.w_shape)
