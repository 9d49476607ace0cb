"""The generic payload: extensions that stay and that go, deep copies and what comes back from them."""

from cosim.tlm import Command, Extension, GenericPayload, PayloadPool, Response


class Route(Extension):
    """Can be cloned."""

    def __init__(self, hops):
        self.hops = hops


class Ticket(Extension):
    """Cannot be cloned."""

    def __init__(self, number):
        self.number = number

    def clone(self):
        return None


def hops(payload):
    route = payload.get_extension(Route)
    return -1 if route is None else route.hops


def number(payload):
    ticket = payload.get_extension(Ticket)
    return -1 if ticket is None else ticket.number


def run(log):
    extensions(log.plain)
    pool(log.plain)
    copies(log.plain)


def extensions(plain):
    payload = GenericPayload()
    plain("set", "old", payload.set_extension(Route(1)) is not None)
    plain("set", "hops", hops(payload))
    plain("set", "old", payload.set_extension(Route(2)).hops)
    plain("set", "hops", hops(payload))
    plain("set", "another kind", number(payload))
    payload.clear_extension(Route)
    plain("clear", "hops", hops(payload))


def pool(plain):
    pool = PayloadPool()
    pooled = pool.get()
    pooled.acquire()
    pooled.set_extension(Route(3))
    pooled.set_extension(Ticket(4), auto=True)
    pooled.release()
    plain("pool", "given back", 1 - pool.live)
    plain("pool", "references", pooled.references)
    plain("pool", "ticket", number(pooled))
    pooled.release()
    plain("pool", "given back", 1 - pool.live)
    plain("pool", "hops stay", hops(pooled))
    plain("pool", "the ticket goes", number(pooled))


def copies(plain):
    data = bytearray(range(8))
    original = GenericPayload(Command.READ, 0x40, data, streaming_width=4, byte_enable=b"\xff\0")
    original.dmi_allowed = True
    original.response = Response.BURST_ERROR
    original.set_extension(Route(5))
    original.set_extension(Ticket(6))
    copy = GenericPayload()
    copy.deep_copy_from(original)
    plain("copy", "command", copy.is_read)
    plain("copy", "address", copy.address)
    plain("copy", "data", copy.data.hex())
    plain("copy", "byte enable", copy.byte_enable.hex())
    plain("copy", "streaming width", copy.streaming_width)
    plain("copy", "dmi", copy.dmi_allowed)
    plain("copy", "response", int(copy.response))
    plain("copy", "hops", hops(copy))
    plain("copy", "ticket", number(copy))
    copy.get_extension(Route).hops = 7
    plain("copy", "hops of the original", hops(original))
    copy.set_extension(Ticket(8))
    copy.deep_copy_from(original)
    plain("copy", "hops again", hops(copy))
    plain("copy", "ticket, copied into", number(copy))

    copy.data[:] = range(0xA0, 0xA8)
    copy.response = Response.OK
    copy.dmi_allowed = False
    copy.address = 0x80
    copy.get_extension(Route).hops = 9
    original.clear_extension(Ticket)
    original.update_original_from(copy)
    plain("update", "data", data.hex())
    plain("update", "response", int(original.response))
    plain("update", "dmi", original.dmi_allowed)
    plain("update", "address", original.address)
    plain("update", "hops", hops(original))
    plain("update", "ticket", number(original))
    original.update_original_from(copy, use_byte_enable_on_read=False)
    plain("update", "data without byte enables", data.hex())
    original.command = Command.WRITE
    copy.data[:] = range(0xB0, 0xB8)
    original.update_original_from(copy)
    plain("update", "data of a write", data.hex())
