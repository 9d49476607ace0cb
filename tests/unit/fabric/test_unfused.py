"""The fused fabric against its unfused twin: the same completions and counts, whatever the traffic."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.clib import KernelError
from cosim.kernel import ClockDomain, Simulator
from cosim.models.dram import Controller, preset
from cosim.models.fabric import (
    Descriptor,
    Direction,
    Endpoint,
    Fabric,
    FabricConfig,
    MemoryPart,
    NetworkPart,
    SramPart,
    UnfusedFabric,
)
from cosim.models.noc import MeshConfig, NetworkState
from cosim.models.sram import MemoryConfig, MemoryState

pytestmark = pytest.mark.c_library

PERIODS_PS = {"noc": (5000, 3000), "sram": (20000, 7001)}


MEMORIES = (("lpddr4_3200", "fr-fcfs-ramulator1"), ("ddr4_2400", "fr-fcfs"), ("ddr3_1600", "bank-round-robin"))


def build(
    kind,
    sim,
    *,
    networks=1,
    channels=1,
    outstanding=4,
    ideal=(),
    memory=MEMORIES[0],
    config=None,
    request_bytes=0,
    sram_ps=None,
    words=512,
):
    """Two networks of 3 x 2 nodes at most, endpoints at nodes 0, 1, 1 of each; the DRAM at nodes 5 and 2."""
    keep, noc_parts, sram_parts, endpoints = [], [], [], []
    for index in range(networks):
        network = NetworkState(MeshConfig(3, 2), max_packets=512)
        sram = MemoryState([MemoryConfig(words=words, banks=2, ports=1, word_bits=128)] * 2, clients=4, max_jobs=512)
        clocks = {name: ClockDomain(name, periods[index]) for name, periods in PERIODS_PS.items()}
        if sram_ps is not None:
            clocks["sram"] = ClockDomain("sram", sram_ps)
        noc_parts.append(NetworkPart(network.buffer, clocks["noc"], 16, 3, (5, 2), ideal="noc" in ideal))
        sram_parts.append(SramPart(sram.buffer, clocks["sram"], 16, 2, words, ideal="sram" in ideal))
        endpoints += [
            Endpoint(index, node, index, client, outstanding, request_bytes)
            for node, client in ((0, 1), (1, 1), (1, 2))
        ]
        keep += [network, sram]
    device, scheduler = memory
    drams = [Controller(preset(device), "m1", scheduler) for _ in range(channels)]
    memories = [MemoryPart(dram.state, ClockDomain("dram", 625), ideal="dram" in ideal) for dram in drams]
    fabric = kind(
        sim, "fabric", networks=noc_parts, memories=memories, srams=sram_parts, endpoints=endpoints, config=config
    )
    return fabric, drams, keep


DESCRIPTORS = st.builds(
    Descriptor,
    endpoint=st.integers(0, 2),
    direction=st.sampled_from(Direction),
    memory=st.integers(0, 1),
    row_bytes=st.integers(1, 900),
    address=st.integers(0, 1 << 14),
    rows=st.integers(1, 3),
    stride_bytes=st.integers(0, 5000),
    word=st.integers(0, 600),
    far_node=st.integers(0, 5),
    far_memory=st.integers(0, 1),
    far_word=st.integers(0, 600),
    far_client=st.just(3),
)
# Times that meet the clocks' edges often, and each other.
TIMES = st.one_of(st.integers(0, 100).map(lambda n: n * 20_000), st.integers(0, 2_000_000))
REQUESTS = st.one_of(
    st.tuples(st.just("submit"), st.integers(0, 1), DESCRIPTORS),
    st.tuples(st.just("access"), st.integers(0, 3), st.integers(0, 1 << 14), st.booleans()),
    st.tuples(st.just("local"), st.integers(0, 1), st.integers(0, 1), st.integers(0, 1500), st.booleans()),
)


def _post(fabric, networks, request, done):
    if request[0] == "submit":
        _, network, descriptor = request
        fabric.submit(descriptor, done, endpoint=3 * (network % networks) + descriptor.endpoint)
    elif request[0] == "access":
        fabric.access(request[1], request[2] & ~63, is_write=request[3], done=done)
    else:
        _, sram, memory, words, is_write = request
        fabric.local(sram % networks, memory, 0, words, is_write=is_write, done=done)


def _drive(kind, traffic, *, shuffle_seed=None, **setting):
    """(completion, when told) of each request, and all counts, the memories' two milliseconds later."""
    sim = Simulator(shuffle_seed=shuffle_seed)
    fabric, drams, _keep = build(kind, sim, **setting)
    networks = setting["networks"]
    told = {}

    def client(index, at, requests):
        yield sim.timeout(at)
        for number, request in enumerate(requests):
            finished = sim.event()
            _post(fabric, networks, request, finished.succeed)
            completion = yield finished
            told[index, number] = (sim.now_ps, completion)

    for index, (at, requests) in enumerate(traffic):
        sim.process(client(index, at, requests))
    sim.run()
    assert len(told) == sum(len(requests) for _, requests in traffic)
    counts = [fabric.traffic(network) for network in range(networks)]
    words = [[side.tolist() for side in fabric.words(sram)] for sram in range(networks)]
    end_clk = sim.now_ps // 625 + 3_200_000
    return told, counts, words, [dram.stats(end_clk) for dram in drams]


