"""Processes made while the design runs: threads and methods, fork and join, results, names."""

from litmus.harness import NS

from cosim.kernel import Event, Join, Method, Module, Thread, fork


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    e = Event(top, "e")

    def work(who, time, value=0):
        def body():
            log(who, "begin")
            if time:
                yield time
            log(who, "end")
            return value

        return body

    def main_thread():
        here = simulator.current_process
        yield 10 * NS
        log("main_thread", "spawn")
        one = Thread(here, work("one", 5 * NS, 41), "one")
        log("main_thread", "result too early", one.result or 0)
        log("main_thread", "name", one.full_name)
        yield one.terminated_event
        log("main_thread", "result", one.result)
        log("main_thread", "terminated", one.terminated)

        def late():
            log("late", "begin")
            yield
            log("late", "again")

        Method(here, lambda: log("method", "run"), "method", sensitive=[e], dont_initialize=True)
        Method(here, lambda: log("eager", "run"), "eager", sensitive=[e])
        Thread(here, late, sensitive=[e], dont_initialize=True)
        yield 1 * NS
        e.notify()
        yield 1 * NS
        e.notify(0)
        yield 1 * NS

        log("main_thread", "fork")
        yield from fork(here, work("fork_a", 3 * NS), work("fork_b", 1 * NS), work("fork_c", 2 * NS)).wait()
        log("main_thread", "joined")

        join = Join()
        join.add(Thread(here, work("quick", 0), "quick"))
        join.add(Thread(here, work("slow", 4 * NS), "slow"))
        log("main_thread", "processes", len(join))

        async def second():
            await join.wait()
            log("second", "joined, too")

        Thread(here, second)
        yield 1 * NS
        log("main_thread", "processes left", len(join))
        yield from join.wait()
        log("main_thread", "joined", len(join))
        yield 0

        killed = Thread(here, work("killed", 100 * NS), "killed")
        other = Join([killed])

        def killer():
            yield 2 * NS
            killed.kill()

        Thread(here, killer)
        yield from other.wait()
        log("main_thread", "joined a killed one")

        def outer():
            log("outer", "begin")
            inner = Thread(simulator.current_process, work("inner", 2 * NS), "inner")
            log("outer", "name", inner.full_name)
            yield inner.terminated_event
            log("outer", "end")

        Thread(here, outer)
        yield 5 * NS
        log("main_thread", "end")

    top.thread(main_thread)
    simulator.start()
    log("main", "done")
