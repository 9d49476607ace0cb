"""Energies as forms of elements: equal to the table's but for rounding, and the extremes of a ratio are extreme."""

import itertools
from fractions import Fraction

import pytest
from helpers.chips import chip_spec
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip.energy import element_fj, table_fj
from cosim.models.energy import ACTIONS, SRAM, Level, energy_fj
from cosim.models.reproduce.elements import PARTS, breakdown, energy_form, extreme_ratio, ratio_at

PNPU = chip_spec("pnpu")
COUNTS = {action: 1 + 37 * at for at, action in enumerate(ACTIONS)}


def total(form, levels=None):
    levels = levels or {}
    return sum(part * element_fj(PNPU, e, levels.get(e, Level.NOMINAL)) for e, part in form.items())


def test_every_action_is_in_one_part_of_the_split_and_the_split_sums_to_the_total():
    assert sorted(action for actions in PARTS.values() for action in actions) == sorted(ACTIONS)
    assert sum(breakdown(PNPU, COUNTS).values()) == sum(energy_fj(table_fj(PNPU), COUNTS).values())


def test_words_of_bitmaps_are_moved_from_the_values_to_the_bitmaps():
    table = table_fj(PNPU)
    parts = breakdown(PNPU, {"core.bitmap_read": 10, "sram.input.read": 25})
    assert parts["bitmap read"] == 10 * (table["core.bitmap_read"] + table["sram.input.read"])
    assert parts["operand fetch"] == 15 * table["sram.input.read"]
    # The memories of both operands cost the same, so that it does not matter whose words they are.
    assert table["sram.input.read"] == table["sram.weight.read"]


def test_a_form_is_the_table_but_for_the_rounding_of_each_action():
    exact, table = total(energy_form(PNPU, COUNTS)), table_fj(PNPU)
    assert abs(exact - sum(energy_fj(table, COUNTS).values())) <= Fraction(sum(COUNTS.values()), 2)
    high = {"mac.fp8": Level.HIGH, SRAM: Level.LOW}
    other = table_fj(PNPU, high)
    assert abs(total(energy_form(PNPU, COUNTS), high) - sum(energy_fj(other, COUNTS).values())) <= sum(COUNTS.values())


ELEMENTS = ("mac.fp8", "register.bit", "noc.bit", SRAM, "leakage.core")
FORM = st.fixed_dictionaries({element: st.integers(0, 50) for element in ELEMENTS})


@given(above=FORM, below=FORM)
def test_no_vertex_of_the_ranges_is_beyond_the_extremes(above, below):
    below = {**below, "mac.fp8": below["mac.fp8"] + 1}
    above, below = ({e: Fraction(part) for e, part in form.items()} for form in (above, below))
    vertices = [
        ratio_at(PNPU, above, below, dict(zip(ELEMENTS, levels, strict=True)))
        for levels in itertools.product((Level.LOW, Level.HIGH), repeat=len(ELEMENTS))
    ]
    assert extreme_ratio(PNPU, above, below, greatest=True) == max(vertices)
    assert extreme_ratio(PNPU, above, below, greatest=False) == min(vertices)


def test_a_ratio_of_like_forms_has_no_range():
    form = energy_form(PNPU, COUNTS)
    twice = {element: 2 * part for element, part in form.items()}
    assert extreme_ratio(PNPU, twice, form, greatest=True) == extreme_ratio(PNPU, twice, form, greatest=False) == 2


def test_unknown_actions_are_errors():
    with pytest.raises(KeyError):
        energy_form(PNPU, {"core.dream": 1})
