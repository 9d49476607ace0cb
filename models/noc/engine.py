"""The network as an engine of the simulator: picoseconds outside, clocks of its own domain inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cosim import NEVER, ClockDomain

from .mesh import MeshConfig
from .state import NetworkState

__all__ = ["Delivery", "NocEngine"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A packet that has arrived, times in ps: created, head left its source, head and tail reached the node."""

    tag: int
    created_ps: int
    injected_ps: int
    head_out_ps: int
    tail_out_ps: int
    node: int


class NocEngine:
    """A network of csrc/noc*.c as an Engine (docs/architecture.md, "Engines").

    A packet submitted at t is created at the first edge of `clock` after t. `on_delivery` is called in `deliver`, at
    the edge at which the tail arrives; packets of one edge come in order of their destination.
    """

    def __init__(
        self,
        name: str,
        mesh: MeshConfig,
        clock: ClockDomain,
        on_delivery: Callable[[Delivery], None],
        *,
        max_packets: int = 4096,
    ) -> None:
        self.name = name
        self.clock = clock
        self.network = NetworkState(mesh, max_packets)
        self.max_packets = max_packets
        self.on_delivery = on_delivery
        self._under_way = 0
        self._arrived: list[Delivery] = []

    @property
    def under_way(self) -> int:
        """Packets submitted and not yet delivered, at most `max_packets`."""
        return self._under_way

    def submit(self, now_ps: int, tag: int, src: int, dst: int, flits: int) -> None:
        """A packet created at the first edge after `now_ps`. Each source sends in order of submission.

        Raises ValueError for nodes or flits out of range, KernelError if `max_packets` are under way.
        """
        self.network.submit(self._created(now_ps), tag, src, dst, flits)
        self._under_way += 1

    def multicast(self, now_ps: int, tag: int, src: int, dst: int, flits: int, copies: Sequence[int]) -> None:
        """A packet that leaves copies on its way (`NetworkState.multicast`): as many deliveries more, with its tag."""
        self.network.multicast(self._created(now_ps), tag, src, dst, flits, copies)
        self._under_way += 1 + len(copies)

    def _created(self, now_ps: int) -> int:
        """The first clock after `now_ps`. Nobody but this advances a network without packets to the one before."""
        clk = self.clock.cycle_at_or_before(now_ps)
        if self._under_way == 0:
            self.network.advance(clk)
        return clk + 1

    def next(self) -> int:
        """See `cosim.Engine`: in ps."""
        # With no packet under way at most credits travel, which nobody sees: `submit` catches up with them.
        return self.clock.edge(self.network.next()) if self._under_way else NEVER

    def advance(self, limit: int) -> int:
        """See `cosim.Engine`: in ps."""
        until = NEVER if limit == NEVER else self.clock.cycle_at_or_before(limit)
        edge = self.clock.edge
        for tag, created, injected, head_out, tail_out, node in self.network.advance(until, stop=True).tolist():
            self._arrived.append(Delivery(tag, edge(created), edge(injected), edge(head_out), edge(tail_out), node))
        return self._arrived[0].tail_out_ps if self._arrived else NEVER

    def deliver(self) -> None:
        """See `cosim.Engine`."""
        arrived, self._arrived = self._arrived, []
        self._under_way -= len(arrived)
        for delivery in arrived:
            self.on_delivery(delivery)
