"""Networks, DRAM channels and local memories as parts of an unfused fabric: what a model of each must offer, and a C
engine seen so.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from .parts import MemoryPart, NetworkPart, SramPart

BATCH = 64


@runtime_checkable
class NetworkModel(Protocol):
    """A network in clocks of its own."""

    def submit(self, clk: int, tag: int, src: int, dst: int, flits: int) -> None:
        """A packet created at `clk`, which is later than the last processed clock."""

    def next(self) -> int:
        """The earliest clock at which anything happens, or NEVER."""

    def process(self, until: int) -> list[int]:
        """Process clocks up to `until`; tags of the packets delivered, in order."""


@runtime_checkable
class MemoryModel(Protocol):
    """A DRAM channel in clocks of its own."""

    def submit(self, clk: int, tag: int, address: int, is_write: bool) -> bool:
        """A burst arrives at `clk` and acts strictly after it; False: no room, to be offered again."""

    def next(self) -> int:
        """The earliest clock at which anything happens, or NEVER."""

    def process(self, until: int) -> list[int]:
        """Process clocks up to `until`; tags of the bursts done, in order."""


@runtime_checkable
class SramModel(Protocol):
    """A set of local memories in clocks of their own."""

    def submit(self, clk: int, tag: int, memory: int, client: int, word: int, words: int) -> None:
        """Accesses that arrive at `clk` and act strictly after it."""

    def next(self) -> int:
        """The earliest clock at which anything happens, or NEVER."""

    def process(self, until: int) -> list[int]:
        """Process clocks up to `until`; tags of the accesses done, in order."""


class CEngine:
    """A C engine by its state buffer."""

    def __init__(self, state: npt.NDArray[np.uint64], part: str, record: str) -> None:
        self._what = part
        self._state = as_buffer(state, "uint64_t", np.uint64, part, writable=True)
        self._bytes = state.nbytes
        self._next = getattr(lib, f"cs_{part}_next")
        self._advance = getattr(lib, f"cs_{part}_advance")
        self._submit = getattr(lib, f"cs_{part}_submit")
        self._more = (ffi.NULL, 0, ffi.NULL) if part == "dram" else ()
        self._clk = ffi.new("int64_t *")
        self._count = ffi.new("size_t *")
        self._records = ffi.new(f"{record}[]", BATCH)

    def submit(self, *arguments: int) -> bool:
        status = self._submit(self._state, self._bytes, *arguments)
        if status == lib.CS_FULL and self._what == "dram":
            return False
        check(f"cs_{self._what}_submit", status)
        return True

    def next(self) -> int:
        check(f"cs_{self._what}_next", self._next(self._state, self._bytes, self._clk))
        return int(self._clk[0])

    def process(self, until: int) -> list[int]:
        tags: list[int] = []
        status = lib.CS_FULL
        while status == lib.CS_FULL:
            status = self._advance(self._state, self._bytes, until, 0, self._records, BATCH, self._count, *self._more)
            tags.extend(int(self._records[index].tag) for index in range(self._count[0]))
        check(f"cs_{self._what}_advance", status)
        return tags


def model_of(part: NetworkPart | MemoryPart | SramPart, kind: str, record: str) -> Any:
    """What a part's `state` says: a C engine's buffer, or a model. TypeError if it is neither."""
    state: Any = part.state
    if isinstance(state, np.ndarray):
        return CEngine(state, kind, record)
    if not isinstance(state, NetworkModel):  # the three models have methods of the same names
        raise TypeError(
            f"{kind}: expected a C engine's buffer or an object with submit, next and process, "
            f"got {type(state).__name__}"
        )
    return state
