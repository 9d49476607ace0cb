"""What a workload delivers to a chip: training iterations as steps in execution order. It knows no hardware."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cosim.arrays import Under

from ..pruning.interface import CoarseUnit, Mask, PruneEvent, count_coarse_zeros
from ..tensors import BitTensor, ConvShape, Stage


@dataclass(frozen=True)
class Operation:
    """One layer with weights, one stage, one training iteration, with the zero masks of its tensors.

    A mask is exactly `value != 0` of the tensor in the number format that the multipliers see.
    """

    layer: str
    stage: Stage
    shape: ConvShape
    reads: tuple[str, ...]
    """Names of its tensors: input operand (FF, WG: X; BP: dY), other operand (FF, BP: W; WG: dY), and the mask behind
    `output_needed`. `VectorWork` uses the same names."""
    writes: str
    """Name of its result: FF the sums, BP the gradient of its input, WG the gradient of its weights; all FP32."""
    x: BitTensor | None = None
    """FF, WG: input (n, h, w, c)."""
    w: BitTensor | None = None
    """FF, BP: low-precision copy of the weights (k, r, s, c / groups)."""
    dy: BitTensor | None = None
    """BP, WG: gradient of the output (n, p, q, k)."""
    output_needed: BitTensor | None = None
    """BP: where dX is not known to be zero beforehand (n, h, w, c). WG: unpruned positions (k, r, s, c / groups).
    None: everywhere."""


@dataclass(frozen=True)
class TensorBytes:
    """Bytes of a named tensor that a piece of vector work reads or writes."""

    tensor: str
    bytes: int


@dataclass(frozen=True)
class VectorWork:
    """Everything that is no MAC layer, so that nothing is free.

    `kind`: bias, scale, relu, gelu, max_pool, mean_pool, batch_norm, layer_norm, softmax, add, position, quantize,
    softmax_xent, bias_gradient, update.
    `operations_per_element`: elementary operations (add, multiply, compare, shift-and-round; exp and divide count as
    one) for each of `elements_in`. `reads` and `writes` are what the work touches if nothing is fused; a chip that
    pipelines two pieces drops the tensor between them. Values between MAC layers are FP32; masks are one bit an
    element, in whole bytes.
    """

    kind: str
    layer: str
    stage: Stage
    elements_in: int
    elements_out: int
    operations_per_element: int
    reads: tuple[TensorBytes, ...] = ()
    writes: tuple[TensorBytes, ...] = ()

    @property
    def operations(self) -> int:
        """Elementary operations altogether."""
        return self.elements_in * self.operations_per_element


@dataclass(frozen=True)
class LayerSparsity:
    """Weights of one layer's low-precision copy: how many, how many zero, how many of those in all-zero units."""

    weights: int
    zeros: int
    coarse_zeros: int

    @classmethod
    def of(cls, nonzero: Mask, unit: CoarseUnit) -> LayerSparsity:
        """Counted from the non-zero mask (k, r, s, c) of the weights."""
        return cls(nonzero.size, int(nonzero.size - np.count_nonzero(nonzero)), count_coarse_zeros(nonzero, unit))


@dataclass(frozen=True)
class LayerInfo:
    """Multiply-accumulates of a training iteration: their name, their shape, and whether they have a BP stage.

    Without `has_weights` both operands are activations: attention.
    """

    name: str
    shape: ConvShape
    has_bp: bool
    has_weights: bool = True


Step = Operation | VectorWork | PruneEvent


@dataclass(frozen=True)
class Iteration:
    """One training iteration: FF, loss, BP and WG, pruning, update.

    `steps` in execution order; empty unless the iteration was asked for in detail. `prune_events` in either case.
    `loss` is None where nothing is computed. `sparsity` by layer, at the end of the iteration.
    """

    index: int
    epoch: int
    detailed: bool
    steps: tuple[Step, ...]
    prune_events: tuple[PruneEvent, ...] = ()
    loss: float | None = None
    sparsity: Mapping[str, LayerSparsity] = field(default_factory=dict)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The steps of MAC layers."""
        return tuple(step for step in self.steps if isinstance(step, Operation))

    @property
    def zero_weight_share(self) -> float:
        """Share of zeros among all weights."""
        total = sum(layer.weights for layer in self.sparsity.values())
        return sum(layer.zeros for layer in self.sparsity.values()) / total if total else 0.0

    @property
    def coarse_zero_share(self) -> float:
        """Share of the zeros that lie in all-zero coarse units; 0 if there are no zeros."""
        zeros = sum(layer.zeros for layer in self.sparsity.values())
        return sum(layer.coarse_zeros for layer in self.sparsity.values()) / zeros if zeros else 0.0


class Workload(Protocol):
    """A training run."""

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers with weights, in the order of the network."""

    @property
    def total_iterations(self) -> int:
        """Training iterations of the whole run."""

    def prunes_in(self, iteration: int) -> bool:
        """Whether the iteration has pruning events; known in advance."""

    def iterations(self, detailed: Container[int] | None = None) -> Iterator[Iteration]:
        """Run the training, once, from its start, or from where `restore` put it.

        `detailed`: the iterations whose steps are wanted (None: all).

        Which are asked for in detail changes no value. A workload runs once: a second call raises RuntimeError.
        """

    def evaluate(self) -> float | None:
        """Accuracy on the test split as of now, in [0, 1]; None where nothing is computed."""

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Between two iterations: everything that the iterations so far have changed, by name."""

    def restore(self, done: int, state: Under) -> None:
        """Before the first iteration: take back what `state` gave after `done` iterations.

        Raises KeyError or ValueError if that is of something else.
        """


class RunsOnce:
    """For workloads to extend: `iterations`, over a `_run` of their own that begins after `_done` iterations."""

    _started = False
    _done = 0

    def iterations(self, detailed: Container[int] | None = None) -> Iterator[Iteration]:
        """See `Workload.iterations`, and `_run`."""
        if self._started:
            raise RuntimeError("a workload runs once; build another one")
        self._started = True
        return self._run(detailed)

    def _run(self, detailed: Container[int] | None) -> Iterator[Iteration]:
        raise NotImplementedError
