"""An address-decoding, arbitrating bus: three initiators, two targets, three policies; accesses without time."""

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import Arbitration, Bus, DirectMemory, DmiAccess, GenericPayload, InitiatorSocket, Response, TargetSocket


class Memory(Module):
    """One nanosecond a byte, waited for or annotated."""

    def __init__(self, parent, name, log, waits):
        super().__init__(parent, name)
        self.log, self.waits = log, waits
        self.socket = TargetSocket(
            self, "socket", self.b_transport, lambda payload: len(payload.data), get_direct_mem_ptr=self.direct
        )

    def b_transport(self, payload, delay):
        self.log(self.name, "address", payload.address)
        self.log(self.name, "delay", delay)
        payload.response = Response.OK
        delay += len(payload.data) * NS
        return self.slow(delay) if self.waits else delay

    def slow(self, delay):
        yield delay
        return 0

    def direct(self, payload):
        return not self.waits, DirectMemory(16, 31 if self.waits else 1000, bytearray(64), DmiAccess.READ_WRITE)


class Initiator(Module):
    """Does a program of (at, address, length, annotated delay)."""

    def __init__(self, parent, name, log, program=()):
        super().__init__(parent, name)
        self.log, self.program = log, program
        self.socket = InitiatorSocket(self, "socket", invalidate_direct_mem_ptr=self.invalidate)
        self.thread(self.run)

    def run(self):
        for at, address, length, delay in self.program:
            if at * NS > self.simulator.now:
                yield at * NS - self.simulator.now
            payload = GenericPayload.read(address, length)
            self.log(self.name, "send", address)
            result = self.socket.b_transport(payload, delay * NS)
            result = result if isinstance(result, int) else (yield from result)
            self.log(self.name, f"TLM_{payload.response.name}_RESPONSE", payload.address)
            self.log(self.name, "delay", result)

    def invalidate(self, first, last):
        self.log(self.name, "invalidate", first)
        self.log(self.name, "to", last)


PROGRAMS = {
    "a": [(12, 0x20, 8, 0), (12, 0x24, 8, 0), (12, 0x28, 8, 0), (73, 0x12, 1, 2), (90, 0x13C, 4, 7)],
    "b": [(10, 0x04, 2, 0), (10, 0x104, 4, 0), (10, 0x04, 2, 3), (75, 0x11, 1, 0), (90, 0x3E, 4, 0)],
    "c": [(10, 0x00, 4, 0), (10, 0x08, 4, 0), (10, 0x100, 8, 0), (70, 0x10, 1, 5), (90, 0x3E, 2, 0)],
}


def system(log, simulator, programs, arbitration=Arbitration.AGE):
    bus = Bus(simulator, "bus", 2 * NS, arbitration=arbitration)
    low, high = Memory(simulator, "low", log, False), Memory(simulator, "high", log, True)
    bus.map(0x00, 0x40, low.socket)
    bus.map(0x100, 0x40, high.socket)
    initiators = [Initiator(simulator, name, log, program) for name, program in programs.items()]
    for initiator in initiators:
        initiator.socket.bind(bus.target_socket())
    return bus, low, high, initiators


def run(log):
    for arbitration in Arbitration:
        with log.case(arbitration.value) as simulator:
            bus, *_ = system(log, simulator, PROGRAMS, arbitration)
            simulator.start()
            log("main", "done")
            assert bus.served == [5, 4, 5]
    with log.case("without time") as simulator:
        _, low, high, (a, b) = system(log, simulator, {"a": [], "b": []})
        simulator.start(0)
        for address in (0x00, 0x3C, 0x40, 0x138, 0x200):
            payload = GenericPayload.read(address, 8)
            log("main", "address", address)
            log("main", "transport_dbg", a.socket.transport_dbg(payload))
            granted, region = b.socket.get_direct_mem_ptr(payload)
            log("main", "direct", granted)
            log("main", "from", region.start)
            log("main", "to", region.end)
        low.socket.invalidate_direct_mem_ptr(4, 7)
        high.socket.invalidate_direct_mem_ptr(16, 1000)
