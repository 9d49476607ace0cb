"""The network for SimPy processes: send a packet, wait for its event."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from simpy.events import Event

from cosim import ClockDomain, Module, Simulator

from .engine import Delivery, NocEngine
from .mesh import MeshConfig
from .multicast import column_paths
from .state import NetworkCounts

__all__ = ["Noc"]


@dataclass(slots=True)
class _Awaited:
    """What an event waits for: so many deliveries."""

    event: Event
    left: int
    is_multicast: bool
    deliveries: list[Delivery] = field(default_factory=list)


class _Posted(NamedTuple):
    src: int
    port: int
    tag: int
    dst: int
    flits: int
    awaited: _Awaited
    copies: tuple[int, ...] = ()


class Noc(Module):
    """A mesh network. `yield noc.send(src, dst, flits)` waits until the packet's tail has arrived.

    What is sent in one instant enters in order of (source, port), whoever called first; what finds no room among
    `max_packets` waits for it, oldest first.
    """

    def __init__(
        self, parent: Simulator | Module, name: str, mesh: MeshConfig, clock: ClockDomain, *, max_packets: int = 4096
    ) -> None:
        super().__init__(parent, name)
        self.mesh = mesh
        self.engine = NocEngine(self.full_name, mesh, clock, self._arrived, max_packets=max_packets)
        self._attachment = self.simulator.attach(self.engine, self.full_name, polled=False)
        self._tags = count()
        self._posted: list[_Posted] = []
        self._waiting: deque[_Posted] = deque()
        self._awaited: dict[int, tuple[int, _Awaited]] = {}

    def send(self, src: int, dst: int, flits: int, *, port: int = 0) -> Event:
        """Send a packet; the event happens when its tail arrives, its value is the Delivery.

        `port` tells senders at one node apart: packets of one instant from one node enter in order of it, those of one
        port in order of the calls. Raises ValueError for nodes or flits out of range.
        """
        self.mesh.check_node("src", src)
        self.mesh.check_node("dst", dst)
        return self._post(src, [(dst, ())], flits, port, is_multicast=False)

    def multicast(self, src: int, destinations: Iterable[int], flits: int, *, port: int = 0) -> Event:
        """Send the same flits to several nodes, over as few packets as `column_paths` needs.

        The event happens when the last tail arrives; its value is the list of deliveries, in order of arrival. Raises
        ValueError for nodes or flits out of range, no destination, or a path with more nodes than `max_packets`.
        """
        paths = column_paths(self.mesh, src, destinations)
        if not paths:
            raise ValueError("destinations: expected at least one")
        return self._post(src, paths, flits, port, is_multicast=True)

    def _post(
        self, src: int, paths: list[tuple[int, tuple[int, ...]]], flits: int, port: int, *, is_multicast: bool
    ) -> Event:
        if not 1 <= flits < 2**31:
            raise ValueError(f"flits {flits}: expected 1 to {2**31 - 1}")
        if any(1 + len(copies) > self.engine.max_packets for _, copies in paths):
            raise ValueError(f"a path with more nodes than the {self.engine.max_packets} packets there is room for")
        awaited = _Awaited(self.simulator.event(), sum(1 + len(copies) for _, copies in paths), is_multicast)
        for dst, copies in paths:
            self._posted.append(_Posted(src, port, next(self._tags), dst, flits, awaited, copies))
        self.simulator.request_update(self)
        return awaited.event

    def _now_ps(self) -> int:
        return int(self.simulator.now)

    def update(self) -> None:
        """Let the packets of this instant into the network."""
        self._waiting.extend(sorted(self._posted, key=lambda packet: packet[:3]))
        self._posted.clear()
        while self._waiting and self.engine.under_way + len(self._waiting[0].copies) < self.engine.max_packets:
            packet = self._waiting.popleft()
            self._awaited[packet.tag] = packet.dst, packet.awaited
            self.engine.multicast(self._now_ps(), packet.tag, packet.src, packet.dst, packet.flits, packet.copies)
        self._attachment.wake()

    def counts(self) -> NetworkCounts:
        """What has happened in the network up to its last processed clock."""
        return self.engine.network.counts()

    def _arrived(self, delivery: Delivery) -> None:
        dst, awaited = self._awaited[delivery.tag]
        if delivery.node == dst:  # the last of its packet
            del self._awaited[delivery.tag]
        awaited.left -= 1
        awaited.deliveries.append(delivery)
        if awaited.left == 0:
            awaited.event.succeed(awaited.deliveries if awaited.is_multicast else delivery)
        if self._waiting:
            self.simulator.request_update(self)
