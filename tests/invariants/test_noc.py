"""The network's laws (20 to 27), on random meshes and packets, at every clock.

"Red for" names a mutation that a law was seen to catch.
"""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import noc as twin
from twins.noc import Flit, Router, contiguous
from unit.noc.strategies import cases, crowds, options, submitted, twin_options

from cosim.models.noc.mesh import NODE_PORT, MeshConfig
from cosim.models.noc.state import NEVER

pytestmark = pytest.mark.c_library


def instants(state):
    """The network after each clock in which something can happen."""
    while state.next() != NEVER:
        assert state.now < 100_000
        yield state.advance(state.now + 1)


@given(cases())
def test_20_21_every_place_is_somewhere(case):
    """Credits at the sender, flits on the way, buffered, credits returning: depth. Red for: a flit that uses no credit;
    a source that sends without one."""
    config, packets = case
    state = submitted(config, packets)
    for _ in instants(state):
        channels = state.channels()
        parts = np.stack([channels[name] for name in ("credits", "flits", "buffered", "returning")])
        assert parts.min() >= 0
        assert parts.max() <= config.depth
        assert np.all(parts.sum(axis=0) == config.depth)


@given(cases())
def test_22_what_entered_left_or_is_under_way(case):
    """Each packet is delivered once, whole, to its destination. Red for: an arrival not counted."""
    config, packets = case
    state = submitted(config, packets)
    delivered, flits_out = [], 0
    for arrived in instants(state):
        delivered += arrived["tag"].tolist()
        counts = state.counts()
        buffered = counts.buffer_writes - counts.buffer_reads
        assert buffered == state.buffered().size
        assert counts.packets_submitted == counts.packets_queued + counts.packets_in_net + len(delivered)
        assert flits_out <= counts.flits_ejected <= counts.flits_injected
        flits_out = counts.flits_ejected
    assert sorted(delivered) == list(range(len(packets)))
    assert flits_out == sum(flits for *_, flits in packets)
    ejected = np.zeros(config.nodes, np.int64)
    for _, _, dst, flits in packets:
        ejected[dst] += flits
    assert state.link_flits()[:, NODE_PORT].tolist() == ejected.tolist()


@given(st.one_of(crowds(max_vcs=1), cases(max_vcs=1)))
def test_23_one_vc_keeps_the_order_between_two_nodes(case):
    """Deterministic routing overtakes nobody. Red for: a source whose newest packet goes second."""
    config, packets = case
    last = {}
    for tag in submitted(config, packets).advance(NEVER)["tag"].tolist():
        pair = packets[tag][1:3]
        assert last.get(pair, -1) < tag
        last[pair] = tag


@given(st.one_of(crowds(), cases()))
def test_23_flits_of_a_packet_follow_each_other_in_a_buffer(case):
    """With no flit of another packet between them. Of the twin's buffers, which hold flits: the C network only counts
    them, as they follow each other, and must keep the twin's clocks with it. Red for: an output VC that is given twice.
    """
    config, packets = case

    def look(_, routers):
        assert all(contiguous(lane.buffer) for router in routers for lanes in router.inputs for lane in lanes)

    clocks = twin.run(
        packets, config.columns, config.rows, config.vcs, config.depth, **twin_options(config), on_clock=look,
    )  # fmt: skip
    for record in submitted(config, packets).advance(NEVER):
        tag = int(record["tag"])
        assert tuple(int(record[name]) for name in ("injected", "head_out", "tail_out")) == tuple(
            of_all[tag] for of_all in clocks
        )


@given(cases())
def test_24_no_packet_is_faster_than_alone(case):
    """Red for: a hop of two clocks behind the switch. With a longer crossbar that holds for heads: a flit that waits
    for another packet's load may let the flit behind it catch up."""
    config, packets = case
    for record in submitted(config, packets).advance(NEVER):
        _, src, dst, flits = packets[int(record["tag"])]
        assert record["head_out"] - record["injected"] >= config.zero_load_clocks(src, dst, 1)
        assert record["tail_out"] - record["head_out"] >= flits - 1
        if config.st_final_delay == 1:
            assert record["tail_out"] - record["injected"] >= config.zero_load_clocks(src, dst, flits)


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 12), st.integers(0, 1), options(), st.data()
)
def test_24_alone_it_takes_exactly_that(columns, rows, vcs, flits, routing_delay, changed, data):
    """Red for: a hop of four clocks behind the switch; a crossbar that takes a flit while another is in it."""
    config = MeshConfig(columns, rows, vcs=vcs, depth=16, routing_delay=routing_delay, **changed)
    node = st.integers(0, config.nodes - 1)
    src, dst = data.draw(node), data.draw(node)
    record = submitted(config, [(7, src, dst, flits)]).advance(NEVER)[0]
    assert record["injected"] == 7
    routers = config.hops(src, dst) + 1
    crossbar = config.st_final_delay
    per_router = 2 + config.vc_alloc_delay + crossbar + routing_delay - config.speculative
    assert record["head_out"] - 7 == per_router * routers + 2
    assert record["tail_out"] - 7 == config.zero_load_clocks(src, dst, flits)
    if crossbar <= 2 and per_router > 2 + crossbar:
        assert record["tail_out"] - record["head_out"] == flits - 1 + (flits > 1) * (crossbar - 1)


