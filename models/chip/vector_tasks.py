"""Vector work as tasks: LOAD what it reads besides what arrives, the work itself, STORE what it leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..dma import TransferWork
from ..fabric import Descriptor, Direction
from ..tasks import Kind, Task, TaskGraph
from ..vector import vector_work
from .dataflow import Flow
from .layout import Client, Layout
from .shares import Share
from .spec import ChipSpec
from .tensor_places import TensorPlaces
from .tiling import DoesNotFitError

_KINDS = {"batch_norm": Kind.NORM, "layer_norm": Kind.NORM, "update": Kind.UPDATE}


class VectorFlow:
    """The vector work of a flow: what it moves, and when it may begin."""

    def __init__(self, flow: Flow, places: TensorPlaces, sync: Task) -> None:
        self.flow, self.sync = flow, sync
        self.name = flow.name
        self.operations = flow.operations
        self.loads, self.stores = places.moved(flow.loads), places.moved(flow.stores)


@dataclass(frozen=True, slots=True)
class Place:
    """Room for a share of a flow's vector work, and what it moves; `free` are the tasks that must have ended before the
    room is free."""

    share: Share
    bytes: int
    loads: list[tuple[str, int]]
    stores: list[tuple[str, int]]
    free: tuple[Task, ...]


class VectorTasks:
    """Adds an iteration's vector work to its graph. Room in the unit's memory is given out in order, like a ring."""

    def __init__(self, spec: ChipSpec, layout: Layout, graph: TaskGraph, places: TensorPlaces) -> None:
        self._spec, self._layout, self._graph, self._places = spec, layout, graph, places
        self._piece_bytes = spec.core.output_memory.size // 2
        self._tiles: deque[tuple[int, Task]] = deque()
        self._used = 0
        self._freed: dict[str, Task] = {}

    def place(self, work: VectorFlow, share: Share, arriving: int) -> Place:
        """Room for what arrives and what is loaded for it, or, in the same place (the work goes element by element),
        for what leaves, if that is more. Raises DoesNotFitError."""
        loads = [(tensor, share.of(moved)) for tensor, moved in work.loads]
        stores = [(tensor, share.of(moved)) for tensor, moved in work.stores]
        size = max(arriving + sum(moved for _, moved in loads), sum(moved for _, moved in stores))
        capacity = self._spec.vector.memory.size
        if size > capacity:
            step = work.flow.operation or work.flow.work[0]
            what = f"a tile and what its vector work reads need {size} bytes, but the vector unit has {capacity}"
            raise DoesNotFitError(step.layer, step.stage, what, ("vector", "memory"))
        while self._used + size > capacity:
            freed, release = self._tiles.popleft()
            self._used -= freed
            self._freed[release.unit] = release  # each unit ends its tasks in order: the last one says it all
        self._used += size
        return Place(share, size, loads, stores, tuple(self._freed.values()))

    def alone(self, work: VectorFlow) -> None:
        """Vector work that is in no operation's path: pieces that fit a slot of the unit's memory."""
        kind = _KINDS.get(work.flow.work[0].kind, Kind.VECTOR)
        moved = max(sum(moved for _, moved in tensors) for tensors in (work.loads, work.stores))
        pieces = max(1, -(-moved // self._piece_bytes))
        for piece in range(pieces):
            place = self.place(work, Share(piece, piece + 1, pieces), 0)
            self.through(work, kind, place, (work.sync,), 0)

    def through(self, work: VectorFlow, kind: Kind, place: Place, deps: Sequence[Task | None], bits_in: int) -> None:
        """The tasks of a share of the work, whose operands arrive with `deps`."""
        layout, graph = self._layout, self._graph
        loads, stores = place.loads, place.stores
        loaded = sum(moved for _, moved in loads)
        all_deps = [*deps]
        if loaded:
            transfer = self._transfer(Direction.READ, "vector.load", loads, place.share)
            load = graph.add(Kind.LOAD, "vector.load", work.name, transfer, (work.sync, *place.free))
            all_deps.append(load)
            for tensor, _ in loads:
                self._places.reads(tensor, load)
        all_deps.append(work.sync)
        done = vector_work(
            place.share.of(work.operations),
            bits_in + 8 * loaded,
            8 * sum(moved for _, moved in stores),
            lanes=self._spec.vector.lanes,
            word_bits=self._spec.storage.word,
            memory=layout.vector_memory,
            client=Client.UNIT,
        )
        vector = release = graph.add(kind, "vector", work.name, done, all_deps)
        if stores:
            transfer = self._transfer(Direction.WRITE, "vector.store", stores, place.share)
            readers = [load for tensor, _ in stores for load in self._places.readers(tensor)]
            release = graph.add(Kind.STORE, "vector.store", work.name, transfer, (vector, *readers))
            for tensor, _ in stores:
                self._places.stores(tensor, release)
        self._tiles.append((place.bytes, release))

    def _transfer(
        self, direction: Direction, unit: str, tensors: Sequence[tuple[str, int]], share: Share
    ) -> TransferWork:
        endpoint, memory = self._layout.endpoint(unit), self._layout.vector_memory
        descriptors = []
        for tensor, moved in tensors:
            address, room = self._places.place(tensor)
            address += share.begin_of(room)
            most = max(share.of(room), 1)
            # More than there is room for is read in several passes.
            for done in range(0, moved, most):
                descriptors.append(Descriptor(endpoint, direction, memory, min(most, moved - done), address))
        return TransferWork(tuple(descriptors))
