"""Where everything of a chip is: nodes of the network, local memories, DMA channels, tensors in DRAM."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..fabric import Endpoint
from .spec import ChipSpec


class Client(enum.IntEnum):
    """Who accesses a local memory."""

    UNIT = 0  # the lanes, or whatever unit it belongs to
    LOAD = 1
    STORE = 2
    REMOTE = 3  # another node's MOVE
    PRUNING = 4


class CoreMemory(enum.IntEnum):
    """A core's memories, in the order of their indices."""

    INPUT = 0
    WEIGHT = 1
    OUTPUT = 2


PAGE_BYTES = 4096


class MemoryFullError(MemoryError):
    """The workload's tensors do not fit the DRAM."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Channel:
    """A DMA channel: its unit's name, its node, and as whom it accesses memories."""

    unit: str
    node: int
    client: Client


class Layout:
    """Indices by role. Aggregator, vector unit and pruning unit sit where the chip file says, by default behind the
    cores, which have the other nodes in order (an assumption: the chip's floor plan is not published)."""

    def __init__(self, spec: ChipSpec) -> None:
        cores = spec.core.count
        self.cores = cores
        unit_nodes = spec.noc.unit_nodes or (cores, cores + 1, cores + 2)
        self.aggregator_node, self.vector_node, self.pruning_node = unit_nodes
        core_nodes = [node for node in range(cores + 3) if node not in unit_nodes]
        self.aggregator_memory, self.vector_memory, self.pruning_memory = (3 * cores + i for i in range(3))
        self.memories = 3 * cores + 3
        self.channels: list[Channel] = []
        for core, node in zip(range(cores), core_nodes, strict=False):
            self.channels.append(Channel(f"core{core}.load", node, Client.LOAD))
            self.channels.append(Channel(f"core{core}.store", node, Client.STORE))
            self.channels.append(Channel(f"core{core}.prune", node, Client.PRUNING))
        self.channels.append(Channel("aggregator.store", self.aggregator_node, Client.STORE))
        self.channels.append(Channel("vector.load", self.vector_node, Client.LOAD))
        self.channels.append(Channel("vector.store", self.vector_node, Client.STORE))
        self.channels.append(Channel("pruning.load", self.pruning_node, Client.LOAD))
        self._index = {channel.unit: index for index, channel in enumerate(self.channels)}

    def memory(self, core: int, which: CoreMemory) -> int:
        """Index of a core's memory."""
        return 3 * core + which

    def memory_kind(self, memory: int) -> str:
        """Which memory it is, as the energy table names it."""
        if memory < 3 * self.cores:
            return ("input", "weight", "output")[memory % 3]
        return ("aggregator", "vector", "pruning")[memory - 3 * self.cores]

    def endpoint(self, unit: str) -> int:
        """Index of the DMA channel of this name."""
        return self._index[unit]

    def endpoints(self, network: int, sram: int, outstanding: int, request_bytes: int = 0) -> list[Endpoint]:
        """All channels, for the fabric."""
        return [
            Endpoint(network, channel.node, sram, int(channel.client), outstanding, request_bytes)
            for channel in self.channels
        ]


class MemoryMap:
    """Tensors in DRAM, each at a page of its own, in the order of their first use.

    Assumption: a tensor is stored in the order in which tiles read it, so that a tile is contiguous; compressed tiles
    begin where they would be if they were dense.
    """

    def __init__(self, base: int, capacity_bytes: int) -> None:
        self._next = base
        self._end = base + capacity_bytes
        self._places: dict[str, tuple[int, int]] = {}

    def state(self) -> list[Any]:
        """The places given out so far, as plain data."""
        return [self._next, self._places]

    def restore(self, state: Sequence[Any]) -> None:
        """Take back what `state` gave. Raises ValueError for a place that this memory has not given out."""
        base, self._next = self._next, int(state[0])
        self._places = {name: (int(place[0]), int(place[1])) for name, place in state[1].items()}
        inside = all(base <= at <= at + size <= self._next for at, size in self._places.values())
        if not inside or self._next > self._end:
            raise ValueError("a tensor outside of the memory")

    def place(self, tensor: str, size_bytes: int) -> int:
        """Address of the tensor; it gets a place at its first use, a new one if it has grown.

        Raises MemoryFullError.
        """
        known = self._places.get(tensor)
        if known is not None and known[1] >= size_bytes:
            return known[0]
        pages = -(-max(size_bytes, 1) // PAGE_BYTES)
        address = self._next
        if address + pages * PAGE_BYTES > self._end:
            raise MemoryFullError(f"the memory is full: no {size_bytes} bytes left for {tensor}")
        self._next += pages * PAGE_BYTES
        self._places[tensor] = (address, pages * PAGE_BYTES)
        return address
