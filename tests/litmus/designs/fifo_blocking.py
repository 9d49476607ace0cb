"""A fifo of two places between a fast and a slow process."""

from litmus.harness import NS

from cosim.kernel import Fifo, Module, wait


def run(log):
    top = Module(log.simulator, "top")
    f = Fifo(top, "f", 2)

    def prod():
        for item in range(1, 7):
            log("prod", "try", item)
            yield from f.write(item)
            log("prod", "written", item)
        yield 100 * NS
        log("prod", "try", 7)
        yield from f.write(7)
        log("prod", "written", 7)
        yield 5 * NS
        for item in (8, 9):
            yield from f.write(item)
            log("prod", "written", item)
            yield 1 * NS

    async def cons():
        await wait(10 * NS)
        for _ in range(3):
            log("cons", "read", await f.read())
            await wait(10 * NS)
        for _ in range(3):
            log("cons", "read", await f.read())
        for _ in range(3):
            log("cons", "blocked")
            log("cons", "read", await f.read())

    def mon():
        while True:
            yield f.data_written_event | f.data_read_event
            log("mon", "written", f.data_written_event.triggered)
            log("mon", "read", f.data_read_event.triggered)

    top.thread(prod)
    top.thread(cons)
    top.thread(mon)
    log.simulator.start()
    log("main", "done")
