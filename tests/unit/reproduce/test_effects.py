"""What is assumed is varied, or there is a rule why it cannot matter; and the rules hold."""

import json

import pytest
from helpers.chips import SCENARIOS, chip_spec, memory_spec

from cosim.models.chip.training import TrainingScenario
from cosim.models.reproduce import load_claims
from cosim.models.reproduce.effects import (
    CHIP,
    ENERGIES,
    POINTS,
    PRUNING_UNIT,
    RULES,
    SCHEDULE,
    group_of,
    named,
    uncovered,
)
from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.parameters import with_parameter
from cosim.models.reproduce.points import Point
from cosim.models.reproduce.training_variants import shortened
from cosim.models.reproduce.variants import applicable, by_influence
from cosim.models.workload.schema import StatisticalLayer
from cosim.scenario import load_scenario

DOCS = SCENARIOS.parent / "docs"
LAYER = StatisticalLayer(name="a", c=8, h=6, w=6, k=8, r=3, s=3, pad=1)


def simulate(chip):
    return layer_point(chip, memory_spec(), LAYER, DENSE, 1).simulate()["chips"][0]


def assumptions(study) -> set[str]:
    """All that is on record and has another plausible value, of the chips and the schedule of a study, by the names of
    their rows."""
    if study.study == "energy_gain":
        chips = [(study.chip, study.record_of)]
    else:
        first = {
            "throughput": lambda: next(iter(study.trainings.values())),
            "pruning": lambda: study.varied,
            "same_workload": lambda: study.training,
        }[study.study]()
        second = next(chip for chip in first.baselines if chip.pruning_unit.shared is (study.study != "pruning"))
        chips = list(zip((first.chip, second), study.record_of, strict=True))
    rows = {path for chip, names in chips for path, row in applicable(chip, study.record, names).items() if row.others}
    scheduled = {f"schedule.{name}" for rows in study.record.schedules.values() for name in rows}
    return rows | scheduled | {f"energy of {element}" for element in study.record.energies["lp65"]}


@pytest.mark.parametrize("name", list(load_claims(SCENARIOS / "reproduce")))
def test_every_number_is_varied_with_every_assumption_or_says_why_not(name):
    study = load_claims(SCENARIOS / "reproduce")[name].study
    wanted = assumptions(study)
    assert {group_of(one) for one in wanted} >= {CHIP, ENERGIES, SCHEDULE, PRUNING_UNIT}
    found = json.loads((DOCS / "validation.json").read_bytes())["results"]["claims"][name]["found"]
    assert found["sensitivities"]
    for sensitivity in found["sensitivities"]:
        assert not uncovered(sensitivity, wanted), sensitivity["of"]
        for rule in sensitivity["without_effect"]:
            assert rule["because"] in RULES.values()
            # A rule stands for what has no row, never beside one.
            assert not any(group_of(row["parameter"]) == rule["assumptions"] for row in sensitivity["rows"])


def test_what_has_neither_row_nor_rule_is_found():
    sensitivity = by_influence([("a", 1, 2.0)], "x", "x", 1.0, without_effect=named((SCHEDULE, "layer")))
    assert uncovered(sensitivity, ["a", "b", "schedule.c", "energy of d"]) == ["b", "energy of d"]
    with pytest.raises(KeyError):
        named((SCHEDULE, "accesses"))


def test_groups_of_assumptions():
    names = ["energy of sram", "schedule.sample", "operating_points.fast.clock", "pruning_unit.lanes", "core.lanes"]
    assert [group_of(name) for name in names] == [ENERGIES, SCHEDULE, POINTS, PRUNING_UNIT, CHIP]


def test_energies_change_no_time_and_no_count():
    chip = chip_spec("pnpu")
    nominal, other = (
        simulate(chip),
        simulate(
            with_parameter(
                chip,
                "energy.elements",
                {
                    name: {**entry, "energy": entry["high"]}
                    for name, entry in chip.model_dump(mode="json")["energy"]["elements"].items()
                },
            )
        ),
    )
    assert other["energy_fj"]["chip"] > nominal["energy_fj"]["chip"]
    for key in ("time_ps", "counts", "macs", "pruning_unit"):
        assert other[key] == nominal[key]


def test_an_operating_point_that_the_chip_is_not_at_changes_nothing():
    chip = chip_spec("pnpu")
    for path, value in (("clock", "100 MHz"), ("noc_clock", "400 MHz"), ("voltage", "1 V")):
        assert simulate(with_parameter(chip, f"operating_points.fast.{path}", value)) == simulate(chip)


def test_no_pruning_is_in_a_layer_alone():
    point = layer_point(chip_spec("pnpu"), memory_spec(), LAYER, DENSE, 1)
    assert point.scenario.pruning.schedule == "none"
    assert point.simulate()["training"]["pruning_events"] == 0


def test_pruning_operations_take_no_chip():
    digits = load_scenario(SCENARIOS / "reproduce" / "inputs" / "digits.yaml").spec
    assert isinstance(digits, TrainingScenario)
    short = shortened(digits)
    short = short.model_copy(update={"workload": short.workload.model_copy(update={"epochs": 1}), "baselines": ()})
    other = with_parameter(chip_spec("lnpu", "voltage=1 V"), "pruning_unit.lanes", 16)
    trainings = [
        Point.of(short.model_copy(update={"chip": chip})).simulate()["training"] for chip in (digits.chip, other)
    ]
    assert trainings[0] == trainings[1]
    assert trainings[0]["pruning_operations"]["total"] > 0
