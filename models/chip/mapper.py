"""From a training iteration to a task graph on the chip.

Every step of the workload becomes tasks: operations are cut into steps that fit the cores' buffers (double-buffered:
each half is a token), partial sums meet in the aggregation core, results pass through the vector unit to memory,
pruning events go to the pruning unit. The graph's order is one in which nothing depends on anything later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core import (
    AdaptiveChooser,
    CoreCounts,
    Operands,
    SkipPolicy,
    TileResult,
    run_tile,
)
from ..dma import TransferWork
from ..fabric import Access, Descriptor, Direction, LocalWork
from ..tasks import Kind, Task, TaskGraph
from ..tensors import Stage
from ..vector import aggregation_work, vector_work
from ..workload import Iteration, Operation, TensorBytes
from .collector import collector_paused
from .dataflow import Flow, flows, result_elements
from .hindsight import OrderCost, allocators, cost_of
from .layout import Client, CoreMemory, Layout, MemoryMap
from .operand_bytes import OperandBytes, TensorSizes, buffers, split_for
from .operation_run import CoreTokens, OperationRun, by_output, work_by_channel
from .pruning_tasks import PruningTasks
from .records import MappedIteration, OperationRecord
from .spec import ChipSpec
from .tiling import DoesNotFitError, Split, Step, regions, steps
from .zero_counts import known_before, zero_counts

_KINDS = {"batch_norm": Kind.NORM, "layer_norm": Kind.NORM, "update": Kind.UPDATE}


class Mapper:
    """Maps the iterations of one chip, one after the other; remembers layouts, splits and the choices of skipping."""

    def __init__(
        self, spec: ChipSpec, layout: Layout, memory: MemoryMap, *, seed: int, hindsight: bool = False
    ) -> None:
        self.spec = spec
        self.layout = layout
        self.memory = memory
        self.hindsight = hindsight
        self.params = spec.core.params()
        self.chooser = AdaptiveChooser(spec.core.policies(), self.params, spec.core.switch_cycles)
        self.allocators = allocators(seed)
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
        self.cores = [CoreTokens(index) for index in range(self.spec.core.count)]
        self.stored: dict[str, list[Task]] = {}
        self.half_output = self.spec.core.output_memory.size // 2
        slots = self.spec.aggregator.memory.size // self.half_output
        self.staging, self.accumulators = slots // 2, slots - slots // 2
        self.vector_tiles: deque[tuple[int, Task]] = deque()
        self.vector_used = 0
        self.vector_freed: dict[str, Task] = {}
        self.last_loads: dict[str, dict[str, Task]] = {}
        self.reduces: list[Task] = []
        self.aggregated: list[Task] = []
        self.records: list[OperationRecord] = []
        self.last_computes: dict[tuple[str, Stage], dict[int, Task]] = {}
        self.sizes = TensorSizes(iteration, self.spec.storage)
        self.pruning = PruningTasks(self.spec, self.layout, mapper.memory, self.graph, iteration, self.sizes)

    def build(self) -> MappedIteration:
        for flow in flows(self.iteration.steps):
            if flow.event is not None:
                continue  # right before the weight gradient of its layer, whose update applies the new mask
            if flow.operation is None:
                self._vector_alone(flow)
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
        sync = self._sync(flow, switch_cycles)
        run = OperationRun(
            flow, operation, policy, operands, sizes, sync, self._record(operation, policy, split, switch_cycles)
        )
        run.outputs_of_all = result_elements(operation)

        cores = iter(self.cores)
        sets = [[(next(cores), by_output(cut)) for cut in cuts] for cuts in self._cut(operation, split, channels)]
        for output in range(max(len(partners[0][1]) for partners in sets)):
            for partners in sets:
                if output < len(partners[0][1]):
                    self._output_tile(run, partners, output)
        self._settle(run)
        self._settle_order(run, split, work)

    def _cut(self, operation: Operation, split: Split, channels: Sequence[Sequence[int]]) -> list[list[list[Step]]]:
        """The steps of each core, those that share outputs side by side."""
        shape, stage, room = operation.shape, operation.stage, buffers(self.spec, operation.stage)
        sets = []
        for tiles in regions(shape, stage, split, channels):
            deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
            sets.append([list(steps(operation.layer, shape, stage, tile, room, deepest=deepest)) for tile in tiles])
        return sets

    def _output_tile(
        self, run: OperationRun, partners: Sequence[tuple[CoreTokens, list[list[Step]]]], output: int
    ) -> None:
        """One tile of outputs: its steps on each core that has a part of it, then its way to memory."""
        parts = len(partners)
        move: Task | None = None
        outputs = elements = 0
        for part, (core, cut) in enumerate(partners):
            result: TileResult | None = None
            for step in cut[output]:
                compute, result = self._step(run, core, step)
            assert result is not None
            outputs, elements = result.outputs, result.outputs - result.outputs_removed
            if part == 0:
                place = self._place_in_vector(run, outputs, elements)
            if parts == 1:
                move = self._to_vector(run, f"core{core.index}.store", compute, elements, place.free)
                core.drains.append(move)
            else:
                core.drains.append(self._reduce(run, core, compute, elements, part, parts))
                if part == parts - 1:
                    move = self._to_vector(run, "aggregator.store", self.reduces[-1], elements, place.free)
                    self.aggregated.append(move)
        assert move is not None
        self._finish_tile(run, move, place, elements)

    def _step(self, run: OperationRun, core: CoreTokens, step: Step) -> tuple[Task, TileResult]:
        operation, spec, layout = run.operation, self.spec, self.layout
        unit = f"core{core.index}"
        where = f"{run.flow.name} {unit}"
        descriptors: list[Descriptor] = []
        tensors: list[str] = []
        deps: list[Task | None] = [run.sync]
        load_unit = f"{unit}.load"
        endpoint = layout.endpoint(load_unit)

        def read(
            tensor: str, which: CoreMemory, half: int, moved: int, offset: int, rows: int, stride: int, behind: int = 0
        ) -> None:
            base = self.m.memory.place(tensor, self.sizes.dense_bytes(tensor))
            memory = spec.core.input_memory if which is CoreMemory.INPUT else spec.core.weight_memory
            tensors.append(tensor)
            descriptors.append(
                Descriptor(
                    endpoint,
                    Direction.READ,
                    layout.memory(core.index, which),
                    row_bytes=-(-moved // rows),
                    rows=rows,
                    stride_bytes=stride,
                    address=base + offset,
                    word=(half * (memory.size // 2) + behind) * 8 // spec.storage.word,
                )
            )

        loaded, offset = run.sizes.input(step.tile)
        half = len(core.input_uses) % 2
        deps.append(core.input_uses[-2] if len(core.input_uses) > 1 else None)
        if loaded:
            read(operation.reads[0], CoreMemory.INPUT, half, loaded, offset, 1, 0)
        if "output" in run.policy.operands and operation.output_needed is not None:
            mask_bytes, offset = run.sizes.mask(step.tile)
            read(operation.reads[2], CoreMemory.INPUT, half, mask_bytes, offset, 1, 0, behind=loaded)
        if not step.reuses_other:
            deps.extend(core.weight_uses[-2] if len(core.weight_uses) > 1 else ())
            other = run.sizes.other(step.tile)
            half = len(core.weight_uses) % 2
            read(operation.reads[1], CoreMemory.WEIGHT, half, other.bytes, other.offset, other.rows, other.stride)
            core.weight_uses.append([])
        load = self.graph.add(Kind.LOAD, load_unit, where, TransferWork(tuple(descriptors)), deps)
        for tensor in tensors:
            self._reads(tensor, load)

        result = run_tile(self.m.params, run.policy, operation.shape, operation.stage, run.operands, step.tile)
        free_output = core.drains[-2] if step.first and len(core.drains) > 1 else None
        compute = self.graph.add(Kind.COMPUTE, unit, where, self._core_work(core, result, step), (load, free_output))
        core.input_uses.append(compute)
        core.weight_uses[-1] = [task for task in core.weight_uses[-1] if task.kind is not Kind.COMPUTE] + [compute]
        run.add(core.index, step.tile, result)
        if not step.reuses_other:
            self.pruning.read(run, core, step, load)
        return compute, result

    def _core_work(self, core: CoreTokens, result: TileResult, step: Step) -> LocalWork:
        storage, window, layout = self.spec.storage, self.params_window, self.layout
        skips_zeros = storage.activations == "bitmap" or storage.weights == "bitmap"

        def bitmap_words(blocks: int) -> int:
            """Bitmaps of the blocks, packed."""
            return -(-blocks * window // storage.word) if skips_zeros else 0

        def words(blocks: int) -> int:
            """Values of the blocks, a word or more each, and their bitmaps."""
            return blocks * -(-window * storage.value_bits // storage.word) + bitmap_words(blocks)

        sums = -(-(result.outputs - result.outputs_removed) * storage.accumulator_bits // storage.word)
        unit = Client.UNIT
        return LocalWork(
            cycles=result.cycles,
            accesses=(
                Access(layout.memory(core.index, CoreMemory.INPUT), unit, words(result.input_block_reads)),
                Access(layout.memory(core.index, CoreMemory.WEIGHT), unit, words(result.other_block_reads)),
                # What earlier steps left of the same sums is added.
                Access(layout.memory(core.index, CoreMemory.OUTPUT), unit, 0 if step.first else sums),
                Access(layout.memory(core.index, CoreMemory.OUTPUT), unit, sums, is_write=True),
            ),
            counts=(
                ("core.mac", result.macs),
                ("core.operand_fetch", result.macs),
                ("core.bitmap_read", bitmap_words(result.input_block_reads) + bitmap_words(result.other_block_reads)),
                ("core.scan", result.scans),
                ("core.jump", result.jumps),
                ("core.queue_move", result.queue_in + result.queue_out),
                ("core.buffer_write", result.buffer_writes),
                ("core.buffer_read", result.buffer_reads),
            ),
        )

    @property
    def params_window(self) -> int:
        return self.spec.core.window

    # ---- results --------------------------------------------------------------------------------------------

    def _tile_bytes(self, elements: int) -> int:
        return -(-elements * self.spec.storage.accumulator_bits // 8)

    def _move(
        self,
        kind: Kind,
        unit: str,
        label: str,
        elements: int,
        source: int,
        far: tuple[int, int],
        deps: Sequence[Task | None],
    ) -> Task:
        descriptors: tuple[Descriptor, ...] = ()
        if elements:
            descriptors = (
                Descriptor(
                    self.layout.endpoint(unit),
                    Direction.MOVE,
                    source,
                    row_bytes=self._tile_bytes(elements),
                    far_node=far[0],
                    far_memory=far[1],
                    far_client=Client.REMOTE,
                ),
            )
        return self.graph.add(kind, unit, label, TransferWork(descriptors), deps)

    def _reduce(self, run: OperationRun, core: CoreTokens, compute: Task, elements: int, part: int, parts: int) -> Task:
        """One core's partial sums, to the aggregation core and into the tile's sum."""
        label = f"{run.flow.name} part {part + 1}/{parts}"
        free_staging = self.reduces[-self.staging] if len(self.reduces) >= self.staging else None
        far = (self.layout.aggregator_node, self.layout.aggregator_memory)
        source = self.layout.memory(core.index, CoreMemory.OUTPUT)
        move = self._move(Kind.MOVE, f"core{core.index}.store", label, elements, source, far, (compute, free_staging))
        free_sum = None
        if part == 0 and len(self.aggregated) >= self.accumulators:
            free_sum = self.aggregated[-self.accumulators]
        work = aggregation_work(
            elements,
            self.spec.storage.accumulator_bits,
            first=part == 0,
            lanes=self.spec.aggregator.lanes,
            word_bits=self.spec.storage.word,
            memory=self.layout.aggregator_memory,
            client=Client.UNIT,
        )
        self.reduces.append(self.graph.add(Kind.REDUCE, "aggregator", label, work, (move, free_sum)))
        return move

    def _reads(self, tensor: str, load: Task) -> None:
        """Whoever overwrites the tensor waits for the last load of each channel; a channel loads in order."""
        self.last_loads.setdefault(tensor, {})[load.unit] = load

    def _moved(self, tensors: Sequence[TensorBytes], share: _Share) -> list[tuple[str, int]]:
        return [(tensor.tensor, share.of(self.sizes.stored_bytes(tensor))) for tensor in tensors]

    def _place_in_vector(self, run: OperationRun, outputs: int, elements: int) -> _Place:
        share = _Share(run.outputs_so_far, run.outputs_so_far + outputs, run.outputs_of_all)
        run.outputs_so_far += outputs
        return self._place(run.flow, share, self._tile_bytes(elements))

    def _place(self, flow: Flow, share: _Share, arriving: int) -> _Place:
        """Room in the vector unit's memory, given out in order like a ring: for what arrives and what is loaded for
        it, or, in the same place (the work goes element by element), for what leaves, if that is more."""
        size = max(
            arriving + sum(moved for _, moved in self._moved(flow.loads, share)),
            sum(moved for _, moved in self._moved(flow.stores, share)),
        )
        capacity = self.spec.vector.memory.size
        if size > capacity:
            step = flow.operation or flow.work[0]
            what = f"a tile and what its vector work reads need {size} bytes, but the vector unit has {capacity}"
            raise DoesNotFitError(step.layer, step.stage, what, ("vector", "memory"))
        while self.vector_used + size > capacity:
            freed, release = self.vector_tiles.popleft()
            self.vector_used -= freed
            self.vector_freed[release.unit] = release  # each unit ends its tasks in order: the last one says it all
        self.vector_used += size
        return _Place(share, size, tuple(self.vector_freed.values()))

    def _to_vector(self, run: OperationRun, unit: str, source: Task, elements: int, free: Sequence[Task]) -> Task:
        if unit == "aggregator.store":
            memory = self.layout.aggregator_memory
        else:
            memory = self.layout.memory(int(unit.removeprefix("core").removesuffix(".store")), CoreMemory.OUTPUT)
        far = (self.layout.vector_node, self.layout.vector_memory)
        return self._move(Kind.MOVE, unit, run.flow.name, elements, memory, far, (source, *free))

    def _finish_tile(self, run: OperationRun, move: Task, place: _Place, elements: int) -> None:
        pruned = self.pruning.ended.get(run.operation.layer) if run.operation.stage is Stage.WG else None
        kind = Kind.UPDATE if run.operation.stage is Stage.WG else Kind.VECTOR
        self._through_vector(run.flow, kind, place, (move, pruned), self._tile_bytes(elements) * 8, run.sync)

    def _through_vector(
        self, flow: Flow, kind: Kind, place: _Place, deps: Sequence[Task | None], bits_in: int, sync: Task
    ) -> None:
        """LOAD what the vector work reads besides, the work itself, STORE what it leaves."""
        layout, storage = self.layout, self.spec.storage
        share = place.share
        loads, stores = self._moved(flow.loads, share), self._moved(flow.stores, share)
        all_deps = list(deps)
        if any(moved for _, moved in loads):
            work = self._dram(Direction.READ, "vector.load", layout.vector_memory, loads, share)
            load = self.graph.add(Kind.LOAD, "vector.load", flow.name, work, (sync, *place.free))
            all_deps.append(load)
            for tensor, _ in loads:
                self._reads(tensor, load)
        vector = self.graph.add(
            kind,
            "vector",
            flow.name,
            vector_work(
                share.of(flow.operations),
                bits_in + 8 * sum(moved for _, moved in loads),
                8 * sum(moved for _, moved in stores),
                lanes=self.spec.vector.lanes,
                word_bits=storage.word,
                memory=layout.vector_memory,
                client=Client.UNIT,
            ),
            (*all_deps, sync),
        )
        release = vector
        if stores:
            work = self._dram(Direction.WRITE, "vector.store", layout.vector_memory, stores, share)
            readers = [load for tensor, _ in stores for load in self.last_loads.get(tensor, {}).values()]
            release = self.graph.add(Kind.STORE, "vector.store", flow.name, work, (vector, *readers))
            for tensor, _ in stores:
                self.stored.setdefault(tensor, []).append(release)
        self.vector_tiles.append((place.bytes, release))

    def _dram(
        self, direction: Direction, unit: str, memory: int, tensors: Sequence[tuple[str, int]], share: _Share
    ) -> TransferWork:
        descriptors = []
        for tensor, moved in tensors:
            room = self.sizes.dense_bytes(tensor)
            begin, most = share.begin_of(room), max(share.of(room), 1)
            address = self.m.memory.place(tensor, room) + begin
            # More than there is room for is read in several passes.
            for done in range(0, moved, most):
                row_bytes = min(most, moved - done)
                descriptors.append(
                    Descriptor(self.layout.endpoint(unit), direction, memory, row_bytes=row_bytes, address=address)
                )
        return TransferWork(tuple(descriptors))

    def _vector_alone(self, flow: Flow) -> None:
        """Vector work that is in no operation's path: pieces that fit a slot of the unit's memory."""
        kind = _KINDS.get(flow.work[0].kind, Kind.VECTOR)
        sync = self._sync(flow, 0)
        moved = max(sum(self.sizes.stored_bytes(tensor) for tensor in tensors) for tensors in (flow.loads, flow.stores))
        pieces = max(1, -(-moved // self.half_output))
        for piece in range(pieces):
            place = self._place(flow, _Share(piece, piece + 1, pieces), 0)
            self._through_vector(flow, kind, place, (sync,), 0, sync)

    # ---- choices and records ----------------------------------------------------------------------------------

    def _sync(self, flow: Flow, extra_cycles: int) -> Task:
        """The controller sets the flow up when everything that it reads is in memory."""
        deps = [task for tensor in flow.after for task in self.stored.get(tensor, ())]
        cycles = self.spec.controller_cycles + extra_cycles
        return self.graph.add(Kind.SYNC, "controller", flow.name, LocalWork(cycles), deps)

    def _choose(self, operation: Operation) -> tuple[SkipPolicy, int]:
        """The adaptive choice, from what the hardware knows now: existing masks, and counters of last time."""
        counts = zero_counts(operation)
        known = {name: counts[name] for name in known_before(operation.stage) if name in counts}
        policy = self.m.chooser.choose(operation.layer, operation.stage, operation.shape.macs, known)
        choice = self.m.chooser.choices[-1]
        self.m.chooser.observe(operation.layer, operation.stage, counts)
        return policy, choice.switch_cycles

    def _record(self, operation: Operation, policy: SkipPolicy, split: Split, switch_cycles: int) -> OperationRecord:
        zero = CoreCounts(*(0 for _ in CoreCounts.__dataclass_fields__))
        record = OperationRecord(operation.layer, operation.stage, policy, split, zero, {}, 0, switch_cycles)
        self.records.append(record)
        return record

    def _settle(self, run: OperationRun) -> None:
        operation = run.operation
        computes: dict[int, Task] = {}
        for core in self.cores:
            if core.index in run.record.core_cycles:
                computes[core.index] = core.input_uses[-1]
        self.last_computes[operation.layer, operation.stage] = computes
        candidates = self.m.chooser.policies[operation.stage]
        if self.m.hindsight or len(candidates) == 1:
            cycles = {run.policy: run.record.longest_core_cycles}
            for candidate in candidates:
                if candidate not in cycles:
                    cycles[candidate] = run.cycles_with(candidate, self.m.params)
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
            sets = self._cut(run.operation, split, allocator.allocate(work, split.channels, core.group))
            cuts = [cut for partners in sets for cut in partners]
            record.orders[name] = cost_of(self.m.params, run.policy, run.operation, run.operands, cuts)


@dataclass(frozen=True, slots=True)
class _Place:
    """Room for a share of a flow's vector work; `free` are the tasks that must have ended before it is free."""

    share: _Share
    bytes: int
    free: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """Part begin..end of `whole`; shares of the same whole that meet sum to it exactly."""

    begin: int
    end: int
    whole: int

    def of(self, total: int) -> int:
        """This part of a total."""
        return total * self.end // self.whole - total * self.begin // self.whole

    def begin_of(self, total: int) -> int:
        """Where this part begins."""
        return total * self.begin // self.whole
