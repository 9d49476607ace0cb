"""The four callbacks, their order, and a module made in one of them."""

from litmus.harness import NS

from cosim.kernel import Module, Port, PrimitiveChannel, Signal


def logged(base):
    """`base` with four logged callbacks."""

    class Logged(base):
        log = None

        def before_end_of_elaboration(self):
            self.log(self.full_name, "before_end_of_elaboration")

        def end_of_elaboration(self):
            self.log(self.full_name, "end_of_elaboration")

        def start_of_simulation(self):
            self.log(self.full_name, "start_of_simulation")

        def end_of_simulation(self):
            self.log(self.full_name, "end_of_simulation")

    return Logged


def run(log):
    simulator = log.simulator

    class Channel(logged(PrimitiveChannel)):
        def update(self):
            log(self.full_name, "update")

    class TestPort(logged(Port)):
        pass

    class Base(logged(Module)):
        def __init__(self, parent, name):
            super().__init__(parent, name)
            log(self.full_name, "constructor")

    class Leaf(Base):
        def __init__(self, parent, name):
            super().__init__(parent, name)
            self.p = TestPort(self, "p")
            self.c = Channel(self, "c")
            self.method(self.run)

        def run(self):
            log(self.full_name, "run")
            self.c.request_update()

    class Top(Base):
        def __init__(self, parent, name):
            super().__init__(parent, name)
            self.s = Signal(self, "s", 0)
            self.a, self.b, self.late = Leaf(self, "a"), Leaf(self, "b"), None
            self.a.p.bind(self.s)
            self.b.p.bind(self.s)
            log(self.full_name, "constructor end")

        def before_end_of_elaboration(self):
            super().before_end_of_elaboration()
            self.late = Base(self, "late")

    for kind in (Channel, TestPort, Base):
        kind.log = staticmethod(log)
    Channel(simulator, "c0")
    Top(simulator, "top")
    log("main", "constructed")
    simulator.start(1 * NS)
    log("main", "started")
    for thing in simulator.walk_objects():
        log.plain(thing.full_name, thing.name, f"sc_{thing.kind}")
    simulator.stop()
    log("main", "stopped")
