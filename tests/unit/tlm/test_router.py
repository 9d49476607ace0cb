"""Addresses are decoded, rebased and restored; what lies in no region is an address error."""

import pytest

from cosim import Module, Simulator
from cosim.tlm import GenericPayload, InitiatorSocket, Response, Router, TargetSocket


class Recorder(Module):
    """Logs the addresses it sees; waits for 3 ps when `waits`."""

    def __init__(self, parent, name, waits=False):
        super().__init__(parent, name)
        self.seen, self.waits = [], waits
        self.socket = TargetSocket(self, "socket", self.b_transport, self.debug)

    def b_transport(self, payload, delay):
        self.seen.append(payload.address)
        payload.response = Response.OK
        return self.slow(delay) if self.waits else delay + 3

    def slow(self, delay):
        yield self.simulator.timeout(delay + 3)
        return 0

    def debug(self, payload):
        payload.data[:] = bytes([payload.address]) * len(payload.data)
        return len(payload.data)


@pytest.fixture
def system():
    env = Simulator()
    router = Router(env, "bus", latency_ps=2)
    low, high = Recorder(env, "low"), Recorder(env, "high", waits=True)
    router.map(0x100, 0x40, high.socket)
    router.map(0x00, 0x20, low.socket)
    cpu = InitiatorSocket(Module(env, "cpu"), "bus")
    cpu.bind(router.target_socket())
    return env, router, low, high, cpu


def test_routes_and_restores(system):
    env, _, low, high, cpu = system
    payload = GenericPayload.read(0x1F, 1)
    assert cpu.b_transport(payload, 10) == 15
    assert (low.seen, payload.address) == ([0x1F], 0x1F)
    log = []

    def program():
        payload = GenericPayload.read(0x13C, 4)
        delay = yield from cpu.b_transport(payload, 0)
        log.append((env.now, delay, payload.address))

    env.process(program())
    env.run()
    assert (log, high.seen) == ([(5, 0, 0x13C)], [0x3C])


@pytest.mark.parametrize(("address", "length"), [(0x20, 1), (0x1F, 2), (0xFF, 1), (0x13D, 4), (0x140, 1)])
def test_outside_of_all_regions(system, address, length):
    _, _, low, high, cpu = system
    payload = GenericPayload.read(address, length)
    assert cpu.b_transport(payload, 10) == 10
    assert payload.response is Response.ADDRESS_ERROR
    assert low.seen == high.seen == []


def test_debug_is_cut_at_the_regions_end(system):
    cpu = system[4]
    payload = GenericPayload.read(0x1E, 4)
    assert cpu.transport_dbg(payload) == 2
    assert payload.data == b"\x1e\x1e\0\0"
    assert cpu.transport_dbg(GenericPayload.read(0x50, 4)) == 0


def test_overlaps_are_refused(system):
    env, router, *_ = system
    other = Recorder(env, "other")
    with pytest.raises(
        ValueError, match=r"^bus: region 0x1f\.\.0x2e of other\.socket overlaps 0x0\.\.0x1f of low\.socket$"
    ):
        router.map(0x1F, 16, other.socket)
    router.map(0x20, 0xE0, other.socket)
    with pytest.raises(ValueError, match=r"^bus: expected start >= 0 and size >= 1, got 0x400 and 0x0$"):
        router.map(0x400, 0, other.socket)
    with pytest.raises(ValueError, match=r"^slow: latency_ps must be at least 0, got -1$"):
        Router(env, "slow", -1)
