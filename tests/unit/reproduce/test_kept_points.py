"""What is kept of points is taken only as it was written, for the point that it is of."""

import json
import os

import pytest

from cosim.models.reproduce.workers import _read, _write, check_writable, write_whole

RESULT = {"chips": [{"counts": {"core.mac": 5}}], "training": {}}


@pytest.fixture
def folder(tmp_path):
    _write(tmp_path, "one", RESULT)
    return tmp_path


def test_what_was_written_is_read(folder):
    assert _read(folder, "one") == RESULT
    assert _read(folder, "two") is None
    assert _read(None, "one") is None


@pytest.mark.parametrize(
    "text",
    ["5", "null", "[]", "{}", "[[1,2]]", '{"chips": []}', "[" * 100_000, "", "\xff", '{"digest": "", "result": NaN}'],
    ids=lambda text: text[:20],
)
def test_what_is_no_kept_point_is_run_again(folder, text):
    (folder / "one.json").write_text(text, encoding="latin-1")
    assert _read(folder, "one") is None


def test_a_changed_count_and_another_points_content_are_run_again(folder):
    kept = json.loads((folder / "one.json").read_text())
    for count in (6, float("nan")):
        kept["result"]["chips"][0]["counts"]["core.mac"] = count
        (folder / "one.json").write_text(json.dumps(kept))
        assert _read(folder, "one") is None
    _write(folder, "two", RESULT)
    (folder / "one.json").write_bytes((folder / "two.json").read_bytes())
    assert _read(folder, "one") is None


def test_a_folder_in_the_place_of_a_kept_point_is_no_point(folder):
    (folder / "two.json").mkdir()
    assert _read(folder, "two") is None


def test_what_cannot_be_written_is_said_of_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "results.json").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / "results.json", b"x")
    assert caught.value.filename == str(tmp_path / "results.json")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left on device.*other\.json"):
        write_whole(tmp_path / "other.json", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_whether_results_can_be_written_is_known_before_anything_runs(tmp_path):
    check_writable(tmp_path / "new" / "folder", "results.json")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "results.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"results\.json"):
        check_writable(tmp_path, "results.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        check_writable(tmp_path / "file")
