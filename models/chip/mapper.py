"""From a training iteration to a task graph on the chip.

Every step of the workload becomes tasks: operations are cut into steps that fit the cores' buffers (double-buffered:
each half is a token), partial sums meet in the aggregation core, results pass through the vector unit to memory,
pruning events go to the pruning unit. The graph's order is one in which nothing depends on anything later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..core import (
    AdaptiveChooser,
    ChannelAllocator,
    CoreCounts,
    Operands,
    RandomChannelAllocator,
    SkipPolicy,
    StaticOrder,
    Tile,
    TileResult,
    WeightSparsityBalancer,
    ZeroCounts,
    channel_nonzeros,
    run_tile,
)
from ..dma import TransferWork
from ..fabric import Access, Descriptor, Direction, LocalWork
from ..pruning import PruneEvent
from ..pruning_unit import FREE_PASSES, PruningPlan, plan_event
from ..tasks import Kind, Task, TaskGraph
from ..tensors import Stage
from ..vector import aggregation_work, vector_work
from ..workload import Iteration, Operation, TensorBytes
from .dataflow import Flow, flows, result_elements
from .layout import Client, CoreMemory, Layout, MemoryMap
from .operand_bytes import OperandBytes, TensorSizes
from .spec import ChipSpec
from .tiling import Buffers, DoesNotFitError, Split, Step, choose_split, regions, steps


@dataclass
class OperationRecord:
    """What an operation cost its cores; `counts` is the sum over all tiles."""

    layer: str
    stage: Stage
    policy: SkipPolicy
    split: Split
    counts: CoreCounts
    core_cycles: dict[int, int]
    mac_slots: int
    switch_cycles: int = 0

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


@dataclass
class _Core:
    """Tokens of one core's buffers: what must have ended before a half may be filled again."""

    index: int
    input_uses: list[Task] = field(default_factory=list)
    weight_uses: list[list[Task]] = field(default_factory=list)
    drains: list[Task] = field(default_factory=list)
    open_drain: Task | None = None


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
        allocators: dict[str, ChannelAllocator] = {
            "static": StaticOrder(),
            "random": RandomChannelAllocator(seed),
            "balanced": WeightSparsityBalancer(),
        }
        self.allocator = allocators[spec.core.balance]
        self._splits: dict[tuple[object, Stage], Split] = {}

    def map(self, iteration: Iteration) -> MappedIteration:
        """Raises DoesNotFitError for an operation that cannot be tiled, ValueError for one without detailed steps."""
        if not iteration.steps:
            raise ValueError(f"iteration {iteration.index} was not asked for in detail")
        return _Builder(self, iteration).build()

    def split(self, operation: Operation) -> Split:
        """How the operation is spread over the cores; the same for every iteration."""
        key = (operation.shape, operation.stage)
        if key not in self._splits:
            core, noc = self.spec.core, self.spec.noc
            # What the network's memory ports can carry in a core cycle; only to choose by.
            ports = len(noc.memory_nodes) * noc.flit // 8
            per_cycle = max(1, int(ports * self.spec.clock / noc.clock))
            self._splits[key] = choose_split(
                operation.shape, operation.stage, core.count, core.group, core.lanes * core.macs_per_lane, per_cycle
            )
        return self._splits[key]


