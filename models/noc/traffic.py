"""Synthetic traffic: who sends to whom, and when. The same seed gives the same packets on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .mesh import MeshConfig
from .packets import Packets

__all__ = ["PATTERNS", "bernoulli"]

Nodes = npt.NDArray[np.int64]
Draws = npt.NDArray[np.uint64]
_SHARE_BITS = 32


def _uniform(mesh: MeshConfig, src: Nodes, draws: Draws) -> Nodes:
    """Any node, itself included."""
    return _pick(draws, mesh.nodes)


def _transpose(mesh: MeshConfig, src: Nodes, draws: Draws) -> Nodes:
    """(x, y) to (y, x); the diagonal sends to itself."""
    return src // mesh.columns + src % mesh.columns * mesh.columns


def _bitcomp(mesh: MeshConfig, src: Nodes, draws: Draws) -> Nodes:
    """(x, y) to (columns - 1 - x, rows - 1 - y)."""
    return mesh.nodes - 1 - src


def _neighbor(mesh: MeshConfig, src: Nodes, draws: Draws) -> Nodes:
    """(x, y) to (x + 1, y + 1), modulo the sides, over the mesh."""
    return (src % mesh.columns + 1) % mesh.columns + (src // mesh.columns + 1) % mesh.rows * mesh.columns


def _hotspot(mesh: MeshConfig, src: Nodes, draws: Draws) -> Nodes:
    """Any node, but node (columns / 2 - 1, rows / 2 - 1) max(5, columns) times as often as another."""
    extra = max(5, mesh.columns) - 1
    hot = max(mesh.columns // 2 - 1, 0) + max(mesh.rows // 2 - 1, 0) * mesh.columns
    picked = _pick(draws, mesh.nodes + extra)
    return np.where(picked >= mesh.nodes, hot, picked)


def _pick(draws: Draws, count: int) -> Nodes:
    """Uniform in 0 .. count - 1 from 64-bit draws."""
    shift = np.uint64(_SHARE_BITS)
    return ((draws >> shift) * np.uint64(count) >> shift).astype(np.int64)


PATTERNS: dict[str, Callable[[MeshConfig, Nodes, Draws], Nodes]] = {
    "uniform": _uniform,
    "transpose": _transpose,
    "bitcomp": _bitcomp,
    "neighbor": _neighbor,
    "hotspot": _hotspot,
}


def bernoulli(mesh: MeshConfig, pattern: str, load: float, flits: int, clocks: int, seed: int) -> Packets:
    """Packets of `flits` flits, created by each node in each of `clocks` clocks with probability load / flits, so
    that `load` is offered in flits per node and clock.

    Raises ValueError for an unknown pattern, one that the mesh has no use for, or a load that is not in 0 .. flits.
    """
    if pattern not in PATTERNS:
        raise ValueError(f"traffic {pattern!r}: expected one of {', '.join(PATTERNS)}")
    if pattern == "transpose" and mesh.columns != mesh.rows:
        raise ValueError(f"traffic transpose: expected a square mesh, got {mesh.columns}x{mesh.rows}")
    if not 0 <= load <= flits:
        raise ValueError(f"load {load}: expected 0 to {flits} flits per node and clock for packets of {flits} flits")
    # Raw draws of PCG64, not a distribution of numpy's: those may change between its versions.
    source = np.random.PCG64(seed)
    threshold = np.uint64(round(load / flits * 2**53))
    draws = _draw(source, clocks * mesh.nodes).reshape(clocks, mesh.nodes)
    created, src = np.nonzero((draws >> np.uint64(11)) < threshold)
    src = src.astype(np.int64)
    dst = PATTERNS[pattern](mesh, src, _draw(source, src.size))
    ids = np.arange(src.size, dtype=np.int64)
    return Packets(ids, src, dst, np.full(src.size, flits, np.int64), created.astype(np.int64))


def _draw(source: Any, count: int) -> Draws:
    return np.asarray(source.random_raw(count), np.uint64).reshape(count)
