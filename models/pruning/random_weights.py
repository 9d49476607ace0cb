"""Random pruning: single weights whatever their values, along the cubic ramp. The control that criteria are held to.

Source: the ramp of Zhu and Gupta, arXiv 1710.01878. Our assumption: the hardware draws a number for each weight,
compares it with a threshold, and needs to see no weight.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..numerics.streams import Stream
from ..tensors import ConvShape
from .gradual import GradualPruning
from .interface import Mask, PruneEvent, Weights, fine_event, zeros_of
from .schema import RandomSpec


class RandomPruning(GradualPruning):
    """Each layer's weights go in one random order; one comparison per weight and event, and no weight is read."""

    def __init__(self, spec: RandomSpec, layers: Mapping[str, ConvShape], total_iterations: int, *, seed: int) -> None:
        super().__init__(spec, layers, total_iterations)
        self._seed = seed

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        order = Stream(self._seed, f"pruning/{name}").permutation(mask.size)
        gone = np.zeros(mask.size, dtype=bool)
        gone[order[: zeros_of(self.due(name, iteration), mask.size)]] = True
        pruned = mask & ~gone.reshape(mask.shape)
        return fine_event(name, iteration, pruned, self.unit, compares=mask.size, read=0)
