"""Fifo, clock, event queue: what the litmus designs leave open."""

from fractions import Fraction

import pytest

from cosim.kernel import Clock, ClockDomain, EventQueue, Fifo, FifoPortError, In, Module, Out, Port, Simulator


def test_fifo_without_waiting():
    env = Simulator()
    fifo = Fifo(env, "f", 2)
    assert [fifo.nb_write(item) for item in "abc"] == [True, True, False]
    assert fifo.nb_read() == (False, None)  # written in this delta cycle
    env.run()
    assert (fifo.num_available(), fifo.num_free()) == (2, 0)
    assert fifo.nb_read() == (True, "a")
    assert not fifo.nb_write("d")  # freed in this delta cycle
    env.run()
    assert fifo.nb_write("d")
    with pytest.raises(ValueError, match=r"^fifo g: must have a size of at least 1, got 0$"):
        Fifo(Simulator(), "g", 0)


def test_a_fifo_has_one_writer_and_one_reader():
    env = Simulator()
    top = Module(env, "top")
    fifo = Fifo(top, "f")
    Out(top, "w").bind(fifo)
    Port(top, "r").bind(fifo)
    Port(top, "r2").bind(fifo)
    with pytest.raises(FifoPortError, match=r"^fifo top\.f: more than one reader, <Port top\.r2> and <Port top\.r>$"):
        env.run()


def test_a_clock_of_a_rational_period_does_not_drift():
    env = Simulator()
    clock = Clock(env, "clock", ClockDomain("dram", Fraction(2500, 3)))
    log = []
    monitor = Module(env, "m")
    pin = In(monitor, "pin")
    pin.bind(clock)
    monitor.method(lambda: log.append(env.now), "edge", sensitive=[pin.pos], dont_initialize=True)
    env.run(until=2_500_001)
    assert log == [n * 2500 // 3 for n in range(3001)]


def test_wrong_clocks():
    for options, message in (
        ({"period": 10, "duty": 1.0}, "duty must be between 0 and 1, got 1.0"),
        ({"period": 1, "duty": 0.9}, "low time is zero"),
        ({"period": 0}, "period is zero"),
    ):
        with pytest.raises(ValueError, match=message):
            Clock(Simulator(), "c", **options)


def test_an_event_queue_forgets_nothing():
    env = Simulator()
    top = Module(env, "top")
    queue, log = EventQueue(top, "q"), []
    top.method(lambda: log.append((env.now, env.delta_count)), "m", sensitive=[queue], dont_initialize=True)
    for delay in (10, 5, 10, 0, 5):
        queue.notify(delay)
    env.run(until=8)
    assert [time for time, _ in log] == [0, 5, 5]
    assert log[2][1] == log[1][1] + 1
    queue.cancel_all()
    env.run()
    assert len(log) == 3
    with pytest.raises(ValueError, match=r"^event queue top\.q: Negative delay -1$"):
        queue.notify(-1)
