"""The TLM-2.0 generic payload (IEEE 1666-2011, clause 14)."""

from __future__ import annotations

import copy
import enum
from typing import Any, TypeVar

E = TypeVar("E", bound="Extension")


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


class Extension:
    """What a model hangs on a payload: subclass it. A payload has at most one of each class."""

    def clone(self) -> Extension | None:
        """A copy for a copy of the payload; None if it cannot be copied."""
        return copy.copy(self)

    def copy_from(self, other: Extension) -> None:
        """Take over the state of `other`, of the same class."""
        self.__dict__.update(other.__dict__)


class GenericPayload:
    """A memory-mapped transaction.

    `data` is read or written in place; `streaming_width` is its length unless said otherwise. `byte_enable` is a
    pattern of 0x00 (leave) and 0xFF (use) that repeats over the data, or None. The target sets `response`, and
    `dmi_allowed` as a hint. `references` is counted by a `PayloadPool`, if one made it.
    """

    __slots__ = (
        "_auto", "_extensions", "_pool", "address", "byte_enable", "command", "data", "dmi_allowed", "references",
        "response", "streaming_width",
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
        self._extensions: dict[type[Extension], Extension] | None = None
        self._auto: set[type[Extension]] | None = None
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

    # ---- extensions and copies ----------------------------------------------------------------------------

    def set_extension(self, extension: E, *, auto: bool = False) -> E | None:
        """Hang `extension` on, instead of one of its class, which is returned. `auto`: `reset` takes it off."""
        kind = type(extension)
        if self._extensions is None:
            self._extensions, self._auto = {}, set()
        assert self._auto is not None
        before: Any = self._extensions.get(kind)
        self._extensions[kind] = extension
        self._auto.discard(kind)
        if auto:
            self._auto.add(kind)
        return before  # type: ignore[no-any-return]

    def get_extension(self, kind: type[E]) -> E | None:
        """The extension of exactly that class, or None."""
        extension: Any = None if self._extensions is None else self._extensions.get(kind)
        return extension  # type: ignore[no-any-return]

    def clear_extension(self, kind: type[Extension]) -> None:
        """Take the extension of that class off, if there is one."""
        if self._extensions is not None and self._auto is not None:
            self._extensions.pop(kind, None)
            self._auto.discard(kind)

    def reset(self) -> None:
        """Take off the extensions that were set with `auto`. A pool does that when it gets the payload back."""
        for kind in tuple(self._auto or ()):
            self.clear_extension(kind)

    def deep_copy_from(self, other: GenericPayload) -> None:
        """Become a copy of `other`: attributes, data, byte enables, and extensions as far as they can be cloned.

        Extensions that are there already take over the state of `other`'s.
        """
        self.command = other.command
        self.address = other.address
        self.data = bytearray(other.data)
        self.streaming_width = other.streaming_width
        self.byte_enable = None if other.byte_enable is None else bytes(other.byte_enable)
        self.dmi_allowed = other.dmi_allowed
        self.response = other.response
        for kind, extension in (other._extensions or {}).items():
            own = self.get_extension(kind)
            if own is not None:
                own.copy_from(extension)
            elif (clone := extension.clone()) is not None:
                self.set_extension(clone, auto=self._pool is not None)

    def update_original_from(self, other: GenericPayload, *, use_byte_enable_on_read: bool = True) -> None:
        """Take back from a copy what a target changes: response, DMI hint, a read's data, extensions that are here."""
        for kind, extension in (self._extensions or {}).items():
            changed = other.get_extension(kind)
            if changed is not None:
                extension.copy_from(changed)
        self.response = other.response
        self.dmi_allowed = other.dmi_allowed
        if self.command is not Command.READ or self.data is other.data:
            return
        enable = self.byte_enable
        if enable and use_byte_enable_on_read:
            for index in range(len(self.data)):
                if enable[index % len(enable)]:
                    self.data[index] = other.data[index]
        else:
            self.data[:] = other.data

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
        payload.reset()
        payload._pool = None
        self.live -= 1
