"""Lottery-ticket rewinding: magnitude pruning in rounds, after each of which the kept weights start again.

Source: Frankle and Carbin, "The Lottery Ticket Hypothesis", ICLR 2019, arXiv 1803.03635 (rewinding to the start);
Frankle, Dziugaite, Roy and Carbin, "Linear Mode Connectivity and the Lottery Ticket Hypothesis", ICML 2020, arXiv
1912.05671 (rewinding to an early iteration). Our assumptions: all rounds are part of one training, whose learning rate
goes on where theirs starts anew; the rewinding comes after the update of its iteration, so that the next one begins
from the snapshot; the optimiser's moments start from zero, while Adam's corrections of their bias go on with the
iterations; biases are not rewound, nor are their moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..tensors import ConvShape
from .interface import Mask, PruneEvent, Weights
from .magnitude import MagnitudePruning
from .schema import LotteryTicketSpec


class LotteryTicketPruning(MagnitudePruning):
    """As `magnitude`, and every event rewinds its layer's weights to those after `snapshot_iteration`."""

    def __init__(self, spec: LotteryTicketSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        super().__init__(spec, layers, total_iterations)
        # Before the first round: what it rewinds to must be there.
        self.snapshot_iteration = min(int(spec.rewind_to * total_iterations), self.rounds.iterations[0] - 1)

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        return replace(super()._event(iteration, name, weights, mask), rewinds=True)
