"""Small random designs of threads, async threads, SimPy processes and methods over shared events and channels.

A design is plain data: a list of (kind, steps). Each step is (name, index, number). `Design` makes processes of them
that log what happened to them.
"""

import simpy
from hypothesis import strategies as st

from cosim.kernel import (
    Action,
    Event,
    EventQueue,
    Fifo,
    Module,
    Mutex,
    Semaphore,
    Severity,
    Signal,
    WriterPolicy,
    wait,
)

SHARED = 3
KINDS = ("thread", "async", "simpy", "method")

_index = st.integers(0, SHARED - 1)
_delay = st.integers(0, 7)
_step = st.one_of(
    st.tuples(st.just("wait"), _index, _delay),
    st.tuples(st.sampled_from(("notify", "queue")), _index, _delay),
    st.tuples(st.sampled_from(("immediate", "cancel")), _index, st.just(0)),
    st.tuples(st.sampled_from(("wait_for", "wait_for_any", "wait_for_all")), _index, _delay),
    st.tuples(st.sampled_from(("write", "wait_change")), _index, _delay),
    st.tuples(st.sampled_from(("put", "get", "nb_put", "nb_get")), _index, st.just(0)),
    st.tuples(st.sampled_from(("lock", "take")), _index, _delay),
    st.tuples(st.sampled_from(("store_put", "store_get", "timeout")), _index, _delay),
)
designs = st.lists(st.tuples(st.sampled_from(KINDS), st.lists(_step, max_size=8)), min_size=1, max_size=5)


class Design:
    """A design on a simulator; `log` fills when it runs, `finished` has the names of the processes that have ended."""

    def __init__(self, simulator, processes):
        self.simulator = simulator
        simulator.reports.set_actions(Action.NOTHING, severity=Severity.WARNING)  # methods that notify themselves
        self.log = []
        self.finished = set()
        self.top = top = Module(simulator, "top")
        self.events = [Event(top, f"e{index}") for index in range(SHARED)]
        self.queues = [EventQueue(top, f"q{index}") for index in range(SHARED)]
        unchecked = {"writer_policy": WriterPolicy.UNCHECKED}
        self.signals = [Signal(top, f"s{index}", 0, **unchecked) for index in range(SHARED)]
        self.fifos = [Fifo(top, f"f{index}", 1 + index) for index in range(SHARED)]
        self.mutexes = [Mutex(top, f"m{index}") for index in range(SHARED)]
        self.semaphores = [Semaphore(top, f"c{index}", index) for index in range(SHARED)]
        self.stores = [simpy.Store(simulator, 1 + index) for index in range(SHARED)]
        for index, (kind, steps) in enumerate(processes):
            getattr(self, f"_make_{kind}")(f"{kind}{index}", steps)

    def _make_thread(self, name, steps):
        self.top.thread(lambda: self._run(name, steps), name)

    def _make_async(self, name, steps):
        class Awaited:
            def __await__(this):
                return self._run(name, steps)

        async def body():
            await Awaited()

        self.top.thread(body, name)

    def _make_simpy(self, name, steps):
        self.top.process(self._run(name, steps), name)

    def _make_method(self, name, steps):
        """A method that does what needs no waiting, and waits for the rest by `next_trigger`."""
        position = iter(steps)

        def body():
            for step in position:
                kind, index, number = step
                self.note(name, step)
                if kind == "wait":
                    return method.next_trigger(number)
                if kind.startswith("wait_for"):
                    return method.next_trigger(number, self.events[index])
                self._at_once(step)
            self.finished.add(name)
            return None

        method = self.top.method(body, name, sensitive=self.events)

    def note(self, name, step, outcome=None):
        """Add a line to the log."""
        self.log.append((self.simulator.now, name, step[0], step[1], outcome))

    def _at_once(self, step):
        kind, index, number = step
        if kind == "notify":
            self.events[index].notify(number)
        elif kind == "immediate":
            self.events[index].notify()
        elif kind == "cancel":
            self.events[index].cancel()
        elif kind == "queue":
            self.queues[index].notify(number)
        elif kind == "write":
            self.signals[index].write(number)
        elif kind == "nb_put":
            return self.fifos[index].nb_write(number)
        elif kind == "nb_get":
            return self.fifos[index].nb_read()[0]
        return None

    def _run(self, name, steps):
        simulator = self.simulator
        for step in steps:
            kind, index, number = step
            self.note(name, step, "begin")
            before = simulator.now
            outcome = self._at_once(step)
            if kind == "wait":
                yield number
                assert simulator.now == before + number
            elif kind == "timeout":
                outcome = yield simulator.timeout(number, number)
                assert simulator.now == before + number
            elif kind == "wait_for":
                outcome = bool((yield number, self.events[index]))
            elif kind == "wait_for_any":
                outcome = bool((yield wait(number, self.events[index] | self.queues[0].default_event)))
            elif kind == "wait_for_all":
                outcome = bool((yield wait(number, self.events[index] & self.events[0])))
            elif kind == "wait_change":
                outcome = bool((yield number, self.signals[index].value_changed_event)), self.signals[index].value
            elif kind == "put":
                yield from self.fifos[index].write(number)
            elif kind == "get":
                outcome = yield from self.fifos[index].read()
            elif kind == "lock":
                yield from self.mutexes[index].lock()
                yield number
                assert self.mutexes[index].unlock()
            elif kind == "take":
                yield from self.semaphores[index].wait()
                yield number
                self.semaphores[index].post()
            elif kind == "store_put":
                yield self.stores[index].put((name, number))
            elif kind == "store_get":
                outcome = yield self.stores[index].get()
            self.note(name, step, outcome)
        self.finished.add(name)
