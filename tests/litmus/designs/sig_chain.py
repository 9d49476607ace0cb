"""Combinational methods settle delta by delta, through a glitch and round a loop."""

from litmus.harness import NS

from cosim.kernel import Module, Signal


def run(log):
    top = Module(log.simulator, "top")
    a, b, c, d, x, y = (Signal(top, name, 0) for name in "abcdxy")

    def mb():
        log("mb", "in", a.read())
        b.write(a.read() + 1)

    def mc():
        log("mc", "in", b.read())
        c.write(b.read() * 2)

    def md():
        log("md", "c", c.read())
        log("md", "a", a.read())
        d.write(c.read() + a.read())

    def loop1():
        value = y.read()
        log("loop1", "y", value)
        x.write(value + 1 if value < 5 else value)

    def loop2():
        value = x.read()
        log("loop2", "x", value)
        y.write(value)

    def drv():
        for value in (1, 5, 5):
            yield 10 * NS
            a.write(value)
        log("drv", "end")

    top.method(mb, sensitive=[a])
    top.method(mc, sensitive=[b])
    top.method(md, sensitive=[c, a])
    top.method(loop1, sensitive=[y])
    top.method(loop2, sensitive=[x])
    top.thread(drv)
    top.method(lambda: log("mon", "d", d.read()), "mon", sensitive=[d], dont_initialize=True)
    log.simulator.start()
    log("main", "done")
