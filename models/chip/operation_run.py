"""An operation on its way through the cores: what its steps share, and the tokens of the cores' buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..core import CoreParams, Operands, SkipPolicy, Tile, TileResult, channel_nonzeros, run_tile
from ..tasks import Task
from ..tensors import Stage
from ..workload import Operation
from .dataflow import Flow
from .operand_bytes import OperandBytes
from .records import OperationRecord
from .tiling import Step


@dataclass
class CoreTokens:
    """Tokens of one core's buffers: what must have ended before a half may be filled again."""

    index: int
    input_uses: list[Task] = field(default_factory=list)
    weight_uses: list[list[Task]] = field(default_factory=list)
    drains: list[Task] = field(default_factory=list)


class OperationRun:
    """What the steps of one operation share."""

    def __init__(
        self,
        flow: Flow,
        operation: Operation,
        policy: SkipPolicy,
        operands: Operands,
        sizes: OperandBytes,
        sync: Task,
        record: OperationRecord,
    ) -> None:
        self.flow, self.operation, self.policy, self.operands = flow, operation, policy, operands
        self.sizes, self.sync, self.record = sizes, sync, record
        self.outputs_of_all = 0
        self.outputs_so_far = 0
        self.tiles: list[tuple[int, Tile]] = []

    def add(self, core: int, tile: Tile, result: TileResult) -> None:
        """A tile that `core` does."""
        self.tiles.append((core, tile))
        self.record.counts = self.record.counts + result
        self.record.core_cycles[core] = self.record.core_cycles.get(core, 0) + result.cycles
        self.record.mac_slots += result.mac_slots

    def cycles_with(self, policy: SkipPolicy, params: CoreParams) -> int:
        """Cycles of the busiest core, had it skipped by `policy`."""
        cycles: dict[int, int] = {}
        for core, tile in self.tiles:
            result = run_tile(params, policy, self.operation.shape, self.operation.stage, self.operands, tile)
            cycles[core] = cycles.get(core, 0) + result.cycles
        return max(cycles.values())


def by_output(all_steps: Sequence[Step]) -> list[list[Step]]:
    """The steps grouped by the outputs that they work on."""
    groups: list[list[Step]] = []
    for step in all_steps:
        if step.first:
            groups.append([])
        groups[-1].append(step)
    return groups


def work_by_channel(operation: Operation, operands: Operands) -> npt.NDArray[np.int64]:
    """Non-zeros of the other operand per channel of the tiles."""
    shape = operation.shape
    if operation.stage is not Stage.BP or shape.groups == 1 or operation.w is None:
        return channel_nonzeros(operation.stage, operands)
    weights = operation.w.to_bool().reshape(shape.groups, -1, shape.c // shape.groups)
    return np.asarray(weights.sum(axis=1, dtype=np.int64)).reshape(shape.c)
