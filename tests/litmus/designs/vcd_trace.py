"""A wave file of signals of every type; the text of the file is left in `log.vcd`."""

import io

from litmus.harness import NS

from cosim.kernel import Clock, Logic, LogicVector, Module, Signal
from cosim.trace import VcdTrace


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    clk, en, cnt = Clock(top, "clk", 10 * NS), Signal(top, "en", False), Signal(top, "cnt", 0)
    i, d = Signal(top, "i", -1), Signal(top, "d", 0.0)
    lg, lv = Signal(top, "lg", Logic("X")), Signal(top, "lv", LogicVector("XXXX"))
    plain = [0]

    def tick():
        if en.read():
            cnt.write((cnt.read() + 1) % 256)
            log("tick", "cnt", cnt.read() + 1)

    def drv():
        yield 12 * NS
        en.write(True)
        i.write(-5)
        d.write(1.5)
        lg.write(Logic("Z"))
        lv.write(LogicVector("10ZX"))
        plain[0] = 3
        yield 30 * NS
        en.write(False)
        d.write(-0.25)
        plain[0] = 4
        yield 0
        i.write(7)
        yield 0
        i.write(8)
        yield 9 * NS
        i.write(2147483647)
        lg.write(Logic("1"))
        yield 9 * NS
        simulator.stop()

    top.method(tick, sensitive=[clk.posedge_event], dont_initialize=True)
    top.thread(drv)
    file = io.StringIO()
    trace = VcdTrace(simulator, file)
    log("report", "info", "tracing timescale unit set")  # SystemC's note that the unit is not the default one
    for signal, width in ((clk, None), (en, None), (cnt, 8), (i, None), (d, None), (lg, None), (lv, None)):
        trace.trace(signal, width=width)
    trace.trace(lambda: plain[0], "top.plain")
    simulator.start()
    trace.close()
    log("main", "done")
    log.vcd = file.getvalue()
