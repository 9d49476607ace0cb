"""The data behind a memory target: bytes in pages, and what a payload does with them."""

from __future__ import annotations

from .payload import Command, GenericPayload, Response

PAGE_BYTES = 4096
_ZEROS = bytes(PAGE_BYTES)


class ByteStore:
    """`size_bytes` bytes that read as zero until they are written; a page takes memory from its first write on."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._pages: dict[int, bytearray] = {}

    def refusal(self, payload: GenericPayload) -> Response | None:
        """The answer to a payload that is no access, which takes no time: OK to IGNORE, an error for an address outside
        and for what is empty or streams. None: it is an access."""
        if payload.command is Command.IGNORE:
            return Response.OK
        if payload.address < 0 or payload.address + len(payload.data) > self.size_bytes:
            return Response.ADDRESS_ERROR
        if payload.streaming_width < len(payload.data) or not payload.data:
            return Response.BURST_ERROR
        return None

    def move(self, payload: GenericPayload) -> int:
        """Read or write what of the payload lies in the store, as its byte enables say; returns how many bytes that is.

        With an address outside, or IGNORE, none.
        """
        if payload.command is Command.IGNORE or not 0 <= payload.address < self.size_bytes:
            return 0
        data = memoryview(payload.data)
        length = min(len(data), self.size_bytes - payload.address)
        at = 0
        while at < length:
            page, offset = divmod(payload.address + at, PAGE_BYTES)
            count = min(PAGE_BYTES - offset, length - at)
            held = self._page(page, is_written=payload.is_write)[offset : offset + count]
            moved = data[at : at + count]
            into, source = (held, moved) if payload.is_write else (moved, held)
            if payload.byte_enable:
                _move_enabled(into, source, payload.byte_enable, at)
            else:
                into[:] = source
            at += count
        return length

    def _page(self, page: int, *, is_written: bool) -> memoryview:
        if is_written:
            return memoryview(self._pages.setdefault(page, bytearray(PAGE_BYTES)))
        return memoryview(self._pages.get(page, _ZEROS))


def _move_enabled(into: memoryview, source: memoryview, enable: bytes, at: int) -> None:
    for index in range(len(into)):
        if enable[(at + index) % len(enable)]:
            into[index] = source[index]
