"""Random networks and packets, small enough that packets meet."""

from dataclasses import fields

from hypothesis import strategies as st
from twins.noc_router import Options

from cosim.models.noc.mesh import ALLOCATORS, MeshConfig
from cosim.models.noc.state import NetworkState


def twin_options(config):
    """What the twin's `run` is told of the routers beside mesh, VCs and depth."""
    return {field.name: getattr(config, field.name) for field in fields(Options)}


@st.composite
def options(draw):
    """Router options: half of the time those of a plain router, else each may be there."""
    if draw(st.booleans()):
        return {}
    allocator = st.sampled_from(ALLOCATORS)
    crossbar = draw(st.sampled_from([1, 1, 2, 3, 4]))
    chosen = {
        "speculative": draw(st.booleans()),
        "input_speedup": draw(st.sampled_from([1, 2, 2, 3, 8])),
        "vc_allocator": draw(allocator),
        "sw_allocator": draw(allocator),
        "hold_switch_for_packet": draw(st.booleans()),
        "wait_for_tail_credit": draw(st.booleans()),
        "st_final_delay": crossbar,
    }
    if not chosen["speculative"]:
        chosen["vc_alloc_delay"] = draw(st.sampled_from([1, 2, 3, 8]))
    return chosen


def mesh(draw, columns, rows, **given):
    """A mesh with any options."""
    given |= draw(options())
    if "credit_delay" in given:
        given["credit_delay"] = min(given["credit_delay"], 12 - 2 * given.get("st_final_delay", 1))
    return MeshConfig(columns, rows, **given)


@st.composite
def cases(draw, max_vcs=4):
    """A network and packets (created, src, dst, flits), sorted by creation."""
    config = mesh(
        draw,
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
    config = mesh(
        draw,
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
    config = mesh(
        draw,
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
