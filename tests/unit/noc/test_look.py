"""What is seen of a network from outside, after each clock: its buffers and credits are those of the twin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import noc as twin
from unit.noc.strategies import cases, crowds, twin_options, worms

from cosim.models.noc.mesh import NODE_PORT
from cosim.models.noc.state import NEVER, NetworkState

pytestmark = pytest.mark.c_library


def twin_looks(config, packets, copies):
    """For each clock the buffered flits (node, port, vc, tag, head, tail) and the credits by (node, output, vc); then
    by (packet, node) when it was injected and head and tail came there."""
    looks, copied = [], {}

    def look(clk, routers):
        flits = [
            (node, port, vc, flit.packet, flit.head, flit.tail)
            for node, router in enumerate(routers)
            for port, lanes in enumerate(router.inputs)
            for vc, lane in enumerate(lanes)
            for flit in lane.buffer
        ]
        credits = {
            (node, port, vc): output.credits
            for node, router in enumerate(routers)
            for port, outputs in enumerate(router.outputs)
            for vc, output in enumerate(outputs)
        }
        looks.append((flits, credits))

    injected, head_out, tail_out = twin.run(
        packets, config.columns, config.rows, config.vcs, config.depth,
        on_clock=look, copies=copies, copied=copied, **twin_options(config),
    )  # fmt: skip
    clocks = {(tag, dst): (head_out[tag], tail_out[tag]) for tag, (_, _, dst, _) in enumerate(packets)}
    clocks.update(copied)
    return looks, {(tag, node): (injected[tag], *clocks[tag, node]) for tag, node in clocks}


@given(st.one_of(worms(), crowds(), cases()), st.data())
def test_buffers_and_credits_are_the_twins_after_every_clock(case, data):
    """Packets are handed over as late as allowed, and some leave copies on their way."""
    config, packets = case
    copies = {}
    for tag, (_, src, dst, _) in enumerate(packets):
        on_path = [node for node, _ in config.path(src, dst)][:-1]
        copies[tag] = [node for node in on_path if data.draw(st.integers(0, 3)) == 0]
    looks, clocks = twin_looks(config, packets, copies)
    state = NetworkState(config, len(packets) + sum(map(len, copies.values())))
    waiting, delivered = list(enumerate(packets)), {}
    for clk, (flits, credits) in enumerate(looks):
        while waiting and waiting[0][1][0] == clk:
            tag, (created, src, dst, length) = waiting.pop(0)
            state.multicast(created, tag, src, dst, length, copies[tag])
        for tag, _, injected, head_out, tail_out, node in state.advance(clk).tolist():
            delivered[tag, node] = (injected, head_out, tail_out)
        assert state.buffered()[["node", "port", "vc", "tag", "head", "tail"]].tolist() == flits
        for node, link, vc, left in state.channels()[["node", "link", "vc", "credits"]].tolist():
            assert link > NODE_PORT or left == credits[node, link, vc]
        counts = state.counts()
        assert counts.buffer_writes - counts.buffer_reads == len(flits)
    assert delivered == clocks
    state.advance(NEVER)
    assert state.next() == NEVER
