"""Multicast over paths: one packet for many nodes, left as copies on its way.

A packet takes its XY path and leaves a copy at nodes that it passes. Nodes that are not on one path are shared out over
several packets, at most two a column of the mesh and one a side of the source's row: column-path multicast (Boppana,
Chalasani and Raghavendra, Resource deadlocks and performance of wormhole multicast routing algorithms, IEEE TPDS 1998).
As every packet keeps to XY and a copy holds no channel, no deadlock is added. That a copy reaches its node beside the
switch, on wires of its own, is an assumption: a router that sends copies through its switch would be slower.
"""

from __future__ import annotations

from collections.abc import Iterable

from .mesh import MeshConfig

__all__ = ["column_paths"]


def column_paths(mesh: MeshConfig, src: int, destinations: Iterable[int]) -> list[tuple[int, tuple[int, ...]]]:
    """(last node, nodes that get a copy, in the order of the path) of each packet, by last node.

    Each destination is reached exactly once. Raises ValueError for a node outside the mesh.
    """
    mesh.check_node("src", src)
    wanted = sorted(set(destinations))
    for node in wanted:
        mesh.check_node("dst", node)
    row = src // mesh.columns
    own_row = [node for node in wanted if node // mesh.columns == row]
    ends: dict[tuple[int, bool], int] = {}  # by column and direction: the farthest node
    for node in wanted:
        y = node // mesh.columns
        if y != row:
            key = node % mesh.columns, y > row
            farthest = ends.get(key, node)
            ends[key] = max(node, farthest) if y > row else min(node, farthest)
    paths = [(last, _passed(mesh, src, last)) for last in sorted(ends.values())]
    for node in sorted(own_row, key=lambda node: -abs(node - src)):
        # The farthest first: it may pass the others.
        if not any(node == last or node in passed for last, passed in paths):
            paths.append((node, _passed(mesh, src, node)))
    result, left = [], set(wanted)
    for last, passed in paths:
        copies = tuple(node for node in passed if node in left)
        left -= {last, *copies}
        result.append((last, copies))
    return sorted(result)


def _passed(mesh: MeshConfig, src: int, dst: int) -> tuple[int, ...]:
    return tuple(node for node, _ in mesh.path(src, dst))[:-1]
