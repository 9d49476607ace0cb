"""What every kind of core has in common: it runs one stage of one layer and says what that took.

A kind of core is a schema with a `kind:` key and a function that builds a `LayerCore` of it, registered in the family
"core" (`registry.component("core", KIND, Spec, build)`). The built-in kinds (kinds.py) register like a third party's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..tensors import BitTensor, ConvShape, Stage
from .operands import Operands

SKIPS = ("skipped_input", "skipped_other", "skipped_both", "skipped_output", "skipped_coarse")
"""Why a multiply-accumulate of the dense operation was not executed; see `CoreCounts`."""


@dataclass(frozen=True)
class LayerRun:
    """One stage of one layer on one kind of core.

    cycles        until the last result is accumulated
    multipliers   multiply-accumulates that all of the core's multipliers could do in one cycle
    dense_macs    of the operation without skipping, padding left out (`ConvShape.macs`)
    macs          of these, executed
    skipped       the others by reason, one of SKIPS each: macs + sum(skipped) = dense_macs
    events        what else the core counts, by name; depends on the kind
    way           what was skipped, in words
    """

    cycles: int
    multipliers: int
    dense_macs: int
    macs: int
    skipped: Mapping[str, int]
    events: Mapping[str, int]
    way: str

    @property
    def utilisation(self) -> float:
        """Multiply-accumulates executed, of those that the multipliers could have done; 0 for no cycles."""
        return self.macs / (self.cycles * self.multipliers) if self.cycles else 0.0


class LayerCore(Protocol):
    """A core (or an array of them) by itself, operands always at hand."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What it can run."""
        ...

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """Raises ValueError for a stage or shape that the core is not modelled for, or operands that do not fit."""
        ...


@dataclass(frozen=True)
class PairCounts:
    """What becomes of the dense multiply-accumulates of an FF where zeros of either operand are skipped."""

    macs: int
    skipped_input: int
    skipped_other: int
    skipped_both: int


def forward_pairs(shape: ConvShape, x: BitTensor, w: BitTensor) -> PairCounts:
    """Pairs of (x, w) that meet in an output, counted from non-zeros per filter position and channel.

    Needs groups = 1 (ValueError). A count by itself: no core's loop is behind it.
    """
    if shape.groups != 1:
        raise ValueError("counted for groups = 1 only")
    inputs, weights = x.to_bool(), w.to_bool()
    macs = skipped_input = skipped_other = skipped_both = 0
    for r in range(shape.r):
        for s in range(shape.s):
            rows, columns = _seen(shape.h, shape.p, r, shape), _seen(shape.w, shape.q, s, shape)
            seen = inputs[:, rows][:, :, columns]
            places = seen.size // shape.c
            of_x = seen.sum(axis=(0, 1, 2), dtype=np.int64)
            of_w = weights[:, r, s].sum(axis=0, dtype=np.int64)
            macs += int((of_x * of_w).sum())
            skipped_input += int(((places - of_x) * of_w).sum())
            skipped_other += int((of_x * (shape.k - of_w)).sum())
            skipped_both += int(((places - of_x) * (shape.k - of_w)).sum())
    return PairCounts(macs, skipped_input, skipped_other, skipped_both)


def _seen(size: int, outputs: int, offset: int, shape: ConvShape) -> npt.NDArray[np.int64]:
    """The inputs that all outputs see at one filter position, without padding."""
    at = np.arange(outputs) * shape.stride + offset - shape.pad
    return at[(at >= 0) & (at < size)]
