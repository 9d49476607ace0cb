import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.scenario import ScenarioError
from cosim.scenario.errors import Source
from cosim.scenario.tree import MAX_DEPTH, parse_yaml

HERE = Source("f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("true", True),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("2.5", 2.5),
        ("50 MHz", "50 MHz"),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("~", None),
        ("null", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("9223372036854775807", 2**63 - 1),
        ("{a: [1, {b: x}], 2: y}", {"a": [1, {"b": "x"}], "2": "y"}),
        ("{a: &x {b: 1}, c: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_plain_data_by_the_rules_of_yaml_1_2(text, value):
    assert parse_yaml(text, HERE).plain() == value


def test_positions_of_keys_and_values():
    root = parse_yaml("a:\n  b: [x,\n      y]\nc:\n", HERE)
    below = root.child("a").child("b")
    assert str(root.child("a").keys["b"]) == "f.yaml:2:3"
    assert [str(node.position) for node in below.value] == ["f.yaml:2:7", "f.yaml:3:7"]
    assert str(root.child("c").position) == "f.yaml:4:1"  # nothing is written there: the key's place
    assert below.child(2) is None and below.child("x") is None and root.child("z") is None


def test_uses_of_an_alias_are_separate():
    root = parse_yaml("{a: &x {b: 1}, c: *x}", HERE)
    assert root.child("a") is not root.child("c")


def test_the_deepest_allowed():
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, HERE)
    with pytest.raises(ScenarioError, match="nested deeper than 50 levels"):
        parse_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), HERE)


def test_a_reused_anchor_is_no_warning():
    assert parse_yaml("[&x 1, &x 2, *x]", HERE).plain() == [1, 2, 2]


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@ \n\t01.~<?\\\x00é", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        parse_yaml(text, HERE)
    except ScenarioError as error:
        for line in str(error).splitlines():
            assert line.startswith("f.yaml:")
        assert len(str(error).splitlines()) == len(error.problems) >= 1
