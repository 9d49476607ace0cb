"""Clocks of several duties, starts and first edges."""

from litmus.harness import NS

from cosim.kernel import Clock, In, Module


class Monitor(Module):
    """Logs every edge of a clock."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.c = In(self, "c")
        self.method(lambda: log(self.full_name, "edge", self.c.read()), "m", sensitive=[self.c], dont_initialize=True)


def run(log):
    with log.case("period 0") as simulator:
        Clock(simulator, "bad", 0)
        simulator.start(1 * NS)
    with log.case("duty so small that the high time rounds to 0") as simulator:
        Clock(simulator, "bad", 1, duty=0.4)
        simulator.start(3)
    with log.case("period 3 ps, duty 0.5: the high time 1.5 ps rounds to 2 ps") as simulator:
        clock = Clock(simulator, "c", 3)
        Monitor(simulator, "m", log).c.bind(clock)
        simulator.start(9)
        log("main", "done")
    simulator = log.new_simulator()
    clocks = [
        Clock(simulator, "c1", 10 * NS),
        Clock(simulator, "c2", 10 * NS, duty=0.3),
        Clock(simulator, "c3", 10 * NS, duty=0.5, start=3 * NS),
        Clock(simulator, "c4", 10 * NS, duty=0.25, start=2 * NS, posedge_first=False),
        Clock(simulator, "c5", 7 * NS, duty=0.5),
    ]
    for number, clock in enumerate(clocks, 1):
        Monitor(simulator, f"m{number}", log).c.bind(clock)
    for clock in clocks:
        log(clock.name, "period", int(clock.period))
        log(clock.name, "duty", float(clock.duty))
        log(clock.name, "start", clock.start)
        log(clock.name, "posedge_first", clock.posedge_first)
        log(clock.name, "initial", clock.read())
    simulator.start(32 * NS)
    log("main", "at 32 ns")
    simulator.start(10 * NS)
    log("main", "done")
