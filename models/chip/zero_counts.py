"""What the adaptive choice of skipping is made from: the operands' zeros, and which of them are known in time."""

from __future__ import annotations

from collections.abc import Mapping

from ..core import ZeroCounts
from ..tensors import Stage
from ..workload import Operation


def zero_counts(operation: Operation) -> Mapping[str, ZeroCounts]:
    """Zeros by operand in the sense of the skip policies."""
    masks = {
        "input": operation.dy if operation.stage is Stage.BP else operation.x,
        "weight": operation.dy if operation.stage is Stage.WG else operation.w,
        "output": operation.output_needed,
    }
    counts = {name: ZeroCounts(mask.count(), mask.size) for name, mask in masks.items() if mask is not None}
    if "output" not in counts:
        counts["output"] = ZeroCounts(1, 1)  # every output is needed
    return counts


def known_before(stage: Stage) -> tuple[str, ...]:
    """What exists when the stage begins: weights and output masks always; in WG both operands do."""
    if stage is Stage.FF:
        return ("weight",)
    return ("weight", "output") if stage is Stage.BP else ("input", "weight", "output")
