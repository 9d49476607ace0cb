"""The fused fabric: an engine in C that moves whole descriptors; Python sees their completions only."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from struct import Struct, error
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.arrays import Under
from cosim.clib import as_buffer, check, ffi, lib
from cosim.kernel import NEVER, ClockDomain, Simulator

from .batch import Batch
from .descriptor import Completion, Descriptor
from .parts import Done, Endpoint, FabricConfig, MemoryPart, NetworkPart, SramPart, State, Traffic

# NOTE: records cross to and from C as tuples, packed and unpacked in one go; of a live descriptor's time, setting and
# reading cdata's members one by one took a third. Of a Descriptor the members are those of cs_fabric_descriptor behind
# the tag, in their order.
_TRANSFER = Struct("=Qiii4x5q2iqi4x")
_ACCESS = Struct("=Q4xi4xi8xq48x")  # tag, kind, is_write, address
_LOCAL = Struct("=Q4i16xq8xq16xi4x")  # tag, SRAM engine, kind, memory, is_write, words, word, client
_DONE = Struct("=Q6q")
_ASKED_BYTES, _DONE_BYTES = _TRANSFER.size, _DONE.size
_RECORDS = 64
_DONE_AT = tuple(range(0, _RECORDS * _DONE_BYTES, _DONE_BYTES))
_new = tuple.__new__
_OK = lib.CS_OK
_FULL = lib.CS_FULL
_unpack_done = _DONE.unpack_from


class Fabric:
    """Engine (docs/architecture.md) over the given parts.

    `submit`, `access` and `local` post a request at the current instant; requests of one instant reach the parts in
    the order of their endpoint or initiator, not in the order of the calls. `done` is called at the completion. Of the
    requests of a `Batch` only the last one's completion is visible: the engine goes on past the others.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        *,
        networks: Sequence[NetworkPart],
        memories: Sequence[MemoryPart],
        srams: Sequence[SramPart],
        endpoints: Sequence[Endpoint],
        config: FabricConfig | None = None,
    ) -> None:
        self.sim = sim
        self.name = name
        self.config = config or FabricConfig()
        self.endpoints = tuple(endpoints)
        self._srams = tuple(srams)
        self._keep = (tuple(networks), tuple(memories), tuple(srams))
        self._waiting: dict[int, Done | Batch] = {}
        self._tag = 0
        self._posted: list[tuple[tuple[int, ...], Struct, tuple[int, ...]]] = []
        self._completed: list[tuple[Done, Completion]] = []
        self._parts = self._pointers()
        self._state = self._initialise()
        # NOTE: all that a call passes is made once: views of buffers are as dear as the call.
        self._state_c = as_buffer(self._state, "uint64_t", np.uint64, "state", writable=True)
        self.records_at_once = _RECORDS
        """At most this many requests go to C in one call; how many makes no difference to any result."""
        self._asked = ffi.new("cs_fabric_descriptor[]", _RECORDS)
        self._asked_bytes = ffi.buffer(self._asked)
        self._records = ffi.new("cs_fabric_done[]", _RECORDS)
        self._record_bytes = ffi.buffer(self._records)
        self._count = ffi.new("size_t *")
        self._time = ffi.new("int64_t *")
        self._where = (self._state_c, self._state.nbytes, self._parts)
        self._next = self._next_in_c()
        self._attachment = sim.attach(self, name, polled=False)

    # ---- the engine contract ----

    def next(self) -> int:
        """Time of the earliest internal event."""
        return self._next

    def _next_in_c(self) -> int:
        check("cs_fabric_next", lib.cs_fabric_next(*self._where, self._time))
        return int(self._time[0])

    def advance(self, limit: int) -> int:
        """Process internal events up to `limit`, at most to the first instant with a completion."""
        state, size, parts = self._where
        records, count, time, waiting = self._records, self._count, self._time, self._waiting
        completed: list[tuple[Done, Completion]] = []
        end_ps = NEVER
        while True:
            status = lib.cs_fabric_advance(state, size, parts, limit, records, _RECORDS, count, time)
            if status != _OK and status != _FULL:  # noqa: PLR1714 (a tuple to look into takes longer)
                check("cs_fabric_advance", status)
            told = count[0]
            for at in _DONE_AT[:told]:
                record = _unpack_done(self._record_bytes, at)
                tag = record[0]
                asked, completion = waiting.pop(tag), _new(Completion, record[1:])
                if type(asked) is Batch:
                    if asked.left > 1:
                        waiting[tag] = asked
                    if not asked.ended(completion):
                        continue
                    assert asked.last is not None
                    completed.append((asked.done, asked.last))
                else:
                    completed.append((asked, completion))  # type: ignore[arg-type]
                end_ps = record[2]
            if status == _OK and (completed or not told):
                self._completed = completed
                self._next = time[0]
                return end_ps

    def deliver(self) -> None:
        """Hand the completions of this instant to who asked for them."""
        completed, self._completed = self._completed, []
        for done, completion in completed:
            done(completion)

    # ---- requests ----

    def submit(self, descriptor: Descriptor, done: Done, *, endpoint: int | None = None) -> None:
        """Queue a descriptor at its endpoint (or the given one); KernelError, at the end of the instant, if it breaks
        the contract."""
        tag = self._tag = self._tag + 1
        self._waiting[tag] = done
        # NOTE: tuples added take a third less time than one unpacked into another.
        if endpoint is None:
            self._posted.append(((0, descriptor[0]), _TRANSFER, (tag,) + descriptor))  # noqa: RUF005
        else:
            self._posted.append(((0, endpoint), _TRANSFER, (tag, endpoint) + descriptor[1:]))  # noqa: RUF005
        self.sim.request_update(self)

    def submit_all(self, descriptors: Sequence[Descriptor], done: Done, *, endpoint: int) -> None:
        """Queue descriptors, at least one, at an endpoint, in order; `done` with the last completion of all."""
        tag = self._tag = self._tag + 1
        self._waiting[tag] = Batch(len(descriptors), done)
        order = (0, endpoint)
        self._posted.extend((order, _TRANSFER, (tag, endpoint, *descriptor[1:])) for descriptor in descriptors)
        self.sim.request_update(self)

    def access(self, initiator: int, address: int, *, is_write: bool, done: Done) -> None:
        """One DRAM burst of another bus master; `initiator` orders requests of the same instant."""
        tag = self._tag = self._tag + 1
        self._waiting[tag] = done
        self._posted.append(((1, initiator), _ACCESS, (tag, lib.CS_FABRIC_ACCESS, is_write, address)))
        self.sim.request_update(self)

    def local(
        self, sram: int, memory: int, client: int, words: int, *, is_write: bool, done: Done, word: int = 0
    ) -> None:
        """`words` consecutive accesses of one client of a memory, e.g. a core's lanes during a tile."""
        self.local_of(Batch(1, done), sram, memory, client, words, is_write, word)

    def local_of(
        self, batch: Batch, sram: int, memory: int, client: int, words: int, is_write: bool, word: int = 0
    ) -> None:
        """The same as one request of a batch."""
        tag = batch.tag
        if not tag:
            tag = batch.tag = self._tag = self._tag + 1
            self._waiting[tag] = batch
        record = (tag, sram, lib.CS_FABRIC_LOCAL, memory, is_write, words, word, client)
        self._posted.append(((2, sram, memory, client), _LOCAL, record))
        self.sim.request_update(self)

    def update(self) -> None:
        """The instant's requests, in the order of their origin."""
        posted, self._posted = self._posted, []
        state, size, parts = self._where
        asked, asked_bytes, count, time = self._asked, self._asked_bytes, self._count, self._time
        now_ps, most = self.sim.now_ps, self.records_at_once
        if len(posted) > 1:
            posted.sort(key=itemgetter(0))
        while posted:
            at = records = 0
            for _, kind, record in posted if len(posted) <= most else posted[:most]:
                try:
                    kind.pack_into(asked_bytes, at, *record)
                except error:  # a number that is not one of the type
                    check("cs_fabric_submit", lib.CS_EINVAL)
                at += _ASKED_BYTES
                records += 1
            status = lib.cs_fabric_submit(state, size, parts, now_ps, asked, records, count, time)
            if status != _OK:
                check("cs_fabric_submit", status)
            posted = posted[most:]
        self._next = time[0]
        self._attachment.wake()

    # ---- counts ----

    def traffic(self, network: int) -> Traffic:
        """What the endpoints of a network moved so far."""
        stats = ffi.new("cs_fabric_stats *")
        check("cs_fabric_get_stats", lib.cs_fabric_get_stats(self._state_c, self._state.nbytes, network, stats))
        return Traffic(
            int(stats.requests),
            int(stats.dram_read_bytes),
            int(stats.dram_write_bytes),
            int(stats.moved_bytes),
            int(stats.noc_flits),
            int(stats.noc_flit_hops),
        )

    def words(self, sram: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Words read and written so far, per memory of an SRAM engine."""
        reads = np.zeros(self._srams[sram].memories, dtype=np.int64)
        writes = np.zeros_like(reads)
        status = lib.cs_fabric_get_words(
            self._state_c,
            self._state.nbytes,
            sram,
            as_buffer(reads, "int64_t", np.int64, "reads", writable=True),
            as_buffer(writes, "int64_t", np.int64, "writes", writable=True),
            reads.size,
        )
        check("cs_fabric_get_words", status)
        return reads, writes

    # ---- checkpoints ----

    def buffers(self) -> dict[str, State]:
        """The state buffers of the fabric and of all its parts, by name: together with `tags` all of its state.

        Raises RuntimeError while something is under way that Python waits for.
        """
        if self._waiting or self._posted or self._completed:
            raise RuntimeError(f"{self.name}: {len(self._waiting)} requests are under way")
        named = {"fabric": self._state}
        networks, memories, srams = self._keep
        named |= {f"noc{index}": part.state for index, part in enumerate(networks)}
        named |= {f"dram{index}": part.state for index, part in enumerate(memories)}
        named |= {f"sram{index}": part.state for index, part in enumerate(srams)}
        return named

    @property
    def tags(self) -> int:
        """How many tags were given out: one for each request, or batch of requests."""
        return self._tag

    def restore(self, buffers: Under, tags: int) -> None:
        """Take back the contents of `buffers()`, in a simulator that stands where they were taken.

        KeyError or ValueError if they are of another fabric.
        """
        for name, buffer in self.buffers().items():
            buffer[:] = buffers.like(name, buffer)
        self._tag = tags
        self._next = self._next_in_c()
        self._attachment.wake()

    # ---- set-up ----

    def _pointers(self) -> Any:
        networks, memories, srams = self._keep
        parts = ffi.new("cs_fabric_parts *")
        self._pointer_arrays = []
        for name, group in (("noc", networks), ("dram", memories), ("sram", srams)):
            for part in group:
                state: Any = part.state
                if not isinstance(state, np.ndarray):
                    what = type(state).__name__
                    raise TypeError(
                        f"{name}: expected a C engine's buffer, got {what}; models in Python take an UnfusedFabric"
                    )
            buffers = [as_buffer(part.state, "uint64_t", np.uint64, name, writable=True) for part in group]
            pointers = ffi.new("void *[]", buffers or [ffi.NULL])
            sizes = ffi.new("size_t[]", [part.state.nbytes for part in group] or [0])
            self._pointer_arrays.append((buffers, pointers, sizes))
            setattr(parts, name, pointers)
            setattr(parts, f"{name}_bytes", sizes)
        return parts

    def _initialise(self) -> State:
        networks, memories, srams = self._keep
        settings = self.config
        config = ffi.new(
            "cs_fabric_config *",
            {
                "nocs": len(networks),
                "drams": len(memories),
                "srams": len(srams),
                "endpoints": len(self.endpoints),
                "max_descriptors": settings.max_descriptors,
                "max_requests": settings.max_direct + sum(endpoint.outstanding for endpoint in self.endpoints),
                "burst_bytes": settings.burst_bytes,
                "port_interleave_bytes": settings.port_interleave_bytes,
                "channel_interleave_bytes": settings.channel_interleave_bytes,
            },
        )
        size = ffi.new("size_t *")
        check("cs_fabric_state_bytes", lib.cs_fabric_state_bytes(config, size))
        state = np.zeros(-(-size[0] // 8), dtype=np.uint64)
        noc_records = [
            {
                "clock": _clock(part.clock),
                "ideal": int(part.ideal),
                "flit_bytes": part.flit_bytes,
                "mesh_x": part.mesh_columns,
                "memory_ports": len(part.memory_nodes),
                "memory_nodes": list(part.memory_nodes),
            }
            for part in networks
        ]
        sram_records = [
            {
                "clock": _clock(part.clock),
                "ideal": int(part.ideal),
                "word_bytes": part.word_bytes,
                "memories": part.memories,
                "words": part.words,
            }
            for part in srams
        ]
        endpoint_records = [
            {
                "noc": endpoint.network,
                "node": endpoint.node,
                "sram": endpoint.sram,
                "client": endpoint.client,
                "outstanding": endpoint.outstanding,
                "request_bytes": endpoint.request_bytes,
            }
            for endpoint in self.endpoints
        ]
        status = lib.cs_fabric_init(
            as_buffer(state, "uint64_t", np.uint64, "state", writable=True),
            state.nbytes,
            config,
            ffi.new("cs_fabric_noc[]", noc_records),
            ffi.new("cs_fabric_dram[]", [{"clock": _clock(p.clock), "ideal": int(p.ideal)} for p in memories]),
            ffi.new("cs_fabric_sram[]", sram_records),
            ffi.new("cs_fabric_endpoint[]", endpoint_records),
        )
        check("cs_fabric_init", status)
        return state


def _clock(clock: ClockDomain) -> dict[str, int]:
    return {"period_num": clock.period_ps.numerator, "period_den": clock.period_ps.denominator}
