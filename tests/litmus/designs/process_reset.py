"""Control of processes: sticky resets, events of resets, families of processes, control of oneself."""

import contextlib

from litmus.harness import NS

from cosim.kernel import Event, Module, ProcessKilled, Thread


def run(log):
    for design in (sticky, family, extinct, oneself, both):
        with log.case(design.__name__) as simulator:
            design(log, simulator, Module(simulator, "top"))
            simulator.start()
            log("main", "done")


@contextlib.contextmanager
def unwound(log, who):
    try:
        yield
    except ProcessKilled:
        log(who, "unwinding", True)
        raise


def sticky(log, simulator, top):
    e = Event(top, "e")

    def thread():
        with unwound(log, "thread"):
            log("thread", "begin")
            while True:
                yield e
                log("thread", "e")

    def watch():
        while True:
            yield target.reset_event
            log("watch", "reset")

    def drive():
        yield 10 * NS
        e.notify()
        yield 10 * NS
        target.sync_reset_on()
        log("drive", "reset on")
        e.notify()
        yield 10 * NS
        e.notify(0)
        yield 10 * NS
        target.sync_reset_off()
        log("drive", "reset off")
        e.notify()
        yield 10 * NS
        target.reset()
        log("drive", "was reset")
        yield 10 * NS
        target.suspend()
        e.notify()
        yield 1 * NS
        target.kill()
        log("drive", "killed while suspended", target.terminated)
        yield 10 * NS

    target = top.thread(thread)
    top.thread(watch)
    top.thread(drive)


def family(log, simulator, top):
    def member(who, period):
        with unwound(log, who):
            tick = 0
            while True:
                yield period
                tick += 1
                log(who, "tick", tick)

    def child():
        Thread(simulator.current_process, lambda: member("grandchild", 5 * NS), "grandchild")
        yield from member("child", 4 * NS)

    def head():
        Thread(parent, child)
        yield from member("head", 3 * NS)

    def drive():
        yield 7500
        log("drive", "suspend the head")
        parent.suspend()
        yield 10 * NS
        parent.resume()
        log("drive", "suspend all")
        parent.suspend(descendants=True)
        yield 10 * NS
        log("drive", "resume all")
        parent.resume(descendants=True)
        yield 10 * NS
        log("drive", "kill the head")
        parent.kill()
        log("drive", "its children", len(parent.children))
        yield 10 * NS
        log("drive", "stop")
        simulator.stop()

    parent = top.thread(head)
    top.thread(drive)


def extinct(log, simulator, top):
    def member(who):
        with unwound(log, who):
            yield 1000 * NS

    def head():
        Thread(parent, lambda: member("child"), "child")
        yield from member("head")

    def drive():
        yield 10 * NS
        parent.kill(descendants=True)
        log("drive", "all are gone", parent.terminated)

    parent = top.thread(head)
    top.thread(drive)


def oneself(log, simulator, top):
    e, f = Event(top, "e"), Event(top, "f")
    starts = runs = 0

    def sleep():
        yield 1 * NS
        log("sleeper", "suspends itself")
        yield sleeper.suspend()
        log("sleeper", "was resumed")
        yield e
        log("sleeper", "e")

    def run():
        nonlocal runs
        runs += 1
        log("method", "run", runs)
        if runs == 1:
            method.suspend()
            log("method", "goes on to its end")

    def restart():
        nonlocal starts
        starts += 1
        log("again", "begin", starts)
        yield 2 * NS
        if starts < 3:
            with unwound(log, "again"):
                again.reset()
                log("again", "never")
        yield f
        log("again", "f")

    def drive():
        yield 20 * NS
        log("drive", "resume the sleeper")
        sleeper.resume()
        yield 1 * NS
        e.notify()
        yield 1 * NS
        e.notify()
        yield 5 * NS
        log("drive", "resume the method")
        method.resume()
        f.notify()
        yield 1 * NS
        log("drive", "end")

    sleeper = top.thread(sleep)
    method = top.method(run, sensitive=[e], dont_initialize=True)
    again = top.thread(restart)
    top.thread(drive)


def both(log, simulator, top):
    e = Event(top, "e")

    def wait_for_it():
        while True:
            yield e
            log("thread", "e")

    def drive():
        yield 1 * NS
        log("drive", "suspend, notify in the same phase, resume")
        thread.suspend()
        method.suspend()
        e.notify(0)
        yield 1 * NS
        thread.resume()
        method.resume()
        yield 1 * NS
        log("drive", "disable with a pending notification")
        e.notify(0)
        thread.disable()
        method.disable()
        yield 1 * NS
        thread.enable()
        method.enable()
        log("drive", "enabled")
        yield 1 * NS
        log("drive", "suspend twice, resume once")
        thread.suspend()
        thread.suspend()
        e.notify()
        yield 1 * NS
        thread.resume()
        yield 1 * NS
        log("drive", "end")

    method = top.method(lambda: log("method", "run"), "run", sensitive=[e], dont_initialize=True)
    thread = top.thread(wait_for_it)
    top.thread(drive)
