"""The parameters of one core, as a chip file gives them."""

from __future__ import annotations

from dataclasses import dataclass, fields

MAX_PARAMETER = 1 << 20
"""Of each number of a core; the C library's own limit."""

MAX_COARSE_UNIT = 1 << 12
"""Channels of a side of a coarse unit: weights are filled up to whole units."""


@dataclass(frozen=True)
class CoreParams:
    """A core's lanes, their queues, and what is shared between them.

    lanes           multiply-accumulate lanes
    group           lanes that share an input operand and a barrier; divides `lanes`
    window          indices of the walk that a scanner looks at in one cycle (a block)
    queue           effectual indices that a lane can hold
    macs_per_lane   multiply-accumulates a lane does in one cycle
    run_ahead       blocks of the input operand that a group's buffer holds: how far its fastest lane may lead
    coarse_jump     coarse-zero blocks left in one cycle; 0: no coarse skipping
    coarse_unit     (output channels, input channels) of the weight tile that coarse pruning zeroes as a whole
    pixel_reuse     outputs of one channel for which a block of the other operand is read once
    lane_latency    cycles from the last multiply-accumulate of a group to the start of its next outputs

    Raises ValueError for a value below 1 (coarse_jump, lane_latency: below 0), for one above
    `MAX_PARAMETER` (coarse_unit: `MAX_COARSE_UNIT`), and where `group` does not divide `lanes`.
    """

    lanes: int
    group: int
    window: int
    queue: int
    macs_per_lane: int = 1
    run_ahead: int = 1
    coarse_jump: int = 0
    coarse_unit: tuple[int, int] = (1, 1)
    pixel_reuse: int = 1
    lane_latency: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name == "coarse_unit":
                continue
            least = 0 if field.name in ("coarse_jump", "lane_latency") else 1
            if getattr(self, field.name) < least:
                raise ValueError(f"{field.name} must be at least {least}, got {getattr(self, field.name)}")
            if getattr(self, field.name) > MAX_PARAMETER:
                raise ValueError(f"{field.name} must be at most {MAX_PARAMETER}, got {getattr(self, field.name)}")
        if len(self.coarse_unit) != 2 or min(self.coarse_unit) < 1:
            raise ValueError(f"coarse_unit must be two sizes of at least 1, got {self.coarse_unit}")
        if max(self.coarse_unit) > MAX_COARSE_UNIT:
            raise ValueError(f"coarse_unit must be two sizes of at most {MAX_COARSE_UNIT}, got {self.coarse_unit}")
        if self.lanes % self.group:
            raise ValueError(f"lanes={self.lanes} must divide into groups of {self.group}")

    @property
    def groups(self) -> int:
        """Groups of lanes."""
        return self.lanes // self.group
