"""Kernel events: one pending notification, no memory, and SimPy's processes beside threads."""

import pytest

from cosim.kernel import Event, Module, SimulationWarning, Simulator, wait


def design():
    env = Simulator()
    top = Module(env, "top")
    return env, top, Event(top, "e"), []


def test_simpy_processes_wait_for_kernel_events_and_delays():
    env, top, e, log = design()
    f = Event(top, "f")

    def process():
        yield e
        log.append(("e", env.now))
        yield 5
        log.append(("delay", env.now))
        yield e | f
        log.append(("or", env.now))
        yield e & f
        log.append(("and", env.now))

    def driver():
        for event in (e, f, f, e):
            yield 10
            event.notify()

    top.process(process())
    top.thread(driver)
    env.run()
    assert log == [("e", 10), ("delay", 15), ("or", 20), ("and", 40)]


def test_callbacks_first_then_processes_then_updates():
    env, top, e, log = design()

    class Channel:
        def update(self):
            log.append("update")

    def process():
        yield env.timeout(5)
        log.append("callback")
        e.notify()
        yield env.timeout(0)
        log.append("later callback")

    def thread():
        yield e
        log.append("thread")
        env.request_update(Channel())

    top.thread(thread)
    top.process(process())
    env.run()
    assert log == ["callback", "later callback", "thread", "update"]


def test_an_event_has_no_memory():
    env, top, e, log = design()

    def late():
        yield 5
        yield e
        log.append(env.now)

    def early():
        e.notify()
        yield 10
        e.notify()

    top.thread(late)
    top.thread(early)
    env.run()
    assert log == [10]


def test_what_cannot_be_notified():
    env, _, e, _ = design()
    with pytest.raises(ValueError, match=r"^event top\.e: Negative delay -1$"):
        e.notify(-1)
    with pytest.raises(ValueError, match=r"^delay: expected a whole number of time units, got 0\.5$"):
        e.notify(0.5)
    e.notify(3.0)
    assert e.pending
    env.run()
    assert (env.now, e.pending) == (3, False)


def test_a_cancelled_notification_does_not_move_time():
    env, _, e, _ = design()
    e.notify(50)
    e.cancel()
    e.cancel()
    env.timeout(7)
    env.run()
    assert env.now == 7


def test_cancelled_times_do_not_pile_up():
    env, top, e, _ = design()
    sizes = []

    def watchdog():
        for step in range(20_000):
            e.cancel()
            e.notify(1_000_000 + step)
            if step % 1000 == 0:
                sizes.append(len(env._times))
            yield 1

    top.thread(watchdog)
    env.run()
    assert max(sizes) < 4000
    assert env.now == 1_000_000 + 19_999 + 19_999


def test_a_process_does_not_wake_itself_at_once():
    env, top, e, log = design()

    def method():
        log.append(env.now)
        if env.now == 5 and len(log) == 1:
            e.notify()

    top.method(method, sensitive=[e], dont_initialize=True)
    e.notify(5)
    with pytest.warns(SimulationWarning, match=r"^immediate notification of top\.e by top\.method, which is sensitive"):
        env.run()
    assert log == [5]


def test_lists_count_an_event_once():
    _, top, e, _ = design()
    f = Event(top, "f")
    assert (e | f | e).events == (e, f)
    assert (e & (f & e)).events == (e, f)
    assert repr(e | f) == "top.e | top.f"


def test_lists_do_not_mix():
    _, top, e, _ = design()
    f, g = Event(top, "f"), Event(top, "g")
    for mixture in (lambda: e | (f & g), lambda: e & (f | g), lambda: (e | f) | (f & g), lambda: (e & f) & (f | g)):
        with pytest.raises(TypeError, match=r"a list of events has only \| or only &$"):
            mixture()
    for mixture in (lambda: (e | f) & g, lambda: (e & f) | g):
        with pytest.raises(TypeError, match="unsupported operand"):
            mixture()


def test_simpy_processes_wait_for_what_threads_do():
    env, top, e, log = design()
    f = Event(top, "f")

    def body(who):
        for what in ((5, e), (5, e | f), (5, e & f), (20, e & f), wait(3), wait(0, e), wait(e), wait(50, e)):
            came = yield what
            log.append((who, env.now, bool(came)))

    async def coroutine():
        came = await wait(8, e)
        log.append(("async", env.now, came))

    def driver():
        for at, event in ((8, f), (17, e), (18, f), (30, e), (31, e)):
            yield env.timeout(at - env.now)
            event.notify()

    env.process(body("process"))
    top.thread(body("thread"))
    env.process(coroutine())
    env.process(driver())
    env.run()
    rows = {who: [row[1:] for row in log if row[0] == who] for who in ("process", "thread", "async")}
    del rows["process"][4:7:2], rows["thread"][4:7:2]  # without a time-out a wait has no value to a SimPy process
    assert rows["process"] == rows["thread"]
    assert [came for _, came in rows["thread"]] == [False, True, False, True, False, True]
    assert rows["async"] == [(8, False)]


def test_a_time_out_leaves_nothing_behind():
    env, top, e, _ = design()
    f = Event(top, "f")

    def process():
        for _ in range(100):
            yield 1, e
            yield 1, e | f
            yield 1, e & f

    env.process(process())
    env.run()
    assert not e._hooks
    assert not f._hooks


def test_events_are_found_while_they_live():
    env, top, e, _ = design()
    assert env.find("top.e") is e
    name = Event(top).full_name
    assert name == "top.event_0"
    assert env.find(name) is None
