import pytest

from cosim.scenario import ScenarioError
from cosim.scenario.errors import Source
from cosim.scenario.overrides import Override
from cosim.scenario.tree import parse_yaml

HERE = Source("f.yaml")


def applied(text, *overrides):
    root = parse_yaml(text, HERE)
    for override in overrides:
        one = Override(override, HERE)
        one.apply(root)
        assert one.applied
    return root.plain()


@pytest.mark.parametrize(
    ("text", "override", "result"),
    [
        ("{a: {b: 1}}", "a.b=2", {"a": {"b": 2}}),
        ("{a: {b: 1}}", "a.c.d=x y", {"a": {"b": 1, "c": {"d": "x y"}}}),
        ("{a: [1, {b: 2}]}", "a[1].b=3", {"a": [1, {"b": 3}]}),
        ("{a: [1, 2]}", "a.0=5", {"a": [5, 2]}),
        ("{a: 1}", "a=[1, {b: 2}]", {"a": [1, {"b": 2}]}),
        ("{a: 1}", "a=50 MHz", {"a": "50 MHz"}),
        ("{a: 1}", "a=x=y", {"a": "x=y"}),
        ("{a: 1}", "a=", {"a": None}),
        ("{energy: {core.mac: {energy: 1}}}", "energy.core.mac.energy=2", {"energy": {"core.mac": {"energy": 2}}}),
        ("{energy: {core.mac: 1}}", "energy.core.mac=2", {"energy": {"core.mac": 2}}),
        ("{core: {mac: 1}, core.mac: 1}", "core.mac=2", {"core": {"mac": 1}, "core.mac": 2}),
    ],
)
def test_sets_one_value(text, override, result):
    assert applied(text, override) == result


def test_waits_for_a_file_that_is_not_loaded_yet():
    root = parse_yaml("chip: chip.yaml", HERE)
    override = Override("chip.lanes=8", HERE)
    override.apply(root)
    assert not override.applied
    root.child("chip").value = parse_yaml("lanes: 4", HERE).value
    override.apply(root)
    assert root.plain() == {"chip": {"lanes": 8}}


@pytest.mark.parametrize("text", ["a", "=1", "a..b=1", ".a=1", "a.=1", ""])
def test_malformed(text):
    with pytest.raises(ScenarioError, match="expected PATH=VALUE"):
        Override(text, HERE)


@pytest.mark.parametrize(
    ("override", "message"), [("a.b=1", "a has no 'b'"), ("l.7=1", "l has no '7'"), ("l.x.y=1", "l has no 'x'")]
)
def test_no_such_place(override, message):
    with pytest.raises(ScenarioError, match=message):
        Override(override, HERE).apply(parse_yaml("{a: 3, l: [1]}", HERE))
