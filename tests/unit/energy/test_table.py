"""Energy tables: complete, with sources and ranges, and exact."""

from fractions import Fraction

import pytest
from helpers.chips import SCENARIOS
from pydantic import ValidationError

from cosim.models.energy import ACTIONS, ELEMENTS, EnergyEntry, EnergyTableSpec, Level, SramEntry, energy_fj
from cosim.models.energy.table import ABSENT, MissingEnergyError, half_up
from cosim.scenario import load_component

ENTRY = {"energy": "2 pJ", "low": "1 pJ", "high": "3 pJ", "node": "45 nm", "voltage": "0.9 V", "assumed": "round"}
MEMORIES = {"cell": "lop", "node": "65 nm", "voltage": "0.8 V", "low_percent": 50, "high_percent": 200, "source": "x"}


@pytest.fixture(scope="module")
def table() -> EnergyTableSpec:
    return load_component(SCENARIOS / "energy" / "lp65.yaml", EnergyTableSpec)


def test_energy_is_counts_times_table():
    one = {action: 5 + at for at, action in enumerate(ACTIONS)}
    counts = {action: 3 + 7 * at for at, action in enumerate(ACTIONS)}
    assert energy_fj(one, counts) == {action: count * one[action] for action, count in counts.items()}
    assert energy_fj(one, {}) == {}


def test_no_element_is_free(table: EnergyTableSpec):
    assert set(table.elements) == set(ELEMENTS)
    for entry in table.elements.values():
        assert 0 < entry.low < entry.energy < entry.high


def test_only_elements_of_skipping_may_be_absent():
    everything = dict.fromkeys(ELEMENTS, ENTRY)
    nothing = {**ENTRY, "energy": "0 fJ", "low": "0 fJ", "high": "0 fJ"}
    for element in ELEMENTS:
        table = {"node": "65 nm", "sram": MEMORIES, "elements": {**everything, element: nothing}}
        if element in ABSENT:
            assert EnergyTableSpec.model_validate(table).elements[element].energy == 0
        else:
            with pytest.raises(ValidationError, match="no action is free: expected more than 0 fJ"):
                EnergyTableSpec.model_validate(table)
        least = {**ENTRY, "low": "1 fJ"}
        EnergyTableSpec.model_validate({**table, "elements": {**everything, element: least}})


def test_an_unknown_action_is_an_error():
    with pytest.raises(MissingEnergyError, match=r"no energy is given for 'core\.dream'"):
        energy_fj({"core.mac": 1}, {"core.dream": 1})


def test_tables_must_be_complete_and_know_their_elements():
    everything = dict.fromkeys(ELEMENTS, ENTRY)
    whole = {"node": "65 nm", "sram": MEMORIES, "elements": everything}
    EnergyTableSpec.model_validate(whole)
    less = {element: ENTRY for element in ELEMENTS if element != "mac.fp8"}
    with pytest.raises(ValidationError, match=r"no energy is given for mac\.fp8"):
        EnergyTableSpec.model_validate({**whole, "elements": less})
    with pytest.raises(ValidationError, match="unknown element"):
        EnergyTableSpec.model_validate({**whole, "elements": {**everything, "magic": ENTRY}})
    with pytest.raises(ValidationError, match="sram"):
        EnergyTableSpec.model_validate({"node": "65 nm", "elements": everything})


@pytest.mark.parametrize("origin", [{"assumed": ""}, {"source": "a paper", "assumed": "a guess"}])
def test_each_value_has_one_origin(origin):
    for model, good in ((EnergyEntry, ENTRY), (SramEntry, {**MEMORIES, "source": "", "assumed": "y"})):
        model.model_validate(good)
        with pytest.raises(ValidationError, match="either a source or the reason of an assumption"):
            model.model_validate({**good, **origin})


@pytest.mark.parametrize("change", [{"low": "2.001 pJ"}, {"high": "1.999 pJ"}])
def test_a_value_lies_in_its_range(change):
    EnergyEntry.model_validate({**ENTRY, "low": "2 pJ", "high": "2 pJ"})
    with pytest.raises(ValidationError, match="low <= energy <= high"):
        EnergyEntry.model_validate({**ENTRY, **change})


def test_the_levels_of_an_entry():
    entry, memories = EnergyEntry.model_validate(ENTRY), SramEntry.model_validate(MEMORIES)
    assert [entry.at(level) for level in (Level.LOW, Level.NOMINAL, Level.HIGH)] == [1000, 2000, 3000]
    assert [memories.share(level) * 100 for level in (Level.LOW, Level.NOMINAL, Level.HIGH)] == [50, 100, 200]


def test_values_stand_at_supplies_that_can_be_scaled_from():
    EnergyEntry.model_validate({**ENTRY, "voltage": "0.6 V"})
    with pytest.raises(ValidationError, match="600 to 1300 mV"):
        EnergyEntry.model_validate({**ENTRY, "voltage": "0.599 V"})


def test_halves_are_rounded_upwards():
    assert [half_up(Fraction(twice, 2)) for twice in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert half_up(Fraction(49, 100)) == 0
