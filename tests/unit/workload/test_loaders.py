"""Files of images: read as they were written, and refused by one clear line where they were not."""

import struct
import zipfile

import numpy as np
import pytest

from cosim.arrays import MAX_BYTES
from cosim.models.workload import DataError, build_workload, load_dataset

assert build_workload  # importing it registers the loaders


def idx(path, array, *, claim=None, kind=8):
    shape = array.shape if claim is None else claim
    path.write_bytes(struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + array.tobytes())
    return path


@pytest.fixture
def mnist(tmp_path):
    random = np.random.default_rng(1)
    images, labels = random.integers(0, 256, (6, 5, 4), dtype=np.uint8), np.arange(6, dtype=np.uint8)
    files = {
        "file": idx(tmp_path / "images", images[:4]),
        "labels": idx(tmp_path / "labels", labels[:4]),
        "test": idx(tmp_path / "test", images[4:]),
        "test_labels": idx(tmp_path / "tested", labels[4:]),
    }
    return images, files


def test_mnist(mnist):
    images, files = mnist
    data = load_dataset("mnist_idx", **files)
    assert np.array_equal(data.train_images, (images[:4, :, :, np.newaxis] / np.float32(255)).astype(np.float32))
    assert data.test_images.shape == (2, 5, 4, 1)
    assert (data.classes, data.train_labels.tolist(), data.test_labels.tolist()) == (10, [0, 1, 2, 3], [4, 5])


def test_damaged_idx_files(mnist):
    images, files = mnist
    path = files["file"]
    good = path.read_bytes()

    def error():
        with pytest.raises(DataError) as found:
            load_dataset("mnist_idx", **files)
        assert found.value.path == ("data", "file")
        return str(found.value)

    path.write_bytes(good[:-1])
    assert error() == "images: 4 x 5 x 4 bytes should follow, but 79 do"
    path.write_bytes(good + b"\0")
    assert error() == "images: 4 x 5 x 4 bytes should follow, but 81 do"
    path.write_bytes(b"\x1f\x8b" + good)
    assert error() == "images: compressed; unpack it first (gunzip)"
    path.write_bytes(b"PK" + good)
    assert error() == "images: not an IDX file"
    path.write_bytes(b"")
    assert error() == "images: not an IDX file"
    idx(path, images, kind=13)
    assert error() == "images: IDX type 0x0d with 3 axes; expected 0x08 with 3"
    idx(path, images, claim=(2**32 - 1,) * 3)
    assert error() == "images: 4294967295 x 4294967295 x 4294967295 bytes should follow, but 120 do"


def test_files_too_few_and_too_many(mnist):
    _, files = mnist
    with pytest.raises(DataError, match=r"^the loader 'mnist_idx' also needs 'labels'$"):
        load_dataset("mnist_idx", files["file"])
    with pytest.raises(DataError, match=r"^the loader 'npz' reads no 'test'$"):
        load_dataset("npz", files["file"], test=files["test"])


@pytest.mark.parametrize(("classes", "labels"), [(10, 1), (100, 2)])
def test_cifar(tmp_path, classes, labels):
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    records = np.concatenate(
        [np.zeros((4, labels - 1), np.uint8), np.arange(4, dtype=np.uint8)[:, None], pixels.reshape(4, -1)], axis=1
    )
    files = [tmp_path / f"batch_{i}.bin" for i in range(3)]
    for file, part in zip(files, (records[:1], records[1:2], records[2:]), strict=True):
        file.write_bytes(part.tobytes())
    data = load_dataset(f"cifar{classes}_binary", files[0], test=files[2], more=(files[1],))
    assert (data.classes, data.train_labels.tolist(), data.test_labels.tolist()) == (classes, [0, 1], [2, 3])
    assert np.array_equal(data.train_images[1, :, :, 2] * np.float32(255), pixels[1, 2])
    files[2].write_bytes(records[2:].tobytes()[:-1])
    with pytest.raises(DataError, match=rf"^batch_2\.bin: {2 * (3072 + labels) - 1} bytes are no whole number of rec"):
        load_dataset(f"cifar{classes}_binary", files[0], test=files[2])


def arrays(**changed):
    images = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    labels = np.array([0, 1])
    names = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    return names | changed


def test_npz(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **arrays())
    data = load_dataset("npz", path)
    assert (data.train_images.shape, data.classes) == ((2, 3, 3, 1), 2)
    floats = np.full((2, 3, 3, 2), -0.5)
    np.savez(path, **arrays(train_images=floats, test_images=floats))
    assert load_dataset("npz", path).test_images.tolist() == floats.tolist()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"train_images": np.zeros((2, 3), np.uint8)}, "data.npz: train_images has shape (2, 3)"),
        ({"train_images": np.zeros((2, 3, 3), np.int64)},
         "data.npz: images must be uint8 or floating-point numbers, not int64"),
        ({"train_images": np.full((2, 3, 3), np.nan)}, "data.npz: images must be finite in FP32"),
        ({"train_images": np.full((2, 3, 3), 1e300)}, "data.npz: images must be finite in FP32"),
        ({"test_images": np.zeros((2, 4, 3), np.uint8)},
         "data.npz: images for training and for testing differ in size, (3, 3, 1) and (4, 3, 1)"),
        ({"test_labels": np.array([0.0, 1.0])}, "data.npz: labels must be whole numbers, not float64"),
        ({"test_labels": np.array([0])}, "data.npz: test labels must be int32, one for each of at least one image"),
        ({"test_labels": np.array([-1, 0])}, "data.npz: test labels must be in 0..1"),
        ({"test_labels": np.array([{}, 1], dtype=object)},
         "data.npz: object arrays are pickled, and nothing is unpickled"),
    ],
)  # fmt: skip
def test_archives_of_something_else(tmp_path, changed, text):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays(**changed))
    with pytest.raises(DataError) as error:
        load_dataset("npz", path)
    assert str(error.value) == text


def test_archives_that_lie_about_sizes(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    shape = b"'shape': (2, 3, 3), }"
    huge = b"'shape': (2, 3, 9000000000), }"
    members["train_images.npy"] = members["train_images.npy"].replace(shape + b" " * 9, huge)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=r"^data\.npz: train_images: 54000000000 bytes should follow its header"):
        load_dataset("npz", path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"^data\.npz: not a numpy archive"):
        load_dataset("npz", path)
    assert MAX_BYTES == 2**31


def test_archives_that_unpack_to_much_more_than_they_are(tmp_path):
    path = tmp_path / "data.npz"
    names = ("train_images", "train_labels", "test_images", "test_labels")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w") as member:
                for _ in range(65):
                    member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match=r"^data\.npz: train_images: 68157440 bytes packed into \d+, which no numbers"):
        load_dataset("npz", path)


def test_archives_that_numpy_does_not_write(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    text = r"^data\.npz: train_images is encrypted or packed in a way that numpy does not write$"
    with pytest.raises(DataError, match=text):
        load_dataset("npz", path)
    np.savez(path, **arrays())
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption, in the first member's directory entry
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=text):
        load_dataset("npz", path)
