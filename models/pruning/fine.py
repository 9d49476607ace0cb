"""Fine pruning: single weights of small magnitude become zero."""

from __future__ import annotations

import numpy as np

from .interface import Mask, Weights


def prune_smallest(weights: Weights, mask: Mask, zeros: int) -> Mask:
    """The mask with the smallest kept weights pruned, until at least `zeros` weights are.

    In hardware it is a comparison of each weight with a threshold, taken from counters of the magnitudes that have
    passed. Low-precision magnitudes are often equal; of those on the threshold as many are pruned as it takes, in an
    order that a multiplicative hash scatters over the layer, so that not the first channels lose most.
    """
    kept = int(np.count_nonzero(mask))
    missing = min(zeros - (mask.size - kept), kept)
    if missing <= 0:
        return mask
    magnitudes = np.abs(weights).reshape(-1)
    places = np.flatnonzero(mask)
    candidates = magnitudes[places]
    threshold = np.partition(candidates, missing - 1)[missing - 1]
    result = mask.copy().reshape(-1)
    result[places[candidates < threshold]] = False
    ties = places[candidates == threshold]
    scattered = ties.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    left = missing - int(np.count_nonzero(candidates < threshold))
    result[ties[np.argsort(scattered, kind="stable")[:left]]] = False
    return result.reshape(mask.shape)
