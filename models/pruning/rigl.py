"""Sparse from the first update on, with regrowth: small weights go, and come back where the gradient is large.

Source: Evci, Gale, Menick, Castro and Elsen, "Rigging the Lottery: Making All Tickets Winners" (RigL), ICML 2020, arXiv
1911.11134. Theirs: a random mask at the start; every `period` iterations the share f of the kept weights that are
smallest is dropped, and as many are grown where the gradient is largest, from zero; f falls as
drop * (1 - t / end) ** 3, one of the decays of their appendix (their main one is a cosine). Our assumptions: equal
sparsity for all layers that are not named; the update of an iteration with an event is made, too; the mask at the start
is drawn by an event of iteration 0, so FF, BP and WG of that one iteration are dense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..numerics.streams import Stream
from ..tensors import ConvShape
from .amount import PruningError, final_sparsities
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
from .schema import RiglSpec


class RiglPruning(PruningSchedule):
    """An event compares each kept weight and the gradient of each weight that is not; the first event only draws.

    A weight dropped in an event is among those that may grow in it.
    """

    monotone = False

    def __init__(self, spec: RiglSpec, layers: Mapping[str, ConvShape], total_iterations: int, *, seed: int) -> None:
        super().__init__(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in))
        self.final = final_sparsities(spec, layers)
        self._period, self._drop, self._seed = spec.period, spec.drop, seed
        self._end = int(spec.end * total_iterations)
        if self._end < 1:
            raise PruningError(f"{total_iterations} iterations leave no room for regrowth until {spec.end}")

    def is_due(self, iteration: int) -> bool:
        """In the first iteration, and every `period` until `end`."""
        return iteration < self._end and iteration % self._period == 0

    def needs_gradients(self, iteration: int) -> bool:
        """In every event but the first."""
        return iteration > 0 and self.is_due(iteration)

    def due(self, layer: str, iteration: int) -> float:
        """The sparsity of `layer` after every event: the final one."""
        return self.final[layer]

    def exchanged(self, kept: int, iteration: int) -> int:
        """How many of so many kept weights an event exchanges."""
        left = 1.0 - iteration / self._end
        return int(self._drop * left * left * left * kept)

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
        names = [name for name in weights if self.final[name] > 0.0]
        if iteration == 0:
            return tuple(self._first(name, masks[name]) for name in names)
        return tuple(self._exchange(iteration, n, weights[n], masks[n], gradients[n]) for n in names)

    def _first(self, name: str, mask: Mask) -> PruneEvent:
        drawn = np.ones(mask.size, dtype=bool)
        order = Stream(self._seed, f"pruning/{name}").permutation(mask.size)
        drawn[order[: zeros_of(self.final[name], mask.size)]] = False
        return fine_event(name, 0, drawn.reshape(mask.shape), self.unit, compares=mask.size, read=0)

    def _exchange(self, iteration: int, name: str, weights: Weights, mask: Mask, gradient: Weights) -> PruneEvent:
        kept = int(np.count_nonzero(mask))
        count = self.exchanged(kept, iteration)
        left = prune_smallest(weights, mask, mask.size - kept + count)
        grown = grow_largest(gradient, left, count)
        event = fine_event(name, iteration, grown, self.unit, compares=kept, read=kept)
        return replace(event, gradients_read=mask.size - kept + count)


def grow_largest(gradient: Weights, mask: Mask, count: int) -> Mask:
    """The mask with `count` more weights: those of the largest gradient magnitudes; of equal ones the first."""
    result = mask.copy().reshape(-1)
    places: npt.NDArray[np.intp] = np.flatnonzero(~result)
    order = np.argsort(-np.abs(gradient.reshape(-1)[places]), kind="stable")
    result[places[order[:count]]] = True
    return result.reshape(mask.shape)