@given(
    st.lists(st.tuples(TIMES, st.lists(REQUESTS, min_size=1, max_size=3)), min_size=1, max_size=8),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sets(st.sampled_from(["noc", "dram", "sram"])),
    st.sampled_from([0, 128, 256]),
    st.sampled_from(MEMORIES),
)
def test_both_give_the_same_bytes(traffic, networks, channels, outstanding, ideal, request_bytes, memory):
    setting = {"networks": networks, "channels": channels, "outstanding": outstanding, "ideal": tuple(sorted(ideal))}
    setting |= {"request_bytes": request_bytes, "memory": memory}
    assert _drive(Fabric, traffic, **setting) == _drive(UnfusedFabric, traffic, **setting)


@settings(max_examples=20)
@given(
    # A process for each origin: requests of one origin at one instant are in the order of the calls, by contract.
    st.lists(st.tuples(st.just(0), st.lists(REQUESTS, min_size=1, max_size=2)), min_size=2, max_size=6).map(
        lambda drawn: list({_origin(requests[0]): (at, requests[:1]) for at, requests in drawn}.values())
    ),
    st.integers(0, 1 << 32),
)
def test_neither_depends_on_the_order_of_an_instant(traffic, seed):
    setting = {"networks": 2, "channels": 2, "outstanding": 3, "ideal": ()}
    plain = _drive(Fabric, traffic, **setting)
    for kind in (Fabric, UnfusedFabric):
        assert _drive(kind, traffic, shuffle_seed=seed, **setting) == plain


def _origin(request):
    if request[0] == "submit":
        return ("submit", request[1], request[2].endpoint)
    return request[:2] if request[0] == "access" else request[:3]


def _in_phases(kind, phases, *, drained, **setting):
    """What each phase's requests completed with; a phase begins `gap` after all of the one before it is done: one run
    goes through all, or each phase is a run to the end."""
    sim = Simulator()
    fabric, _drams, _keep = build(kind, sim, **setting)
    told = []

    def ask(requests):
        for request in requests:
            finished = sim.event()
            finished.callbacks.append(lambda event: told.append((sim.now_ps, event.value)))
            _post(fabric, setting["networks"], request, finished.succeed)
            yield finished

    def all_phases():
        for gap, clients in phases:
            yield sim.timeout(gap)
            yield sim.all_of([sim.process(ask(requests)) for requests in clients])

    if drained:
        for gap, clients in phases:
            if gap:
                sim.run(until=sim.now + gap)
            for requests in clients:
                sim.process(ask(requests))
            sim.run()
    else:
        sim.process(all_phases())
        sim.run()
    return told, [fabric.traffic(network) for network in range(setting["networks"])]


@pytest.mark.parametrize("scheduler", ["fr-fcfs-ramulator1", "bank-round-robin"])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 20_000, 400_000, 9_000_000]), st.lists(st.lists(REQUESTS, min_size=1), max_size=3)
        ),
        min_size=2,
        max_size=4,
    ),
    st.integers(1, 2),
    st.integers(1, 3),
)
@settings(max_examples=20)
def test_a_run_that_drained_goes_on(scheduler, phases, networks, channels):
    """Credits on their way and buffered writes, which nobody waits for, take no time of a run to the end. Red for:
    parts that go on when all is done."""
    setting = {"networks": networks, "channels": channels, "outstanding": 3, "memory": ("lpddr4_3200", scheduler)}
    whole = _in_phases(Fabric, phases, drained=False, **setting)
    assert len(whole[0]) == sum(len(requests) for _, clients in phases for requests in clients)
    for kind in (Fabric, UnfusedFabric):
        assert _in_phases(kind, phases, drained=True, **setting) == whole


def test_a_network_whose_credits_were_on_their_way_when_all_was_done_goes_on():
    """The other one was the last to deliver, a few clocks later. Red for: credits that are not caught up with."""
    setting = {"networks": 2, "channels": 1, "outstanding": 3}
    first = Descriptor(0, Direction.MOVE, 0, row_bytes=300, far_node=4, far_client=3)
    for row_bytes in range(300, 900, 12):
        other = first._replace(row_bytes=row_bytes)
        phases = [(0, [[("submit", 0, first)], [("submit", 1, other)]]), (400_000, [[("submit", 1, other)]])]
        whole = _in_phases(Fabric, phases, drained=False, **setting)
        assert _in_phases(Fabric, phases, drained=True, **setting) == whole


