"""Threads: generators and coroutines, waits, errors, resets, control."""

import pytest
import simpy

from cosim.kernel import Clock, DeadlockError, Event, Module, Signal, Simulator, wait
from cosim.kernel.report import STOPPED_ALREADY, Severity


def design(**options):
    env = Simulator(**options)
    return env, Module(env, "top"), []


def test_async_functions_and_simpy_events():
    env, top, log = design()
    e = Event(top, "e")
    store = simpy.Store(env)

    async def consumer():
        await wait(5)
        for delay in (3, 10):
            came = await wait(delay, e)
            log.append((env.now, came))
        await (e | e)
        log.append(env.now)
        item = await wait(store.get())
        log.append((env.now, item))

    def producer():
        for _ in range(2):
            yield 10
            e.notify()
        yield store.put("item")

    top.thread(consumer)
    top.thread(producer)
    env.run()
    assert log == [(8, False), (10, True), 20, (20, "item")]


def test_the_value_of_a_wait():
    env, top, log = design()

    def failing():
        yield env.timeout(2)
        raise KeyError("lost")

    def thread():
        log.append((yield env.timeout(3, "value")))
        done = env.event()
        done.succeed("early")
        yield 1
        log.append((yield done))
        try:
            yield env.process(failing())
        except KeyError as error:
            log.append((env.now, error.args))
        return "result"

    handle = top.thread(thread)
    env.run()
    assert log == ["value", "early", (6, ("lost",))]
    assert (handle.terminated, handle.result) == (True, "result")
    assert handle.waits_for() == "nothing: it has ended"


def test_an_error_names_process_and_time():
    env, top, _ = design()

    def thread():
        yield 7
        raise ValueError("bad")

    top.thread(thread)
    with pytest.raises(ValueError, match=r"^bad") as caught:
        env.run()
    assert caught.value.__notes__ == ["in process top.thread at t=7"]


@pytest.mark.parametrize(
    ("waited", "error", "message"),
    [
        ("soon", TypeError, r"^process top\.thread at t=0: cannot wait for 'soon'$|expected a whole number"),
        (-1, ValueError, r"^process top\.thread: Negative delay -1$"),
        (0.5, ValueError, r"^delay: expected a whole number of time units, got 0\.5$"),
        (object(), TypeError, r"^process top\.thread at t=0: cannot wait for <object"),
    ],
)
def test_what_cannot_be_waited_for(waited, error, message):
    env, top, _ = design()

    def thread():
        yield waited

    top.thread(thread)
    with pytest.raises((error, ValueError), match=message):
        env.run()


def test_wait_checks_its_arguments():
    _, top, _ = design()
    e = Event(top, "e")
    with pytest.raises(TypeError, match=r"^wait: combine events with \| or &$"):
        wait(e, e)
    with pytest.raises(TypeError, match=r"^wait: more than one delay$"):
        wait(1, 2)
    with pytest.raises(ValueError, match=r"^count: expected at least 1, got 0$"):
        wait(count=0)
    with pytest.raises(TypeError, match=r"^wait: a count goes with static sensitivity only$"):
        wait(5, count=2)


def test_spawned_threads_run_in_the_same_phase_and_leave_no_trace():
    env, top, log = design()

    def child(number):
        log.append((number, env.delta_count, env.now))
        yield 1

    def parent():
        yield 5
        for number in range(100):
            yield top.thread(child(number), f"child{number}").terminated_event

    top.thread(parent)
    env.run()
    assert [row[0] for row in log] == list(range(100))
    assert log[0] == (0, 1, 5)
    assert top.children == {}
    assert env._sc_processes == {}


def test_a_plain_function_runs_once():
    env, top, log = design()
    handle = top.thread(lambda: log.append(env.now) or 42, "once")
    env.run()
    assert (log, handle.terminated, handle.result) == ([0], True, 42)


def test_blocked_threads_are_reported():
    env, top, _ = design()
    e, f = Event(top, "e"), Event(top, "f")

    def waits(what):
        yield what

    for name, what in (("one", e), ("any", e | f), ("all", e & f), ("timed", (1000, e))):
        top.thread(waits(what), name)
    top.thread(waits(e), "idler", server=True)
    top.thread(waits(None), "static", sensitive=[f])
    env.run(until=500)
    with pytest.raises(DeadlockError) as caught:
        env.check_drained()
    assert dict(caught.value.blocked) == {
        "top.one": "top.e",
        "top.any": "top.e | top.f",
        "top.all": "top.e & top.f",
        "top.timed": "top.e or t=1000",
        "top.static": "static sensitivity (top.f)",
    }


