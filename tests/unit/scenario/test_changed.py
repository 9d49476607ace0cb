"""A changed value does not keep the source of the old one, whatever changed it."""

from pathlib import Path

import pytest
from helpers.chips import chip_spec

from cosim.quantity import Millivolts, PeriodPs
from cosim.registry import Registry
from cosim.scenario import ScenarioSpec, load_scenario, sweep_points
from cosim.scenario.errors import Source
from cosim.scenario.files import merge
from cosim.scenario.overrides import Override, apply_all
from cosim.scenario.provenance import Provenance
from cosim.scenario.tree import parse_yaml


class Sourced(ScenarioSpec):
    clock: PeriodPs
    voltage: Millivolts
    provenance: dict[str, Provenance]


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
    apply_all([Override(f"{path}={value}", FILE)], root)
    assert root.plain()["provenance"] == PROVENANCE | entries


def test_a_new_entry_is_kept():
    over = 'clock: 1 MHz\ncore: {count: 8, lanes: 32}\nprovenance: {clock: "source: E", core: "source: F"}'
    result = merge(parse_yaml(BASE, FILE), parse_yaml(over, Source("over"))).plain()
    expected = {"clock": "source: E", "core": "source: F", "core.count": changed("source: C")}
    assert result["provenance"] == PROVENANCE | expected


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("clock=1 MHz", "clock"),
        ("core.count=8", "core.count"),
        ("core.lanes=32", "core"),
        ("core.lanes=32", "core.lanes"),
        ("core={count: 16, lanes: 32, mesh: [5, 4]}", "core"),
        ("core.mesh[1]=5", "core.mesh"),
    ],
)
def test_an_entry_set_beside_its_value_is_kept(first, value, entry):
    root = parse_yaml(BASE, FILE)
    sets = [Override(text, FILE) for text in (value, f"provenance.{entry}='source: E'")]
    apply_all([sets[first], sets[1 - first]], root)
    assert root.plain()["provenance"] == PROVENANCE | {entry: "source: E"}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "said", ["provenance.clock: ['source: E']", "provenance: [{clock: 'source: E', voltage: 'source: F'}]"]
)
def test_an_entry_that_a_sweep_sets_is_kept_whatever_the_order_of_its_rows(tmp_path, first, said):
    known = Registry()
    known.scenario("sourced", Sourced, lambda spec, context: {})
    rows = ["clock: [1 MHz]", said]
    lines = f"  {rows[first]}\n  {rows[1 - first]}\n"
    (tmp_path / "s.yaml").write_text(
        "schema_version: 1\nkind: sourced\nclock: 2 MHz\nvoltage: 1 V\n"
        f"provenance: {{clock: 'source: A', voltage: 'source: F'}}\nsweep:\n{lines}"
    )
    (point,) = sweep_points(load_scenario(tmp_path / "s.yaml", known=known))
    assert point.spec.provenance == {"clock": "source: E", "voltage": "source: F"}


def test_a_provenance_that_is_replaced_by_none_takes_no_marks():
    root = parse_yaml(BASE, FILE)
    apply_all([Override("clock=1 MHz", FILE), Override("provenance=3", FILE)], root)
    assert root.plain()["provenance"] == 3


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
