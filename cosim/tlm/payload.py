"""The TLM-2.0 generic payload (IEEE 1666-2011, clause 14)."""

from __future__ import annotations

import enum
from typing import Any


class Command(enum.Enum):
    """What a transaction does."""

    READ = 0
    WRITE = 1
    IGNORE = 2


class Response(enum.IntEnum):
    """How a transaction ended; the values are the standard's."""

    OK = 1
    INCOMPLETE = 0
    GENERIC_ERROR = -1
    ADDRESS_ERROR = -2
    COMMAND_ERROR = -3
    BURST_ERROR = -4
    BYTE_ENABLE_ERROR = -5


class GenericPayload:
    """A memory-mapped transaction.

    `data` is read or written in place; `streaming_width` is its length unless said otherwise. `byte_enable`
    is a pattern of 0x00 (leave) and 0xFF (use) that repeats over the data, or None. `extensions` is for models.
    The target sets `response`, and `dmi_allowed` as a hint. `references` is counted by a `PayloadPool`, if one made it.
    """

    __slots__ = (
        "_pool", "address", "byte_enable", "command", "data", "dmi_allowed", "extensions", "references", "response",
        "streaming_width",
    )  # fmt: skip

    def __init__(
        self,
        command: Command = Command.IGNORE,
        address: int = 0,
        data: bytearray | None = None,
        *,
        streaming_width: int | None = None,
        byte_enable: bytes | None = None,
    ) -> None:
        self.command = command
        self.address = address
        self.data = bytearray() if data is None else data
        self.streaming_width = len(self.data) if streaming_width is None else streaming_width
        self.byte_enable = byte_enable
        self.dmi_allowed = False
        self.response = Response.INCOMPLETE
        self.extensions: dict[str, Any] = {}
        self.references = 0
        self._pool: PayloadPool | None = None

    @classmethod
    def read(cls, address: int, length: int) -> GenericPayload:
        """A read of `length` bytes into fresh `data`."""
        return cls(Command.READ, address, bytearray(length))

    @classmethod
    def write(cls, address: int, data: bytes) -> GenericPayload:
        """A write of a copy of `data`."""
        return cls(Command.WRITE, address, bytearray(data))

    @property
    def is_read(self) -> bool:
        """Whether it reads."""
        return self.command is Command.READ

    @property
    def is_write(self) -> bool:
        """Whether it writes."""
        return self.command is Command.WRITE

    @property
    def is_ok(self) -> bool:
        """Whether the target answered OK."""
        return self.response is Response.OK

    @property
    def pooled(self) -> bool:
        """Whether it is in use and belongs to a `PayloadPool`."""
        return self._pool is not None

    def acquire(self) -> None:
        """Keep a payload of a pool: one more needs it."""
        if self._pool is not None:
            self.references += 1

    def release(self) -> None:
        """Give a payload of a pool up; the last one returns it. RuntimeError if nobody held it."""
        if self._pool is not None:
            if self.references < 1:
                raise RuntimeError(f"{self!r} is released more often than acquired")
            self.references -= 1
            if self.references == 0:
                self._pool._give_back(self)

    def __repr__(self) -> str:
        return f"GenericPayload({self.command.name}, {self.address:#x}, {len(self.data)} bytes, {self.response.name})"


class PayloadPool:
    """Counts payloads in use. Python frees memory by itself: the pool is there to find transactions that never end."""

    def __init__(self) -> None:
        self.live = 0
        """Payloads taken and not yet given back."""

    def get(self, command: Command = Command.IGNORE, address: int = 0, data: bytearray | None = None) -> GenericPayload:
        """A fresh payload, acquired once."""
        payload = GenericPayload(command, address, data)
        payload._pool = self
        payload.references = 1
        self.live += 1
        return payload

    def _give_back(self, payload: GenericPayload) -> None:
        payload._pool = None
        self.live -= 1
