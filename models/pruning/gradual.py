"""Gradual magnitude pruning: the smallest single weights of every layer, along a cubic ramp.

Source: Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", arXiv
1710.01878. Theirs: the cubic, the mask that only grows, pruning while training goes on. Our assumptions: equal sparsity
for all layers that are not named, magnitudes of the low-precision weights, and one comparison per weight and event.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..tensors import ConvShape
from .amount import build_ramp, final_sparsities
from .fine import FinePruning
from .interface import CoarseUnit
from .schema import GradualSpec


class GradualPruning(FinePruning):
    """The smallest weights along the ramp."""

    def __init__(self, spec: GradualSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        ramp = build_ramp(spec, total_iterations)
        super().__init__(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in), final_sparsities(spec, layers))
        self.ramp = ramp

    def is_due(self, iteration: int) -> bool:
        """Every `period` iterations of the ramp."""
        return self.ramp.is_event(iteration)

    def due(self, layer: str, iteration: int) -> float:
        """The sparsity that `layer` is to have after the event of `iteration`."""
        return self.final[layer] * self.ramp.fraction(iteration)
