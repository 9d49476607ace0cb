"""A chip's energies: the table's elements times the chip's widths, at its supply, each rounded once."""

from fractions import Fraction

import pytest
from helpers.chips import chip_spec
from pydantic import ValidationError

from cosim.models.chip.energy import action_form, table_fj
from cosim.models.chip.summary import group_of
from cosim.models.energy import ACTIONS, Level, energy_factor
from cosim.scenario import ScenarioError


@pytest.fixture(scope="module")
def pnpu():
    return chip_spec("pnpu")


def rounded(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def test_every_action_has_an_energy_and_a_group(pnpu):
    energies = table_fj(pnpu)
    assert list(energies) == list(ACTIONS)
    assert all(energy > 0 for energy in energies.values())
    assert all(group_of(action) for action in ACTIONS)


def test_widths_come_from_the_chip(pnpu):
    factor = energy_factor(45, 900, 65, 780)
    energies = table_fj(pnpu)
    assert energies["core.mac"] == rounded(375 * factor)
    assert energies["core.operand_fetch"] == rounded((8 + 8 + 32) * 9 * factor)
    assert energies["core.scan"] == rounded(16 * 4 * factor)
    assert energies["core.queue_move"] == rounded(6 * 9 * factor)  # one of 16 indices in one of 4 blocks
    assert energies["core.buffer_write"] == rounded(16 * 9 * 9 * factor)
    assert energies["core.buffer_read"] == rounded(16 * 9 * factor)
    assert energies["core.bitmap_read"] == rounded(128 * 9 * factor)
    assert energies["noc.flit_hop"] == rounded(256 * 111 * energy_factor(45, 1000, 65, 780))
    # CACTI's 8 KiB, 128 bit at 0.8 V.
    assert energies["sram.input.read"] == rounded(7400 * energy_factor(65, 800, 65, 780))
    assert energies["sram.vector.write"] == rounded(11500 * energy_factor(65, 800, 65, 780))
    wider = table_fj(chip_spec("pnpu", "core.window=32", "core.run_ahead=8", "noc.flit=128 bit"))
    assert wider["core.scan"] == rounded(32 * 4 * factor)
    assert wider["core.queue_move"] == rounded(8 * 9 * factor)
    assert wider["noc.flit_hop"] == rounded(128 * 111 * energy_factor(45, 1000, 65, 780))


def test_the_multiplier_is_that_of_the_stored_format(pnpu):
    sixteen = table_fj(chip_spec("pnpu", "storage.value_bits=16"))
    assert sixteen["core.mac"] == rounded(1500 * energy_factor(45, 900, 65, 780))
    with pytest.raises(ScenarioError, match="energies are known of multipliers of 8 or 16 bit"):
        chip_spec("pnpu", "storage.value_bits=12")


def test_larger_banks_cost_more(pnpu):
    larger = table_fj(chip_spec("pnpu", "core.weight_memory.size=128 KiB"))
    assert larger["sram.weight.read"] == rounded(14000 * energy_factor(65, 800, 65, 780))  # 16 KiB a bank
    assert larger["sram.input.read"] == table_fj(pnpu)["sram.input.read"]


def test_levels_change_the_elements_that_they_name_and_no_others(pnpu):
    nominal = table_fj(pnpu)
    for element, changed in (("register.bit", {"operand_fetch", "bitmap_read", "buffer_write", "buffer_read"}),):
        high = table_fj(pnpu, {element: Level.HIGH})
        assert {action for action in ACTIONS if high[action] != nominal[action]} == {f"core.{name}" for name in changed}
        assert high["core.operand_fetch"] == rounded(48 * 13 * energy_factor(45, 900, 65, 780))
    low = table_fj(pnpu, {"sram": Level.LOW})
    assert low["sram.input.read"] == rounded(7400 * Fraction(30, 100) * energy_factor(65, 800, 65, 780))
    with pytest.raises(ValueError, match="unknown element 'magic'"):
        table_fj(pnpu, {"magic": Level.LOW})


def test_an_action_is_a_form_of_elements(pnpu):
    assert action_form(pnpu, "core.operand_fetch") == {"register.bit": 48 * energy_factor(45, 900, 65, 780)}
    assert action_form(pnpu, "sram.output.read") == {"sram": 7400 * energy_factor(65, 800, 65, 780)}
    assert action_form(pnpu, "sram.pruning.write") == {"sram": 11500 * energy_factor(65, 800, 65, 780)}
    with pytest.raises(KeyError):
        action_form(pnpu, "core.dream")


def test_banks_below_the_smallest_tabulated_cost_what_that_one_does(pnpu):
    """8 KiB: no memory of the chip has larger banks, so a smaller bank saves nothing here."""
    assert all(memory.size // memory.banks <= 8192 for memory in pnpu.memories().values())
    smaller = table_fj(chip_spec("pnpu", "core.input_memory.size=8 KiB", "core.input_memory.banks=16"))
    assert smaller == table_fj(pnpu)


def test_an_operating_point_changes_clocks_supply_and_energies(pnpu):
    fast = chip_spec("pnpu", "operating_point=fast")
    assert (fast.clock, fast.noc.clock, fast.voltage) == (5000, 1250, 1100)
    assert (pnpu.clock, pnpu.noc.clock, pnpu.voltage) == (20000, 5000, 780)
    assert table_fj(fast)["core.mac"] == rounded(375 * energy_factor(45, 900, 65, 1100))
    assert type(fast).model_validate(fast.model_dump(mode="json")) == fast
    with pytest.raises(ScenarioError, match=r"no operating point is called 'fats'; did you mean 'fast'"):
        chip_spec("pnpu", "operating_point=fats")


@pytest.mark.parametrize(
    ("voltage", "fine"), [("0.6 V", True), ("0.599 V", False), ("1.3 V", True), ("1.301 V", False)]
)
def test_supplies_that_energies_cannot_be_scaled_to_are_refused(voltage, fine):
    if fine:
        assert table_fj(chip_spec("pnpu", f"voltage={voltage}"))
    else:
        with pytest.raises((ScenarioError, ValidationError), match="600 to 1300 mV"):
            chip_spec("pnpu", f"voltage={voltage}")
