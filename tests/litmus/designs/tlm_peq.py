"""Both payload event queues: out of order, at one instant, with no delay and at once, emptied."""

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import GenericPayload, PeqWithCallback, PeqWithGet, Phase


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    queue = PeqWithGet(top, "queue")
    payloads = [GenericPayload(address=index) for index in range(8)]

    def get():
        while True:
            yield queue.event
            log("get", "wake")
            while (payload := queue.get()) is not None:
                log("get", "payload", payload.address)

    def drive():
        queue.notify(payloads[0], 10 * NS)
        queue.notify(payloads[1], 4 * NS)
        queue.notify(payloads[2], 0)
        queue.notify(payloads[3], 4 * NS)
        yield 2 * NS
        log("drive", "at once")
        queue.notify(payloads[4])
        queue.notify(payloads[5], 1 * NS)
        yield 18 * NS
        queue.notify(payloads[6], 5 * NS)
        queue.notify(payloads[7], 2 * NS)
        yield 3 * NS
        log("drive", "cancel")
        queue.cancel_all()
        yield 7 * NS
        queue.notify(payloads[0], 2 * NS)
        queue.notify(payloads[1], 1 * NS)
        yield 10 * NS
        log("drive", "end")

    def due(payload, phase):
        log("due", phase.name, payload.address)
        if payload.address == 3 and phase is Phase.BEGIN_REQ:
            called.notify(payload, Phase.END_REQ, 0)
            called.notify(payload, Phase.BEGIN_RESP, 1 * NS)

    def drive_calls():
        yield 100 * NS
        called.notify(payloads[0], Phase.BEGIN_REQ, 10 * NS)
        called.notify(payloads[1], Phase.BEGIN_REQ, 4 * NS)
        called.notify(payloads[2], Phase.BEGIN_REQ, 0)
        called.notify(payloads[3], Phase.BEGIN_REQ, 4 * NS)
        log("drive_calls", "posted")
        yield 2 * NS
        called.notify(payloads[4], Phase.END_REQ)
        log("drive_calls", "at once")
        yield 0
        log("drive_calls", "a delta cycle later")
        yield 18 * NS
        called.notify(payloads[6], Phase.BEGIN_REQ, 5 * NS)
        called.notify(payloads[7], Phase.BEGIN_REQ, 0)
        called.cancel_all()
        log("drive_calls", "cancelled")
        yield 10 * NS
        called.notify(payloads[7], Phase.END_RESP, 0)
        called.notify(payloads[6], Phase.END_RESP, 0)
        yield 1 * NS
        log("drive_calls", "end")

    called = PeqWithCallback(top, due)
    top.thread(get)
    top.method(lambda: log("on_event", "run"), "on_event", sensitive=[queue.event], dont_initialize=True)
    top.thread(drive)
    top.thread(drive_calls)
    simulator.start()
    log("main", "done")
