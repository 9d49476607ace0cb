"""The tensors of one iteration in memory: where they are, and who stores and loads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..tasks import Task
from ..workload import TensorBytes
from .layout import MemoryMap
from .operand_bytes import TensorSizes


class TensorPlaces:
    """Addresses by name, and the tasks after which a tensor may be read or overwritten."""

    def __init__(self, memory: MemoryMap, sizes: TensorSizes) -> None:
        self._memory, self._sizes = memory, sizes
        self._known: dict[str, tuple[int, int]] = {}
        self._stored: dict[str, list[Task]] = {}
        self._last_loads: dict[str, dict[str, Task]] = {}

    def place(self, tensor: str) -> tuple[int, int]:
        """Its address and the room it has there; a place is given at the first use."""
        known = self._known.get(tensor)
        if known is None:
            room = self._sizes.dense_bytes(tensor)
            known = self._known[tensor] = (self._memory.place(tensor, room), room)
        return known

    def address(self, tensor: str) -> int:
        """Where it begins."""
        return self.place(tensor)[0]

    def moved(self, tensors: Sequence[TensorBytes]) -> list[tuple[str, int]]:
        """Each tensor with the bytes that reading or writing all of it moves."""
        return [(tensor.tensor, self._sizes.stored_bytes(tensor)) for tensor in tensors]

    def reads(self, tensor: str, load: Task) -> None:
        """Whoever overwrites the tensor waits for the last load of each channel; a channel loads in order."""
        self._last_loads.setdefault(tensor, {})[load.unit] = load

    def readers(self, tensor: str) -> Iterable[Task]:
        """The last loads of the tensor."""
        return self._last_loads.get(tensor, {}).values()

    def stores(self, tensor: str, store: Task) -> None:
        """A part of the tensor is in memory when `store` ends."""
        self._stored.setdefault(tensor, []).append(store)

    def written(self, tensors: Iterable[str]) -> list[Task]:
        """All that must have ended before these tensors can be read."""
        return [task for tensor in tensors for task in self._stored.get(tensor, ())]
