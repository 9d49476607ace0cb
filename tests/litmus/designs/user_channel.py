"""A channel of a user's own: updates asked for in every phase, once for many requests; ports registered."""

from litmus.harness import NS

from cosim.kernel import Event, Module, Port, PrimitiveChannel


class Mailbox(PrimitiveChannel):
    """Delivers the sum of the letters of a phase."""

    def __init__(self, parent, name, log):
        super().__init__(parent, name)
        self.log = log
        self.letters = self.delivered = self.rounds = 0
        self.default_event = Event.hidden(self, "arrived")

    def send(self, letter):
        self.letters += letter
        self.request_update()

    def register_port(self, port):
        self.log.plain(port.full_name, "registered", 0)

    def update(self):
        self.log("mailbox", "update", self.letters)
        self.delivered = self.letters
        if self.letters:
            self.default_event.notify(0)
        self.rounds += 1
        if self.rounds == 3:
            self.log("mailbox", "asks for one more update")
            self.request_update()
        self.letters = 0

    def start_of_simulation(self):
        self.send(1)


def run(log):
    simulator = log.simulator
    top = Module(simulator, "top")
    mailbox = Mailbox(top, "mailbox", log)
    out, into = Port(top, "out", Mailbox), Port(top, "in", Mailbox)
    out.bind(mailbox)
    into.bind(mailbox)

    def drive():
        log("drive", "delivered at first", into.delivered)
        out.send(10)
        out.send(20)
        log("drive", "not yet", into.delivered)
        yield 0
        log("drive", "a delta cycle later", into.delivered)
        yield 10 * NS
        out.send(5)
        yield mailbox
        log("drive", "arrived", into.delivered)
        out.send(-5)
        out.send(5)
        yield 1 * NS
        log("drive", "nothing came of it", into.delivered)

    receive = top.method(
        lambda: log("receive", "delivered", into.delivered), "receive", sensitive=[into], dont_initialize=True
    )
    top.thread(drive)
    mailbox.send(100)
    simulator.start()
    mailbox.send(7)
    simulator.start(1 * NS)
    log("main", "after a send from outside", mailbox.delivered)
    assert receive.sensitive == (into,)
