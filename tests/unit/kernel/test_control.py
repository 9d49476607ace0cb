"""Processes that control each other and themselves: found by running random designs against SystemC 2.3.4.

Seen to turn red: a listener taken out of a list by shifting the others; a terminated parent that leaves the tree at
once; a place in the queue that is kept by who was suspended; a self-disabled sleeper that wakes; a kill that hits the
caller; a method's reset of itself that does nothing; an unstarted thread that a reset leaves alone.
"""

import pytest

from cosim.kernel import Event, Method, Module, OrList, Signal, Simulator, Thread


def design():
    env = Simulator()
    return env, Module(env, "top"), []


@pytest.mark.parametrize("kind", ["methods", "threads"])
def test_the_last_waiter_takes_the_place_of_one_that_leaves(kind):
    env, top, log = design()
    e, f = Event(top, "both"), Event(top, "one")

    def make(name, what):
        if kind == "threads":

            def thread():
                yield what
                log.append(name)

            return top.thread(thread, name)

        def method():
            if env.now:
                log.append(name)
            else:
                handle.next_trigger(what)

        handle = top.method(method, name)
        return handle

    for name in "abcde":
        make(name, e | f if name == "b" else e)

    def driver():
        yield 1
        f.notify()
        yield 1
        e.notify()

    top.thread(driver)
    env.run()
    # a e c d are left, and fire first, last, last but one, ...
    assert log == ["b", "a", "d", "c", "e"]


def test_a_disabled_waiter_keeps_its_place():
    env, top, log = design()
    e = Event(top, "e")

    def waits(name):
        while True:
            yield e
            log.append(name)

    threads = {name: top.thread(lambda name=name: waits(name), name) for name in "abcd"}

    def driver():
        yield 1
        threads["a"].disable()
        threads["c"].disable()
        e.notify()
        yield 1
        threads["a"].enable()
        threads["c"].enable()
        log.append("-")
        e.notify()

    top.thread(driver)
    env.run()
    assert log == ["b", "d", "-", "a", "d", "b", "c"]


def test_an_ended_parent_is_there_for_its_children():
    env, top, log = design()

    def grandchild():
        yield 3
        log.append(env.now)
        yield 100

    def child():
        Thread(env.current_process, grandchild, "grandchild")

    def parent():
        Thread(env.current_process, child, "child")

    head = top.thread(parent)
    env.run(until=5)
    assert head.terminated
    assert (log, env.find("top.parent.child.grandchild").terminated) == ([3], False)
    head.kill(descendants=True)
    assert env.find("top.parent") is None
    env.run()
    assert env.now == 5


def test_a_method_that_suspends_itself_runs_at_once_when_it_is_resumed():
    env, top, log = design()
    e = Event(top, "e")

    def method():
        log.append(("run", env.now))
        if len(log) == 1:
            handle.next_trigger(20)
            handle.suspend()

    handle = top.method(method, sensitive=[e])
    env.run(until=5)
    handle.resume()
    env.run()
    # Its time-out went with the resume.
    assert (log, env.now) == ([("run", 0), ("run", 5)], 5)


def test_a_method_that_suspends_and_resumes_itself_does_not_run_again():
    env, top, log = design()

    def method():
        log.append(env.now)
        handle.suspend()
        handle.resume()

    handle = top.method(method)
    env.run()
    assert log == [0]


def test_a_thread_that_disables_itself_before_it_sleeps_sleeps_for_ever():
    env, top, log = design()

    def thread():
        yield 1
        handle.disable()
        yield 5
        log.append(env.now)

    handle = top.thread(thread)
    env.run()
    assert (log, env.delta_count) == ([], 2)
    handle.enable()
    env.run()
    assert not log


def test_who_is_suspended_and_resumed_goes_to_the_end_of_the_queue():
    env, top, log = design()
    threads = {}

    def driver():
        threads["a"].suspend()
        threads["a"].resume()
        yield 1

    top.thread(driver)
    for name in "abc":
        threads[name] = top.thread(lambda name=name: log.append(name), name)
    env.run()
    assert log == ["b", "c", "a"]


