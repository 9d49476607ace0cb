"""Arbitration: one transaction at a time on a lane, by policy; the litmus design compares the three policies."""

import pytest

from cosim import Module, Simulator
from cosim.tlm import Arbitration, Bus, GenericPayload, InitiatorSocket, Phase, Response, Sync, TargetSocket


class Memory(Module):
    """Takes 10 ps for each access, and knows if two ever overlap."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.inside, self.most = 0, 0
        self.socket = TargetSocket(self, "socket", self.b_transport)

    def b_transport(self, payload, delay):
        self.inside += 1
        self.most = max(self.most, self.inside)
        yield delay + 10
        self.inside -= 1
        payload.response = Response.OK
        return 0


def system(initiators, **options):
    env = Simulator()
    bus = Bus(env, "bus", **options)
    memories = [Memory(env, f"memory{index}") for index in range(2)]
    for index, memory in enumerate(memories):
        bus.map(0x100 * index, 0x100, memory.socket)
    sockets = []
    for index in range(initiators):
        sockets.append(InitiatorSocket(Module(env, f"cpu{index}"), "bus"))
        sockets[-1].bind(bus.target_socket())
    return env, bus, memories, sockets


def access(env, socket, address, log, delay=0):
    payload = GenericPayload.read(address, 4)
    assert (yield from socket.b_transport(payload, delay)) == 0
    assert payload.is_ok
    log.append((env.now, socket.module.name))


@pytest.mark.parametrize(("shared", "end"), [(False, 20), (True, 40)])
@pytest.mark.parametrize("simpy_processes", [False, True])
def test_a_lane_for_each_target_or_one_for_all(shared, end, simpy_processes):
    env, bus, memories, sockets = system(4, shared=shared)
    log = []
    for index, socket in enumerate(sockets):
        body = access(env, socket, 0x100 * (index % 2), log)
        if simpy_processes:
            env.process(body)
        else:
            socket.module.thread(body, "program")
    env.run()
    assert [memory.most for memory in memories] == [1, 1]
    assert env.now == end
    assert sum(bus.waited_ps) == (0 + 10 + 20 + 30 if shared else 0 + 0 + 10 + 10)
    assert bus.served == [1, 1, 1, 1]


def test_the_annotated_delay_is_waited_before_the_request():
    env, bus, _, sockets = system(2)
    log = []
    sockets[0].module.thread(access(env, sockets[0], 0, log, delay=7), "program")
    sockets[1].module.thread(access(env, sockets[1], 0, log, delay=6), "program")
    env.run()
    assert log == [(16, "cpu1"), (26, "cpu0")]
    assert bus.waited_ps == [9, 0]


def test_whoever_is_killed_gives_lane_and_place_up():
    env, bus, _, sockets = system(3, arbitration=Arbitration.FIXED)
    log = []
    threads = [socket.module.thread(lambda socket=socket: access(env, socket, 0, log), "program") for socket in sockets]

    def killer():
        yield 5
        threads[1].kill()
        yield 1
        threads[0].kill()

    Module(env, "killer").thread(killer)
    env.run()
    assert log == [(16, "cpu2")]
    assert bus.served == [1, 0, 1]


def test_a_non_blocking_initiator_comes_in_through_the_conversion():
    env, _, memories, (blocking,) = system(1)
    cpu, log = Module(env, "nb"), []

    def backward(payload, phase, delay):
        log.append((env.now, phase.name, payload.response.name))
        return Sync.COMPLETED, phase, delay

    socket = InitiatorSocket(cpu, "bus", nb_transport_bw=backward)
    socket.bind(env.find("bus").target_socket())

    def program():
        assert socket.nb_transport_fw(GenericPayload.read(0, 4), Phase.BEGIN_REQ, 3)[0] is Sync.ACCEPTED
        yield 0

    cpu.thread(program)
    blocking.module.thread(access(env, blocking, 0, log), "program")
    env.run()
    assert log == [(10, "cpu0"), (20, "BEGIN_RESP", "OK")]
    assert memories[0].most == 1


def test_outside_of_all_regions_nobody_waits():
    _, bus, _, sockets = system(1)
    payload = GenericPayload.read(0x200, 4)
    assert sockets[0].b_transport(payload, 5) == 5
    assert payload.response is Response.ADDRESS_ERROR
    assert bus.served == [0]
