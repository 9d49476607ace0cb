"""Damaged files beside a scenario: one line that says where, exit 2, nothing left behind."""

import pytest
from helpers.scenario_of import scenario_of
from helpers.small_cnn import NETWORK, RECORDED
from robustness.plugin import cosim
from ruamel.yaml import YAML


def scenario(folder, workload):
    yaml = YAML()
    yaml.width = 10_000
    yaml.default_flow_style = False
    with (folder / "s.yaml").open("w") as stream:
        yaml.dump(scenario_of(workload), stream)


def run(folder, *arguments):
    result = cosim(*arguments, site=folder, cwd=folder)
    return result.returncode, result.stderr.strip()


def test_a_recorded_training_runs(tmp_path):
    (tmp_path / "cnn.masks").write_bytes(RECORDED.read_bytes())
    scenario(tmp_path, {"fidelity": "trace", "network": NETWORK, "file": "cnn.masks"})
    assert cosim("run", "s.yaml", "--out", "out", site=tmp_path, cwd=tmp_path).returncode == 0
    assert (tmp_path / "out/summary.json").exists()


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda good: good[:-5], "cnn.masks: cut off at byte"),
        (lambda good: good[:60] + b"\xff\xff" + good[62:], "cnn.masks: damaged at byte 12: the checksum differs"),
        (lambda good: b"COSIMASK\x09\0\0\0" + good[12:], "cnn.masks: version 9; this program reads 1"),
        (lambda good: b"", "cnn.masks: not a file of masks"),
    ],
)
def test_damaged_traces(tmp_path, damage, text):
    (tmp_path / "cnn.masks").write_bytes(damage(RECORDED.read_bytes()))
    scenario(tmp_path, {"fidelity": "trace", "network": NETWORK, "file": "cnn.masks"})
    code, message = run(tmp_path, "run", "s.yaml", "--out", "out")
    assert (code, message.count("\n")) == (2, 0)
    assert f"workload.file: {text}" in message
    assert message.startswith("s.yaml:")
    assert not (tmp_path / "out").exists()


def test_damaged_imports(tmp_path):
    (tmp_path / "t.csv").write_text("Layer, M, N, K\na, 1, x, 3\n")
    (tmp_path / "t.txt").write_text("")
    for file, text in (
        ("t.csv", "t.csv:2:7: expected a whole number from 1 to 16777216, got 'x'"),
        ("t.txt", "t.txt: no importer for this ending; there are: .csv, .onnx"),
        ("no.csv", "no.csv: no such file"),
    ):
        assert run(tmp_path, "import", file, "--out", "net.yaml") == (2, text)
    assert not (tmp_path / "net.yaml").exists()


def test_imports_to_a_place_where_no_file_can_be(tmp_path):
    """Said before the file is read, in the words of the user."""
    (tmp_path / "t.csv").write_text("Layer, M, N, K\na, 1, 2, 3\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for out, text in (
        (".", ".: a folder; expected the name of a file"),
        ("folder", "folder: a folder; expected the name of a file"),
        ("no/net.yaml", "no/net.yaml: there is no folder no"),
        ("file/net.yaml", "file/net.yaml: there is no folder file"),
        ("n" * 300, f"{'n' * 300}: cannot be written: File name too long"),
    ):
        assert run(tmp_path, "import", "t.csv", "--out", out) == (2, text)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "t.csv"]
