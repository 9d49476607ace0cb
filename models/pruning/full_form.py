"""What an event would cost in the full form, all output channels compared with each other: the yardstick of `scfp`."""

from __future__ import annotations

from .interface import PruneEvent


def all_pairs_operations(event: PruneEvent) -> dict[str, int]:
    """Operations of the same event with all K channels in the sample, by kind, as `CoarseFinePruning` counts them.

    K (K - 1) / 2 pairs of C * R * S multiply-accumulates each. An event that compares no channels (fine only) stays
    what it is. Source: Kim et al., VLSI Circuits 2020; that all pairs are compared is our reading.
    """
    own = {
        "coarse_macs": event.coarse_macs,
        "coarse_adds": event.coarse_adds,
        "coarse_compares": event.coarse_compares,
        "fine_compares": event.fine_compares,
    }
    if not event.sampled_channels:
        return own
    channels, r, s, depth = event.mask.shape
    weights = r * s * depth
    segments = r * s * -(-depth // event.unit.channels_in)
    bands = -(-channels // event.unit.channels_out)
    # The magnitude criterion compares no pairs, and a sample of one channel has none.
    similarity = event.coarse_macs > 0 or len(event.sampled_channels) == 1
    pairs = channels * (channels - 1) // 2 if similarity else 0
    return own | {
        "coarse_macs": pairs * weights,
        "coarse_adds": channels * weights,
        "coarse_compares": 2 * pairs * segments + bands * segments,
    }
