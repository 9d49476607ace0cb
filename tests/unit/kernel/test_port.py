"""Ports: interfaces and exports; what binding allows is in the litmus designs."""

import pytest

from cosim.kernel import (
    BindInterfaceError,
    ChannelInsertionError,
    Export,
    In,
    Module,
    ModuleInsertionError,
    Out,
    Port,
    PortInsertionError,
    Signal,
    Simulator,
)


def test_interfaces_are_checked():
    top = Module(Simulator(), "top")
    signal = Signal(top, "s", 0)
    with pytest.raises(BindInterfaceError, match=r"^port top\.p: <Signal top\.s> does not have the interface Module$"):
        Port(top, "p", Module).bind(signal)
    export = Export(top, "x", Module)
    with pytest.raises(
        BindInterfaceError, match=r"^export top\.x: <Signal top\.s> does not have the interface Module$"
    ):
        export.bind(signal)
    export.bind(top)
    with pytest.raises(BindInterfaceError, match=r"^export top\.x: is bound already$"):
        export.bind(top)


def test_a_value_travels_through_ports():
    env = Simulator()
    top = Module(env, "top")
    signal, out, pin, log = Signal(top, "s", 0), Out(top, "out"), In(top, "in"), []
    out.bind(signal)
    pin.bind(signal)

    def writer():
        yield 5
        out.write(7)

    top.thread(writer)
    top.method(lambda: log.append((env.now, pin.read(), pin.value)), "m", sensitive=[pin], dont_initialize=True)
    env.run()
    assert log == [(5, 7, 7)]


def test_the_hierarchy_is_closed_by_the_start():
    env = Simulator()
    top = Module(env, "top")
    env.run()
    for make, error in (
        (lambda: Module(top, "m"), ModuleInsertionError),
        (lambda: Signal(top, "s", 0), ChannelInsertionError),
        (lambda: Port(top, "p"), PortInsertionError),
        (lambda: Export(top, "x"), PortInsertionError),
    ):
        with pytest.raises(error, match=r"the design is elaborated already$"):
            make()


def test_an_initial_value_is_written_when_the_port_is_bound():
    env = Simulator()
    top = Module(env, "top")
    signal, port, log = Signal(top, "s", 0), Out(top, "out"), []
    port.initialize(3)
    port.bind(signal)
    top.method(lambda: log.append((env.now, signal.read())), "m", sensitive=[port])
    env.run(until=5)
    port.initialize(4)
    env.run()
    assert log == [(0, 3), (5, 4)]


def test_a_process_is_sensitive_to_all_channels_of_a_port():
    env = Simulator()
    top = Module(env, "top")
    signals = [Signal(top, f"s{index}", 0) for index in range(3)]
    port, log = Port(top, "p", maximum=0), []
    for signal in signals:
        port.bind(signal)
    top.method(lambda: log.append(env.now), "m", sensitive=[port], dont_initialize=True)

    def writer():
        for signal in signals:
            yield 10
            signal.write(1)

    top.thread(writer)
    env.run()
    assert log == [10, 20, 30]
