"""From the steps of a training iteration to what flows where: which vector work runs in the path of which operation.

An operation's results pass through the vector unit on their way to memory, so vector work that reads them is done there
and then ("fused"): the tensor between them never exists in memory. What cannot be fused (batch normalisation needs all
results before it can begin) loads and stores its tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..pruning import PruneEvent
from ..tensors import BitTensor, Stage
from ..workload import Operation, TensorBytes, VectorWork

NOT_FUSED = frozenset({"batch_norm", "layer_norm", "softmax"})
"""Vector work that must see a whole tensor, or more channels than a tile has, before its first result."""

FP32_BYTES = 4
"""Results of operations are FP32 (see `Operation.writes`)."""


@dataclass(slots=True)
class Flow:
    """An operation with its fused vector work, or (`operation` None) vector work by itself, or a pruning event.

    `loads` and `stores` are tensors in memory, in bytes as the workload states them; `after` are the names of all
    tensors that must be in memory before it begins, the operation's operands included.
    """

    operation: Operation | None = None
    event: PruneEvent | None = None
    work: list[VectorWork] = field(default_factory=list)
    loads: list[TensorBytes] = field(default_factory=list)
    stores: list[TensorBytes] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """Element operations of the vector work."""
        return sum(work.operations for work in self.work)

    @property
    def name(self) -> str:
        """For labels: layer and stage."""
        if self.operation is not None:
            return f"{self.operation.layer}.{self.operation.stage}"
        if self.event is not None:
            return f"{self.event.layer}.prune"
        return f"{self.work[0].layer}.{self.work[0].kind}.{self.work[0].stage}"


def flows(steps: Sequence[Operation | VectorWork | PruneEvent]) -> list[Flow]:
    """The steps of one iteration as flows, in execution order; every step is in exactly one of them."""
    touched = _Touched(steps)
    producers = [{name: touched.producers(index, name) for name in names} for index, names in enumerate(touched.reads)]
    consumers: dict[tuple[int, str], list[int]] = {}
    for index, by_name in enumerate(producers):
        for name, writers in by_name.items():
            for writer in writers:
                consumers.setdefault((writer, name), []).append(index)

    taken: set[int] = set()
    result: list[Flow] = []
    for index, step in enumerate(steps):
        if index in taken:
            continue
        if isinstance(step, PruneEvent):
            result.append(Flow(event=step))
            continue
        members = [index]
        if isinstance(step, Operation) or step.kind not in NOT_FUSED:
            for later in range(index + 1, len(steps)):
                other = steps[later]
                if later in taken or not isinstance(other, VectorWork) or other.kind in NOT_FUSED:
                    continue
                fed = any(writer in members for writers in producers[later].values() for writer in writers)
                if fed and touched.may_move(later, members):
                    members.append(later)
        taken.update(members)
        result.append(_flow(steps, members, producers, consumers))
    return result


class _Touched:
    """Which step reads and writes what."""

    def __init__(self, steps: Sequence[Operation | VectorWork | PruneEvent]) -> None:
        self.reads = [_reads(step) for step in steps]
        self._writes = [_writes(step) for step in steps]
        self._writers: dict[str, list[int]] = {}
        for index, names in enumerate(self._writes):
            for name in dict.fromkeys(names):
                self._writers.setdefault(name, []).append(index)

    def producers(self, reader: int, name: str) -> list[int]:
        """Who wrote what `reader` reads by this name, the last first: several where parts of a sum (the gradients of a
        tensor with several readers) have one name, until a step reads them all and writes the sum."""
        writers: list[int] = []
        for index in reversed(self._writers.get(name, ())):
            if index < reader:
                writers.append(index)
                if name in self.reads[index]:
                    break
        return writers

    def may_move(self, later: int, members: Sequence[int]) -> bool:
        """Whether step `later` may be done with the members, before the steps between that are not among them: none of
        these writes what it reads, reads what it writes, or writes the same."""
        reads, writes = set(self.reads[later]), set(self._writes[later])
        for index in range(members[0] + 1, later):
            if index not in members and not (
                reads.isdisjoint(self._writes[index])
                and writes.isdisjoint(self.reads[index])
                and writes.isdisjoint(self._writes[index])
            ):
                return False
        return True


def _reads(step: Operation | VectorWork | PruneEvent) -> list[str]:
    if isinstance(step, Operation):
        return list(step.reads)
    if isinstance(step, VectorWork):
        return [tensor.tensor for tensor in step.reads]
    return []


def _writes(step: Operation | VectorWork | PruneEvent) -> list[str]:
    if isinstance(step, Operation):
        return [step.writes]
    if isinstance(step, VectorWork):
        return [tensor.tensor for tensor in step.writes]
    return []


def _flow(
    steps: Sequence[Operation | VectorWork | PruneEvent],
    members: Sequence[int],
    producers: Sequence[Mapping[str, Sequence[int]]],
    consumers: Mapping[tuple[int, str], Sequence[int]],
) -> Flow:
    flow = Flow()

    def leaves(index: int, name: str) -> bool:
        # What nobody reads later in this iteration is state (weights, moments, statistics): it is kept.
        readers = consumers.get((index, name), ())
        return not readers or any(reader not in members for reader in readers)

    for index in members:
        step = steps[index]
        if isinstance(step, Operation):
            flow.operation = step
            flow.after.extend(step.reads)
            if leaves(index, step.writes):
                flow.stores.append(TensorBytes(step.writes, FP32_BYTES * result_elements(step)))
            continue
        assert isinstance(step, VectorWork)
        flow.work.append(step)
        for tensor in step.reads:
            writers = producers[index][tensor.tensor]
            outside = [writer for writer in writers if writer not in members]
            if outside or not writers:
                # Of a sum whose parts have one name, only the parts of other flows are in memory.
                share = tensor.bytes * len(outside) // len(writers) if writers else tensor.bytes
                flow.loads.append(TensorBytes(tensor.tensor, share))
                flow.after.append(tensor.tensor)
        flow.stores.extend(tensor for tensor in step.writes if leaves(index, tensor.tensor))
    return flow


def result_elements(operation: Operation) -> int:
    """Elements of an operation's result, those known to be zero included."""
    shape = operation.shape
    sizes = {Stage.FF: shape.y_shape, Stage.BP: shape.x_shape, Stage.WG: shape.w_shape}[operation.stage]
    product = 1
    for size in sizes:
        product *= size
    return product


def masks(operations: Sequence[Operation]) -> dict[str, BitTensor]:
    """The zero mask of each low-precision tensor, by name: what compressed storage of it takes follows from it."""
    known: dict[str, BitTensor] = {}
    for operation in operations:
        x_or_dy, other = operation.reads[0], operation.reads[1]
        first = operation.dy if operation.stage is Stage.BP else operation.x
        second = operation.dy if operation.stage is Stage.WG else operation.w
        for name, mask in ((x_or_dy, first), (other, second)):
            if mask is not None:
                known.setdefault(name, mask)
    return known
