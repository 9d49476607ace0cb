"""Direct memory interface: a pointer to the target's memory instead of transactions."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class DmiAccess(enum.IntFlag):
    """What may be done directly; the values are the standard's."""

    NONE = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3


@dataclass
class DirectMemory:
    """A region, `start` to `end` inclusive, and how to access it.

    `memory[address - start]` is the byte at `address`. Granted: what may be done there, and how long one byte takes.
    Refused: the region for which the same refusal holds.
    """

    start: int = 0
    end: int = 2**64 - 1
    memory: memoryview | bytearray | None = None
    access: DmiAccess = DmiAccess.NONE
    read_latency: int = 0
    write_latency: int = 0

    def covers(self, address: int, access: DmiAccess) -> bool:
        """Whether `address` may be accessed like that."""
        return self.start <= address <= self.end and access in self.access

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the region has an address of `start` to `end` inclusive: an invalidation of these drops it."""
        return self.start <= end and start <= self.end
