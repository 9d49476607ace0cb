"""Edges of a rational clock: floored, strictly increasing, never drifting."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import ClockDomain

periods = st.fractions(min_value=1, max_value=10**6, max_denominator=1000)
times = st.integers(0, 10**15)


def test_edges_of_2500_thirds_ps():
    clock = ClockDomain("dram", Fraction(2500, 3))
    assert [clock.edge(n) for n in range(5)] == [0, 833, 1666, 2500, 3333]
    assert clock.edge(3 * 10**12) == 2500 * 10**12


def test_frequency_is_exact():
    clock = ClockDomain.from_frequency("core", 1_200_000_000)
    assert clock.period_ps == Fraction(2500, 3)
    assert clock.frequency_hz == 1_200_000_000


def test_both_sides_of_an_edge():
    clock = ClockDomain("c", Fraction(2500, 3))
    assert [clock.cycle_at_or_before(t) for t in (0, 832, 833, 834, 1665, 1666)] == [0, 0, 1, 1, 1, 2]
    assert [clock.first_edge_after(t) for t in (0, 832, 833, 1665, 1666)] == [833, 833, 1666, 1666, 2500]
    assert [clock.align(t) for t in (0, 1, 832, 833, 834)] == [0, 833, 833, 833, 1666]
    assert [clock.after(t, 2) for t in (0, 832, 833)] == [1666, 1666, 2500]
    assert [clock.cycles(n) for n in range(4)] == [0, 833, 1666, 2500]


@given(periods, times)
def test_edges_bracket_any_time(period, time):
    clock = ClockDomain("c", period)
    cycle = clock.cycle_at_or_before(time)
    assert clock.edge(cycle) <= time < clock.edge(cycle + 1) == clock.first_edge_after(time)
    aligned = clock.align(time)
    assert aligned == (time if clock.edge(cycle) == time else clock.edge(cycle + 1))


@given(periods, st.integers(0, 10**9))
def test_an_edge_is_the_floor_of_the_exact_one(period, n):
    edge = ClockDomain("c", period).edge(n)
    assert edge <= n * period < edge + 1


def test_what_is_no_period_is_refused():
    with pytest.raises(ValueError, match=r"^clock c: the period must be at least 1 ps, got 1/2$"):
        ClockDomain("c", Fraction(1, 2))
    with pytest.raises(TypeError, match=r"^clock c: the period must be an int or a Fraction, got 833.3$"):
        ClockDomain("c", 833.3)
    with pytest.raises(ValueError, match=r"^clock c: the frequency must be positive, got 0$"):
        ClockDomain.from_frequency("c", 0)
    with pytest.raises(
        TypeError, match=r"^clock c: the frequency must be an int or a Fraction, got 1e9$|1000000000.0$"
    ):
        ClockDomain.from_frequency("c", 1e9)
    with pytest.raises(ValueError, match=r"^clock c: expected a number of cycles, got -1$"):
        ClockDomain("c", 1).cycles(-1)
