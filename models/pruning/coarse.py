"""Coarse pruning: units of consecutive weights that are small, or repeat another channel's, become zero together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .interface import CoarseUnit, Mask, Weights, spread, tile_sum

Scores = npt.NDArray[np.float64]


def _segments(weights: Weights, unit: CoarseUnit) -> Scores:
    """Weights (k, r, s, c) as (b_c, k, r, s, blocks): the segments of each channel, their elements first."""
    k, r, s, c = weights.shape
    blocks = -(-c // unit.channels_in)
    padded = np.zeros((k, r, s, blocks * unit.channels_in), dtype=np.float64)
    padded[..., :c] = weights
    return np.ascontiguousarray(np.moveaxis(padded.reshape(k, r, s, blocks, unit.channels_in), -1, 0))


def _magnitude(segments: Scores) -> Scores:
    """Sums of magnitudes over the first axis, element by element in order."""
    total: Scores = np.abs(segments[0])
    for element in segments[1:]:
        total = total + np.abs(element)
    return total


def segment_scores(
    weights: Weights, channels: npt.NDArray[np.int64], unit: CoarseUnit, *, similarity: bool, groups: int = 1
) -> Scores:
    """How much each segment of the sampled channels matters: (len(channels), r, s, blocks).

    A segment is b_c consecutive weights of one output channel. It matters by its magnitude, the sum of |w|. With
    `similarity`, a segment that is closer to another sampled channel's at the same place than to zero, and not larger
    than it, matters only by that distance, the sum of |w - w'|: it repeats what the other computes already. Of a layer
    with `groups` groups, only channels of the same group are compared: others read other inputs, and repeat nothing.
    """
    segments = _segments(weights[channels], unit)
    magnitude = _magnitude(segments)
    scores = magnitude.copy()
    if similarity:
        group = channels // (len(weights) // groups)
        for i in range(len(channels) - 1):
            later: slice | npt.NDArray[np.intp] = slice(i + 1, None)
            if groups > 1:
                later = i + 1 + np.flatnonzero(group[i + 1 :] == group[i])
                if not later.size:
                    continue
            distance = _magnitude(segments[:, i : i + 1] - segments[:, later])
            first_is_smaller = magnitude[i : i + 1] < magnitude[later]
            repeats_later = np.where(first_is_smaller, distance, np.inf).min(axis=0)
            scores[i] = np.minimum(scores[i], repeats_later)
            repeats_this = np.where(first_is_smaller, np.inf, distance)
            scores[later] = np.minimum(scores[later], repeats_this)
    return scores


def prune_units(
    weights: Weights,
    mask: Mask,
    channels: npt.NDArray[np.int64],
    unit: CoarseUnit,
    share: float,
    budget: int,
    *,
    similarity: bool,
    groups: int = 1,
) -> Mask:
    """The mask with, in every band of the sampled channels, the units pruned that matter least.

    A band is the b_k channels of one row of units; the sample consists of whole bands. Each of them is due to have the
    share `share` of its units (rounded to the nearest number) all-pruned. Of the units that are missing, those that
    matter least go first, and no more than `budget` weights altogether. A unit matters as much as its segments do
    together. `groups`: see `segment_scores`.
    """
    scores = segment_scores(weights, channels, unit, similarity=similarity, groups=groups)
    scored = np.zeros(weights.shape[:3] + scores.shape[3:], dtype=np.float64)
    scored[channels] = scores
    # Sum over the channels of each unit; the segments are single columns already.
    by_unit = tile_sum(scored, CoarseUnit(unit.channels_out, 1))
    kept = tile_sum(mask.astype(np.int64), unit)
    gone = kept == 0
    per_band = gone[0].size
    missing: list[npt.NDArray[np.int64]] = []
    for band in sorted({int(channel) // unit.channels_out for channel in channels}):
        count = int(share * per_band + 0.5) - int(np.count_nonzero(gone[band]))
        order = np.argsort(np.where(gone[band], np.inf, by_unit[band]), axis=None, kind="stable")
        missing.append(band * per_band + order[: max(0, count)])
    units = np.concatenate(missing)
    units = units[np.argsort(by_unit.reshape(-1)[units], kind="stable")]
    affordable = np.cumsum(kept.reshape(-1)[units]) <= budget
    gone.reshape(-1)[units[affordable]] = True
    return np.asarray(mask & ~spread(gone, unit, mask.shape))
