"""suspend, resume, disable, enable, kill, reset, throw."""

from litmus.harness import NS

from cosim.kernel import Event, Module, ProcessKilled, ProcessReset


class MyError(Exception):
    """Thrown into a thread."""


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    e = Event(top, "e")

    def t():
        for number in range(1, 13):
            yield 10 * NS
            log("t", "tick", number)

    def m():
        log("m", "run")

    def victim():
        try:
            while True:
                yield e
        except ProcessKilled as unwinding:
            log("victim", "unwind is_reset", isinstance(unwinding, ProcessReset))
            raise
        finally:
            log("victim", "cleanup")

    def phoenix():
        log("phoenix", "start")
        try:
            while True:
                yield 1000 * NS
                log("phoenix", "tick")
        except ProcessKilled as unwinding:
            log("phoenix", "unwind is_reset", isinstance(unwinding, ProcessReset))
            raise

    def thrown():
        while True:
            try:
                yield
            except MyError as error:
                log("thrown", "caught", error.args[0])

    def dis():
        while True:
            yield e
            log("dis", "e")

    def watch():
        yield handles["victim"].terminated_event
        log("watch", "victim terminated", handles["victim"].terminated)

    def drv():
        ht, hm, hk, hr, hx, hd = (handles[name] for name in ("t", "m", "victim", "phoenix", "thrown", "dis"))
        yield 15 * NS
        log("drv", "suspend t")
        ht.suspend()
        yield 30 * NS
        log("drv", "resume t")
        ht.resume()
        yield 2 * NS
        log("drv", "disable m, dis")
        hm.disable()
        hd.disable()
        e.notify()
        yield 0
        yield 1 * NS
        log("drv", "enable m, dis")
        hm.enable()
        hd.enable()
        yield 1 * NS
        log("drv", "notify e")
        e.notify()
        yield 1 * NS
        log("drv", "suspend m")
        hm.suspend()
        e.notify()
        yield 3 * NS
        log("drv", "resume m")
        hm.resume()
        yield 1 * NS
        log("drv", "kill victim")
        hk.kill()
        log("drv", "after kill", hk.terminated)
        log("drv", "valid", hk is not None)
        yield 1 * NS
        log("drv", "reset phoenix")
        hr.reset()
        log("drv", "after reset")
        yield 1 * NS
        log("drv", "throw_it")
        hx.throw(MyError(42))
        log("drv", "after throw_it")
        yield 1 * NS
        log("drv", "kill m")
        hm.kill()
        e.notify()
        yield 0
        log("drv", "m terminated", hm.terminated)
        yield 1 * NS
        log("drv", "kill self")
        simulator.current_process.kill()
        log("drv", "never")

    handles = {"t": top.thread(t), "m": top.method(m, sensitive=[e], dont_initialize=True)}
    for body in (victim, phoenix, thrown, dis, watch, drv):
        handles[body.__name__] = top.thread(body)
    simulator.start(200 * NS)
    log("main", "done", handles["t"].terminated)
