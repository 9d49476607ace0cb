"""The data behind a memory target: bytes in pages, and what a payload does with them."""

from __future__ import annotations

from ..kernel.report import Reports, ReportType, Severity
from .payload import Command, GenericPayload, Response

PAGE_BYTES = 4096
_ZEROS = bytes(PAGE_BYTES)
_ONES = memoryview(b"\x01" * PAGE_BYTES)

UNWRITTEN = ReportType("read of bytes never written", Severity.INFO)
"""What memories report of a read, but not of a debug one. An info is counted and logged; an ERROR ends the run."""


class ByteStore:
    """`size_bytes` bytes that read as zero until they are written; a page takes memory from its first write on."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._pages: dict[int, bytearray] = {}
        self._written: dict[int, bytearray] = {}  # by page, 1 for each byte that was

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
            _move(into, source, payload.byte_enable, at)
            if payload.is_write:
                written = memoryview(self._written.setdefault(page, bytearray(PAGE_BYTES)))
                _move(written[offset : offset + count], _ONES[:count], payload.byte_enable, at)
            at += count
        return length

    def serve(self, payload: GenericPayload, reports: Reports, name: str) -> None:
        """`move` of an access that takes time. A read of bytes that were never written is reported as UNWRITTEN, as of
        `name`; ReportError if that is an error."""
        if missing := self.unwritten(payload):
            what = f"read of {len(payload.data)} bytes at {payload.address:#x}"
            reports.report(UNWRITTEN, f"{name}: {what}, of which {missing} were never written")
        self.move(payload)

    def unwritten(self, payload: GenericPayload) -> int:
        """How many bytes a read asks for that were never written: those enabled that lie in the store."""
        if payload.command is not Command.READ or not 0 <= payload.address < self.size_bytes:
            return 0
        length = min(len(payload.data), self.size_bytes - payload.address)
        enable, missing, at = payload.byte_enable, 0, 0
        while at < length:
            page, offset = divmod(payload.address + at, PAGE_BYTES)
            count = min(PAGE_BYTES - offset, length - at)
            written = self._written.get(page, _ZEROS)[offset : offset + count]
            if enable:
                missing += sum(not written[i] and enable[(at + i) % len(enable)] != 0 for i in range(count))
            else:
                missing += written.count(0)
            at += count
        return missing

    def _page(self, page: int, *, is_written: bool) -> memoryview:
        if is_written:
            return memoryview(self._pages.setdefault(page, bytearray(PAGE_BYTES)))
        return memoryview(self._pages.get(page, _ZEROS))


def _move(into: memoryview, source: memoryview, enable: bytes | bytearray | None, at: int) -> None:
    if not enable:
        into[:] = source
        return
    for index in range(len(into)):
        if enable[(at + index) % len(enable)]:
            into[index] = source[index]
