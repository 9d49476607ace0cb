"""What a pruning schedule promises: which weights become zero when, and what deciding it costs in hardware.

Hardware-free: events say which channels are compared and what is read and computed; how the weights get there (from
the read port as they pass, or by fetches of their own) is the chip model's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CoarseUnit:
    """Size of a coarse unit: `channels_out` x `channels_in` weights of one filter position, aligned to channel 0.

    A tile cut off at the edge is a unit.
    """

    channels_out: int = 4
    channels_in: int = 4

    def __post_init__(self) -> None:
        if self.channels_out < 1 or self.channels_in < 1:
            raise ValueError(f"a coarse unit has at least one channel each way, got {self}")


@dataclass(frozen=True, eq=False)
class PruneEvent:
    """One layer, one event: the new mask and its price. Counts are totals of this event.

    `sampled_channels`: the output channels compared with each other, in the order in which the comparison takes them;
    all channels for the full form, none without coarse pruning. `mask` (k, r, s, c): True where a weight stays, a
    subset of the mask before. `coarse_macs`: subtract-and-accumulate (or multiply-accumulate) steps of the similarity;
    `coarse_compares`: comparisons of scores and of magnitudes of units; `coarse_adds`: accumulations of magnitudes;
    `fine_compares`: single weights compared with the threshold. `coarse_weights_read` and `fine_weights_read`: weights
    that the two parts have to see once each. `zeros`, `coarse_zeros`: pruned weights after the event, and those of
    them that lie in all-pruned units.
    """

    layer: str
    iteration: int
    mask: Mask
    unit: CoarseUnit
    sampled_channels: tuple[int, ...] = ()
    coarse_macs: int = 0
    coarse_adds: int = 0
    coarse_compares: int = 0
    fine_compares: int = 0
    coarse_weights_read: int = 0
    fine_weights_read: int = 0
    zeros: int = 0
    coarse_zeros: int = 0

    @property
    def operations(self) -> int:
        """All coarse and fine operations together."""
        return self.coarse_macs + self.coarse_adds + self.coarse_compares + self.fine_compares

    @property
    def weights_read(self) -> int:
        """Weights that both parts have to see, each part for itself."""
        return self.coarse_weights_read + self.fine_weights_read


class PruningSchedule(Protocol):
    """When and what to prune.

    `events` is asked once per training iteration, in order, with the weights (k, r, s, c) of all layers as the chip
    stores them for compute, and the masks so far. It returns at most one event per layer, in layer order, and changes
    nothing itself.
    """

    @property
    def unit(self) -> CoarseUnit:
        """The coarse unit that sparsity is measured in."""

    def is_due(self, iteration: int) -> bool:
        """Whether there are events in this iteration; known in advance."""

    def events(
        self, iteration: int, weights: Mapping[str, Weights], masks: Mapping[str, Mask]
    ) -> tuple[PruneEvent, ...]:
        """The events of this iteration, empty for most."""


def tile_sum(array: npt.NDArray[Any], unit: CoarseUnit) -> npt.NDArray[Any]:
    """Sums over the units of (k, r, s, c): (ceil(k / b_k), r, s, ceil(c / b_c)), term by term in index order."""
    k, r, s, c = array.shape
    bands, blocks = -(-k // unit.channels_out), -(-c // unit.channels_in)
    padded = np.zeros((bands * unit.channels_out, r, s, blocks * unit.channels_in), dtype=array.dtype)
    padded[:k, :, :, :c] = array
    tiles = padded.reshape(bands, unit.channels_out, r, s, blocks, unit.channels_in)
    total = np.zeros((bands, r, s, blocks), dtype=array.dtype)
    for i in range(unit.channels_out):
        for j in range(unit.channels_in):
            total += tiles[:, i, :, :, :, j]
    return total


def spread(tiles: npt.NDArray[Any], unit: CoarseUnit, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The value of its unit for every weight of `shape` (k, r, s, c)."""
    wide = np.repeat(np.repeat(tiles, unit.channels_out, axis=0), unit.channels_in, axis=3)
    return wide[: shape[0], :, :, : shape[3]]


def count_coarse_zeros(nonzero: Mask, unit: CoarseUnit) -> int:
    """Zeros of a mask (k, r, s, c) that lie in units without any non-zero."""
    empty = tile_sum(nonzero.astype(np.int64), unit) == 0
    return int(np.count_nonzero(spread(empty, unit, nonzero.shape)))
