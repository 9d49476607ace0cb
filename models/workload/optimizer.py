"""Stochastic gradient descent with momentum, and Adam, on FP32 master weights; the learning rate over the training."""

from __future__ import annotations

import numpy as np

from . import notes
from .layers import Float32Array, MacLayer, Parameter
from .network import Network
from .recorder import Recorder
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


class Optimizer:
    """Changes all parameters of a network by their gradients.

    Element by element in FP32, rounded after each operation. Pruned weights and their moments are zero and stay so.
    Weight decay acts on weights, not on biases or on the parameters of normalisation.
    """

    moments: tuple[str, ...]
    """What is kept for each weight beside its master copy."""
    operations: int
    """Elementary operations for each weight, without decay."""

    def __init__(self, spec: OptimizerSpec, iterations: int) -> None:
        self._spec = spec
        self._iterations = iterations

    def update(self, network: Network, iteration: int, recorder: Recorder) -> None:
        """Change all parameters by their gradients and make the low-precision copies anew."""
        rate = learning_rate(self._spec.learning_rate, iteration, self._iterations)
        for layer in network.layers:
            for parameter in layer.parameters:
                self._step(parameter, rate, iteration)
                mask = parameter.mask
                low = parameter is layer.parameters[0] and isinstance(layer, MacLayer)
                size = parameter.master.size
                notes.update(
                    recorder,
                    layer.name,
                    parameter.name,
                    size=size,
                    kept=size if mask is None else int(np.count_nonzero(mask)),
                    moments=self.moments,
                    operations=self.operations + (2 if parameter.decay else 0),
                    low=network.formats.weight if low else None,
                    masked=low and mask is not None,
                )
            if isinstance(layer, MacLayer):
                layer.refresh()

    def _gradient(self, parameter: Parameter) -> Float32Array:
        gradient = parameter.gradient
        if parameter.decay and self._spec.weight_decay:
            gradient = gradient + np.float32(self._spec.weight_decay) * parameter.master
        return gradient

    def _step(self, parameter: Parameter, rate: float, iteration: int) -> None:
        raise NotImplementedError


class Sgd(Optimizer):
    """v = momentum * v + (g + decay * w); w = w - rate * v."""

    moments = ("momentum",)
    operations = 4

    def _step(self, parameter: Parameter, rate: float, iteration: int) -> None:
        parameter.momentum = np.float32(self._spec.momentum) * parameter.momentum + self._gradient(parameter)
        if parameter.mask is not None:
            parameter.momentum[~parameter.mask] = 0.0
        parameter.master = parameter.master - np.float32(rate) * parameter.momentum
        if parameter.mask is not None:
            parameter.master[~parameter.mask] = 0.0


class Adam(Optimizer):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w = w - rate' m / (sqrt(v) + epsilon'), g with its decay.

    rate' and epsilon' take the corrections of both biases for the iteration (Kingma and Ba, ICLR 2015, algorithm 1, in
    the order of the end of section 2, but with epsilon scaled so that both orders are equal).
    """

    moments = ("momentum", "second_moment")
    operations = 12  # 3 for m, 4 for v, then root, add, divide, multiply, subtract

    def _step(self, parameter: Parameter, rate: float, iteration: int) -> None:
        first, second = self._spec.momentum, self._spec.beta2
        gradient = self._gradient(parameter)
        before = parameter.second_moment
        if before is None:
            before = np.zeros_like(parameter.master)
        parameter.momentum = np.float32(first) * parameter.momentum + np.float32(1.0 - first) * gradient
        squares: Float32Array = np.float32(second) * before + np.float32(1.0 - second) * (gradient * gradient)
        parameter.second_moment = squares
        if parameter.mask is not None:
            parameter.momentum[~parameter.mask] = 0.0
            squares[~parameter.mask] = 0.0
        # Powers by multiplication, and the IEEE root: the same bytes everywhere.
        correction = float(np.sqrt(1.0 - _power(second, iteration + 1)))
        step = np.float32(rate * correction / (1.0 - _power(first, iteration + 1)))
        epsilon = np.float32(self._spec.epsilon * correction)
        changed = parameter.master - step * (parameter.momentum / (np.sqrt(squares) + epsilon))
        parameter.master = np.asarray(changed, dtype=parameter.master.dtype)
        if parameter.mask is not None:
            parameter.master[~parameter.mask] = 0.0


def _power(base: float, exponent: int) -> float:
    """By squaring."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


def build_optimizer(spec: OptimizerSpec, iterations: int) -> Optimizer:
    """The rule that the description names."""
    return Adam(spec, iterations) if spec.rule == "adam" else Sgd(spec, iterations)