def _flood(kind, *, count, **setting):
    """Many bursts at once, so that the controllers' queues are full most of the time."""
    sim = Simulator()
    fabric, _drams, _keep = build(kind, sim, **setting)
    ends = []
    for index in range(count):
        address = index * 7 % count * 4096 + index * 64
        fabric.access(index % 4, address, is_write=index % 3 == 0, done=ends.append)
    fabric.submit(Descriptor(0, Direction.READ, 0, row_bytes=5000), ends.append)
    sim.run()
    return ends


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("memory", MEMORIES, ids=" ".join)
def test_full_controllers_are_offered_to_at_the_same_clocks(channels, memory):
    fused = _flood(Fabric, count=300, channels=channels, memory=memory)
    assert len(fused) == 301
    assert fused == _flood(UnfusedFabric, count=300, channels=channels, memory=memory)


@pytest.mark.parametrize("ideal", [(), ("sram",), ("noc", "dram")], ids="-".join)
def test_requests_longer_than_a_local_memory_are_cut_by_both(ideal):
    """256 bytes are 16 words, the memories have 4. Red for: a request that is handed to them whole."""
    setting = {"networks": 1, "channels": 1, "request_bytes": 256, "words": 4, "ideal": ideal}
    requests = [
        ("submit", 0, Descriptor(0, direction, 1, row_bytes=700, word=3, far_node=4, far_word=2, far_client=3))
        for direction in Direction
    ]
    traffic = [(at, [request, ("local", 0, 1, 11, True)]) for at, request in enumerate(requests)]
    fused = _drive(Fabric, traffic, **setting)
    assert fused == _drive(UnfusedFabric, traffic, **setting)


@given(st.lists(REQUESTS, min_size=1, max_size=90), st.integers(1, 2))
def test_an_instants_requests_may_cross_at_once_or_one_by_one(requests, networks):
    """The same completions, and the same states of the parts to the byte, however many of them a call takes."""
    seen = []
    for at_once in (64, 1, 7):
        sim = Simulator()
        fabric, _drams, _keep = build(Fabric, sim, networks=networks, channels=2)
        fabric.records_at_once = at_once
        ends = []
        for number, request in enumerate(requests):
            _post(fabric, networks, request, lambda done, at=number, ends=ends: ends.append((at, done)))
        sim.run(until=1)
        first = fabric.next()
        sim.run()
        parts = {name: bytes(buffer) for name, buffer in fabric.buffers().items() if name != "fabric"}
        seen.append((first, ends, parts, [fabric.traffic(network) for network in range(networks)]))
    assert len(seen[0][1]) == len(requests)
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ideal", [(), ("noc",), ("sram",), ("noc", "sram")], ids="-".join)
@pytest.mark.parametrize("sram_ps", [400, 20_000])
@pytest.mark.parametrize("memory", MEMORIES, ids=" ".join)
def test_long_transfers_take_as_long_on_both(ideal, channels, sram_ps, memory):
    """Windows of more requests than a controller has places, so that it is full, then empty, then full again."""
    long = [
        Descriptor(0, Direction.READ, 0, row_bytes=9000, address=64),
        Descriptor(1, Direction.WRITE, 1, row_bytes=300, address=1 << 13, rows=20, stride_bytes=4096),
        Descriptor(2, Direction.READ, 1, row_bytes=5000, address=3 << 13),
        Descriptor(0, Direction.MOVE, 0, row_bytes=3000, far_node=4, far_memory=1, far_client=3),
    ]
    traffic = [(at, [("submit", 0, descriptor)] * 2) for at, descriptor in zip((0, 7, 90_001, 7), long, strict=True)]
    traffic += [(at, [("access", at % 3, at % 64 * 64, at % 2 == 0)]) for at in range(0, 3_000_000, 100_003)]
    for outstanding in (3, 64):
        setting = {"networks": 1, "channels": channels, "outstanding": outstanding, "ideal": ideal, "sram_ps": sram_ps}
        setting["memory"] = memory
        assert _drive(Fabric, traffic, **setting) == _drive(UnfusedFabric, traffic, **setting)


