"""Static sensitivity of methods, and every form of next_trigger."""

from litmus.harness import NS

from cosim.kernel import Event, Module


def run(log):
    top = Module(log.simulator, "top")
    a, b, c = (Event(top, name) for name in "abc")
    counts = {"m_static": 0, "m_init": 0, "m_dyn": 0}

    def counting(name):
        def body():
            counts[name] += 1
            log(name, "run", counts[name])

        return body

    def m_dyn():
        step = counts["m_dyn"]
        counts["m_dyn"] += 1
        log("m_dyn", "run", step)
        triggers = {
            0: [(5 * NS,)],
            1: [(a,)],
            2: [(a | c,)],
            3: [(a & c,)],
            4: [(7 * NS, c)],
            5: [(70 * NS, c)],
            6: [(0,)],
            7: [(1 * NS,), (3 * NS,)],
            8: [(a,), ()],
        }
        for trigger in triggers.get(step, []):
            dynamic.next_trigger(*trigger)

    def drv():
        for name, event in (("b", b), ("a", a), ("c", c), ("a", a), ("a", a), ("c", c)):
            yield 10 * NS
            log("drv", name)
            event.notify()
        yield 10 * NS
        log("drv", "none")
        for name, event in (("c", c), ("b", b)):
            yield 10 * NS
            log("drv", name)
            event.notify()
        yield 10 * NS
        log("drv", "b")
        b.notify(0)
        yield 10 * NS
        log("drv", "end")

    top.method(counting("m_static"), "m_static", sensitive=[a, b], dont_initialize=True)
    top.method(counting("m_init"), "m_init", sensitive=[a])
    dynamic = top.method(m_dyn, sensitive=[b])
    top.thread(drv)
    log.simulator.start()
    log("main", "done")
