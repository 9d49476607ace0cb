"""start, stop and pause, and what is pending after each."""

from litmus.harness import NS

from cosim.kernel import Event, Module, Signal, Status, StopMode

STATUS = {
    Status.ELABORATION: "SC_ELABORATION",
    Status.RUNNING: "SC_RUNNING",
    Status.PAUSED: "SC_PAUSED",
    Status.STOPPED: "SC_STOPPED",
}


class Top(Module):
    """Writes 1 .. limit to a signal, every 10 ns."""

    def __init__(self, parent, log, limit=4):
        super().__init__(parent, "top")
        self.log, self.limit = log, limit
        self.s = Signal(self, "s", 0)
        self.thread(self.t)
        self.method(self.m, sensitive=[self.s], dont_initialize=True)

    def t(self):
        for value in range(1, self.limit + 1):
            yield 10 * NS
            self.s.write(value)
            self.log("t", "tick", value)

    def m(self):
        self.log("m", "s", self.s.read())

    def end_of_simulation(self):
        self.log("top", "end_of_simulation")


class Stopper(Module):
    """Thread a stops; what else would run logs that it should not."""

    def __init__(self, parent, log):
        super().__init__(parent, "m")
        self.log = log
        self.s = Signal(self, "s", 0)
        self.e = Event(self, "e")

    def finish_delta(self):
        def a():
            yield 10 * NS
            self.s.write(5)
            self.log("a", "stop")
            self.simulator.stop()
            self.log("a", "after stop in the same activation")
            yield 0
            self.log("a", "never")

        def b():
            yield 10 * NS
            yield 0
            self.log("b", "never")

        self.thread(a)
        self.thread(b)
        self.method(lambda: self.log("m", "never"), "m", sensitive=[self.s], dont_initialize=True)

    def immediate(self):
        def a():
            yield 10 * NS
            self.s.write(5)
            self.e.notify()
            self.log("a", "stop")
            self.simulator.stop()
            self.log("a", "after stop")
            yield 0
            self.log("a", "never")

        def b():
            yield self.e
            self.log("b", "never: was runnable")

        self.thread(a)
        self.thread(b)

    def end_of_simulation(self):
        self.log("m", "end_of_simulation", self.s.read())


def run(log):
    def now(text):
        simulator = log.simulator
        log("main", text, simulator.now)
        log("main", "status", STATUS[simulator.status])
        log("main", "pending_now", simulator.pending_activity_now())
        log("main", "pending_future", simulator.pending_activity_later())
        if simulator.pending_activity_now() or simulator.pending_activity_later():
            log("main", "time_to_pending", simulator.time_to_pending_activity())

    with log.case("repeated sc_start") as simulator:
        top = Top(simulator, log)
        now("before")
        simulator.start(0)
        now("after start(0)")
        simulator.start(10 * NS)
        now("after start(10): events at the end time are left for the next call")
        simulator.start(5 * NS)
        now("after start(5)")
        simulator.start(0)
        now("after start(0)")
        simulator.start(12 * NS)
        now("after start(12)")
        top.s.write(77)
        now("after write from main")
        simulator.start(0)
        now("after start(0)")
        simulator.start(0)
        now("after start(0)")
        simulator.start(100 * NS)
        now("after start(100), starved: time runs to the end")
        simulator.start()
        now("after start()")
        simulator.start(1 * NS)
        now("after start(1)")
    with log.case("exit on starvation") as simulator:
        Top(simulator, log, 2)
        simulator.start(100 * NS, exit_on_starvation=True)
        now("after")
    with log.case("start(0) runs one delta") as simulator:

        def deltas():
            for number in range(4):
                log("t", "delta", number)
                yield 0

        Module(simulator, "m").thread(deltas)
        for _ in range(3):
            simulator.start(0)
            now("after start(0)")
        simulator.start(1 * NS)
        now("after start(1)")
    with log.case("sc_stop from a thread, finish delta (default)") as simulator:
        Stopper(simulator, log).finish_delta()
        simulator.start()
        now("after")
        simulator.start(1 * NS)
        now("after a second start")
    with log.case("sc_stop immediate") as simulator:
        simulator.stop_mode = StopMode.IMMEDIATE
        Stopper(simulator, log).immediate()
        simulator.start()
        now("after")
    with log.case("sc_stop twice") as simulator:
        Top(simulator, log)
        simulator.start(15 * NS)
        simulator.stop()
        now("after stop from main")
        simulator.stop()
    with log.case("sc_pause") as simulator:
        module = Module(simulator, "m")
        e = Event(module, "e")

        def a():
            yield 10 * NS
            log("a", "pause")
            log.simulator.pause()
            log("a", "after pause")
            e.notify(0)
            yield 10 * NS
            log("a", "end")

        def b():
            yield e
            log("b", "woken")

        module.thread(a)
        module.thread(b)
        simulator.start(50 * NS)
        now("after first")
        simulator.start(5 * NS)
        now("after second")
        simulator.start()
        now("after third")
