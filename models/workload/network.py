"""A network that trains: built from its description, with FF, loss and BP over the graph of its layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..numerics import vecmath as vm
from ..numerics.streams import Stream
from ..tensors import ConvShape, Stage
from .errors import NetworkError
from .interface import LayerInfo
from .layers import (
    AddLayer,
    BatchNormLayer,
    Formats,
    Layer,
    MacLayer,
    Parameter,
    PoolLayer,
    ReluLayer,
    Tensor,
)
from .recorder import WIDE_BYTES, Recorder
from .schema import AddSpec, BatchNormSpec, ConvSpec, LinearSpec, NetworkSpec, PoolSpec

Float32Array = npt.NDArray[np.float32]

INPUT = "input"
"""Name of the network's input, for layers that read it."""


class Network:
    """The layers of a `NetworkSpec` for batches of `batch` images, with weights drawn from `seed`.

    Weights are drawn uniformly from +-sqrt(6 / fan_in), which has He's variance 2 / fan_in (He et al., ICCV 2015), each
    layer from a random stream of its own name. Raises NetworkError for an unknown or repeated name, or for shapes
    that do not fit.
    """

    def __init__(self, spec: NetworkSpec, *, batch: int, formats: Formats, seed: int) -> None:
        self.batch = batch
        self.formats = formats
        self.layers: list[Layer] = []
        self._inputs: list[tuple[int, ...]] = []  # per layer: numbers of the tensors it reads; 0 is the network's input
        numbers = {INPUT: 0}
        shapes: list[tuple[int, int, int]] = [(spec.input.height, spec.input.width, spec.input.channels)]
        counts: dict[str, int] = {}
        for index, item in enumerate(spec.layers):
            here = ("network", "layers", index)
            counts[item.kind] = counts.get(item.kind, 0) + 1
            name = item.name or f"{item.kind}{counts[item.kind]}"
            if name in numbers:
                raise NetworkError(f"layer {name}: the name is taken", here)
            wanted = [item.input] if item.input else []
            if isinstance(item, AddSpec):
                wanted.append(item.other)
            for source in wanted:
                if source not in numbers:
                    raise NetworkError(f"layer {name}: there is no layer {source!r} before it", here)
            first = numbers[item.input] if item.input else len(shapes) - 1
            inputs: tuple[int, ...] = (first, numbers[item.other]) if isinstance(item, AddSpec) else (first,)
            try:
                layer = _build(item, name, [shapes[i] for i in inputs], batch, formats, seed)
            except ValueError as error:
                raise NetworkError(f"layer {name}: {error}", here) from None
            names = [INPUT, *(before.name for before in self.layers)]
            layer.sources = tuple(names[i] for i in inputs)
            self.layers.append(layer)
            self._inputs.append(inputs)
            numbers[name] = len(shapes)
            shapes.append(layer.output_shape)
        unread = set(range(1, len(shapes) - 1)) - {i for inputs in self._inputs for i in inputs}
        if unread:
            first_unread = min(unread) - 1
            text = f"layer {self.layers[first_unread].name}: nothing reads its output"
            raise NetworkError(text, ("network", "layers", first_unread))
        if shapes[-1][:2] != (1, 1):
            text = f"layer {self.layers[-1].name}: the last layer gives classes, 1x1, not {shapes[-1][:2]}"
            raise NetworkError(text, ("network", "layers", len(self.layers) - 1))
        self.classes = shapes[-1][2]
        self.input_shape = shapes[0]
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
        """Name, shape and stages of the layers with weights."""
        return tuple(
            LayerInfo(layer.name, layer.shape, self._needed[inputs[0]])
            for layer, inputs in zip(self.layers, self._inputs, strict=True)
            if isinstance(layer, MacLayer)
        )

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
        last = self.layers[-1].name
        recorder.vector(  # subtract, exp, divide, subtract; a compare for the maximum and an add for the sum
            "softmax_xent",
            last,
            Stage.FF,
            elements=(logits.size, logits.size),
            operations_per_element=6,
            reads={last: logits.size * WIDE_BYTES, "labels": labels.nbytes},
            writes={f"{last}.gradient": logits.size * WIDE_BYTES},
        )
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
                name = f"{self.layers[i - 1].name}.gradient"
                recorder.vector(
                    "add",
                    self.layers[i - 1].name,
                    Stage.BP,
                    elements=(2 * dx.size, dx.size),
                    operations_per_element=1,
                    reads={name: 2 * dx.size * WIDE_BYTES},
                    writes={name: dx.size * WIDE_BYTES},
                )
        return loss


def _build(
    item: object,
    name: str,
    inputs: list[tuple[int, int, int]],
    batch: int,
    formats: Formats,
    seed: int,
) -> Layer:
    h, w, c = inputs[0]
    if isinstance(item, ConvSpec):
        shape = ConvShape(batch, c, h, w, item.channels, item.kernel, item.kernel, item.stride, item.pad, item.groups)
        return MacLayer(name, shape, initial_weights(shape, name, seed), bias=item.bias, formats=formats)
    if isinstance(item, LinearSpec):
        shape = ConvShape(batch, h * w * c, 1, 1, item.channels, 1, 1)
        return MacLayer(name, shape, initial_weights(shape, name, seed), bias=item.bias, formats=formats)
    if isinstance(item, BatchNormSpec):
        return BatchNormLayer(name, inputs[0], epsilon=item.epsilon, momentum=item.momentum)
    if isinstance(item, PoolSpec):
        pooling = vm.Pooling(item.size, item.stride or item.size, item.pad)
        return PoolLayer(name, inputs[0], pooling, maximum=item.kind == "max_pool")
    if isinstance(item, AddSpec):
        if inputs[0] != inputs[1]:
            raise ValueError(f"adds tensors of different shapes, {inputs[0]} and {inputs[1]}")
        return AddLayer(name, inputs[0])
    return ReluLayer(name, inputs[0])


def initial_weights(shape: ConvShape, name: str, seed: int) -> Float32Array:
    """He-uniform weights (k, r, s, c / groups) from the stream `weights/NAME`."""
    count = int(np.prod(shape.w_shape))
    fan_in = count // shape.k
    centred = Stream(seed, f"weights/{name}").uniform(count) * 2.0 - 1.0
    return np.asarray(centred * np.sqrt(6.0 / fan_in), dtype=np.float32).reshape(shape.w_shape)
