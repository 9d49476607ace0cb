"""Readers of the usual files of images: IDX as MNIST comes in, the binary form of CIFAR, numpy archives.

What a file says of its sizes is compared with how long it is before anything is read, so a damaged or hostile file
costs no memory. Pixels of a byte are divided by 255.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.arrays import MAX_BYTES

from .data import Dataset, read_archive, register_loader

_UNSIGNED_BYTES = 0x08


def load_mnist_idx(file: Path, labels: Path, test: Path, test_labels: Path) -> Dataset:
    """Four IDX files of unsigned bytes: images (n, h, w) and labels (n,), for training and for testing.

    The form: LeCun, Cortes and Burges, "The MNIST database". Ten classes, or as many as the largest label says.
    """
    return _dataset(
        "mnist_idx", 10, read_idx(file, 3), read_idx(labels, 1), read_idx(test, 3), read_idx(test_labels, 1)
    )


def read_idx(file: Path, axes: int) -> npt.NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes with so many axes. ValueError for anything else."""
    with file.open("rb") as stream:
        start = stream.read(4 + 4 * axes)
        if start[:2] == b"\x1f\x8b":
            raise ValueError(f"{file.name}: compressed; unpack it first (gunzip)")
        if len(start) < 4 + 4 * axes or start[:2] != b"\0\0":
            raise ValueError(f"{file.name}: not an IDX file")
        if start[2] != _UNSIGNED_BYTES or start[3] != axes:
            raise ValueError(f"{file.name}: IDX type {start[2]:#04x} with {start[3]} axes; expected 0x08 with {axes}")
        shape = struct.unpack(f">{axes}I", start[4:])
        size, length = math.prod(shape), file.stat().st_size - len(start)
        _check_length(file, f"{' x '.join(map(str, shape))} bytes", size, length)
        return np.frombuffer(stream.read(size), dtype=np.uint8).reshape(shape)


def load_cifar10_binary(file: Path, test: Path, more: Sequence[Path] = ()) -> Dataset:
    """CIFAR-10's binary form: records of a label and 3 x 32 x 32 bytes; `more` are further files for training.

    The form: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    return _cifar("cifar10_binary", 10, 1, file, test, more)


def load_cifar100_binary(file: Path, test: Path, more: Sequence[Path] = ()) -> Dataset:
    """CIFAR-100's binary form: as CIFAR-10's, with a coarse label before the fine one, which is the class."""
    return _cifar("cifar100_binary", 100, 2, file, test, more)


def _cifar(name: str, classes: int, labels: int, file: Path, test: Path, more: Sequence[Path]) -> Dataset:
    train = [_cifar_records(path, labels) for path in (file, *more)]
    images, classes_of = (np.concatenate([part[i] for part in train]) for i in (0, 1))
    return _dataset(name, classes, images, classes_of, *_cifar_records(test, labels))


def _cifar_records(file: Path, labels: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    record, length = labels + 3 * 32 * 32, file.stat().st_size
    if not length or length % record:
        raise ValueError(f"{file.name}: {length} bytes are no whole number of records of {record}")
    if length > MAX_BYTES:
        raise ValueError(f"{file.name}: {length} bytes; at most {MAX_BYTES} are read")
    records = np.frombuffer(file.read_bytes(), dtype=np.uint8).reshape(-1, record)
    return records[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, labels - 1]


def load_npz(file: Path) -> Dataset:
    """A numpy archive of `train_images`, `train_labels`, `test_images`, `test_labels`.

    Images (n, h, w, c) or (n, h, w), of bytes or of floating-point numbers, which are taken as they are; labels (n,)
    whole numbers from 0. As many classes as the largest label of either part asks for.
    """
    names = ("train_images", "train_labels", "test_images", "test_labels")
    arrays = read_archive(file, names)
    for name in names:
        wanted = (3, 4) if name.endswith("images") else (1,)
        if arrays[name].ndim not in wanted:
            raise ValueError(f"{file.name}: {name} has shape {arrays[name].shape}")
    return _dataset(file.name, 1, *(arrays[name] for name in names))


def _check_length(file: Path, what: str, size: int, length: int) -> None:
    if size != length:
        raise ValueError(f"{file.name}: {what} should follow, but {length} do")
    if size > MAX_BYTES:
        raise ValueError(f"{file.name}: {size} bytes; at most {MAX_BYTES} are read")


def _dataset(name: str, classes: int, *parts: npt.NDArray[Any]) -> Dataset:
    """Images and labels for training, then for testing."""
    train_images, train_labels, test_images, test_labels = parts
    for labels in (train_labels, test_labels):
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"{name}: labels must be whole numbers, not {labels.dtype}")
        if labels.size:
            classes = max(classes, int(labels.max()) + 1)
    return Dataset(
        name,
        classes,
        _images(name, train_images),
        train_labels.astype(np.int32),
        _images(name, test_images),
        test_labels.astype(np.int32),
    )


def _images(name: str, pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if pixels.dtype == np.uint8:
        values = pixels.astype(np.float32) / np.float32(255.0)
    elif np.issubdtype(pixels.dtype, np.floating):
        with np.errstate(over="ignore"):
            values = pixels.astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: images must be finite in FP32")
    else:
        raise ValueError(f"{name}: images must be uint8 or floating-point numbers, not {pixels.dtype}")
    return np.ascontiguousarray(values if values.ndim == 4 else values[..., np.newaxis])


register_loader("mnist_idx", load_mnist_idx)
register_loader("cifar10_binary", load_cifar10_binary)
register_loader("cifar100_binary", load_cifar100_binary)
register_loader("npz", load_npz)
