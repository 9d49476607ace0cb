"""What studies cannot compare is refused when a claim is read, at its line."""

import pytest
from helpers.chips import SCENARIOS

from cosim.models.reproduce.claims import load_claims
from cosim.scenario import ScenarioError


@pytest.fixture
def shipped(tmp_path):
    """Write one shipped claim, changed, beside its record and inputs."""

    def write(name, *changes):
        text = (SCENARIOS / "reproduce" / f"{name}.yaml").read_text().replace("inputs/", f"{tmp_path}/inputs/")
        (tmp_path / "inputs").mkdir()
        for file in (SCENARIOS / "reproduce" / "inputs").iterdir():
            (tmp_path / "inputs" / file.name).write_text(file.read_text().replace("../../", f"{SCENARIOS}/"))
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / f"{name}.yaml").write_text(text)
        record = (SCENARIOS / "reproduce" / "assumptions.yaml").read_bytes()
        (tmp_path / "assumptions.yaml").write_bytes(record)
        return tmp_path

    return write


def refused(folder, match):
    with pytest.raises(ScenarioError, match=match):
        load_claims(folder)


def edit(folder, name, old, new):
    file = folder / "inputs" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_the_shipped_ones_are_fine(shipped):
    assert load_claims(shipped("throughput"))


@pytest.mark.parametrize("changed", ["core: {lanes: 8}", "clock: 5 MHz"])
def test_a_throughput_is_of_equal_multipliers_and_clocks(shipped, changed):
    folder = shipped("throughput")
    other = f"{{extends: {SCENARIOS}/chips/lnpu.yaml, {changed}}}"
    edit(folder, "digits.yaml", f"{SCENARIOS}/chips/lnpu.yaml", other)
    refused(folder, r"study\.trainings\.digits: compares chips with unequal multipliers or clocks: 1024 multipliers at")


def test_a_throughput_is_of_some_training(shipped):
    folder = shipped("throughput")
    claim = folder / "throughput.yaml"
    shown = claim.read_text().partition("  trainings:\n")[2].partition("  layer:")[0]
    claim.write_text(claim.read_text().replace("  trainings:\n" + shown, "  trainings: {}\n"))
    refused(folder, r"throughput\.yaml:\d+:\d+: study\.trainings")


def test_one_table_of_energies_is_for_both_chips(shipped):
    folder = shipped("same_workload")
    other = f"{{extends: {SCENARIOS}/chips/lnpu.yaml, energy: {SCENARIOS}/energy/lp65_dense.yaml}}"
    edit(folder, "digits.yaml", f"{SCENARIOS}/chips/lnpu.yaml", other)
    refused(folder, r"study\.training: compares chips with different energy tables")


def test_pruning_is_by_the_schedule_on_record_and_by_the_full_algorithm(shipped):
    folder = shipped("pruning")
    edit(folder, "digits.yaml", f"pruning: {SCENARIOS}/schedules/scfp.yaml", "pruning: {schedule: none}")
    refused(folder, r"study\.training: is pruned by none, not by scfp")


def test_the_full_algorithm_is_the_one_that_compares_all(shipped):
    folder = shipped("pruning")
    edit(folder, "digits_full.yaml", "schedules/cfp.yaml", "schedules/scfp.yaml")
    refused(folder, r"study\.full: is pruned by scfp, not by the full algorithm")


def test_ends_that_are_searched_together_are_in_no_late_range(shipped):
    folder = shipped("lnpu_energy_gain", ("../", f"{SCENARIOS}/"), ("noc.vcs: 4", "dma.request: 256 B"))
    refused(folder, r"study\.joint\.greatest\.dma\.request: is no other plausible value")
