"""The steps of an operation as tasks of the cores: LOAD what a step reads, COMPUTE it; and its results on their way out
of the cores, MOVE and REDUCE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core import TileCosts
from ..dma import TransferWork
from ..fabric import Access, Descriptor, Direction, LocalWork
from ..tasks import Kind, Task, TaskGraph
from ..vector import aggregation_work
from .layout import Client, CoreMemory, Layout
from .operation_run import CoreTokens, OperationRun
from .pruning_tasks import PruningTasks
from .spec import ChipSpec
from .tensor_places import TensorPlaces
from .tiling import Step


class CoreTasks:
    """Adds the steps of an iteration's operations to its graph, core by core in double-buffered turns."""

    def __init__(
        self, spec: ChipSpec, layout: Layout, graph: TaskGraph, places: TensorPlaces, pruning: PruningTasks
    ) -> None:
        self._spec, self._layout, self._graph = spec, layout, graph
        self._places, self._pruning = places, pruning
        self.cores = [CoreTokens(index) for index in range(spec.core.count)]
        slots = spec.aggregator.memory.size // (spec.core.output_memory.size // 2)
        self._staging, self._accumulators = slots // 2, slots - slots // 2
        self._reduces: list[Task] = []
        self._aggregated: list[Task] = []
        self._words_per_half = {
            which: memory.size // 2
            for which, memory in (
                (CoreMemory.INPUT, spec.core.input_memory),
                (CoreMemory.WEIGHT, spec.core.weight_memory),
            )
        }

    # ---- into the cores -------------------------------------------------------------------------------------

    def step(self, run: OperationRun, core: CoreTokens, step: Step, work: LocalWork) -> Task:
        """The step's tasks; its COMPUTE."""
        operation, sizes = run.operation, run.sizes
        unit = f"core{core.index}"
        load_unit = f"{unit}.load"
        where = f"{run.name} {unit}"
        input_uses, weight_uses, drains = core.input_uses, core.weight_uses, core.drains
        deps: list[Task | None] = [run.sync]
        descriptors: list[Descriptor] = []
        tensors: list[str] = []

        loaded, offset = sizes.input(step.tile)
        half = len(input_uses) % 2
        deps.append(input_uses[-2] if len(input_uses) > 1 else None)
        if loaded:
            tensors.append(operation.reads[0])
            descriptors.append(self._read(core, operation.reads[0], CoreMemory.INPUT, half, loaded, offset))
        if run.reads_mask:
            mask_bytes, offset = sizes.mask(step.tile)
            tensors.append(operation.reads[2])
            descriptors.append(
                self._read(core, operation.reads[2], CoreMemory.INPUT, half, mask_bytes, offset, behind=loaded)
            )
        if not step.reuses_other:
            deps.extend(weight_uses[-2] if len(weight_uses) > 1 else ())
            other = sizes.other(step.tile)
            half = len(weight_uses) % 2
            tensors.append(operation.reads[1])
            descriptors.append(
                self._read(
                    core,
                    operation.reads[1],
                    CoreMemory.WEIGHT,
                    half,
                    other.bytes,
                    other.offset,
                    rows=other.rows,
                    stride=other.stride,
                )
            )
            weight_uses.append([])
        load = self._graph.add(Kind.LOAD, load_unit, where, TransferWork(tuple(descriptors)), deps)
        for tensor in tensors:
            self._places.reads(tensor, load)

        free_output = drains[-2] if step.first and len(drains) > 1 else None
        compute = self._graph.add(Kind.COMPUTE, unit, where, work, (load, free_output))
        input_uses.append(compute)
        weight_uses[-1] = [task for task in weight_uses[-1] if task.kind is not Kind.COMPUTE] + [compute]
        if not step.reuses_other:
            self._pruning.read(run, core, step, load)
        return compute

    def _read(
        self,
        core: CoreTokens,
        tensor: str,
        which: CoreMemory,
        half: int,
        moved: int,
        offset: int,
        *,
        rows: int = 1,
        stride: int = 0,
        behind: int = 0,
    ) -> Descriptor:
        """`moved` bytes of a tensor, into one half of a memory, behind what is there already."""
        return Descriptor(
            3 * core.index,  # as `Layout` has the channels
            Direction.READ,
            3 * core.index + which,
            -(-moved // rows),
            self._places.address(tensor) + offset,
            rows,
            stride,
            (half * self._words_per_half[which] + behind) * 8 // self._spec.storage.word,
        )

    # ---- out of the cores -----------------------------------------------------------------------------------

    def drain(
        self, run: OperationRun, core: CoreTokens, compute: Task, elements: int, part: int, parts: int
    ) -> Task | None:
        """One core's part of a tile's sums, to the aggregation core and into the sum there."""
        layout = self._layout
        label = f"{run.name} part {part + 1}/{parts}"
        free_staging = self._reduces[-self._staging] if len(self._reduces) >= self._staging else None
        far = (layout.aggregator_node, layout.aggregator_memory)
        source = layout.memory(core.index, CoreMemory.OUTPUT)
        move = self._move(Kind.MOVE, f"core{core.index}.store", label, elements, source, far, (compute, free_staging))
        core.drains.append(move)
        free_sum = None
        if part == 0 and len(self._aggregated) >= self._accumulators:
            free_sum = self._aggregated[-self._accumulators]
        work = aggregation_work(
            elements,
            self._spec.storage.accumulator_bits,
            first=part == 0,
            lanes=self._spec.aggregator.lanes,
            word_bits=self._spec.storage.word,
            memory=layout.aggregator_memory,
            client=Client.UNIT,
        )
        self._reduces.append(self._graph.add(Kind.REDUCE, "aggregator", label, work, (move, free_sum)))
        return move

    def sums_to_vector(self, run: OperationRun, elements: int, free: Sequence[Task]) -> Task:
        """A tile whose parts the aggregation core has added up, to the vector unit."""
        layout = self._layout
        far = (layout.vector_node, layout.vector_memory)
        deps = (self._reduces[-1], *free)
        move = self._move(Kind.MOVE, "aggregator.store", run.name, elements, layout.aggregator_memory, far, deps)
        self._aggregated.append(move)
        return move

    def to_vector(
        self, run: OperationRun, core: CoreTokens, compute: Task, elements: int, free: Sequence[Task]
    ) -> Task:
        """A tile that one core has finished, to the vector unit."""
        layout = self._layout
        far = (layout.vector_node, layout.vector_memory)
        source = layout.memory(core.index, CoreMemory.OUTPUT)
        deps = (compute, *free)
        move = self._move(Kind.MOVE, f"core{core.index}.store", run.name, elements, source, far, deps)
        core.drains.append(move)
        return move

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
                    self._layout.endpoint(unit),
                    Direction.MOVE,
                    source,
                    row_bytes=sum_bytes(self._spec, elements),
                    far_node=far[0],
                    far_memory=far[1],
                    far_client=Client.REMOTE,
                ),
            )
        return self._graph.add(kind, unit, label, TransferWork(descriptors), deps)


