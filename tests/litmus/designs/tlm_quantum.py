"""Temporal decoupling of two initiators."""

from litmus.harness import NS

from cosim.kernel import Module
from cosim.tlm import (
    Command,
    GenericPayload,
    GlobalQuantum,
    InitiatorSocket,
    MultiTargetSocket,
    QuantumKeeper,
    Response,
)
from cosim.tlm import TargetSocket as Socket


class Register:
    """One word that is read and written."""

    def __init__(self):
        self.value = 0

    def access(self, payload):
        if payload.is_write:
            self.value = int.from_bytes(payload.data, "little")
        else:
            payload.data[:] = self.value.to_bytes(4, "little")
        payload.response = Response.OK


class Target(Module):
    """A register that takes 5 ns."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log, self.register = log, Register()
        self.s = Socket(self, "s", self.b_transport)

    def b_transport(self, payload, delay):
        self.register.access(payload)
        self.log(self.full_name, "write" if payload.is_write else "read", self.register.value)
        self.log(self.full_name, "local offset", delay)
        return delay + 5 * NS


class Shared(Module):
    """The same for several initiators."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log, self.register = log, Register()
        self.s = MultiTargetSocket(self, "s", self.b_transport)

    def b_transport(self, index, payload, delay):
        self.register.access(payload)
        self.log(self.full_name, "write from" if payload.is_write else "read from", index)
        self.log(self.full_name, "effective time", self.simulator.now + delay)
        return delay + 5 * NS


class Cpu(Module):
    """Steps of local time, every third one with a transfer."""

    def __init__(self, parent, name, log, quantum, step, count, number):
        super().__init__(parent, name)
        self.log, self.step, self.count, self.number = log, step * NS, count, number
        self.keeper = QuantumKeeper(quantum)
        self.s = InitiatorSocket(self, "s")
        self.thread(self.t)

    def t(self):
        keeper = self.keeper
        keeper.reset()

        def note(what, value=0):
            self.log(self.full_name, what, value)

        note("reset local", keeper.local_time)
        for step in range(1, self.count + 1):
            keeper.inc(self.step)
            note("step", step)
            note("local", keeper.local_time)
            note("current", keeper.current_time)
            if step % 3 == 0:
                value = self.number * 100 + step
                command = Command.WRITE if step % 2 else Command.READ
                payload = GenericPayload(command, 0, bytearray(value.to_bytes(4, "little")))
                keeper.set(self.s.b_transport(payload, keeper.local_time))
                note("after b_transport local", keeper.local_time)
                if payload.is_read:
                    note("value", int.from_bytes(payload.data, "little"))
            if keeper.need_sync():
                note("need_sync")
                yield from keeper.sync()
                note("synced local", keeper.local_time)
        yield from keeper.sync()
        note("end")


def run(log):
    for name, value in (
        ("quantum 100 ns", 100),
        ("quantum 0: sync at each step", 0),
        ("quantum 1 us: never before the end", 1000),
    ):
        with log.case(name) as simulator:
            quantum = GlobalQuantum(simulator, value * NS)
            targets = [Target(simulator, f"t{index}", log) for index in range(2)]
            cpus = [Cpu(simulator, "a", log, quantum, 30, 12, 1), Cpu(simulator, "b", log, quantum, 50, 8, 2)]
            for cpu, target in zip(cpus, targets, strict=True):
                cpu.s.bind(target.s)
            log("main", "quantum", quantum.value)
            simulator.start()
            log("main", "done")
    with log.case("compute_local_quantum") as simulator:
        quantum = GlobalQuantum(simulator, 100 * NS)

        def t():
            for delay in (0, 30, 69, 1, 1, 250):
                yield delay * NS
                log("m", "compute_local_quantum", quantum.compute_local_quantum())

        Module(simulator, "m").thread(t)
        simulator.start()
    with log.case("shared target, two initiators") as simulator:
        quantum = GlobalQuantum(simulator, 100 * NS)
        shared = Shared(simulator, "sh", log)
        for cpu in (Cpu(simulator, "a", log, quantum, 30, 9, 1), Cpu(simulator, "b", log, quantum, 50, 6, 2)):
            cpu.s.bind(shared.s)
        simulator.start()
        log("main", "done", shared.register.value)
