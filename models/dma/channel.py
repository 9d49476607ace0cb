"""A DMA channel: a unit whose tasks are descriptors on the fabric."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from cosim.kernel import Module, Simulator

from ..fabric import Completion, Descriptor, Fabric, UnfusedFabric
from ..tasks import Task, Unit


class TransferWork(NamedTuple):
    """Descriptors of one DMA channel, submitted together, in order."""

    descriptors: tuple[Descriptor, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes moved by all of them."""
        return sum(descriptor.bytes for descriptor in self.descriptors)


class TransferUnit(Unit):
    """A DMA channel: a task is its descriptors, and the next one starts when all of them have completed (assumption:
    one task in flight per channel)."""

    def __init__(self, parent: Simulator | Module, name: str, fabric: Fabric | UnfusedFabric, endpoint: int) -> None:
        super().__init__(parent, name)
        self._fabric = fabric
        self._endpoint = endpoint

    def execute(self, task: Task) -> Generator[Any, Any, None]:
        """Do a task of `TransferWork`."""
        work: TransferWork = task.work
        if not work.descriptors:
            return
        finished = self.simulator.event()
        # A graph's endpoints are those of its chip; the fabric has those of all chips.
        self._fabric.submit_all(work.descriptors, finished.succeed, endpoint=self._endpoint)
        last: Completion = yield finished
        task.spent_ps = last.by_reason()
