"""A whole run in one call: packets in, the clocks at which each entered and left, and what the links did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from .mesh import MeshConfig
from .packets import Packets
from .state import NetworkCounts, NetworkState

__all__ = ["Replay", "replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """A finished run. `clocks`: int64, rows (injected, head_out, tail_out), a column per packet; `link_flits`: [node,
    link] flits sent (NetworkState.link_flits)."""

    clocks: npt.NDArray[np.int64]
    counts: NetworkCounts
    link_flits: npt.NDArray[np.int64]

    @property
    def injected(self) -> npt.NDArray[np.int64]:
        """When each packet's head left its source, in clocks."""
        return np.asarray(self.clocks[0])

    @property
    def head_out(self) -> npt.NDArray[np.int64]:
        """When its head was at its node, in clocks."""
        return np.asarray(self.clocks[1])

    @property
    def tail_out(self) -> npt.NDArray[np.int64]:
        """When its tail was there, in clocks."""
        return np.asarray(self.clocks[2])


def replay(mesh: MeshConfig, packets: Packets) -> Replay:
    """Run an empty network over `packets`, which are in order of creation, until the last has left.

    Raises ValueError, naming the packet, if they are out of order or out of the mesh.
    """
    network = NetworkState(mesh, max(len(packets), 1))
    clocks = np.zeros((3, len(packets)), np.int64)
    narrow = [np.clip(array, -1, 2**31 - 1).astype(np.int32) for array in (packets.src, packets.dst, packets.flits)]
    rejected = ffi.new("size_t *")
    status = lib.cs_noc_replay(
        ffi.from_buffer("uint64_t[]", network.buffer),
        network.buffer.nbytes,
        len(packets),
        as_buffer(packets.created, "int64_t", np.int64, "created"),
        *(as_buffer(array, "int32_t", np.int32, "packets") for array in narrow),
        *(as_buffer(row, "int64_t", np.int64, "clocks", writable=True) for row in clocks),
        rejected,
    )
    if status == lib.CS_EINVAL and rejected[0] < len(packets):
        at = rejected[0]
        raise ValueError(
            f"packet {packets.id[at]}: expected nodes below {mesh.nodes}, at least one flit, and creation in "
            "order, got "
            f"src {packets.src[at]}, dst {packets.dst[at]}, flits {packets.flits[at]}, created {packets.created[at]}"
        )
    check("cs_noc_replay", status)
    return Replay(clocks, network.counts(), network.link_flits())
