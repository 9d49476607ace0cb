"""No pruning: the schedule of dense training."""

from __future__ import annotations

from collections.abc import Mapping

from .interface import CoarseUnit, Mask, PruneEvent, Weights


class NoPruning:
    """Never an event; sparsity is measured in `unit`."""

    def __init__(self, unit: CoarseUnit | None = None) -> None:
        self.unit = unit or CoarseUnit()

    def events(
        self, iteration: int, weights: Mapping[str, Weights], masks: Mapping[str, Mask]
    ) -> tuple[PruneEvent, ...]:
        """None."""
        return ()
