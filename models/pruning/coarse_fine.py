"""Coarse-fine pruning, all pairs of channels compared (`cfp`) or a random sample of them (`scfp`).

Coarse-fine pruning is that of Kim et al., "A 146.52 TOPS/W Deep-Neural-Network Learning Processor with Stochastic
Coarse-Fine Pruning and Adaptive Input/Output/Weight Skipping", VLSI Circuits 2020, doi
10.1109/VLSICircuits18222.2020.9162795. Published: fine pruning zeroes weights of small magnitude; coarse pruning
compares output channels by the similarity or magnitude of their weights and turns similar or small consecutive weights
into consecutive zeros; the full form compares all pairs of channels; the stochastic form samples output channels and
prunes more often; pruning goes on during training. Our assumptions, for want of published ones: the size of the unit,
the sample, the period, the distance (sum of |w - w'|), that of two similar segments the smaller goes, equal shares for
all bands of a layer, the ramp, the split between coarse and fine zeros, and that channels are compared within groups.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..numerics.streams import Stream
from ..tensors import ConvShape
from .coarse import prune_units
from .fine import prune_smallest
from .full_form import operation_counts, pairs_within_groups
from .gradual import GradualPruning
from .interface import CoarseUnit, Mask, PruneEvent, Weights, count_coarse_zeros, zeros_of
from .schema import CoarseSpec, StochasticCoarseFineSpec


class CoarseFinePruning(GradualPruning):
    """Coarse units first, then single weights, up to what is due; all output channels are compared in every event.

    What an event costs is in `full_form`.
    """

    def __init__(self, spec: CoarseSpec, layers: Mapping[str, ConvShape], total_iterations: int) -> None:
        super().__init__(spec, layers, total_iterations)
        self._similarity = spec.criterion == "similarity"
        self._coarse_share = spec.coarse_share
        self._groups = {name: shape.groups for name, shape in layers.items()}

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
        due = zeros_of(self.due(name, iteration), mask.size)
        budget = due - (mask.size - int(np.count_nonzero(mask)))
        groups, similarity = self._groups[name], self._similarity
        coarse = prune_units(weights, mask, sample, self.unit, share, budget, similarity=similarity, groups=groups)
        fine = prune_smallest(weights, coarse, due)
        k, r, s, c = weights.shape
        bands = len({int(channel) // self.unit.channels_out for channel in sample})
        pairs = pairs_within_groups(sample.tolist(), k, groups) if similarity else 0
        counts = operation_counts((k, r, s, c), self.unit, sampled=len(sample), bands=bands, pairs=pairs)
        return PruneEvent(
            name,
            iteration,
            fine,
            self.unit,
            sampled_channels=tuple(int(channel) for channel in sample),
            groups=groups,
            similarity=similarity,
            coarse_weights_read=len(sample) * r * s * c,
            fine_weights_read=mask.size,
            zeros=mask.size - int(np.count_nonzero(fine)),
            coarse_zeros=count_coarse_zeros(fine, self.unit),
            coarse_macs=counts["coarse_macs"],
            coarse_adds=counts["coarse_adds"],
            coarse_compares=counts["coarse_compares"],
            fine_compares=counts["fine_compares"],
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
        return -(-channels // self.unit.channels_out), sampled_bands(channels, self._sample, self.unit)

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


def sampled_bands(channels: int, share: float, unit: CoarseUnit) -> int:
    """Rows of units in a sample of the share `share` of the output channels: the nearest number, at least one."""
    bands = -(-channels // unit.channels_out)
    return max(1, min(bands, int(share * channels / unit.channels_out + 0.5)))
