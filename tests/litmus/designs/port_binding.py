"""Binding of ports and exports, right and wrong."""

from litmus.harness import NS

from cosim.kernel import BindingPolicy, Export, In, Module, Port, Signal


class Interface:
    """Something with a `get`."""

    def get(self):
        raise NotImplementedError


class Implementation(Module, Interface):
    """Offers itself."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.x = Export(self, "x", Interface)
        self.x.bind(self)

    def get(self):
        return 99


class Outer(Module):
    """Offers what its part offers."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.x = Export(self, "x", Interface)
        self.x.bind(Implementation(self, "i").x)


class Reader(Module):
    """One input."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.p = In(self, "p")


class Wrapper(Module):
    """One input for two readers inside."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        self.p = In(self, "p")
        self.a, self.b = Reader(self, "a"), Reader(self, "b")
        self.a.p.bind(self.p)
        self.b.p.bind(self.p)


def run(log):
    class Multi(Module):
        def __init__(self, parent, name):
            super().__init__(parent, name)
            self.p = Port(self, "p", maximum=0)
            self.thread(self.t)

        def t(self):
            log(self.full_name, "size", len(self.p))
            for index in range(len(self.p)):
                log(self.full_name, "p[i]", self.p[index].read())

    class User(Module):
        def __init__(self, parent, name):
            super().__init__(parent, name)
            self.p = Port(self, "p", Interface)
            self.thread(lambda: log(self.full_name, "get", self.p.get()), "t")

    class Sized(Module):
        def __init__(self, parent, name, maximum, policy):
            super().__init__(parent, name)
            self.p = Port(self, "p", maximum=maximum, policy=policy)

        def end_of_elaboration(self):
            log(self.full_name, "size", len(self.p))

    def finish(simulator, text="never"):
        simulator.start(1 * NS)
        log("main", text)

    with log.case("unbound port") as simulator:
        Reader(simulator, "i")
        finish(simulator)
    with log.case("port bound twice (N=1)") as simulator:
        reader = Reader(simulator, "i")
        for name in "ab":
            reader.p.bind(Signal(simulator, name, 0))
        finish(simulator)
    with log.case("same interface bound twice to a multiport") as simulator:
        signal, multi = Signal(simulator, "a", 0), Multi(simulator, "m")
        multi.p.bind(signal)
        multi.p.bind(signal)
        finish(simulator)
    with log.case("multiport order") as simulator:
        signals, multi = [Signal(simulator, name, value) for name, value in zip("abc", (1, 2, 3), strict=True)], None
        multi = Multi(simulator, "m")
        for index in (1, 0, 2):
            multi.p.bind(signals[index])
        finish(simulator, "done")
    with log.case("hierarchical port") as simulator:
        wrapper = Wrapper(simulator, "w")
        wrapper.p.bind(Signal(simulator, "s", 5))
        simulator.start(1 * NS)
        log("main", "a", wrapper.a.p.read())
        log("main", "b", wrapper.b.p.read())
    with log.case("hierarchical port, outer unbound") as simulator:
        Wrapper(simulator, "w")
        finish(simulator)
    with log.case("export chain") as simulator:
        outer, user = Outer(simulator, "o"), User(simulator, "u")
        user.p.bind(outer.x)
        finish(simulator, "done")
    with log.case("unbound export used") as simulator:
        module, user = Module(simulator, "e"), User(simulator, "u")
        user.p.bind(Export(module, "x", Interface))
        finish(simulator)
    with log.case("zero or more bound: none") as simulator:
        Sized(simulator, "p", 1, BindingPolicy.ZERO_OR_MORE)
        finish(simulator, "done")
    with log.case("all bound N=2: only one") as simulator:
        Sized(simulator, "p", 2, BindingPolicy.ALL).p.bind(Signal(simulator, "a", 0))
        finish(simulator)
    with log.case("one or more bound N=2: only one") as simulator:
        Sized(simulator, "p", 2, BindingPolicy.ONE_OR_MORE).p.bind(Signal(simulator, "a", 0))
        finish(simulator, "done")
    with log.case("bind after elaboration") as simulator:
        first, second, reader = Signal(simulator, "a", 0), Signal(simulator, "b", 0), Reader(simulator, "i")
        reader.p.bind(first)
        simulator.start(1 * NS)
        reader.p.bind(second)
        log("main", "never")
    with log.case("port used before it is bound") as simulator:
        Reader(simulator, "i").p.read()
