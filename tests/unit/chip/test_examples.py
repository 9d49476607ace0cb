"""The examples print what they promise to print.

Where a chip or memory file changes on purpose, look at the difference that it makes:
`python examples/NAME.py > examples/NAME.out`.
"""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("example", ["soc_study", "recompute_energy"])
def test_an_example_prints_its_golden_output(example, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [example])
    runpy.run_path(str(EXAMPLES / f"{example}.py"), run_name="__main__")
    assert capsys.readouterr().out == (EXAMPLES / f"{example}.out").read_text()
