"""What the study of planes measures, and that its fit finds what masks were drawn from."""

import numpy as np
import pytest

from cosim.models.workload.channels import beta_quantiles, channel_ranks, related_ranks
from cosim.models.workload.schema import PlanesSpec
from studies.planes import channels, drawn, fit, main, read, read_images, read_weights, table, unevenness


def counts(seed, deep=48, size=32):
    """Masks without order, with channels that differ."""
    random = np.random.default_rng(seed)
    return {f"l{layer}": random.random((size, size, deep)) < random.uniform(0.2, 0.8, deep) for layer in range(3)}


def test_unevenness_of_known_masks():
    # The upper half full in both channels: of 2 x 2 tiles two are full and two empty.
    half = np.zeros((4, 4, 2), dtype=np.bool_)
    half[:2] = True
    assert unevenness(half, 2) == (1.0, 1.0, 2.0)
    # One channel above, the other below: each as uneven as can be, together even.
    half[:, :, 1] = ~half[:, :, 1]
    assert unevenness(half, 2) == (1.0, -1.0, 1.0)
    even = np.zeros((4, 4, 2), dtype=np.bool_)
    even[::2] = True
    assert unevenness(even, 2) == (0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"8 x 8 tiles of at least 2 channels, got \(4, 4, 2\)"):
        unevenness(even, 8)


def test_independent_elements_have_one_over_the_tile_and_nothing_in_common():
    mask = np.random.default_rng(1).random((56, 48, 400)) < 0.3
    own, common, _ = unevenness(mask, 8)
    assert own == pytest.approx(1 / 42, rel=0.05)
    assert abs(common) < 0.0002


def test_the_fit_finds_what_masks_were_drawn_from():
    planes = PlanesSpec(persistence=1.3, common=0.2)
    files = [drawn(counts(seed), planes, 50 + seed) for seed in range(6)]
    found = fit(files, grid=(0.9, 1.1, 1.3, 1.5, 1.7))
    assert found.persistence == pytest.approx(1.3, abs=0.1)
    assert found.common == pytest.approx(0.2, abs=0.06)
    with pytest.raises(ValueError, match=r"the least miss is at the end of the grid, 1\.0"):
        fit(files[:1], grid=(0.8, 0.9, 1.0))


def test_files_and_the_table(tmp_path, capsys):
    file = tmp_path / "photo.npz"
    values = {name: np.where(mask, -0.5, 0.0) for name, mask in drawn(counts(1, 16, 16), PlanesSpec(), 2).items()}
    np.savez(file, **values, tiny=np.ones((4, 4, 3)) * np.eye(4)[:, :, None])
    layers = read(file)
    assert (layers["l0"] == (values["l0"] != 0)).all()
    rows = table([layers, layers], PlanesSpec())
    assert [row[0] for row in rows] == ["layer", *(name for name in ("l0", "l1", "l2", "tiny") for _ in range(2))]
    assert {len(row) for row in rows} == {14}
    assert rows[-1][-3:] == ["", "", ""]
    assert rows[1][-1].endswith("+- 0.00")  # the same file twice
    assert main([str(file)], grid=(0.0, 1.0, 4.0)) == 0
    assert capsys.readouterr().out.startswith("persistence ")
    assert main([str(tmp_path / "none.npz")]) == 2
    assert "none.npz: no such file; measured activations are not part of this project" in capsys.readouterr().err
    assert main([]) == 2


X, W = np.ones((8, 8, 4)), np.ones((2, 3, 3, 4))


def test_files_that_do_not_fit_are_named_in_a_line(tmp_path, capsys):
    text, empty, cut = (tmp_path / name for name in ("text.npz", "empty.npz", "cut.npz"))
    text.write_text("no archive")
    np.savez(empty)
    np.savez(cut, l=np.array([None]))
    good, other, thin, flat = (tmp_path / f"{name}.npz" for name in ("good", "other", "thin", "flat"))
    for file, layers in ((good, {"l": X}), (other, {"m": X}), (thin, {"l": X[:, :, :3]}), (flat, {"l": X[0]})):
        np.savez(file, **layers)
    assert read_images([str(good), str(good)])[1]["l"].all()
    for files, line in (
        ([text], f"{text}: an npz archive is wanted"),
        ([cut], f"{cut}: an archive of arrays is wanted: "),
        ([empty], f"{empty}: the same layers in all files are wanted, got none"),
        ([good, other], f"{other}: the same layers in all files are wanted, got m"),
        ([good, thin], f"{thin}: l: (8, 8, 4) is wanted as in {good}, got (8, 8, 3)"),
        ([flat], f"{flat}: l: (h, w, c) is wanted, got (8, 4)"),
    ):
        assert main([str(file) for file in files]) == 2
        assert_line(capsys, line)
    assert main([str(good)]) == 2
    assert_line(capsys, "channels that are neither full nor empty are wanted, got none in (8, 8, 4)")


def test_weights_that_do_not_fit_are_named_in_a_line(tmp_path, capsys):
    photo, weights = tmp_path / "photo.npz", tmp_path / "weights.npz"
    np.savez(photo, l=X)
    np.savez(weights, l=W, more=W)
    assert read_weights(str(weights), {"l": X != 0})["l"].all()
    for layers, line in (
        ({"m": W}, f"{weights}: no weights of l"),
        ({"l": W[..., :3]}, f"{weights}: l: (k, r, s, 4) is wanted, got (2, 3, 3, 3)"),
        ({"l": W[0]}, f"{weights}: l: (k, r, s, 4) is wanted, got (3, 3, 4)"),
    ):
        np.savez(weights, **layers)
        assert main(["--weights", str(weights), str(photo)]) == 2
        assert_line(capsys, line)


def assert_line(capsys, beginning):
    out, err = capsys.readouterr()
    assert err.startswith(beginning)
    assert err.count("\n") == 1
    assert out == ""


def test_channels_are_those_that_masks_were_drawn_from(tmp_path, capsys):
    ranks = channel_ranks(1, "t", 2048)
    x = beta_quantiles(ranks, 0.4, 0.15)
    w = beta_quantiles(related_ranks(1, "l", ranks, 0.5), 0.3, 0.05)
    random = np.random.default_rng(2)
    photos = [{"l": random.random((8, 8, 2048)) < x} for _ in range(2)]
    weights = {"l": random.random((40, 3, 3, 2048)) < w}
    found = channels(photos, weights)
    assert found.inputs == pytest.approx(0.15, abs=0.01)
    assert found.weights == pytest.approx(0.05, abs=0.005)
    assert found.correlation == pytest.approx(0.5, abs=0.05)
    photo, pruned = tmp_path / "photo.npz", tmp_path / "weights.npz"
    np.savez(photo, l=drawn(counts(1, 16, 16), PlanesSpec(), 2)["l0"])
    np.savez(pruned, l=random.random((4, 1, 1, 16)) < 0.5)
    assert main(["--weights", str(pruned), str(photo)], grid=(0.0, 1.0, 4.0)) == 0
    assert capsys.readouterr().out.startswith("channels: inputs ")
    assert main(["--weights", str(tmp_path / "none.npz"), str(photo)]) == 2
