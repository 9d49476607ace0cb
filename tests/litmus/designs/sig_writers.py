"""Writer policies of signals."""

from litmus.harness import NS

from cosim.kernel import Module, Out, Signal, WriterPolicy


def run(log):
    for name, policy, second in (
        ("one_writer, two writers at different times", WriterPolicy.ONE, 20),
        ("one_writer, two writers in the same delta", WriterPolicy.ONE, 10),
        ("many_writers, different times", WriterPolicy.MANY, 20),
        ("many_writers, same delta", WriterPolicy.MANY, 10),
        ("unchecked_writers, different times", WriterPolicy.UNCHECKED, 20),
    ):
        with log.case(name) as simulator:
            top = Module(simulator, "top")
            s = Signal(top, "s", 0, writer_policy=policy)

            def writer(name, time, value, s=s):
                yield time * NS
                log(name, "write", value)
                s.write(value)

            top.thread(writer("w1", 10, 1), "w1")
            top.thread(writer("w2", second, 2), "w2")
            top.method(lambda s=s: log("m", "value", s.read()), "m", sensitive=[s], dont_initialize=True)
            simulator.start()
            log("main", "done", s.read())
    with log.case("two out ports on one one_writer signal") as simulator:
        s = Signal(simulator, "s", 0)
        module = Module(simulator, "p")
        for name in ("o1", "o2"):
            Out(module, name).bind(s)
        simulator.start()
        log("main", "done")
