"""The record of assumptions and the chip and energy files say the same: nothing assumed is missing from it."""

import pytest
from helpers.chips import SCENARIOS, chip_spec

from cosim.models.chip import ChipSpec
from cosim.models.energy import EnergyTableSpec
from cosim.models.reproduce import load_claims, load_record
from cosim.scenario import load_component

RECORD = load_record(SCENARIOS / "reproduce" / "assumptions.yaml")


def dumped(spec, path):
    node = spec.model_dump(mode="json")
    for key in path.split("."):
        node = node[key]
    return node


def assumed(spec: ChipSpec) -> set[str]:
    return {path for path in spec.parameters() if (spec.origin(path) or "").startswith("assumed")}


def test_every_assumed_parameter_of_the_reference_chip_is_on_record():
    assert assumed(chip_spec("pnpu")) == set(RECORD.chips["pnpu"])


@pytest.mark.parametrize("name", ["lnpu", "tsunami", "dense", "pnpu_separate"])
def test_what_another_chip_assumes_beyond_it_is_on_record(name):
    own = chip_spec(name)
    beyond = {
        path
        for path, origin in own.provenance.items()
        if origin.startswith("assumed") and origin != chip_spec("pnpu").provenance.get(path)
    }
    assert beyond == set(RECORD.chips[name])


@pytest.mark.parametrize(("name", "path"), [(n, p) for n, rows in RECORD.chips.items() for p in rows])
def test_a_chip_file_says_what_is_on_record(name, path):
    spec, row = chip_spec(name), RECORD.chips[name][path]
    if row.value == "none":
        assert path == "core.skip"
        assert all(not way.operands and not way.fine for ways in spec.core.skip.values() for way in ways)
        return
    # The record's text is read as the chip file's is: an override that changes nothing.
    changed = chip_spec(name, f"{path}={row.value}".replace("'", ""))
    assert dumped(changed, path) == dumped(spec, path)
    assert row.value not in row.others


@pytest.mark.parametrize("name", list(RECORD.energies))
def test_every_assumed_energy_is_on_record_with_its_range(name):
    table = load_component(SCENARIOS / "energy" / f"{name}.yaml", EnergyTableSpec)
    base = load_component(SCENARIOS / "energy" / "lp65.yaml", EnergyTableSpec)
    rows = RECORD.energies[name]
    mine = {e for e, entry in table.elements.items() if entry.assumed and (table is base or entry != base.elements[e])}
    if name == "lp65":
        mine = {element for element, entry in table.elements.items() if entry.assumed}
        sram = rows["sram"]
        assert (sram.value, sram.low, sram.high) == ("100 %", "30 %", "200 %")
        assert (table.sram.low_percent, table.sram.high_percent) == (30, 200)
        mine.add("sram")
    assert mine == set(rows)
    for element in mine - {"sram"}:
        text = table.elements[element].model_dump(mode="json")
        entry = {**text, "energy": rows[element].value, "low": rows[element].low, "high": rows[element].high}
        assert type(table.elements[element]).model_validate(entry) == table.elements[element], element


def test_one_knob_and_what_it_is_turned_on():
    assert set(RECORD.calibration.on) == {"pnpu", "tsunami", "lnpu"}
    assert RECORD.calibration.knob.startswith("one factor")


def test_the_schedule_says_what_is_on_record():
    study = load_claims(SCENARIOS / "reproduce")["pruning"].study
    assert list(RECORD.schedules) == [study.schedule_of] == [study.training.pruning.schedule]
    for parameter, row in RECORD.schedules[study.schedule_of].items():
        assert getattr(study.training.pruning, parameter) == row.value, parameter
        assert len(row.others) == 2
