import json

import pytest

from cosim.scenario import RunFolderError, folder
from cosim.scenario.folder import RunFolder


def fill(path, identity="one", names=("summary.json",), force=False):
    with RunFolder(path, identity, force=force) as run:
        manifest = {"identity": identity, "name": identity, "seed": 1, "files": list(names)}
        run.write("manifest.json", json.dumps(manifest).encode())
        for name in names:
            run.write(name, identity.encode())
        run.commit()


def content(path):
    return {entry.name: entry.read_text() for entry in path.iterdir() if entry.name != "manifest.json"}


def test_nothing_appears_before_commit(tmp_path):
    out = tmp_path / "a/b"
    with RunFolder(out, "one") as run:
        run.write("summary.json", b"{}")
        assert [entry.name for entry in out.iterdir()] == [".partial"]
    assert not (tmp_path / "a").exists()  # nor what was made on the way


def test_the_same_run_replaces_its_files_and_no_others(tmp_path):
    fill(tmp_path, names=["summary.json", "old.txt"])
    (tmp_path / "mine.txt").write_text("mine")
    fill(tmp_path, names=["summary.json", "new.txt"])
    assert content(tmp_path) == {"summary.json": "one", "new.txt": "one", "mine.txt": "mine"}


def test_another_run_is_refused_or_forced(tmp_path):
    fill(tmp_path)
    with pytest.raises(RunFolderError, match=r"something else \(scenario 'one', seed 1\)"):
        fill(tmp_path, "two")
    assert content(tmp_path) == {"summary.json": "one"}
    fill(tmp_path, "two", force=True)
    assert content(tmp_path) == {"summary.json": "two"}


def test_an_incomplete_run_is_replaced(tmp_path):
    fill(tmp_path)
    (tmp_path / "summary.json").unlink()
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial/left over").write_text("x")
    fill(tmp_path, "two")
    assert content(tmp_path) == {"summary.json": "two"}


def test_what_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RunFolderError, match="not empty, and not a run"):
        fill(tmp_path, force=True)
    with pytest.raises(RunFolderError, match="not a folder"):
        fill(tmp_path / "thesis.tex")
    with pytest.raises(RunFolderError, match=r"Not a directory|File exists"):
        fill(tmp_path / "thesis.tex/below")
    assert content(tmp_path) == {"thesis.tex": "x"}


def test_an_empty_folder_is_welcome_and_stays_when_the_run_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path, "one"):
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_in_a_manifest_cannot_lead_outside(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("x")
    out = tmp_path / "out"
    fill(out)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"] = ["../victim", str(victim), 7]
    (out / "manifest.json").write_text(json.dumps(manifest))
    fill(out)
    assert victim.exists()


def test_a_run_that_ended_in_between_is_noticed(tmp_path, monkeypatch):
    def end_meanwhile(descriptor, how):
        monkeypatch.undo()
        (tmp_path / ".partial").rmdir()

    monkeypatch.setattr(folder.fcntl, "flock", end_meanwhile)
    with pytest.raises(RunFolderError, match="another run has just ended here"):
        fill(tmp_path)
    real = folder.fcntl.flock

    def finish_another(descriptor, how):
        monkeypatch.undo()
        (tmp_path / "manifest.json").write_text('{"identity": "two", "name": "two", "seed": 1}')
        (tmp_path / "summary.json").write_text("two")
        real(descriptor, how)

    monkeypatch.setattr(folder.fcntl, "flock", finish_another)
    with pytest.raises(RunFolderError, match="something else"):
        fill(tmp_path)
    assert content(tmp_path)["summary.json"] == "two"


def test_the_summary_comes_last(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("cosim.scenario.folder.os.replace", lambda a, b: order.append(b.name))
    fill(tmp_path / "out", names=["summary.json", "a", "z"])
    assert order == ["manifest.json", "a", "z", "summary.json"]


def test_a_replacement_that_breaks_off_looks_incomplete(tmp_path, monkeypatch):
    fill(tmp_path, names=["a", "summary.json"])

    def crash(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("cosim.scenario.folder.os.replace", crash)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, names=["a", "summary.json"])
    assert not (tmp_path / "summary.json").exists()
