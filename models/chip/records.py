"""What is known of an iteration once it is mapped: its graph, and what each operation and pruning event cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core import CoreCounts, SkipPolicy
from ..pruning import PruneEvent
from ..pruning_unit import PruningPlan
from ..tasks import Task, TaskGraph
from ..tensors import Stage
from .hindsight import OrderCost
from .tiling import Split


@dataclass
class OperationRecord:
    """What an operation cost its cores; `counts` is the sum over all tiles.

    `orders`: by order of channels, the one that was taken and, in hindsight, the others.
    """

    layer: str
    stage: Stage
    policy: SkipPolicy
    split: Split
    counts: CoreCounts
    core_cycles: dict[int, int]
    mac_slots: int
    switch_cycles: int = 0
    bank_waits: int = 0
    orders: dict[str, OrderCost] = field(default_factory=dict)

    @property
    def longest_core_cycles(self) -> int:
        """Compute cycles of the core with most of them."""
        return max(self.core_cycles.values(), default=0)


@dataclass
class PruningRecord:
    """A pruning event as the pruning unit carries it out; `task` ends when the layer's new mask is there, `ready` are
    the tasks after which everything that passes by has passed."""

    event: PruneEvent
    plan: PruningPlan
    task: Task
    ready: tuple[Task, ...]


@dataclass
class MappedIteration:
    """A linked task graph and what is known of it before it runs."""

    index: int
    graph: TaskGraph
    operations: list[OperationRecord]
    pruning: list[PruningRecord]
    compulsory_bytes: int
