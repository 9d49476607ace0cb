"""What a signal's readers see, and when it changes."""

from litmus.harness import NS

from cosim.kernel import Module, Signal


def run(log):
    top = Module(log.simulator, "top")
    s = Signal(top, "s", 7)

    def w():
        log("w", "initial", s.read())
        yield 10 * NS
        s.write(1)
        log("w", "read after write", s.read())
        s.write(2)
        log("w", "read after second write", s.read())
        yield 0
        log("w", "read next delta", s.read())
        yield 10 * NS
        s.write(2)
        log("w", "same value written", s.read())
        yield 10 * NS
        s.write(9)
        s.write(2)
        log("w", "changed and restored", s.read())
        yield 10 * NS
        s.write(3)
        yield 0
        s.write(4)
        yield 0
        s.write(5)
        yield 10 * NS
        log("w", "end", s.read())

    def lis():
        while True:
            yield s.value_changed_event
            log("lis", "changed to", s.read())

    def m():
        log("m", "event()", s.event())
        log("m", "value", s.read())

    def peek():
        yield 10 * NS
        log("peek", "old", s.read())
        yield 0
        log("peek", "new", s.read())
        log("peek", "event()", s.event())
        yield 0
        log("peek", "event() a delta later", s.event())

    top.thread(w)
    top.thread(lis)
    top.method(m, sensitive=[s])
    top.thread(peek)
    s.write(8)
    log("main", "before start", s.read())
    log.simulator.start()
    log("main", "done", s.read())
