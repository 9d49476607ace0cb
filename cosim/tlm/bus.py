"""An interconnect that decodes addresses and arbitrates: one transaction at a time reaches a target."""

from __future__ import annotations

import enum
from collections.abc import Generator
from typing import Any

from ..kernel.event import Event
from ..kernel.module import Module
from ..kernel.simulator import Simulator
from ..kernel.time import whole
from .payload import GenericPayload, Response
from .router import Router
from .socket import Delay, InitiatorSocket, TargetSocket


class Arbitration(enum.Enum):
    """Who is served next. Initiators are numbered in the order of `target_socket` calls."""

    AGE = "age"
    """Who has waited longest; of those that came at one instant, the one with the lowest number."""
    FIXED = "fixed"
    """The one with the lowest number."""
    ROUND_ROBIN = "round robin"
    """The next number after the one that was served last."""


class _Request:
    __slots__ = ("granted", "initiator", "since")

    def __init__(self, bus: Bus, initiator: int) -> None:
        self.initiator = initiator
        self.since = bus.simulator.now_ps
        self.granted = Event.hidden(bus, "granted")


class Lane:
    """The way to one target, or to all. It decides in the update phase, on all requests of the instant so far."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: list[_Request] = []
        self._owner: _Request | None = None
        self._last = -1

    def request(self, initiator: int) -> _Request:
        """Ask for the lane; `granted` happens in the delta cycle after the decision."""
        request = _Request(self._bus, initiator)
        self._waiting.append(request)
        self._bus.simulator.request_update(self)
        return request

    def release(self, request: _Request) -> None:
        """Give the lane back, or the request up."""
        if self._owner is request:
            self._owner = None
            if self._waiting:
                self._bus.simulator.request_update(self)
        elif request in self._waiting:
            self._waiting.remove(request)

    def update(self) -> None:
        """Serve the next one, if the lane is free."""
        if self._owner is not None or not self._waiting:
            return
        chosen = min(self._waiting, key=self._rank)
        self._waiting.remove(chosen)
        self._owner = chosen
        self._last = chosen.initiator
        bus = self._bus
        bus.served[chosen.initiator] += 1
        bus.waited_ps[chosen.initiator] += bus.simulator.now_ps - chosen.since
        chosen.granted.notify(0)

    def _rank(self, request: _Request) -> tuple[int, int]:
        policy = self._bus.arbitration
        if policy is Arbitration.FIXED:
            return request.initiator, request.since
        if policy is Arbitration.ROUND_ROBIN:
            return (request.initiator - self._last - 1) % len(self._bus.targets), request.since
        return request.since, request.initiator


class Bus(Router):
    """A `Router` in which transactions to the same target wait for each other; with `shared`, all transactions do.

    A transaction first waits for its annotated delay, so that all of one instant compete, then for its grant, and holds
    the lane until the target has answered and the delay that it annotated has passed. `b_transport` therefore always
    waits and returns 0. Non-blocking initiators come in through their sockets' conversion. Debug transport and direct
    memory take no time and no lane.
    """

    def __init__(
        self,
        parent: Simulator | Module,
        name: str,
        latency_ps: int = 0,
        *,
        arbitration: Arbitration = Arbitration.AGE,
        shared: bool = False,
    ) -> None:
        super().__init__(parent, name, latency_ps)
        self.arbitration = arbitration
        self.served: list[int] = []
        """Grants of each initiator."""
        self.waited_ps: list[int] = []
        """The time that each initiator's transactions waited for their grants."""
        self._shared = Lane(self) if shared else None
        self._lanes: dict[InitiatorSocket, Lane] = {}

    def target_socket(self, name: str | None = None) -> TargetSocket:
        """A new socket for one initiator."""
        self.served.append(0)
        self.waited_ps.append(0)
        return super().target_socket(name)

    def map(self, start: int, size: int, target: TargetSocket) -> InitiatorSocket:
        """Route addresses start .. start + size - 1 to `target`; regions do not overlap (ValueError)."""
        socket = super().map(start, size, target)
        self._lanes[socket] = self._shared or Lane(self)
        return socket

    def _transport(self, initiator: int, payload: GenericPayload, delay: int) -> Delay:
        found = self.decode(payload.address, len(payload.data))
        if found is None:
            payload.response = Response.ADDRESS_ERROR
            return delay
        return self._arbitrated(initiator, payload, whole(delay, "delay"), *found)

    def _arbitrated(
        self, initiator: int, payload: GenericPayload, delay: int, start: int, socket: InitiatorSocket
    ) -> Generator[Any, Any, int]:
        if delay:
            yield delay
        lane = self._lanes[socket]
        request = lane.request(initiator)
        address = payload.address
        try:
            yield request.granted
            payload.address = address - start
            result = socket.b_transport(payload, self.latency_ps)
            later = result if isinstance(result, int) else (yield from result)
            payload.address = address
            if later:
                yield later
        finally:
            payload.address = address
            lane.release(request)
        return 0
