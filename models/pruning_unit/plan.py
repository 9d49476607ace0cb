"""How a pruning event is carried out: shared with the compute cores' weight reads, or by reads of its own.

The unit holds some of the sampled channels in its buffer and compares every sampled channel that it sees with them. A
pass is one time that all weights of the layer go by; with S sampled channels, of which B fit the buffer, all pairs
need ceil(S / B) passes: in pass i the channels of set i are kept and compared with each other and with all that come
after them. FF and BP of an iteration are the two passes that a shared unit gets for nothing (WG reads no weights);
for any further pass it fetches the channels that it still needs. A unit of its own reads every pass. Of a layer with
groups, pairs are those within each; the groups go by one after the other, and have the buffer in turn.

Assumptions, since none of this is published: buffer size, the order of comparison, and that a pass delivers all
weights, including those that the cores' lanes jump over (they are zero and already in coarse units).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..pruning import PruneEvent

FREE_PASSES = 2
"""Passes of a layer's weights over the cores' read ports in one iteration: FF and BP."""


@dataclass(frozen=True)
class PruningPlan:
    """What one event costs the pruning unit.

    passes             passes over sampled channels that comparing all pairs needs
    pairs              pairs of sampled channels to compare
    pairs_seen         of these: covered by weights that passed by anyway
    passing_weights    weights that it took from the read port
    fetched_weights    weights read for pruning only
    first_pass         of these: what one pass of all the layer's weights delivers
    macs, compares     operations of the unit
    """

    passes: int
    pairs: int
    pairs_seen: int
    passing_weights: int
    fetched_weights: int
    first_pass: int
    macs: int
    compares: int

    @property
    def coverage(self) -> float:
        """Share of the weights needed that passed by anyway; 1 where none are needed."""
        needed = self.passing_weights + self.fetched_weights
        return self.passing_weights / needed if needed else 1.0

    def cycles(self, lanes: int) -> int:
        """Cycles of a unit with so many lanes."""
        return -(-self.macs // lanes) - (-self.compares // lanes)


def plan_event(
    event: PruneEvent, *, weights_per_channel: int, channels: int, buffer_bytes: int, shared: bool, free_passes: int
) -> PruningPlan:
    """Plan an event on a layer of `channels` output channels of `weights_per_channel` one-byte weights.

    `free_passes` is how often the layer's weights are read for compute in this iteration (0 for a unit of its own).
    Raises ValueError if the buffer does not hold one channel.
    """
    sampled = len(event.sampled_channels)
    if sampled and buffer_bytes < weights_per_channel:
        raise ValueError(
            f"layer '{event.layer}': the pruning unit's memory of {buffer_bytes} bytes holds no channel of "
            f"{weights_per_channel} weights"
        )
    kept = min(sampled, buffer_bytes // weights_per_channel) if sampled else 0
    free = free_passes if shared else 0

    pairs_seen = passing = fetched = first_pass = 0
    of_groups = Counter(channel // (channels // event.groups) for channel in event.sampled_channels)
    passes = max((-(-count // kept) for count in of_groups.values()), default=0)
    sets = [(number, count) for count in of_groups.values() for number in range(-(-count // kept))]
    for number, count in sets:
        first = number * kept
        here = min(kept, count - first)
        behind = count - first - here
        pairs = here * (here - 1) // 2 + here * behind
        if number < free:
            pairs_seen += pairs
            passing += (here + behind) * weights_per_channel
        else:
            fetched += (here + behind) * weights_per_channel
            if number == 0:
                first_pass += (here + behind) * weights_per_channel
    # Every other weight that an event looks at (magnitudes of units and of single weights) is needed once.
    once = max(event.coarse_weights_read if not sampled else 0, event.fine_weights_read)
    if free:
        passing += once
    else:
        fetched += once
        first_pass += once
    return PruningPlan(
        passes=passes,
        pairs=sum(count * (count - 1) // 2 for count in of_groups.values()),
        pairs_seen=pairs_seen,
        passing_weights=passing,
        fetched_weights=fetched,
        first_pass=first_pass,
        macs=event.coarse_macs + event.coarse_adds,
        compares=event.coarse_compares + event.fine_compares,
    )
