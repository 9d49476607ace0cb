"""The record of assumptions and the chip and energy files say the same: nothing assumed is missing from it."""

import re

import pytest
from helpers.chips import SCENARIOS, chip_spec

from cosim.models.chip import ChipSpec
from cosim.models.energy import EnergyTableSpec
from cosim.models.reproduce import AssumedValue, load_claims, load_record
from cosim.models.reproduce.parameters import with_parameter
from cosim.scenario import ScenarioError, load_component

RECORD = load_record(SCENARIOS / "reproduce" / "assumptions.yaml")


def same_value(spec: ChipSpec, path: str, row: AssumedValue) -> bool:
    """The chip's value is the recorded one, read as a chip file's is: setting it changes nothing."""
    return dumped(with_parameter(spec, path, row.plain), path) == dumped(spec, path)


def dumped(spec, path):
    node = spec.model_dump(mode="json")
    for key in path.split("."):
        node = node[key]
    return node


def assumed(spec: ChipSpec) -> set[str]:
    return {path for path in spec.parameters() if (spec.origin(path) or "").startswith("assumed")}


def test_every_assumed_parameter_of_the_reference_chip_is_on_record():
    assert assumed(chip_spec("pnpu")) == set(RECORD.chips["pnpu"]) - {"energy.sram"}  # the table has its own sources


def test_the_cell_of_the_memories_is_on_record_with_its_supply():
    row = RECORD.chips["pnpu"]["energy.sram"]
    table = load_component(SCENARIOS / "energy" / "lp65.yaml", EnergyTableSpec)
    other = with_parameter(chip_spec("pnpu"), "energy.sram", row.others[0]).energy.sram
    assert (table.sram.cell, table.sram.voltage, bool(table.sram.assumed)) == ("lop", 800, True)
    assert (other.cell, other.voltage, other.low_percent) == ("lstp", 1200, table.sram.low_percent)


def test_late_ranges_and_what_ifs_are_in_no_interval():
    apart = RECORD.apart(("pnpu",), schedule="scfp")
    assert {name for name, why in apart.items() if why == "what-if"} == {"noc.ideal", "ideal_sram"}
    late = {
        "core.macs_per_lane",
        "core.banks",
        "noc.mesh",
        "noc.unit_nodes",
        "noc.router",
        "dma.request",
        "energy.sram",
    }
    assert {name for name, why in apart.items() if why == "late"} == late | {
        f"schedule.{name}" for name in RECORD.schedules["scfp"]
    }
    # LNPU's own rows stand above PNPU's: of PNPU they are early.
    assert set(RECORD.apart(("pnpu", "lnpu"))) - set(RECORD.apart(("pnpu",))) == {
        "core.switch_cycles",
        "storage.weights",
    }
    page = (SCENARIOS.parent / "docs" / "validation.md").read_text().partition("### Decided with a result known")[2]
    for name in (*late, "noc.ideal", "ideal_sram"):
        assert f"`{name}`" in page.partition("\n## ")[0], name


def chips_of_claims() -> set[str]:
    """Names of the chip files that the shipped claims and their inputs name."""
    files = (SCENARIOS / "reproduce").rglob("*.yaml")
    return {name for file in files for name in re.findall(r"chips/(\w+)\.yaml", file.read_text())}


def lineage(name: str) -> list[str]:
    """The file and those that it extends, the oldest first."""
    parent = re.search(r"^extends: (\w+)\.yaml$", (SCENARIOS / "chips" / f"{name}.yaml").read_text(), re.MULTILINE)
    return [*(lineage(parent[1]) if parent else []), name]


def test_every_chip_of_a_claim_is_on_record():
    assert chips_of_claims() == set(RECORD.chips) - {"dense"}
    for names in map(lineage, RECORD.chips):
        assert set(names) <= set(RECORD.chips)


@pytest.mark.parametrize("name", list(RECORD.chips))
def test_the_value_of_every_assumed_parameter_is_on_record(name):
    chip, rows = chip_spec(name), {}
    for ancestor in lineage(name):
        rows.update(RECORD.chips[ancestor])
    assert assumed(chip) <= set(rows)
    for path in assumed(chip):
        assert same_value(chip, path, rows[path]), f"{path}: {dumped(chip, path)}, on record {rows[path].value}"


@pytest.mark.parametrize("name", list(RECORD.chips))
def test_a_chip_has_a_row_of_its_own_where_it_differs_from_what_it_extends(name):
    """In value, or in being an assumption at all: no row is missing, and none is another chip's."""
    chip, [*parents, _] = chip_spec(name), lineage(name)
    if not parents:
        return
    parent = chip_spec(parents[-1])
    others = {
        path for path in assumed(chip) if path not in assumed(parent) or dumped(chip, path) != dumped(parent, path)
    }
    # Said again, with a reason of its own: that only skipping differs.
    said = {path for path in RECORD.chips[name] if path in assumed(chip)}
    assert others <= said == set(RECORD.chips[name])


