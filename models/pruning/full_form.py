"""What coarse-fine pruning costs: the operations of one event, by kind, and those of its full form.

With k sampled of K channels, P = k (k - 1) / 2 pairs (of a layer with groups, the pairs within each), S segments of b_c
weights in a channel: P * C * R * S multiply-accumulates (subtract, magnitude, add) for similarity, none for the
magnitude criterion; k * C * R * S additions for magnitudes; two comparisons per pair and segment (which is smaller, is
it closer than any before) and one per sampled unit (with the threshold); one per weight of the layer for fine pruning.

Source: Kim et al., VLSI Circuits 2020; that all pairs are compared, and how, is our reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .interface import CoarseUnit, PruneEvent

KINDS = ("coarse_macs", "coarse_adds", "coarse_compares", "fine_compares")


def operation_counts(
    shape: tuple[int, int, int, int], unit: CoarseUnit, *, sampled: int, bands: int, pairs: int
) -> dict[str, int]:
    """Operations, by kind, of an event that looks at `sampled` output channels, in `bands` rows of units, of a layer
    with weights `shape` (k, r, s, c), and compares so many pairs of them."""
    channels, r, s, depth = shape
    weights = r * s * depth
    segments = r * s * -(-depth // unit.channels_in)
    return {
        "coarse_macs": pairs * weights,
        "coarse_adds": sampled * weights,
        "coarse_compares": 2 * pairs * segments + bands * segments,
        "fine_compares": channels * weights,
    }


def pairs_within_groups(sampled: Iterable[int], channels: int, groups: int) -> int:
    """Pairs of sampled output channels of which both are in the same of a layer's `groups` groups."""
    width = channels // groups
    return sum(count * (count - 1) // 2 for count in Counter(channel // width for channel in sampled).values())


def all_pairs_operations(event: PruneEvent) -> dict[str, int]:
    """Operations of the same event with all K channels in the sample: the yardstick of `scfp`.

    An event that compares no channels (fine only) stays what it is.
    """
    if not event.sampled_channels:
        return {kind: getattr(event, kind) for kind in KINDS}
    channels, r, s, depth = event.mask.shape
    bands = -(-channels // event.unit.channels_out)
    pairs = pairs_within_groups(range(channels), channels, event.groups) if event.similarity else 0
    counts = operation_counts((channels, r, s, depth), event.unit, sampled=channels, bands=bands, pairs=pairs)
    return counts | {"fine_compares": event.fine_compares}
