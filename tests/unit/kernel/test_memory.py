"""A long run does not grow: ten million events in the memory of the first ones.

The counters of the design count turns of its loops; a turn is seven events or more: waits, notifications, updates.
"""

import resource

import pytest
import simpy

from cosim.kernel import Event, Fifo, Module, Signal, Simulator

KIB = 1 if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 30 else 1024  # bytes on some systems


def peak_kib() -> int:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB


def everything(env: Simulator) -> list[int]:
    """A design that uses each kind of event for ever; returns the counters of its parts."""
    top = Module(env, "top")
    fifo = Fifo(top, "fifo", 4)
    signal = Signal(top, "signal", 0)
    tick = Event(top, "tick")
    far = Event(top, "far")
    store = simpy.Store(env, 4)
    counts = [0] * 7

    def count(index):
        counts[index] += 1

    def producer():
        while True:
            yield from fifo.write(0)
            yield 3
            tick.notify(0)
            far.notify(1_000_000 + counts[0] % 97)  # cancelled each time by the next one
            far.cancel()
            count(0)

    def consumer():
        while True:
            yield from fifo.read()
            signal.write(signal.read() + 1)
            count(1)

    def impatient():
        while True:
            yield (1_000, tick)
            count(2)

    def put():
        while True:
            yield store.put(None)
            yield env.timeout(2)
            count(3)

    def get():
        while True:
            yield store.get()
            yield env.timeout(2) | env.timeout(3)
            count(4)

    def spawner():
        while True:
            yield 7
            top.thread(lambda: None, top.unique_name("child"))
            Event(top, top.unique_name("event"))
            count(5)

    for function in (producer, consumer, impatient, spawner):
        top.thread(function, server=True)
    top.method(lambda: count(6), "changed", sensitive=[signal], dont_initialize=True)
    env.process(put())
    env.process(get())
    return counts


@pytest.mark.parametrize(
    "turns", [60_000, pytest.param(1_500_000, marks=pytest.mark.slow)], ids=["short", "ten million events"]
)
def test_memory_is_constant(turns):
    env = Simulator()
    counts = everything(env)
    while sum(counts) < 30_000:
        env.start(10_000)
    before = peak_kib()
    while sum(counts) < turns:
        env.start(10_000)
    assert min(counts) > turns // 50
    assert peak_kib() - before < 1_024
