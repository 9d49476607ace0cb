"""An interconnect that decodes addresses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from ..kernel.module import Module
from ..kernel.simulator import Simulator
from .dmi import DirectMemory
from .payload import GenericPayload, Response
from .socket import Delay, InitiatorSocket, TargetSocket


class Router(Module):
    """Routes transactions to the target whose region holds their address.

    Targets see addresses relative to their region's start; the initiator's payload has its own address again when the
    call returns. A transaction not wholly in one region is answered ADDRESS_ERROR. `latency_ps` is added to
    the annotated delay of every routed transaction. Direct memory regions are translated and cut at the region's ends;
    what a target invalidates is invalidated at every initiator. Nobody waits for anybody: `Bus` arbitrates.
    """

    def __init__(self, parent: Simulator | Module, name: str, latency_ps: int = 0) -> None:
        super().__init__(parent, name)
        if latency_ps < 0:
            raise ValueError(f"{self.full_name}: latency_ps must be at least 0, got {latency_ps}")
        self.latency_ps = latency_ps
        self.targets: list[TargetSocket] = []
        self._starts: list[int] = []
        self._regions: list[tuple[int, int, InitiatorSocket]] = []

    def target_socket(self, name: str | None = None) -> TargetSocket:
        """A new socket for one initiator."""
        socket = TargetSocket(
            self,
            name or f"target{len(self.targets)}",
            partial(self._transport, len(self.targets)),
            self._debug,
            get_direct_mem_ptr=self._direct,
        )
        self.targets.append(socket)
        return socket

    def map(self, start: int, size: int, target: TargetSocket) -> InitiatorSocket:
        """Route addresses start .. start + size - 1 to `target`; regions do not overlap (ValueError)."""
        if start < 0 or size < 1:
            raise ValueError(f"{self.full_name}: expected start >= 0 and size >= 1, got {start:#x} and {size:#x}")
        for other_start, other_end, socket in self._regions:
            if start < other_end and other_start < start + size:
                owner = socket.peer.full_name if socket.peer is not None else socket.full_name
                raise ValueError(
                    f"{self.full_name}: region {start:#x}..{start + size - 1:#x} of {target.full_name} overlaps "
                    f"{other_start:#x}..{other_end - 1:#x} of {owner}"
                )
        socket = InitiatorSocket(
            self,
            f"initiator{len(self._regions)}",
            invalidate_direct_mem_ptr=partial(self._invalidate, start, start + size),
        )
        socket.bind(target)
        position = bisect_right(self._starts, start)
        self._starts.insert(position, start)
        self._regions.insert(position, (start, start + size, socket))
        return socket

    def decode(self, address: int, length: int) -> tuple[int, InitiatorSocket] | None:
        """(start of the region, socket towards its target) for a whole transaction, or None."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start, end, socket = self._regions[index]
        return (start, socket) if address + max(length, 1) <= end else None

    def _transport(self, initiator: int, payload: GenericPayload, delay: int) -> Delay:
        found = self.decode(payload.address, len(payload.data))
        if found is None:
            payload.response = Response.ADDRESS_ERROR
            return delay
        start, socket = found
        address = payload.address
        payload.address = address - start
        result = socket.b_transport(payload, delay + self.latency_ps)
        if isinstance(result, int):
            payload.address = address
            return result
        return self._restore(payload, address, result)

    @staticmethod
    def _restore(payload: GenericPayload, address: int, waiting: Generator[Any, Any, int]) -> Generator[Any, Any, int]:
        try:
            return (yield from waiting)
        finally:
            payload.address = address

    def _direct(self, payload: GenericPayload) -> tuple[bool, DirectMemory]:
        address = payload.address
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._regions[index][1]:
            return False, self._gap(index)
        start, end, socket = self._regions[index]
        payload.address = address - start
        try:
            granted, region = socket.get_direct_mem_ptr(payload)
        finally:
            payload.address = address
        last = min(region.end, end - start - 1)
        # `memory[address - region.start]` stays right: only ends move, by the same amount as addresses.
        return granted, replace(region, start=start + region.start, end=start + last)

    def _gap(self, index: int) -> DirectMemory:
        """The addresses around one that no region has, after the region `index`: all of them are refused."""
        start = self._regions[index][1] if index >= 0 else 0
        end = self._starts[index + 1] - 1 if index + 1 < len(self._starts) else DirectMemory().end
        return DirectMemory(start, end)

    def _invalidate(self, first: int, end: int, start: int, last: int) -> None:
        """A target invalidates its addresses `start` .. `last`; its region is `first` .. `end` - 1."""
        if first + start < end:
            for socket in self.targets:
                socket.invalidate_direct_mem_ptr(first + start, min(first + last, end - 1))

    def _debug(self, payload: GenericPayload) -> int:
        # Debug transport may be cut short at a region's end: it moves what it can.
        found = self.decode(payload.address, 1)
        if found is None:
            return 0
        start, socket = found
        address = payload.address
        end = next(end for first, end, _ in self._regions if first == start)
        data = payload.data
        payload.data = bytearray(data[: end - address])
        payload.address = address - start
        try:
            moved = socket.transport_dbg(payload)
            data[:moved] = payload.data[:moved]
            return moved
        finally:
            payload.address = address
            payload.data = data
