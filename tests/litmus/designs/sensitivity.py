"""Static and dynamic sensitivity through ports of all kinds; buffers; initial values written through ports."""

from litmus.harness import NS

from cosim.kernel import BindingPolicy, Buffer, Export, Fifo, In, Logic, Module, Out, Port, ResolvedSignal, Signal


class Leaf(Module):
    """Listens at its ports."""

    def __init__(self, parent, log):
        super().__init__(parent, "leaf")
        self.log = log
        self.bit, self.logic, self.number = In(self, "bit"), In(self, "logic"), In(self, "number")
        self.many = Port(self, "many", maximum=0)
        self.none = Port(self, "none", maximum=2, policy=BindingPolicy.ZERO_OR_MORE)
        self.items = Port(self, "items")
        self.out = Out(self, "out")
        self.method(self.rising, sensitive=[self.bit.pos], dont_initialize=True)
        self.method(self.falling, sensitive=[self.bit.neg], dont_initialize=True)
        self.method(self.changed, sensitive=[self.bit])
        self.method(self.logic_rising, sensitive=[self.logic.pos], dont_initialize=True)
        self.method(self.logic_falling, sensitive=[self.logic.neg], dont_initialize=True)
        self.method(self.any_of_many, sensitive=[self.many, self.none], dont_initialize=True)
        self.method(self.item_written, sensitive=[self.items.finder("data_written_event")], dont_initialize=True)
        self.thread(self.waits, sensitive=[self.number])
        self.out.initialize(5)

    def rising(self):
        self.log("rising", "bit", self.bit.read())

    def falling(self):
        self.log("falling", "bit", self.bit.read())

    def changed(self):
        bit = self.bit
        self.log("changed", "bit", "pos" if bit.posedge() else "neg" if bit.negedge() else "?" if bit.event() else "no")

    def logic_rising(self):
        self.log("logic_rising", "value", str(self.logic.read()))

    def logic_falling(self):
        self.log("logic_falling", "value", str(self.logic.read()))

    def any_of_many(self):
        self.log("any_of_many", "sum", sum(signal.read() for signal in self.many))

    def item_written(self):
        self.log("item_written", "available", self.items.num_available())

    def waits(self):
        log = self.log
        log("thread", "ports bound", len(self.many) * 10 + len(self.none))
        log("thread", "out", self.out.read())
        self.out.write(6)
        yield
        log("thread", "number", self.number.read())
        yield self.bit.posedge_event | self.many[1].value_changed_event
        log("thread", "dynamic", self.bit.posedge())
        yield self.bit.negedge_event & self.many[2].value_changed_event
        log("thread", "both", self.many[2].read())
        came = yield 3 * NS, self.number.value_changed_event
        log("thread", "timed out", not came)
        yield
        log("thread", "static again", self.number.read())


class Middle(Module):
    """Binds ports of its part to its own."""

    def __init__(self, parent, log):
        super().__init__(parent, "middle")
        self.bit = In(self, "bit")
        self.offered = Export(self, "offered")
        self.own = Signal(self, "own", 0)
        self.leaf = Leaf(self, log)
        self.leaf.bit.bind(self.bit)
        self.offered.bind(self.own)
        self.leaf.number.bind(self.own)


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    bit, out = Signal(top, "bit", False), Signal(top, "out", 0)
    logic = ResolvedSignal(top, "logic")
    m0, m1, m2 = (Signal(top, f"m{index}", 0) for index in range(3))
    items = Fifo(top, "items", 4)
    buffer = Buffer(top, "buffer", 0)
    to_offered = Port(top, "to_offered")
    middle = Middle(top, log)
    middle.bit.bind(bit)
    leaf = middle.leaf
    leaf.logic.bind(logic)
    for signal in (m0, m1, m2):
        leaf.many.bind(signal)
    leaf.items.bind(items)
    leaf.out.bind(out)
    to_offered.bind(middle.offered)

    def on_buffer():
        log("on_buffer", "value", buffer.read())
        log("on_buffer", "event", buffer.event())

    def drive():
        yield 10 * NS
        bit.write(True)
        logic.write(Logic("1"))
        yield 10 * NS
        to_offered.write(3)
        yield 10 * NS
        m1.write(20)
        yield 10 * NS
        bit.write(False)
        logic.write("Z")
        m0.write(1)
        m1.write(21)
        yield 10 * NS
        m2.write(300)
        logic.write("0")
        yield 10 * NS
        yield from items.write(1)
        yield from items.write(2)
        to_offered.write(4)
        yield 10 * NS
        buffer.write(7)
        yield 1 * NS
        buffer.write(7)
        yield 1 * NS
        buffer.write(8)
        buffer.write(7)
        yield 0
        log("drive", "buffer event one delta cycle later", buffer.event())
        yield 0
        log("drive", "buffer event two delta cycles later", buffer.event())
        yield 1 * NS
        log("drive", "end")

    top.method(on_buffer, sensitive=[buffer], dont_initialize=True)
    top.method(lambda: log("on_out", "value", out.read()), "on_out", sensitive=[out])
    top.thread(drive)
    simulator.start()
    log("main", "done")
