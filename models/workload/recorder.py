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
        x: npt.NDArray[np.float32] | None = None,
        w: npt.NDArray[np.float32] | None = None,
        dy: npt.NDArray[np.float32] | None = None,
        output_needed: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Note a MAC operation with the values of its operands in their number format, and the tensors' names."""
        if self.on:
            self.steps.append(
                Operation(
                    layer,
                    stage,
                    shape,
                    reads,
                    writes,
                    None if x is None else BitTensor.from_values(x.reshape(shape.x_shape)),
                    None if w is None else BitTensor.from_values(w),
                    None if dy is None else BitTensor.from_values(dy.reshape(shape.y_shape)),
                    None if output_needed is None else BitTensor.from_bool(output_needed),
                )
            )

    def prune(self, event: PruneEvent) -> None:
        """Note a pruning event."""
        if self.on:
            self.steps.append(event)
