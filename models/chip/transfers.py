"""What the transfers of a task graph cost, worked out from its descriptors: requests, words at both ends, flits times
routers. Independent of what the fabric counts, so that a sum over tasks can be held against the totals."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ..dma import TransferWork
from ..fabric import Direction, FabricConfig
from ..tasks import Task
from .layout import Layout
from .spec import ChipSpec

__all__ = ["transfer_counts"]


def transfer_counts(
    graph: Iterable[Task], layout: Layout, spec: ChipSpec, settings: FabricConfig | None = None
) -> dict[str, int]:
    """Count by action of all transfers of the graph.

    A row of a descriptor is cut at every multiple of the request's size; a request takes a header each way and its data
    one way, through the routers of the shortest path; a MOVE is not answered.
    """
    settings = settings or FabricConfig()
    columns, ports, interleave = spec.noc.mesh[0], spec.noc.memory_nodes, settings.port_interleave_bytes
    longest = max(spec.dma.request, settings.burst_bytes)
    word_bytes, flit_bytes = spec.storage.word // 8, spec.noc.flit // 8
    nodes = [channel.node for channel in layout.channels]

    def routers(here: int, there: int) -> int:
        return 1 + abs(here % columns - there % columns) + abs(here // columns - there // columns)

    @cache
    def row(here: int, far: int | None, begin: int, size: int) -> tuple[int, int, int]:
        """Requests, words at one end, and flits times routers of one row; `far`: the other node of a MOVE."""
        requests = words = hops = 0
        end = begin + size
        while begin < end:
            piece = min(end, begin // longest * longest + longest) - begin
            there = ports[begin // interleave % len(ports)] if far is None else far
            requests += 1
            words += -(-piece // word_bytes)
            hops += routers(here, there) * (1 + -(-piece // flit_bytes) + (far is None))
            begin += piece
        return requests, words, hops

    # The pattern of cuts and ports repeats; so do most rows.
    period = longest * interleave * len(ports)
    found: dict[str, int] = {}

    def add(action: str, count: int) -> None:
        found[action] = found.get(action, 0) + count

    for task in graph:
        for what in task.work.descriptors if isinstance(task.work, TransferWork) else ():
            moves = what.direction is Direction.MOVE
            requests = words = hops = 0
            for at in range(what.rows):
                begin = (what.address + at * what.stride_bytes) % period
                of_row = row(nodes[what.endpoint], what.far_node if moves else None, begin, what.row_bytes)
                requests, words, hops = requests + of_row[0], words + of_row[1], hops + of_row[2]
            add("dma.request", requests)
            add("noc.flit_hop", hops)
            end = "write" if what.direction is Direction.READ else "read"
            add(f"sram.{layout.memory_kind(what.memory)}.{end}", words)
            if moves:
                add(f"sram.{layout.memory_kind(what.far_memory)}.write", words)
    return {action: count for action, count in found.items() if count}
