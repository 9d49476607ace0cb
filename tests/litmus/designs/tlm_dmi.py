"""Direct memory access: granted, used, invalidated, refused."""

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import DirectMemory, DmiAccess, GenericPayload, InitiatorSocket, Response, TargetSocket


class Memory(Module):
    """Grants 0 .. 127, except while locked, from 100 to 200 ns."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log, self.bytes, self.locked = log, bytearray(range(256)), False
        self.s = TargetSocket(self, "s", self.b_transport, self.debug, get_direct_mem_ptr=self.direct)
        self.thread(self.t)

    def b_transport(self, payload, delay):
        address = payload.address
        self.log(self.full_name, "b_transport", address)
        payload.data[:] = self.bytes[address : address + len(payload.data)]
        payload.dmi_allowed = not self.locked and address < 128
        payload.response = Response.OK
        return delay + 20 * NS

    def direct(self, payload):
        self.log(self.full_name, "get_direct_mem_ptr", payload.address)
        if self.locked or payload.address >= 128:
            return False, DirectMemory(128, 255)
        access = DmiAccess.READ_WRITE if payload.is_write else DmiAccess.READ
        return True, DirectMemory(0, 127, self.bytes, access, 2 * NS, 3 * NS)

    def debug(self, payload):
        payload.data[:] = self.bytes[payload.address : payload.address + len(payload.data)]
        return len(payload.data)

    def t(self):
        yield 100 * NS
        self.locked = True
        self.log(self.full_name, "invalidate 32..95")
        self.s.invalidate_direct_mem_ptr(32, 95)
        yield 100 * NS
        self.locked = False


class Cpu(Module):
    """Reads directly where it may."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log, self.region = log, None
        self.s = InitiatorSocket(self, "s", invalidate_direct_mem_ptr=self.invalidate)
        self.thread(self.t)

    def note(self, what, value=0):
        self.log(self.full_name, what, value)

    def invalidate(self, start, end):
        self.note("invalidate start", start)
        self.note("invalidate end", end)
        if self.region is not None and self.region.overlaps(start, end):
            self.region = None
            self.note("dropped")

    def read(self, address):
        region = self.region
        if region is not None and region.covers(address, DmiAccess.READ):
            value = region.memory[address - region.start]
            yield region.read_latency
            self.note("dmi read", value)
            return
        payload = GenericPayload.read(address, 1)
        yield self.s.b_transport(payload, 0)
        self.note("b_transport read", payload.data[0])
        self.note("dmi_allowed", payload.dmi_allowed)
        if payload.dmi_allowed:
            granted, region = self.s.get_direct_mem_ptr(payload)
            self.region = region if granted else None
            self.note("granted", granted)
            self.note("start", region.start)
            self.note("end", region.end)
            self.note("access", int(region.access))
            self.note("read_latency", region.read_latency)
            self.note("write_latency", region.write_latency)

    def t(self):
        now = self.simulator
        for address in (5, 6, 127, 128, 7):
            yield from self.read(address)
        yield 100 * NS - now.now
        yield 1 * NS
        for address in (8, 9):
            yield from self.read(address)
        yield 210 * NS - now.now
        for address in (10, 11):
            yield from self.read(address)
        payload = GenericPayload.read(200, 1)
        granted, region = self.s.get_direct_mem_ptr(payload)
        self.note("get_direct_mem_ptr refused", granted)
        self.note("refused start", region.start)
        self.note("refused end", region.end)
        self.note("dbg bytes", self.s.transport_dbg(payload))
        self.note("dbg value", payload.data[0])
        self.note("end")


def run(log):
    memory, cpu = Memory(log.simulator, "m", log), Cpu(log.simulator, "c", log)
    cpu.s.bind(memory.s)
    log.simulator.start()
    default = DirectMemory()
    log.plain("dmi", "default start", default.start)
    log.plain("dmi", "default end is max", default.end == 2**64 - 1)
    log.plain("dmi", "default access", int(default.access))
    log("main", "done")
