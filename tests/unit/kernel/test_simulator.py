"""SimPy's queue in SimPy's order, strict time, update phases, shuffling, running."""

import random

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from cosim import DeadlockError, Simulator, ZeroTimeLoopError


def random_design(env, seed, log):
    """Processes that use time-outs, events, conditions, stores, resources and interrupts at random."""
    rng = random.Random(seed)
    store, resource, container = simpy.Store(env, 2), simpy.PriorityResource(env, 2), simpy.Container(env, 5)
    shared = [env.event() for _ in range(4)]
    processes = []

    def worker(name, choices):
        for step, (kind, amount) in enumerate(choices):
            log.append((env.now, name, step, kind))
            try:
                if kind == 0:
                    yield env.timeout(amount)
                elif kind == 1:
                    yield store.put((name, step)) | env.timeout(amount)
                elif kind == 2:
                    item = yield store.get() | env.timeout(amount)
                    log.append((env.now, name, list(item.values())))
                elif kind == 3:
                    with resource.request(priority=amount) as request:
                        yield request
                        yield env.timeout(amount)
                elif kind == 4:
                    event = shared[amount % 4]
                    if not event.triggered:
                        event.succeed(name)
                    yield event & env.timeout(1)
                elif kind == 5:
                    other = processes[amount % len(processes)]
                    if other.is_alive and other is not env.active_process:
                        other.interrupt(name)
                    yield env.timeout(0)
                elif kind == 6:
                    yield container.put(1) | container.get(1) | env.timeout(amount)
            except simpy.Interrupt as interrupt:
                log.append((env.now, name, "interrupted", interrupt.cause))
        return name

    for name in range(5):
        choices = [(rng.randrange(7), rng.randrange(4)) for _ in range(rng.randrange(1, 12))]
        processes.append(env.process(worker(name, choices)))
    return processes


@pytest.mark.parametrize("block", range(6))
def test_order_is_simpys_exactly(block):
    for seed in range(block * 50, block * 50 + 50):
        logs = []
        for env in (simpy.Environment(), Simulator(), Simulator(strict_time=False)):
            log = []
            random_design(env, seed, log)
            env.run()
            logs.append((log, env.now))
        assert logs[0] == logs[1] == logs[2], seed


@given(st.integers(0, 10**6), st.lists(st.integers(1, 12), max_size=6, unique=True))
def test_splitting_a_run_changes_nothing(seed, stops):
    logs = []
    for times in ([], sorted(stops)):
        env, log = Simulator(), []
        random_design(env, seed, log)
        for time in times:
            env.run(until=time)
            assert env.now == time
            assert all(row[0] < time for row in log)
        env.run()
        logs.append(log)
    assert logs[0] == logs[1]


def test_other_priorities_come_in_their_order():
    log = []
    for env in (simpy.Environment(), Simulator()):
        rows = []
        for delay in (0, 3):
            for index, priority in enumerate((1, 2, 0, -1, 5, 1, 0, 2, -3)):
                event = env.event()
                event._ok, event._value = True, (delay, priority, index)
                event.callbacks.append(lambda event, rows=rows, env=env: rows.append((env.now, event.value)))
                env.schedule(event, priority, delay)
        env.run()
        log.append(rows)
    assert log[0] == log[1]
    assert [value[1] for _, value in log[1][:9]] == [-3, -1, 0, 0, 1, 1, 2, 2, 5]


def test_strict_time_takes_whole_numbers_only():
    env = Simulator(10.0)
    assert env.now == 10
    env.timeout(2.0)
    env.run()
    assert env.now == 12
    assert type(env.now) is int
    with pytest.raises(ValueError, match=r"^delay: expected a whole number of time units, got 0\.5$"):
        env.timeout(0.5)
    with pytest.raises(ValueError, match=r"^initial_time: expected a whole number of time units, got 0\.5$"):
        Simulator(0.5)
    with pytest.raises(ValueError, match=r"^until: expected a whole number of time units, got 20\.5$"):
        env.run(until=20.5)
    with pytest.raises(ValueError, match=r"^Negative delay -1$"):
        env.timeout(-1)
    with pytest.raises(ValueError, match=r"in the past: delay -1$"):
        env.schedule(env.event(), delay=-1)
    with pytest.raises(ValueError, match=r"^until \(12\) must be greater than the current simulation time$"):
        env.run(until=12)


def test_fractional_time_where_it_is_allowed():
    env = Simulator(strict_time=False)
    env.timeout(0.5)
    env.timeout(0.25)
    assert env.peek() == 0.25
    env.run()
    assert env.now == 0.5


def test_run_until_a_time_is_exclusive_and_moves_time_there():
    env, log = Simulator(), []
    env.timeout(10).callbacks.append(lambda event: log.append(env.now))
    env.run(until=10)
    assert (env.now, log) == (10, [])
    env.run(until=25)
    assert (env.now, log) == (25, [10])


def test_run_until_an_event_returns_its_value():
    env = Simulator()
    assert env.run(until=env.timeout(7, "seven")) == "seven"
    assert env.now == 7
    done = env.timeout(0, "again")
    env.run()
    assert env.run(until=done) == "again"


def test_start_always_moves_to_the_end_of_the_duration():
    env, log = Simulator(), []
    env.timeout(10).callbacks.append(lambda event: log.append(env.now))
    env.start(10)
    assert (env.now, log) == (10, [])
    env.start(0)
    assert (env.now, log) == (10, [10])
    env.start(5)
    assert env.now == 15
    env.timeout(3)
    env.start()
    assert env.now == 18
    with pytest.raises(ValueError, match=r"^duration: expected at least 0, got -1$"):
        env.start(-1)


