"""What an operation would have cost its cores, had its channels met them in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core import (
    ChannelAllocator,
    Operands,
    RandomChannelAllocator,
    SkipPolicy,
    StaticOrder,
    TileModel,
    WeightSparsityBalancer,
)
from ..workload import Operation
from .tiling import Step


def allocators(seed: int) -> dict[str, ChannelAllocator]:
    """Every order that `balance:` of a chip file can name."""
    return {
        "static": StaticOrder(),
        "random": RandomChannelAllocator(seed),
        "balanced": WeightSparsityBalancer(),
    }


@dataclass(frozen=True, slots=True)
class OrderCost:
    """Compute cycles summed over the cores, those of the core with most of them, and the MAC slots of them all."""

    core_cycles: int
    longest_core_cycles: int
    mac_slots: int


def cost_of(
    model: TileModel, policy: SkipPolicy, operation: Operation, operands: Operands, cores: Sequence[Sequence[Step]]
) -> OrderCost:
    """Of an operation cut into these steps, one list a core."""
    tiles = [step.tile for cut in cores for step in cut]
    if not tiles:
        return OrderCost(0, 0, 0)
    costs = model.costs(policy, operation.shape, operation.stage, operands, tiles)
    spent = iter(costs.cycles.tolist())
    cycles = [sum(next(spent) for _ in cut) for cut in cores]
    return OrderCost(sum(cycles), max(cycles), int(costs.mac_slots.sum()))
