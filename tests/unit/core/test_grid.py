"""The density grid: what is committed of it is what the command gives, and what the bound means."""

import itertools
from pathlib import Path

import pytest
from helpers.chips import SCENARIOS
from typer.testing import CliRunner

from cosim.cli.app import app
from cosim.models.core import grid
from cosim.models.core.chip_file import load_chip
from cosim.models.tensors import Stage

pytestmark = pytest.mark.c_library

DOCS = Path(__file__).parents[3] / "docs"
CHIPS = [SCENARIOS / "chips" / f"{name}.yaml" for name in ("pnpu", "lnpu", "dense")]


@pytest.fixture(scope="module")
def recorded():
    names, points = grid.read_csv(DOCS / "core_grid" / "grid.csv")
    assert names == ["PNPU", "LNPU", "dense"]
    return points


def test_every_case_is_recorded_once(recorded):
    places = [(p.batch_norm, p.stage, p.activations, p.weights, p.coarse) for p in recorded]
    assert places == list(grid.cases(grid.DENSITIES, grid.COARSE_SHARES))
    assert len(set(places)) == len(places) == 5 * 6 * (5 * 5 + 1)


def test_recorded_points_are_what_the_chips_give_now(recorded):
    some = recorded[::131] + [p for p in recorded if p.activations == p.weights == 0.02 and p.coarse == 1.0]
    assert {p.stage for p in some} == set(Stage)
    chips = [load_chip(chip) for chip in CHIPS]
    cases = [(p.batch_norm, p.stage, p.activations, p.weights, p.coarse) for p in some]
    assert list(grid.run(chips, cases)) == some


def test_the_pages_tables_are_those_of_the_recorded_points(recorded):
    page = (DOCS / "core-grid.md").read_text()
    tables = page.partition("<!-- tables: begin -->\n")[2].partition("<!-- tables: end -->")[0]
    assert tables == grid.markdown(["PNPU", "LNPU", "dense"], recorded)


def test_the_pages_figures_on_30_1(recorded):
    def over_lnpu(cycles):
        return cycles[1] / cycles[0]

    best = {
        (stage, norm): max(over_lnpu(p.cycles) for p in recorded if (p.stage, p.batch_norm) == (stage, norm))
        for stage, norm in itertools.product(Stage, (False, True))
        if not (norm and stage is Stage.FF)
    }
    assert round(best[Stage.FF, False], 1) == 23.4
    assert round(best[Stage.BP, True]) == 256
    assert best[Stage.WG, True] < 30.1
    assert sum(over_lnpu(p.cycles) >= 30.1 for p in recorded if p.batch_norm and p.stage is Stage.BP) == 59
    steps = {place: over_lnpu(cycles) for place, cycles in grid.training_steps(recorded).items()}
    assert round(max(value for place, value in steps.items() if not place[0]), 1) == 20.5
    reached = {place: round(value, 1) for place, value in steps.items() if value >= 30.1}
    assert {place[1:]: value for place, value in reached.items()} == {
        (0.02, 0.02, 1.0): 39.8,
        (0.05, 0.02, 1.0): 36.1,
        (0.1, 0.02, 1.0): 34.4,
        (0.25, 0.02, 1.0): 30.4,
    }
    assert all(batch_norm for batch_norm, *_ in reached)
    assert round(max(value for place, value in steps.items() if place[2] >= 0.05), 1) == 26.6


def test_no_point_is_beyond_its_bound(recorded):
    # A density is drawn, not exact: 2 % of slack.
    assert all(p.cycles[2] / p.cycles[0] <= 1.02 * p.bound for p in recorded)


def test_the_bound_is_of_the_two_thinnest_operands_that_a_stage_can_skip():
    assert grid.bound(Stage.FF, 0.5, 0.1, False) == pytest.approx(20)
    assert grid.bound(Stage.BP, 0.5, 0.1, False) == pytest.approx(20)
    assert grid.bound(Stage.BP, 0.1, 0.5, False) == pytest.approx(100)  # dY and dX
    assert grid.bound(Stage.BP, 0.1, 0.5, True) == pytest.approx(20)  # dX and W
    assert grid.bound(Stage.WG, 0.1, 0.5, False) == pytest.approx(100)  # X and dY
    assert grid.bound(Stage.WG, 0.1, 0.5, True) == pytest.approx(20)  # X and dW


def test_the_command_writes_points_tables_and_plots(tmp_path, monkeypatch, recorded):
    monkeypatch.setattr(grid, "run", lambda chips, cases, seed: iter(recorded))
    done = CliRunner().invoke(app, ["core", "grid", *map(str, CHIPS), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"780 points in {tmp_path / 'out' / 'grid.csv'}\n"
    for name in ("grid.csv", "tables.md"):
        assert (tmp_path / "out" / name).read_bytes() == (DOCS / "core_grid" / name).read_bytes()
    for name in ("stages.png", "step.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_one_chip_is_none_to_compare(tmp_path):
    done = CliRunner().invoke(app, ["core", "grid", str(CHIPS[0]), "--out", str(tmp_path / "out")])
    assert (done.exit_code, done.stderr) == (2, "cosim core: expected at least two chips to compare\n")
    assert not (tmp_path / "out").exists()
