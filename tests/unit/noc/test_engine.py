"""The network in simulated time: exact edges, arrivals strictly after their instant, nothing lost between runs."""

from fractions import Fraction

import pytest

from cosim import NEVER, ClockDomain, Engine, Simulator
from cosim.models.noc.engine import NocEngine
from cosim.models.noc.mesh import MeshConfig

MESH = MeshConfig(4, 4)


def engine(clock, arrived, **fields):
    return NocEngine("noc", MESH, clock, arrived.append, **fields)


def test_it_is_an_engine():
    assert isinstance(engine(ClockDomain("c", 1000), []), Engine)


@pytest.mark.parametrize("period", [1000, Fraction(2500, 3)])
@pytest.mark.parametrize("now", [0, 1, 832, 833, 834, 1000, 12345])
def test_a_packet_is_created_at_the_first_edge_after_its_submission(period, now):
    clock, arrived = ClockDomain("c", period), []
    noc = engine(clock, arrived)
    assert noc.next() == NEVER
    noc.submit(now, 7, 0, 15, 4)
    created = clock.cycle_at_or_before(now) + 1
    assert noc.next() == clock.edge(created) > now
    done = clock.edge(created + 5 * 7 + 2 + 3)
    assert noc.advance(done - 1) == NEVER
    assert noc.next() > done - 1
    assert noc.advance(10**9) == done
    assert arrived == []
    noc.deliver()
    (delivery,) = arrived
    assert (delivery.tag, delivery.created_ps, delivery.tail_out_ps) == (7, clock.edge(created), done)
    assert delivery.injected_ps == clock.edge(created)
    assert delivery.head_out_ps == clock.edge(created + 5 * 7 + 2)
    # Only credits travel now, and nobody sees them.
    assert noc.next() == NEVER
    assert noc.under_way == 0


def test_a_drained_run_may_go_on_at_once():
    """The last credits come home after the last packet; a packet created meanwhile is not too early for the network."""
    env, arrived = Simulator(), []
    noc = engine(ClockDomain("c", 1000), arrived)
    env.attach(noc)
    noc.submit(env.now, 0, 0, 0, 1)
    env.run()
    assert env.now == 8000
    noc.submit(env.now, 1, 0, 0, 1)
    env.run()
    assert [delivery.tail_out_ps for delivery in arrived] == [8000, 16000]


def test_an_ideal_network_delivers_at_the_first_edge_after_submission():
    arrived = []
    noc = NocEngine("noc", MeshConfig(4, 4, ideal=True), ClockDomain("c", 1000), arrived.append)
    noc.submit(1500, 0, 0, 15, 4)
    assert noc.next() == 2000
    assert noc.advance(NEVER) == 2000
    noc.deliver()
    assert arrived[0].tail_out_ps == 2000