@pytest.mark.parametrize("ideal", [(), ("noc", "sram")], ids="-".join)
def test_a_read_that_a_waiting_write_answers_needs_no_place(ideal):
    """Few writes wait, while reads fill the queue: a read of what is to be written is answered, at once, by both. And a
    write finds a place where a read would not."""
    setting = {"networks": 1, "channels": 1, "outstanding": 4, "ideal": ideal}
    for count, waiting in itertools.product(range(30, 44), (0, 10)):
        writes = [("access", 0, index * 64, True) for index in range(waiting)]
        reads = [("access", 1, 1 << 20 | index * 4096, False) for index in range(count)]
        answered = [("access", 2, index * 64, False) for index in range(4)]
        last = [("access", 3, 1 << 22, True), ("access", 4, 1 << 22, False)]
        traffic = [(1, [request]) for request in (*writes, *reads, *answered, *last)]
        assert _drive(Fabric, traffic, **setting) == _drive(UnfusedFabric, traffic, **setting)


def test_a_request_that_finds_a_full_memory_gets_the_first_place():
    """It comes when nothing else waits, so that the memory was left alone since its last completion."""
    setting = {"networks": 1, "channels": 1, "outstanding": 4, "ideal": ()}
    for count in range(30, 44):
        reads = [(1, [("access", 1, index * 64, False)]) for index in range(count)]
        late = [(625 * (count + 2) + 1, [("access", 2, 1 << 22, False)])]
        assert _drive(Fabric, reads + late, **setting) == _drive(UnfusedFabric, reads + late, **setting)


class FixedLatency:
    """Somebody's DRAM: every burst takes 10 clocks."""

    def __init__(self):
        self.under_way = []

    def submit(self, clk, tag, address, is_write):
        self.under_way.append((clk + 10, tag))
        return True

    def next(self):
        return min(self.under_way)[0] if self.under_way else (1 << 63) - 1

    def process(self, until):
        done = sorted(entry for entry in self.under_way if entry[0] <= until)
        self.under_way = [entry for entry in self.under_way if entry[0] > until]
        return [tag for _, tag in done]


def test_a_python_model_can_be_a_part():
    sim = Simulator()
    part = MemoryPart(FixedLatency(), ClockDomain("theirs", 1000))
    fabric = UnfusedFabric(sim, "fabric", networks=[], memories=[part], srams=[], endpoints=[])
    ends = []
    for initiator in (2, 1):
        fabric.access(
            initiator, 0, is_write=False, done=lambda done, who=initiator: ends.append((who, done.end_ps, done.dram_ps))
        )
    sim.run()
    # One arrival a clock, in the order of the initiators.
    assert ends == [(1, 10_000, 10_000), (2, 11_000, 11_000)]


@pytest.mark.parametrize(
    ("kind", "state", "message"),
    [
        (
            Fabric,
            FixedLatency(),
            "dram: expected a C engine's buffer, got FixedLatency; models in Python",
        ),
        (
            UnfusedFabric,
            object(),
            "dram: expected .* an object with submit, next and process, got object$",
        ),
        (UnfusedFabric, Controller(preset("ddr4_2400")), "dram: expected .* submit, next and process, got Controller"),
    ],
)
def test_a_part_that_is_no_model_is_named(kind, state, message):
    part = MemoryPart(state, ClockDomain("theirs", 1000))
    with pytest.raises(TypeError, match=f"^{message}"):
        kind(Simulator(), "fabric", networks=[], memories=[part], srams=[], endpoints=[])


@pytest.mark.parametrize("kind", [Fabric, UnfusedFabric])
@pytest.mark.parametrize(
    "change",
    [
        {"row_bytes": 0},
        {"rows": 0},
        {"memory": 2},
        {"address": -1},
        {"stride_bytes": -1},
        {"direction": Direction.MOVE, "far_memory": 2},
        {"direction": Direction.MOVE, "far_node": -1},
        {"endpoint": 3},
    ],
    ids=str,
)
def test_both_refuse_the_same_descriptors(kind, change):
    sim = Simulator()
    fabric, _drams, _keep = build(kind, sim)
    fields = {"endpoint": 0, "direction": Direction.READ, "memory": 0, "row_bytes": 64} | change
    fabric.submit(Descriptor(**fields), lambda _: None)
    with pytest.raises(KernelError, match=r"cs_fabric_submit: an argument breaks the contract"):
        sim.run()


@pytest.mark.parametrize("kind", [Fabric, UnfusedFabric])
def test_direct_accesses_leave_the_channels_their_places(kind):
    """As many direct accesses as there is room for, and a DMA channel still gets through beside them."""
    sim = Simulator()
    fabric, _drams, _keep = build(kind, sim, config=FabricConfig(max_direct=3))
    ends = []
    for _ in range(3):
        fabric.access(0, 0, is_write=False, done=ends.append)
    fabric.submit(Descriptor(0, Direction.READ, 0, row_bytes=640), ends.append)
    sim.run()
    assert len(ends) == 4
    for _ in range(4):
        fabric.access(0, 0, is_write=False, done=ends.append)
    with pytest.raises(KernelError, match=r"queue is full"):
        sim.run()
