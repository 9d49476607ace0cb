"""Energy tables: complete, with sources, and exact."""

import pytest
from helpers.chips import SCENARIOS, chip_spec
from pydantic import ValidationError

from cosim.models.energy import EnergyTableSpec, energy_fj
from cosim.models.energy.table import ACTIONS, EnergyEntry, MissingEnergyError
from cosim.scenario import load_component


@pytest.fixture(scope="module")
def table() -> EnergyTableSpec:
    return load_component(SCENARIOS / "energy" / "lp65.yaml", EnergyTableSpec)


def test_energy_is_counts_times_table(table: EnergyTableSpec) -> None:
    counts = {action: 3 + 7 * at for at, action in enumerate(ACTIONS)}
    expected = {action: count * table.actions[action].energy for action, count in counts.items()}
    assert energy_fj(table, counts) == expected
    assert energy_fj(table, {}) == {}


def test_no_action_is_free(table: EnergyTableSpec) -> None:
    assert all(entry.energy > 0 for entry in table.actions.values())
    assert set(table.actions) == set(ACTIONS)
    assert chip_spec("pnpu").energy == table


def test_an_unknown_action_is_an_error(table: EnergyTableSpec) -> None:
    with pytest.raises(MissingEnergyError, match=r"no energy is given for 'core\.dream'"):
        energy_fj(table, {"core.dream": 1})


def test_tables_must_be_complete_and_know_their_actions(table: EnergyTableSpec) -> None:
    entry = {"energy": "1 pJ", "assumed": "a round number"}
    everything = dict.fromkeys(ACTIONS, entry)
    EnergyTableSpec.model_validate({"node": "65 nm", "voltage": "1 V", "actions": everything})
    less = {action: entry for action in ACTIONS if action != "core.mac"}
    with pytest.raises(ValidationError, match=r"no energy is given for core\.mac"):
        EnergyTableSpec.model_validate({"node": "65 nm", "voltage": "1 V", "actions": less})
    with pytest.raises(ValidationError, match="unknown action"):
        EnergyTableSpec.model_validate({"node": "65 nm", "voltage": "1 V", "actions": {**everything, "magic": entry}})


@pytest.mark.parametrize("origin", [{}, {"source": "a paper", "assumed": "a guess"}])
def test_each_value_has_one_origin(origin: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either a source or the reason of an assumption"):
        EnergyEntry.model_validate({"energy": "1 pJ", **origin})
