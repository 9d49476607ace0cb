"""Fine pruning: single weights of small magnitude become zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .interface import NO_GRADIENTS, CoarseUnit, Mask, PruneEvent, PruningSchedule, Weights, fine_event, zeros_of


class FinePruning(PruningSchedule):
    """In each event the smallest weights of every layer, up to what is due; one comparison per weight and event.

    Who extends it says when (`is_due`) and how much (`due`). `final`: by layer, the sparsity in the end.
    """

    def __init__(self, unit: CoarseUnit, final: Mapping[str, float]) -> None:
        super().__init__(unit)
        self.final = final

    def due(self, layer: str, iteration: int) -> float:
        """The sparsity that `layer` is to have after the event of `iteration`."""
        raise NotImplementedError

    def events(
        self,
        iteration: int,
        weights: Mapping[str, Weights],
        masks: Mapping[str, Mask],
        gradients: Mapping[str, Weights] = NO_GRADIENTS,
    ) -> tuple[PruneEvent, ...]:
        """One event for every layer that is pruned at all."""
        if not self.is_due(iteration):
            return ()
        return tuple(
            self._event(iteration, name, weights[name], masks[name]) for name in weights if self.final[name] > 0.0
        )

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        mask = prune_smallest(weights, mask, zeros_of(self.due(name, iteration), mask.size))
        return fine_event(name, iteration, mask, self.unit, compares=mask.size, read=mask.size)


def prune_smallest(weights: Weights, mask: Mask, zeros: int) -> Mask:
    """The mask with the smallest kept weights pruned, until at least `zeros` weights are.

    In hardware it is a comparison of each weight with a threshold, taken from counters of the magnitudes that have
    passed. Low-precision magnitudes are often equal; of those on the threshold as many are pruned as it takes, in an
    order that a multiplicative hash scatters over the layer, so that not the first channels lose most.
    """
    kept = int(np.count_nonzero(mask))
    missing = min(zeros - (mask.size - kept), kept)
    if missing <= 0:
        return mask
    magnitudes = np.abs(weights).reshape(-1)
    places = np.flatnonzero(mask)
    candidates = magnitudes[places]
    threshold = np.partition(candidates, missing - 1)[missing - 1]
    result = mask.copy().reshape(-1)
    result[places[candidates < threshold]] = False
    ties = places[candidates == threshold]
    scattered = ties.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    left = missing - int(np.count_nonzero(candidates < threshold))
    result[ties[np.argsort(scattered, kind="stable")[:left]]] = False
    return result.reshape(mask.shape)
