"""What a pruning schedule promises: which weights become zero when, and what deciding it costs in hardware.

Hardware-free: events say which channels are compared and what is read and computed; how the weights get there (from
the read port as they pass, or by fetches of their own) is the chip model's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

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
    all channels for the full form, none without coarse pruning. `groups`: of the layer; channels are compared with
    those of their own group. `similarity`: whether pairs of channels are compared, and not magnitudes alone. `mask` (k,
    r, s, c): True where a weight stays; a subset of the mask before where the schedule is `monotone`. `coarse_macs`:
    subtract-and-accumulate (or multiply-accumulate) steps of the similarity; `coarse_compares`: comparisons of scores
    and of magnitudes of units; `coarse_adds`: accumulations of magnitudes; `fine_compares`: comparisons of single
    weights, with a threshold or each other. `coarse_weights_read` and `fine_weights_read`: weights that the two parts
    have to see once each. `gradients_read`: FP32 gradients of weights looked at besides, with a comparison each.
    `rewinds`: the kept weights go back, after the update of the iteration, to the values that they had after the
    schedule's `snapshot_iteration`, and the optimiser's moments to zero. `zeros`, `coarse_zeros`: pruned weights after
    the event, and those of them that lie in all-pruned units.
    """

    layer: str
    iteration: int
    mask: Mask
    unit: CoarseUnit
    sampled_channels: tuple[int, ...] = ()
    groups: int = 1
    similarity: bool = False
    coarse_macs: int = 0
    coarse_adds: int = 0
    coarse_compares: int = 0
    fine_compares: int = 0
    coarse_weights_read: int = 0
    fine_weights_read: int = 0
    gradients_read: int = 0
    rewinds: bool = False
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


@dataclass(frozen=True)
class InputPruning:
    """Pruning of the inputs of all MAC layers in one iteration: in each tile of `tile` consecutive channels of one
    position, the `pruned` smallest values become zero (of a tile cut off at the edge the same share, rounded down)."""

    tile: int
    pruned: int


NO_GRADIENTS: Mapping[str, Weights] = MappingProxyType({})


class PruningSchedule:
    """When and what to prune: the class that every schedule extends; as it is, it never does anything.

    Whoever trains asks, in each iteration in order: `needs_gradients` before it, `events` at its end, before the
    update. What a schedule decides may depend on its arguments and its seed only, so that a training can be resumed;
    one with a memory of its own hands it out by `state`, and takes it back by `restore`.
    """

    monotone = True
    """Whether a pruned weight stays pruned."""

    snapshot_iteration: int | None = None
    """The iteration after which the weights are kept, for events that rewind to them."""

    def __init__(self, unit: CoarseUnit | None = None) -> None:
        self.unit = unit or CoarseUnit()
        """The coarse unit that sparsity is measured in."""

    def is_due(self, iteration: int) -> bool:
        """Whether there are events in this iteration; known in advance."""
        return False

    def needs_gradients(self, iteration: int) -> bool:
        """Whether the events of this iteration look at the gradients of pruned weights, too: WG then computes all."""
        return False

    def prunes_inputs(self, iteration: int) -> InputPruning | None:
        """How the inputs of MAC layers are pruned in this iteration; None: not."""
        return None

    def events(
        self,
        iteration: int,
        weights: Mapping[str, Weights],
        masks: Mapping[str, Mask],
        gradients: Mapping[str, Weights] = NO_GRADIENTS,
    ) -> tuple[PruneEvent, ...]:
        """The events of this iteration, empty for most: at most one for each layer, in layer order.

        `weights` (k, r, s, c) of all layers as the chip stores them for compute, and the `masks` so far, which it
        must not change; `gradients` where `needs_gradients` asked for them.
        """
        return ()

    def state(self) -> Mapping[str, npt.NDArray[Any]]:
        """What it remembers between iterations, by name."""
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state` gave. ValueError if that is of another schedule."""
        if state:
            raise ValueError(f"a schedule without a memory was given {sorted(state)}")


def zeros_of(sparsity: float, weights: int) -> int:
    """Zeros that a sparsity means, rounded to the nearest number."""
    return int(sparsity * weights + 0.5)


def fine_event(layer: str, iteration: int, mask: Mask, unit: CoarseUnit, *, compares: int, read: int) -> PruneEvent:
    """An event that looks at single weights only."""
    return PruneEvent(
        layer,
        iteration,
        mask,
        unit,
        fine_compares=compares,
        fine_weights_read=read,
        zeros=mask.size - int(np.count_nonzero(mask)),
        coarse_zeros=count_coarse_zeros(mask, unit),
    )


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
    empty = ~tile_sum(nonzero, unit)  # the sum of Booleans is their "or"
    return int(np.count_nonzero(spread(empty, unit, nonzero.shape)))
