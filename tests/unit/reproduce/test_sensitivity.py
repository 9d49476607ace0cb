"""Tables of what assumptions do to headline numbers."""

import math

import pytest

from cosim.models.reproduce.effects import CHIP, ENERGIES, named
from cosim.models.reproduce.sensitivity import change, full_sections, most_influential, reach, unmoved
from cosim.models.reproduce.variants import by_influence

GAIN = by_influence([("a", 1, 8.0), ("a", 2, 15.0), ("b", 3, 10.05), ("c", 7, None)], "gain", "x", 10.0, "a note")
SHARE = by_influence([("d", 1, 97.0), ("e", 1, 99.0), ("e", 2, 99.0), ("e", 3, 99.5)], "saved", "%", 99.0)
RESULT = {"found": {"sensitivities": [GAIN, SHARE]}}


def test_changes_are_in_percent_and_of_percentages_in_points():
    assert change(8.0, GAIN) == -20
    assert change(97.0, SHARE) == -2


def test_small_percentages_change_in_percent_of_themselves():
    """A point would hide that a saving of 0.07 % becomes one of 0.23 %."""
    small = by_influence([("a", 1, 0.21), ("b", 1, 0.07)], "saved", "%", 0.07)
    assert change(0.21, small) == pytest.approx(200)
    (row,) = most_influential([{"found": {"sensitivities": [small]}}]).rows
    assert row[4:6] == ["a (+2e+02 %)", "1 of 2"]
    assert reach(0.1, [small]) == pytest.approx((0.1, 0.3))


def test_against_nothing_a_change_is_none_or_without_bounds():
    nothing = by_influence([("a", 1, 0.0), ("b", 1, 0.5), ("c", 1, -0.5)], "saved", "%", 0.0)
    assert [change(number, nothing) for number in (0.0, 0.5, -0.5)] == [0.0, math.inf, -math.inf]


def test_what_is_in_no_interval_is_shown_apart():
    apart = {"b": "late", "c": "what-if"}
    one = by_influence([("a", 1, 11.0), ("b", 1, 30.0), ("c", True, 20.0)], "gain", "x", 10.0, apart=apart)
    assert reach(10.0, [one]) == (10.0, 11.0)
    (row,) = most_influential([{"found": {"sensitivities": [one]}}]).rows
    assert row[2:4] == [10.0, 11.0]
    assert row[-1] == "b (+2e+02 %); c (+1e+02 %)"
    (section,) = full_sections([{"found": {"sensitivities": [one]}}])
    assert [cells[0] for cells in section.blocks[0].rows] == [
        "a",
        "b (late: in no interval)",
        "c (what-if: in no interval)",
    ]


def test_the_short_table_has_the_ends_and_names_what_moves_a_number():
    assert most_influential([RESULT]).rows == [
        ["gain, x", 10.0, 8.0, 15.0, "a (-20 %, +50 %); b (+0.5 %)", "1 of 3; no number: 1", ""],
        ["saved, %", 99.0, 97.0, 99.5, "d (-2 points); e (+0 points, +0 points, +0.5 points)", "1 of 2", ""],
    ]


def test_a_claims_reach_is_its_number_moved_as_the_varied_piece_is():
    assert reach(20.0, [GAIN]) == (16.0, 30.0)  # -20 % and +50 %
    assert reach(98.0, [SHARE]) == (96.0, 98.5)  # -2 and +0.5 points
    assert reach(5.0, []) == (5.0, 5.0)
    assert reach(20.0, [by_influence([("a", 1, None)], "gain", "x", 10.0)]) == (20.0, 20.0)


def test_what_cannot_move_a_number_is_said_once_for_each_reason():
    one = by_influence([], "n", "%", 1.0, without_effect=named((CHIP, "operations"), (ENERGIES, "operations")))
    assert unmoved(one) == (
        "Without effect: chip, energies. Pruning operations are counted in the training, without a chip."
    )
    assert unmoved(GAIN) == ""
    (section,) = full_sections([{"found": {"sensitivities": [one]}}])
    assert section.blocks[0].note == unmoved(one)


def test_the_nominal_value_is_between_least_and_greatest():
    less = by_influence([("a", 1, 8.0)], "gain", "x", 10.0)
    more = by_influence([("a", 1, 12.0)], "gain", "x", 10.0)
    rows = most_influential([{"found": {"sensitivities": [less, more]}}]).rows
    assert [row[2:4] for row in rows] == [[8.0, 10.0], [10.0, 12.0]]


def test_the_full_tables_have_every_assumption_and_every_value():
    gain, saved = full_sections([RESULT])
    assert gain.title == "gain: 10 x"
    (table,) = gain.blocks
    assert table.note == "a note"
    assert [row[0] for row in table.rows] == ["a", "b", "c"]
    assert table.rows[0][1:5] == ["1", 8.0, -20.0, "2"]
    assert table.rows[2] == ["c", "7", None, None, None, None, None]
    (table,) = saved.blocks
    assert [row[:4] for row in table.rows] == [
        ["d", "1", 97.0, -2.0],
        ["e", "1", 99.0, 0.0],
        ["e", "3", 99.5, 0.5],
    ]