class Channel:
    """Logs its updates; may trigger an event in the first ones."""

    def __init__(self, env, log, name, triggers=0):
        self.env, self.log, self.name, self.triggers = env, log, name, triggers

    def update(self):
        self.log.append((self.env.now, "update", self.name))
        if self.triggers:
            self.triggers -= 1
            event = self.env.event()
            event.callbacks.append(self.again)
            event.succeed()

    def again(self, event):
        self.log.append((self.env.now, "callback", self.name))
        self.env.request_update(self)


def test_updates_come_once_after_all_callbacks_of_the_instant_and_are_rearmed():
    env, log = Simulator(), []
    a, b = Channel(env, log, "a", triggers=2), Channel(env, log, "b")

    def process(name, channels, delay):
        yield env.timeout(delay)
        for channel in channels:
            env.request_update(channel)
        log.append((env.now, "request", name))
        yield env.timeout(0)
        yield env.timeout(0)
        log.append((env.now, "still callbacks", name))

    env.process(process("p", [b, a, b], 5))
    env.process(process("q", [a], 5))
    env.run()
    assert log == [
        (5, "request", "p"),
        (5, "request", "q"),
        (5, "still callbacks", "p"),
        (5, "still callbacks", "q"),
        (5, "update", "a"),
        (5, "update", "b"),
        (5, "callback", "a"),
        (5, "update", "a"),
        (5, "callback", "a"),
        (5, "update", "a"),
    ]


def test_an_update_pending_when_a_run_stops_comes_first_in_the_next_one():
    env, log = Simulator(), []
    channel = Channel(env, log, "c")
    event = env.timeout(5)
    event.callbacks.append(lambda event: env.request_update(channel))
    env.run(until=event)
    assert (env.now, log, env.peek()) == (5, [], 5)
    env.timeout(1).callbacks.append(lambda event: log.append((env.now, "later")))
    env.run()
    assert log == [(5, "update", "c"), (6, "later")]


def test_step_does_what_run_does():
    env, log = Simulator(), []
    channel = Channel(env, log, "c")
    env.timeout(5).callbacks.append(lambda event: env.request_update(channel))
    env.timeout(6)
    env.step()
    assert log == []
    env.step()
    assert (env.now, log) == (6, [(5, "update", "c")])
    with pytest.raises(simpy.core.EmptySchedule):
        env.step()


def same_time_order(seed):
    env, log = Simulator(shuffle_seed=seed), []

    def process(name):
        log.append(("start", name))
        try:
            yield env.timeout(5)
            log.append(("five", name))
        except simpy.Interrupt:
            log.append(("interrupted", name))

    processes = [env.process(process(name)) for name in range(8)]
    for target in processes[:3]:
        target.interrupt()
    env.run()
    return log


def test_shuffling_changes_the_order_of_one_instant_and_keeps_causality():
    orders = {tuple(same_time_order(seed)) for seed in range(20)}
    assert len(orders) == 20
    for order in orders:
        starts = [name for kind, name in order if kind == "start"]
        assert sorted(starts) == list(range(8))
        # All starts are urgent and come before the interrupts, these before any time-out.
        assert [kind for kind, _ in order] == ["start"] * 8 + ["interrupted"] * 3 + ["five"] * 5
    assert same_time_order(3) == same_time_order(3)
    assert same_time_order(None) == [("start", n) for n in range(8)] + [("interrupted", n) for n in range(3)] + [
        ("five", n) for n in range(3, 8)
    ]


def test_a_loop_in_zero_time_is_an_error_that_says_where():
    env = Simulator()
    env.max_zero_time_steps = 1000

    def spin():
        yield env.timeout(3)
        while True:
            yield env.timeout(0)

    env.process(spin())
    with pytest.raises(
        ZeroTimeLoopError, match=r"^time does not advance: more than 1000 steps at t=3; the last one was Timeout$"
    ):
        env.run()


def test_a_loop_of_updates_is_an_error_too():
    env = Simulator()
    env.max_zero_time_steps = 100

    class Loop:
        def update(self):
            env.request_update(self)

    env.request_update(Loop())
    with pytest.raises(ZeroTimeLoopError, match=r"more than 100 steps at t=0; the last one was a delta cycle$"):
        env.run()


def test_exactly_the_allowed_number_of_steps_is_fine():
    env = Simulator()
    env.max_zero_time_steps = 100
    updates = []

    class Count:
        def update(self):
            updates.append(env.now)
            if len(updates) < 100:
                env.request_update(self)

    env.request_update(Count())
    env.run()
    assert updates == [0] * 100


def test_the_queue_does_not_grow():
    env = Simulator()

    def clock():
        for _ in range(1000):
            yield env.timeout(7)

    env.process(clock())
    env.process(clock())
    env.run(until=5000)
    assert len(env._times) == len(env._buckets) == 1
    env.run()
    assert not env._times
    assert not env._buckets


def test_waiting_for_an_event_that_can_no_longer_happen():
    env = Simulator()
    env.timeout(4)
    with pytest.raises(
        DeadlockError,
        match=r'^No scheduled events left but "until" event was not triggered: <Event\(\) object at .*>; '
        r"drained at t=4, blocked: no registered process$",
    ):
        env.run(until=env.event())


def test_no_past_in_a_finished_simulation():
    env = Simulator(100)
    with pytest.raises(ValueError, match="must be greater"):
        env.run(until=100)
