"""Several waiters for one mutex and one semaphore: not first come first served."""

from litmus.harness import NS

from cosim.kernel import Module, Mutex, Semaphore


def run(log):
    top = Module(log.simulator, "top")
    m, s = Mutex(top, "m"), Semaphore(top, "s", 0)

    def holder():
        yield from m.lock()
        yield 50 * NS
        log("holder", "unlock")
        m.unlock()

    def take(who, at):
        yield at * NS
        yield from m.lock()
        log(who, "locked")
        yield 10 * NS
        log(who, "unlock")
        m.unlock()

    def poster():
        yield 200 * NS
        for _ in range(3):
            log("poster", "post")
            s.post()
            yield 10 * NS

    def down(who, at):
        yield at * NS
        yield from s.wait()
        log(who, "got")

    top.thread(holder)
    for number in (1, 2, 3):
        top.thread(take(f"w{number}", number), f"w{number}")
    top.thread(poster)
    for number in (1, 2, 3):
        top.thread(down(f"s{number}", 100 + number), f"s{number}")
    log.simulator.start()
    log("main", "done")
