"""Data sets: the digits that come with the project, and what is no data set."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from cosim.models.workload import Dataset, load_dataset, register_loader
from cosim.models.workload.data import load_optical_digits

DIGITS = Path(__file__).parents[3] / "scenarios/data/optical_digits.npz"


def test_the_digits():
    data = load_dataset("optical_digits", DIGITS)
    assert data.train_images.shape == (1347, 8, 8, 1)
    assert data.test_images.shape == (450, 8, 8, 1)
    assert data.classes == 10
    assert (data.train_images.min(), data.train_images.max()) == (0.0, 1.0)
    # The file is small, and it is the one it was.
    assert DIGITS.stat().st_size <= 100_000
    with np.load(DIGITS, allow_pickle=False) as archive:
        pixels, labels = archive["images"], archive["labels"]
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (
        hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
        == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
    )
    # Every fourth image is for testing.
    assert np.array_equal(data.test_images[..., 0] * 16, pixels[::4])
    assert np.array_equal(data.train_labels, np.delete(labels, np.s_[::4]))


def archive(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_files_that_are_something_else_are_refused(tmp_path):
    images, labels = np.zeros((4, 8, 8), dtype=np.uint8), np.zeros(4, dtype=np.uint8)
    path = tmp_path / "digits.npz"
    with pytest.raises(ValueError, match=r"^digits\.npz: no array called labels$"):
        load_optical_digits(archive(path, images=images))
    for wrong in (images[:, :7], images.astype(np.int64), images + np.uint8(17)):
        with pytest.raises(ValueError, match=r"^digits\.npz: images must be uint8 \(n, 8, 8\) with values 0\.\.16$"):
            load_optical_digits(archive(path, images=wrong, labels=labels))
    with pytest.raises(ValueError, match=r"^optical_digits: train labels must be in 0\.\.9$"):
        load_optical_digits(archive(path, images=images, labels=labels + np.uint8(10)))
    with pytest.raises(ValueError, match=r"^digits\.npz: 4 images, but labels of shape \(3,\)$"):
        load_optical_digits(archive(path, images=images, labels=labels[:3]))


def test_pickled_objects_are_not_loaded(tmp_path):
    path = archive(tmp_path / "digits.npz", images=np.array([{}], dtype=object), labels=np.zeros(1))
    with pytest.raises(ValueError, match="object arrays are pickled, and nothing is unpickled"):
        load_optical_digits(path)


def test_loaders_have_names():
    with pytest.raises(ValueError, match=r"^unknown data loader 'mnist'; there are: .*optical_digits"):
        load_dataset("mnist", DIGITS)
    with pytest.raises(ValueError, match=r"^a loader called 'optical_digits' is registered already$"):
        register_loader("optical_digits", load_optical_digits)


def test_a_data_set_has_contiguous_float32_images():
    images, labels = np.zeros((2, 8, 8, 1), dtype=np.float32), np.zeros(2, dtype=np.int32)
    Dataset("made", 1, images, labels, images, labels)
    with pytest.raises(ValueError, match=r"^made: test images must be contiguous float32 \(n, h, w, c\)$"):
        Dataset("made", 1, images, labels, images.astype(np.float64), labels)
