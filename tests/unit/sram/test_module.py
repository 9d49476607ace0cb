"""Accesses of SimPy processes: events at the engine's times, whatever the order of the calls within an instant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import ClockDomain, Simulator
from cosim.models.sram.energy import SramEnergy
from cosim.models.sram.memory import MemoryConfig
from cosim.models.sram.module import Sram

MEMORIES = {"weights": MemoryConfig(64, 4), "inputs": MemoryConfig(64, 2, ports=2)}
CLIENTS = ("dma", "lanes", "wpu")
accesses = st.tuples(
    st.sampled_from([0, 0, 999, 1000, 3000]),
    st.sampled_from(CLIENTS),
    st.sampled_from(sorted(MEMORIES)),
    st.integers(0, 40),
    st.integers(1, 20),
)


def run_accesses(planned, order, *, shuffle_seed=None, max_jobs=1024, ideal=False):
    env = Simulator(shuffle_seed=shuffle_seed)
    sram = Sram(env, "sram", MEMORIES, CLIENTS, ClockDomain("c", 1000), max_jobs=max_jobs, ideal=ideal)
    done = {}

    def user(port):
        at, client, memory, first, words = planned[port]
        yield env.timeout(at)
        yield sram.access(client, first, words, memory=memory, write=port % 2 == 0, port=port)
        done[port] = env.now

    for port in order:
        sram.process(user(port))
    env.run()
    env.check_drained()
    return [done[port] for port in range(len(planned))], sram


@given(st.lists(accesses, min_size=1, max_size=12), st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_the_order_of_calls_within_an_instant_does_not_matter(planned, random, seed):
    order = list(range(len(planned)))
    expected, _ = run_accesses(planned, order)
    bounded, _ = run_accesses(planned, order, max_jobs=2)
    random.shuffle(order)
    assert run_accesses(planned, order)[0] == expected
    assert run_accesses(planned, order, shuffle_seed=seed)[0] == expected
    assert run_accesses(planned, order, shuffle_seed=seed, max_jobs=2)[0] == bounded


@given(st.lists(accesses, min_size=1, max_size=12))
def test_words_are_counted_as_read_or_written(planned):
    _, sram = run_accesses(planned, range(len(planned)))
    for name in MEMORIES:
        words = [(port, a[4]) for port, a in enumerate(planned) if a[2] == name]
        assert sram.words[name].writes == sum(count for port, count in words if port % 2 == 0)
        assert sram.words[name].reads == sum(count for port, count in words if port % 2 == 1)
    energy = SramEnergy(8192, 64)
    counts = sram.words["inputs"]
    assert counts.spent_fj(energy) == counts.reads * 2600 + counts.writes * 3100


def test_two_clients_share_a_bank_in_turns_and_their_waiting_is_counted():
    times, sram = run_accesses([(0, "wpu", "weights", 0, 8), (0, "dma", "weights", 0, 8)], [0, 1])
    # Two accesses of each at each of four banks: dma, wpu, dma, wpu.
    assert times == [4000, 3000]
    assert sram.waiting_clocks() == {"dma": 4 * 1, "lanes": 0, "wpu": 4 * 2}


def test_an_access_begins_strictly_after_its_instant():
    assert run_accesses([(1000, "dma", "weights", 0, 1)], [0])[0] == [2000]


def test_ideal_accesses_take_no_time():
    planned = [(at, client, "weights", 0, 20) for at in (0, 500) for client in CLIENTS]
    times, sram = run_accesses(planned, range(len(planned)), ideal=True, max_jobs=1)
    assert times == [at for at, *_ in planned]
    assert set(sram.waiting_clocks().values()) == {0}


@pytest.mark.parametrize(
    ("arguments", "memory", "message"),
    [
        (("cpu", 0, 1), None, "sram: client 'cpu': expected one of dma, lanes, wpu"),
        (("dma", 0, 1), "outputs", "sram: memory 'outputs': expected one of weights, inputs"),
        (("dma", 60, 5), "inputs", "words 60 to 64: expected a range in 0 to 63"),
    ],
)
def test_a_wrong_access_is_refused_at_the_call(arguments, memory, message):
    sram = Sram(Simulator(), "sram", MEMORIES, CLIENTS, ClockDomain("c", 1000))
    with pytest.raises(ValueError, match=f"^{message}$"):
        sram.access(*arguments, memory=memory)


def test_clients_have_different_names():
    with pytest.raises(ValueError, match=r"^clients dma, dma: expected different names$"):
        Sram(Simulator(), "sram", MEMORIES, ("dma", "dma"), ClockDomain("c", 1000))