def test_a_changed_value_does_not_stand_on_record():
    """The comparison can fail: of values, not of texts."""
    row = RECORD.chips["lnpu"]["storage.weights"]
    assert same_value(chip_spec("lnpu"), "storage.weights", row)
    assert not same_value(chip_spec("lnpu", "storage.weights=bitmap"), "storage.weights", row)
    assert not same_value(chip_spec("pnpu"), "storage.weights", row)
    size = RECORD.chips["pnpu"]["core.input_memory.size"]
    assert same_value(chip_spec("pnpu", "core.input_memory.size=16384 B"), "core.input_memory.size", size)
    assert not same_value(chip_spec("pnpu", "core.input_memory.size=8 KiB"), "core.input_memory.size", size)


@pytest.mark.parametrize(("name", "path"), [(n, p) for n, rows in RECORD.chips.items() for p in rows])
def test_other_values_on_record_are_other_ones(name, path):
    row = RECORD.chips[name][path]
    assert same_value(chip_spec(name), path, row)
    assert row.value not in row.others


@pytest.mark.parametrize("name", list(RECORD.energies))
def test_every_assumed_energy_is_on_record_with_its_range(name):
    table = load_component(SCENARIOS / "energy" / f"{name}.yaml", EnergyTableSpec)
    base = load_component(SCENARIOS / "energy" / "lp65.yaml", EnergyTableSpec)
    rows = RECORD.energies[name]
    mine = {e for e, entry in table.elements.items() if entry.assumed and entry != base.elements[e]}
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
    claims = load_claims(SCENARIOS / "reproduce")
    calibrated = {claim.study.record_of[-1] for claim in claims.values() if claim.study.study == "energy_gain"}
    assert set(RECORD.calibration.on) == calibrated
    assert [name for name, figure in RECORD.calibration.on.items() if figure.from_memory] == ["lnpu"]


def test_the_schedule_says_what_is_on_record():
    study = load_claims(SCENARIOS / "reproduce")["pruning"].study
    assert list(RECORD.schedules) == [study.schedule_of] == [study.training.pruning.schedule]
    said = study.training.pruning.model_dump(mode="json")
    # All that the schedule has, but for which it is and how much is pruned, which is the claim's.
    assert set(RECORD.schedules[study.schedule_of]) == set(said) - {"schedule", "sparsity"}
    for parameter, row in RECORD.schedules[study.schedule_of].items():
        assert said[parameter] == row.value, parameter
        assert row.others


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("value: 8, low: many", "11:33: chips.pnpu.core.lanes.low: expected a number, as the value (8), got many"),
        ("value: 8, low: 4 KiB", "11:33: chips.pnpu.core.lanes.low: expected a number, as the value (8), got 4 KiB"),
        ("value: 8, low: true", "11:33: chips.pnpu.core.lanes.low: expected a number, as the value (8), got True"),
        ("value: 8, low: [4]", "11:33: chips.pnpu.core.lanes.low: expected a number, as the value (8), got [4]"),
        (
            "value: 8, low: 9",
            "11:33: chips.pnpu.core.lanes.low: low <= value <= high does not hold: 9, and the value is 8",
        ),
        (
            "value: 8 MHz, high: 9 kHz",
            "11:38: chips.pnpu.core.lanes.high: low <= value <= high does not hold: 9 kHz, and the value is 8 MHz",
        ),
        (
            "value: 8 MHz, high: 9 V",
            "11:38: chips.pnpu.core.lanes.high: expected a frequency, as the value (8 MHz), got 9 V",
        ),
        ("value: 8 %, high: 9", "11:36: chips.pnpu.core.lanes.high: expected a share in %, as the value (8 %), got 9"),
        ("value: all, high: 9", "11:36: chips.pnpu.core.lanes.high: no range: the value, all, is no quantity"),
        ("value: 1/0 %, low: 9", "11:37: chips.pnpu.core.lanes.low: no range: the value, 1/0 %, is no quantity"),
        (
            "value: 8 %, low: 1e9999 %",
            "11:35: chips.pnpu.core.lanes.low: expected a share in %, as the value (8 %), got 1e9999 %",
        ),
    ],
)
def test_a_range_that_is_none_is_an_error_with_its_place(tmp_path, row, message):
    file = tmp_path / "record.yaml"
    file.write_text(
        "schema_version: 1\ncalibration:\n  knob: k\n  reason: r\n  on: {}\n  workload: w\nstudies: {}\nenergies: {}\n"
        f"chips:\n  pnpu:\n    core.lanes: {{{row}, reason: r}}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_record(file)
    assert str(caught.value) == f"{file}:{message}"
