"""The four-phase protocol: five styles of target against one initiator, watched by the protocol checker."""

from litmus.designs.tlm_b_transport import response_text
from litmus.harness import NS

from cosim.kernel import Event, Module
from cosim.tlm import (
    Command,
    InitiatorSocket,
    PayloadPool,
    PeqWithCallback,
    Phase,
    ProtocolChecker,
    Response,
    Sync,
    TargetSocket,
)


class Target(Module):
    """Styles 0 .. 4: accepted; updated to END_REQ; completed; accepted without END_REQ; updated to BEGIN_RESP."""

    def __init__(self, parent, name, log, style):
        super().__init__(parent, name)
        self.log, self.style = log, style
        self.s = TargetSocket(self, "s", nb_transport_fw=self.forward)
        self.queue = PeqWithCallback(self, self.due)

    def forward(self, payload, phase, delay):
        self.log(self.full_name, "nb_transport_fw", phase.name)
        self.log(self.full_name, "delay", delay)
        if phase is Phase.END_RESP:
            return Sync.COMPLETED, phase, delay
        if self.style == 1:
            self.queue.notify(payload, Phase.BEGIN_RESP, delay + 30 * NS)
            return Sync.UPDATED, Phase.END_REQ, delay + 4 * NS
        if self.style == 2:
            payload.response = Response.OK
            return Sync.COMPLETED, phase, delay + 20 * NS
        if self.style == 4:
            payload.response = Response.OK
            return Sync.UPDATED, Phase.BEGIN_RESP, delay + 15 * NS
        self.queue.notify(payload, phase, delay)
        return Sync.ACCEPTED, phase, delay

    def due(self, payload, phase):
        self.log(self.full_name, "peq", phase.name)
        if phase is Phase.BEGIN_REQ:
            if self.style == 0:
                self.queue.notify(payload, Phase.END_REQ, 10 * NS)
            self.queue.notify(payload, Phase.BEGIN_RESP, 30 * NS)
            return
        if phase is Phase.BEGIN_RESP:
            payload.response = Response.OK
        sync, answer, delay = self.s.nb_transport_bw(payload, phase, 2 * NS)
        self.log(self.full_name, "nb_transport_bw returned", f"TLM_{sync.name}")
        self.log(self.full_name, "phase", answer.name)
        self.log(self.full_name, "delay", delay)


class Initiator(Module):
    """Three writes, one request at a time."""

    def __init__(self, parent, name, log, completes):
        super().__init__(parent, name)
        self.log, self.completes = log, completes
        self.s = InitiatorSocket(self, "s", nb_transport_bw=self.backward)
        self.queue = PeqWithCallback(self, self.due)
        self.pool, self.current, self.received = PayloadPool(), None, 0
        self.request_free, self.done = Event(self, "request_free"), Event(self, "done")
        self.thread(self.t)

    def note(self, what, value=0):
        self.log(self.full_name, what, value)

    def t(self):
        for number in range(3):
            payload = self.pool.get(Command.WRITE, 4 * number, bytearray(number.to_bytes(4, "little")))
            if self.current is not None:
                self.note("wait for the request channel")
                yield self.request_free
            self.current = payload
            self.note("send", number)
            sync, phase, delay = self.s.nb_transport_fw(payload, Phase.BEGIN_REQ, 3 * NS)
            self.note("nb_transport_fw returned", f"TLM_{sync.name}")
            self.note("phase", phase.name)
            self.note("delay", delay)
            if sync is Sync.UPDATED:
                self.queue.notify(payload, phase, delay)
            elif sync is Sync.COMPLETED:
                self.current = None
                yield delay
                self.finish(payload)
        while self.received < 3:
            yield self.done
        self.note("end live payloads", self.pool.live)

    def finish(self, payload):
        self.note("complete", payload.address // 4)
        self.note("response", response_text(payload.response))
        self.received += 1
        payload.release()
        self.done.notify()

    def backward(self, payload, phase, delay):
        self.note("nb_transport_bw", phase.name)
        self.note("delay", delay)
        if self.completes and phase is Phase.BEGIN_RESP:
            delay += 1 * NS
            if payload is self.current:
                self.current = None
                self.request_free.notify(delay)
            self.finish(payload)
            return Sync.COMPLETED, Phase.END_RESP, delay
        self.queue.notify(payload, phase, delay)
        return Sync.ACCEPTED, phase, delay

    def due(self, payload, phase):
        self.note("peq", phase.name)
        if phase is Phase.END_REQ or (phase is Phase.BEGIN_RESP and payload is self.current):
            self.current = None
            self.request_free.notify()
        if phase is Phase.BEGIN_RESP:
            sync, _, _ = self.s.nb_transport_fw(payload, Phase.END_RESP, 1 * NS)
            self.note("END_RESP returned", f"TLM_{sync.name}")
            self.finish(payload)


def run(log):
    cases = [(style, False, f"target mode {style}, initiator sends END_RESP") for style in range(5)]
    for style, completes, name in [*cases, (0, True, "target mode 0, initiator completes on the backward path")]:
        with log.case(name) as simulator:
            target, initiator = Target(simulator, "t", log, style), Initiator(simulator, "i", log, completes)
            initiator.s.bind(target.s)
            checker = ProtocolChecker(initiator.s)
            simulator.start()
            log("main", "done", initiator.pool.live)
            checker.finish()
            assert checker.transactions == 3
