"""Wave files: what they hold is compared with SystemC's in the litmus tests."""

import io

import pytest

from cosim.kernel import Module, Signal, Simulator
from cosim.trace import VcdTrace


def design():
    env = Simulator()
    top = Module(env, "top")
    signal = Signal(top, "s", False)

    def writer():
        for value in (True, False):
            yield 10
            signal.write(value)

    top.thread(writer)
    return env, signal


def test_a_file_is_the_same_every_time_and_changes_nothing(tmp_path):
    for name in ("a.vcd", "b.vcd"):
        env, signal = design()
        with VcdTrace(env, tmp_path / name) as trace:
            trace.trace(signal)
            env.run(until=25)
        assert (env.now, env.delta_count) == (25, 3)
    text = (tmp_path / "a.vcd").read_text()
    assert text == (tmp_path / "b.vcd").read_text()
    assert "$timescale 1 ps $end" in text
    assert "#10\n1!\n#20\n0!\n" in text


def test_without_time_the_initial_values_are_written():
    env, signal = design()
    file = io.StringIO()
    trace = VcdTrace(env, file)
    trace.trace(signal, "deep.er.name")
    trace.close()
    trace.close()
    assert "$scope module er $end" in file.getvalue()
    assert "0!" in file.getvalue()


def test_what_cannot_be_traced():
    env, signal = design()
    trace = VcdTrace(env, io.StringIO())
    with pytest.raises(ValueError, match=r"^a function that is traced needs a name$"):
        trace.trace(lambda: 1)
    trace.trace(lambda: "text", "t")
    with pytest.raises(TypeError, match=r"^cannot trace 'text': expected bool, int, float or LogicVector$"):
        env.run()
    env, signal = design()
    trace = VcdTrace(env, io.StringIO())
    env.run(until=5)
    with pytest.raises(RuntimeError, match=r"^a trace can only be extended before time moves$"):
        trace.trace(signal)
