"""The cores of a chip by themselves: layers spread over them as in the chip, without memories, network and mapper."""

from __future__ import annotations

from ..core import (
    AdaptiveChooser,
    ChannelAllocator,
    LayerRun,
    Operands,
    RandomChannelAllocator,
    StaticOrder,
    WeightSparsityBalancer,
)
from ..core.layer_core import SKIPS
from ..core.tile import COUNT_NAMES
from ..tensors import ConvShape, Stage
from ..workload import Operation
from .operand_bytes import split_for
from .operation_run import work_by_channel
from .spec import ChipSpec
from .tiling import regions
from .zero_counts import zero_counts

_EVENTS = tuple(name for name in COUNT_NAMES if name not in (*SKIPS, "dense_macs", "macs"))


class SparseCores:
    """A `LayerCore`: the chip's cores, each on its region of the layer at once, operands in their memories.

    The slowest core counts. What to skip is chosen as the chip does, by counters: those of this very layer, as if the
    iteration before had had the same zeros. Partial sums are not added up here (that is the aggregation core's work).
    """

    stages = tuple(Stage)

    def __init__(self, chip: ChipSpec, *, seed: int = 0) -> None:
        self._chip = chip
        allocators: dict[str, ChannelAllocator] = {
            "static": StaticOrder(),
            "random": RandomChannelAllocator(seed),
            "balanced": WeightSparsityBalancer(),
        }
        self._allocator = allocators[chip.core.balance]
        self._tiles = chip.core.tile_model()

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """See LayerCore."""
        operands.check(shape, stage)
        core = self._chip.core
        operation = Operation(
            "layer", stage, shape, (), "", operands.x, operands.w, operands.dy, operands.output_needed
        )
        chooser = AdaptiveChooser(core.policies(), self._tiles.params)
        policy = chooser.choose("layer", stage, shape.macs, zero_counts(operation))
        split = split_for(self._chip, shape, stage)
        channels = self._allocator.allocate(work_by_channel(operation, operands), split.channels, core.group)
        tiles = [tile for part in regions(shape, stage, split, channels) for tile in part]
        costs = self._tiles.costs(policy, shape, stage, operands, tiles)
        total = costs.total()
        waits = {"bank_wait_cycles": costs.bank_waits} if core.banks == "conflict" else {}
        return LayerRun(
            cycles=int(costs.cycles.max()),
            multipliers=core.count * core.lanes * core.macs_per_lane,
            dense_macs=total.dense_macs,
            macs=total.macs,
            skipped={name: getattr(total, name) for name in SKIPS},
            events={"cores": len(tiles)} | {name: getattr(total, name) for name in _EVENTS} | waits,
            way=str(policy),
        )
