"""Replaying a file is the same as submitting its packets one by one."""

import numpy as np
import pytest

from cosim.clib import ffi, lib
from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import Packets
from cosim.models.noc.replay import replay
from cosim.models.noc.state import NEVER, NetworkState
from cosim.models.noc.traffic import bernoulli

pytestmark = pytest.mark.c_library

MESH = MeshConfig(4, 4)


def test_a_replay_is_the_same_as_submitting_and_advancing():
    packets = bernoulli(MESH, "uniform", 0.6, 3, 400, seed=5)
    run = replay(MESH, packets)
    network = NetworkState(MESH, len(packets))
    for tag in range(len(packets)):
        columns = (packets.created, packets.src, packets.dst, packets.flits)
        created, src, dst, flits = (int(column[tag]) for column in columns)
        network.submit(created, tag, src, dst, flits)
    records = network.advance(NEVER)
    for name in ("injected", "head_out", "tail_out"):
        assert getattr(run, name)[records["tag"].astype(np.int64)].tolist() == records[name].tolist()
    assert run.counts == network.counts()
    assert run.link_flits.tolist() == network.link_flits().tolist()


def test_nothing_to_replay_is_nothing():
    run = replay(MESH, bernoulli(MESH, "uniform", 0.0, 1, 10, seed=1))
    assert run.clocks.shape == (3, 0)
    assert run.counts.flits_injected == 0


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("dst", 16, "packet 1: expected nodes below 16, .* dst 16,"),
        ("src", 2**40, "packet 1: .* src 1099511627776,"),
        ("flits", 0, "packet 1: .* flits 0,"),
        ("created", 3, "packet 1: expected .* creation in order, .* created 3$"),
        ("created", -1, "packet 1: .* created -1$"),
        ("created", -(2**63), "packet 1: .* created -9223372036854775808$"),
    ],
)
def test_a_packet_that_cannot_be_is_named(column, value, message):
    columns = {"id": [0, 1], "src": [0, 0], "dst": [1, 1], "flits": [1, 1], "created": [4, 5]}
    columns[column][1] = value
    packets = Packets(**{name: np.array(values, np.int64) for name, values in columns.items()})
    with pytest.raises(ValueError, match=message):
        replay(MESH, packets)


def test_a_network_that_has_been_used_is_not_replayed():
    network = NetworkState(MESH, 4)
    network.submit(0, 0, 0, 1, 1)
    none = np.zeros(0, np.int64)
    empty = [ffi.from_buffer(f"{kind}[]", none.astype(kind[:-2])) for kind in ("int64_t", *["int32_t"] * 3)]
    clocks = [ffi.from_buffer("int64_t[]", none)] * 3
    state = ffi.from_buffer("uint64_t[]", network.buffer)
    status = lib.cs_noc_replay(state, network.buffer.nbytes, 0, *empty, *clocks, ffi.new("size_t *"))
    assert status == lib.CS_ESTATE


def test_a_state_is_checked_before_it_is_used():
    clk = ffi.new("int64_t *")
    network = NetworkState(MESH, 4)
    state = ffi.from_buffer("uint64_t[]", network.buffer)
    assert lib.cs_noc_next(state, network.buffer.nbytes, clk) == lib.CS_OK
    assert lib.cs_noc_next(state, network.buffer.nbytes - 8, clk) == lib.CS_EBUFFER
    assert lib.cs_noc_next(state, network.buffer.nbytes, ffi.NULL) == lib.CS_EINVAL
    assert lib.cs_noc_next(ffi.NULL, 0, clk) == lib.CS_EINVAL
    blank = np.zeros_like(network.buffer)
    assert lib.cs_noc_next(ffi.from_buffer("uint64_t[]", blank), blank.nbytes, clk) == lib.CS_ESTATE


def test_a_state_may_be_copied_and_both_go_on():
    """It holds no pointers, so a run can be saved and taken up again."""
    network = NetworkState(MESH, 8)
    for src in range(8):
        network.submit(src, src, src, 15, 4)
    network.advance(20)
    copy = NetworkState(MESH, 8)
    copy.buffer[:] = network.buffer
    assert copy.advance(NEVER).tolist() == network.advance(NEVER).tolist()
