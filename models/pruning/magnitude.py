"""Magnitude pruning in rounds (`magnitude`) and at once (`one_shot`).

Source: Han, Pool, Tran and Dally, "Learning both Weights and Connections for Efficient Neural Networks", NeurIPS 2015,
arXiv 1506.02626. Theirs: weights below a threshold go, the rest is trained on, and that is repeated; pruning at once is
the comparison that they lose to. Our assumptions: the threshold is set so that each round prunes the same share of what
is left in a layer (theirs: a quality parameter times the standard deviation), and the rounds are part of one training.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..tensors import ConvShape
from .amount import Rounds, build_rounds, final_sparsities, single_round
from .fine import FinePruning
from .interface import CoarseUnit
from .schema import OneShotSpec, RoundsSpec


class MagnitudePruning(FinePruning):
    """The smallest weights at the end of each round."""

    def __init__(self, spec: RoundsSpec | OneShotSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        rounds = (
            single_round(spec.at, total_iterations)
            if isinstance(spec, OneShotSpec)
            else build_rounds(spec, total_iterations)
        )
        super().__init__(CoarseUnit(spec.unit.channels_out, spec.unit.channels_in), final_sparsities(spec, layers))
        self.rounds: Rounds = rounds

    def is_due(self, iteration: int) -> bool:
        """At the end of each round."""
        return self.rounds.is_event(iteration)

    def due(self, layer: str, iteration: int) -> float:
        """The sparsity that `layer` is to have after the event of `iteration`."""
        return self.rounds.sparsity(iteration, self.final[layer])