@given(cases())
def test_25_a_link_carries_at_most_a_flit_a_clock(case):
    """Red for: heads counted twice."""
    config, packets = case
    state = submitted(config, packets)
    before = state.link_flits()
    for _ in instants(state):
        now = state.link_flits()
        assert np.all((now - before >= 0) & (now - before <= 1))
        before = now
    assert before.max() <= state.now + 1


@given(st.integers(1, 4), st.integers(0, 2**32 - 1).map(Random))
def test_26_the_switch_grants_every_output_that_is_asked_for(vcs, random):
    """One grant per output, only to a requester with credit; a granted input takes one. Of the twin's allocator, with
    which the C network agrees flit by flit. Red for: a bid without credit."""
    router = Router(vcs, 4)
    for port in range(5):
        router.first_vc[port] = random.randrange(vcs)
        router.switch_grant[port] = random.randrange(5)
        router.switch_accept[port] = random.randrange(5)
        for lane in router.inputs[port]:
            lane.state = random.choice(["idle", "routing", "waiting", "active"])
            lane.output, lane.output_vc = random.randrange(5), random.randrange(vcs)
            lane.buffer.extend([Flit(0, 0, True, True)] * random.randrange(2))
        for resource in router.outputs[port]:
            resource.credits = random.randrange(3)

    def able(port, vc):
        lane = router.inputs[port][vc]
        has_credit = lane.output >= 0 and router.outputs[lane.output][lane.output_vc].credits > 0
        return lane.state == "active" and bool(lane.buffer) and has_credit

    asked = {router.inputs[port][vc].output for port in range(5) for vc in range(vcs) if able(port, vc)}
    wanting = {port for port in range(5) if any(able(port, vc) for vc in range(vcs))}
    matches = router.allocate_switch()
    assert all(able(port, vc) and router.inputs[port][vc].output == output for port, vc, output in matches)
    outputs = [output for *_, output in matches]
    inputs = [port for port, *_ in matches]
    assert len(set(outputs)) == len(outputs)
    assert len(set(inputs)) == len(inputs)
    # Each output that is asked for grants one input, and each input that is granted takes one: with one input or
    # one output in play nothing is wasted.
    assert bool(matches) == bool(asked)
    if len(asked) == 1 or len(wanting) == 1:
        assert len(matches) == 1


@given(st.integers(2, 4), st.integers(4, 30))
def test_26_one_link_is_shared_in_turn_and_never_idle(senders, count):
    """Single-flit packets from all sides to one node: each sender in turn. Red for: the grant pointer of an output VC
    that stays."""
    config = MeshConfig(3, 3, vcs=2)
    sources = [1, 3, 5, 7][:senders]
    packets = [(0, source, 4, 1) for _ in range(count) for source in sources]
    records = submitted(config, packets).advance(NEVER)
    order = [packets[tag][1] for tag in records["tag"].tolist()]
    assert np.diff(records["tail_out"]).max() <= 2
    for source in sources:
        places = [place for place, who in enumerate(order) if who == source]
        waits = [b - a for a, b in pairwise(places)]
        assert max(waits) <= 2 * senders


@given(cases())
def test_27_packets_take_the_xy_path(case):
    """Red for: y before x in the mesh that the C network is compared with."""
    config, packets = case
    state = submitted(config, packets)
    state.advance(NEVER)
    expected = np.zeros_like(state.link_flits())
    for _, src, dst, flits in packets:
        path = list(config.path(src, dst))
        assert len(path) == config.hops(src, dst) + 1
        expected[src, 5] += flits
        for node, port in path:
            expected[node, port] += flits
    assert state.link_flits().tolist() == expected.tolist()


@given(st.integers(1, 5), st.integers(1, 5))
def test_27_no_cycle_of_channels_waits_for_itself(columns, rows):
    """The dependency graph of channels is acyclic (Dally and Seitz 1987). Red for: y before x in odd columns."""
    config = MeshConfig(columns, rows)
    follows = {}
    for src in range(config.nodes):
        for dst in range(config.nodes):
            for before, after in pairwise(config.path(src, dst)):
                follows.setdefault(before, set()).add(after)
    while follows:
        last = {channel for channel, after in follows.items() if not after & set(follows)}
        assert last, f"a cycle among {sorted(follows)}"
        for channel in last:
            del follows[channel]
