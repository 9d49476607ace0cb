"""Stochastic gradient descent with momentum on FP32 master weights, and the learning rate over the training."""

from __future__ import annotations

import numpy as np

from ..tensors import Stage
from .layers import Formats, MacLayer, Parameter
from .network import Network
from .recorder import WIDE_BYTES, Recorder, mask_bytes
from .schema import AnyRate, ConstantRate, OptimizerSpec, StepRate


def learning_rate(spec: AnyRate, iteration: int, iterations: int) -> float:
    """The rate of one iteration, of +, -, *, / alone, so that its bytes are the same everywhere."""
    if isinstance(spec, ConstantRate):
        return spec.rate
    rate = spec.rate
    if isinstance(spec, StepRate):
        for share in spec.at:
            if iteration >= share * iterations:
                rate *= spec.factor
        return rate
    warm = spec.warmup * iterations
    if iteration < warm:
        rate *= (iteration + 1) / (warm + 1)
    left = 1.0 - iteration / iterations
    for _ in range(spec.power):
        rate *= left
    return rate


class Sgd:
    """v = momentum * v + (g + decay * w); w = w - rate * v, element by element in FP32, rounded after each operation.

    Pruned weights and their momentum are zero and stay so. Weight decay acts on weights, not on biases or on the
    parameters of batch normalisation.
    """

    def __init__(self, spec: OptimizerSpec, iterations: int) -> None:
        self._spec = spec
        self._iterations = iterations

    def update(self, network: Network, iteration: int, recorder: Recorder) -> None:
        """Change all parameters by their gradients and make the low-precision copies anew."""
        rate = np.float32(learning_rate(self._spec.learning_rate, iteration, self._iterations))
        for layer in network.layers:
            for parameter in layer.parameters:
                self._step(parameter, rate)
                low = parameter is layer.parameters[0] and isinstance(layer, MacLayer)
                _note(layer.name, parameter, network.formats if low else None, recorder)
            if isinstance(layer, MacLayer):
                layer.refresh()

    def _step(self, parameter: Parameter, rate: np.float32) -> None:
        gradient = parameter.gradient
        if parameter.decay and self._spec.weight_decay:
            gradient = gradient + np.float32(self._spec.weight_decay) * parameter.master
        parameter.momentum = np.float32(self._spec.momentum) * parameter.momentum + gradient
        if parameter.mask is not None:
            parameter.momentum[~parameter.mask] = 0.0
        parameter.master = parameter.master - rate * parameter.momentum
        if parameter.mask is not None:
            parameter.master[~parameter.mask] = 0.0


def _note(layer: str, parameter: Parameter, formats: Formats | None, recorder: Recorder) -> None:
    """Two multiply-adds for momentum and weight, one more with decay, two to scale and round the copy.

    Only unpruned weights are touched; the mask is read to know them, and written with the copy.
    """
    size = parameter.master.size
    kept = size if parameter.mask is None else int(np.count_nonzero(parameter.mask))
    name = parameter.name
    reads = {
        f"{name}.gradient": kept * WIDE_BYTES,
        f"{name}.master": kept * WIDE_BYTES,
        f"{name}.momentum": kept * WIDE_BYTES,
    }
    writes = {f"{name}.master": kept * WIDE_BYTES, f"{name}.momentum": kept * WIDE_BYTES}
    operations = 4 + (2 if parameter.decay else 0)
    if formats is not None:
        operations += 2
        writes[f"{name}.low"] = kept * formats.weight.bits // 8
        if parameter.mask is not None:
            reads[f"{name}.mask"] = mask_bytes(size)
            writes[f"{name}.mask"] = mask_bytes(size)
    recorder.vector(
        "update",
        layer,
        Stage.WG,
        elements=(kept, kept),
        operations_per_element=operations,
        reads=reads,
        writes=writes,
    )
