"""Blocking transport: a memory with byte enables and streaming width, annotating or waiting; debug transport."""

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import Command, GenericPayload, InitiatorSocket, Response, TargetSocket


def response_text(response):
    """SystemC's text for a response."""
    return f"TLM_{Response(response).name}_RESPONSE"


class Memory(Module):
    """64 bytes; 10 ns and 1 ns per byte."""

    def __init__(self, parent, name, log, *, byte_enables, waits):
        super().__init__(parent, name)
        self.log, self.byte_enables, self.waits = log, byte_enables, waits
        self.bytes, self.transfers = bytearray(64), 0
        self.s = TargetSocket(self, "s", self.b_transport, self.debug)

    def b_transport(self, payload, delay):
        self.log(self.full_name, "b_transport at local offset", delay)
        payload.response = self.access(payload)
        if payload.response is not Response.OK:
            return delay
        delay += (10 + len(payload.data)) * NS
        return self.wait(payload, delay) if self.waits else self.finish(payload, delay)

    def access(self, payload):
        length = len(payload.data)
        width = min(payload.streaming_width, length)
        enable = payload.byte_enable
        if payload.command is Command.IGNORE:
            return Response.COMMAND_ERROR
        if enable and not self.byte_enables:
            return Response.BYTE_ENABLE_ERROR
        if width == 0:
            return Response.BURST_ERROR
        if payload.address + width > len(self.bytes):
            return Response.ADDRESS_ERROR
        for index in range(length):
            if enable and enable[index % len(enable)] != 0xFF:
                continue
            cell = payload.address + index % width
            if payload.is_write:
                self.bytes[cell] = payload.data[index]
            else:
                payload.data[index] = self.bytes[cell]
        return Response.OK

    def finish(self, payload, delay):
        self.transfers += 1
        payload.dmi_allowed = self.transfers >= 3
        return delay

    def wait(self, payload, delay):
        yield delay
        return self.finish(payload, 0)

    def debug(self, payload):
        if payload.address >= len(self.bytes):
            return 0
        count = min(len(payload.data), len(self.bytes) - payload.address)
        if payload.is_read:
            payload.data[:count] = self.bytes[payload.address : payload.address + count]
        else:
            self.bytes[payload.address : payload.address + count] = payload.data[:count]
        return count


class Initiator(Module):
    """Does the transfers one after the other."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.s = InitiatorSocket(self, "s")
        self.thread(self.t)

    def go(self, text, command, address, data, delay=0, **options):
        payload = GenericPayload(command, address, bytearray(data), **options)
        delay = self.s.b_transport(payload, delay)
        if not isinstance(delay, int):
            delay = yield from delay
        who = self.full_name
        self.log(who, text, response_text(payload.response))
        self.log(who, "delay", delay)
        self.log(who, "dmi_allowed", payload.dmi_allowed)
        if payload.is_read and payload.is_ok:
            self.log(who, "data", payload.data.hex())
        if not payload.is_ok:
            self.log(who, "is_response_error", True)
        yield delay

    def t(self):
        read, write = Command.READ, Command.WRITE
        yield from self.go("write 4 @0x10", write, 0x10, range(0x10, 0x14))
        yield from self.go("read 4 @0x10", read, 0x10, bytes(4), 7 * NS)
        yield from self.go("burst write 16 @0x20", write, 0x20, range(0xA0, 0xB0))
        yield from self.go("burst read 20 @0x1e", read, 0x1E, bytes(20))
        yield from self.go("read 4 @0x3e: past the end", read, 0x3E, bytes(4))
        yield from self.go("ignore", Command.IGNORE, 0, bytes(4))
        enable = {"byte_enable": b"\xff\x00"}
        yield from self.go("write 8 with byte enables ff 00", write, 0, range(0xE0, 0xE8), **enable)
        yield from self.go("read 8", read, 0, bytes(8))
        yield from self.go("write 8, streaming width 4 @0x30", write, 0x30, range(0x70, 0x78), streaming_width=4)
        yield from self.go("read 8 @0x30", read, 0x30, bytes(8))
        yield from self.go("streaming width 0", read, 0, bytes(4), streaming_width=0)
        payload = GenericPayload.read(0x3C, 16)
        self.log(self.full_name, "transport_dbg bytes", self.s.transport_dbg(payload))
        self.log(self.full_name, "dbg data", payload.data[:4].hex())
        payload = GenericPayload.read(0x100, 4)
        self.log(self.full_name, "transport_dbg bytes out of range", self.s.transport_dbg(payload))
        self.log(self.full_name, "end")


def run(log):
    with log.case("payload defaults"):
        payload = GenericPayload()
        log.plain("gp", "command", payload.command.value)
        log.plain("gp", "address", payload.address)
        log.plain("gp", "data_length", len(payload.data))
        log.plain("gp", "streaming_width", payload.streaming_width)
        log.plain("gp", "byte_enable_length", len(payload.byte_enable or b""))
        log.plain("gp", "response", response_text(payload.response))
        log.plain("gp", "dmi", payload.dmi_allowed)
        log.plain("gp", "ref_count", payload.references)
        log.plain("gp", "has_mm", payload.pooled)
        for value in range(1, -6, -1):
            log.plain("gp", "response", response_text(value))
            log.plain("gp", "value", int(Response(value)))
    for name, options in (
        ("annotating target, with byte enables", {"byte_enables": True, "waits": False}),
        ("waiting target, no byte enables", {"byte_enables": False, "waits": True}),
    ):
        with log.case(name) as simulator:
            memory, initiator = Memory(simulator, "m", log, **options), Initiator(simulator, "i", log)
            initiator.s.bind(memory.s)
            simulator.start()
            log("main", "done")
