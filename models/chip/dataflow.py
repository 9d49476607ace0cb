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

NOT_FUSED = frozenset({"batch_norm"})
"""Vector work that must see a whole tensor before its first result."""


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
    readers: dict[str, list[int]] = {}
    for index, step in enumerate(steps):
        for name in _reads(step):
            readers.setdefault(name, []).append(index)

    taken: set[int] = set()
    result: list[Flow] = []
    for index, step in enumerate(steps):
        if index in taken:
            continue
        members = [index]
        if isinstance(step, PruneEvent):
            result.append(Flow(event=step))
            continue
        inside = {step.writes} if isinstance(step, Operation) else {tensor.tensor for tensor in step.writes}
        fusable = isinstance(step, Operation) or step.kind not in NOT_FUSED
        if fusable:
            for later in range(index + 1, len(steps)):
                other = steps[later]
                if later in taken or not isinstance(other, VectorWork) or other.kind in NOT_FUSED:
                    continue
                if any(tensor.tensor in inside for tensor in other.reads) and _ready(other, steps, index, inside):
                    members.append(later)
                    inside.update(tensor.tensor for tensor in other.writes)
        taken.update(members)
        result.append(_flow(steps, members, inside, readers))
    return result


def _reads(step: Operation | VectorWork | PruneEvent) -> list[str]:
    if isinstance(step, Operation):
        return list(step.reads)
    if isinstance(step, VectorWork):
        return [tensor.tensor for tensor in step.reads]
    return []


def _ready(work: VectorWork, steps: Sequence[object], index: int, inside: set[str]) -> bool:
    """Whether what it reads besides the fused tensors exists when the operation runs: no later operation writes it."""
    others = {tensor.tensor for tensor in work.reads} - inside
    for step in steps[index + 1 :]:
        if step is work:
            return True
        if isinstance(step, Operation) and step.writes in others:
            return False
        if isinstance(step, VectorWork) and any(tensor.tensor in others for tensor in step.writes):
            return False
    return True


def _flow(
    steps: Sequence[Operation | VectorWork | PruneEvent],
    members: Sequence[int],
    inside: set[str],
    readers: Mapping[str, Sequence[int]],
) -> Flow:
    flow = Flow()
    written: set[str] = set()
    for index in members:
        step = steps[index]
        if isinstance(step, Operation):
            flow.operation = step
            flow.after.extend(step.reads)
            written.add(step.writes)
            continue
        assert isinstance(step, VectorWork)
        flow.work.append(step)
        for tensor in step.reads:
            if tensor.tensor not in written:
                flow.loads.append(tensor)
                flow.after.append(tensor.tensor)
        for tensor in step.writes:
            written.add(tensor.tensor)
            known = readers.get(tensor.tensor, ())
            elsewhere = any(reader not in members for reader in known)
            # What nobody reads later in this iteration is state (weights, moments, statistics): it is kept.
            if elsewhere or not any(reader > index for reader in known):
                flow.stores.append(tensor)
    return flow


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
