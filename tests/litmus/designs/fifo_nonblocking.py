"""The fifo without waiting: what can be read and written when; several accesses in one phase; ports, and too many."""

from functools import partial

from litmus.harness import NS

from cosim.kernel import Fifo, In, Module, Out


def run(log):
    with log.case("one reader, one writer") as simulator:
        top = Module(simulator, "top")
        fifo = Fifo(top, "fifo", 3)
        reader, writer = In(Module(top, "reader"), "in"), Out(Module(top, "writer"), "out")
        reader.bind(fifo)
        writer.bind(fifo)
        top.thread(both(log, fifo, reader, writer), "both")
        for event, who, what, count in (
            (fifo.data_written_event, "on_written", "available", fifo.num_available),
            (fifo.data_read_event, "on_read", "free", fifo.num_free),
        ):
            top.method(partial(tell, log, who, what, count), who, sensitive=[event], dont_initialize=True)
        simulator.start()
        log("main", "done")
    with log.case("default capacity") as simulator:
        log("main", "free", Fifo(simulator, "fifo").num_free())
    for name, kind in (("two readers", In), ("two writers", Out)):
        with log.case(name) as simulator:
            fifo = Fifo(simulator, "fifo")
            for part in "ab":
                kind(Module(simulator, part), "port").bind(fifo)
            simulator.start()


def tell(log, who, what, count):
    log(who, what, count())


def both(log, fifo, reader, writer):
    def counts(what):
        log("both", what, fifo.num_available() * 10 + fifo.num_free())

    def put(item):
        log("both", "written" if writer.nb_write(item) else "full", item)

    def get():
        got, item = reader.nb_read()
        log("both", "read" if got else "empty", item or 0)

    def body():
        counts("at first")
        get()
        put(1)
        put(2)
        counts("two written")
        get()
        yield 0
        counts("a delta cycle later")
        put(3)
        put(4)
        get()
        counts("one more written, one read")
        put(4)
        yield 0
        counts("a delta cycle later")
        put(4)
        put(5)
        get()
        get()
        get()
        counts("all read")
        yield 0
        counts("a delta cycle later")
        get()
        yield 0
        counts("all quiet")
        yield 1 * NS
        log("both", "blocking write")
        yield from fifo.write(6)
        log("both", "blocking read", (yield from fifo.read()))
        counts("at the end")

    return body
