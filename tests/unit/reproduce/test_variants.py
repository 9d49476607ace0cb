"""Assumptions at other plausible values: whose they are, what cannot be built, and what moves a number most."""

import pytest
from helpers.chips import SCENARIOS, chip_spec, memory_spec

from cosim.models.reproduce import load_record
from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.parameters import with_parameter
from cosim.models.reproduce.variants import applicable, by_influence, variants
from cosim.models.workload.schema import StatisticalLayer

RECORD = load_record(SCENARIOS / "reproduce" / "assumptions.yaml")


def test_a_derived_chip_shares_what_it_does_not_replace():
    pnpu = applicable(chip_spec("pnpu"), RECORD, ["pnpu"])
    assert set(pnpu) == set(RECORD.chips["pnpu"])
    lnpu = applicable(chip_spec("lnpu"), RECORD, ["pnpu", "lnpu"])
    assert set(lnpu) == set(pnpu) | {"core.balance", "pruning_unit.shared"}
    for path in ("core.coarse_jump", "core.switch_cycles", "storage.weights"):
        assert lnpu[path] == RECORD.chips["lnpu"][path] != pnpu[path]
    assert [
        one.value for one in variants(chip_spec("lnpu"), RECORD, ["pnpu", "lnpu"]) if one.parameter == "storage.weights"
    ] == ["bitmap"]
    assert set(applicable(chip_spec("tsunami"), RECORD, ["pnpu", "tsunami"])) == set(pnpu)
    assert set(applicable(chip_spec("dense"), RECORD, ["dense"])) == set(RECORD.chips["dense"])
    assert set(applicable(chip_spec("pnpu"), RECORD, ["dense"])) == {"pruning_unit.shared"}


@pytest.mark.parametrize("name", ["pnpu", "lnpu", "tsunami"])
def test_every_assumed_parameter_is_tried_at_each_end_of_its_range(name):
    names = ["pnpu", name]
    chip = chip_spec(name)
    tried = [*variants(chip, RECORD, names), *variants(chip, RECORD, names, of_points=True)]
    rows = applicable(chip, RECORD, names)
    assert {(one.parameter, str(one.value)) for one in tried} == {
        (path, str(value)) for path, row in rows.items() for value in row.others
    }
    assert {one.parameter for one in tried} == {path for path, row in rows.items() if row.others}
    assert all(one.chip is None or one.chip != chip for one in tried)


def test_what_cannot_be_built_has_no_chip():
    found = {(one.parameter, str(one.value)): one.chip for one in variants(chip_spec("pnpu"), RECORD, ["pnpu"])}
    # The vector unit must hold two tiles of half an output memory.
    assert found["core.output_memory.size", "32 KiB"] is not None
    assert found["dma.request", "256 B"].dma.request == 256
    assert found["noc.unit_nodes", "[8, 13, 18]"].noc.unit_nodes == (8, 13, 18)


def test_without_an_event_the_pruning_unit_changes_no_energy():
    layer = StatisticalLayer(name="a", c=8, h=6, w=6, k=8, r=3, s=3, pad=1)

    def energy(chip):
        return layer_point(chip, memory_spec(), layer, DENSE, 1).simulate()["chips"][0]["energy_fj"]

    chip = chip_spec("pnpu")
    nominal = energy(chip)
    for path, value in (("lanes", 16), ("memory.size", "64 KiB"), ("memory.banks", 4), ("memory.ports", 1)):
        other = energy(with_parameter(chip, f"pruning_unit.{path}", value))
        assert (other["chip"], other["by_action"]) == (nominal["chip"], nominal["by_action"]), path
    assert energy(with_parameter(chip, "pruning_unit.shared", False))["chip"] == nominal["chip"]


def test_what_moves_a_number_most_comes_first_with_its_values_in_order():
    rows = [
        ("a", 1, 9.0),
        ("a", 2, 12.0),
        ("b", [4, 5], 14.0),
        ("b", [1], None),
        ("c", True, None),
        ("nodes", [4, 14], None),
    ]
    found = by_influence(rows, "a number", "x", 10.0)
    assert [(row["parameter"], row["value"], row["number"]) for row in found["rows"]] == [
        ("b", "4 x 5", 14.0),
        ("b", "1", None),
        ("a", "1", 9.0),
        ("a", "2", 12.0),
        ("c", "yes", None),
        ("nodes", "4 and 14", None),
    ]
    assert (found["of"], found["unit"], found["nominal"]) == ("a number", "x", 10.0)
