"""A changed value does not keep the source of the old one, whatever changed it."""

from pathlib import Path

import pytest
from helpers.chips import chip_spec

from cosim.scenario import load_scenario, sweep_points
from cosim.scenario.errors import Source
from cosim.scenario.files import merge
from cosim.scenario.overrides import Override
from cosim.scenario.tree import parse_yaml

FILE = Source("base.yaml", Path("/base.yaml"))
BASE = """
clock: 50 MHz
core: {count: 16, lanes: 64, mesh: [5, 4]}
dma: 4
provenance: {clock: "source: A", core: "source: B", core.count: "source: C", dma: "assumed: D"}
"""
PROVENANCE = {"clock": "source: A", "core": "source: B", "core.count": "source: C", "dma": "assumed: D"}


def changed(source):
    return f"assumed: changed here; of the value before it was said: {source}"


CASES = [
    ("clock", "100 MHz", {"clock": changed("source: A")}),
    ("clock", "50 MHz", {}),
    ("core.count", "8", {"core.count": changed("source: C")}),
    ("core.lanes", "32", {"core.lanes": changed("source: B")}),
    ("core", "{count: 16, lanes: 32, mesh: [5, 4]}", {"core.lanes": changed("source: B")}),
    ("core.mesh", "[5, 5]", {"core.mesh": changed("source: B")}),
    ("dma", "8", {}),
]


@pytest.mark.parametrize(("path", "value", "entries"), CASES)
def test_extends(path, value, entries):
    for key in reversed(path.split(".")):
        value = f"{{{key}: {value}}}"
    result = merge(parse_yaml(BASE, FILE), parse_yaml(value, Source("over"))).plain()
    assert result["provenance"] == PROVENANCE | entries


@pytest.mark.parametrize(
    ("path", "value", "entries"), [*CASES, ("core.mesh[1]", "5", {"core.mesh": changed("source: B")})]
)
def test_set(path, value, entries):
    root = parse_yaml(BASE, FILE)
    Override(f"{path}={value}", FILE).apply(root)
    assert root.plain()["provenance"] == PROVENANCE | entries


def test_a_new_entry_is_kept():
    over = 'clock: 1 MHz\ncore: {count: 8, lanes: 32}\nprovenance: {clock: "source: E", core: "source: F"}'
    result = merge(parse_yaml(BASE, FILE), parse_yaml(over, Source("over"))).plain()
    expected = {"clock": "source: E", "core": "source: F", "core.count": changed("source: C")}
    assert result["provenance"] == PROVENANCE | expected


@pytest.mark.parametrize("first", [0, 1])
def test_an_entry_set_beside_its_value_is_kept(first):
    root = parse_yaml(BASE, FILE)
    sets = ["clock=1 MHz", "provenance.clock='source: E'"]
    for text in (sets[first], sets[1 - first]):
        Override(text, FILE).apply(root)
    assert root.plain()["provenance"]["clock"] == "source: E"


def test_a_chip():
    spec = chip_spec("pnpu", "core.count=8", "core.skip.ff=[{operands: [input], fine: true, coarse: false}]")
    assert spec.origin("core.count").startswith("assumed: changed here")
    assert spec.origin("core.skip.ff").startswith("assumed: changed here")
    assert spec.origin("core.skip.bp").startswith("source: ")


def test_the_points_of_a_sweep():
    file = Path(__file__).parents[3] / "scenarios/sweep_lanes.yaml"
    points = sweep_points(load_scenario(file, ["sweep={chip.core.count: [16, 8]}"]))
    published, assumed = (point.resolved()["chip"]["provenance"] for point in points)
    assert published["core.count"].startswith("source: ")
    assert assumed["core.count"] == changed(published["core.count"])
