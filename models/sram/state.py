"""A set of memories in C: its state buffer and the calls on it, in clocks. The engine stands on this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from .memory import MemoryConfig

__all__ = ["DONE", "NEVER", "MemoryState"]

NEVER: int = lib.CS_NEVER
# cs_done
DONE = np.dtype([("tag", "u8"), ("clk", "i8")])


class MemoryState:
    """Memories of csrc/sram*.c with `clients` clients (by index) and room for `max_jobs` jobs under way.

    `ideal`: a job is done at the clock of its submission. Clocks are integers of at least 0. Raises ValueError for
    arguments out of range, KernelError for a full table of jobs.
    """

    def __init__(
        self, memories: Sequence[MemoryConfig], clients: int, max_jobs: int = 1024, *, ideal: bool = False
    ) -> None:
        if not memories:
            raise ValueError("memories: expected at least one")
        if not 1 <= clients <= lib.CS_SRAM_MAX_CLIENTS:
            raise ValueError(f"clients {clients}: expected 1 to {lib.CS_SRAM_MAX_CLIENTS}")
        self.memories = tuple(memories)
        self.clients = clients
        self.ideal = ideal
        fields = {"memories": len(memories), "clients": clients, "max_jobs": max_jobs, "ideal": ideal}
        config = ffi.new("cs_sram_config *", fields)
        c_memories = ffi.new("cs_sram_memory[]", [memory.c_fields() for memory in memories])
        size = ffi.new("size_t *")
        if lib.cs_sram_state_bytes(config, c_memories, size) != lib.CS_OK:
            raise ValueError(
                f"max_jobs {max_jobs}: expected at least 1, and max_jobs x banks at most {2**31 - 1}; "
                f"all memories together at most {lib.CS_SRAM_MAX_BANKS} banks"
            )
        self.buffer: npt.NDArray[np.uint64] = np.zeros(-(-size[0] // 8), np.uint64)
        self._state: Any = ffi.from_buffer("uint64_t[]", self.buffer)
        self._bytes: int = self.buffer.nbytes
        check("cs_sram_init", lib.cs_sram_init(self._state, self._bytes, config, c_memories))
        self._count = ffi.new("size_t *")
        self._clk = ffi.new("int64_t *")
        self.now = -1

    def submit(self, clk: int, tag: int, memory: int, client: int, first_word: int, words: int) -> None:
        """A job at `clk`, not before `now`; first granted at clk + 1. KernelError with status CS_FULL: no room."""
        if not 0 <= memory < len(self.memories):
            raise ValueError(f"memory {memory}: expected 0 to {len(self.memories) - 1}")
        if not 0 <= client < self.clients:
            raise ValueError(f"client {client}: expected 0 to {self.clients - 1}")
        self.memories[memory].check_range(first_word, words)
        if clk < max(self.now, 0):
            raise ValueError(f"clk {clk}: expected at least {max(self.now, 0)}, the last processed clock")
        status = lib.cs_sram_submit(self._state, self._bytes, clk, tag, memory, client, first_word, words)
        check("cs_sram_submit", status)

    def next(self) -> int:
        """The earliest clock at which a job can be done, or be done at a bank; NEVER if there is none."""
        check("cs_sram_next", lib.cs_sram_next(self._state, self._bytes, self._clk))
        return int(self._clk[0])

    def advance(self, until: int, *, stop: bool = False, room: int = 64) -> npt.NDArray[Any]:
        """Process clocks up to `until`; the jobs done (dtype DONE) by (clock, memory, client, submission).

        `stop`: only up to the first clock in which a job is done.
        """
        parts = []
        while True:
            out = np.zeros(room, DONE)
            pointer = ffi.cast("cs_done *", ffi.from_buffer(out))
            status = lib.cs_sram_advance(self._state, self._bytes, until, stop, pointer, room, self._count)
            parts.append(out[: self._count[0]])
            if status != lib.CS_FULL:
                break
            room *= 2
        check("cs_sram_advance", status)
        records = np.concatenate(parts)
        if stop and records.size:
            self.now = max(self.now, int(records["clk"][-1]))
        elif until != NEVER:
            self.now = max(self.now, until)
        elif records.size:
            self.now = max(self.now, int(records["clk"][-1]))
        return records

    def stats(self) -> tuple[list[npt.NDArray[np.int64]], list[npt.NDArray[np.int64]]]:
        """Per memory, [bank, client]: accesses granted; clocks in which a client had accesses pending at the bank
        and none was granted."""
        banks = [memory.banks for memory in self.memories]
        accesses = np.zeros((sum(banks), self.clients), np.int64)
        waiting = np.zeros_like(accesses)
        pointers = [as_buffer(array, "int64_t", np.int64, "stats", writable=True) for array in (accesses, waiting)]
        check("cs_sram_stats", lib.cs_sram_stats(self._state, self._bytes, *pointers, accesses.size))
        cuts = np.cumsum(banks)[:-1]
        return np.split(accesses, cuts), np.split(waiting, cuts)
