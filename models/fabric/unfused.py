"""The unfused fabric: the parts are engines of the simulator, and Python moves every request between them.

The slow, obvious twin of csrc/fabric*.c, with the same bytes, and the way to link a network or memory model that is
no C engine: a part's `state` may be an object with the methods of `NetworkModel`, `MemoryModel` or `SramModel`.

Rules of order, common to both fabrics:

* An arrival at t acts at the part's first clock edge after t.
* What the parts completed at t moves on first: networks, then DRAM channels, then SRAMs, each kind by index and each
  part's completions in its own order. Then come the requests posted at t, by (kind, endpoint or initiator).
* Packets that leave together (the moved ones together, those of each posted request together) are created in the
  order of their endpoint, those of one endpoint in the order in which they were cut.
* Requests wait at a DRAM channel in the order of their arrival. It accepts at most one burst a clock; the next burst of
  the first in line is offered when it arrives, at the clock after an acceptance, and whenever something happens in the
  channel. A request goes on when all of its bursts are done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import check, lib
from cosim.kernel import NEVER, Simulator

from .batch import Batch
from .descriptor import Completion, Descriptor, Direction
from .part_engines import STAGES, DescriptorUnderWay, MemoryEngine, PartEngine, Request
from .part_models import model_of
from .parts import Done, Endpoint, FabricConfig, MemoryPart, NetworkPart, SramPart, Traffic


class UnfusedFabric:
    """Same promises as `Fabric`, with the parts attached to the simulator one by one."""

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
        self.moved = False
        _expect(
            len(memories) < 2 or self.config.channel_interleave_bytes % self.config.burst_bytes == 0, "cs_fabric_init"
        )
        self._networks, self._memories, self._sram_parts = tuple(networks), tuple(memories), tuple(srams)
        self._noc_engines = [PartEngine(self, model_of(p, "noc", "cs_noc_delivery"), p.clock) for p in networks]
        self._dram_engines = [MemoryEngine(self, model_of(p, "dram", "cs_done"), p.clock) for p in memories]
        self._sram_engines = [PartEngine(self, model_of(p, "sram", "cs_done"), p.clock) for p in srams]
        self._queues: list[deque[DescriptorUnderWay]] = [deque() for _ in endpoints]
        self._in_flight = [0] * len(self.endpoints)
        self._requests: dict[int, Request] = {}
        self._tag = 0
        self._descriptors = self._direct = 0
        self._outbox: list[tuple[int, int, int, int, int, Request]] = []
        self._completed: list[tuple[Done, Completion]] = []
        self._posted: list[tuple[tuple[int, ...], Callable[[], None]]] = []
        self._traffic = [[0] * 6 for _ in networks]
        self._words = [np.zeros((2, part.memories), np.int64) for part in srams]
        sim.attach(self, name)
        for kind, engines in (
            ("noc", self._noc_engines),
            ("dram", self._dram_engines),
            ("sram", self._sram_engines),
        ):
            for index, engine in enumerate(engines):
                sim.attach(engine, f"{name}.{kind}{index}")

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._requests)

    # ---- the engine contract: what is to be done at the very instant at which parts completed something ----

    def next(self) -> int:
        """Now, if something is to be moved on or handed out."""
        return self.sim.now_ps if self.moved or self._completed else NEVER

    def advance(self, limit: int) -> int:
        """Move on what the parts completed."""
        now = self.sim.now_ps
        if self.moved:
            self.moved = False
            for engine in (*self._noc_engines, *self._dram_engines, *self._sram_engines):
                done, engine.done = engine.done, []
                for tag in done:
                    self._end_stage(self._requests[tag], now)
            self._offer(now)
            self._flush(now)
        return now if self._completed else NEVER

    def deliver(self) -> None:
        """Hand the completions of this instant to who asked for them."""
        completed, self._completed = self._completed, []
        for done, completion in completed:
            done(completion)

    # ---- requests ----

    def submit(self, descriptor: Descriptor, done: Done, *, endpoint: int | None = None) -> None:
        """As `Fabric.submit`."""
        at = descriptor.endpoint if endpoint is None else endpoint
        self._post((0, at), lambda: self._take(descriptor, at, done))

    def submit_all(self, descriptors: Sequence[Descriptor], done: Done, *, endpoint: int) -> None:
        """As `Fabric.submit_all`."""
        batch = Batch(len(descriptors), done)
        for descriptor in descriptors:
            self.submit(descriptor, _one_of(batch), endpoint=endpoint)

    def access(self, initiator: int, address: int, *, is_write: bool, done: Done) -> None:
        """As `Fabric.access`."""

        def call() -> None:
            _expect(address >= 0 and bool(self._memories), "cs_fabric_access")
            self._start_direct(("dram",), is_write, done, address=address)

        self._post((1, initiator), call)

    def local(
        self, sram: int, memory: int, client: int, words: int, *, is_write: bool, done: Done, word: int = 0
    ) -> None:
        """As `Fabric.local`."""

        def call() -> None:
            _expect(
                0 <= sram < len(self._sram_parts)
                and 0 <= memory < self._sram_parts[sram].memories
                and min(client, word, words) >= 0,
                "cs_fabric_local",
            )
            self._start_direct(
                ("local",), is_write, done, sram=sram, memory=memory, client=client, word=word, words=words
            )

        self._post((2, sram, memory, client), call)

    def local_of(
        self, batch: Batch, sram: int, memory: int, client: int, words: int, is_write: bool, word: int = 0
    ) -> None:
        """As `Fabric.local_of`."""
        self.local(sram, memory, client, words, is_write=is_write, done=_one_of(batch), word=word)

    def update(self) -> None:
        """The instant's requests, in the order of their origin."""
        posted, self._posted = self._posted, []
        posted.sort(key=lambda entry: entry[0])
        if not self.is_busy:
            for engine in (*self._noc_engines, *self._dram_engines, *self._sram_engines):
                engine.catch_up(self.sim.now_ps)
        for _, call in posted:
            call()

    def _post(self, order: tuple[int, ...], call: Callable[[], None]) -> None:
        self._posted.append((order, call))
        self.sim.request_update(self)

    def _take(self, what: Descriptor, at: int, done: Done) -> None:
        _expect(0 <= at < len(self.endpoints), "cs_fabric_submit")
        memories = self._sram_parts[self.endpoints[at].sram].memories
        is_move = what.direction is Direction.MOVE
        _expect(
            min(what.row_bytes, what.rows) >= 1
            and min(what.address, what.word, what.far_word, what.stride_bytes) >= 0
            and 0 <= what.memory < memories
            and (not is_move or (0 <= what.far_memory < memories and min(what.far_client, what.far_node) >= 0))
            and (is_move or bool(self._memories)),
            "cs_fabric_submit",
        )
        if self._descriptors == self.config.max_descriptors:
            check("cs_fabric_submit", lib.CS_FULL)
        self._descriptors += 1
        now = self.sim.now_ps
        self._queues[at].append(DescriptorUnderWay(what, at, now, done, what.word, what.far_word))
        while (request := self._issue(at, now, None)) is not None:
            self._run(request, now)
        self._offer(now)
        self._flush(now)

    def _start_direct(self, stages: tuple[str, ...], is_write: bool, done: Done, **fields: Any) -> None:
        if self._direct == self.config.max_direct:
            check("cs_fabric_access", lib.CS_FULL)
        self._direct += 1
        now = self.sim.now_ps
        self._run(self._enlist(Request(0, stages, now, now, is_write, done=done, **fields)), now)
        self._offer(now)

    def _enlist(self, request: Request) -> Request:
        self._tag += 1
        request.tag = self._tag
        self._requests[request.tag] = request
        return request

    def _issue(self, at: int, now: int, cause: Request | None) -> Request | None:
        """Cut the next request off the first descriptor of the endpoint's queue, if one more may be in flight.

        `cause`: the request whose end made room, if any; what its time went to is this one's past, too.
        """
        endpoint, queue = self.endpoints[at], self._queues[at]
        if not queue or self._in_flight[at] >= endpoint.outstanding:
            return None
        descriptor = queue[0]
        what = descriptor.what
        address = what.address + descriptor.row * what.stride_bytes + descriptor.offset
        longest = max(endpoint.request_bytes, self.config.burst_bytes)
        size = min(what.row_bytes - descriptor.offset, longest - address % longest)
        nodes = self._networks[endpoint.network].memory_nodes
        request = Request(
            0,
            STAGES[what.direction],
            descriptor.base_ps,
            now,
            what.direction is Direction.WRITE,
            address=address,
            memory=what.memory,
            client=endpoint.client,
            sram=endpoint.sram,
            word=descriptor.word,
            bytes=size,
            port_node=nodes[address // self.config.port_interleave_bytes % len(nodes)],
            far_word=descriptor.far_word,
            descriptor=descriptor,
        )
        if cause is not None and cause.base_ps == descriptor.base_ps:
            request.spent_ps = dict(cause.spent_ps)
        else:
            request.spent_ps["dma"] = now - descriptor.base_ps  # it waited behind descriptors that were there before
        traffic = self._traffic[endpoint.network]
        traffic[0] += 1
        traffic[1 + int(what.direction)] += size
        words = -(-size // self._sram_parts[endpoint.sram].word_bytes)
        descriptor.word += words
        descriptor.far_word += words
        descriptor.offset += size
        if descriptor.offset == what.row_bytes:
            descriptor.offset, descriptor.row = 0, descriptor.row + 1
        descriptor.in_flight += 1
        self._in_flight[at] += 1
        if descriptor.row == what.rows:
            queue.popleft()
        return self._enlist(request)

    def _retire(self, request: Request, now: int) -> Request | None:
        """A request is through: complete what it was the last of; the request that waited for its place, if any."""
        del self._requests[request.tag]
        descriptor = request.descriptor
        if descriptor is None:
            assert request.done is not None
            self._direct -= 1
            self._complete(request.done, request, now)
            return None
        self._in_flight[descriptor.endpoint] -= 1
        descriptor.in_flight -= 1
        if descriptor.in_flight == 0 and descriptor.row == descriptor.what.rows:
            self._descriptors -= 1
            self._complete(descriptor.done, request, now)
        return self._issue(descriptor.endpoint, now, request)

    def _complete(self, done: Done, request: Request, now: int) -> None:
        spent = request.spent_ps
        record = Completion(request.base_ps, now, spent["dram"], spent["noc"], spent["sram"], spent["dma"])
        self._completed.append((done, record))

    # ---- stages ----

    def _run(self, request: Request | None, now: int) -> None:
        """Start the request's present stage, and go on as long as nothing takes time (ideal parts)."""
        while request is not None and not self._start_stage(request, now):
            request.stage += 1
            if request.stage == len(request.stages):
                request = self._retire(request, now)

    def _end_stage(self, request: Request, now: int) -> None:
        """The request's present stage ended now."""
        stage = request.stages[request.stage]
        if stage == "dram":
            request.bursts -= 1
            if request.bursts:
                return
        resource = "sram" if stage == "local" else stage.partition(" ")[0]
        request.spent_ps[resource] += now - request.mark_ps
        request.mark_ps = now
        following: Request | None = request
        if request.words == 0:  # else a long access goes on with its next piece
            request.stage += 1
            if request.stage == len(request.stages):
                following = self._retire(request, now)
        self._run(following, now)

    def _start_stage(self, request: Request, now: int) -> bool:
        """Whether the stage takes time."""
        stage = request.stages[request.stage]
        if stage == "dram":
            channel = request.address // self.config.channel_interleave_bytes % len(self._memories)
            if self._memories[channel].ideal:
                return False
            burst = self.config.burst_bytes
            request.offered = 0
            request.bursts = (request.address % burst + max(request.bytes, 1) - 1) // burst + 1
            self._dram_engines[channel].waiting.append(request)
            return True
        if stage.startswith("noc"):
            return self._send(request, stage == "noc out")
        return self._access_words(request, stage, now)

    def _access_words(self, request: Request, stage: str, now: int) -> bool:
        part = self._sram_parts[request.sram]
        memory, client, word = request.memory, request.client, request.word
        is_write = request.is_write if stage == "local" else stage == "sram write"
        words = request.words if stage == "local" else -(-request.bytes // part.word_bytes)
        if not part.ideal:
            words = min(words, part.words)
        if stage == "local":
            request.words -= words
        elif request.descriptor is not None and request.stages is STAGES[Direction.MOVE] and is_write:
            what = request.descriptor.what
            memory, client, word = what.far_memory, what.far_client, request.far_word
        self._words[request.sram][int(is_write), memory] += words
        if part.ideal or words == 0:
            return False
        word %= part.words
        if word + words > part.words:
            word = 0
        engine = self._sram_engines[request.sram]
        engine.model.submit(engine.clock.cycle_at_or_before(now), request.tag, memory, client, word, words)
        return True

    def _send(self, request: Request, out: bool) -> bool:
        assert request.descriptor is not None
        what, at = request.descriptor.what, request.descriptor.endpoint
        endpoint = self.endpoints[at]
        part = self._networks[endpoint.network]
        far = what.far_node if what.direction is Direction.MOVE else request.port_node
        carries_data = out if what.direction is not Direction.READ else not out
        flits = 1 + (-(-request.bytes // part.flit_bytes) if carries_data else 0)
        src, dst = (endpoint.node, far) if out else (far, endpoint.node)
        (dst_y, dst_x), (src_y, src_x) = divmod(dst, part.mesh_columns), divmod(src, part.mesh_columns)
        self._traffic[endpoint.network][4] += flits
        self._traffic[endpoint.network][5] += flits * (1 + abs(dst_x - src_x) + abs(dst_y - src_y))
        if part.ideal:
            return False
        self._outbox.append((at, endpoint.network, src, dst, flits, request))
        return True

    def _flush(self, now: int) -> None:
        outbox, self._outbox = self._outbox, []
        for _, network, src, dst, flits, request in sorted(outbox, key=lambda packet: packet[0]):
            engine = self._noc_engines[network]
            engine.model.submit(engine.clock.cycle_at_or_before(now) + 1, request.tag, src, dst, flits)

    def _offer(self, now: int) -> None:
        for engine in self._dram_engines:
            engine.offer(now, self._channel_address)

    def _channel_address(self, request: Request) -> int:
        """Channels see their own addresses: the interleaving is taken out."""
        chunk, offset = divmod(request.address + request.offered, self.config.channel_interleave_bytes)
        return chunk // len(self._memories) * self.config.channel_interleave_bytes + offset

    # ---- counts ----

    def traffic(self, network: int) -> Traffic:
        """As `Fabric.traffic`."""
        return Traffic(*self._traffic[network])

    def words(self, sram: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """As `Fabric.words`."""
        return self._words[sram][0].copy(), self._words[sram][1].copy()


def _one_of(batch: Batch) -> Done:
    """What is to be called when one request of a batch completes."""

    def done(completion: Completion) -> None:
        if batch.ended(completion):
            assert batch.last is not None
            batch.done(batch.last)

    return done


def _expect(condition: bool, function: str) -> None:
    if not condition:
        check(function, lib.CS_EINVAL)
