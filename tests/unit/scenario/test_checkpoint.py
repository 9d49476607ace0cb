"""The file of a checkpoint: read back to the last bit, refused where it is damaged or does not belong."""

import json
import zipfile

import numpy as np
import pytest
from helpers.interrupting import outcome, training
from hypothesis import given
from hypothesis import strategies as st

from cosim.arrays import Under
from cosim.scenario import Checkpoint, CheckpointError, Every, checkpoint
from cosim.scenario.checkpoint import State, _header, write_checkpoint

ARRAYS = {
    "a/x": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/y": np.zeros(0, bool),
    "b": np.array(2**63, np.uint64),
}
DATA = {"loss": 0.1, "rows": [[1, None]], "big": 2**70}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    return training(tmp_path_factory.mktemp("checkpoint"), "statistical")


@pytest.fixture(scope="module")
def file(scenario):
    path = scenario.file.parent / "checkpoint.npz"
    header = {**_header(scenario), "done": 2, "total": 5, "resumed": [1]}
    write_checkpoint(path, path.with_suffix(".partial"), header, State(ARRAYS, DATA))
    return path


def contents(path, scenario):
    saved = Checkpoint.open(path, scenario)
    try:
        with saved.restoring():
            return (
                saved.done,
                saved.total,
                saved.resumed,
                saved.data,
                {name: saved.arrays[name] for name in saved.arrays},
            )
    finally:
        saved.close()


def test_what_is_put_away_comes_back(file, scenario):
    done, total, resumed, data, arrays = contents(file, scenario)
    assert (done, total, resumed, data) == (2, 5, (1, 2), DATA)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    under = Under(Checkpoint.open(file, scenario).arrays, "a")
    assert (list(under), len(under)) == (["x", "y"], 2)
    assert under.like("x", ARRAYS["a/x"]).shape == (2, 3)
    with pytest.raises(ValueError, match=r"x: float32 \(2, 3\), expected float64 \(2,\)"):
        under.like("x", np.zeros(2))
    assert not file.with_suffix(".partial").exists()


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_changes_nothing(file, scenario, at, bit):
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    damaged = file.with_name("damaged.npz")
    damaged.write_bytes(content)
    try:
        found = contents(damaged, scenario)
    except CheckpointError as error:
        assert str(error).startswith(f"{damaged}: ")
        assert "\n" not in str(error)
        return
    expected = contents(file, scenario)
    assert found[:4] == expected[:4]
    for name, array in expected[4].items():
        # A name that is damaged is a name that is missing.
        assert name not in found[4] or found[4][name].tobytes() == array.tobytes()


@given(length=st.floats(0, 1, exclude_max=True))
def test_a_cut_off_one_is_refused(file, scenario, length):
    content = file.read_bytes()
    cut = file.with_name("cut.npz")
    cut.write_bytes(content[: int(length * len(content))])
    with pytest.raises(CheckpointError, match=r"cut\.npz: damaged"):
        contents(cut, scenario)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 9}, "version 9 of checkpoints; this program reads 1"),
        ({"identity": "0"}, r"of another scenario, or of other data \('s', seed 3\); choose another --out, or start "),
        ({"cosim_version": "0.0"}, r"made by cosim 0\.0, this is .*: go on with that one, or start again with --force"),
        ({"program_sha256": "0"}, "made before this program or a plug-in of it was changed: go on with the old one"),
        ({"done": 6}, r"damaged \(ValueError: 6 of 5 iterations\); start again with --force"),
        ({"done": "2"}, r"damaged \(TypeError: "),
        ({"resumed": None}, r"damaged \(TypeError: "),
    ],
)
def test_one_that_does_not_belong(scenario, file, change, message):
    header = {**_header(scenario), "done": 2, "total": 5, "resumed": [], **change}
    other = file.with_name("other.npz")
    write_checkpoint(other, other.with_suffix(".partial"), header, State({}, None))
    with pytest.raises(CheckpointError, match=rf"^\S+other\.npz: {message}"):
        Checkpoint.open(other, scenario)


def test_another_seed_is_another_scenario(scenario, file):
    changed = training(scenario.file.parent, "statistical", seed=4)
    with pytest.raises(CheckpointError, match="of another scenario"):
        Checkpoint.open(file, changed)


@pytest.mark.parametrize("missing", ["checkpoint.json", "data.json"])
def test_a_part_that_is_missing(scenario, file, missing):
    other = file.with_name("part.npz")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in set(old.namelist()) - {missing}:
            new.writestr(name, old.read(name))
    with pytest.raises(CheckpointError, match=rf"damaged \(KeyError: .*{missing}"):
        Checkpoint.open(other, scenario)


def test_a_folder_in_its_place(scenario, tmp_path):
    (tmp_path / "checkpoint.npz").mkdir()
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz: "):
        Checkpoint.open(tmp_path / "checkpoint.npz", scenario)


@pytest.mark.parametrize(
    ("text", "iterations", "seconds"),
    [("100", 100, None), ("30 s", None, 30), ("10min", None, 600), ("1.5 h", None, 5400), ("off", None, None)],
)
def test_how_often(text, iterations, seconds):
    assert Every.parse(text) == Every(iterations, seconds)


@pytest.mark.parametrize("text", ["", "0", "1.5", "-3", "10 m", "s", "off 3", "0 s", "1e3", "\u0661"])
def test_how_often_not(text):
    with pytest.raises(ValueError, match="expected a number of iterations"):
        Every.parse(text)


def test_due_by_iterations_and_by_time(monkeypatch, tmp_path):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])

    def keeper(every):
        return checkpoint.Keeper(tmp_path / "c.npz", tmp_path, None, every, None, None)

    by_count, by_time, never = keeper(Every(3, None)), keeper(Every()), keeper(Every(seconds=None))
    assert [done for done in range(1, 8) if by_count._due(done)] == [3, 6]
    now[0] = 599.0
    assert not by_time._due(1)
    now[0] = 600.0
    assert by_time._due(1)
    assert not never._due(1)


def test_a_tiny_run_is_the_same_with_and_without(scenario, tmp_path):
    assert json.loads(outcome(scenario, tmp_path / "c.npz")[0])["training"]["iterations"] == 5
