"""The core with its operands in banked SRAM (`banks: conflict`): cycle by cycle, resumable.

In each cycle a bank first serves accesses of DMA and pruning unit, as many as it has ports; the rest of them stays
for the next cycle. The ports left go to the lanes: to the group that would look at a new block of the input operand,
and to the lane whose block of the other operand must be read; the longest waiting first, ties to the lower group (and
block) or lane. A lane looks at its block in the cycle in which it has both; meanwhile its queue drains. Without
contention this is `run_tile`, to the cycle.

Assumption: operands lie in walk order, one block an access: block b of set j of the input operand in bank (j + b) %
banks, of row i of the other operand in bank (i + b) % banks. Which bank a chip would use is not published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import ConvShape, Stage
from .engine import RecordedTile, TileCosts, run_tiles
from .operands import Operands
from .params import CoreParams
from .policy import SkipPolicy
from .tile import COUNT_NAMES, Tile, TileResult
from .walker import Walker

NEVER: int = lib.CS_NEVER
_MEMORIES = ("input", "other")


@dataclass(frozen=True)
class BankParams:
    """Banks and ports a bank of the two memories; raises ValueError for less than 1 or more than 65536 banks.

    `max_pending`: accesses of others that can be submitted before they begin.
    """

    input_banks: int
    other_banks: int
    input_ports: int = 1
    other_ports: int = 1
    max_pending: int = 1024

    def __post_init__(self) -> None:
        for name, most in (
            ("input_banks", 65536),
            ("other_banks", 65536),
            ("input_ports", 2**20),
            ("other_ports", 2**20),
            ("max_pending", 2**20),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name}: expected 1 to {most}, got {getattr(self, name)}")


@dataclass(frozen=True)
class BankedResult:
    """A tile's result with the time that bank conflicts made of it.

    tile              as run_tile gives it, but cycles, group_cycles, lane_busy_cycles and mac_slots with conflicts
    lane_wait_cycles  per lane: of its busy cycles those in which it would have looked at a block, but for the banks
    reads             accesses granted to the lanes, of the input's and the other memory
    served            accesses granted to DMA and pruning unit, likewise, until the tile was done
    """

    tile: TileResult
    lane_wait_cycles: tuple[int, ...]
    reads: tuple[int, int]
    served: tuple[int, int]


class BankedTile:
    """One tile under way; it begins in cycle 0, and `now`, the last processed cycle, is -1 at first.

    However a run is split into calls of `advance`, the result is the same. Raises as `run_tile` does.
    """

    def __init__(
        self,
        params: CoreParams,
        banks: BankParams,
        policy: SkipPolicy,
        shape: ConvShape,
        stage: Stage,
        operands: Operands,
        tile: Tile,
        *,
        level: str | None = None,
    ) -> None:
        self._params, self._banks = params, banks
        stage = Stage(stage)
        tile.check(shape, stage)
        longest = -(-tile.longest_walk(shape, stage) // params.window)
        # As many words at most; those that are not written to never take memory.
        room = tile.outputs(shape, stage) * (4 + longest)
        walker = Walker(params, policy, shape, stage, operands, level)
        run = RecordedTile(walker, tile, max(room, 1))
        self._ideal = run.result
        self._record = run.record
        # Groups, and lanes of a group, that never get an output need no state.
        self._groups = max(1, min(params.groups, run.result.groups_run))
        self._group = max(1, min(params.group, len(tile.channels)))
        c_params = walker.c_params
        c_params.lanes, c_params.group = self._groups * self._group, self._group
        c_banks = ffi.new(
            "cs_core_banks *",
            {
                "banks": [banks.input_banks, banks.other_banks],
                "ports": [banks.input_ports, banks.other_ports],
                "max_pending": banks.max_pending,
            },
        )
        words = ffi.new("size_t *")
        status = lib.cs_core_banks_state_words(c_params, c_banks, longest, words)
        check("cs_core_banks_state_words", status)
        self._state = np.zeros(words[0], dtype=np.uint64)
        self._pointer = as_buffer(self._state, "uint64_t", np.uint64, "state", writable=True)
        self._entries = as_buffer(self._record, "uint32_t", np.uint32, "record")
        status = lib.cs_core_banks_init(
            self._pointer, self._state.size, c_params, c_banks, longest, self._entries, self._record.size
        )
        check("cs_core_banks_init", status)
        self.now = -1
        self.done_at = NEVER

    def submit(self, cycle: int, memory: Literal["input", "other"], bank: int, accesses: int = 1) -> None:
        """Accesses of DMA or pruning unit to one bank; they begin at cycle + 1.

        Raises ValueError for a bank that is not there, for none or more than 2**32 accesses, and for a cycle before
        `now` or an earlier submit's; KernelError with status CS_FULL where `max_pending` have not begun yet.
        """
        if memory not in _MEMORIES:
            raise ValueError(f"memory: expected one of {', '.join(_MEMORIES)}, got {memory!r}")
        at = _MEMORIES.index(memory)
        status = lib.cs_core_banks_submit(self._pointer, self._state.size, cycle, at, bank, accesses)
        if status == lib.CS_EINVAL:
            banks = (self._banks.input_banks, self._banks.other_banks)[at]
            raise ValueError(
                f"cycle {cycle}, bank {bank}, accesses {accesses}: expected a bank below {banks}, 1 to "
                f"{lib.CS_CORE_BANKS_MAX_ACCESSES} accesses, and a cycle of at least {max(self.now, 0)} and the last "
                "submit's, before NEVER"
            )
        check("cs_core_banks_submit", status)

    def next(self) -> int:
        """The next cycle to process: the one after `now`; NEVER when the tile is done."""
        cycle = ffi.new("int64_t *")
        check("cs_core_banks_next", lib.cs_core_banks_next(self._pointer, self._state.size, cycle))
        return int(cycle[0])

    def advance(self, until: int = NEVER) -> int:
        """Process cycles up to `until` or the end of the tile; the tile's number of cycles once it is done, else NEVER.

        The last outputs' `lane_latency` is known in advance, so the end may lie that far behind `until`.
        """
        done_at = ffi.new("int64_t *")
        status = lib.cs_core_banks_advance(
            self._pointer, self._state.size, self._entries, self._record.size, until, done_at
        )
        check("cs_core_banks_advance", status)
        self.done_at = int(done_at[0])
        self.now = max(self.now, min(until, self.done_at))
        return self.done_at

    def result(self) -> BankedResult:
        """Raises ValueError before the tile is done."""
        if self.done_at == NEVER:
            raise ValueError(f"the tile is under way (cycle {self.now}): advance it to its end first")
        params = self._params
        result = ffi.new("cs_core_banks_result *")
        groups = np.zeros(params.groups, dtype=np.int64)
        used = np.zeros((2, self._groups, self._group), dtype=np.int64)  # cycles, waits
        pointers = [as_buffer(a, "int64_t", np.int64, "result", writable=True) for a in (groups, used[0], used[1])]
        status = lib.cs_core_banks_result_of(
            self._pointer, self._state.size, result, pointers[0], self._groups, pointers[1], pointers[2], used[0].size
        )
        check("cs_core_banks_result_of", status)
        every = np.zeros((2, params.groups, params.group), dtype=np.int64)
        every[:, : self._groups, : self._group] = used
        cycles, waits = every.reshape(2, params.lanes)
        tile = replace(
            self._ideal,
            cycles=int(result.cycles),
            group_cycles=tuple(groups.tolist()),
            lane_busy_cycles=tuple(cycles.tolist()),
            mac_slots=int(result.cycles) * params.lanes * params.macs_per_lane,
        )
        return BankedResult(
            tile,
            tuple(waits.tolist()),
            (int(result.reads[0]), int(result.reads[1])),
            (int(result.served[0]), int(result.served[1])),
        )


@dataclass(frozen=True)
class TileModel:
    """What tiles cost a core, with operands always at hand (`banks` None) or over banks that its own lanes share."""

    params: CoreParams
    banks: BankParams | None = None

    def costs(
        self,
        policy: SkipPolicy,
        shape: ConvShape,
        stage: Stage,
        operands: Operands,
        tiles: Sequence[Tile],
    ) -> TileCosts:
        """Of tiles, each on a core of its own; raises as `run_tiles`."""
        if self.banks is None:
            return run_tiles(self.params, policy, shape, stage, operands, tiles)
        counts = np.zeros((len(tiles), len(COUNT_NAMES)), dtype=np.int64)
        cycles = np.zeros(len(tiles), dtype=np.int64)
        waits = 0
        for at, tile in enumerate(tiles):
            banked = BankedTile(self.params, self.banks, policy, shape, stage, operands, tile)
            banked.advance()
            result = banked.result()
            counts[at] = [getattr(result.tile, name) for name in COUNT_NAMES]
            cycles[at] = result.tile.cycles
            waits += sum(result.lane_wait_cycles)
        return TileCosts(counts, cycles, cycles * (self.params.lanes * self.params.macs_per_lane), waits)
