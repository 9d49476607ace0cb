"""A dense systolic array: convolutions as matrix products, output- or weight-stationary.

The product (m x t) times (t x n) is cut into folds that fit the array of R x C elements, one after the other.

**Output-stationary.** A fold is r x c results. Rows of the first operand enter from the left, columns of the second
from above, each a cycle after its neighbour; element (i, j) does its first multiply-accumulate in cycle i + j and one
in each cycle from then on, t of them. So a fold takes t + r + c - 2 cycles; its results leave while the next one runs.

**Weight-stationary.** A fold is r x c of the second operand. It is shifted in from above in r cycles; then m rows of
the first operand pass, each element of a row a cycle after its neighbour, and partial sums move down: m + r + c - 2
cycles.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..tensors import ConvShape, Stage
from .layer_core import LayerRun
from .operands import Operands


class Dataflow(enum.StrEnum):
    """What stays in an element while the other operands pass."""

    OUTPUT_STATIONARY = "output_stationary"
    WEIGHT_STATIONARY = "weight_stationary"


@dataclass(frozen=True)
class Gemm:
    """`count` products of (m x t) and (t x n) matrices."""

    m: int
    n: int
    t: int
    count: int = 1

    @classmethod
    def of(cls, shape: ConvShape, stage: Stage) -> Gemm:
        """The stage of a convolution as matrix products, its windows unrolled (im2col), padding included.

        FF: pixels x (r, s, c) times (r, s, c) x k. BP: input pixels x (r, s, k) times (r, s, k) x c, with zeros between
        the elements of dY where the stride is not 1. WG: k x output pixels times output pixels x (r, s, c).
        """
        taps, c, k = shape.r * shape.s, shape.c // shape.groups, shape.k // shape.groups
        pixels = shape.n * shape.p * shape.q
        if stage is Stage.FF:
            return cls(pixels, k, taps * c, shape.groups)
        if stage is Stage.BP:
            return cls(shape.n * shape.h * shape.w, c, taps * k, shape.groups)
        return cls(k, taps * c, pixels, shape.groups)


@dataclass(frozen=True)
class SystolicArray:
    """A `LayerCore`: R x C elements, a multiply-accumulate each in a cycle. Raises ValueError for a size below 1."""

    dataflow: Dataflow
    rows: int
    columns: int

    stages = tuple(Stage)

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def gemm_cycles(self, gemm: Gemm) -> int:
        """Cycles of the matrix products, fold after fold."""
        stationary = self.dataflow is Dataflow.OUTPUT_STATIONARY
        rows, streamed = (gemm.m, gemm.t) if stationary else (gemm.t, gemm.m)
        total = 0
        for r, row_folds in _folds(rows, self.rows):
            for c, column_folds in _folds(gemm.n, self.columns):
                fold = streamed + r + c - 2 + (0 if stationary else r)
                total += row_folds * column_folds * fold
        return gemm.count * total

    def folds(self, gemm: Gemm) -> int:
        """How often the array is filled anew."""
        rows = gemm.m if self.dataflow is Dataflow.OUTPUT_STATIONARY else gemm.t
        return gemm.count * -(-rows // self.rows) * -(-gemm.n // self.columns)

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """See LayerCore. Zeros make no difference."""
        gemm = Gemm.of(shape, stage)
        return LayerRun(
            cycles=self.gemm_cycles(gemm),
            multipliers=self.rows * self.columns,
            dense_macs=shape.macs,
            macs=shape.macs,
            skipped={},
            events={
                "folds": self.folds(gemm),
                "padding_macs": gemm.count * gemm.m * gemm.n * gemm.t - shape.macs,
            },
            way="nothing (dense)",
        )


def _folds(size: int, limit: int) -> list[tuple[int, int]]:
    """(size of a fold, how many of them) along one side."""
    whole, rest = divmod(size, limit)
    return [(part, count) for part, count in ((limit, whole), (rest, 1)) if part and count]
