"""The core of every chip file: which kind, what is assumed of it, and a kind that a third party registers."""

from typing import Literal

import pytest
from helpers.chips import SCENARIOS

from cosim.models.core import Dcnn, LayerRun, Scnn, SystolicArray
from cosim.models.core.chip_file import CoreChipSpec, load_chip
from cosim.models.core.kinds import EyerissV2PeCore
from cosim.models.tensors import ConvShape, Stage
from cosim.registry import registry
from cosim.scenario import ScenarioError, Spec

CHIPS = SCENARIOS / "chips"

CORE = """name: mine
clock: 1 GHz
core: {kind: systolic, dataflow: output_stationary, rows: 4, columns: 4}
provenance: {clock: "assumed: x", core.rows: "source: x", core: "assumed: y"}
"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("eyeriss_v2_pe", EyerissV2PeCore),
        ("scnn", Scnn),
        ("dcnn", Dcnn),
        ("systolic_os", SystolicArray),
        ("systolic_ws", SystolicArray),
    ],
)
def test_the_shipped_kinds(name, kind):
    assert isinstance(load_chip(CHIPS / f"{name}.yaml").core, kind)


def test_a_whole_chip_is_its_cores():
    chip = load_chip(CHIPS / "pnpu.yaml", ["core.count=2"])
    assert chip.name == "PNPU"
    assert chip.core.stages == tuple(Stage)
    assert "core.window" in chip.assumed
    assert "core.count" in chip.assumed  # two cores are nobody's
    assert "core.count" not in load_chip(CHIPS / "pnpu.yaml").assumed  # published
    assert not any("memory" in path for path in chip.assumed)  # no part in it


def test_published_and_assumed_are_told_apart(tmp_path):
    (tmp_path / "c.yaml").write_text(CORE)
    chip = load_chip(tmp_path / "c.yaml")
    assert chip.assumed == {"core.dataflow": "assumed: y", "core.columns": "assumed: y"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: systolic", "kind: systolick", "3:14: core.kind: unknown name 'systolick'; did you mean 'systolic'?"),
        ("rows: 4", "rwos: 4", "3:53: core.rwos: unknown key; did you mean 'rows'?"),
        ("rows: 4", "rows: 0", "3:59: core.rows: must be at least 1, got 0"),
        ("core.rows:", "core.row:", "4:45: provenance.core.row: names no parameter of this chip"),
        (', core: "assumed: y"', "", "parameter core.dataflow has neither a source nor an assumption"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    path = tmp_path / "c.yaml"
    path.write_text(CORE.replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        load_chip(path)
    assert any(message in str(problem) for problem in caught.value.problems), str(caught.value)


def test_values_that_the_core_refuses_are_mistakes_of_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(f"extends: {CHIPS / 'scnn.yaml'}\ncore: {{banks: 300}}\n")
    with pytest.raises(ScenarioError, match=r"c.yaml:2:15: core.banks: banks must be at most 256, got 300"):
        load_chip(path)


@pytest.mark.parametrize("kind", ["scnn", "dcnn"])
def test_more_processing_elements_than_the_limit_are_refused_at_once(tmp_path, kind):
    path = tmp_path / "c.yaml"
    path.write_text(f"extends: {CHIPS / kind}.yaml\ncore: {{pe_rows: {2**20}, pe_columns: {2**20}}}\n")
    with pytest.raises(
        ScenarioError,
        match=rf"c.yaml:2:17: core.pe_rows: pe_rows and pe_columns must give at most {2**16} processing elements",
    ):
        load_chip(path)


class FixedSpec(Spec):
    """A core that takes the same for every layer."""

    kind: Literal["fixed"]
    cycles: int

    def build(self):
        return Fixed(self.cycles)


class Fixed:
    stages = (Stage.WG,)

    def __init__(self, cycles):
        self.cycles = cycles

    def run(self, shape, stage, operands):
        return LayerRun(self.cycles, 1, shape.macs, shape.macs, {}, {}, "nothing")


def test_a_third_partys_kind_is_as_good_as_a_built_in(tmp_path):
    registry().component("core", "fixed", FixedSpec, FixedSpec.build)
    try:
        (tmp_path / "c.yaml").write_text(
            "name: f\nclock: 1 GHz\ncore: {kind: fixed, cycles: 7}\n"
            'provenance: {clock: "assumed: x", core: "assumed: x"}\n'
        )
        core = load_chip(tmp_path / "c.yaml").core
        assert core.run(ConvShape(n=1, c=1, h=1, w=1, k=1, r=1, s=1), Stage.WG, None).cycles == 7
    finally:
        del registry()._components["core", "fixed"]


def test_the_kind_is_no_parameter():
    spec = CoreChipSpec.model_fields["core"]
    assert spec.description
    chip = load_chip(CHIPS / "scnn.yaml")
    assert set(chip.assumed) == {"core.bank_queue"}
