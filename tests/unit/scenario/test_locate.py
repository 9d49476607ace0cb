import pytest

from cosim.scenario.errors import Source
from cosim.scenario.locate import dotted, locate
from cosim.scenario.tree import parse_yaml

ROOT = parse_yaml("{memory: {kind: dram, dram: 5, rows: 7}, layers: [{conv: {k: 1}}]}", Source("f"))


@pytest.mark.parametrize(
    ("loc", "steps", "rest"),
    [
        ((), [], []),
        (("memory", "rows"), ["memory", "rows"], []),
        (("memory", "dram", "rows"), ["memory", "rows"], []),  # 'dram' is the kind, not the key
        (("memory", "dram", "dram"), ["memory", "dram"], []),
        (("memory", "dram", "columns"), ["memory", "dram"], ["columns"]),
        (("layers", 0, "Conv", "conv", "k"), ["layers", 0, "conv", "k"], []),
        (("layers", 1), ["layers"], [1]),
        (("function-after[f(), int]",), [], ["function-after[f(), int]"]),
    ],
)
def test_steps_that_are_not_in_the_file_are_skipped(loc, steps, rest):
    found, _, behind = locate(ROOT, loc)
    assert (found, behind) == (steps, rest)


def test_dotted():
    assert dotted(["chip", "cores", 3, "lanes"]) == "chip.cores[3].lanes"
    assert dotted([]) == ""
