"""The C network against its clock-by-clock twin, and its laws at every instant, however a run is cut."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import noc as twin
from unit.noc.strategies import cases, submitted, twin_options

from cosim.clib import KernelError, ffi, lib
from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.state import NEVER, NetworkState

pytestmark = pytest.mark.c_library


def twin_run(config, packets, **observers):
    return twin.run(
        packets,
        config.columns,
        config.rows,
        config.vcs,
        config.depth,
        **twin_options(config),
        **observers,
    )


@given(cases())
def test_packets_enter_and_leave_at_the_twins_clocks(case):
    config, packets = case
    injected, head_out, tail_out = twin_run(config, packets)
    records = submitted(config, packets).advance(NEVER)
    assert sorted(records["tag"].tolist()) == list(range(len(packets)))  # each exactly once
    for record in records:
        tag = int(record["tag"])
        assert record["created"] == packets[tag][0]
        assert (record["injected"], record["head_out"], record["tail_out"]) == (
            injected[tag],
            head_out[tag],
            tail_out[tag],
        )
    assert np.all(np.diff(records["tail_out"]) >= 0)


@pytest.mark.parametrize("speculative", [False, True])
@pytest.mark.parametrize(("vcs", "flits"), [(1, 1), (2, 1), (3, 2), (4, 4), (8, 3)])
def test_a_crowded_network_keeps_to_the_twin(vcs, flits, speculative):
    """Many packets at once, so that every pointer of both allocators moves and is asked again."""
    check_packets(MeshConfig(3, 3, vcs=vcs, depth=4, speculative=speculative), crowd([flits], Random(vcs)))


SEPARABLE = {"vc_allocator": "separable_input_first", "sw_allocator": "separable_input_first"}


@pytest.mark.parametrize("speculative", [False, True])
@pytest.mark.parametrize("vcs", [1, 3, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"input_speedup": 2},
        {"input_speedup": 2, **SEPARABLE},
        SEPARABLE,
        {"hold_switch_for_packet": True},
        {"hold_switch_for_packet": True, "input_speedup": 2, **SEPARABLE},
        {"wait_for_tail_credit": True},
        {"st_final_delay": 2, "credit_delay": 1},
        {"st_final_delay": 4, "input_speedup": 2, "hold_switch_for_packet": True, "wait_for_tail_credit": True},
        {"vc_alloc_delay": 2},
        {"vc_alloc_delay": 3, "vc_allocator": "separable_input_first", "input_speedup": 2, "routing_delay": 0},
    ],
)
def test_a_crowded_network_with_options_keeps_to_the_twin(options, vcs, speculative):
    if speculative and "vc_alloc_delay" in options:
        options = {**options, "vc_alloc_delay": 1}
    config = MeshConfig(3, 3, vcs=vcs, depth=4, speculative=speculative, **options)
    check_packets(config, crowd([1, 3, 5], Random(vcs)))


@pytest.mark.parametrize("seed", range(4))
def test_a_held_switch_without_a_credit_is_let_go_in_an_idle_router(seed):
    """With little else to do, the next flit comes when the credit is long due; then its way is free."""
    random = Random(seed)
    packets = sorted(
        (random.randrange(60), random.randrange(9), random.randrange(9), random.choice([6, 11])) for _ in range(20)
    )
    check_packets(MeshConfig(3, 3, vcs=2, depth=2, credit_delay=8, hold_switch_for_packet=True), packets)


def crowd(flits, random):
    """Six packets a clock for nine nodes."""
    return [
        (clk, random.randrange(9), random.randrange(9), random.choice(flits)) for clk in range(40) for _ in range(6)
    ]


def check_packets(config, packets):
    """The same clocks by the network and by the twin."""
    injected, head_out, tail_out = twin_run(config, packets)
    for record in submitted(config, packets).advance(NEVER):
        tag = int(record["tag"])
        clocks = (record["injected"], record["head_out"], record["tail_out"])
        assert clocks == (injected[tag], head_out[tag], tail_out[tag])


def test_a_long_packet_is_ready_once_in_each_clock():
    """The node's buffer of six hides the credits' way: there is always one credit left, and one more comes in each
    clock."""
    config = MeshConfig(1, 1, vcs=1, depth=6)
    assert submitted(config, [(0, 0, 0, 200)]).advance(NEVER)["tail_out"].tolist() == [206]


@given(cases(), st.integers(0, 2**32 - 1).map(Random))
def test_the_order_of_submission_only_breaks_ties(case, random):
    config, packets = case
    expected = submitted(config, packets).advance(NEVER)
    mixed = list(range(len(packets)))
    random.shuffle(mixed)
    same = {}  # packets of one source and clock keep their order
    for tag in range(len(packets)):
        same.setdefault(packets[tag][:2], []).append(tag)
    mixed = [same[packets[tag][:2]].pop(0) for tag in mixed]
    state = NetworkState(config, len(packets))
    for tag in mixed:
        created, src, dst, flits = packets[tag]
        state.submit(created, tag, src, dst, flits)
    assert state.next() == packets[0][0]
    assert state.advance(NEVER).tolist() == expected.tolist()


@given(cases(), st.integers(0, 2**32 - 1).map(Random))
def test_cutting_a_run_into_advances_changes_nothing(case, random):
    """Arbitrary limits, stops, room for one record only, and packets submitted as late as allowed."""
    config, packets = case
    whole = submitted(config, packets)
    expected = whole.advance(NEVER).tolist()
    state = NetworkState(config, len(packets))
    got, waiting = [], list(enumerate(packets))
    while waiting or state.next() != NEVER:
        while waiting and waiting[0][1][0] <= state.now + 1:
            tag, (created, src, dst, flits) = waiting.pop(0)
            state.submit(created, tag, src, dst, flits)
        limit = state.now + random.randint(1, 20)
        limit = min(limit, waiting[0][1][0] - 1) if waiting else limit
        earliest, before = state.next(), state.now
        records = state.advance(limit, stop=random.random() < 0.5, room=1).tolist()
        assert not records or before < earliest <= records[0][4] <= limit
        got += records
    assert got == expected
    assert state.link_flits().tolist() == whole.link_flits().tolist()


@given(cases())
def test_counts_are_those_of_xy_paths_and_links_carry_one_flit_a_clock(case):
    config, packets = case
    state = submitted(config, packets)
    middle = state.advance(25).size
    counts = state.counts()
    assert counts.packets_submitted == len(packets)
    assert counts.packets_delivered == middle
    assert counts.packets_queued + counts.packets_in_net + middle == len(packets)
    assert state.link_flits().max() <= 26
    state.advance(NEVER)
    counts = state.counts()
    assert (counts.packets_delivered, counts.packets_queued, counts.packets_in_net) == (len(packets), 0, 0)
    expected = np.zeros((config.nodes, lib.CS_NOC_LINKS), np.int64)
    for _, src, dst, flits in packets:
        expected[src, 5] += flits
        for node, port in config.path(src, dst):
            expected[node, port] += flits
    assert state.link_flits().tolist() == expected.tolist()
    assert state.link_flits().max() <= counts.clocks + 1
    assert counts.flits_injected == counts.flits_ejected == sum(flits for *_, flits in packets)
    assert counts.mesh_hops == sum(flits * config.hops(src, dst) for _, src, dst, flits in packets)
    assert counts.buffer_writes == counts.buffer_reads == counts.mesh_hops + counts.flits_ejected
    assert counts.vc_allocations == sum(config.hops(src, dst) + 1 for _, src, dst, _ in packets)


@pytest.mark.parametrize(
    ("routing_delay", "speculative", "per_router"), [(1, False, 5), (0, False, 4), (1, True, 4), (0, True, 3)]
)
@pytest.mark.parametrize("flits", [1, 4, 8])
def test_a_lone_packet_takes_exactly_the_zero_load_latency(flits, routing_delay, speculative, per_router):
    """5 R + 2 + (flits - 1) over R routers; 4 R without the routing clock or with speculation, 3 R with both: the
    latencies of BookSim 2.0."""
    config = MeshConfig(7, 2, routing_delay=routing_delay, speculative=speculative)
    for dst in range(config.nodes):
        state = NetworkState(config, 1)
        state.submit(3, 9, 0, dst, flits)
        assert state.next() == 3
        routers = dst % 7 + dst // 7 + 1
        done = 3 + per_router * routers + 2 + flits - 1
        assert state.advance(done - 1).size == 0
        assert state.advance(done).tolist() == [(9, 3, 3, done - flits + 1, done, dst)]
        # Only the last credits are still on their way.
        assert state.advance(NEVER).size == 0
        assert state.next() == NEVER


@pytest.mark.parametrize(("depth", "flits", "more"), [(8, 8, 0), (4, 4, 0), (4, 8, 1), (2, 1, 0), (2, 4, 3), (2, 8, 9)])
def test_a_short_buffer_shows_the_credits_way(depth, flits, more):
    """The zero-load latencies of BookSim 2.0 with `vc_buf_size` 8, 4 and 2, over one to seven routers."""
    config = MeshConfig(7, 1, depth=depth)
    for dst in range(7):
        record = submitted(config, [(0, 0, dst, flits)]).advance(NEVER)[0]
        assert record["tail_out"] == config.zero_load_clocks(0, dst, flits) + more


@given(cases())
def test_an_ideal_network_delivers_at_creation_and_counts_the_same_flits(case):
    real, packets = case
    config = MeshConfig(real.columns, real.rows, vcs=real.vcs, depth=real.depth, ideal=True)
    state = submitted(config, packets)
    records = state.advance(NEVER)
    assert sorted(records["tag"].tolist()) == list(range(len(packets)))
    for name in ("injected", "head_out", "tail_out"):
        assert records[name].tolist() == sorted(packet[0] for packet in packets)
    other = submitted(real, packets)
    other.advance(NEVER)
    assert state.link_flits().tolist() == other.link_flits().tolist()
    assert state.counts().vc_allocations == other.counts().vc_allocations
    assert state.counts().buffer_reads == state.counts().buffer_writes == other.counts().buffer_writes


def test_a_source_sends_by_creation_then_submission():
    state = NetworkState(MeshConfig(2, 1), 8)
    for tag, created in enumerate([9, 5, 9, 5, 30, 0]):
        state.submit(created, tag, 0, 1, 1)
    assert state.advance(NEVER)["tag"].tolist() == [5, 1, 3, 0, 2, 4]


def test_deliveries_of_one_clock_come_in_order_of_the_destination():
    state = NetworkState(MeshConfig(3, 3), 9)
    for node in reversed(range(9)):
        state.submit(0, node, node, node, 1)
    records = state.advance(NEVER)
    assert records["tag"].tolist() == list(range(9))
    assert set(records["tail_out"].tolist()) == {7}


def test_a_full_network_refuses_and_goes_on_when_a_record_was_taken():
    state = NetworkState(MeshConfig(2, 2), 2)
    state.submit(0, 0, 0, 3, 1)
    state.submit(0, 1, 1, 3, 1)
    with pytest.raises(KernelError) as caught:
        state.submit(0, 2, 2, 3, 1)
    assert caught.value.status == lib.CS_FULL
    assert state.advance(100, stop=True).size == 1
    state.submit(state.now + 1, 2, 2, 3, 1)
    assert state.advance(NEVER).size == 2


def test_idle_time_costs_nothing_and_changes_nothing():
    state = NetworkState(MeshConfig(4, 4), 4)
    assert state.next() == NEVER
    assert state.advance(10**15).size == 0
    state.submit(10**18, 1, 0, 15, 4)
    assert state.next() == 10**18
    assert state.advance(NEVER)["tail_out"].tolist() == [10**18 + 5 * 7 + 2 + 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 0, 4, 0, 1), r"src 4: expected 0 to 3 in a 2x2 mesh"),
        ((8, 0, 0, -1, 1), r"dst -1: expected 0 to 3 in a 2x2 mesh"),
        ((8, 0, 0, 0, 0), r"flits 0: expected 1 to 2147483647"),
        ((8, 0, 0, 0, 2**31), r"flits 2147483648: expected 1 to 2147483647"),
        ((7, 0, 0, 0, 1), r"clk 7: expected later than the last processed clock 7"),
        ((2**62, 0, 0, 0, 1), r"clk 4611686018427387904: expected at most 4611686018427387903"),
    ],
)
def test_a_wrong_packet_is_refused_by_name(arguments, message):
    state = NetworkState(MeshConfig(2, 2))
    state.advance(7)
    with pytest.raises(ValueError, match=f"^{message}$"):
        state.submit(*arguments)
    with pytest.raises(ValueError, match=f"^{message}$"):
        state.multicast(*arguments, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_speedup": 0},
        {"input_speedup": 9},
        {"vc_allocator": 2},
        {"sw_allocator": -1},
        {"hold_switch_for_packet": 2},
        {"wait_for_tail_credit": -1},
        {"st_final_delay": 0},
        {"st_final_delay": 5},
        {"st_final_delay": 3, "credit_delay": 7},
        {"vc_alloc_delay": 0},
        {"vc_alloc_delay": 9},
        {"vc_alloc_delay": 2, "speculative": 1},
    ],
)
def test_c_refuses_options_that_the_network_cannot_have(wrong):
    plain = {"columns": 2, "rows": 2, "vcs": 2, "depth": 8, "routing_delay": 1, "input_speedup": 1, "st_final_delay": 1}
    plain |= {"vc_alloc_delay": 1, "max_packets": 4}
    size = ffi.new("size_t *")
    assert lib.cs_noc_state_bytes(ffi.new("cs_noc_config *", plain), size) == lib.CS_OK
    assert lib.cs_noc_state_bytes(ffi.new("cs_noc_config *", plain | wrong), size) == lib.CS_EINVAL
