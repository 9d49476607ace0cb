"""A mutex and a semaphore, never two waiting at once."""

from litmus.harness import NS

from cosim.kernel import Module, Mutex, Semaphore


def run(log):
    def code(done):
        return 0 if done else -1

    with log.case("semaphore with a negative value") as simulator:
        Semaphore(simulator, "z", -1)
    simulator = log.new_simulator()
    top = Module(simulator, "top")
    m, s = Mutex(top, "m"), Semaphore(top, "s", 2)

    def use(who, at, hold):
        yield at * NS
        log(who, "lock?")
        yield from m.lock()
        log(who, "locked")
        yield hold * NS
        log(who, "unlock", code(m.unlock()))

    def a():
        yield from use("a", 10, 10)
        yield 50 * NS
        log("a", "trylock", code(m.trylock()))
        yield 5 * NS
        log("a", "unlock", code(m.unlock()))

    def x():
        yield 15 * NS
        log("x", "trylock", code(m.trylock()))
        log("x", "unlock not owner", code(m.unlock()))
        yield 57 * NS
        log("x", "trylock", code(m.trylock()))
        yield 4 * NS
        log("x", "trylock", code(m.trylock()))
        log("x", "unlock", code(m.unlock()))

    def sem(who, at, hold):
        yield at * NS
        log(who, "wait?", s.value)
        yield from s.wait()
        log(who, "got", s.value)
        yield hold * NS
        s.post()
        log(who, "post", 0)
        log(who, "value", s.value)

    def p3():
        yield from sem("p3", 102, 10)
        yield 40 * NS
        for _ in range(3):
            log("p3", "trywait", code(s.trywait()))

    top.thread(a)
    top.thread(use("b", 11, 10), "b")
    top.thread(use("c", 22, 10), "c")
    top.thread(x)
    top.thread(sem("p1", 100, 10), "p1")
    top.thread(sem("p2", 101, 30), "p2")
    top.thread(p3)
    top.thread(sem("p4", 113, 10), "p4")
    simulator.start()
    log("main", "done")
