"""Names, kinds, finding, duplicates, odd characters, and objects made too late."""

from litmus.harness import NS

from cosim.kernel import Event, In, Module, Severity, Signal
from cosim.kernel.report import NAME_CHARACTERS, NAME_EXISTS


class Leaf(Module):
    """One of everything, named and unnamed."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.s, self.u = Signal(self, "s", 0), Signal(self, None, 0)
        self.input, self.pu = In(self, "in"), In(self)
        self.e, self.eu = Event(self, "e"), Event(self)
        self.method(lambda: None, "m")
        self.thread(lambda: None, "t")
        self.thread(lambda: None, "spawned")


class Mid(Module):
    """Two leaves."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.x, self.y = Leaf(self, "x"), Leaf(self, "y")


def run(log):
    with log.case("object tree") as simulator:
        mid, _leaf = Mid(simulator, "mid"), Leaf(simulator, "z")
        top_signal, _unnamed = Signal(simulator, "top_sig", False), Signal(simulator, None, False)
        mid.x.input.bind(top_signal)
        for thing in simulator.walk_objects():
            log.plain("object", thing.full_name, f"sc_{thing.kind}")
            for event in thing.child_events.values():
                log.plain("event", event.full_name, thing.name)
        log.plain("find", "mid.x.s", simulator.find("mid.x.s") is not None)
        log.plain("find", "mid.q", simulator.find("mid.q") is not None)
        log.plain("find", "event mid.y.e", simulator.find("mid.y.e") is not None)
        log.plain("parent", mid.x.s.full_name, mid.x.s.parent.full_name)
        log.plain("parent", "of mid is null", mid.parent is simulator)
        log.plain("unique", "sc_gen_unique_name", simulator.unique_name("foo"))
        log.plain("unique", "sc_gen_unique_name", simulator.unique_name("foo"))
    with log.case("duplicate names") as simulator:
        simulator.reports.set_severity(NAME_EXISTS, Severity.WARNING)
        signals = [Signal(simulator, "dup", 0) for _ in range(3)]
        for who, signal in zip("abc", signals, strict=True):
            log.plain(who, "name", signal.full_name)
        _first, second = Leaf(simulator, "leaf"), Leaf(simulator, "leaf")
        log.plain("l2", "name", second.full_name)
        log.plain("l2", "child", second.s.full_name)
    with log.case("odd characters in a name") as simulator:
        simulator.reports.set_severity(NAME_CHARACTERS, Severity.WARNING)
        dot, space = Signal(simulator, "with.dot", 0), Signal(simulator, "with space", 0)
        log.plain("a", "name", dot.full_name)
        log.plain("b", "name", space.full_name)
    with log.case(
        "object made after elaboration: module is an error, signal and event are allowed or not"
    ) as simulator:

        def t():
            event = Event(simulator.current_process, "late_event")
            log("t", "event", event.full_name)
            done = False
            with log.guard():
                Signal(simulator, "late_signal", 0)
                done = True
            log("t", "signal ok", done)
            with log.guard():
                Mid(simulator, "late_mid")
                done = True
            log("t", "module ok", done)

        Module(simulator, "m").thread(t)
        simulator.start(1 * NS)
        log("main", "done")
