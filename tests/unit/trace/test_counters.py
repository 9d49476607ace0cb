"""Only declared events are counted, and only upwards."""

import pytest

from cosim.trace import Counters


def test_counts():
    counters = Counters(["act", "rd"])
    counters.add("rd")
    counters.add("rd", 4)
    assert dict(counters) == {"act": 0, "rd": 5}
    assert len(counters) == 2
    assert repr(counters) == "Counters({'act': 0, 'rd': 5})"


def test_what_is_no_count_is_refused():
    counters = Counters(["act", "rd"])
    with pytest.raises(KeyError, match="no counter 'wr'; there are act, rd"):
        counters.add("wr")
    with pytest.raises(ValueError, match=r"^counter rd: events do not unhappen, got -1$"):
        counters.add("rd", -1)
