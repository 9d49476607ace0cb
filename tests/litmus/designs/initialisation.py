"""Before and at time zero: writes and notifications of elaboration; processes that do not start by themselves."""

from litmus.harness import NS

from cosim.kernel import Event, Module, Signal


class Top(Module):
    """Writes its signal once more before the start."""

    def start_of_simulation(self):
        self.log.plain("top", "start_of_simulation", self.s.read())
        self.s.write(7)


def run(log):
    simulator = log.simulator
    top = Top(simulator, "top")
    top.log = log
    delta, timed, both, dropped = (Event(top, name) for name in ("delta", "timed", "both", "dropped"))
    s = top.s = Signal(top, "s", 3)
    delta.notify(0)
    timed.notify(2 * NS)
    both.notify(2 * NS)
    both.notify(0)
    dropped.notify(0)
    dropped.cancel()
    s.write(4)
    s.write(5)

    def late():
        log("late", "begin")
        yield 0
        log("late", "end")

    def chain():
        log("chain", "value", s.read())
        s.write(6)
        yield s.value_changed_event
        log("chain", "value", s.read())
        yield 0
        log("chain", "end")

    def dynamic():
        yield delta
        log("dynamic", "delta, which was notified before anybody waited")

    top.method(lambda: log("on_delta", "run"), "on_delta", sensitive=[delta], dont_initialize=True)
    top.method(lambda: log("on_both", "run"), "on_both", sensitive=[both, dropped], dont_initialize=True)
    top.method(lambda: log("on_s", "value", s.read()), "on_s", sensitive=[s], dont_initialize=True)
    top.method(lambda: log("eager", "value", s.read()), "eager", sensitive=[timed, s])
    top.thread(late, sensitive=[timed], dont_initialize=True)
    top.thread(chain)
    top.thread(dynamic)
    log("main", "before the start", s.read())
    simulator.start(0)
    log("main", "one delta cycle", s.read())
    simulator.start()
    log("main", "done")
