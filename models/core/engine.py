"""The core's cost model: cycles and counts of a tile, from the real zeros of its operands.

**Walk.** A core has groups of lanes; a group has a barrier of its own and waits for no other group. A lane computes
one output at a time and walks its reduction, last index fastest: FF (r, s, c), BP (r, s, k), WG (n, p, q). Padding
positions are no indices. The flattened walk is cut into blocks of `window` indices; only the last may be short.

**Effectual** is an index where every operand that the policy names is non-zero; without fine skipping, every index of a
scanned block.

**Scan and queue.** In each cycle the scanner looks at one block and puts its effectual indices into the lane's queue,
as many as there was room at the start of the cycle; the rest stays, and the scanner with it. In the same cycle the
lane takes up to `macs_per_lane` of the indices that were in the queue at the start. A lane is done when it begins a
cycle with nothing to scan or jump and an empty queue.

**Jumps.** A coarse unit is an aligned `coarse_unit` tile of all-zero weights of one filter position. A block whose
indices all lie in coarse units is coarse-zero; a run of L of them costs ceil(L / coarse_jump) - 1 cycles: the first
`coarse_jump` are left together with the block before the run, up to `coarse_jump` more in each further cycle.

**Sharing.** A lane may look at block i for the first time in a cycle only if every lane of the group had left block
i - run_ahead before it: the input blocks go through a broadcast buffer of that depth.

**Barrier.** A group takes the cycles of its slowest lane plus `lane_latency`; then its next outputs start.

**Order.** Outputs that share their input operand form a set; sets follow one another by convolution group, then FF
(n, p, q), BP (n, h, w), WG (r, s, c). Within a set the outputs that are left after removal are cut, in lane order,
into groups of `group` outputs, and these are dealt to the core's groups of lanes in turn. (The order of WG and the
dealing in turn are assumptions: neither is published.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import ConvShape, Stage
from .operands import Operands
from .params import CoreParams
from .policy import SkipPolicy
from .tile import COUNT_NAMES, CoreCounts, Tile, TileResult
from .walker import Walker


@dataclass(frozen=True)
class TileCosts:
    """What several tiles of one operation cost their cores, a row a tile.

    counts     int64 (tiles, counts), in the order of the fields of `CoreCounts`
    cycles     int64 (tiles,)
    mac_slots  int64 (tiles,)
    bank_waits cycles, summed over all lanes, in which one would have looked at a block, but for the banks
    """

    counts: npt.NDArray[np.int64]
    cycles: npt.NDArray[np.int64]
    mac_slots: npt.NDArray[np.int64]
    bank_waits: int = 0

    def of(self, name: str) -> npt.NDArray[np.int64]:
        """One count of every tile."""
        return self.counts[:, _COLUMNS[name]]

    def total(self) -> CoreCounts:
        """The counts of all tiles together."""
        return CoreCounts(*self.counts.sum(axis=0, dtype=np.int64).tolist())


_MOST_CYCLES = 1 << 20
"""Cycles of groups of lanes that are kept at once, for as many tiles: 8 MiB."""

_COLUMNS = {name: column for column, name in enumerate(COUNT_NAMES)}


def run_tiles(
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    tiles: Sequence[Tile],
    *,
    level: str | None = None,
) -> TileCosts:
    """Cycles and counts of tiles, each on a core of its own, with ideal SRAM banks.

    `operands` keeps what is derived from the masks, so use one object for all tiles of an operation. Raises ValueError
    where an operand is missing, a shape or a range does not fit, or the stage cannot skip what the policy names.

    `level` is an instruction set of `cosim.isa` other than the selected one: the result is the same.
    """
    costs, _, _ = _run(Walker(params, policy, shape, Stage(stage), operands, level), tiles)
    return costs


def run_tile(
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    tile: Tile,
    *,
    level: str | None = None,
) -> TileResult:
    """The same of one tile, with the time of each group and lane."""
    return _result(params, *_run(Walker(params, policy, shape, Stage(stage), operands, level), (tile,)))


def run_operation(
    params: CoreParams, policy: SkipPolicy, shape: ConvShape, stage: Stage, operands: Operands
) -> TileResult:
    """One core on the whole operation, channels in their order."""
    return run_tile(params, policy, shape, stage, operands, Tile.whole(shape, Stage(stage)))


class RecordedTile:
    """One tile of a walker's operation whose lanes' scans are kept, for an engine that steps them (`banked`).

    result  as `run_tile` gives it
    record  uint32 (words that were written,): the layout of cs_core_record

    `words` is the room for the record: 3 words a group of outputs, and for each of its outputs one and one a block.
    Raises KernelError where that is not enough, ValueError for a tile that does not fit.
    """

    def __init__(self, walker: Walker, tile: Tile, words: int) -> None:
        entries = np.zeros(words, dtype=np.uint32)
        pointer = as_buffer(entries, "uint32_t", np.uint32, "record", writable=True)
        record = ffi.new("cs_core_record *", {"words": pointer, "capacity": words})
        self.result = _result(walker.params, *_run(walker, (tile,), record))
        self.record = entries[: record.used]


def _run(
    walker: Walker, tiles: Sequence[Tile], record: Any = ffi.NULL
) -> tuple[TileCosts, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The tiles' costs, the last ones' cycles by group (a row a tile), and the last one's by lane."""
    params = walker.params
    counts = np.zeros((len(tiles), len(COUNT_NAMES)), dtype=np.int64)
    rows = max(1, min(len(tiles), _MOST_CYCLES // params.groups))
    by_group = np.zeros((rows, params.groups), dtype=np.int64)
    cycles = np.zeros(len(tiles), dtype=np.int64)
    by_lane = np.zeros(params.lanes, dtype=np.int64)
    state = np.empty(walker.state_words(tiles), dtype=np.uint64)  # cs_core_init clears what must be
    # NOTE: one buffer and one set of pointers for all tiles: the checks of a call cost more than a small tile.
    pointer = as_buffer(state, "uint64_t", np.uint64, "state", writable=True)
    counts_of = ffi.cast("cs_core_counts *", as_buffer(counts, "int64_t", np.int64, "counts", writable=True))
    cycles_of = ffi.cast("int64_t *", as_buffer(by_group, "int64_t", np.int64, "by_group", writable=True))
    lanes_of = as_buffer(by_lane, "int64_t", np.int64, "by_lane", writable=True)
    words, groups, lanes = state.size, params.groups, params.lanes
    for at, tile in enumerate(tiles):
        walker.walk(pointer, words, tile, record)
        row = at % rows
        status = lib.cs_core_result(pointer, words, counts_of + at, cycles_of + row * groups, groups, lanes_of, lanes)
        check("cs_core_result", status)
        if row == rows - 1 or at == len(tiles) - 1:
            cycles[at - row : at + 1] = by_group[: row + 1].max(axis=1)
    return TileCosts(counts, cycles, cycles * (lanes * params.macs_per_lane)), by_group, by_lane


def _result(
    params: CoreParams, costs: TileCosts, by_group: npt.NDArray[np.int64], by_lane: npt.NDArray[np.int64]
) -> TileResult:
    cycles = int(costs.cycles[0])
    return TileResult(
        **dict(zip(COUNT_NAMES, costs.counts[0].tolist(), strict=True)),
        cycles=cycles,
        group_cycles=tuple(by_group[0].tolist()),
        lane_busy_cycles=tuple(by_lane.tolist()),
        mac_slots=cycles * params.lanes * params.macs_per_lane,
    )


__all__ = ["RecordedTile", "TileCosts", "run_operation", "run_tile", "run_tiles"]
