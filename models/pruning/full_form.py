"""What coarse-fine pruning costs: the operations of one event, by kind, and those of its full form.

With k sampled of K channels, P = k (k - 1) / 2 pairs, S segments of b_c weights in a channel: P * C * R * S
multiply-accumulates (subtract, magnitude, add) for similarity, none for the magnitude criterion; k * C * R * S
additions for magnitudes; two comparisons per pair and segment (which is smaller, is it closer than any before) and one
per sampled unit (with the threshold); one per weight of the layer for fine pruning.

Source: Kim et al., VLSI Circuits 2020; that all pairs are compared, and how, is our reading.
"""

from __future__ import annotations

from .interface import CoarseUnit, PruneEvent

KINDS = ("coarse_macs", "coarse_adds", "coarse_compares", "fine_compares")


def operation_counts(
    shape: tuple[int, int, int, int], unit: CoarseUnit, *, sampled: int, bands: int, similarity: bool
) -> dict[str, int]:
    """Operations, by kind, of an event that compares `sampled` output channels, in `bands` rows of units, of a layer
    with weights `shape` (k, r, s, c)."""
    channels, r, s, depth = shape
    weights = r * s * depth
    segments = r * s * -(-depth // unit.channels_in)
    pairs = sampled * (sampled - 1) // 2 if similarity else 0
    return {
        "coarse_macs": pairs * weights,
        "coarse_adds": sampled * weights,
        "coarse_compares": 2 * pairs * segments + bands * segments,
        "fine_compares": channels * weights,
    }


def all_pairs_operations(event: PruneEvent) -> dict[str, int]:
    """Operations of the same event with all K channels in the sample: the yardstick of `scfp`.

    An event that compares no channels (fine only) stays what it is.
    """
    if not event.sampled_channels:
        return {kind: getattr(event, kind) for kind in KINDS}
    channels, r, s, depth = event.mask.shape
    # The magnitude criterion compares no pairs, and a sample of one channel has none.
    similarity = event.coarse_macs > 0 or len(event.sampled_channels) == 1
    bands = -(-channels // event.unit.channels_out)
    counts = operation_counts((channels, r, s, depth), event.unit, sampled=channels, bands=bands, similarity=similarity)
    return counts | {"fine_compares": event.fine_compares}
