"""The shape of a mesh network and what follows from it alone: routes, hops, latency without contention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cosim.clib import lib

__all__ = ["ALLOCATORS", "NODE_PORT", "MeshConfig"]

NODE_PORT = 4
_SOURCE_TO_ROUTER_CLOCKS = 2
_LINK_CLOCKS = 1
ALLOCATORS = ("islip", "separable_input_first")
"""By their number in C."""


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """A mesh of `columns` x `rows` routers, one node at each; node x + columns * y is at (x, y).

    `vcs` virtual channels of `depth` flits per link. `routing_delay` 0 saves the routing clock; `speculative` saves
    another: a head bids for the switch in the clock in which it asks for a VC, behind the flits of its input that have
    one, and leaves if it gets both. `credit_delay` adds clocks until a router may use a credit it got. The router is
    BookSim 2.0's (Jiang et al., ISPASS 2013), with these options of it, by its names:

    `input_speedup`: lines from an input port into the switch, VC v on line v modulo that many.
    `vc_allocator`, `sw_allocator`: "islip", one iteration, or "separable_input_first".
    `hold_switch_for_packet`: an input and an output stay connected while the packet's flits follow each other.
    `wait_for_tail_credit`: a VC takes the next packet when all credits of the last are back, not behind its tail.
    `st_final_delay`: clocks in the crossbar; 2 `st_final_delay` + `credit_delay` is at most 12.
    `vc_alloc_delay`: clocks of VC allocation; only 1 with `speculative`.

    `ideal` delivers every packet at its creation, for bounds. Raises ValueError for a value the network cannot have.
    """

    columns: int
    rows: int
    vcs: int = 2
    depth: int = 8
    routing_delay: int = 1
    credit_delay: int = 0
    speculative: bool = False
    input_speedup: int = 1
    vc_allocator: str = "islip"
    sw_allocator: str = "islip"
    hold_switch_for_packet: bool = False
    wait_for_tail_credit: bool = False
    st_final_delay: int = 1
    vc_alloc_delay: int = 1
    ideal: bool = False

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1 or self.nodes > lib.CS_NOC_MAX_NODES:
            raise ValueError(
                f"mesh {self.columns}x{self.rows}: expected at least 1x1 and at most {lib.CS_NOC_MAX_NODES} nodes"
            )
        _check_range("vcs", self.vcs, 1, lib.CS_NOC_MAX_VCS)
        _check_range("depth", self.depth, 1, lib.CS_NOC_MAX_DEPTH)
        _check_range("routing_delay", self.routing_delay, 0, 1)
        _check_range("credit_delay", self.credit_delay, 0, lib.CS_NOC_MAX_CREDIT_DELAY)
        _check_range("input_speedup", self.input_speedup, 1, lib.CS_NOC_MAX_VCS)
        _check_allocator("vc_allocator", self.vc_allocator)
        _check_allocator("sw_allocator", self.sw_allocator)
        _check_range("st_final_delay", self.st_final_delay, 1, lib.CS_NOC_MAX_ST_FINAL_DELAY)
        _check_range("vc_alloc_delay", self.vc_alloc_delay, 1, lib.CS_NOC_MAX_VC_ALLOC_DELAY)
        most = lib.CS_NOC_MAX_DELAYS - 2 * self.st_final_delay
        if self.credit_delay > most:
            raise ValueError(
                f"credit_delay {self.credit_delay}: expected at most {most} with st_final_delay {self.st_final_delay}"
            )
        if self.speculative and self.vc_alloc_delay > 1:
            raise ValueError(f"vc_alloc_delay {self.vc_alloc_delay}: expected 1 with speculative")

    @property
    def nodes(self) -> int:
        """How many there are, one at each router."""
        return self.columns * self.rows

    def check_node(self, name: str, node: int) -> None:
        """Raise ValueError unless `node` is a node of this mesh."""
        if not 0 <= node < self.nodes:
            raise ValueError(f"{name} {node}: expected 0 to {self.nodes - 1} in a {self.columns}x{self.rows} mesh")

    def hops(self, src: int, dst: int) -> int:
        """Links between routers on the XY path: |dx| + |dy|."""
        columns = self.columns
        return abs(src % columns - dst % columns) + abs(src // columns - dst // columns)

    def path(self, src: int, dst: int) -> Iterator[tuple[int, int]]:
        """(router, output port) along the XY path; the last is the destination's node port."""
        node = src
        while node != dst:
            dx = dst % self.columns - node % self.columns
            dy = dst // self.columns - node // self.columns
            port = (0 if dx > 0 else 1) if dx else (2 if dy > 0 else 3)
            yield node, port
            node += (1, -1, self.columns, -self.columns)[port]
        yield dst, NODE_PORT

    def zero_load_clocks(self, src: int, dst: int, flits: int) -> int:
        """Clocks from the head's entry to the tail's arrival if the packet meets no other: 5 R + 2 + (flits - 1) over
        R routers; per router a clock less without the routing clock and with speculation, one more for each clock more
        of VC allocation and crossbar. A longer crossbar holds up what follows a head, too.
        Exact where `depth` hides the credits' way (8 flits do)."""
        if self.ideal:
            return 0
        routers = self.hops(src, dst) + 1
        to_grant = self.routing_delay + self.vc_alloc_delay - self.speculative
        if self.st_final_delay == 1:
            return (to_grant + 2 + _LINK_CLOCKS) * routers + _SOURCE_TO_ROUTER_CLOCKS + flits - 1
        return _zero_load_clocks(routers, flits, to_grant, self.st_final_delay)


@cache
def _zero_load_clocks(routers: int, flits: int, to_grant: int, crossbar: int) -> int:
    """Flit by flit and router by router, as the crossbar takes a flit only when the one before has left it. The head is
    granted `to_grant` clocks after its arrival, the others when they are there, one a clock."""
    arrivals = [_SOURCE_TO_ROUTER_CLOCKS + flit for flit in range(flits)]
    for _ in range(routers):
        granted, taken, left = arrivals[0] + to_grant - 1, -crossbar, -1
        for flit, arrival in enumerate(arrivals):
            granted = max(granted + 1, arrival)
            if granted >= taken:  # not with the load that waits or is in the crossbar
                taken = max(granted + 1, taken + crossbar)
            left = max(taken + crossbar - 1, left + 1)
            arrivals[flit] = left + 1 + _LINK_CLOCKS
    return arrivals[-1]


def _check_allocator(name: str, value: str) -> None:
    if value not in ALLOCATORS:
        raise ValueError(f"{name} {value!r}: expected one of {', '.join(ALLOCATORS)}")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} {value}: expected {low} to {high}")
