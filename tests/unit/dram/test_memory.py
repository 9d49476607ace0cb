"""The memory as a module: events of requests, TLM transactions with data, counts and energy."""

import pytest

from cosim import ClockDomain, Module, Simulator
from cosim.kernel import ReportError, Severity
from cosim.models.dram import SCHEDULERS, Controller, Memory, energy_fj, preset
from cosim.models.fabric import MemoryPart, MemorySystem
from cosim.tlm import UNWRITTEN, Command, GenericPayload, InitiatorSocket, Response

pytestmark = pytest.mark.c_library

CLOCK = 833


def memory(shuffle_seed=None, **options):
    return Memory(Simulator(shuffle_seed=shuffle_seed), "memory", preset("ddr4_2400"), **options)


def transport(target, *payloads, delay=0):
    """Run payloads one after the other through a bound socket; (time, payload) of each end."""
    socket = InitiatorSocket(Module(target.simulator, "initiator"), "out")
    socket.bind(target.socket)
    ends = []

    def process():
        for payload in payloads:
            result = socket.b_transport(payload, delay)
            if not isinstance(result, int):
                result = yield from result
            ends.append((target.simulator.now + result, payload))

    target.simulator.process(process())
    target.simulator.run()
    return ends


def test_a_request_is_an_event_with_its_time():
    target = memory()
    event = target.submit(0, False)
    assert target.simulator.run(until=event) == 39 * CLOCK
    hit = target.submit(64, False)
    assert target.simulator.run(until=hit) == (39 + 22) * CLOCK


def test_requests_of_an_instant_go_by_port_not_by_call():
    order = []
    target = memory()
    for port in (2, 0, 1):
        target.submit(port << 20, False, port=port).callbacks.append(lambda _, port=port: order.append(port))
    target.simulator.run()
    assert order == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_callbacks_changes_nothing(seed):
    def times(shuffle_seed):
        target = memory(shuffle_seed)
        simulator = target.simulator
        done = {}

        def master(port):
            for i in range(40):
                yield target.submit(((i * 7 + port * 3) % 64) << 13, i % 3 == 0, port=port)
                done[port, i] = simulator.now

        for port in range(4):
            simulator.process(master(port))
        simulator.run()
        return done, target.stats()

    assert times(seed) == times(None)


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
@pytest.mark.parametrize("gap", [0, 1, 100 * CLOCK, 30_000 * CLOCK])
def test_a_run_that_drained_goes_on(scheduler, gap):
    """Buffered writes, which nobody waits for, take no time of a run to the end."""

    def times(drained):
        target = memory(scheduler=scheduler)
        simulator, done = target.simulator, []

        def master(writes):
            for i in range(40):
                yield target.submit((i * 7 % 64) << 13, writes)
                done.append(simulator.now)

        def masters():
            for writes in (True, False, True):
                yield simulator.process(master(writes))
                yield simulator.timeout(gap)

        if drained:
            for writes in (True, False, True):
                simulator.process(master(writes))
                simulator.run()
                assert target.stats().clocks == simulator.now // CLOCK
                if gap:
                    simulator.run(until=simulator.now + gap)
        else:
            simulator.process(masters())
            simulator.run()
        return done, target.stats()

    assert times(drained=True) == times(drained=False)


def test_a_payload_takes_the_time_of_its_bursts_and_moves_data():
    target = memory()
    data = bytes(range(200))
    write = GenericPayload.write(4000, data)  # bursts 62 to 65
    read = GenericPayload.read(3990, 220)
    (written, _), (end, _) = transport(target, write, read)
    assert target.stats().commands["WR"] == 4
    assert target.stats().commands["RD"] == 4
    # ACT, tRCD, four WR of one bank group, then the data.
    assert written == (1 + 17 + 3 * 6 + 12 + 4) * CLOCK
    assert end > written
    assert (write.response, read.response) == (Response.OK, Response.OK)
    assert bytes(read.data) == bytes(10) + data + bytes(10)


def test_byte_enables_leave_what_they_do_not_name():
    target = memory()
    write = GenericPayload.write(0, b"abcdef")
    masked = GenericPayload(Command.WRITE, 0, bytearray(b"ABCDEF"), byte_enable=b"\xff\x00\x00")
    read = GenericPayload(Command.READ, 0, bytearray(b"......"), byte_enable=b"\x00\xff")
    transport(target, write, masked, read)
    assert bytes(read.data) == b".b.D.f"


