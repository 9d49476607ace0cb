"""One network in C: its state buffer and the calls on it, in clocks. The engine and the tools stand on this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from .mesh import ALLOCATORS, MeshConfig

__all__ = ["DELIVERY", "LINKS", "NEVER", "NetworkCounts", "NetworkState"]

NEVER: int = lib.CS_NEVER
LINKS: int = lib.CS_NOC_LINKS
_MOST_FLITS = 2**31 - 1

# cs_noc_delivery
DELIVERY = np.dtype(
    [("tag", "u8"), ("created", "i8"), ("injected", "i8"), ("head_out", "i8"), ("tail_out", "i8"), ("node", "i8")],
    align=True,
)
# cs_noc_channel, cs_noc_flit
CHANNEL = np.dtype([(name, "i4") for name in ("node", "link", "vc", "credits", "flits", "buffered", "returning")])
FLIT = np.dtype(
    [("tag", "u8"), ("node", "i4"), ("port", "i4"), ("vc", "i4"), ("head", "i4"), ("tail", "i4")], align=True
)


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """What has happened up to the last processed clock."""

    packets_submitted: int
    packets_delivered: int
    packets_queued: int
    packets_in_net: int
    flits_injected: int
    buffer_writes: int
    buffer_reads: int
    mesh_hops: int
    flits_ejected: int
    flits_copied: int
    vc_allocations: int
    clocks: int


class NetworkState:
    """A network of csrc/noc*.c with room for `max_packets` packets under way.

    Clocks are integers of at least 0. Raises ValueError for arguments out of range, KernelError for a full queue.
    """

    def __init__(self, config: MeshConfig, max_packets: int = 4096) -> None:
        self.config = config
        c_config = ffi.new(
            "cs_noc_config *",
            {
                "columns": config.columns,
                "rows": config.rows,
                "vcs": config.vcs,
                "depth": config.depth,
                "routing_delay": config.routing_delay,
                "speculative": config.speculative,
                "credit_delay": config.credit_delay,
                "input_speedup": config.input_speedup,
                "vc_allocator": ALLOCATORS.index(config.vc_allocator),
                "sw_allocator": ALLOCATORS.index(config.sw_allocator),
                "hold_switch_for_packet": config.hold_switch_for_packet,
                "wait_for_tail_credit": config.wait_for_tail_credit,
                "st_final_delay": config.st_final_delay,
                "vc_alloc_delay": config.vc_alloc_delay,
                "ideal": config.ideal,
                "max_packets": max_packets,
            },
        )
        size = ffi.new("size_t *")
        if max_packets < 1 or lib.cs_noc_state_bytes(c_config, size) != lib.CS_OK:
            raise ValueError(f"max_packets {max_packets}: expected 1 to {2**28 - 1}")
        self.buffer: npt.NDArray[np.uint64] = np.zeros(-(-size[0] // 8), np.uint64)
        self._state: Any = ffi.from_buffer("uint64_t[]", self.buffer)
        self._bytes: int = self.buffer.nbytes
        check("cs_noc_init", lib.cs_noc_init(self._state, self._bytes, c_config))
        self._count = ffi.new("size_t *")
        self._clk = ffi.new("int64_t *")
        self.now = -1

    def submit(self, clk: int, tag: int, src: int, dst: int, flits: int) -> None:
        """A packet created at `clk`, later than `now`.

        Raises ValueError for what is out of range, KernelError with status CS_FULL if there is no room.
        """
        self._check_packet(clk, src, dst, flits)
        check("cs_noc_submit", lib.cs_noc_submit(self._state, self._bytes, clk, tag, src, dst, flits))

    def multicast(self, clk: int, tag: int, src: int, dst: int, flits: int, copies: Sequence[int]) -> None:
        """A packet that leaves a copy at `copies`, nodes on its XY path before `dst`, in the order of the path.

        Every destination has a delivery with this tag. Raises ValueError for what is out of range or not on the path,
        KernelError with status CS_FULL if there is no room for the packet and its copies.
        """
        self._check_packet(clk, src, dst, flits)
        on_path = [node for node, _ in self.config.path(src, dst)][:-1]
        if list(copies) != [node for node in on_path if node in set(copies)]:
            raise ValueError(f"copies {list(copies)}: expected nodes of the path {on_path}, in its order")
        nodes = ffi.new("int32_t[]", list(copies))
        check(
            "cs_noc_multicast",
            lib.cs_noc_multicast(self._state, self._bytes, clk, tag, src, dst, flits, nodes, len(copies)),
        )

    def _check_packet(self, clk: int, src: int, dst: int, flits: int) -> None:
        self.config.check_node("src", src)
        self.config.check_node("dst", dst)
        if not 1 <= flits <= _MOST_FLITS:
            raise ValueError(f"flits {flits}: expected 1 to {_MOST_FLITS}")
        if clk <= self.now:
            raise ValueError(f"clk {clk}: expected later than the last processed clock {self.now}")
        if clk > NEVER // 2:
            raise ValueError(f"clk {clk}: expected at most {NEVER // 2}")

    def next(self) -> int:
        """The earliest clock at which anything happens, or NEVER."""
        check("cs_noc_next", lib.cs_noc_next(self._state, self._bytes, self._clk))
        return int(self._clk[0])

    def advance(self, until: int, *, stop: bool = False, room: int = 64) -> npt.NDArray[Any]:
        """Process clocks up to `until`; the deliveries (dtype DELIVERY) in order of their tail_out.

        `stop`: only up to the first clock with a delivery.
        """
        parts = []
        while True:
            out = np.zeros(room, DELIVERY)
            pointer = ffi.cast("cs_noc_delivery *", ffi.from_buffer(out))
            status = lib.cs_noc_advance(self._state, self._bytes, until, stop, pointer, room, self._count)
            parts.append(out[: self._count[0]])
            if status != lib.CS_FULL:
                break
            room *= 2
        check("cs_noc_advance", status)
        records = np.concatenate(parts)
        if stop and records.size:
            self.now = int(records["tail_out"][-1])
        elif until != NEVER:
            self.now = max(self.now, until)
        else:
            self.now = self.counts().clocks
        return records

    def counts(self) -> NetworkCounts:
        """What has happened up to the last processed clock."""
        counts = ffi.new("cs_noc_counts *")
        check("cs_noc_stats", lib.cs_noc_stats(self._state, self._bytes, counts, ffi.NULL, 0))
        return NetworkCounts(*(getattr(counts, name) for name in NetworkCounts.__slots__))

    def link_flits(self) -> npt.NDArray[np.int64]:
        """[node, link] flits sent, which are the link's busy clocks; links 0 to 4 are outputs of the router (x+1, x-1,
        y+1, y-1, node), 5 is from the node into it."""
        flits = np.zeros((self.config.nodes, LINKS), np.int64)
        pointer = as_buffer(flits, "int64_t", np.int64, "link_flits", writable=True)
        counts = ffi.new("cs_noc_counts *")
        check("cs_noc_stats", lib.cs_noc_stats(self._state, self._bytes, counts, pointer, flits.size))
        return flits

    def channels(self) -> npt.NDArray[Any]:
        """Every virtual channel of every link with where its buffer places are (dtype CHANNEL): credits at the sender,
        flits on the way, buffered, credits returning. They sum to `depth`."""
        return self._look("cs_noc_channels", "cs_noc_channel *", CHANNEL, self.config.nodes * LINKS * self.config.vcs)

    def buffered(self) -> npt.NDArray[Any]:
        """All flits in router buffers (dtype FLIT), by node, port, VC and place."""
        places = self.config.nodes * lib.CS_NOC_PORTS * self.config.vcs * self.config.depth
        return self._look("cs_noc_buffered", "cs_noc_flit *", FLIT, places)

    def _look(self, function: str, ctype: str, dtype: np.dtype[Any], room: int) -> npt.NDArray[Any]:
        out = np.zeros(room, dtype)
        call = getattr(lib, function)
        check(function, call(self._state, self._bytes, ffi.cast(ctype, ffi.from_buffer(out)), room, self._count))
        return out[: self._count[0]]
