"""Engines between the instants: order, bounds, deliveries, splitting, feeding each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import NEVER, Simulator
from cosim.kernel import EngineError


class Server:
    """A single server with a clock: jobs wait for its first edge after arrival, then take `service` edges each.

    The reference of its timing is `finish_times`, ten lines away from the engine's own machinery.
    """

    def __init__(self, env, name, period=7, service=3):
        self.env, self.name, self.period, self.service = env, name, period, service
        self.queue, self.serving, self.done = [], None, []
        self.calls, self.finished = 0, []
        self.attachment = None

    def submit(self, event):
        start = (self.env.now // self.period + 1) * self.period
        self.queue.append((start, event))
        if self.attachment is not None:
            self.attachment.wake()

    def next(self):
        if self.serving is not None:
            return self.serving[0]
        return max(self.queue[0][0], self.free) if self.queue else NEVER

    free = 0

    def advance(self, limit):
        self.calls += 1
        while self.next() <= limit and self.next() != NEVER:
            if self.serving is None:
                start, event = self.queue.pop(0)
                self.serving = (max(start, self.free) + self.service * self.period, event)
                continue
            time, event = self.serving
            self.serving, self.free = None, time
            self.done.append((time, event))
            return time
        return NEVER

    def deliver(self):
        for time, event in self.done:
            assert time == self.env.now
            self.finished.append(time)
            event.succeed(time)
        self.done = []


def finish_times(arrivals, period=7, service=3):
    free, out = 0, []
    for arrival in sorted(arrivals):
        free = max((arrival // period + 1) * period, free) + service * period
        out.append(free)
    return out


def customers(env, server, arrivals, log):
    def customer(arrival):
        yield env.timeout(arrival)
        event = env.event()
        server.submit(event)
        yield event
        log.append((arrival, env.now))

    for arrival in arrivals:
        env.process(customer(arrival))


def test_an_arrival_acts_strictly_after_its_instant():
    env, log = Simulator(), []
    server = Server(env, "s")
    env.attach(server)
    customers(env, server, [0, 7, 8, 300], log)
    env.run()
    assert log == [(0, 28), (7, 49), (8, 70), (300, 322)]
    assert env.now == 322


@given(st.lists(st.integers(0, 200), max_size=12), st.lists(st.integers(1, 400), max_size=8), st.booleans())
def test_runs_may_be_split_and_engines_polled_or_woken(arrivals, stops, polled):
    env, log = Simulator(), []
    server = Server(env, "s")
    attachment = env.attach(server, polled=polled)
    if not polled:
        server.attachment = attachment
    customers(env, server, arrivals, log)
    for stop in sorted(set(stops)):
        env.run(until=stop)
        assert env.now == stop
        assert server.next() > stop
    env.run()
    assert sorted(end for _, end in log) == finish_times(arrivals)


def test_a_quiescent_engine_is_never_advanced():
    env = Simulator()
    server = Server(env, "s")
    env.attach(server)
    for delay in range(100):
        env.timeout(delay)
    env.run()
    assert server.calls == 0


class Scripted:
    """Has events at given times; completes something at some of them."""

    def __init__(self, name, times, completes, log):
        self.name, self.times, self.completes, self.log = name, list(times), set(completes), log

    def next(self):
        return self.times[0] if self.times else NEVER

    def advance(self, limit):
        while self.times and self.times[0] <= limit:
            time = self.times.pop(0)
            self.log.append((time, self.name))
            if time in self.completes:
                return time
        return NEVER

    def deliver(self):
        self.log.append(("deliver", self.name))


def test_the_earliest_engine_runs_first_and_ties_go_by_name():
    env, log = Simulator(), []
    env.attach(Scripted("b", [1, 4, 6], [], log))
    env.attach(Scripted("a", [2, 4, 5], [], log))
    env.timeout(5).callbacks.append(lambda event: log.append((env.now, "queue")))
    env.run()
    # What is due at the instant of the queue has happened before its callbacks.
    assert log == [(1, "b"), (2, "a"), (4, "a"), (4, "b"), (5, "a"), (5, "queue"), (6, "b")]
    assert env.now == 5  # nothing became visible at 6


def test_completions_of_one_instant_are_delivered_together_before_its_callbacks():
    env, log = Simulator(), []
    env.attach(Scripted("b", [3, 9], [3], log))
    env.attach(Scripted("a", [3, 8], [3, 8], log))
    env.timeout(3).callbacks.append(lambda event: log.append((env.now, "queue")))
    env.run()
    completed_at_3 = [(3, "a"), (3, "b"), ("deliver", "a"), ("deliver", "b"), (3, "queue")]
    assert log == [*completed_at_3, (8, "a"), ("deliver", "a"), (9, "b")]
    assert env.now == 8


def test_two_engines_that_feed_each_other():
    env, trace = Simulator(), []
    ping, pong = Server(env, "ping", 5, 1), Server(env, "pong", 3, 2)
    env.attach(ping)
    env.attach(pong)

    def ball():
        for _ in range(3):
            for server in (ping, pong):
                event = env.event()
                server.submit(event)
                yield event
                trace.append((server.name, env.now))

    env.process(ball())
    env.run()
    # ping: next edge + 5; pong: next edge + 6.
    assert trace == [("ping", 10), ("pong", 18), ("ping", 25), ("pong", 33), ("ping", 40), ("pong", 48)]


def test_run_until_a_time_bounds_engines_and_until_an_event_reaches_them():
    env = Simulator()
    server = Server(env, "s")
    env.attach(server)
    event = env.event()
    server.submit(event)
    env.run(until=28)
    assert (env.now, event.triggered, event.processed) == (28, True, False)
    assert env.run(until=event) == 28
    late = env.event()
    server.submit(late)
    env.run(until=40)
    assert (env.now, late.triggered) == (40, False)
    assert env.run(until=late) == 56


def test_detached_engines_rest():
    env, log = Simulator(), []
    attachment = env.attach(Scripted("a", [1, 2], [1, 2], log))
    env.timeout(1)
    env.run(until=env.timeout(1))
    attachment.detach()
    env.run()
    assert log == [(1, "a"), ("deliver", "a")]


class Broken:
    """Breaks the contract in a chosen way."""

    name = "broken"

    def __init__(self, next_time, completed):
        self.next_time, self.completed = next_time, completed

    def next(self):
        return self.next_time

    def advance(self, limit):
        return self.completed

    def deliver(self):
        pass


@pytest.mark.parametrize(
    ("next_time", "completed", "message"),
    [
        (5, NEVER, r"^engine broken: advance\(10\) returned NEVER but left an event at 5 behind$"),
        (5, 11, r"^engine broken: advance\(10\) returned 11, outside of its events from 5 on$"),
        (5, 4, r"^engine broken: advance\(10\) returned 4, outside of its events from 5 on$"),
        (-1, NEVER, r"^engine broken: has an event at -1, before the current time 0$"),
    ],
)
def test_a_broken_engine_is_named(next_time, completed, message):
    env = Simulator()
    env.attach(Broken(next_time, completed))
    env.timeout(10)
    with pytest.raises(EngineError, match=message):
        env.run()


def test_engines_need_a_name_and_strict_time():
    env = Simulator()
    env.attach(Broken(NEVER, NEVER))
    with pytest.raises(ValueError, match=r"^an engine named 'broken' is attached already$"):
        env.attach(Broken(NEVER, NEVER))
    env.attach(Broken(NEVER, NEVER), "other")
    with pytest.raises(ValueError, match=r"has no name: give one"):
        env.attach(type("Nameless", (), {"next": lambda self: NEVER})())
    with pytest.raises(ValueError, match=r"^engines need strict_time$"):
        Simulator(strict_time=False).attach(Broken(NEVER, NEVER))
