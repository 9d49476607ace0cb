"""Memories in simulated time: first grant at the first edge after submission, done at the edge of the last."""

from fractions import Fraction

import pytest

from cosim import NEVER, ClockDomain, Engine
from cosim.models.sram.engine import SramEngine
from cosim.models.sram.memory import MemoryConfig

MEMORY = MemoryConfig(64, 2)


def engine(clock, done, **fields):
    return SramEngine("sram", [MEMORY], 2, clock, done.append, **fields)


def test_it_is_an_engine():
    assert isinstance(engine(ClockDomain("c", 1000), []), Engine)


@pytest.mark.parametrize("period", [1000, Fraction(2500, 3)])
@pytest.mark.parametrize("now", [0, 1, 832, 833, 834, 1000, 12345])
def test_a_job_is_done_at_the_edge_of_its_last_grant(period, now):
    clock, done = ClockDomain("c", period), []
    sram = engine(clock, done)
    assert sram.next() == NEVER
    sram.submit(now, 5, 0, 1, 0, 6)
    last = clock.edge(clock.cycle_at_or_before(now) + 3)
    assert sram.advance(last - 1) == NEVER
    assert sram.next() == last
    assert sram.under_way == 1
    assert sram.advance(10**9) == last
    assert done == []
    sram.deliver()
    assert done == [5]
    assert sram.under_way == 0
    assert sram.next() == NEVER


def test_an_ideal_job_is_done_at_once():
    done = []
    sram = engine(ClockDomain("c", 1000), done, ideal=True)
    sram.submit(1500, 5, 0, 1, 0, 64)
    assert done == [5]
    assert (sram.next(), sram.under_way) == (NEVER, 0)
    assert sram.banks.stats()[0][0].tolist() == [[0, 32], [0, 32]]
