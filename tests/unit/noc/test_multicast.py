"""Multicast over paths: copies arrive when their flits pass, hold up nobody, and the twin says the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import noc as twin
from unit.noc.strategies import cases, twin_options

from cosim import ClockDomain, Simulator
from cosim.clib import KernelError, ffi, lib
from cosim.models.noc import MeshConfig, NetworkState, Noc, NocEnergy, column_paths
from cosim.models.noc.state import NEVER

pytestmark = pytest.mark.c_library


@st.composite
def multicasts(draw):
    """A network, packets, and for some of them nodes on the way that get a copy."""
    config, packets = draw(cases())
    copies = {}
    for tag, (_, src, dst, _) in enumerate(packets):
        on_path = [node for node, _ in config.path(src, dst)][:-1]
        chosen = [node for node in on_path if draw(st.booleans())]
        if chosen:
            copies[tag] = chosen
    return config, packets, copies


def submitted(config, packets, copies):
    state = NetworkState(config, len(packets) + sum(map(len, copies.values())))
    for tag, (created, src, dst, flits) in enumerate(packets):
        state.multicast(created, tag, src, dst, flits, copies.get(tag, ()))
    return state


@given(multicasts())
def test_every_destination_is_reached_at_the_twins_clocks(case):
    config, packets, copies = case
    copied = {}
    injected, head_out, tail_out = twin.run(
        packets, config.columns, config.rows, config.vcs, config.depth,
        copies=copies, copied=copied, **twin_options(config),
    )  # fmt: skip
    expected = [(tag, dst, injected[tag], head_out[tag], tail_out[tag]) for tag, (_, _, dst, _) in enumerate(packets)]
    expected += [(tag, node, injected[tag], *clocks) for (tag, node), clocks in copied.items()]
    records = submitted(*case).advance(NEVER)
    got = [tuple(int(record[n]) for n in ("tag", "node", "injected", "head_out", "tail_out")) for record in records]
    assert sorted(got) == sorted(expected)
    assert [record[-1] for record in got] == sorted(record[-1] for record in got)


@given(multicasts())
def test_copies_change_nothing_for_others(case):
    config, packets, copies = case
    with_copies, without = submitted(*case), submitted(config, packets, {})
    records = with_copies.advance(NEVER)
    last = {(int(r["tag"]), int(r["node"])): int(r["tail_out"]) for r in records}
    for record in without.advance(NEVER):
        tag = int(record["tag"])
        assert last[tag, packets[tag][2]] == record["tail_out"]
    counts, plain = with_copies.counts(), without.counts()
    assert counts.flits_copied == sum(packets[tag][3] * len(nodes) for tag, nodes in copies.items())
    assert (counts.mesh_hops, counts.buffer_reads, counts.flits_ejected) == (
        plain.mesh_hops, plain.buffer_reads, plain.flits_ejected
    )  # fmt: skip
    assert (counts.packets_delivered, counts.packets_in_net, counts.packets_queued) == (len(records), 0, 0)
    # All room is free again.
    assert with_copies.link_flits().tolist() == without.link_flits().tolist()


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_column_paths_reach_each_destination_once(columns, rows, data):
    mesh = MeshConfig(columns, rows)
    node = st.integers(0, mesh.nodes - 1)
    src, wanted = data.draw(node), data.draw(st.sets(node))
    paths = column_paths(mesh, src, wanted)
    assert sorted(n for last, copies in paths for n in (last, *copies)) == sorted(wanted)
    for last, copies in paths:
        on_path = [n for n, _ in mesh.path(src, last)][:-1]
        assert list(copies) == [n for n in on_path if n in copies]
    assert len(paths) <= 2 * columns + 2


def test_a_broadcast_takes_a_packet_a_column_and_side():
    mesh = MeshConfig(4, 4)
    paths = column_paths(mesh, 5, range(16))
    # Up in four columns, down in four; the row is passed by them.
    assert [last for last, _ in paths] == [0, 1, 2, 3, 12, 13, 14, 15]
    network = NetworkState(mesh)
    for last, copies in paths:
        network.multicast(0, last, 5, last, 4, copies)
    network.advance(NEVER)
    one_by_one = NetworkState(mesh)
    for node in range(16):
        one_by_one.submit(0, node, 5, node, 4)
    one_by_one.advance(NEVER)
    assert network.counts().clocks < one_by_one.counts().clocks
    assert (network.counts().mesh_hops, one_by_one.counts().mesh_hops) == (4 * 20, 4 * 32)


def test_energy_of_a_copy_is_a_crossing_and_the_way_to_the_node():
    energy = NocEnergy(flit_bits=64, link_um=1000, node_link_um=500)
    spent = []
    for copies in ((), (1,)):
        network = NetworkState(MeshConfig(3, 1))
        network.multicast(0, 0, 0, 2, 4, copies)
        network.advance(NEVER)
        spent.append(energy.spent_fj(network.counts()))
    entries = energy.entries()
    more = {name: spent[1][name] - spent[0][name] for name in spent[0] if spent[1][name] != spent[0][name]}
    assert more == {name: 4 * entries[name].energy_fj for name in ("crossbar", "node_link")}


def test_processes_wait_for_all_nodes():
    simulator = Simulator()
    noc = Noc(simulator, "noc", MeshConfig(4, 4), ClockDomain("clock", 1000))
    done = []

    def process():
        arrivals = yield noc.multicast(5, range(16), 4)
        done.append((simulator.now, arrivals))

    simulator.process(process())
    simulator.run()
    ((now, arrivals),) = done
    assert sorted(delivery.node for delivery in arrivals) == list(range(16))
    assert noc.counts().flits_copied == 4 * 8
    times = [delivery.tail_out_ps for delivery in arrivals]
    assert times == sorted(times)
    assert now == times[-1]


def test_what_is_not_on_the_path_is_refused():
    network = NetworkState(MeshConfig(3, 3), 2)
    for copies in ([4], [1, 0], [8], [0, 0]):
        with pytest.raises(ValueError, match=r"expected nodes of the path \[0, 1, 2, 5\], in its order"):
            network.multicast(0, 0, 0, 8, 1, copies)
        nodes = ffi.new("int32_t[]", copies)
        status = lib.cs_noc_multicast(network._state, network._bytes, 0, 0, 0, 8, 1, nodes, len(copies))
        assert status == lib.CS_EINVAL
    with pytest.raises(KernelError) as caught:
        network.multicast(0, 0, 0, 8, 1, [0, 1])
    assert caught.value.status == lib.CS_FULL
    network.multicast(0, 0, 0, 8, 1, [1])
    assert network.advance(NEVER)["node"].tolist() == [1, 8]
