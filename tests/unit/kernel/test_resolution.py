"""Quantities become whole numbers of the resolution: rounded half up, or refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.kernel import TimeResolution


@given(st.integers(1, 10**18), st.sampled_from(["1 fs", "1 ps", "10 ps", "1 ns", "100 us"]))
def test_text_and_parse_are_inverse(units, resolution):
    resolution = TimeResolution(resolution)
    assert resolution.parse(resolution.text(units)) == units


def test_exact_or_refused():
    ps = TimeResolution("1 ps")
    assert ps.exactly(Fraction(3, 2), "ns") == 1500
    assert ps.seconds(1500) == Fraction(3, 2 * 10**9)
    with pytest.raises(ValueError, match=r"^0\.5 ps is not a whole number of 1 ps$"):
        ps.exactly(0.5, "ps")
    with pytest.raises(ValueError, match=r"^a time is not negative, got -1 ns$"):
        ps.units(-1, "ns")
    with pytest.raises(ValueError, match=r"^expected a unit of fs, ps, ns, us, ms, s, got 'min'$"):
        ps.units(1, "min")


@pytest.mark.parametrize("text", ["2 ps", "0 ps", "1", "ps", "1 min", "0.1 fs", "10 s", "-1 ps", "1/0 ps"])
def test_what_is_no_resolution(text):
    with pytest.raises(ValueError, match=r"^time resolution: expected "):
        TimeResolution(text)


def test_resolutions_are_values():
    assert TimeResolution("1000 fs") == TimeResolution("1 ps")
    assert hash(TimeResolution("0.1 ns")) == hash(TimeResolution("100 ps"))
    assert repr(TimeResolution("100 ps")) == "TimeResolution('100 ps')"