def counter(env, log):
    def body():
        count = 0
        log.append((env.now, "start"))
        while True:
            yield
            count += 1
            log.append((env.now, count))

    return body


@pytest.mark.parametrize("asynchronous", [False, True])
def test_clocked_threads_and_their_resets(asynchronous):
    env, top, log = design()
    clock, reset = Clock(top, "clock", 10, start=5), Signal(top, "reset", False)
    top.clocked_thread(counter(env, log), clock.posedge_event, reset=reset, asynchronous=asynchronous)

    def driver():
        yield 28
        reset.write(True)
        yield 20
        reset.write(False)

    top.thread(driver)
    env.run(until=70)
    at_once = [(28, "start")] if asynchronous else []
    assert log == [(5, "start"), (15, 1), (25, 2), *at_once, (35, "start"), (45, "start"), (55, 1), (65, 2)]


def test_reset_needs_a_function():
    env, top, log = design()
    handle = top.thread(counter(env, log)(), "body", sensitive=[Event(top, "e")])
    env.run()
    with pytest.raises(RuntimeError, match=r"^process top\.body was made of a generator object and cannot start anew$"):
        handle.reset()


def test_suspended_meanwhile_woken_runs_at_resume_and_not_before():
    env, top, log = design()

    def ticker():
        while True:
            yield 10
            log.append(env.now)

    handle = top.thread(ticker)
    env.run(until=15)
    handle.suspend()
    env.run(until=55)
    handle.resume()
    env.run(until=66)
    assert log == [10, 55, 65]


def test_disabled_events_are_lost():
    env, top, log = design()
    e = Event(top, "e")

    def listener():
        while True:
            yield e
            log.append(env.now)

    handle = top.thread(listener)

    def driver():
        for _ in range(4):
            yield 10
            e.notify()

    top.thread(driver)
    env.run(until=15)
    handle.disable()
    env.run(until=35)
    handle.enable()
    env.run()
    assert log == [10, 40]


def test_a_timed_wait_cannot_be_disabled():
    env, top, _ = design()

    def thread():
        yield 10

    handle = top.thread(thread)
    env.run(until=5)
    with pytest.raises(RuntimeError, match=r"^process top\.thread waits for a time and cannot be disabled$"):
        handle.disable()


def test_kill_unhooks_the_wait_and_cleans_up():
    env, top, log = design()
    e = Event(top, "e")

    def victim():
        try:
            yield 50, e
        finally:
            log.append((env.now, "cleanup"))

    handle = top.thread(victim)
    env.run(until=5)
    handle.kill()
    assert (log, handle.terminated) == ([(5, "cleanup")], True)
    handle.kill()
    env.run()
    assert env.now == 5  # its time-out is gone


def test_a_killed_thread_must_not_wait():
    env, top, _ = design()

    def stubborn():
        try:
            yield 5
        finally:
            yield 1

    handle = top.thread(stubborn)
    env.run(until=2)
    with pytest.raises(RuntimeError, match=r"^process top\.stubborn waited while it was being killed or reset$"):
        handle.kill()


def test_killed_before_it_ran_it_never_runs():
    env, top, log = design()
    victim = []

    def killer():
        victim[0].kill()
        yield 1

    def body():
        log.append("ran")
        yield 1

    top.thread(killer)
    victim.append(top.thread(body))
    env.run()
    assert log == []


def test_descendants_follow():
    env, top, log = design()

    def child():
        try:
            yield 100
        finally:
            log.append(("child", env.now))

    def parent():
        from cosim.kernel import Thread  # noqa: PLC0415

        Thread(env.current_process, child)
        try:
            yield 100
        finally:
            log.append(("parent", env.now))

    handle = top.thread(parent)
    env.run(until=10)
    handle.kill(descendants=True)
    env.run()
    assert log == [("child", 10), ("parent", 10)]


def test_another_order_of_threads():
    orders = set()
    for seed in range(10):
        env, top, log = design(shuffle_seed=seed)
        for number in range(6):
            top.thread(lambda number=number, log=log: log.append(number), f"t{number}")
        env.run()
        assert sorted(log) == list(range(6))
        orders.add(tuple(log))
    assert len(orders) > 5


