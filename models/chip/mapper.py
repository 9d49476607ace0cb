"""From a training iteration to a task graph on the chip.

Every step of the workload becomes tasks: operations are cut into steps that fit the cores' buffers (double-buffered:
each half is a token), partial sums meet in the aggregation core, results pass through the vector unit to memory,
pruning events go to the pruning unit. The graph's order is one in which nothing depends on anything later.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core import AdaptiveChooser, CoreCounts, Operands, SkipPolicy
from ..fabric import LocalWork
from ..tasks import Kind, Task, TaskGraph
from ..tensors import Stage
from ..workload import Iteration, Operation
from .collector import collector_paused
from .core_tasks import CoreTasks, core_works, sum_bytes
from .cuts import CoreSteps, Cuts
from .dataflow import Flow, flows, result_elements
from .hindsight import OrderCost, allocators, cost_of
from .layout import Layout, MemoryMap
from .operand_bytes import OperandBytes, TensorSizes, split_for
from .operation_run import CoreTokens, OperationRun, work_by_channel
from .pruning_tasks import PruningTasks
from .records import MappedIteration, OperationRecord
from .shares import Share
from .spec import ChipSpec
from .tensor_places import TensorPlaces
from .tiling import Split, Step
from .vector_tasks import VectorFlow, VectorTasks
from .zero_counts import known_before, zero_counts


class Mapper:
    """Maps the iterations of one chip, one after the other; remembers layouts, splits, cuts and the choices of
    skipping."""

    def __init__(
        self, spec: ChipSpec, layout: Layout, memory: MemoryMap, *, seed: int, hindsight: bool = False
    ) -> None:
        self.spec = spec
        self.layout = layout
        self.memory = memory
        self.hindsight = hindsight
        self.tiles = spec.core.tile_model()
        self.chooser = AdaptiveChooser(spec.core.policies(), self.tiles.params, spec.core.switch_cycles)
        self.allocators = allocators(seed)
        self.cuts = {name: Cuts(spec) for name in self.allocators}
        self._splits: dict[tuple[object, Stage], Split] = {}

    def observe(self, iteration: Iteration) -> None:
        """Let the chip know the counters of an iteration that is not simulated, as if it had run."""
        for operation in iteration.operations:
            self.chooser.observe(operation.layer, operation.stage, zero_counts(operation))

    def map(self, iteration: Iteration) -> MappedIteration:
        """Raises DoesNotFitError for an operation that cannot be tiled, ValueError for one without detailed steps."""
        if not iteration.steps:
            raise ValueError(f"iteration {iteration.index} was not asked for in detail")
        with collector_paused():
            return _Builder(self, iteration).build()

    def split(self, operation: Operation) -> Split:
        """How the operation is spread over the cores; the same for every iteration."""
        key = (operation.shape, operation.stage)
        if key not in self._splits:
            self._splits[key] = split_for(self.spec, operation.shape, operation.stage)
        return self._splits[key]


class _Builder:
    """One iteration's graph in the making."""

    def __init__(self, mapper: Mapper, iteration: Iteration) -> None:
        self.m = mapper
        self.spec = mapper.spec
        self.layout = mapper.layout
        self.iteration = iteration
        self.graph = TaskGraph()
        self.records: list[OperationRecord] = []
        self.last_computes: dict[tuple[str, Stage], dict[int, Task]] = {}
        self.sizes = TensorSizes(iteration, self.spec.storage)
        self.places = TensorPlaces(mapper.memory, self.sizes)
        self.pruning = PruningTasks(self.spec, self.layout, mapper.memory, self.graph, iteration, self.sizes)
        self.on_cores = CoreTasks(self.spec, self.layout, self.graph, self.places, self.pruning)
        self.on_vector = VectorTasks(self.spec, self.layout, self.graph, self.places)

    def build(self) -> MappedIteration:
        for flow in flows(self.iteration.steps):
            if flow.event is not None:
                continue  # right before the weight gradient of its layer, whose update applies the new mask
            if flow.operation is None:
                self.on_vector.alone(VectorFlow(flow, self.places, self._sync(flow, 0)))
                continue
            layer = flow.operation.layer
            if flow.operation.stage is Stage.WG and layer in self.pruning.events:
                seen = self.last_computes.get((layer, Stage.BP)) or self.last_computes[layer, Stage.FF]
                self.pruning.prune(layer, seen.values())
            self._operate(flow, flow.operation)
        self.graph.link()
        return MappedIteration(
            self.iteration.index,
            self.graph,
            self.records,
            self.pruning.records,
            self.sizes.compulsory_bytes(self.iteration),
        )

    # ---- operations -----------------------------------------------------------------------------------------

    def _operate(self, flow: Flow, operation: Operation) -> None:
        spec = self.spec
        split = self.m.split(operation)
        policy, switch_cycles = self._choose(operation)
        operands = Operands(operation.x, operation.w, operation.dy, operation.output_needed)
        work = work_by_channel(operation, operands)
        channels = self.m.allocators[spec.core.balance].allocate(work, split.channels, spec.core.group)
        sizes = OperandBytes(operation, spec.storage, channels)
        vector = VectorFlow(flow, self.places, self._sync(flow, switch_cycles))
        run = OperationRun(vector, operation, policy, operands, sizes, self._record(operation, policy, split))
        run.record.switch_cycles = switch_cycles
        run.outputs_of_all = result_elements(operation)

        cuts = self.m.cuts[spec.core.balance].of(operation, split, channels)
        works = self._compute(run, cuts)
        cores = iter(self.on_cores.cores)
        sets = [[(next(cores), cut) for cut in partners] for partners in cuts]
        for output in range(max(len(partners[0][1]) for partners in sets)):
            for partners in sets:
                if output < len(partners[0][1]):
                    self._output_tile(run, partners, output, works)
        self._settle(run)
        self._settle_order(run, split, work)

    def _compute(self, run: OperationRun, cuts: Sequence[Sequence[CoreSteps]]) -> dict[int, tuple[LocalWork, int, int]]:
        """What each step costs its core, all of them in one go: work, outputs, and those of them not removed.

        By the step's identity: the same tile may be cut more than once.
        """
        operation = run.operation
        cores = [core for partners in cuts for core in partners]
        flat = [(core, step) for core, cut in enumerate(cores) for tile in cut for step in tile]
        tiles = [step.tile for _, step in flat]
        costs = self.m.tiles.costs(run.policy, operation.shape, operation.stage, run.operands, tiles)
        numbers = [core for core, _ in flat]
        run.add(numbers, tiles, costs)
        starts = np.array([step.first for _, step in flat], dtype=bool)
        works = core_works(self.spec, self.layout, numbers, costs, starts)
        outputs = costs.of("outputs")
        left = outputs - costs.of("outputs_removed")
        rows = zip(works, outputs.tolist(), left.tolist(), strict=True)
        return {id(step): row for (_, step), row in zip(flat, rows, strict=True)}

    def _output_tile(
        self,
        run: OperationRun,
        partners: Sequence[tuple[CoreTokens, CoreSteps]],
        output: int,
        works: dict[int, tuple[LocalWork, int, int]],
    ) -> None:
        """One tile of outputs: its steps on each core that has a part of it, then its way to memory."""
        parts = len(partners)
        move: Task | None = None
        for part, (core, cut) in enumerate(partners):
            step: Step | None = None
            for step in cut[output]:
                compute = self.on_cores.step(run, core, step, works[id(step)][0])
            assert step is not None
            _, outputs, elements = works[id(step)]
            if part == 0:
                share = Share(run.outputs_so_far, run.outputs_so_far + outputs, run.outputs_of_all)
                run.outputs_so_far += outputs
                place = self.on_vector.place(run.vector, share, sum_bytes(self.spec, elements))
            if parts == 1:
                move = self.on_cores.to_vector(run, core, compute, elements, place.free)
            else:
                self.on_cores.drain(run, core, compute, elements, part, parts)
                if part == parts - 1:
                    move = self.on_cores.sums_to_vector(run, elements, place.free)
        last_stage = run.operation.stage is Stage.WG
        pruned = self.pruning.ended.get(run.operation.layer) if last_stage else None
        kind = Kind.UPDATE if last_stage else Kind.VECTOR
        self.on_vector.through(run.vector, kind, place, (move, pruned), sum_bytes(self.spec, elements) * 8)

    # ---- choices and records ----------------------------------------------------------------------------------

    def _sync(self, flow: Flow, extra_cycles: int) -> Task:
        """The controller sets the flow up when everything that it reads is in memory."""
        cycles = self.spec.controller_cycles + extra_cycles
        deps = self.places.written(flow.after)
        return self.graph.add(Kind.SYNC, "controller", flow.name, LocalWork(cycles), deps)

    def _choose(self, operation: Operation) -> tuple[SkipPolicy, int]:
        """The adaptive choice, from what the hardware knows now: existing masks, and counters of last time."""
        counts = zero_counts(operation)
        known = {name: counts[name] for name in known_before(operation.stage) if name in counts}
        policy = self.m.chooser.choose(operation.layer, operation.stage, operation.shape.macs, known)
        choice = self.m.chooser.choices[-1]
        self.m.chooser.observe(operation.layer, operation.stage, counts)
        return policy, choice.switch_cycles

    def _record(self, operation: Operation, policy: SkipPolicy, split: Split) -> OperationRecord:
        zero = CoreCounts(*(0 for _ in CoreCounts.__dataclass_fields__))
        record = OperationRecord(operation.layer, operation.stage, policy, split, zero, {}, 0)
        self.records.append(record)
        return record

    def _settle(self, run: OperationRun) -> None:
        operation = run.operation
        computes: dict[int, Task] = {}
        for core in self.on_cores.cores:
            if core.index in run.record.core_cycles:
                computes[core.index] = core.input_uses[-1]
        self.last_computes[operation.layer, operation.stage] = computes
        candidates = self.m.chooser.policies[operation.stage]
        if self.m.hindsight or len(candidates) == 1:
            cycles = {run.policy: run.record.longest_core_cycles}
            for candidate in candidates:
                if candidate not in cycles:
                    cycles[candidate] = run.cycles_with(candidate, self.m.tiles)
            self.m.chooser.settle(operation.layer, operation.stage, cycles)

    def _settle_order(self, run: OperationRun, split: Split, work: npt.NDArray[np.int64]) -> None:
        """What the order of channels cost, and, in hindsight, what each other order would have."""
        record, core = run.record, self.spec.core
        spent = OrderCost(sum(record.core_cycles.values()), record.longest_core_cycles, record.mac_slots)
        record.orders[core.balance] = spent
        if not self.m.hindsight:
            return
        for name, allocator in self.m.allocators.items():
            if name == core.balance:
                continue
            channels = allocator.allocate(work, split.channels, core.group)
            cuts = self.m.cuts[name].of(run.operation, split, channels)
            cores = [[step for tile in cut for step in tile] for partners in cuts for cut in partners]
            record.orders[name] = cost_of(self.m.tiles, run.policy, run.operation, run.operands, cores)
