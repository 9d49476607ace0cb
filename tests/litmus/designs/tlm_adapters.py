"""Non-blocking initiator and blocking target, and the other way round."""

from litmus.designs.tlm_b_transport import response_text
from litmus.harness import NS

from cosim.kernel import Event, Module
from cosim.tlm import (
    Command,
    GenericPayload,
    InitiatorSocket,
    PayloadPool,
    PeqWithCallback,
    Phase,
    Response,
    Sync,
    TargetSocket,
)


class BlockingTarget(Module):
    """Takes 25 ns, annotated or waited for."""

    def __init__(self, parent, name, log, waits):
        super().__init__(parent, name)
        self.log, self.waits = log, waits
        self.s = TargetSocket(self, "s", self.b_transport)

    def b_transport(self, payload, delay):
        self.log(self.full_name, "b_transport delay", delay)
        payload.response = Response.OK
        return self.wait(delay) if self.waits else delay + 25 * NS

    def wait(self, delay):
        yield 25 * NS
        return delay


class NonBlockingTarget(Module):
    """END_REQ after 10 ns, BEGIN_RESP after 30 ns."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.s = TargetSocket(self, "s", nb_transport_fw=self.forward)
        self.queue = PeqWithCallback(self, self.due)

    def forward(self, payload, phase, delay):
        self.log(self.full_name, "nb_transport_fw", phase.name)
        self.log(self.full_name, "delay", delay)
        if phase is Phase.END_RESP:
            return Sync.COMPLETED, phase, delay
        self.queue.notify(payload, phase, delay)
        return Sync.ACCEPTED, phase, delay

    def due(self, payload, phase):
        self.log(self.full_name, "peq", phase.name)
        if phase is Phase.BEGIN_REQ:
            self.queue.notify(payload, Phase.END_REQ, 10 * NS)
            self.queue.notify(payload, Phase.BEGIN_RESP, 30 * NS)
            return
        payload.response = Response.OK
        sync, _, _ = self.s.nb_transport_bw(payload, phase, 0)
        self.log(self.full_name, "bw returned", f"TLM_{sync.name}")


class NonBlockingInitiator(Module):
    """Two writes, one after the other."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log, self.pool, self.event = log, PayloadPool(), Event(self, "ev")
        self.s = InitiatorSocket(self, "s", nb_transport_bw=self.backward)
        self.thread(self.t)

    def backward(self, payload, phase, delay):
        self.log(self.full_name, "nb_transport_bw", phase.name)
        self.log(self.full_name, "delay", delay)
        if phase is Phase.BEGIN_RESP:
            self.event.notify(delay)
            return Sync.COMPLETED, phase, delay
        return Sync.ACCEPTED, phase, delay

    def t(self):
        for _ in range(2):
            payload = self.pool.get(Command.WRITE, 0, bytearray(4))
            sync, phase, delay = self.s.nb_transport_fw(payload, Phase.BEGIN_REQ, 5 * NS)
            self.log(self.full_name, "fw returned", f"TLM_{sync.name}")
            self.log(self.full_name, "phase", phase.name)
            self.log(self.full_name, "delay", delay)
            if sync is not Sync.COMPLETED:
                yield self.event
            self.log(self.full_name, "done", response_text(payload.response))
            payload.release()
            yield 10 * NS
        self.log(self.full_name, "live", self.pool.live)


class BlockingInitiator(Module):
    """Two writes, one after the other."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.s = InitiatorSocket(self, "s")
        self.thread(self.t)

    def t(self):
        for number in range(2):
            payload = GenericPayload.write(0, bytes(4))
            self.log(self.full_name, "call", number)
            delay = yield from self.s.b_transport(payload, 5 * NS)
            self.log(self.full_name, "returned", response_text(payload.response))
            self.log(self.full_name, "delay", delay)
            yield delay


def run(log):
    for name, waits in (("nb initiator, annotating b target", False), ("nb initiator, waiting b target", True)):
        with log.case(name) as simulator:
            target, initiator = BlockingTarget(simulator, "t", log, waits), NonBlockingInitiator(simulator, "i", log)
            initiator.s.bind(target.s)
            simulator.start()
            log("main", "done")
    with log.case("b initiator, nb target") as simulator:
        target, initiator = NonBlockingTarget(simulator, "t", log), BlockingInitiator(simulator, "i", log)
        initiator.s.bind(target.s)
        simulator.start()
        log("main", "done")
    with log.case("socket left unbound") as simulator:
        BlockingTarget(simulator, "t", log, False)
        NonBlockingInitiator(simulator, "i", log)
        simulator.start()
        log("main", "never")
