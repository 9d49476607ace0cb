"""Signals with several drivers, and the tables of four-valued logic."""

from litmus.harness import NS

from cosim.kernel import Logic, Module, ResolvedSignal


def run(log):
    top = Module(log.simulator, "top")
    r, v = ResolvedSignal(top, "r"), ResolvedSignal(top, "v", 4)

    def a():
        yield 10 * NS
        r.write("1")
        v.write("01XZ")
        yield 20 * NS
        r.write("Z")
        v.write("ZZZZ")
        yield 20 * NS
        r.write("0")

    def b():
        yield 20 * NS
        r.write("0")
        v.write("0011")
        yield 20 * NS
        r.write("Z")
        v.write("ZZ10")
        yield 20 * NS
        r.write("0")

    def table():
        yield 100 * NS
        for first in "01ZX":
            for second in "01ZX":
                x, y = Logic(first), Logic(second)
                log.plain("and", first + second, str(x & y))
                log.plain("or", first + second, str(x | y))
                log.plain("xor", first + second, str(x ^ y))

    top.thread(a)
    top.thread(b)
    top.method(lambda: log("r", "value", str(r.read())), "m", sensitive=[r], dont_initialize=True)
    top.method(lambda: log("v", "value", str(v.read())), "mv", sensitive=[v], dont_initialize=True)
    top.thread(table)
    log("main", "initial", str(r.read()))
    log.simulator.start()
    log("main", "done")
