"""Names, and who is blocked at a drained end."""

import pytest
import simpy

from cosim import DeadlockError, Module, Simulator


def wait_for(event):
    yield event


def test_names_are_paths():
    env = Simulator()
    top = Module(env, "top")
    core = Module(top, "core")
    assert (core.full_name, core.name, core.parent, core.simulator) == ("top.core", "core", top, env)
    assert [module.full_name for module in env.modules()] == ["top", "top.core"]
    with pytest.raises(ValueError, match=r"^top has a module 'core' already$"):
        Module(top, "core")
    with pytest.raises(ValueError, match=r"^the simulator has a module 'top' already$"):
        Module(env, "top")
    for bad in ("", "a.b", "a b", "a\n"):
        with pytest.raises(ValueError, match="neither dots nor blanks"):
            Module(top, bad)


def test_process_names():
    env = Simulator()
    top = Module(env, "top")
    first = top.process(wait_for(env.timeout(1)))
    second = top.process(wait_for(env.timeout(2)))
    assert (first.full_name, second.full_name) == ("top.wait_for", "top.wait_for_1")
    top.process(wait_for(env.timeout(3)), "dma")
    with pytest.raises(ValueError, match=r"^top has a process 'dma' already$"):
        top.process(wait_for(env.event()), "dma")
    env.run()
    # An ended process leaves no trace and frees its name.
    assert top.processes() == []
    assert top.process(wait_for(env.timeout(1)), "dma").full_name == "top.dma"


def test_blocked_says_who_waits_for_what():
    env = Simulator()
    top = Module(env, "top")
    child = Module(top, "child")
    store = simpy.Store(env)
    peer = child.process(wait_for(store.get()), "consumer")
    top.process(wait_for(peer), "joiner")
    top.process(wait_for(env.event() & (env.event() | env.timeout(2))), "both")
    top.process(wait_for(env.event()), "idler", server=True)
    env.run()
    env.run()
    expected = [
        ("top.joiner", "the end of top.child.consumer"),
        ("top.both", "all of (Event)"),
        ("top.child.consumer", "StoreGet"),
    ]
    assert env.blocked() == expected
    with pytest.raises(
        DeadlockError, match=r"^drained at t=2, blocked: top\.joiner on the end of top\.child\.consumer, top\.both on"
    ) as caught:
        env.check_drained()
    assert (caught.value.time, list(caught.value.blocked)) == (2, expected)
    with pytest.raises(DeadlockError, match=r"was not triggered: .*; drained at t=2, blocked: top\.joiner on"):
        env.run(until=peer)


def test_a_clean_end_is_no_deadlock():
    env = Simulator()
    Module(env, "top").process(wait_for(env.timeout(1)))
    env.run()
    assert env.blocked() == []
    env.check_drained()
