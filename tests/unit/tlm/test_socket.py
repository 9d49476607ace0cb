"""A call through sockets reaches the target's functions; wrong bindings are errors."""

import itertools

import pytest

from cosim import Module, Simulator
from cosim.kernel import CompleteBindingError
from cosim.tlm import BindingError, Command, GenericPayload, InitiatorSocket, Response, TargetExport, TargetSocket


class Memory(Module):
    """64 bytes; waits for 5 ps before the access when `waits`, else annotates them."""

    def __init__(self, parent, name, waits=False):
        super().__init__(parent, name)
        self.bytes, self.waits = bytearray(range(64)), waits
        self.socket = TargetSocket(self, "socket", self.b_transport, self.debug)

    def access(self, payload):
        end = payload.address + len(payload.data)
        if payload.is_read:
            payload.data[:] = self.bytes[payload.address : end]
        else:
            self.bytes[payload.address : end] = payload.data
        payload.response = Response.OK

    def b_transport(self, payload, delay):
        if self.waits:
            return self.slow(payload, delay)
        self.access(payload)
        return delay + 5

    def slow(self, payload, delay):
        yield self.simulator.timeout(delay + 5)
        self.access(payload)
        return 0

    def debug(self, payload):
        self.access(payload)
        return len(payload.data)


@pytest.mark.parametrize(("waits", "annotated", "time"), [(False, 15, 0), (True, 0, 15)])
def test_annotated_or_waited(waits, annotated, time):
    env = Simulator()
    memory, cpu = Memory(env, "memory", waits), Module(env, "cpu")
    socket = InitiatorSocket(cpu, "bus")
    socket.bind(memory.socket)
    log = []

    def program():
        payload = GenericPayload.read(8, 4)
        assert payload.response is Response.INCOMPLETE
        delay = socket.b_transport(payload, 10)
        if not isinstance(delay, int):
            delay = yield from delay
        log.append((env.now, delay, bytes(payload.data), payload.is_ok))
        yield env.timeout(delay)

    cpu.process(program())
    env.run()
    assert log == [(time, annotated, b"\x08\x09\x0a\x0b", True)]
    assert env.now == 15


@pytest.mark.parametrize(("waits", "annotated", "time"), [(False, 12, 0), (True, 0, 12)])
def test_transport_for_generators_and_coroutines(waits, annotated, time):
    env = Simulator()
    memory, cpu, log = Memory(env, "memory", waits), Module(env, "cpu"), []
    socket = InitiatorSocket(cpu, "bus")
    socket.bind(memory.socket)

    def generator():
        log.append((yield from socket.transport(GenericPayload.read(0, 1), 7)))
        log.append(env.now)

    async def coroutine():
        log.append(await socket.transport(GenericPayload.read(0, 1), 7))
        log.append(env.now)

    for body in (generator, coroutine):
        cpu.thread(body)
        env.run()
    cpu.process(generator())
    env.run()
    assert log == [annotated, time, annotated, 2 * time, annotated, 3 * time]


def test_both_ends_know_each_other():
    env = Simulator()
    memory, cpu = Memory(env, "memory"), Module(env, "cpu")
    socket = InitiatorSocket(cpu, "bus")
    socket.bind(memory.socket)
    assert socket.peer is memory.socket
    assert memory.socket.peer is socket
    assert (socket.peer.module, memory.socket.peer.module) == (memory, cpu)
    assert (socket.full_name, memory.socket.full_name) == ("cpu.bus", "memory.socket")


def test_debug_moves_bytes_without_time():
    env = Simulator()
    memory, cpu = Memory(env, "memory"), Module(env, "cpu")
    socket = InitiatorSocket(cpu, "bus")
    socket.bind(memory.socket)
    assert socket.transport_dbg(GenericPayload.write(3, b"ab")) == 2
    assert memory.bytes[2:6] == b"\x02ab\x05"
    silent = InitiatorSocket(cpu, "other")
    silent.bind(TargetSocket(memory, "silent", memory.b_transport))
    assert silent.transport_dbg(GenericPayload.write(3, b"ab")) == 0


def test_wrong_bindings():
    env = Simulator()
    memory, cpu = Memory(env, "memory"), Module(env, "cpu")
    socket, second = InitiatorSocket(cpu, "bus"), InitiatorSocket(cpu, "bus2")
    payload = GenericPayload.read(0, 1)
    with pytest.raises(BindingError, match=r"^cpu\.bus is not bound$"):
        socket.b_transport(payload, 0)
    with pytest.raises(BindingError, match=r"^cpu\.bus is not bound$"):
        socket.transport_dbg(payload)
    with pytest.raises(BindingError, match=r"^cpu\.bus: cpu\.bus2 is not of a module around it$"):
        socket.bind(second)
    socket.bind(memory.socket)
    with pytest.raises(BindingError, match=r"^memory\.socket is bound already, to cpu\.bus$"):
        second.bind(memory.socket)
    with pytest.raises(BindingError, match=r"^cpu\.bus is bound already, to memory\.socket$"):
        socket.bind(TargetSocket(memory, "s2", memory.b_transport))


def test_payload_defaults_are_the_standards():
    payload = GenericPayload()
    assert (payload.command, payload.address, payload.data) == (Command.IGNORE, 0, b"")
    assert (payload.streaming_width, payload.byte_enable, payload.dmi_allowed) == (0, None, False)
    assert payload.response is Response.INCOMPLETE
    assert [int(response) for response in Response] == [1, 0, -1, -2, -3, -4, -5]
    assert repr(GenericPayload.write(16, b"abc")) == "GenericPayload(WRITE, 0x10, 3 bytes, INCOMPLETE)"
    assert GenericPayload.write(16, b"abc").is_write


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_nested_sockets_are_bound_in_any_order(order):
    env = Simulator()
    outer, shell = Module(env, "outer"), Module(env, "shell")
    part = Module(outer, "part")
    log = []
    inner = InitiatorSocket(part, "bus", invalidate_direct_mem_ptr=lambda *region: log.append(region))
    out = InitiatorSocket(outer, "out")
    into, deeper = TargetExport(shell, "in"), TargetExport(Module(shell, "deep"), "in")
    memory = Memory(deeper.module, "memory")
    steps = [
        lambda: inner.bind(out),
        lambda: out.bind(into),
        lambda: into.bind(deeper),
        lambda: deeper.bind(memory.socket),
    ]
    for index in order:
        steps[index]()
    env.start(0)
    payload = GenericPayload.write(3, b"x")
    inner.b_transport(payload, 0)
    assert payload.is_ok
    assert inner.peer is out.peer is memory.socket
    memory.socket.invalidate_direct_mem_ptr(1, 2)
    assert log == [(1, 2)]


def test_what_nested_sockets_refuse():
    env = Simulator()
    outer = Module(env, "outer")
    inner, second = (InitiatorSocket(Module(outer, name), "bus") for name in ("a", "b"))
    out = InitiatorSocket(outer, "out")
    inner.bind(out)
    with pytest.raises(BindingError, match=r"^outer\.out is bound already, to outer\.a\.bus$"):
        second.bind(out)
    own = InitiatorSocket(outer, "own", invalidate_direct_mem_ptr=print)
    with pytest.raises(BindingError, match=r"^outer\.own has functions of its own and cannot lead on outer\.b\.bus$"):
        second.bind(own)
    into = TargetExport(outer, "in")
    with pytest.raises(BindingError, match=r"^outer\.in: expected a target socket, got InitiatorSocket$"):
        into.bind(second)
    second.bind(into)
    with pytest.raises(CompleteBindingError, match=r"is not bound$"):
        env.start(0)