class _Builder:
    """One iteration's graph in the making."""

    def __init__(self, mapper: Mapper, iteration: Iteration) -> None:
        self.m = mapper
        self.spec = mapper.spec
        self.layout = mapper.layout
        self.iteration = iteration
        self.graph = TaskGraph()
        self.cores = [_Core(index) for index in range(self.spec.core.count)]
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
        self.pruning: list[PruningRecord] = []
        self.last_computes: dict[tuple[str, Stage], dict[int, Task]] = {}
        self.prune_moves: dict[str, list[Task]] = {}
        self.pruned: dict[str, Task] = {}
        self.events = {event.layer: event for event in iteration.prune_events}
        self.plans = {layer: self._plan(event) for layer, event in self.events.items()}
        self.sizes = TensorSizes(iteration, self.spec.storage)

    def build(self) -> MappedIteration:
        for flow in flows(self.iteration.steps):
            if flow.event is not None:
                continue  # right before the weight gradient of its layer, whose update applies the new mask
            if flow.operation is None:
                self._vector_alone(flow)
                continue
            if flow.operation.stage is Stage.WG and flow.operation.layer in self.events:
                self._prune(self.events[flow.operation.layer], flow.operation)
            self._operate(flow, flow.operation)
        self.graph.link()
        return MappedIteration(
            self.iteration.index, self.graph, self.records, self.pruning, self.sizes.compulsory_bytes(self.iteration)
        )

    # ---- operations -----------------------------------------------------------------------------------------

    def _operate(self, flow: Flow, operation: Operation) -> None:
        spec, shape, stage = self.spec, operation.shape, operation.stage
        split = self.m.split(operation)
        policy, switch_cycles = self._choose(operation)
        operands = Operands(operation.x, operation.w, operation.dy, operation.output_needed)
        channels = self.m.allocator.allocate(_work(operation, operands), split.channels, spec.core.group)
        sizes = OperandBytes(operation, spec.storage, channels)
        sync = self._sync(flow, switch_cycles)
        buffers = Buffers(
            input_bytes=spec.core.input_memory.size // 2,
            other_bytes=spec.core.weight_memory.size // 2,
            output_bytes=self.half_output,
            input_bits=sizes.input_bits,
            other_bits=sizes.other_bits,
            accumulator_bits=spec.storage.accumulator_bits,
            group=spec.core.group,
        )
        run = _Run(
            flow, operation, policy, operands, sizes, sync, self._record(operation, policy, split, switch_cycles)
        )
        run.outputs_of_all = result_elements(operation)

        cores = iter(self.cores)
        sets: list[list[tuple[_Core, list[list[Step]]]]] = []
        for tiles in regions(shape, stage, split, channels):
            deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
            cuts = [list(steps(operation.layer, shape, stage, tile, buffers, deepest=deepest)) for tile in tiles]
            sets.append([(next(cores), _by_output(cut)) for cut in cuts])
        for output in range(max(len(partners[0][1]) for partners in sets)):
            for partners in sets:
                if output < len(partners[0][1]):
                    self._output_tile(run, partners, output)
        self._settle(run)

    def _output_tile(self, run: _Run, partners: Sequence[tuple[_Core, list[list[Step]]]], output: int) -> None:
        """One tile of outputs: its steps on each core that has a part of it, then its way to memory."""
        parts = len(partners)
        move: Task | None = None
        outputs = elements = 0
        for part, (core, by_output) in enumerate(partners):
            result: TileResult | None = None
            for step in by_output[output]:
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

    def _step(self, run: _Run, core: _Core, step: Step) -> tuple[Task, TileResult]:
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
            self._prune_read(run, core, step, load)
        return compute, result

    def _core_work(self, core: _Core, result: TileResult, step: Step) -> LocalWork:
        storage, window, layout = self.spec.storage, self.params_window, self.layout
        skips_zeros = storage.activations == "bitmap" or storage.weights == "bitmap"

        def words(blocks: int) -> int:
            """Values of the blocks, a word or more each; their bitmaps, packed."""
            bitmap = -(-blocks * window // storage.word) if skips_zeros else 0
            return blocks * -(-window * storage.value_bits // storage.word) + bitmap

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

    def _reduce(self, run: _Run, core: _Core, compute: Task, elements: int, part: int, parts: int) -> Task:
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

    def _place_in_vector(self, run: _Run, outputs: int, elements: int) -> _Place:
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
            raise DoesNotFitError(step.layer, step.stage, what)
        while self.vector_used + size > capacity:
            freed, release = self.vector_tiles.popleft()
            self.vector_used -= freed
            self.vector_freed[release.unit] = release  # each unit ends its tasks in order: the last one says it all
        self.vector_used += size
        return _Place(share, size, tuple(self.vector_freed.values()))

    def _to_vector(self, run: _Run, unit: str, source: Task, elements: int, free: Sequence[Task]) -> Task:
        if unit == "aggregator.store":
            memory = self.layout.aggregator_memory
        else:
            memory = self.layout.memory(int(unit.removeprefix("core").removesuffix(".store")), CoreMemory.OUTPUT)
        far = (self.layout.vector_node, self.layout.vector_memory)
        return self._move(Kind.MOVE, unit, run.flow.name, elements, memory, far, (source, *free))

    def _finish_tile(self, run: _Run, move: Task, place: _Place, elements: int) -> None:
        pruned = self.pruned.get(run.operation.layer) if run.operation.stage is Stage.WG else None
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
        kind = {"batch_norm": Kind.NORM, "update": Kind.UPDATE}.get(flow.work[0].kind, Kind.VECTOR)
        sync = self._sync(flow, 0)
        moved = max(sum(self.sizes.stored_bytes(tensor) for tensor in tensors) for tensors in (flow.loads, flow.stores))
        pieces = max(1, -(-moved // self.half_output))
        for piece in range(pieces):
            place = self._place(flow, _Share(piece, piece + 1, pieces), 0)
            self._through_vector(flow, kind, place, (sync,), 0, sync)

    # ---- pruning --------------------------------------------------------------------------------------------

    def _plan(self, event: PruneEvent) -> PruningPlan:
        channels = event.mask.shape[0]
        unit = self.spec.pruning_unit
        reads = sum(
            operation.layer == event.layer and operation.stage in (Stage.FF, Stage.BP)
            for operation in self.iteration.operations
        )
        return plan_event(
            event,
            weights_per_channel=event.mask[0].size,
            channels=channels,
            buffer_bytes=unit.memory.size,
            shared=unit.shared,
            free_passes=min(reads, FREE_PASSES),
        )

    def _prune_read(self, run: _Run, core: _Core, step: Step, load: Task) -> None:
        """A pruning unit of its own reads the weights, once, from the weight memory while they are there."""
        operation = run.operation
        event = self.events.get(operation.layer)
        if event is None or self.spec.pruning_unit.shared or operation.stage is not Stage.FF:
            return
        tile = step.tile
        if tile.images[0] or tile.rows[0]:
            return  # another core, or an earlier step, delivers these weights
        far = (self.layout.pruning_node, self.layout.pruning_memory)
        read = self.graph.add(
            Kind.MOVE,
            f"core{core.index}.prune",
            f"{operation.layer}.prune",
            TransferWork(
                (
                    Descriptor(
                        self.layout.endpoint(f"core{core.index}.prune"),
                        Direction.MOVE,
                        self.layout.memory(core.index, CoreMemory.WEIGHT),
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
        self.prune_moves.setdefault(operation.layer, []).append(read)

    def _prune(self, event: PruneEvent, gradient: Operation) -> None:
        """The event, before the update of its layer: wait until the weights have passed, fetch the rest, compute."""
        plan = self.plans[event.layer]
        unit = self.spec.pruning_unit
        seen = self.last_computes.get((event.layer, Stage.BP)) or self.last_computes[(event.layer, Stage.FF)]
        ready = (*seen.values(), *self.prune_moves.get(event.layer, ()))
        fetched = plan.fetched_weights
        if not unit.shared:  # the first pass was read from the weight memories
            fetched -= plan.first_pass
        deps: list[Task] = list(ready)
        weights = next(
            operation.reads[1]
            for operation in self.iteration.operations
            if operation.layer == event.layer and operation.stage is Stage.FF
        )
        if fetched:
            size = event.mask.size * self.spec.storage.value_bits // 8
            base = self.m.memory.place(weights, self.sizes.dense_bytes(weights))
            whole, rest = divmod(fetched * self.spec.storage.value_bits // 8, size)
            pieces = [size] * whole + ([rest] if rest else [])
            endpoint = self.layout.endpoint("pruning.load")
            work = TransferWork(
                tuple(
                    Descriptor(endpoint, Direction.READ, self.layout.pruning_memory, row_bytes=moved, address=base)
                    for moved in pieces
                )
            )
            deps.append(self.graph.add(Kind.LOAD, "pruning.load", f"{event.layer}.prune", work, ready))
        words = -(
            -(plan.passing_weights + plan.fetched_weights) * self.spec.storage.value_bits // self.spec.storage.word
        )
        task = self.graph.add(
            Kind.PRUNE,
            "pruning",
            f"{event.layer}.prune",
            LocalWork(
                plan.cycles(unit.lanes),
                (
                    Access(self.layout.pruning_memory, Client.UNIT, words),
                    Access(self.layout.pruning_memory, Client.PRUNING, words if unit.shared else 0, is_write=True),
                ),
                (("pruning.mac", plan.macs), ("pruning.compare", plan.compares)),
            ),
            deps,
        )
        self.pruned[event.layer] = task
        self.pruning.append(PruningRecord(event, plan, task, ready))

    # ---- choices and records ----------------------------------------------------------------------------------

    def _sync(self, flow: Flow, extra_cycles: int) -> Task:
        """The controller sets the flow up when everything that it reads is in memory."""
        deps = [task for tensor in flow.after for task in self.stored.get(tensor, ())]
        cycles = self.spec.controller_cycles + extra_cycles
        return self.graph.add(Kind.SYNC, "controller", flow.name, LocalWork(cycles), deps)

    def _choose(self, operation: Operation) -> tuple[SkipPolicy, int]:
        """The adaptive choice, from what the hardware knows now: existing masks, and counters of last time."""
        counts = _zero_counts(operation)
        known = {name: counts[name] for name in _known_before(operation.stage) if name in counts}
        policy = self.m.chooser.choose(operation.layer, operation.stage, operation.shape.macs, known)
        choice = self.m.chooser.choices[-1]
        self.m.chooser.observe(operation.layer, operation.stage, counts)
        return policy, choice.switch_cycles

    def _record(self, operation: Operation, policy: SkipPolicy, split: Split, switch_cycles: int) -> OperationRecord:
        zero = CoreCounts(*(0 for _ in CoreCounts.__dataclass_fields__))
        record = OperationRecord(operation.layer, operation.stage, policy, split, zero, {}, 0, switch_cycles)
        self.records.append(record)
        return record

    def _settle(self, run: _Run) -> None:
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
                    cycles[candidate] = run.cycles_with(candidate, self.m)
            self.m.chooser.settle(operation.layer, operation.stage, cycles)


class _Run:
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

    def cycles_with(self, policy: SkipPolicy, mapper: Mapper) -> int:
        """Cycles of the busiest core, had it skipped by `policy`."""
        cycles: dict[int, int] = {}
        for core, tile in self.tiles:
            result = run_tile(mapper.params, policy, self.operation.shape, self.operation.stage, self.operands, tile)
            cycles[core] = cycles.get(core, 0) + result.cycles
        return max(cycles.values())


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


def _by_output(all_steps: Sequence[Step]) -> list[list[Step]]:
    """The steps grouped by the outputs that they work on."""
    groups: list[list[Step]] = []
    for step in all_steps:
        if step.first:
            groups.append([])
        groups[-1].append(step)
    return groups


def _work(operation: Operation, operands: Operands) -> npt.NDArray[np.int64]:
    """Non-zeros of the other operand per channel of the tiles."""
    shape = operation.shape
    if operation.stage is not Stage.BP or shape.groups == 1 or operation.w is None:
        return channel_nonzeros(operation.stage, operands)
    weights = operation.w.to_bool().reshape(shape.groups, -1, shape.c // shape.groups)
    return np.asarray(weights.sum(axis=1, dtype=np.int64)).reshape(shape.c)


def _zero_counts(operation: Operation) -> Mapping[str, ZeroCounts]:
    """Zeros by operand in the sense of the skip policies."""
    masks = {
        "input": operation.dy if operation.stage is Stage.BP else operation.x,
        "weight": operation.dy if operation.stage is Stage.WG else operation.w,
        "output": operation.output_needed,
    }
    counts = {name: ZeroCounts(mask.count(), mask.size) for name, mask in masks.items() if mask is not None}
    if "output" not in counts:
        counts["output"] = ZeroCounts(1, 1)  # every output is needed
    return counts


def _known_before(stage: Stage) -> tuple[str, ...]:
    """What exists when the stage begins: weights and output masks always; in WG both operands do."""
    if stage is Stage.FF:
        return ("weight",)
    return ("weight", "output") if stage is Stage.BP else ("input", "weight", "output")
