"""Collects the steps of one training iteration; costs nothing where nobody wants them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..pruning.interface import PruneEvent
from ..tensors import BitTensor, ConvShape, Stage
from .interface import Operation, Step, TensorBytes, VectorWork

WIDE_BYTES = 4
"""Bytes of an element between MAC layers (FP32)."""

Operand = npt.NDArray[np.float32] | BitTensor


def mask_bytes(elements: int) -> int:
    """Bytes of a packed mask of so many elements."""
    return -(-elements // 8)


class Recorder:
    """The steps of an iteration in execution order; `on` says whether they are wanted."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self.steps: list[Step] = []

    def vector(
        self,
        kind: str,
        layer: str,
        stage: Stage,
        *,
        elements: tuple[int, int],
        operations_per_element: int,
        reads: Mapping[str, int],
        writes: Mapping[str, int],
    ) -> None:
        """Note vector work; `elements` in and out, `reads` and `writes` in bytes by tensor name."""
        if self.on:
            self.steps.append(
                VectorWork(
                    kind,
                    layer,
                    stage,
                    *elements,
                    operations_per_element,
                    tuple(TensorBytes(*item) for item in reads.items()),
                    tuple(TensorBytes(*item) for item in writes.items()),
                )
            )

    def operation(
        self,
        layer: str,
        stage: Stage,
        shape: ConvShape,
        *,
        reads: tuple[str, ...],
        writes: str,
        x: Operand | None = None,
        w: Operand | None = None,
        dy: Operand | None = None,
        output_needed: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Note a MAC operation with the tensors' names, and its operands: their values in their number format, or
        what of them is not zero."""
        if self.on:
            self.steps.append(
                Operation(
                    layer,
                    stage,
                    shape,
                    reads,
                    writes,
                    None if x is None else _bits(x, shape.x_shape),
                    None if w is None else _bits(w, shape.w_shape),
                    None if dy is None else _bits(dy, shape.y_shape),
                    None if output_needed is None else BitTensor.from_bool(output_needed),
                )
            )

    def prune(self, event: PruneEvent) -> None:
        """Note a pruning event."""
        if self.on:
            self.steps.append(event)


def _bits(operand: Operand, shape: tuple[int, ...]) -> BitTensor:
    return operand if isinstance(operand, BitTensor) else BitTensor.from_values(operand.reshape(shape))
