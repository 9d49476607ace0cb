"""The Eyeriss v2 processing element, over the same operands and tiles: a check of the counting against published
cycles.

Chen, Yang, Emer, Sze: "Eyeriss v2", IEEE JETCAS 9(2), 2019. Both operands are compressed by column (input channel): for
each non-zero activation the element fetches the non-zero weights of its channel and does one multiply-accumulate with
each; a zero of either costs no cycle. The Sparseloop artifact (MICRO 2022) publishes its cycles for layers of a sparse
MobileNet, with one multiply-accumulate a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..tensors import BitTensor, ConvShape, Stage
from .operands import Operands
from .tile import Tile


@dataclass(frozen=True)
class PeResult:
    """Cycles of one element and what became of the dense multiply-accumulates; the skipped make up the difference.

    input_reads    non-zero activations fetched, each once
    weight_reads   words of up to macs_per_cycle non-zero weights fetched: one in each cycle
    """

    cycles: int
    dense_macs: int
    macs: int
    skipped_input: int
    skipped_other: int
    skipped_both: int
    input_reads: int
    weight_reads: int


@dataclass(frozen=True)
class EyerissV2Pe:
    """One processing element on pointwise layers in the feed-forward stage.

    macs_per_cycle   weights of one channel multiplied in a cycle: 1 in the published cycle counts; the chip has 2. An
                     odd weight left over takes a cycle of its own.
    """

    macs_per_cycle: int = 1

    def __post_init__(self) -> None:
        if self.macs_per_cycle < 1:
            raise ValueError(f"macs_per_cycle must be at least 1, got {self.macs_per_cycle}")

    def run_tile(self, shape: ConvShape, operands: Operands, tile: Tile) -> PeResult:
        """Cycles: the sum over input channels of non-zero activations times ceil(non-zero weights / macs_per_cycle).

        Raises ValueError for what is not a pointwise layer (r = s = stride = groups = 1, no padding), and where
        operands or tile do not fit.
        """
        if (shape.r, shape.s, shape.stride, shape.pad, shape.groups) != (1, 1, 1, 0, 1):
            raise ValueError("modelled for pointwise layers only: r = s = stride = groups = 1, pad = 0")
        operands.check(shape, Stage.FF)
        tile.check(shape, Stage.FF)
        assert operands.x is not None and operands.w is not None  # check() has seen them
        pixels = operands.x.words[slice(*tile.images), slice(*tile.rows)]
        inputs = _per_channel(pixels.reshape(-1, pixels.shape[-1]), tile.depth)
        weights = _per_channel(operands.w.words[list(tile.channels), 0, 0], tile.depth)
        pixel_count = pixels.size // pixels.shape[-1]
        depth, filters = tile.depth[1] - tile.depth[0], len(tile.channels)
        dense = pixel_count * filters * depth
        macs = int((inputs * weights).sum())
        input_pairs, weight_pairs = int(inputs.sum()) * filters, int(weights.sum()) * pixel_count
        cycles = int((inputs * -(-weights // self.macs_per_cycle)).sum())
        return PeResult(
            cycles=cycles,
            dense_macs=dense,
            macs=macs,
            skipped_input=weight_pairs - macs,
            skipped_other=input_pairs - macs,
            skipped_both=dense - input_pairs - weight_pairs + macs,
            input_reads=int(inputs.sum()),
            weight_reads=cycles,
        )


def _per_channel(rows: npt.NDArray[np.uint64], depth: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Set bits per channel of the range, over all rows of words."""
    mask = BitTensor((rows.shape[0], rows.shape[1] * 64), np.ascontiguousarray(rows)).to_bool()
    return np.asarray(mask[:, slice(*depth)].sum(axis=0, dtype=np.int64))