def test_a_method_may_reset_itself():
    env, top, log = design()

    def method():
        log.append("begin")
        if len(log) == 1:
            handle.reset()
            log.append("not reached")

    handle = top.method(method)
    resets = []
    Method(top, lambda: resets.append(env.now), "watch", sensitive=[handle.reset_event], dont_initialize=True)
    env.run()
    assert (log, resets) == (["begin", "begin"], [0])


@pytest.mark.parametrize("how", ["reset", "signal"])
def test_a_reset_starts_a_thread_that_has_not_started(how):
    env, top, log = design()
    reset = Signal(top, "reset", False)

    def thread():
        log.append(env.now)
        yield 1
        log.append(env.now)

    handle = top.thread(thread, dont_initialize=True)
    handle.reset_when(reset, asynchronous=True)

    def driver():
        yield 3
        if how == "reset":
            handle.reset()
        else:
            reset.write(True)
            yield 0
            reset.write(False)

    top.thread(driver)
    env.run()
    assert log == [3, 4]


def test_a_reset_starts_a_thread_made_of_a_generator_but_once():
    env, top, log = design()

    def body():
        log.append(env.now)
        yield 1

    handle = top.thread(body(), "body", dont_initialize=True)
    env.run()
    handle.reset()
    env.run()
    assert (log, env.now, handle.terminated) == ([0], 1, True)


@pytest.mark.parametrize("how", ["kill", "reset", "throw"])
def test_who_waits_for_the_caller_ends_when_it_is_back_in_control(how):
    env, top, log = design()
    starts = []

    def outer():
        starts.append(env.now)
        if len(starts) > 1:
            return
        yield 1
        try:
            inside.reset()
            log.append("not reached")
        except KeyError:
            log.append("thrown at")
        finally:
            log.append("outer ends")

    def inner():
        if env.now:
            getattr(outside, how)(*([KeyError("lost")] if how == "throw" else ()))
            log.append("inner goes on")
        yield 5
        log.append(("inner", env.now))

    outside = top.thread(outer)
    inside = top.thread(inner)
    env.run()
    assert log == [
        "inner goes on",
        *(["thrown at"] if how == "throw" else []),
        "outer ends",
        ("inner", 6),
    ]
    assert starts == [0, 1] if how == "reset" else [0]
    assert outside.terminated


def test_who_is_on_the_way_out_is_left_alone():
    env, top, log = design()

    def victim():
        try:
            yield 100
        finally:
            for action in (handle.kill, handle.reset, lambda: handle.throw(KeyError("lost"))):
                action()
            log.append("clean")

    handle = top.thread(victim)
    env.run(until=1)
    handle.kill()
    assert (log, handle.terminated) == (["clean"], True)


def test_a_clean_up_that_fails_ends_the_process_all_the_same():
    env, top, _ = design()

    def victim():
        try:
            yield 100
        finally:
            raise KeyError("dirty")

    handle = top.thread(victim)
    env.run(until=1)
    with pytest.raises(KeyError) as caught:
        handle.kill()
    assert caught.value.__notes__ == ["in process top.victim at t=1"]
    assert handle.terminated and not env.blocked()
    env.run()
    assert env.now == 1


def test_who_kills_itself_must_not_wait():
    env, top, _ = design()

    def stubborn():
        try:
            handle.kill()
        finally:
            yield 1

    handle = top.thread(stubborn)
    with pytest.raises(RuntimeError, match=r"^process top\.stubborn waited while it was being killed or reset$"):
        env.run()


def test_an_error_ends_the_thread():
    env, top, log = design()

    def fails():
        yield 1
        raise KeyError("lost")

    def waits():
        yield handle.terminated_event
        log.append(env.now)

    handle = top.thread(fails)
    top.thread(waits)
    with pytest.raises(KeyError):
        env.run()
    assert handle.terminated
    env.run()
    assert log == [1]
    env.check_drained()


def test_a_resume_of_one_that_only_waits_for_it():
    env, top, log = design()

    def thread():
        handle.suspend()
        yield OrList(())
        log.append(env.now)

    handle = top.thread(thread)
    env.run(until=7)
    handle.resume()
    env.run()
    assert log == [7]
