"""Errors name the process and the time; SimPy's rules for failing events hold."""

import pytest
import simpy

from cosim import Module, Simulator


class AwkwardError(Exception):
    """Cannot be rebuilt from its args."""

    def __init__(self, one, two):
        super().__init__(f"{one}-{two}")


def failing(env, error):
    yield env.timeout(5)
    raise error


def test_an_error_names_process_and_time():
    env = Simulator()
    Module(env, "top").process(failing(env, KeyError("x")), "dma")
    with pytest.raises(KeyError) as caught:
        env.run()
    assert caught.value.__notes__ == ["in process top.dma at t=5"]
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_that_cannot_be_copied_arrives_as_it_is():
    env = Simulator()
    env.process(failing(env, AwkwardError(1, 2)))
    with pytest.raises(AwkwardError, match=r"^1-2") as caught:
        env.run()
    assert caught.value.__notes__ == ["in process failing at t=5"]


def test_a_waiter_gets_the_error_of_what_it_waits_for():
    env, log = Simulator(), []

    def waiter(process):
        try:
            yield process
        except ValueError as error:
            log.append((env.now, str(error), error.__notes__))

    env.process(waiter(env.process(failing(env, ValueError("bad")))))
    env.run()
    assert log == [(5, "bad", ["in process failing at t=5"])]


def test_what_cannot_be_waited_for_is_named():
    env = Simulator()

    def wrong():
        yield "five"

    Module(env, "top").process(wrong())
    with pytest.raises(RuntimeError, match=r'Invalid yield value "five" in process top\.wrong at t=0'):
        env.run()
    with pytest.raises(ValueError, match=r"^5 is not a generator\.$"):
        env.process(5)


def test_a_processed_event_does_not_suspend():
    env, log = Simulator(), []

    def process():
        early = env.timeout(1, "early")
        yield env.timeout(2)
        log.append(((yield early), env.now))
        assert env.active_process is this
        return "value"

    this = env.process(process())
    assert env.run(until=this) == "value"
    assert log == [("early", 2)]
    assert env.active_process is None
    assert not this.is_alive
    assert this.target is None
    assert this.waits_for() == "nothing: it has ended"


def test_interrupts_unhook_the_wait():
    env, log = Simulator(), []

    def victim():
        try:
            yield env.timeout(10)
        except simpy.Interrupt as interrupt:
            log.append((env.now, interrupt.cause))
        yield env.timeout(1)
        log.append((env.now, "end"))

    def attacker(target):
        yield env.timeout(3)
        target.interrupt("stop")

    env.process(attacker(env.process(victim())))
    env.run()
    assert log == [(3, "stop"), (4, "end")]
