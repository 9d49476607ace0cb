"""Descriptors submitted live against the same requests replayed in one batch: requests per second of processor time.

`python benchmarks/fabric.py`, on one core of the machine. Live: SimPy processes keep some descriptors at a DMA channel
under way, each submitting its next when one ends; the fused fabric makes requests of them and serves them. With network
and memories ideal the DRAM does all the work, as in the batch, so that the ratio is what living costs; with them
modelled, requests also cross the network and are written to the banks. Batch: `Controller.replay` of the very requests,
in the order of the descriptors. Both by turns; of each the fastest run.

Beside them, what SimPy alone permits: the same processes before an engine that costs nothing, a queue in Python that
ends everything after 100 ps. Where that is not twice as fast as a batch, no engine can be half as fast as one: below
some 500 bytes. A live descriptor is half as fast as a batch from about 4 KiB on.

Where the time of 4 KiB descriptors, 13.4 us, was seen to go: half in the DRAM's engine (all there is in a batch), a
fifth in the fabric, which makes requests of descriptors, and 4 to 5 us in Python, half of them in SimPy and the
processes.
"""

import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from cosim.kernel import NEVER, ClockDomain, Simulator
from cosim.models.dram import Controller, preset
from cosim.models.fabric import Descriptor, Direction, Endpoint, Fabric, FabricConfig, MemoryPart, NetworkPart, SramPart
from cosim.models.noc import MeshConfig, NetworkState
from cosim.models.sram import MemoryConfig, MemoryState

REQUESTS = 32_768
REPEATS = 5
BURST = 64
NAME = "ddr4_2400"
#: (what, bytes of a descriptor, bytes of its requests). The chips ask in pieces of 64 or of 256 bytes.
CASES = (
    ("seq", 65_536, 64),
    ("seq", 16_384, 64),
    ("seq", 16_384, 256),
    ("seq", 4096, 64),
    ("seq", 4096, 256),
    ("random", 2048, 64),
    ("random", 2048, 256),
    ("random", 256, 64),
    ("random", 64, 64),
)
UNDER_WAY = 8


def descriptors(kind: str, row_bytes: int) -> list[int]:
    """Addresses of the descriptors."""
    count = REQUESTS * BURST // row_bytes
    if kind == "seq":
        return [index * row_bytes for index in range(count)]
    places = np.random.default_rng(1).permutation((1 << 29) // row_bytes)[:count]
    return [int(place) * row_bytes for place in places]


def batch_seconds(addresses: list[int], row_bytes: int) -> float:
    """Of a replay."""
    requests = (np.array(addresses, np.uint64)[:, None] + np.arange(0, row_bytes, BURST, dtype=np.uint64)).ravel()
    controller = Controller(preset(NAME), "m1", "fr-fcfs")
    start = time.process_time()
    controller.replay(requests, np.zeros(len(requests), np.uint8))
    return time.process_time() - start


def live_seconds(addresses: list[int], row_bytes: int, ideal: bool, request_bytes: int = 64) -> float:
    """Of a simulation."""
    device = preset(NAME)
    sim = Simulator()
    network = NetworkState(MeshConfig(2, 1), max_packets=512)
    sram = MemoryState([MemoryConfig(words=4096, banks=16, word_bits=512)], clients=1, max_jobs=512)
    dram = Controller(device, "m1", "fr-fcfs")
    clock = ClockDomain("clock", device.t_ck_ps)
    fabric = Fabric(
        sim,
        "fabric",
        networks=[NetworkPart(network.buffer, clock, BURST, 2, (1,), ideal=ideal)],
        memories=[MemoryPart(dram.state, clock)],
        srams=[SramPart(sram.buffer, clock, BURST, 1, 4096, ideal=ideal)],
        endpoints=[Endpoint(0, 0, 0, 0, 64, request_bytes)],
        config=FabricConfig(burst_bytes=BURST),
    )

    def source(first: int) -> Generator[Any, Any, None]:
        for address in addresses[first::UNDER_WAY]:
            ended = sim.event()
            fabric.submit(Descriptor(0, Direction.READ, 0, row_bytes, address), ended.succeed)
            yield ended

    for first in range(UNDER_WAY):
        sim.process(source(first))
    start = time.process_time()
    sim.run()
    seconds = time.process_time() - start
    reads, _ = dram.stats(1 << 40).columns
    assert reads == REQUESTS
    return seconds


class Nothing:
    """An engine that ends what is submitted after 100 ps, in order."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._posted: list[Callable[[], object]] = []
        self._under_way: deque[tuple[int, Callable[[], object]]] = deque()
        self._completed: list[Callable[[], object]] = []
        self._attachment = sim.attach(self, "nothing", polled=False)

    def submit(self, done: Callable[[], object]) -> None:
        """Have `done` called after 100 ps."""
        self._posted.append(done)
        self._sim.request_update(self)

    def update(self) -> None:
        """Take in what was submitted."""
        end = self._sim.now_ps + 100
        self._under_way.extend((end, done) for done in self._posted)
        self._posted = []
        self._attachment.wake()

    def next(self) -> int:
        """As an engine has it."""
        return self._under_way[0][0] if self._under_way else NEVER

    def advance(self, limit: int) -> int:
        """As an engine has it."""
        at = self.next()
        if at > limit or at == NEVER:
            return NEVER
        while self.next() == at:
            self._completed.append(self._under_way.popleft()[1])
        return at

    def deliver(self) -> None:
        """As an engine has it."""
        completed, self._completed = self._completed, []
        for done in completed:
            done()


def bare_seconds(count: int) -> float:
    """Of a simulation of as many descriptors before an engine that costs nothing. The processes are out of step."""
    sim = Simulator()
    engine = Nothing(sim)

    def source(first: int) -> Generator[Any, Any, None]:
        yield sim.timeout(first)
        for _ in range(first, count, UNDER_WAY):
            ended = sim.event()
            engine.submit(ended.succeed)
            yield ended

    for first in range(UNDER_WAY):
        sim.process(source(first))
    start = time.process_time()
    sim.run()
    return time.process_time() - start


def main() -> None:
    """Print one line per kind of descriptor."""
    print(
        f"{'descriptors':>17} {'in':>6} {'batch':>7} {'live':>7} {'ratio':>6} "
        f"{'with NoC and SRAM':>18} {'SimPy alone':>12}  (M requests/s)"
    )
    for kind, row_bytes, request_bytes in CASES:
        addresses = descriptors(kind, row_bytes)
        times = []
        for _ in range(REPEATS):
            living = [live_seconds(addresses, row_bytes, ideal, request_bytes) for ideal in (True, False)]
            times.append((batch_seconds(addresses, row_bytes), *living, bare_seconds(len(addresses))))
        batch, live, whole, bare = (REQUESTS / min(each) / 1e6 for each in zip(*times, strict=True))
        print(
            f"{kind:>9} {row_bytes:>5} B {request_bytes:>4} B {batch:>7.2f} {live:>7.2f} {live / batch:>6.2f} "
            f"{whole:>18.2f} {bare:>12.2f}"
        )


if __name__ == "__main__":
    main()
