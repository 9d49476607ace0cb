"""Every form of wait in a thread."""

from litmus.harness import NS

from cosim.kernel import Event, Module, wait


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    a, b, c, s = (Event(top, name) for name in "abcs")

    def t():
        log("t", "start")
        yield 3 * NS
        log("t", "wait(time)")
        yield a
        log("t", "wait(a)")
        yield a | b
        log("t", "wait(a|b)", "b" if b.triggered else "a")
        yield a & b
        log("t", "wait(a&b)")
        for _ in range(2):
            came = yield wait(5 * NS, c)
            assert came == c.triggered
            log("t", "wait(5ns,c)", "event" if came else "timeout")
        came = yield 5 * NS, a | b
        assert came == (a.triggered or b.triggered)
        log("t", "wait(5ns,a|b)", "event" if came else "timeout")
        came = yield 5 * NS, a & b
        assert not came
        log("t", "wait(5ns,a&b)", "timeout, only a came")
        yield
        log("t", "wait() static")
        yield wait(count=3)
        log("t", "wait(3) static")
        yield 0
        log("t", "wait(0)")
        yield NS // 2
        log("t", "wait(0.5ns)")
        log("t", "end")

    def late():
        log("late", "start")
        yield
        log("late", "second")

    def drv():
        for time, event in (
            (10, a), (20, b), (30, a), (31, a), (35, b), (44, c), (48, b), (50, a), (60, s), (61, s), (62, s), (63, s)
        ):  # fmt: skip
            yield time * NS - simulator.now
            log("drv", "notify", event.name)
            event.notify()
        yield 10 * NS
        log("drv", "end")

    top.thread(t, sensitive=[s])
    top.thread(drv)
    top.thread(late, sensitive=[s], dont_initialize=True)
    simulator.start()
    log("main", "done")
