"""The fused fabric: exact times of lone transfers, back-pressure, conservation, and sums of what time went to."""

from types import SimpleNamespace

import pytest
from helpers.fabrics import DRAM_PS, NOC_PS, SRAM_PS, small_fabric
from hypothesis import given
from hypothesis import strategies as st

from cosim.clib import KernelError
from cosim.kernel import NEVER, ClockDomain, Simulator
from cosim.models.dram import Controller, preset
from cosim.models.fabric import Descriptor, Direction, Fabric, FabricConfig, MemoryPart, UnfusedFabric

pytestmark = pytest.mark.c_library


def run(fabric, sim, *descriptors, at=0):
    completions = {}
    if at > sim.now:
        sim.run(until=at)
    for index, descriptor in enumerate(descriptors):
        fabric.submit(descriptor, lambda done, index=index: completions.__setitem__(index, done))
    sim.run()
    return [completions[index] for index in range(len(descriptors))]


def test_a_lone_read_takes_the_sum_of_its_parts():
    sim = Simulator()
    fabric, _keep = small_fabric(sim)
    (done,) = run(fabric, sim, Descriptor(0, Direction.READ, 0, row_bytes=64))
    # Node 0 to node 5 in a 3 x 2 mesh: 4 routers. One flit: created at NoC clock 1, 5 * 4 + 2 clocks later it is there.
    there = (1 + 5 * 4 + 2) * NOC_PS
    # Arrives at DRAM clock `there / 625` exactly; closed bank: ACT one clock later, RD tRCD after it, RL + BL.
    data = there + (1 + 29 + 35 + 8) * DRAM_PS
    # Five flits back, from the next NoC edge on.
    back = (data // NOC_PS + 1 + 5 * 4 + 2 + 4) * NOC_PS
    # Four words over two banks: two SRAM clocks.
    end = (back // SRAM_PS + 2) * SRAM_PS
    assert (done.start_ps, done.end_ps) == (0, end)
    assert done.dram_ps == data - there
    assert done.noc_ps == there + back - data
    assert done.sram_ps == end - back
    assert done.dma_ps == 0


def test_an_arrival_on_an_edge_acts_at_the_next_one():
    for offset in (0, 1, SRAM_PS - 1):
        sim = Simulator()
        fabric, _keep = small_fabric(sim)
        ends = []
        sim.run(until=SRAM_PS + offset)
        fabric.local(0, 0, 0, 1, is_write=False, done=lambda done, ends=ends: ends.append(done.end_ps))
        sim.run()
        assert ends == [2 * SRAM_PS]


def test_ideal_parts_take_no_time():
    sim = Simulator()
    fabric, _keep = small_fabric(sim, ideal=("noc", "dram", "sram"))
    done = run(fabric, sim, *(Descriptor(0, kind, 0, row_bytes=100_000) for kind in Direction), at=7)
    assert [(d.start_ps, d.end_ps) for d in done] == [(7, 7)] * 3
    assert fabric.traffic(0).dram_read_bytes == fabric.traffic(0).dram_write_bytes == 100_000


def test_the_window_holds_requests_back():
    """One request in flight: a stream takes as long as its requests one after the other."""
    lone = Simulator()
    fabric, _keep = small_fabric(lone, outstanding=1)
    (one,) = run(fabric, lone, Descriptor(0, Direction.MOVE, 0, row_bytes=64, far_node=1, far_memory=1, far_client=3))
    sim = Simulator()
    fabric, _keep = small_fabric(sim, outstanding=1)
    (many,) = run(fabric, sim, Descriptor(0, Direction.MOVE, 0, row_bytes=640, far_node=1, far_memory=1, far_client=3))
    assert many.end_ps == 10 * one.end_ps
    wide = Simulator()
    fabric, _keep = small_fabric(wide, outstanding=10)
    (parallel,) = run(fabric, wide, Descriptor(0, Direction.MOVE, 0, row_bytes=640, far_node=1, far_memory=1))
    assert parallel.end_ps < many.end_ps


DESCRIPTORS = st.builds(
    Descriptor,
    endpoint=st.integers(0, 2),
    direction=st.sampled_from(Direction),
    memory=st.integers(0, 1),
    row_bytes=st.integers(1, 300),
    address=st.integers(0, 1 << 20),
    rows=st.integers(1, 3),
    stride_bytes=st.integers(0, 5000),
    word=st.integers(0, 600),
    far_node=st.integers(0, 5),
    far_memory=st.integers(0, 1),
    far_word=st.integers(0, 600),
    far_client=st.just(3),
)


def _issue(sim, fabric, at, descriptor, log):
    yield sim.timeout(at)
    fabric.submit(descriptor, lambda done: log.append((sim.now, done)))


@given(
    st.lists(st.tuples(st.integers(0, 3_000_000), DESCRIPTORS), min_size=1, max_size=12),
    st.integers(1, 6),
    st.lists(st.integers(1, 4_000_000), max_size=5),
    st.sets(st.sampled_from(["noc", "dram", "sram"])),
)
def test_everything_completes_once_and_its_time_is_explained(traffic, outstanding, splits, ideal):
    results = []
    for cuts in ([], sorted(set(splits))):
        sim = Simulator()
        fabric, (network, _sram, _dram) = small_fabric(sim, outstanding=outstanding, ideal=tuple(ideal))
        completions = {}

        for index, (at, descriptor) in enumerate(traffic):
            sim.process(_issue(sim, fabric, at, descriptor, completions.setdefault(index, [])))
        for cut in cuts:
            sim.run(until=cut)
        sim.run()
        assert sorted(completions) == list(range(len(traffic)))
        for index, [(when, done)] in completions.items():
            assert when == done.end_ps and done.start_ps == traffic[index][0]
            assert done.dram_ps + done.noc_ps + done.sram_ps + done.dma_ps == done.end_ps - done.start_ps
        counts = network.counts()
        assert counts.packets_submitted == counts.packets_delivered
        moved = fabric.traffic(0)
        for kind, total in zip(
            Direction, (moved.dram_read_bytes, moved.dram_write_bytes, moved.moved_bytes), strict=True
        ):
            assert total == sum(d.bytes for _, d in traffic if d.direction is kind)
        if "noc" not in ideal:
            assert counts.buffer_writes == moved.noc_flit_hops
        results.append(completions)
    assert results[0] == results[1]


@given(st.lists(DESCRIPTORS, min_size=2, max_size=6), st.permutations(range(6)))
def test_requests_of_one_instant_may_come_in_any_order(descriptors, order):
    """Endpoints' requests are taken by endpoint; those of one endpoint in their own order."""
    results = []
    for arrangement in (range(6), order):
        sim = Simulator()
        fabric, _keep = small_fabric(sim)
        completions = {}
        by_endpoint = {}
        for descriptor in descriptors:
            by_endpoint.setdefault(descriptor.endpoint, []).append(descriptor)
        for endpoint in [e for e in arrangement if e in by_endpoint]:
            for index, descriptor in enumerate(by_endpoint[endpoint]):
                sim.process(_issue(sim, fabric, 0, descriptor, completions.setdefault((endpoint, index), [])))
        sim.run()
        results.append(completions)
    assert results[0] == results[1]


@pytest.mark.parametrize("kind", [Fabric, UnfusedFabric])
@pytest.mark.parametrize(
    ("channels", "interleave", "allowed"), [(1, 32, True), (2, 32, False), (2, 96, False), (2, 64, True)]
)
def test_a_burst_lies_in_one_channel(kind, channels, interleave, allowed):
    """With half a burst a channel, those at 0 and 64 had one address in the first channel: one answered the other."""
    clock = ClockDomain("clock", 833)
    controllers = [Controller(preset("ddr4_2400")) for _ in range(channels)]
    parts = [MemoryPart(controller.state, clock) for controller in controllers]
    config = FabricConfig(channel_interleave_bytes=interleave)
    simulator = Simulator()
    parts_of = {"networks": [], "memories": parts, "srams": [], "endpoints": [], "config": config}
    if not allowed:
        with pytest.raises(KernelError, match="cs_fabric_init"):
            kind(simulator, "fabric", **parts_of)
        return
    fabric, ends = kind(simulator, "fabric", **parts_of), []
    fabric.access(0, 0, is_write=True, done=lambda done: ends.append(done.end_ps))
    fabric.access(1, 64, is_write=False, done=lambda done: ends.append(done.end_ps))
    simulator.run()
    assert len(ends) == 2
    assert sum(controller.stats(1000).forwarded_reads for controller in controllers) == 0


def test_a_fabric_put_away_with_nothing_under_way_has_no_event():
    """Credits are on their way back then, but nothing could complete."""
    sim = Simulator()
    fabric, _keep = small_fabric(sim)
    ends = []
    fabric.submit(Descriptor(0, Direction.WRITE, 0, row_bytes=64), ends.append)
    sim.run()
    assert len(ends) == 1
    kept = {name: buffer.copy() for name, buffer in fabric.buffers().items()}
    fabric.restore(SimpleNamespace(like=lambda name, _: kept[name]), fabric.tags)
    assert fabric.next() == NEVER
    fabric.submit(Descriptor(0, Direction.WRITE, 0, row_bytes=64), ends.append)
    sim.run()
    assert len(ends) == 2
