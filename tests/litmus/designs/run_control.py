"""Running in pieces: pause from a method and from a thread, status, pending activity, notifications from outside."""

from litmus.harness import NS

from cosim.kernel import Event, Module, Signal


def run(log):
    with log.case("pieces") as simulator:
        pieces(log, simulator)
    with log.case("stop between runs") as simulator:

        def thread():
            log("thread", "begin")
            yield 1 * NS
            log("thread", "never")

        StopEarly(simulator, log).thread(thread)
        simulator.start(0)
        simulator.stop()
        log("main", "status", simulator.status.value)
        simulator.start(5 * NS)
        log("main", "never")


class StopEarly(Module):
    """Hears of the end."""

    def __init__(self, parent, log):
        super().__init__(parent, "top")
        self.log = log

    def end_of_simulation(self):
        self.log("top", "end_of_simulation")


class Top(Module):
    """Hears of the end."""

    def __init__(self, parent, log):
        super().__init__(parent, "top")
        self.log = log

    def end_of_simulation(self):
        # SystemC has a status of its own for the time of this callback.
        self.log("top", "end_of_simulation", "other")


def pieces(log, simulator):
    top = Top(simulator, log)
    e, f = Event(top, "e"), Event(top, "f")
    s = Signal(top, "s", 0)
    runs = 0

    def state(after):
        log("main", after, simulator.status.value)
        now, later = simulator.pending_activity_now(), simulator.pending_activity_later()
        log("main", "pending now", now)
        log("main", "pending later", later)
        if now or later:
            log("main", "time to it", simulator.time_to_pending_activity())

    def method():
        nonlocal runs
        runs += 1
        log("method", "run", runs)
        s.write(runs)
        if runs == 1:
            simulator.pause()
            log("method", "goes on after pause", simulator.status.value)

    def thread():
        log("thread", "status", simulator.status.value)
        yield 10 * NS
        e.notify()
        log("thread", "notified")
        yield 10 * NS
        simulator.pause()
        log("thread", "goes on after pause")
        yield 10 * NS
        log("thread", "later")
        yield f
        log("thread", "f")

    top.method(method, sensitive=[e], dont_initialize=True)
    top.method(lambda: log("on_s", "value", s.read()), "on_s", sensitive=[s], dont_initialize=True)
    top.thread(thread)
    state("elaborated")
    simulator.start(100 * NS)
    state("paused by the method")
    simulator.start(5 * NS)
    state("on_s and no more")
    simulator.start()
    state("paused by the thread")
    simulator.start()
    state("drained")
    f.notify(5 * NS)
    state("notified from outside")
    simulator.start(5 * NS)
    state("not yet")
    simulator.start(0)
    state("now")
    e.notify()
    state("immediately notified from outside")
    simulator.start(0)
    state("one delta cycle")
    simulator.start(0)
    state("two delta cycles")
    s.write(99)
    simulator.start(3 * NS, exit_on_starvation=True)
    state("starved")
    simulator.start(3 * NS)
    state("run to time")
    simulator.stop()
    state("stopped")