def sum_bytes(spec: ChipSpec, elements: int) -> int:
    """Bytes of so many sums, as they leave a core."""
    return -(-elements * spec.storage.accumulator_bits // 8)


def core_works(
    spec: ChipSpec, layout: Layout, cores: Sequence[int], costs: TileCosts, starts: npt.NDArray[np.bool_]
) -> list[LocalWork]:
    """What the tiles' costs are to the cores (their numbers, one a tile) and their memories. `starts`: whether a tile
    starts its outputs; else what earlier steps left of the same sums is added."""
    storage, window = spec.storage, spec.core.window
    skips_zeros = storage.activations == "bitmap" or storage.weights == "bitmap"
    words_of_values = -(-window * storage.value_bits // storage.word)

    def bitmap_words(blocks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bitmaps of the blocks, packed."""
        return -(-blocks * window // storage.word) if skips_zeros else np.zeros_like(blocks)

    inputs, others = costs.of("input_block_reads"), costs.of("other_block_reads")
    input_bits, other_bits = bitmap_words(inputs), bitmap_words(others)
    sums = -(-(costs.of("outputs") - costs.of("outputs_removed")) * storage.accumulator_bits // storage.word)
    columns = (
        costs.cycles,
        # Values of the blocks, a word or more each, and their bitmaps.
        inputs * words_of_values + input_bits,
        others * words_of_values + other_bits,
        np.where(starts, 0, sums),
        sums,
        costs.of("macs"),
        input_bits + other_bits,
        costs.of("scans"),
        costs.of("jumps"),
        costs.of("queue_in") + costs.of("queue_out"),
        costs.of("buffer_writes"),
        costs.of("buffer_reads"),
    )
    unit = Client.UNIT
    works = []
    for core, row in zip(cores, zip(*(column.tolist() for column in columns), strict=True), strict=True):
        cycles, read, read_other, added, written, macs, bitmap, scans, jumps, moves, writes, reads = row
        output = layout.memory(core, CoreMemory.OUTPUT)
        works.append(
            LocalWork(
                cycles,
                (
                    Access(layout.memory(core, CoreMemory.INPUT), unit, read),
                    Access(layout.memory(core, CoreMemory.WEIGHT), unit, read_other),
                    Access(output, unit, added),
                    Access(output, unit, written, True),
                ),
                (
                    ("core.mac", macs),
                    ("core.operand_fetch", macs),
                    ("core.bitmap_read", bitmap),
                    ("core.scan", scans),
                    ("core.jump", jumps),
                    ("core.queue_move", moves),
                    ("core.buffer_write", writes),
                    ("core.buffer_read", reads),
                ),
            )
        )
    return works
