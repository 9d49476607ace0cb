"""Immediate, delta and timed notification of one event."""

from litmus.harness import NS

from cosim.kernel import Event, Module


def run(log):
    top = Module(log.simulator, "top")
    event = Event(top, "e")
    runs = iter(range(1, 100))

    def src():
        log("src", "start")
        for kind, delay in (("immediate", None), ("delta", 0), ("timed 5 ns", 5 * NS)):
            yield 10 * NS
            log("src", "notify", kind)
            event.notify(delay)
            log("src", "after", kind.split()[0])
        yield 10 * NS
        log("src", "notify", "immediate twice")
        event.notify()
        event.notify()
        log("src", "after", "immediate twice")
        yield 0
        log("src", "after", "delta wait")
        yield 10 * NS
        log("src", "end")

    def dst():
        log("dst", "start")
        count = 0
        while True:
            yield event
            count += 1
            log("dst", "wake", count)

    top.thread(src)
    top.thread(dst)
    top.method(lambda: log("m", "run", next(runs)), "m", sensitive=[event], dont_initialize=True)
    log.simulator.start()
    log("main", "done")
