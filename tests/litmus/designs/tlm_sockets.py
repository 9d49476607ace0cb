"""Sockets: with tags, with many peers, through the modules around, without conversions; all six functions."""

from functools import partial

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import (
    DirectMemory,
    DmiAccess,
    GenericPayload,
    InitiatorSocket,
    MultiInitiatorSocket,
    MultiTargetSocket,
    PassthroughTargetSocket,
    Phase,
    Response,
    Sync,
    TaggedInitiatorSocket,
    TaggedTargetSocket,
    TargetExport,
    TargetSocket,
)


class Tagged(Module):
    """Two sockets, one set of functions."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = partial(log, "target")
        self.a, self.b = (
            TaggedTargetSocket(
                self,
                letter,
                tag,
                self.b_transport,
                self.transport_dbg,
                nb_transport_fw=self.nb_transport_fw,
                get_direct_mem_ptr=self.get_direct_mem_ptr,
            )
            for letter, tag in (("a", 5), ("b", 9))
        )

    def b_transport(self, tag, payload, delay):
        self.log("b_transport", tag)
        payload.response = Response.OK
        return delay + tag * NS

    def nb_transport_fw(self, tag, payload, phase, delay):
        self.log(phase.name, tag)
        if phase is Phase.END_RESP:
            return Sync.COMPLETED, phase, delay
        socket = self.a if tag == 5 else self.b
        sync, _, _ = socket.nb_transport_bw(payload, Phase.END_REQ, 1 * NS)
        self.log("answer of the way back", sync.name)
        return Sync.UPDATED, Phase.BEGIN_RESP, delay + tag * NS

    def transport_dbg(self, tag, payload):
        self.log("transport_dbg", tag)
        return len(payload.data) // 2

    def get_direct_mem_ptr(self, tag, payload):
        self.log("get_direct_mem_ptr", tag)
        return tag == 9, DirectMemory(0, 15, bytearray(16), DmiAccess.READ)


class TaggedInitiator(Module):
    """Two sockets, one set of functions."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = partial(log, "initiator")
        self.a, self.b = (
            TaggedInitiatorSocket(
                self, letter, tag, nb_transport_bw=self.nb_transport_bw, invalidate_direct_mem_ptr=self.invalidate
            )
            for letter, tag in (("a", 1), ("b", 2))
        )

    def nb_transport_bw(self, tag, payload, phase, delay):
        self.log(phase.name, tag)
        self.log("delay", delay)
        return Sync.ACCEPTED, phase, delay

    def invalidate(self, tag, start, end):
        self.log("invalidate", tag)
        self.log("region", start * 1000 + end)


class Many(Module):
    """Many initiators at one socket."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.socket = MultiTargetSocket(
            self, "socket", self.b_transport, self.transport_dbg, nb_transport_fw=self.nb_transport_fw
        )

    def b_transport(self, index, payload, delay):
        self.log("many", "b_transport", index)
        payload.response = Response.OK
        return delay + (1 + index) * NS

    def nb_transport_fw(self, index, payload, phase, delay):
        self.log("many", phase.name, index)
        if phase is Phase.END_RESP:
            return Sync.COMPLETED, phase, delay
        self.socket.sockets[index].nb_transport_bw(payload, Phase.END_REQ, 3 * NS)
        return Sync.ACCEPTED, phase, delay

    def transport_dbg(self, index, payload):
        return 100 + index


class Initiator(Module):
    """One socket."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.socket = InitiatorSocket(
            self, "socket", nb_transport_bw=self.nb_transport_bw, invalidate_direct_mem_ptr=self.invalidate
        )

    def nb_transport_bw(self, payload, phase, delay):
        self.log(self.full_name, phase.name, delay)
        return Sync.ACCEPTED, phase, delay

    def invalidate(self, start, end):
        self.log(self.full_name, "invalidate", start * 1000 + end)


class ManyTargets(Module):
    """One socket to many targets."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.socket = MultiInitiatorSocket(
            self, "socket", nb_transport_bw=self.nb_transport_bw, invalidate_direct_mem_ptr=self.invalidate
        )

    def nb_transport_bw(self, index, payload, phase, delay):
        self.log("many targets", phase.name, index)
        return Sync.ACCEPTED, phase, delay

    def invalidate(self, index, start, end):
        self.log("many targets", "invalidate", index)


class Memory(Module):
    """Annotates 1 ns."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.socket = TargetSocket(self, "socket", self.b_transport)

    def b_transport(self, payload, delay):
        self.log(self.full_name, "b_transport", delay)
        payload.response = Response.OK
        return delay + 1 * NS


