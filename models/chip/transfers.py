"""What the transfers of a task graph cost, worked out from its descriptors: requests, words at both ends, flits times
routers. Independent of what the fabric counts, so that a sum over tasks can be held against the totals."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..dma import TransferWork
from ..fabric import Descriptor, Direction, FabricConfig
from ..tasks import Task
from .layout import Layout
from .spec import ChipSpec

__all__ = ["transfer_counts"]

Ints = npt.NDArray[np.int64]

_COLUMN = {name: at for at, name in enumerate(Descriptor._fields)}
_AT_ONCE = 1 << 10
"""Rows of descriptors that are cut into requests together. Bounds the memory that is taken, assuming some hundred
requests a row, and nothing else: the counts are the same for any other (a test tries three)."""


def transfer_counts(
    graph: Iterable[Task], layout: Layout, spec: ChipSpec, settings: FabricConfig | None = None
) -> dict[str, int]:
    """Count by action of all transfers of the graph.

    A row of a descriptor is cut at every multiple of the request's size; a request takes a header each way and its data
    one way, through the routers of the shortest path; a MOVE is not answered.
    """
    settings = settings or FabricConfig()
    fields = chain.from_iterable(
        what for task in graph if isinstance(task.work, TransferWork) for what in task.work.descriptors
    )
    table = np.fromiter(fields, dtype=np.int64).reshape(-1, len(_COLUMN))
    rows = table[:, _COLUMN["rows"]]
    first = np.repeat(np.cumsum(rows) - rows, rows)
    table = np.repeat(table, rows, axis=0)  # a line for each row
    table[:, _COLUMN["address"]] += (np.arange(len(table)) - first) * table[:, _COLUMN["stride_bytes"]]
    requests = hops = 0
    words = np.zeros((2, layout.memories), dtype=np.int64)  # read, written
    for begin in range(0, len(table), _AT_ONCE):
        part = table[begin : begin + _AT_ONCE]
        row, sizes, port = _requests(part, spec, settings)
        requests += len(row)
        moves = part[:, _COLUMN["direction"]] == Direction.MOVE
        here = np.array([channel.node for channel in layout.channels])[part[:, _COLUMN["endpoint"]]]
        there = np.where(moves[row], part[row, _COLUMN["far_node"]], port)
        headers = np.where(moves, 1, 2)[row]
        hops += int((_routers(here[row], there, spec.noc.mesh[0]) * (headers - (-sizes // (spec.noc.flit // 8)))).sum())
        moved = -(-sizes // (spec.storage.word // 8))
        writes = (part[:, _COLUMN["direction"]] == Direction.READ).astype(np.int64)
        np.add.at(words, (writes[row], part[row, _COLUMN["memory"]]), moved)
        far = moves[row]
        np.add.at(words[1], part[row[far], _COLUMN["far_memory"]], moved[far])
    found = {"dma.request": requests, "noc.flit_hop": hops}
    for end, by_memory in zip(("read", "write"), words.tolist(), strict=True):
        for memory, count in enumerate(by_memory):
            action = f"sram.{layout.memory_kind(memory)}.{end}"
            found[action] = found.get(action, 0) + count
    return {action: count for action, count in found.items() if count}


def _requests(rows: Ints, spec: ChipSpec, settings: FabricConfig) -> tuple[Ints, Ints, Ints]:
    """Of the requests that rows are cut into: row, bytes, and node of the memory port at their address."""
    longest = max(spec.dma.request, settings.burst_bytes)
    begin = rows[:, _COLUMN["address"]]
    end = begin + rows[:, _COLUMN["row_bytes"]]
    first = begin // longest
    count = -(-end // longest) - first
    row = np.repeat(np.arange(len(rows)), count)
    cut = (np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]) * longest
    starts = np.maximum(cut, begin[row])
    ports = np.array(spec.noc.memory_nodes)
    port = ports[starts // settings.port_interleave_bytes % len(ports)]
    return row, np.minimum(cut + longest, end[row]) - starts, port


def _routers(here: Ints, there: Ints, columns: int) -> Ints:
    """On the shortest path between two nodes of a mesh."""
    apart: Ints = np.abs(here % columns - there % columns) + np.abs(here // columns - there // columns)
    return 1 + apart
