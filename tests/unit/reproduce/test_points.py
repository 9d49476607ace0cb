"""Points are named by all that decides their result."""

import json

import pytest
from helpers.chips import chip_spec, memory_spec

from cosim.models.reproduce import points as module
from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.parameters import with_parameter
from cosim.models.reproduce.points import Point
from cosim.models.reproduce.schema import SurfacePoint
from cosim.models.workload.schema import StatisticalLayer

LAYER = StatisticalLayer(name="a", c=8, h=4, w=4, k=8, r=1, s=1)


def point(chip="pnpu", at=DENSE, seed=1):
    return layer_point(chip_spec(chip), memory_spec(), LAYER, at, seed)


def test_a_point_is_the_scenario_and_nothing_else():
    assert point() == point()
    assert len({one.identity() for one in (point(), point(seed=2), point("lnpu"))}) == 3
    half = SurfacePoint(input=0.5, weight=0.5, coarse=0.0)
    assert point(at=half).identity() != point().identity()
    layer = point(at=half).scenario.workload.layers[0].density
    assert (layer.x, layer.w, layer.dy, layer.output_needed, layer.coarse_share) == (0.5, 0.5, 0.5, None, 0.0)
    dense_gradient = layer_point(chip_spec("pnpu"), memory_spec(), LAYER, half, 1, gradient=1.0)
    assert dense_gradient.scenario.workload.layers[0].density.dy == 1.0


def test_a_program_of_other_sources_does_not_meet_its_results(monkeypatch):
    before = point().identity()
    monkeypatch.setattr(module, "program", lambda: "another program")
    assert point().identity() != before


@pytest.mark.parametrize("version", ["numpy", "python", "simpy"])
def test_the_program_is_also_what_it_runs_on(monkeypatch, version):
    before = module.program()
    module.program.cache_clear()
    try:
        match version:
            case "numpy":
                monkeypatch.setattr(module.np, "__version__", "0.0")
            case "simpy":
                monkeypatch.setattr(module.simpy, "__version__", "0.0")
            case _:
                monkeypatch.setattr(module.platform, "python_version", lambda: "2.7")
        assert module.program() != before
    finally:
        module.program.cache_clear()


@pytest.mark.parametrize(
    "workload", ['{"fidelity": "trace", "file": "FILE"}', '{"data": {"loader": "a", "file": "FILE"}}']
)
def test_the_contents_of_what_a_workload_reads_are_part_of_it(tmp_path, workload):
    file = tmp_path / "masks.bin"
    file.write_bytes(b"one")
    one = Point('{"workload": ' + workload.replace("FILE", str(file)) + "}")
    assert one.files() == [file]
    before = one.identity()
    assert one.identity() == before
    file.write_bytes(b"two")
    assert one.identity() != before


def test_a_point_says_what_it_is():
    assert str(point("lnpu")) == "LNPU, statistical workload (a at 1.0 x 1.0), pruning none, seed 1"


def test_a_changed_parameter_is_checked():
    chip = with_parameter(chip_spec("pnpu"), "core.window", 32)
    assert (chip.core.window, chip_spec("pnpu").core.window) == (32, 16)
    with pytest.raises(ValueError, match="do not divide"):
        with_parameter(chip_spec("pnpu"), "core.group", 7)


def test_a_point_is_found_again_wherever_its_files_lie(tmp_path):
    """By content alone: another checkout's points are the same."""
    names = []
    for folder, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "data.npz"
        file.write_bytes(content)
        names.append(Point(json.dumps({"workload": {"data": {"file": str(file)}}})).identity())
    assert names[0] == names[1] != names[2]
