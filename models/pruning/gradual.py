"""Gradual magnitude pruning: the smallest single weights of every layer, along a cubic ramp.

Source: Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", arXiv
1710.01878. Theirs: the cubic, the mask that only grows, pruning while training goes on. Our assumptions: equal sparsity
for all layers that are not named, magnitudes of the low-precision weights, and one comparison per weight and event.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..tensors import ConvShape
from .amount import build_ramp, final_sparsities
from .fine import prune_smallest
from .interface import (
    NO_GRADIENTS,
    CoarseUnit,
    Mask,
    PruneEvent,
    PruningSchedule,
    Weights,
    fine_event,
    zeros_of,
)
from .schema import GradualSpec


class GradualPruning(PruningSchedule):
    """In each event the smallest weights of every layer, up to what is due; one comparison per weight and event."""

    def __init__(self, spec: GradualSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        super().__init__(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in))
        self.ramp = build_ramp(spec, total_iterations)
        self.final = final_sparsities(spec, layers)

    def is_due(self, iteration: int) -> bool:
        """Every `period` iterations of the ramp."""
        return self.ramp.is_event(iteration)

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

    def due(self, layer: str, iteration: int) -> float:
        """The sparsity that `layer` is to have after the event of `iteration`."""
        return self.final[layer] * self.ramp.fraction(iteration)

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        mask = prune_smallest(weights, mask, zeros_of(self.due(name, iteration), mask.size))
        return fine_event(name, iteration, mask, self.unit, compares=mask.size, read=mask.size)
