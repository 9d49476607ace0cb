"""What is said of a published number: each kind at its edges."""

import pytest

from cosim.models.reproduce.verdict import Compared, Verdict, judged, verdict


def test_a_value_is_reached_inside_or_missed():
    assert [judged(value, 1.0, 2.0, 3.0) for value in (0.5, 2.0, 2.001, 3.0, 3.001)] == [
        "reached",
        "reached",
        "inside",
        "inside",
        "miss",
    ]
    with pytest.raises(ValueError, match="4 is not between 1 and 3"):
        judged(2, 1, 4, 3)


def test_a_miss_says_by_how_much():
    assert verdict(6.0, 1.0, 2.0, 3.0) == Verdict("miss", "miss: published is 2.0 x the interval's upper end")
    assert verdict(3.0, 1.0, 2.0, 3.0) == Verdict("inside", "inside the interval, not at the nominal values")
    assert verdict(2.0, 1.0, 2.0, 3.0) == Verdict("reached", "reached at the nominal values")
    assert verdict(2.0, 0.0, 0.0, 0.0) == Verdict("miss", "miss")


def test_a_row_has_the_sentence_in_its_last_cell():
    row = Compared("c", "5 x", 1.0, None, None, 0.2, "nothing", Verdict("miss", "missed"))
    assert row.cells() == ["c", "5 x", 1.0, None, None, 0.2, "nothing", "missed"]
