"""Clocked threads, threads and methods with synchronous and asynchronous resets of both levels."""

from litmus.harness import NS

from cosim.kernel import Clock, In, Module, Signal, wait


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    clock = Clock(top, "clk", 10 * NS, start=5 * NS)
    rst, nrst = Signal(top, "rst", False), Signal(top, "nrst", True)
    edge = In(top, "edge")
    edge.bind(clock)
    runs = 0

    def sync():
        log("sync", "begin")
        tick = 0
        while True:
            yield
            tick += 1
            log("sync", "tick", tick)

    async def asynchronous():
        log("async", "begin")
        tick = 0
        while True:
            await wait()
            tick += 1
            log("async", "tick", tick)

    def free():
        log("free", "begin")
        tick = 0
        while True:
            yield wait(count=3)
            tick += 1
            log("free", "three later", tick)

    def counts():
        log("counts", "begin")
        tick = 0
        while True:
            yield wait(count=4)
            tick += 1
            log("counts", "four later", tick)

    def thread():
        log("thread", "begin")
        tick = 0
        while True:
            tick += 1
            yield wait(count=2)
            log("thread", "two edges", tick)
            yield 7 * NS
            log("thread", "a time", tick)

    def method():
        nonlocal runs
        runs += 1
        log("method", "run", runs)
        if runs == 2:
            counting.next_trigger(100 * NS)

    def drive():
        yield 27 * NS
        rst.write(True)
        log("drive", "rst", True)
        yield 20 * NS
        rst.write(False)
        log("drive", "rst", False)
        yield 51 * NS
        nrst.write(False)
        log("drive", "nrst", False)
        yield 21 * NS
        nrst.write(True)
        log("drive", "nrst", True)
        yield 32 * NS
        rst.write(True)
        log("drive", "rst between edges", True)
        yield 1 * NS
        rst.write(False)
        yield 30 * NS
        nrst.write(False)
        log("drive", "nrst between edges", False)
        yield 1 * NS
        nrst.write(True)
        yield 50 * NS
        simulator.stop()

    top.clocked_thread(sync, edge.pos, reset=rst)
    top.clocked_thread(asynchronous, edge.pos, "async", reset=nrst, reset_level=False, asynchronous=True)
    top.clocked_thread(free, edge.neg)
    counting_thread = top.clocked_thread(counts, edge.pos, reset=rst)
    counting_thread.reset_when(nrst, False, asynchronous=True)
    both = top.thread(thread, sensitive=[clock.negedge_event])
    both.reset_when(rst)
    both.reset_when(nrst, False, asynchronous=True)
    counting = top.method(method, sensitive=[clock.posedge_event], dont_initialize=True)
    counting.reset_when(nrst, False, asynchronous=True)
    top.thread(drive)
    simulator.start()
    log("main", "done")