def test_a_pause_does_not_leave_the_end_of_the_run_behind():
    env, top, _ = design()

    def thread():
        yield 10
        env.pause()
        yield 10

    top.thread(thread)
    env.run(until=1000)
    assert env.now == 10
    env.run()
    assert env.now == 20


def test_after_a_stop_nothing_runs():
    env, _, _ = design()
    env.run()
    env.stop()
    with pytest.raises(RuntimeError, match=r"^the simulation was stopped and cannot be run again$"):
        env.run()
    env.reports.set_severity(STOPPED_ALREADY, Severity.ERROR)
    with pytest.raises(RuntimeError, match=r"^the simulation has been stopped already$"):
        env.stop()


def test_immediate_notifications_without_end():
    env, top, _ = design()
    env.max_zero_time_steps = 50
    e, f = Event(top, "e"), Event(top, "f")
    top.method(f.notify, "a", sensitive=[e])
    top.method(e.notify, "b", sensitive=[f])
    with pytest.raises(RuntimeError, match=r"^time does not advance: more than 50 steps at t=0; the last"):
        env.run()


def test_a_thread_may_reset_itself_unless_it_was_made_of_a_generator():
    env, top, log = design()

    def again():
        log.append(("begin", env.now))
        yield 5
        if env.now < 12:
            thread.reset()
        log.append(("end", env.now))

    thread = top.thread(again)
    env.run()
    assert log == [("begin", 0), ("begin", 5), ("begin", 10), ("end", 15)]
    assert not thread.unwinding

    def once():
        yield 1
        generator.reset()

    generator = top.thread(once(), "once")
    with pytest.raises(
        RuntimeError, match=r"^process top\.once was made of a generator object and cannot start anew\n"
    ):
        env.run()


def test_a_sticky_reset_is_set_once_and_taken_away_once():
    env, top, log = design()
    e = Event(top, "e")

    def body():
        log.append(("begin", env.now))
        while True:
            yield e
            log.append(("e", env.now))

    def driver():
        thread.sync_reset_on()
        thread.sync_reset_on()
        yield 1
        e.notify()
        yield 1
        thread.sync_reset_off()
        thread.sync_reset_off()
        e.notify()

    thread = top.thread(body, server=True)
    top.thread(driver)
    env.run()
    assert log == [("begin", 0), ("begin", 1), ("e", 2)]


def test_a_thread_that_suspends_itself_waits_for_the_resume_only():
    env, top, log = design()

    def sleeper():
        yield thread.suspend()
        log.append(env.now)
        thread.suspend()
        thread.resume()
        yield 3
        log.append(env.now)

    def waker():
        yield 5
        thread.resume()

    thread = top.thread(sleeper)
    top.thread(waker)
    env.run()
    assert log == [5, 8]


def test_what_happened_in_a_cycle_that_nobody_saw_is_not_just_now_later():
    env, top, log = design()
    e = Event(top, "e")
    s = Signal(top, "s", 0)

    def driver():
        s.write(1)
        e.notify(0)
        yield 10
        log.append((s.event(), e.triggered))
        s.write(2)
        e.notify(0)
        yield 0
        log.append((s.event(), e.triggered))

    top.thread(driver)
    env.run()
    assert log == [(False, False), (True, True)]


def test_a_sleeper_that_is_suspended_or_reset_runs_when_it_should():
    env, top, log = design()

    def sleeper(name):
        while True:
            yield 10
            log.append((env.now, name))

    threads = {name: top.thread(lambda name=name: sleeper(name), name) for name in "abcd"}

    def control():
        yield 5
        threads["b"].suspend()
        threads["c"].reset()  # starts anew: next at 15
        threads["d"].kill()
        yield 10
        threads["b"].resume()  # its time has passed: it runs at once

    top.thread(control)
    env.run(until=26)
    assert sorted(log) == [(10, "a"), (15, "b"), (15, "c"), (20, "a"), (25, "b"), (25, "c")]
    assert threads["d"].terminated


@pytest.mark.parametrize("held", ["kill", "suspend"])
def test_what_was_taken_out_before_it_ran_is_no_delta_cycle(held):
    env, top, log = design()
    e = Event(top, "e")

    def thread():
        yield e
        log.append("ran")

    waiting = top.thread(thread)
    env.start(1)
    count = env.delta_count

    def outside():
        yield env.timeout(4)
        e.notify()
        getattr(waiting, held)()

    env.process(outside())
    env.run()
    assert log == [] and env.delta_count == count
