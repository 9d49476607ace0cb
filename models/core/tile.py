"""The part of an operation that one core does, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import add, attrgetter

from ..tensors import ConvShape, Stage


@dataclass(frozen=True)
class Tile:
    """Which outputs, and which part of the reduction, one core does. All ranges are half-open.

    |            | FF                       | BP                       | WG                            |
    |------------|--------------------------|--------------------------|-------------------------------|
    | `images`   | images                   | images                   | images reduced over           |
    | `rows`     | output rows p            | input rows h             | output rows p reduced over    |
    | `channels` | output channels k        | input channels c         | output channels k             |
    | `depth`    | input channels reduced   | output channels reduced  | input channels c of the dW    |

    `channels` are in lane order, after allocation and balancing. `depth` counts within a convolution group (for the
    usual groups=1: from channel 0). Tiles that partition an operation have counts of multiply-accumulates that add up
    to the whole's.
    """

    images: tuple[int, int]
    rows: tuple[int, int]
    channels: tuple[int, ...]
    depth: tuple[int, int]

    def __post_init__(self) -> None:
        channels = self.channels
        if type(channels) is not tuple or (channels and type(channels[0]) is not int):
            object.__setattr__(self, "channels", tuple(int(channel) for channel in channels))

    @classmethod
    def whole(cls, shape: ConvShape, stage: Stage, channels: Sequence[int] | None = None) -> Tile:
        """The whole operation; `channels` in another order (or only some) where given."""
        rows, every, depth = _sizes(shape, stage)
        return cls((0, shape.n), (0, rows), tuple(range(every) if channels is None else channels), (0, depth))

    def outputs(self, shape: ConvShape, stage: Stage) -> int:
        """Outputs of the tile, those that a policy may remove included."""
        if stage is Stage.WG:
            return len(self.channels) * shape.r * shape.s * (self.depth[1] - self.depth[0])
        columns = shape.w if stage is Stage.BP else shape.q
        return len(self.channels) * (self.images[1] - self.images[0]) * (self.rows[1] - self.rows[0]) * columns

    def longest_walk(self, shape: ConvShape, stage: Stage) -> int:
        """Indices that an output walks where no position is padding."""
        if stage is Stage.WG:
            return (self.images[1] - self.images[0]) * (self.rows[1] - self.rows[0]) * shape.q
        return shape.r * shape.s * (self.depth[1] - self.depth[0])

    def check(self, shape: ConvShape, stage: Stage) -> None:
        """Raise ValueError where the tile does not lie inside the operation, or names a channel twice."""
        self.check_ranges(shape, stage)
        _, every, _ = _sizes(shape, stage)
        if self.channels and not (min(self.channels) >= 0 and max(self.channels) < every):
            raise ValueError(
                f"channels: expected indices below {every}, got {min(self.channels)}..{max(self.channels)}"
            )
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("channels: each channel can be given once")

    def check_ranges(self, shape: ConvShape, stage: Stage) -> None:
        """The same, but for the channels."""
        rows, _, depth = _sizes(shape, stage)
        for name, (begin, end), size in (
            ("images", self.images, shape.n),
            ("rows", self.rows, rows),
            ("depth", self.depth, depth),
        ):
            if not 0 <= begin < end <= size:
                raise ValueError(f"{name}: expected a range within 0..{size}, got {begin}..{end}")


def _sizes(shape: ConvShape, stage: Stage) -> tuple[int, int, int]:
    """Rows, channels and depth of the whole operation."""
    if stage is Stage.BP:
        return shape.h, shape.c, shape.k // shape.groups
    return shape.p, shape.k, shape.c // shape.groups


@dataclass(frozen=True)
class CoreCounts:
    """What a core did, event by event; adding two adds every count.

    outputs            outputs of the tile, the removed ones included
    outputs_removed    of these: known zero (BP) or unneeded (WG), never started
    groups_run         times that a group of lanes started on outputs
    dense_macs         indices in the walks of all outputs, the removed ones included; padding is none
    macs               multiply-accumulates executed
    skipped_output     not executed, because the output was removed
    skipped_coarse     ... because the block was jumped as coarse-zero
    skipped_input      ... in scanned blocks: only the input operand is zero there
    skipped_other      ... in scanned blocks: only the other operand (FF, BP: weight; WG: dY) is zero there
    skipped_both       ... in scanned blocks: both are
                       (an operand that the policy does not name counts as non-zero)
    scans              blocks looked at, by a lane, each once
    jumps              jumps over up to `coarse_jump` coarse-zero blocks: a run of L blocks takes ceil(L / coarse_jump)
    queue_in           indices put into a lane's queue
    queue_out          indices taken out
    input_block_reads  blocks of the input operand read from SRAM: each once per group of outputs that scans it
    other_block_reads  blocks of the other operand read from SRAM: each once per `pixel_reuse` consecutive outputs of
                       its channel in this tile, if one of them scans it
    buffer_writes      writes into the groups' broadcast buffers: one per input block read
    buffer_reads       reads from them: one per lane and block looked at
    """

    outputs: int
    outputs_removed: int
    groups_run: int
    dense_macs: int
    macs: int
    skipped_output: int
    skipped_coarse: int
    skipped_input: int
    skipped_other: int
    skipped_both: int
    scans: int
    jumps: int
    queue_in: int
    queue_out: int
    input_block_reads: int
    other_block_reads: int
    buffer_writes: int
    buffer_reads: int

    @property
    def skipped_macs(self) -> int:
        """Multiply-accumulates not executed; dense_macs - macs."""
        return self.skipped_output + self.skipped_coarse + self.skipped_input + self.skipped_other + self.skipped_both

    @property
    def buffer_accesses(self) -> int:
        """Reads and writes of the broadcast buffers."""
        return self.buffer_reads + self.buffer_writes

    def __add__(self, other: CoreCounts) -> CoreCounts:
        return CoreCounts(*map(add, _COUNTS(self), _COUNTS(other)))


COUNT_NAMES = tuple(field.name for field in fields(CoreCounts))
_COUNTS = attrgetter(*COUNT_NAMES)


@dataclass(frozen=True)
class TileResult(CoreCounts):
    """The counts of a tile, and its time in core cycles.

    cycles             of the slowest group
    group_cycles       per group: its outputs one after the other, each the slowest lane's cycles plus lane_latency
    lane_busy_cycles   per lane: the cycles in which it had something to scan, to jump or in its queue. What is missing
                       to its group's cycles it waited at the barrier; what the group misses to `cycles` it was idle.
    mac_slots          cycles * lanes * macs_per_lane
    """

    cycles: int
    group_cycles: tuple[int, ...]
    lane_busy_cycles: tuple[int, ...]
    mac_slots: int

    @property
    def utilisation(self) -> float:
        """Multiply-accumulates executed, of those that the lanes could have executed; 0 for an empty tile."""
        return self.macs / self.mac_slots if self.mac_slots else 0.0