@pytest.mark.parametrize(
    ("payload", "response"),
    [
        (GenericPayload.read((8 << 30) - 4, 8), Response.ADDRESS_ERROR),
        (GenericPayload(Command.READ, 0, bytearray(8), streaming_width=4), Response.BURST_ERROR),
        (GenericPayload.read(0, 0), Response.BURST_ERROR),
        (GenericPayload(Command.IGNORE, 0, bytearray(8)), Response.OK),
    ],
)
def test_what_is_no_access_takes_no_time(payload, response):
    target = memory()
    assert transport(target, payload, delay=7)[0][0] == 7
    assert payload.response is response
    assert target.stats().reads == 0


def test_an_annotated_delay_passes_before_the_access():
    assert transport(memory(), GenericPayload.read(0, 64), delay=10 * CLOCK)[0][0] == (10 + 39) * CLOCK


def test_debug_transport_takes_no_time_and_is_cut_at_the_end():
    target = memory()
    assert target.socket.transport_dbg(GenericPayload.write((8 << 30) - 4, b"12345678")) == 4
    read = GenericPayload.read((8 << 30) - 4, 8)
    assert target.socket.transport_dbg(read) == 4
    assert bytes(read.data) == b"1234" + bytes(4)
    assert target.socket.transport_dbg(GenericPayload.read(8 << 30, 8)) == 0
    assert target.simulator.now == 0


def test_idle_time_is_refreshed_and_paid_for():
    target = memory()
    target.simulator.run(until=10**9)  # 1 ms
    stats = target.stats()
    assert stats.clocks == 10**9 // CLOCK
    assert stats.commands["REF"] == stats.clocks // 9360
    assert target.energy_fj() == energy_fj(target.preset, stats)
    assert target.energy_fj()["refresh"] > 0


def test_ideal_memory_answers_at_once():
    target = memory(scheduler="ideal")
    (end, _), (second, _) = transport(target, GenericPayload.read(0, 6400), GenericPayload.write(64, b"x"), delay=500)
    assert (end, second) == (500, 1000)
    assert (target.stats().reads, target.stats().writes) == (100, 1)
    assert sum(target.energy_fj().values()) == target.energy_fj()["background"]


def test_an_address_outside_is_refused_when_it_is_submitted():
    with pytest.raises(ValueError, match=r"^memory: address 0x200000000: expected 0 <= address < 0x200000000$"):
        memory().submit(8 << 30, False)


@pytest.mark.parametrize("kind", ["Memory", "MemorySystem"])
def test_a_read_of_bytes_never_written_is_reported(kind):
    """Of those bytes that it asks for; a debug read is not. As an error it ends the run where it is made."""
    simulator = Simulator()
    if kind == "Memory":
        socket, name = Memory(simulator, "dram", preset("ddr4_2400")).socket, "dram"
    else:
        channel = Controller(preset("ddr4_2400"))
        clock = ClockDomain("clock", channel.preset.t_ck_ps)
        part = MemoryPart(channel.state, clock)
        socket = MemorySystem(simulator, "memory", [part], capacity_bytes=1 << 20).port("cpu")
        name = "memory.cpu"
    master = Module(simulator, "master")
    out = InitiatorSocket(master, "out")
    out.bind(socket)
    seen = []
    simulator.reports.handler = lambda report, severity, message: seen.append((report, message))

    def process():
        yield from out.b_transport(GenericPayload.write(100, b"abcd"), 0)
        for address in (98, 100, 102):
            enable = b"\xff\xff\xff\x00" if address == 102 else None
            payload = GenericPayload(Command.READ, address, bytearray(4), byte_enable=enable)
            yield from out.b_transport(payload, 0)
        out.transport_dbg(GenericPayload.read(0, 50))

    simulator.process(process())
    simulator.run()
    text = name + ": read of 4 bytes at {}, of which {} were never written"
    assert seen == [(UNWRITTEN, text.format("0x62", 2)), (UNWRITTEN, text.format("0x66", 1))]
    simulator.reports.set_severity(UNWRITTEN, Severity.ERROR)
    simulator.process(process())
    with pytest.raises(ReportError, match="read of 4 bytes at 0x62"):
        simulator.run()
