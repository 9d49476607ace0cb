"""N:M sparsity: of every M consecutive input channels at a filter position, the N largest weights stay.

Source: Mishra et al., "Accelerating Sparse Deep Neural Networks", arXiv 2104.08378 (2:4, pruned once, then trained on).
Our assumptions: pruned during the one training there is; a group cut off at the edge keeps its N largest, too; equal
magnitudes: the first stays; the hardware compares all pairs of a group.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..tensors import ConvShape
from .amount import PruningError, single_round
from .interface import NO_GRADIENTS, CoarseUnit, Mask, PruneEvent, PruningSchedule, Weights, fine_event
from .schema import NOfMSpec


def keep_largest(weights: Weights, n: int, m: int) -> Mask:
    """True at the `n` largest magnitudes of every `m` consecutive channels (last axis)."""
    *outer, channels = weights.shape
    groups = -(-channels // m)
    # Behind the edge there is less than nothing: never among the largest.
    magnitudes = np.full((*outer, groups * m), -1.0, dtype=np.float32)
    magnitudes[..., :channels] = np.abs(weights)
    magnitudes = magnitudes.reshape(*outer, groups, m)
    largest = np.argsort(-magnitudes, axis=-1, kind="stable")[..., :n]
    mask = np.zeros(magnitudes.shape, dtype=bool)
    np.put_along_axis(mask, largest, True, axis=-1)
    return np.ascontiguousarray(mask.reshape(*outer, groups * m)[..., :channels])


class NOfMPruning(PruningSchedule):
    """One event. A group of G weights costs G (G - 1) / 2 comparisons."""

    def __init__(self, spec: NOfMSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        super().__init__(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in))
        unknown = [name for name in spec.dense if name not in layers]
        if unknown:
            raise PruningError(
                f"pruning names layer {unknown[0]!r}; the network has: {', '.join(layers)}",
                ("dense", spec.dense.index(unknown[0])),
            )
        self.n, self.m = spec.n, spec.m
        self._rounds = single_round(spec.at, total_iterations)
        self._pruned = [name for name in layers if name not in spec.dense]

    def is_due(self, iteration: int) -> bool:
        """Once."""
        return self._rounds.is_event(iteration)

    def events(
        self,
        iteration: int,
        weights: Mapping[str, Weights],
        masks: Mapping[str, Mask],
        gradients: Mapping[str, Weights] = NO_GRADIENTS,
    ) -> tuple[PruneEvent, ...]:
        """One for every layer that is not to stay dense."""
        if not self.is_due(iteration):
            return ()
        return tuple(self._event(iteration, name, weights[name], masks[name]) for name in self._pruned)

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        whole, rest = divmod(mask.shape[-1], self.m)
        rows = mask.size // mask.shape[-1]
        compares = rows * (whole * self.m * (self.m - 1) // 2 + rest * (rest - 1) // 2)
        kept = mask & keep_largest(weights, self.n, self.m)
        return fine_event(name, iteration, kept, self.unit, compares=compares, read=mask.size)
