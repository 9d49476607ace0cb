"""Every file of scenarios/ is what it says: scenarios, and each part for itself."""

import pytest
from helpers.chips import SCENARIOS, WHOLE_CHIPS
from typer.testing import CliRunner

from cosim.cli.app import app
from cosim.models.chip import ChipSpec
from cosim.models.core.chip_file import CoreChipSpec, load_chip
from cosim.models.dram.spec import MemorySpec
from cosim.models.energy import EnergyTableSpec
from cosim.models.workload.network_schema import NetworkSpec
from cosim.scenario import load_component, load_scenario

SCENARIO_FILES = sorted(SCENARIOS.glob("*.yaml"))
PARTS = {"chips": ChipSpec, "memories": MemorySpec, "energy": EnergyTableSpec, "networks": NetworkSpec}
RECORDS = {"reproduce"}  # held by tests/unit/reproduce
UNIONS = {"workloads": "workload", "schedules": "pruning"}


def files_of(folder):
    return sorted((SCENARIOS / folder).glob("*.yaml"))


def test_every_folder_of_yaml_files_is_checked_here():
    folders = {file.parent.name for file in SCENARIOS.glob("*/*.yaml")}
    assert folders == set(PARTS) | set(UNIONS) | RECORDS


@pytest.mark.parametrize("file", SCENARIO_FILES, ids=lambda file: file.stem)
def test_cosim_check_has_nothing_to_say_against_a_scenario(file):
    done = CliRunner().invoke(app, ["check", "--strict", str(file)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{file}: ok: training scenario" in done.stdout


@pytest.mark.parametrize(
    ("model", "file"),
    [(model, file) for folder, model in PARTS.items() for file in files_of(folder)],
    ids=lambda value: value.stem if hasattr(value, "stem") else "",
)
def test_a_part_loads_by_itself(model, file):
    load_component(file, CoreChipSpec if file.parent.name == "chips" and file not in WHOLE_CHIPS else model)


@pytest.mark.parametrize("file", files_of("chips"), ids=lambda file: file.stem)
def test_every_chip_has_a_core_that_runs_layers(file):
    assert load_chip(file).core.stages


@pytest.mark.parametrize("folder", UNIONS)
def test_a_workload_or_schedule_fits_the_quick_start(folder):
    files = files_of(folder)
    assert len(files) > 1
    # A workload of one iteration has no room for a pruning schedule, so workloads are loaded without one.
    others = ["pruning=schedules/none.yaml"] if folder == "workloads" else []
    for file in files:
        load_scenario(SCENARIOS / "quickstart.yaml", [f"{UNIONS[folder]}={file.relative_to(SCENARIOS)}", *others])
