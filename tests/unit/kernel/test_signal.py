"""Edges and writers of signals; values over delta cycles are in the litmus designs."""

import pytest

from cosim.kernel import Buffer, Logic, LogicVector, Module, MultipleDriverError, ResolvedSignal, Signal, Simulator


@pytest.mark.parametrize("values", [(False, True), (0, 1), (Logic("0"), Logic("1"))])
def test_edges(values):
    env = Simulator()
    top = Module(env, "top")
    signal, log = Signal(top, "s", values[0]), []

    def writer():
        for value in (values[1], values[0], values[0], values[1]):
            yield 10
            signal.write(value)

    top.thread(writer)
    for name in ("posedge", "negedge"):
        top.method(
            lambda name=name: log.append((env.now, name, getattr(signal, name)())),
            name,
            sensitive=[getattr(signal, f"{name}_event")],
            dont_initialize=True,
        )
    env.run()
    assert log == [(10, "posedge", True), (20, "negedge", True), (40, "posedge", True)]


def test_simpy_processes_are_writers_too():
    env = Simulator()
    top = Module(env, "top")
    signal = Signal(top, "s", 0)

    def writer(delay, value):
        yield env.timeout(delay)
        signal.write(value)

    top.process(writer(1, 5), "first")
    top.process(writer(2, 6), "second")
    with pytest.raises(MultipleDriverError, match=r"^signal top\.s: written by top\.first and top\.second"):
        env.run()
    assert signal.value == 5


def test_four_values():
    assert str(~LogicVector("01XZ")) == "10XX"
    assert LogicVector("1Z") == LogicVector("1z")
    assert {Logic("1"): 1}[LogicVector("1")] == 1
    assert repr(Logic("x")) == "Logic('X')"
    with pytest.raises(ValueError, match=r"^expected a string of 0, 1, Z and X, got '2'$"):
        LogicVector("2")
    with pytest.raises(ValueError, match=r"^expected one of 0, 1, Z and X, got '01'$"):
        Logic("01")
    with pytest.raises(ValueError, match=r"^expected the same width, got 1 and 2$"):
        LogicVector("0") & LogicVector("00")
    env = Simulator()
    with pytest.raises(ValueError, match=r"^signal r: expected 2 bits, got 1$"):
        ResolvedSignal(env, "r", 2).write("1")
    with pytest.raises(ValueError, match=r"^width: expected at least 1, got 0$"):
        ResolvedSignal(env, "q", 0)


def test_a_buffer_changes_with_every_write():
    env = Simulator()
    top = Module(env, "top")
    buffer, log = Buffer(top, "b", True), []

    def writer():
        for value in (True, True, False, False):
            yield 10
            buffer.write(value)

    top.thread(writer)
    for name in ("value_changed", "posedge", "negedge"):
        event = getattr(buffer, f"{name}_event")
        top.method(lambda name=name: log.append((name, env.now)), name, sensitive=[event], dont_initialize=True)
    env.run()
    by_name = {name: [at for who, at in log if who == name] for name in ("value_changed", "posedge", "negedge")}
    assert by_name == {"value_changed": [10, 20, 30, 40], "posedge": [10, 20], "negedge": [30, 40]}
