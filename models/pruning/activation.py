"""Activation pruning tile by tile, beside any schedule of the weights.

Source: TSUNAMI, IEEE TCAS-I 69(4), 2022 (abstract): activations are pruned dynamically, tile by tile, so that it takes
no memory access of its own, and weights are pruned with them ("multi-modal iterative pruning"). Our assumptions, since
tile and rule are not published: a tile is a run of input channels at one position; in each the same share of the values
that are smallest goes, ties in order; the pruned values take no part in FF, WG and the gradient; all pairs of a tile
are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .interface import NO_GRADIENTS, InputPruning, Mask, PruneEvent, PruningSchedule, Weights


class ActivationPruning(PruningSchedule):
    """The events of `weights`, and from iteration `begin` on every input of a MAC layer is pruned."""

    def __init__(self, weights: PruningSchedule, pruning: InputPruning, begin: int) -> None:
        super().__init__(weights.unit)
        self._weights, self._pruning, self._begin = weights, pruning, begin
        self.monotone = weights.monotone
        self.snapshot_iteration = weights.snapshot_iteration

    @property
    def weights(self) -> PruningSchedule:
        """The schedule of the weights."""
        return self._weights

    def is_due(self, iteration: int) -> bool:
        """Whether weights are pruned."""
        return self._weights.is_due(iteration)

    def needs_gradients(self, iteration: int) -> bool:
        """As for the weights alone."""
        return self._weights.needs_gradients(iteration)

    def prunes_inputs(self, iteration: int) -> InputPruning | None:
        """From `begin` on."""
        return self._pruning if iteration >= self._begin else None

    def events(
        self,
        iteration: int,
        weights: Mapping[str, Weights],
        masks: Mapping[str, Mask],
        gradients: Mapping[str, Weights] = NO_GRADIENTS,
    ) -> tuple[PruneEvent, ...]:
        """Those of the weights."""
        return self._weights.events(iteration, weights, masks, gradients)

    def state(self) -> Mapping[str, npt.NDArray[Any]]:
        """That of the weights' schedule."""
        return self._weights.state()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """To the weights' schedule."""
        self._weights.restore(state)


def kept_inputs(values: npt.NDArray[np.float32], pruning: InputPruning) -> tuple[Mask, int]:
    """Where values (..., c) stay, and the comparisons that it takes: t (t - 1) / 2 for a tile of t."""
    *outer, channels = values.shape
    tiles, rows = -(-channels // pruning.tile), values.size // channels
    whole, rest = divmod(channels, pruning.tile)
    magnitudes = np.full((rows, tiles * pruning.tile), np.inf, dtype=np.float32)
    magnitudes[:, :channels] = np.abs(values).reshape(rows, channels)
    order = np.argsort(magnitudes.reshape(rows, tiles, pruning.tile), axis=-1, kind="stable")
    mask = np.ones(order.shape, dtype=bool)
    np.put_along_axis(mask[:, :whole], order[:, :whole, : pruning.pruned], False, axis=-1)
    if rest:
        np.put_along_axis(mask[:, whole:], order[:, whole:, : pruning.pruned * rest // pruning.tile], False, axis=-1)
    compares = rows * (whole * pruning.tile * (pruning.tile - 1) // 2 + rest * (rest - 1) // 2)
    return np.ascontiguousarray(mask.reshape(rows, -1)[:, :channels].reshape(*outer, channels)), compares