class InnerInitiator(Module):
    """An initiator below two modules that hand its socket on."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.out = InitiatorSocket(self, "out")
        self.shell = Module(self, "shell")
        self.shell.out = InitiatorSocket(self.shell, "out")
        self.initiator = Initiator(self.shell, "initiator", log)
        self.initiator.socket.bind(self.shell.out)
        self.shell.out.bind(self.out)


class InnerTarget(Module):
    """A target below two modules that hand its socket on."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.into = TargetExport(self, "in")
        self.shell = Module(self, "shell")
        self.shell.into = TargetExport(self.shell, "in")
        self.target, self.other = Tagged(self.shell, "target", log), TaggedInitiator(self.shell, "other", log)
        self.shell.into.bind(self.target.a)
        self.other.a.bind(self.target.b)
        self.into.bind(self.shell.into)
        self.memory = Memory(self, "memory", log)
        self.other.b.bind(self.memory.socket)


class Plain(Module):
    """Has no non-blocking transport, and does not want one made."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.socket = PassthroughTargetSocket(self, "socket", self.b_transport)

    def b_transport(self, payload, delay):
        payload.response = Response.OK
        return delay + 7 * NS


def use(log, who, socket, non_blocking=True):
    payload = GenericPayload.read(0, 8)
    log(who, "b_transport", socket.b_transport(payload, 2 * NS))
    log(who, "ok", payload.is_ok)
    if non_blocking:
        sync, phase, delay = socket.nb_transport_fw(payload, Phase.BEGIN_REQ, 0)
        log(who, "nb_transport_fw", f"{sync.name} {phase.name}")
        log(who, "delay", delay)
        log(who, "end", socket.nb_transport_fw(payload, Phase.END_RESP, 0)[0].name)
    log(who, "transport_dbg", socket.transport_dbg(payload))
    granted, region = socket.get_direct_mem_ptr(payload)
    log(who, "get_direct_mem_ptr", granted)
    log(who, "end address", region.end)


def run(log):
    with log.case("tags") as simulator:
        initiator, target = TaggedInitiator(simulator, "initiator", log), Tagged(simulator, "target", log)
        initiator.a.bind(target.b)
        initiator.b.bind(target.a)
        simulator.start(0)
        use(log, "a", initiator.a)
        use(log, "b", initiator.b)
        target.a.invalidate_direct_mem_ptr(1, 2)
        target.b.invalidate_direct_mem_ptr(3, 4)
    with log.case("many initiators") as simulator:
        x, y, many = Initiator(simulator, "x", log), Initiator(simulator, "y", log), Many(simulator, "many", log)
        x.socket.bind(many.socket)
        y.socket.bind(many.socket)
        simulator.start(0)
        log("main", "size", len(many.socket.sockets))
        use(log, "y", y.socket)
        use(log, "x", x.socket)
        many.socket.sockets[1].invalidate_direct_mem_ptr(5, 6)
    with log.case("many targets") as simulator:
        initiator = ManyTargets(simulator, "initiator", log)
        one, two = Memory(simulator, "one", log), Tagged(simulator, "two", log)
        for socket in (one.socket, two.a, two.b):
            initiator.socket.bind(socket)
        simulator.start(0)
        sockets = initiator.socket.sockets
        log("main", "size", len(sockets))
        for index in (2, 0, 1):
            log("main", "delay", sockets[index].b_transport(GenericPayload(), index * NS))
        log("main", "nb_transport_fw", sockets[1].nb_transport_fw(GenericPayload(), Phase.BEGIN_REQ, 0)[0].name)
        two.a.invalidate_direct_mem_ptr(1, 2)
        two.b.invalidate_direct_mem_ptr(1, 2)
    with log.case("hierarchy") as simulator:
        initiator, target = InnerInitiator(simulator, "initiator", log), InnerTarget(simulator, "target", log)
        initiator.out.bind(target.into)
        simulator.start(0)
        use(log, "innermost", initiator.initiator.socket)
        target.target.a.invalidate_direct_mem_ptr(7, 8)
    with log.case("no conversions") as simulator:
        initiator, plain = Initiator(simulator, "initiator", log), Plain(simulator, "plain")
        initiator.socket.bind(plain.socket)
        simulator.start(0)
        use(log, "initiator", initiator.socket, non_blocking=False)
        initiator.socket.nb_transport_fw(GenericPayload(), Phase.BEGIN_REQ, 0)
