"""What a fabric is made of: the engines it links, the DMA channels at them, its sizes, and what it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosim.kernel import ClockDomain

from .descriptor import Completion

State = npt.NDArray[np.uint64]
Done = Callable[[Completion], object]


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """A NoC engine: its state buffer, and what the fabric must know of it. `state` may be a model in an unfused fabric
    (`NetworkModel`); so may that of the other parts."""

    state: State
    clock: ClockDomain
    flit_bytes: int
    mesh_columns: int
    memory_nodes: tuple[int, ...]
    ideal: bool = False


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """A DRAM channel's engine. `ideal`: it takes no time and is not called. A controller under the scheduler "ideal" is
    no part, as it is done at the clock of the arrival."""

    state: State
    clock: ClockDomain
    ideal: bool = False


@dataclass(frozen=True, slots=True)
class SramPart:
    """An SRAM engine with `memories` memories of `word_bytes` wide words, the smallest of `words` words."""

    state: State
    clock: ClockDomain
    word_bytes: int
    memories: int
    words: int
    ideal: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A DMA channel: its node of a network, its SRAM engine, as which client it accesses memories there, and how many
    requests it keeps in flight. A request never crosses a multiple of `request_bytes`: a power of two, at most the
    interleaving; 0 or less than a DRAM burst: of a burst."""

    network: int
    node: int
    sram: int
    client: int
    outstanding: int
    request_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FabricConfig:
    """Sizes. `burst_bytes` is the DRAM's. Memory ports of a network and DRAM channels take turns every
    `*_interleave_bytes`; several channels take whole bursts."""

    burst_bytes: int = 64
    port_interleave_bytes: int = 256
    channel_interleave_bytes: int = 256
    max_descriptors: int = 4096
    max_direct: int = 4096


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the endpoints of one network moved so far; bytes as asked for, a flit's hops are the routers it passed."""

    requests: int
    dram_read_bytes: int
    dram_write_bytes: int
    moved_bytes: int
    noc_flits: int
    noc_flit_hops: int
