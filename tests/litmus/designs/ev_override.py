"""An event holds one pending notification: which one survives."""

from litmus.harness import NS

from cosim.kernel import Event, Module


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    e = Event(top, "e")

    def lis():
        while True:
            yield e
            log("lis", "wake")

    def at(number, text):
        yield 100 * NS * number - simulator.now
        log("drv", "case", text)

    def drv():
        yield from at(1, "t10 then t5: earlier wins")
        e.notify(10 * NS)
        e.notify(5 * NS)
        yield from at(2, "t5 then t10: later discarded")
        e.notify(5 * NS)
        e.notify(10 * NS)
        yield from at(3, "t5 then delta: delta wins")
        e.notify(5 * NS)
        e.notify(0)
        yield from at(4, "delta then t5: delta stays")
        e.notify(0)
        e.notify(5 * NS)
        yield from at(5, "t5 then immediate: timed cancelled")
        e.notify(5 * NS)
        e.notify()
        yield from at(6, "delta then immediate: delta cancelled")
        e.notify(0)
        e.notify()
        yield from at(7, "t5 then cancel")
        e.notify(5 * NS)
        e.cancel()
        yield from at(8, "delta then cancel")
        e.notify(0)
        e.cancel()
        yield from at(9, "t5 cancel t7")
        e.notify(5 * NS)
        e.cancel()
        e.notify(7 * NS)
        yield from at(10, "t5, 3 ns later t1: at +4")
        e.notify(5 * NS)
        yield 3 * NS
        e.notify(1 * NS)
        yield from at(11, "t5, 3 ns later t10: at +5")
        e.notify(5 * NS)
        yield 3 * NS
        e.notify(10 * NS)
        yield from at(12, "t5 twice: one wake")
        e.notify(5 * NS)
        e.notify(5 * NS)
        yield from at(13, "immediate then delta: two wakes")
        e.notify()
        e.notify(0)
        yield from at(14, "immediate then t5: two wakes")
        e.notify()
        e.notify(5 * NS)
        yield from at(15, "immediate does not undo wake by cancel")
        e.notify()
        e.cancel()
        yield from at(16, "end")

    top.thread(lis)
    top.thread(drv)
    simulator.start()
    log("main", "done")
