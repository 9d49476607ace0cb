"""The unit of exchange between a DMA and the memory system."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Direction(enum.IntEnum):
    """Where a descriptor's data goes; the values are csrc/fabric.h's."""

    READ = 0  # DRAM to the endpoint's local memory
    WRITE = 1  # the endpoint's local memory to DRAM
    MOVE = 2  # the endpoint's local memory to the memory of another node


class Descriptor(NamedTuple):
    """`rows` pieces of `row_bytes` each, `stride_bytes` apart in DRAM, consecutive in the local memory.

    `memory` and `word` say where in the SRAMs of the endpoint's network it begins locally. A MOVE has no DRAM side, but
    `far_node`, `far_memory`, `far_word`, and `far_client`, as whom it writes there.
    """

    endpoint: int
    direction: Direction
    memory: int
    row_bytes: int
    address: int = 0
    rows: int = 1
    stride_bytes: int = 0
    word: int = 0
    far_node: int = 0
    far_memory: int = 0
    far_word: int = 0
    far_client: int = 0

    @property
    def bytes(self) -> int:
        """Bytes moved."""
        return self.row_bytes * self.rows


class Completion(NamedTuple):
    """When a descriptor (or direct access) began and ended, and where the time went, by resource; it sums."""

    start_ps: int
    end_ps: int
    dram_ps: int
    noc_ps: int
    sram_ps: int
    dma_ps: int

    def by_reason(self) -> dict[str, int]:
        """The parts that took time."""
        parts = {"dram": self.dram_ps, "noc": self.noc_ps, "sram": self.sram_ps, "dma": self.dma_ps}
        return {reason: ps for reason, ps in parts.items() if ps}
