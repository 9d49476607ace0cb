"""Packets of SimPy processes: events at the engine's times, whatever the order of the calls within an instant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import ClockDomain, DeadlockError, Simulator
from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.module import Noc
from cosim.models.noc.state import NEVER, NetworkState

MESH = MeshConfig(3, 3)
sends = st.tuples(
    st.sampled_from([0, 0, 0, 999, 1000, 1500, 4000]), st.integers(0, 8), st.integers(0, 8), st.integers(1, 5)
)


def run_sends(planned, order, *, shuffle_seed=None, max_packets=4096):
    """Every send by a process of its own, started in `order`; its port is its place in `planned`."""
    env = Simulator(shuffle_seed=shuffle_seed)
    noc = Noc(env, "noc", MESH, ClockDomain("c", 1000), max_packets=max_packets)
    done = {}

    def sender(port):
        at, src, dst, flits = planned[port]
        yield env.timeout(at)
        done[port] = yield noc.send(src, dst, flits, port=port)
        assert env.now == done[port].tail_out_ps

    for port in order:
        noc.process(sender(port))
    env.run()
    env.check_drained()
    assert sorted(done) == list(range(len(planned)))
    return [
        (d.created_ps, d.injected_ps, d.head_out_ps, d.tail_out_ps) for d in (done[port] for port in sorted(done))
    ], noc


@given(st.lists(sends, min_size=1, max_size=15), st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_the_order_of_calls_within_an_instant_does_not_matter(planned, random, seed):
    order = list(range(len(planned)))
    expected, _ = run_sends(planned, order)
    random.shuffle(order)
    assert run_sends(planned, order)[0] == expected
    assert run_sends(planned, order, shuffle_seed=seed, max_packets=4096)[0] == expected
    bounded, _ = run_sends(planned, sorted(order), max_packets=2)
    random.shuffle(order)
    assert run_sends(planned, order, shuffle_seed=seed, max_packets=2)[0] == bounded


@given(st.lists(sends, min_size=1, max_size=15))
def test_events_happen_when_the_network_says(planned):
    network = NetworkState(MESH, len(planned))
    for at, src, port, dst, flits in sorted(
        (at, src, port, dst, flits) for port, (at, src, dst, flits) in enumerate(planned)
    ):
        network.submit(at // 1000 + 1, port, src, dst, flits)
    clocks = {int(record["tag"]): record.tolist()[1:] for record in network.advance(NEVER)}
    times, noc = run_sends(planned, range(len(planned)))
    assert times == [tuple(1000 * clk for clk in clocks[port][:4]) for port in range(len(planned))]
    assert noc.counts().mesh_hops == network.counts().mesh_hops


def test_what_finds_no_room_waits_for_it():
    """One packet at a time: each is created at the first edge after the one before has arrived."""
    times, _ = run_sends([(0, 0, 0, 1)] * 3, [2, 0, 1], max_packets=1)
    assert [tail_out for *_, tail_out in times] == [8000, 16000, 24000]


def test_a_run_may_be_cut_anywhere():
    def run(cuts):
        env = Simulator()
        noc = Noc(env, "noc", MESH, ClockDomain("c", 1000))
        log = []

        def sender(src):
            for n in range(5):
                yield noc.send(src, 8 - src, 3)
                log.append((env.now, src, n))
                yield env.timeout(700 * src)

        for src in range(9):
            noc.process(sender(src))
        for cut in cuts:
            env.run(until=cut)
        env.run()
        return log

    assert len(run([])) == 9 * 5
    assert run([]) == run([1, 1000, 17_500, 31_000, 31_001, 60_000])


@pytest.mark.parametrize("nodes", [(8,), (2, 8)])
@given(st.lists(st.sampled_from([0, 1, 999, 1000, 2000, 5000, 62_500, 1_000_000]), min_size=1, max_size=5))
def test_pauses_beside_another_engine_change_nothing(nodes, pauses):
    """Where engines take turns, nobody advances the network while only its credits travel."""

    def run(is_alone):
        env = Simulator()
        noc = Noc(env, "noc", MESH, ClockDomain("c", 1000))
        other = noc if is_alone else Noc(env, "other", MESH, ClockDomain("d", 700))
        log = []

        def sender():
            for pause in pauses:
                log.append((yield noc.multicast(0, nodes, 3)))
                yield env.timeout(pause)
                if other is not noc:
                    other.send(0, 0, 1)

        noc.process(sender())
        env.run()
        assert len(log) == len(pauses)
        return log

    assert run(is_alone=True) == run(is_alone=False)


def test_a_packet_that_never_arrives_in_time_is_reported_with_its_process():
    env = Simulator()
    noc = Noc(env, "noc", MESH, ClockDomain("c", 1000))

    def sender():
        yield noc.send(0, 8, 1)

    noc.process(sender(), "sender")
    env.run(until=5000)
    with pytest.raises(DeadlockError, match=r"noc\.sender"):
        env.check_drained()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((9, 0, 1), "src 9: expected 0 to 8 in a 3x3 mesh"),
        ((0, 9, 1), "dst 9: expected 0 to 8 in a 3x3 mesh"),
        ((0, 0, 0), "flits 0: expected 1 to 2147483647"),
    ],
)
def test_a_wrong_packet_is_refused_at_the_call(arguments, message):
    noc = Noc(Simulator(), "noc", MESH, ClockDomain("c", 1000))
    with pytest.raises(ValueError, match=f"^{message}$"):
        noc.send(*arguments)
