"""The event queue remembers every notification: one delta cycle for each that is due at an instant."""

from litmus.harness import NS

from cosim.kernel import EventQueue, Module, Port


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    queue = EventQueue(top, "queue")
    port = Port(top, "port")
    port.bind(queue)
    wakes = runs = 0

    def listen():
        nonlocal wakes
        while True:
            yield queue.default_event
            wakes += 1
            log("listen", "wake", wakes)

    def count():
        nonlocal runs
        runs += 1
        log("count", "run", runs)

    def drive():
        queue.notify(0)
        queue.notify()
        queue.notify(5 * NS)
        queue.notify(2 * NS)
        queue.notify(5 * NS)
        queue.notify(5 * NS)
        yield 5 * NS
        log("drive", "one more for now")
        queue.notify(0)
        yield 5 * NS
        queue.notify(3 * NS)
        queue.notify(4 * NS)
        queue.notify(0)
        queue.cancel_all()
        log("drive", "all cancelled")
        yield 10 * NS
        queue.notify(6 * NS)
        yield 1 * NS
        queue.notify(5 * NS)
        queue.notify(1 * NS)
        yield 10 * NS
        port.notify(1 * NS)
        yield 2 * NS
        log("drive", "end")

    top.thread(listen)
    top.method(count, sensitive=[queue], dont_initialize=True)
    top.method(lambda: log("count_at_port", "run"), "count_at_port", sensitive=[port], dont_initialize=True)
    top.thread(drive)
    simulator.start()
    log("main", "done", wakes)
