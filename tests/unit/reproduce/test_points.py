"""Points are named by all that decides their result, run once, and kept as soon as they have ended."""

import json

import pytest
from helpers.chips import chip_spec, memory_spec

from cosim.models.reproduce import points as module
from cosim.models.reproduce.layer_points import DENSE, layer_point, with_parameter
from cosim.models.reproduce.points import Point, run_points
from cosim.models.reproduce.schema import CornerSpec
from cosim.models.workload.schema import StatisticalLayer

LAYER = StatisticalLayer(name="a", c=8, h=4, w=4, k=8, r=1, s=1)


def point(chip="pnpu", at=DENSE, seed=1):
    return layer_point(chip_spec(chip), memory_spec(), LAYER, at, seed)


def test_a_point_is_the_scenario_and_nothing_else():
    assert point() == point()
    assert len({one.identity() for one in (point(), point(seed=2), point("lnpu"))}) == 3
    half = CornerSpec(input=0.5, weight=0.5, coarse=0.0)
    assert point(at=half).identity() != point().identity()
    layer = point(at=half).scenario.workload.layers[0].density
    assert (layer.x, layer.w, layer.dy, layer.output_needed, layer.coarse_share) == (0.5, 0.5, 0.5, None, 0.0)
    dense_gradient = layer_point(chip_spec("pnpu"), memory_spec(), LAYER, half, 1, gradient=1.0)
    assert dense_gradient.scenario.workload.layers[0].density.dy == 1.0


def test_a_program_of_other_sources_does_not_meet_its_results(monkeypatch):
    before = point().identity()
    monkeypatch.setattr(module, "_sources", lambda: "another program")
    assert point().identity() != before


def test_what_is_kept_is_not_run_again(tmp_path, monkeypatch):
    wanted = [point(), point("lnpu"), point()]
    calls = []
    first = run_points(wanted, tmp_path, progress=lambda *call: calls.append(call))
    assert calls == [("simulating", 0, 2), ("simulating", 1, 2), ("simulating", 2, 2)]
    assert list(first) == [point(), point("lnpu")]
    assert len(list(tmp_path.glob("*.json"))) == 2
    monkeypatch.setattr(Point, "simulate", lambda self: pytest.fail("ran again"))
    assert run_points(wanted, tmp_path) == first


def test_what_has_ended_before_an_interruption_is_kept(tmp_path, monkeypatch):
    simulate, ran = Point.simulate, []

    def interrupted(self):
        if ran:
            raise KeyboardInterrupt
        ran.append(self)
        return simulate(self)

    monkeypatch.setattr(Point, "simulate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_points([point(), point("lnpu")], tmp_path)
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]
    monkeypatch.setattr(Point, "simulate", simulate)
    results = run_points([point(), point("lnpu")], tmp_path)
    assert [result["chips"][0]["name"] for result in results.values()] == ["PNPU", "LNPU"]


def test_a_file_cut_short_is_run_again(tmp_path):
    (first,) = run_points([point()], tmp_path).values()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert run_points([point()], tmp_path) == {point(): first}
    assert json.loads(file.read_bytes()) == first


def test_processes_give_what_one_process_gives(tmp_path):
    wanted = [point(), point("lnpu"), point("dense")]
    assert run_points(wanted, workers=2) == run_points(wanted)


def test_a_changed_parameter_is_checked():
    chip = with_parameter(chip_spec("pnpu"), "core.window", 32)
    assert (chip.core.window, chip_spec("pnpu").core.window) == (32, 16)
    with pytest.raises(ValueError, match="do not divide"):
        with_parameter(chip_spec("pnpu"), "core.group", 7)
