"""Whatever is done to a scenario: it loads, or there are lines that say why not. Never another exception."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustness.demo_kind import register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry
from cosim.scenario import ScenarioError, load_scenario

REGISTRY = Registry()
register(REGISTRY)
LINES = [
    *SCENARIO.splitlines(),
    "data: data.bin",
    "baselines: [chips/base.yaml, {name: x}]",
    "verify: true",
    "mode: trace",
]
VALUES = st.sampled_from(
    [
        *["", "~", "0", "-1", "1.5", "true", "[]", "{}", "x", "50 MHz", "1 ns", "[[1]]", "9" * 30, "!!int x", "'"],
        *["chips/base.yaml", "demo.yaml", "chips", ".", "../x.yaml", '"\\0"', "*a", "&a 3"],
        *["{kind: step}", "{extends: chips/base.yaml}"],
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    write_files(folder, **{"data.bin": b"x"})
    before = os.getcwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@st.composite
def mutated(draw):
    lines = list(LINES)
    for _ in range(draw(st.integers(0, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[i].partition(":")
        change = draw(st.sampled_from(["value", "drop", "twice", "indent", "key"]))
        if change == "value":
            lines[i] = f"{key}{colon} {draw(VALUES)}"
        elif change == "drop" and len(lines) > 1:
            del lines[i]
        elif change == "twice":
            lines.insert(i, lines[draw(st.integers(0, len(lines) - 1))])
        elif change == "indent":
            lines[i] = " " * draw(st.integers(1, 3)) + lines[i]
        elif change == "key":
            lines[i] = draw(st.text("abcxyz.:-", max_size=6)) + lines[i]
    return "\n".join(lines) + "\n"


SETS = st.lists(
    st.builds(
        "{}={}".format, st.sampled_from(["a", "chip", "chip.core.lanes", "steps", "steps.x", "baselines.0"]), VALUES
    ),
    max_size=2,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(mutated(), SETS)
def test_any_mutation_loads_or_is_explained(folder, text, overrides):
    (folder / "demo.yaml").write_text(text)
    try:
        load_scenario("demo.yaml", overrides, known=REGISTRY)
    except ScenarioError as error:
        lines = str(error).splitlines()
        assert len(lines) == len(error.problems) >= 1
        assert all(line.startswith(("demo.yaml", "chips/", "chips:", "--set ")) for line in lines), lines
