"""An operation on its way through the cores: what its steps share, and the tokens of the cores' buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..core import Operands, SkipPolicy, Tile, TileCosts, TileModel, channel_nonzeros
from ..tasks import Task
from ..tensors import Stage
from ..workload import Operation
from .operand_bytes import OperandBytes
from .records import OperationRecord
from .vector_tasks import VectorFlow


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
        vector: VectorFlow,
        operation: Operation,
        policy: SkipPolicy,
        operands: Operands,
        sizes: OperandBytes,
        record: OperationRecord,
    ) -> None:
        self.vector, self.operation, self.policy, self.operands = vector, operation, policy, operands
        self.sizes, self.record = sizes, record
        self.name, self.sync = vector.name, vector.sync
        self.reads_mask = "output" in policy.operands and operation.output_needed is not None
        self.outputs_of_all = 0
        self.outputs_so_far = 0
        self._cores: Sequence[int] = ()
        self._tiles: Sequence[Tile] = ()

    def add(self, cores: Sequence[int], tiles: Sequence[Tile], costs: TileCosts) -> None:
        """The tiles, with the core that does each, and what they cost."""
        self._cores, self._tiles = cores, tiles
        self.record.counts = self.record.counts + costs.total()
        self.record.core_cycles = cycles_by_core(cores, costs)
        self.record.mac_slots = int(costs.mac_slots.sum())
        self.record.bank_waits = costs.bank_waits

    def cycles_with(self, policy: SkipPolicy, model: TileModel) -> int:
        """Cycles of the busiest core, had it skipped by `policy`."""
        operation = self.operation
        costs = model.costs(policy, operation.shape, operation.stage, self.operands, self._tiles)
        return max(cycles_by_core(self._cores, costs).values())


def cycles_by_core(cores: Sequence[int], costs: TileCosts) -> dict[int, int]:
    """Cycles of each core's tiles together, by core."""
    cycles: dict[int, int] = {}
    for core, spent in zip(cores, costs.cycles.tolist(), strict=True):
        cycles[core] = cycles.get(core, 0) + spent
    return cycles


def work_by_channel(operation: Operation, operands: Operands) -> npt.NDArray[np.int64]:
    """Non-zeros of the other operand per channel of the tiles."""
    shape = operation.shape
    if operation.stage is not Stage.BP or shape.groups == 1 or operation.w is None:
        return channel_nonzeros(operation.stage, operands)
    weights = operation.w.to_bool().reshape(shape.groups, -1, shape.c // shape.groups)
    return np.asarray(weights.sum(axis=1, dtype=np.int64)).reshape(shape.c)
