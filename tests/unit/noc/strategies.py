"""Random networks and packets, small enough that packets meet."""

from hypothesis import strategies as st

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.state import NetworkState


@st.composite
def cases(draw, max_vcs=4):
    """A network and packets (created, src, dst, flits), sorted by creation."""
    config = MeshConfig(
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
        vcs=draw(st.integers(1, max_vcs)),
        depth=draw(st.integers(1, 9)),
        routing_delay=draw(st.sampled_from([1, 1, 0])),
        credit_delay=draw(st.sampled_from([0, 0, 1, 8])),
        speculative=draw(st.booleans()),
    )
    node = st.integers(0, config.nodes - 1)
    span = draw(st.sampled_from([1, 8, 60]))
    packet = st.tuples(st.integers(0, span), node, node, st.sampled_from([1, 1, 2, 4, 11]))
    packets = sorted(draw(st.lists(packet, min_size=1, max_size=40)), key=lambda packet: packet[0])
    return config, packets


@st.composite
def crowds(draw, max_vcs=4):
    """A small network in which long packets for one node meet at every router on the way."""
    config = MeshConfig(
        draw(st.integers(2, 4)),
        draw(st.integers(1, 3)),
        vcs=draw(st.integers(1, max_vcs)),
        depth=draw(st.integers(2, 9)),
        speculative=draw(st.booleans()),
    )
    dst = draw(st.integers(0, config.nodes - 1))
    packet = st.tuples(st.integers(0, 12), st.integers(0, config.nodes - 1), st.just(dst), st.sampled_from([4, 11]))
    return config, sorted(draw(st.lists(packet, min_size=8, max_size=24)), key=lambda packet: packet[0])


def submitted(config, packets, room=None):
    """A network with all packets handed over."""
    state = NetworkState(config, room or len(packets))
    for tag, (created, src, dst, flits) in enumerate(packets):
        state.submit(created, tag, src, dst, flits)
    return state


@st.composite
def worms(draw, max_vcs=3):
    """Few packets, most of them long, in a small network: a worm runs alone until another one meets it, in any of its
    clocks, at any of its routers, in another VC of its input or from another input; and buffers of any depth."""
    config = MeshConfig(
        draw(st.integers(1, 4)),
        draw(st.integers(1, 2)),
        vcs=draw(st.integers(1, max_vcs)),
        depth=draw(st.integers(1, 9)),
        routing_delay=draw(st.sampled_from([1, 1, 0])),
        credit_delay=draw(st.sampled_from([0, 0, 3])),
        speculative=draw(st.booleans()),
    )
    node = st.integers(0, config.nodes - 1)
    packet = st.tuples(st.integers(0, 40), node, node, st.sampled_from([1, 2, 3, 17, 24]))
    return config, sorted(draw(st.lists(packet, min_size=1, max_size=8)), key=lambda packet: packet[0])
