"""The pruning events of an iteration as tasks of the pruning unit."""

from __future__ import annotations

from collections.abc import Iterable

from ..dma import TransferWork
from ..fabric import Access, Descriptor, Direction, LocalWork
from ..pruning import PruneEvent
from ..pruning_unit import FREE_PASSES, PruningPlan, plan_event
from ..tasks import Kind, Task, TaskGraph
from ..tensors import Stage
from ..workload import Iteration
from .layout import Client, CoreMemory, Layout, MemoryMap
from .operand_bytes import TensorSizes
from .operation_run import CoreTokens, OperationRun
from .records import PruningRecord
from .spec import ChipSpec
from .tiling import Step


class PruningTasks:
    """Adds an iteration's pruning events to its graph.

    `events` by layer; `ended`, by layer, the tasks whose ends are the new masks; `records` in the order of the graph.
    """

    def __init__(
        self,
        spec: ChipSpec,
        layout: Layout,
        memory: MemoryMap,
        graph: TaskGraph,
        iteration: Iteration,
        sizes: TensorSizes,
    ) -> None:
        self._spec, self._layout, self._memory = spec, layout, memory
        self._graph, self._iteration, self._sizes = graph, iteration, sizes
        self.events = {event.layer: event for event in iteration.prune_events}
        self.ended: dict[str, Task] = {}
        self.records: list[PruningRecord] = []
        self._plans = {layer: self._plan(event) for layer, event in self.events.items()}
        self._moves: dict[str, list[Task]] = {}

    def _plan(self, event: PruneEvent) -> PruningPlan:
        channels = event.mask.shape[0]
        unit = self._spec.pruning_unit
        reads = sum(
            operation.layer == event.layer and operation.stage in (Stage.FF, Stage.BP)
            for operation in self._iteration.operations
        )
        return plan_event(
            event,
            weights_per_channel=event.mask[0].size,
            channels=channels,
            buffer_bytes=unit.memory.size,
            shared=unit.shared,
            free_passes=min(reads, FREE_PASSES),
        )

    def read(self, run: OperationRun, core: CoreTokens, step: Step, load: Task) -> None:
        """A pruning unit of its own reads the weights, once, from the weight memory while they are there."""
        operation = run.operation
        event = self.events.get(operation.layer)
        if event is None or self._spec.pruning_unit.shared or operation.stage is not Stage.FF:
            return
        tile = step.tile
        if tile.images[0] or tile.rows[0]:
            return  # another core, or an earlier step, delivers these weights
        far = (self._layout.pruning_node, self._layout.pruning_memory)
        read = self._graph.add(
            Kind.MOVE,
            f"core{core.index}.prune",
            f"{operation.layer}.prune",
            TransferWork(
                (
                    Descriptor(
                        self._layout.endpoint(f"core{core.index}.prune"),
                        Direction.MOVE,
                        self._layout.memory(core.index, CoreMemory.WEIGHT),
                        row_bytes=run.sizes.other(tile).bytes,
                        far_node=far[0],
                        far_memory=far[1],
                        far_client=Client.REMOTE,
                    ),
                )
            ),
            (load,),
        )
        core.weight_uses[-1].append(read)
        self._moves.setdefault(operation.layer, []).append(read)

    def prune(self, layer: str, seen: Iterable[Task]) -> None:
        """The layer's event, before its update: wait until the weights have passed, fetch the rest, compute.

        `seen` are the last tasks in whose operands the weights passed by.
        """
        event, plan = self.events[layer], self._plans[layer]
        unit = self._spec.pruning_unit
        ready = (*seen, *self._moves.get(layer, ()))
        fetched = plan.fetched_weights
        if not unit.shared:  # the first pass was read from the weight memories
            fetched -= plan.first_pass
        deps: list[Task] = list(ready)
        weights = next(
            operation.reads[1]
            for operation in self._iteration.operations
            if operation.layer == layer and operation.stage is Stage.FF
        )
        if fetched:
            size = event.mask.size * self._spec.storage.value_bits // 8
            base = self._memory.place(weights, self._sizes.dense_bytes(weights))
            whole, rest = divmod(fetched * self._spec.storage.value_bits // 8, size)
            pieces = [size] * whole + ([rest] if rest else [])
            endpoint = self._layout.endpoint("pruning.load")
            work = TransferWork(
                tuple(
                    Descriptor(endpoint, Direction.READ, self._layout.pruning_memory, row_bytes=moved, address=base)
                    for moved in pieces
                )
            )
            deps.append(self._graph.add(Kind.LOAD, "pruning.load", f"{layer}.prune", work, ready))
        words = -(
            -(plan.passing_weights + plan.fetched_weights) * self._spec.storage.value_bits // self._spec.storage.word
        )
        task = self._graph.add(
            Kind.PRUNE,
            "pruning",
            f"{layer}.prune",
            LocalWork(
                plan.cycles(unit.lanes),
                (
                    Access(self._layout.pruning_memory, Client.UNIT, words),
                    Access(self._layout.pruning_memory, Client.PRUNING, words if unit.shared else 0, is_write=True),
                ),
                (("pruning.mac", plan.macs), ("pruning.compare", plan.compares)),
            ),
            deps,
        )
        self.ended[layer] = task
        self.records.append(PruningRecord(event, plan, task, ready))
