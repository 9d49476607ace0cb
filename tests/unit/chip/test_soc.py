"""Chips in larger designs: beside each other, beside other masters, beside plain SimPy; driven by a host."""

from pathlib import Path

import pytest
import simpy

from cosim.kernel import Module, Simulator
from cosim.models.chip import Chip, ChipSpec, build_memory
from cosim.models.chip.chip import REGISTERS
from cosim.models.dma import TransferWork
from cosim.models.dram.spec import MemorySpec
from cosim.models.fabric import Descriptor, Direction, LocalWork
from cosim.models.tasks import Kind, TaskGraph
from cosim.scenario import load_component
from cosim.tlm import Command, GenericPayload, InitiatorSocket, Response

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SPEC = load_component(SCENARIOS / "chips/pnpu.yaml", ChipSpec)
MEMORY = load_component(SCENARIOS / "memories/lpddr4_3200.yaml", MemorySpec)


def job(chip, *, base=0, size=64 * 1024, cores=4):
    """Each of some cores loads a piece, works on it, and stores half of it."""
    graph = TaskGraph()
    for core in range(cores):
        work = []
        for direction, channel, moved in (
            (Direction.READ, "load", size // cores),
            (Direction.WRITE, "store", size // cores // 2),
        ):
            unit = f"core{core}.{channel}"
            descriptor = Descriptor(
                chip.layout.endpoint(unit), direction, 3 * core, row_bytes=moved, address=base + core * moved
            )
            work.append((unit, TransferWork((descriptor,))))
        load = graph.add(Kind.LOAD, work[0][0], f"in {core}", work[0][1])
        compute = graph.add(Kind.COMPUTE, f"core{core}", f"work {core}", LocalWork(50), (load,))
        graph.add(Kind.STORE, work[1][0], f"out {core}", work[1][1], (compute,))
    graph.link()
    return graph


class Traffic(Module):
    """A bus master: a read of a cache line after the other, each of a new page."""

    def __init__(self, parent, name, count):
        super().__init__(parent, name)
        self.socket = InitiatorSocket(self, "socket")
        self.count = count
        self.end_ps = None
        self.process(self._run(), "traffic")

    def _run(self):
        for index in range(self.count):
            payload = GenericPayload.read(0x100_0000 + index * 4096, 64)
            yield from self.socket.b_transport(payload, 0)
            assert payload.is_ok
        self.end_ps = self.simulator.now_ps


def design(order=("a", "b"), *, traffic=0, shuffle_seed=None):
    """Chips of these names, built in this order, at one memory."""
    sim = Simulator(shuffle_seed=shuffle_seed)
    memory, _ = build_memory(sim, "memory", MEMORY)
    chips = {}
    for name in order:
        chips[name] = Chip(sim, name, SPEC)
        chips[name].memory_socket.bind(memory.port(name))
    master = None
    if traffic:
        master = Traffic(sim, "cpu", traffic)
        master.socket.bind(memory.port("cpu"))
    return sim, memory, chips, master


def run(*args, **options):
    """End of each chip's job, all started at 0, and of the traffic."""
    sim, _, chips, master = design(*args, **options)
    for name, chip in sorted(chips.items()):
        chip.run_job(job(chip, base=0x10_0000 * (1 + "ab".index(name))))
    sim.run()
    ends = {name: chip.results[0].end_ps for name, chip in chips.items()}
    for chip in chips.values():
        (result,) = chip.results
        assert sum(result.time_by_reason_ps.values()) == result.end_ps - result.start_ps
    if master is not None:
        ends["cpu"] = master.end_ps
    return ends


def test_chips_and_a_bus_master_slow_each_other_down():
    together = run(traffic=300)
    for name in ("a", "b"):
        alone = run((name,))[name]
        assert alone < run(("a", "b"))[name] < together[name]
    assert run((), traffic=300)["cpu"] < together["cpu"]


def test_neither_order_of_construction_nor_of_an_instant_matters():
    plain = run(("a", "b"), traffic=100)
    assert run(("b", "a"), traffic=100) == plain
    for seed in range(3):
        assert run(("a", "b"), traffic=100, shuffle_seed=seed) == plain


def test_two_simulators_in_turns_are_two_simulators():
    alone = run(("a", "b"), traffic=50)
    designs = [design(("a", "b"), traffic=50) for _ in range(2)]
    for _, _, chips, _ in designs:
        for name, chip in chips.items():
            chip.run_job(job(chip, base=0x10_0000 * (1 + "ab".index(name))))
    left = [sim for sim, *_ in designs]
    turns = 0
    while left:
        for sim in tuple(left):
            try:
                for _ in range(1 + turns % 3):
                    sim.step()
            except simpy.core.EmptySchedule:
                left.remove(sim)
        turns += 1
    for _, _, chips, master in designs:
        assert {"cpu": master.end_ps} | {name: chip.results[0].end_ps for name, chip in chips.items()} == alone


class Host(Module):
    """Starts two jobs through the registers and waits for each interrupt."""

    def __init__(self, parent, name, chip):
        super().__init__(parent, name)
        self.socket = InitiatorSocket(self, "socket")
        self.socket.bind(chip.register_socket)
        self.chip = chip
        self.log = []
        self.process(self._run(), "program")

    def read(self, register):
        payload = GenericPayload.read(REGISTERS[register], 4)
        delay = self.socket.b_transport(payload, 0)
        assert payload.is_ok
        return int.from_bytes(payload.data, "little"), delay

    def write(self, register, value):
        payload = GenericPayload.write(REGISTERS[register], value.to_bytes(4, "little"))
        delay = self.socket.b_transport(payload, 0)
        assert payload.is_ok
        return delay

    def _run(self):
        for _ in range(2):
            assert self.read("status")[0] == 0
            yield self.simulator.timeout(self.write("control", 1))
            assert self.read("status")[0] == 1
            yield self.chip.interrupt.wait()
            status, delay = self.read("status")
            self.log.append((self.simulator.now_ps, status, self.read("completed")[0], self.read("queued")[0]))
            yield self.simulator.timeout(delay)
            self.write("status", 2)


def test_a_host_drives_a_chip_through_its_registers():
    sim, _, chips, _ = design(("a",))
    chip = chips["a"]
    host = Host(sim, "host", chip)
    for _ in range(2):
        chip.queue(job(chip))
    sim.run()
    first, second = chip.results
    # A finished job does not start the next one: the host does.
    assert host.log == [(first.end_ps, 2, 1, 1), (second.end_ps, 2, 2, 0)]
    assert second.start_ps == first.end_ps + chip.clock.cycles(1)
    assert not chip.interrupt.level


@pytest.mark.parametrize(
    ("payload", "response"),
    [
        (GenericPayload.read(0x10, 4), Response.ADDRESS_ERROR),
        (GenericPayload.read(0x02, 4), Response.ADDRESS_ERROR),
        (GenericPayload.read(0x00, 8), Response.BURST_ERROR),
        (GenericPayload.write(0x08, bytes(4)), Response.COMMAND_ERROR),
        (GenericPayload.write(0x0C, bytes(4)), Response.COMMAND_ERROR),
        (GenericPayload.read(0x04, 4), Response.OK),
    ],
)
def test_wrong_register_accesses_are_answered_with_errors(payload, response):
    _, _, chips, _ = design(("a",))
    chips["a"].register_socket.b_transport(payload, 0)
    assert payload.response is response


def test_debug_reads_of_registers_change_nothing():
    _, _, chips, _ = design(("a",))
    socket = chips["a"].register_socket
    assert socket.transport_dbg(GenericPayload.read(0x04, 4)) == 4
    assert socket.transport_dbg(GenericPayload.read(0x44, 4)) == 0
    assert socket.transport_dbg(GenericPayload.write(0x00, bytes([1, 0, 0, 0]))) == 0


def test_plain_simpy_runs_beside_a_chip():
    sim, _, chips, _ = design(("a",))
    chip = chips["a"]
    bus, mail, log = simpy.Resource(sim, capacity=1), simpy.Store(sim), []

    def sender():
        with bus.request() as granted:
            yield granted
            result = yield chip.run_job(job(chip))
            yield mail.put(result.end_ps)

    def receiver():
        told = yield mail.get()
        log.append((sim.now, told))

    def latecomer():
        with bus.request() as granted:
            yield granted
            log.append((sim.now, "bus"))

    for process in (sender, receiver, latecomer):
        sim.process(process())
    sim.run()
    end = chip.results[0].end_ps
    assert sorted(map(str, log)) == sorted(map(str, [(end, end), (end, "bus")]))


def test_an_unbound_chip_says_so():
    sim = Simulator()
    chip = Chip(sim, "chip", SPEC)
    with pytest.raises(RuntimeError, match=r"^chip.memory_socket must be bound to a MemorySystem's port$"):
        chip.run_job(job(chip))


def test_no_port_can_be_added_once_the_fabric_exists():
    _, memory, chips, _ = design(("a",))
    chips["a"].run_job(job(chips["a"]))
    with pytest.raises(RuntimeError, match=r"^memory: the simulation has begun, no port can be added$"):
        memory.port("late")


def test_memory_holds_what_was_written_to_it():
    sim, memory, _, _ = design((), traffic=0)
    master = Module(sim, "master")
    socket = InitiatorSocket(master, "socket")
    socket.bind(memory.port("master"))
    seen = []

    def program():
        read = GenericPayload.read(4090, 12)
        yield from socket.b_transport(read, 0)
        seen.append(bytes(read.data))
        yield from socket.b_transport(GenericPayload.write(4094, b"abcd"), 0)
        again = GenericPayload.read(4090, 12)
        yield from socket.b_transport(again, 0)
        seen.append(bytes(again.data))
        beyond = GenericPayload.read(memory.capacity_bytes - 4, 8)
        delay = yield from socket.b_transport(beyond, 0)
        seen.append((beyond.response, delay))

    sim.process(program())
    sim.run()
    assert seen == [bytes(12), b"\0\0\0\0abcd\0\0\0\0", (Response.ADDRESS_ERROR, 0)]
    peek = GenericPayload.read(4095, 2)
    assert socket.transport_dbg(peek) == 2
    assert bytes(peek.data) == b"bc"


def test_a_payload_to_memory_is_what_its_attributes_say():
    sim, memory, _, _ = design((), traffic=0)
    socket = InitiatorSocket(Module(sim, "master"), "socket")
    socket.bind(memory.port("master"))
    answers = []

    def program(*payloads):
        for payload in payloads:
            start = sim.now_ps
            delay = yield from socket.b_transport(payload, 7)
            answers.append((payload.response, sim.now_ps - start > 7, delay))

    read = GenericPayload(Command.READ, 0, bytearray(b"......"), byte_enable=b"\x00\xff")
    sim.process(
        program(
            GenericPayload.write(0, b"abcdef"),
            GenericPayload(Command.WRITE, 0, bytearray(b"ABCDEF"), byte_enable=b"\xff\x00\x00"),
            read,
            GenericPayload(Command.READ, 0, bytearray(8), streaming_width=4),
            GenericPayload.read(0, 0),
            GenericPayload(Command.IGNORE, 0, bytearray(8)),
        )
    )
    sim.run()
    assert bytes(read.data) == b".b.D.f"
    assert answers == [(Response.OK, True, 0)] * 3 + [(Response.BURST_ERROR, False, 7)] * 2 + [(Response.OK, False, 7)]
    end = memory.capacity_bytes
    assert socket.transport_dbg(GenericPayload.write(end - 2, b"wxyz")) == 2
    assert socket.transport_dbg(GenericPayload.read(end, 4)) == 0
