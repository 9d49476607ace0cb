import pytest

from cosim.registry import Registry
from cosim.scenario import Problem, ScenarioError, ScenarioSpec, load_scenario
from cosim.scenario.diagnose import merged
from cosim.scenario.errors import Position, Source


def problem(message, line=1, path="a"):
    return Problem(Position(Source("f"), line, 1), path, message)


def test_what_members_of_a_union_expect_is_one_problem():
    found = [
        problem("expected a whole number, got the text 'x'"),
        problem("expected a list, got the text 'x'"),
        problem("expected a list, got the text 'x'", line=2),
        problem("must be at least 1, got 0"),
        problem("must be at least 1, got 0"),
    ]
    assert [str(one) for one in merged(found)] == [
        "f:1:1: a: expected a whole number or a list, got the text 'x'",
        "f:2:1: a: expected a list, got the text 'x'",
        "f:1:1: a: must be at least 1, got 0",
    ]


def test_a_problem_is_one_line_whatever_the_file_contained():
    assert str(problem("got 'a\nb\x1b[31m'")) == "f:1:1: a: got 'a\\x0ab\\x1b[31m'"


class Wide(ScenarioSpec):
    either: int | list[int] | None = None
    table: dict[str, int] = {}  # noqa: RUF012  (pydantic copies defaults)
    pair: tuple[int, int] = (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("either: x", "f.yaml:3:9: either: expected a whole number or a list, got the text 'x'"),
        ("either: [1, x]", "f.yaml:3:13: either[1]: expected a whole number, got the text 'x'"),
        ("table: {a: 1, b: x}", "f.yaml:3:18: table.b: expected a whole number, got the text 'x'"),
        ("pair: [1]", "f.yaml:3:7: pair[1]: required, but missing"),
        ("pair: [1, 2, 3]", "f.yaml:3:7: pair: must have at most 2 entries, has 3"),
        ("name: " + "x" * 201, "f.yaml:3:7: name: string should have at most 200 characters"),
    ],
)
def test_types_of_pydantic_in_words(tmp_path, monkeypatch, text, expected):
    registry = Registry()
    registry.scenario("wide", Wide, lambda spec, context: {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text(f"schema_version: 1\nkind: wide\n{text}\n")
    with pytest.raises(ScenarioError) as caught:
        load_scenario("f.yaml", known=registry)
    assert expected in str(caught.value).splitlines()
