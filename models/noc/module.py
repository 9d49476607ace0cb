"""The network for SimPy processes: send a packet, wait for its event."""

from __future__ import annotations

from collections import deque
from itertools import count

from simpy.events import Event

from cosim import ClockDomain, Module, Simulator

from .engine import Delivery, NocEngine
from .mesh import MeshConfig
from .state import NetworkCounts

__all__ = ["Noc"]


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
        self._posted: list[tuple[int, int, int, int, int, Event]] = []
        self._waiting: deque[tuple[int, int, int, int, int, Event]] = deque()
        self._events: dict[int, Event] = {}

    def send(self, src: int, dst: int, flits: int, *, port: int = 0) -> Event:
        """Send a packet; the event happens when its tail arrives, its value is the Delivery.

        `port` tells senders at one node apart: packets of one instant from one node enter in order of it, those of one
        port in order of the calls. Raises ValueError for nodes or flits out of range.
        """
        self.mesh.check_node("src", src)
        self.mesh.check_node("dst", dst)
        if not 1 <= flits < 2**31:
            raise ValueError(f"flits {flits}: expected 1 to {2**31 - 1}")
        event = self.simulator.event()
        self._posted.append((src, port, next(self._tags), dst, flits, event))
        self.simulator.request_update(self)
        return event

    def _now_ps(self) -> int:
        return int(self.simulator.now)

    def update(self) -> None:
        """Let the packets of this instant into the network."""
        self._waiting.extend(sorted(self._posted, key=lambda packet: packet[:3]))
        self._posted.clear()
        while self._waiting and self.engine.under_way < self.engine.max_packets:
            src, _, tag, dst, flits, event = self._waiting.popleft()
            self._events[tag] = event
            self.engine.submit(self._now_ps(), tag, src, dst, flits)
        self._attachment.wake()

    def counts(self) -> NetworkCounts:
        """What has happened in the network up to its last processed clock."""
        return self.engine.network.counts()

    def _arrived(self, delivery: Delivery) -> None:
        self._events.pop(delivery.tag).succeed(delivery)
        if self._waiting:
            self.simulator.request_update(self)
