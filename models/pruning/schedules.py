"""The schedules: none, magnitude, coarse-fine (full), and stochastic coarse-fine.

Coarse-fine pruning is that of Kim et al., "A 146.52 TOPS/W Deep-Neural-Network Learning Processor with Stochastic
Coarse-Fine Pruning and Adaptive Input/Output/Weight Skipping", VLSI Circuits 2020, doi
10.1109/VLSICircuits18222.2020.9162795. Published: fine pruning zeroes weights of small magnitude; coarse pruning
compares output channels by the similarity or magnitude of their weights and turns similar or small consecutive weights
into consecutive zeros; the full form compares all pairs of channels; the stochastic form samples output channels and
prunes more often; pruning goes on during training. Our assumptions, for want of published ones: the size of the unit,
the sample, the period, the distance (sum of |w - w'|), that of two similar segments the smaller goes, equal shares for
all bands of a layer, the ramp, and the split between coarse and fine zeros.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..numerics.streams import Stream
from ..tensors import ConvShape
from .coarse import prune_units
from .fine import prune_smallest
from .gradual import build_ramp, final_sparsities
from .interface import CoarseUnit, Mask, PruneEvent, PruningSchedule, Weights, count_coarse_zeros
from .schema import (
    CoarseFineSpec,
    CoarseSpec,
    CoarseUnitSpec,
    GradualSpec,
    MagnitudeSpec,
    PruningSpec,
    StochasticCoarseFineSpec,
)


def _unit(spec: CoarseUnitSpec) -> CoarseUnit:
    return CoarseUnit(spec.channels_out, spec.channels_in)


class NoPruning:
    """Never an event; sparsity is measured in `unit`."""

    def __init__(self, unit: CoarseUnit | None = None) -> None:
        self.unit = unit or CoarseUnit()

    def is_due(self, iteration: int) -> bool:
        """Never."""
        return False

    def events(
        self, iteration: int, weights: Mapping[str, Weights], masks: Mapping[str, Mask]
    ) -> tuple[PruneEvent, ...]:
        """None."""
        return ()


class MagnitudePruning:
    """Gradual magnitude pruning: in each event the smallest single weights of every layer, up to what is due.

    Source: Zhu and Gupta, arXiv 1710.01878. One comparison per weight and event.
    """

    def __init__(self, spec: GradualSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        self.unit = _unit(spec.unit)
        self.ramp = build_ramp(spec, total_iterations)
        self.final = final_sparsities(spec, layers)

    def is_due(self, iteration: int) -> bool:
        """Every `period` iterations of the ramp."""
        return self.ramp.is_event(iteration)

    def events(
        self, iteration: int, weights: Mapping[str, Weights], masks: Mapping[str, Mask]
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
        mask = prune_smallest(weights, mask, _zeros(self.due(name, iteration), mask.size))
        return PruneEvent(
            name,
            iteration,
            mask,
            self.unit,
            fine_compares=mask.size,
            fine_weights_read=mask.size,
            zeros=mask.size - int(np.count_nonzero(mask)),
            coarse_zeros=count_coarse_zeros(mask, self.unit),
        )


class CoarseFinePruning(MagnitudePruning):
    """Coarse units first, then single weights, up to what is due; all output channels are compared in every event.

    Operations of one layer's event, with k sampled of K channels (here k = K), P = k (k - 1) / 2 pairs, S segments of
    b_c weights in a channel: P * C * R * S multiply-accumulates (subtract, magnitude, add) for similarity, none for
    the magnitude criterion; k * C * R * S additions for magnitudes; two comparisons per pair and segment (which is
    smaller, is it closer than any before) and one per sampled unit (with the threshold); one per weight of the layer
    for fine pruning.
    """

    def __init__(self, spec: CoarseSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        super().__init__(spec, layers, total_iterations)
        self._similarity = spec.criterion == "similarity"
        self._coarse_share = spec.coarse_share

    def sampled(self, layer: str, channels: int, iteration: int) -> npt.NDArray[np.int64]:
        """The output channels that the event of `iteration` compares, in order."""
        return np.arange(channels)

    def round_iterations(self, channels: int) -> int:
        """Iterations from one sampling of a channel to its next."""
        return self.ramp.period

    def _event(self, iteration: int, name: str, weights: Weights, mask: Mask) -> PruneEvent:
        sample = self.sampled(name, len(weights), iteration)
        # What is due before these channels are sampled again; so that by the end of the ramp all have had their share.
        ahead = iteration + self.round_iterations(len(weights)) - self.ramp.period
        share = self._coarse_share * self.due(name, ahead)
        due = _zeros(self.due(name, iteration), mask.size)
        budget = due - (mask.size - int(np.count_nonzero(mask)))
        coarse = prune_units(weights, mask, sample, self.unit, share, budget, similarity=self._similarity)
        fine = prune_smallest(weights, coarse, due)
        per_channel = int(np.prod(weights.shape[1:]))
        segments = weights.shape[1] * weights.shape[2] * -(-weights.shape[3] // self.unit.channels_in)
        bands = len({int(channel) // self.unit.channels_out for channel in sample})
        pairs = len(sample) * (len(sample) - 1) // 2 if self._similarity else 0
        return PruneEvent(
            name,
            iteration,
            fine,
            self.unit,
            sampled_channels=tuple(int(channel) for channel in sample),
            coarse_macs=pairs * per_channel,
            coarse_adds=len(sample) * per_channel,
            coarse_compares=2 * pairs * segments + bands * segments,
            fine_compares=mask.size,
            coarse_weights_read=len(sample) * per_channel,
            fine_weights_read=mask.size,
            zeros=mask.size - int(np.count_nonzero(fine)),
            coarse_zeros=count_coarse_zeros(fine, self.unit),
        )


class StochasticCoarseFinePruning(CoarseFinePruning):
    """Coarse-fine pruning that compares only a random sample of the output channels with each other.

    The sample is drawn in whole bands of b_k channels without replacement, round by round: every channel is sampled
    once in a round, in a random order of its own for each layer and round.
    """

    def __init__(
        self, spec: StochasticCoarseFineSpec, layers: Mapping[str, ConvShape], total_iterations: int, *, seed: int
    ) -> None:
        super().__init__(spec, layers, total_iterations)
        self._sample = spec.sample
        self._seed = seed

    def _bands(self, channels: int) -> tuple[int, int]:
        """(bands of the layer, bands in a sample)."""
        bands = -(-channels // self.unit.channels_out)
        return bands, max(1, min(bands, int(self._sample * channels / self.unit.channels_out + 0.5)))

    def round_iterations(self, channels: int) -> int:
        """Iterations in which every channel is sampled once."""
        bands, sampled = self._bands(channels)
        return -(-bands // sampled) * self.ramp.period

    def sampled(self, layer: str, channels: int, iteration: int) -> npt.NDArray[np.int64]:
        """The output channels that the event of `iteration` compares, band by band in the order drawn."""
        bands, sampled = self._bands(channels)
        length = -(-bands // sampled)
        turn, place = divmod(self.ramp.number(iteration), length)
        order = Stream(self._seed, f"pruning/{layer}/{turn}").permutation(bands)
        width = self.unit.channels_out
        chosen = [np.arange(b * width, min((b + 1) * width, channels)) for b in order[place * sampled :][:sampled]]
        return np.concatenate(chosen)


def _zeros(sparsity: float, weights: int) -> int:
    """Zeros that a sparsity means, rounded to the nearest number."""
    return int(sparsity * weights + 0.5)


def build_pruning(
    spec: PruningSpec, layers: Mapping[str, ConvShape], total_iterations: int, *, seed: int
) -> PruningSchedule:
    """The schedule that `spec` describes, for these layers and this length of training.

    What is random in it comes from `seed`, in streams of its own. Raises PruningError where the description does not
    fit the layers or the training.
    """
    if isinstance(spec, StochasticCoarseFineSpec):
        return StochasticCoarseFinePruning(spec, layers, total_iterations, seed=seed)
    if isinstance(spec, CoarseFineSpec):
        return CoarseFinePruning(spec, layers, total_iterations)
    if isinstance(spec, MagnitudeSpec):
        return MagnitudePruning(spec, layers, total_iterations)
    return NoPruning(_unit(spec.unit))
