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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("a folder", "Is a directory"),
        (b"\xff", "not the summary.json of a run"),
        (b"[]", "not the summary.json of a run"),
        (b'{"kind": "training"}', "not the summary.json of a run"),
        (b'{"chips": []}', "not the summary.json of a run"),
        (b'{"kind": "demo"}', "the summary of a run of kind 'demo', which has no energy to recompute"),
    ],
)
def test_energy_is_recomputed_of_summaries_only(content, message, tmp_path, capsys, monkeypatch):
    file = tmp_path / "summary.json"
    if content == "a folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["recompute_energy", str(file)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(EXAMPLES / "recompute_energy.py"), run_name="__main__")
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", f"{file}: {message}\n")
