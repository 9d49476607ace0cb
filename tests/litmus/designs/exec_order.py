"""The order of processes within a phase: a scheduler's own choice, and ours is Accellera's."""

from litmus.harness import NS

from cosim.kernel import Event, Module, Signal


def run(log):
    top = Module(log.simulator, "top")
    e, f, g1, g2 = (Event(top, name) for name in ("e", "f", "g1", "g2"))
    s1, s2 = Signal(top, "s1", 0), Signal(top, "s2", 0)

    def method(name, *sensitive, dont_initialize=False):
        top.method(lambda: log(name, "run"), name, sensitive=sensitive, dont_initialize=dont_initialize)

    def thread(name):
        def body():
            while True:
                log(name, "run")
                yield

        top.thread(body, name, sensitive=[e])

    def waiter(name):
        def body():
            while True:
                yield f
                log(name, "f")

        top.thread(body, name)

    def drv():
        yield 10 * NS
        log("drv", "delta e")
        e.notify(0)
        yield 10 * NS
        log("drv", "immediate e")
        e.notify()
        yield 0
        yield 10 * NS
        log("drv", "delta f")
        f.notify(0)
        yield 1 * NS
        log("drv", "delta f again")
        f.notify(0)
        yield 10 * NS
        log("drv", "delta g1 then g2")
        g1.notify(0)
        g2.notify(0)
        yield 10 * NS
        log("drv", "timed g1 then g2 at one time")
        g1.notify(5 * NS)
        g2.notify(5 * NS)
        yield 10 * NS
        log("drv", "write s1 then s2")
        s1.write(1)
        s2.write(1)
        yield 10 * NS
        log("drv", "end")

    method("m1", e, s1)
    thread("t1")
    method("m2", e, s2)
    thread("t2")
    method("m3", e)
    thread("t3")
    method("g1m", g1, dont_initialize=True)
    method("g2m", g2, dont_initialize=True)
    for name in ("d1", "d2", "d3"):
        waiter(name)
    top.thread(drv)
    log.simulator.start()
    log("main", "done")
