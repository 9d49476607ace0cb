"""Latency against offered load, and where the network saturates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .mesh import MeshConfig
from .packets import Packets
from .replay import replay
from .traffic import bernoulli

__all__ = ["LoadPoint", "Sweep", "measure", "sweep"]

# A network counts as saturated when the mean latency passes this many times that of an empty network.
SATURATED = 3.0
# A draw for each node and clock stands in memory at once, 8 bytes.
_MOST_DRAWS = 2**28
_MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One load. Latencies in clocks, means over the packets created in the measured period; loads in flits per
    node and clock."""

    offered: float
    accepted: float
    packet_latency: float
    network_latency: float
    packets: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Points by offered load; `zero_load` is the mean latency without contention; `saturation` the offered load at
    which the latency passes three times that, or None if it does not up to the highest load."""

    points: tuple[LoadPoint, ...]
    zero_load: float
    saturation: float | None


def measure(
    mesh: MeshConfig, pattern: str, load: float, flits: int, *, warmup: int, clocks: int, seed: int
) -> tuple[LoadPoint, float]:
    """One point, and the mean latency its packets would have without contention.

    Traffic goes on for as long as is measured after the warm-up, then the network drains, so that every packet of
    the measured period counts. `accepted` is what arrived within that period.
    """
    packets = bernoulli(mesh, pattern, load, flits, warmup + clocks, seed)
    run = replay(mesh, packets)
    counted = packets.created >= warmup
    count = int(counted.sum())
    out = run.tail_out
    arrived = int(packets.flits[(out >= warmup) & (out < warmup + clocks)].sum())
    if count == 0:
        return LoadPoint(load, 0.0, 0.0, 0.0, 0), 0.0
    point = LoadPoint(
        offered=load,
        accepted=arrived / (mesh.nodes * clocks),
        packet_latency=int((out - packets.created)[counted].sum()) / count,
        network_latency=int((out - run.injected)[counted].sum()) / count,
        packets=count,
    )
    return point, _alone(mesh, packets, counted)


def _alone(mesh: MeshConfig, packets: Packets, counted: npt.NDArray[np.bool_]) -> float:
    """The mean latency without contention; 0 of no packets."""
    columns = (packets.src[counted], packets.dst[counted], packets.flits[counted])
    clocks = [mesh.zero_load_clocks(*packet) for packet in zip(*(column.tolist() for column in columns), strict=True)]
    return float(np.mean(clocks)) if clocks else 0.0


def sweep(
    mesh: MeshConfig,
    pattern: str,
    flits: int,
    *,
    step: float = 0.05,
    highest: float = 1.0,
    warmup: int = 2000,
    clocks: int = 8000,
    seed: int = 1,
    begun: Callable[[float], None] | None = None,
    measured: Callable[[LoadPoint, bool], None] | None = None,
) -> Sweep:
    """Measure loads from `step` up to `highest`, or to a packet of each node in each clock, but only two points beyond
    saturation, whose load is then narrowed down to a sixteenth of a step.

    `begun` is told the latency without contention before the first point, `measured` each point when it is ready and
    whether saturation has been reached. Raises ValueError for steps or clocks that are out of range, or too many.
    """
    highest = min(highest, flits)
    if not 0 < step <= highest:
        raise ValueError(f"step {step}: expected more than 0 and at most the highest load {highest}")
    if highest > _MOST_POINTS * step:
        raise ValueError(f"step {step}: expected at most {_MOST_POINTS} points up to the highest load {highest}")
    if (warmup + clocks) * mesh.nodes > _MOST_DRAWS:
        raise ValueError(
            f"{warmup + clocks} clocks, warm-up included: expected at most {_MOST_DRAWS // mesh.nodes} "
            f"with {mesh.nodes} nodes"
        )

    def point_at(load: float) -> tuple[LoadPoint, bool]:
        point, alone = measure(mesh, pattern, load, flits, warmup=warmup, clocks=clocks, seed=seed)
        return point, point.packet_latency > SATURATED * alone

    lowest = bernoulli(mesh, pattern, round(step, 9), flits, warmup + clocks, seed)
    zero_load = _alone(mesh, lowest, lowest.created >= 0)
    if begun is not None:
        begun(zero_load)
    points: list[LoadPoint] = []
    beyond = 0
    below, above = 0.0, None
    count = 1
    while beyond < 2 and step * count <= highest + 1e-9:
        load = round(step * count, 9)
        point, saturated = point_at(load)
        points.append(point)
        if saturated and above is None:
            above = load
        elif not saturated and above is None:
            below = load
        if measured is not None:
            measured(point, above is not None)
        beyond += saturated
        count += 1
    if above is not None:
        for _ in range(4):
            middle = (below + above) / 2
            if point_at(middle)[1]:
                above = middle
            else:
                below = middle
    return Sweep(tuple(points), zero_load, above)
