"""The shape of a mesh network and what follows from it alone: routes, hops, latency without contention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cosim.clib import lib

__all__ = ["NODE_PORT", "MeshConfig"]

NODE_PORT = 4
_SOURCE_TO_ROUTER_CLOCKS = 2
_ROUTER_CLOCKS = 5  # routing, VC allocation, switch allocation, crossbar, link


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """A mesh of `columns` x `rows` routers, one node at each; node x + columns * y is at (x, y).

    `vcs` virtual channels of `depth` flits per link. `routing_delay` 0 saves the routing clock; `speculative` saves
    another: a head bids for the switch in the clock in which it asks for a VC, behind the flits of its input that have
    one, and leaves if it gets both. `credit_delay` adds clocks until a router may use a credit it got. `ideal` delivers
    every packet at its creation, for bounds.
    The router is BookSim 2.0's (Jiang et al., ISPASS 2013) with iSLIP allocators of one iteration.

    Raises ValueError for a value the network cannot have.
    """

    columns: int
    rows: int
    vcs: int = 2
    depth: int = 8
    routing_delay: int = 1
    credit_delay: int = 0
    speculative: bool = False
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

    @property
    def nodes(self) -> int:
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
        R routers, 4 R without the routing clock or with speculation, 3 R with both changed.
        Exact where `depth` hides the credits' way (8 flits do)."""
        if self.ideal:
            return 0
        per_router = _ROUTER_CLOCKS - 1 + self.routing_delay - self.speculative
        return per_router * (self.hops(src, dst) + 1) + _SOURCE_TO_ROUTER_CLOCKS + flits - 1


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} {value}: expected {low} to {high}")
