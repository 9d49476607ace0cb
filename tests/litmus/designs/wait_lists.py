"""Lists of events to wait for: with time-outs, of zero time, made step by step, by threads and methods."""

from litmus.harness import NS

from cosim.kernel import Event, Module, wait


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    a, b, c, never = (Event(top, name) for name in ("a", "b", "c", "never"))

    def happened(who, what):
        log(who, what, "".join(event.name for event in (a, b, c) if event.triggered))

    def t():
        came = yield 0, a | b
        log("t", "zero time-out of an or-list", not came)
        came = yield wait(0, a & b)
        log("t", "zero time-out of an and-list", not came)
        either = a | b
        yield either
        happened("t", "made step by step")
        yield either
        happened("t", "both in one delta cycle")
        every = a & b
        every &= c
        came = yield 20 * NS, every
        log("t", "incomplete", not came)
        yield every
        happened("t", "counts from the wait on")
        came = yield 5 * NS, never | c
        log("t", "too late", not came)
        came = yield 50 * NS, a & b
        log("t", "in time", not came)
        yield a
        happened("t", "delta notification")
        yield 3 * NS
        log("t", "the end")

    async def u():
        for _ in range(6):
            came = await wait(7 * NS, a | never)
            log("u", "timed out", not came)
        await (never | b | never)
        happened("u", "twice in the list")

    runs = 0

    def m():
        nonlocal runs
        happened("m", "run")
        if 0 < runs < 6:
            log("m", "timed out", method.timed_out)
        triggers = [(12 * NS, a & b), (0, a | b), (a & b & a,), (100 * NS, never | a), (1 * NS, never & a)]
        if runs < len(triggers):
            method.next_trigger(*triggers[runs])
        runs += 1

    def drive():
        yield 10 * NS
        b.notify()
        yield 5 * NS
        a.notify(0)
        b.notify(0)
        yield 5 * NS
        a.notify()
        yield 5 * NS
        c.notify()
        yield 20 * NS
        c.notify()
        a.notify()
        yield 5 * NS
        b.notify(2 * NS)
        yield 10 * NS
        c.notify()
        yield 2 * NS
        a.notify()
        yield 2 * NS
        a.notify()
        b.notify(1 * NS)
        yield 10 * NS
        a.notify(0)
        yield 10 * NS
        c.notify()
        b.notify(0)
        yield 10 * NS
        c.notify()

    top.thread(t)
    top.thread(u)
    method = top.method(m, sensitive=[c])
    top.thread(drive)
    simulator.start()
    log("main", "done")
