"""Methods: control and errors; what wakes them is in the litmus designs."""

import pytest

from cosim.kernel import Event, Method, Module, Simulator


def design():
    env = Simulator()
    top = Module(env, "top")
    return env, top, Event(top, "e"), []


def test_errors_name_the_method():
    env, top, e, _ = design()

    def bad():
        raise ValueError("bad")

    top.method(bad, sensitive=[e], dont_initialize=True)
    e.notify(5)
    with pytest.raises(ValueError, match=r"^bad") as caught:
        env.run()
    assert caught.value.__notes__ == ["in process top.bad at t=5"]


def test_a_method_can_end_itself():
    env, top, e, log = design()

    def once():
        log.append(env.now)
        handle.kill()
        log.append("never")

    handle = top.method(once, sensitive=[e])
    e.notify(5)
    env.run()
    assert (log, handle.terminated) == ([0], True)


def test_reset_runs_it_at_once_and_ends_its_dynamic_trigger():
    env, top, e, log = design()

    def method():
        log.append(env.now)
        if env.now == 0:
            handle.next_trigger(100)

    handle = top.method(method, sensitive=[e])
    env.run(until=10)
    handle.reset()
    assert log == [0, 10]
    e.notify(5)
    env.run()
    assert (log, env.now) == ([0, 10, 15], 15)


def test_suspended_and_disabled_both_sides():
    env, top, e, log = design()
    handle = top.method(lambda: log.append(env.now), "m", sensitive=[e], dont_initialize=True)

    def driver():
        for _ in range(5):
            yield 10
            e.notify()

    top.thread(driver)
    env.run(until=15)
    handle.suspend()
    env.run(until=25)
    handle.resume()
    env.run(until=26)
    handle.disable()
    env.run(until=36)
    handle.enable()
    env.run()
    assert log == [10, 25, 40, 50]


def test_a_method_may_wait_for_a_simpy_event():
    env, top, _, log = design()

    def method():
        log.append(env.now)
        if env.now < 10:
            handle.next_trigger(env.timeout(10 - env.now))

    handle = Method(top, method)
    env.run()
    assert log == [0, 10]
