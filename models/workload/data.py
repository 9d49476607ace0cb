"""Data sets: loaders registered by name that read one local file. Nothing is downloaded, nothing is unpickled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.arrays import DAMAGES, open_archive, read_array

from .errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (n, h, w, c) float32 and labels (n,) int32, split into training and test."""

    name: str
    classes: int
    train_images: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        for part, images, labels in (
            ("train", self.train_images, self.train_labels),
            ("test", self.test_images, self.test_labels),
        ):
            if images.dtype != np.float32 or images.ndim != 4 or not images.flags.c_contiguous:
                raise ValueError(f"{self.name}: {part} images must be contiguous float32 (n, h, w, c)")
            if labels.dtype != np.int32 or labels.shape != images.shape[:1] or not len(labels):
                raise ValueError(f"{self.name}: {part} labels must be int32, one for each of at least one image")
            if int(labels.min()) < 0 or int(labels.max()) >= self.classes:
                raise ValueError(f"{self.name}: {part} labels must be in 0..{self.classes - 1}")
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            sizes = f"{self.train_images.shape[1:]} and {self.test_images.shape[1:]}"
            raise ValueError(f"{self.name}: images for training and for testing differ in size, {sizes}")


Loader = Callable[..., Dataset]
"""Reads a data set from `file`, and from what else it takes of `labels`, `test`, `test_labels` and `more`."""

_LOADERS: dict[str, Loader] = {}


def register_loader(name: str, loader: Loader) -> None:
    """Make `loader` known to scenario files as `name`; ValueError if the name is taken."""
    if name in _LOADERS:
        raise ValueError(f"a loader called {name!r} is registered already")
    _LOADERS[name] = loader


def load_dataset(loader: str, file: Path, **others: Path | tuple[Path, ...]) -> Dataset:
    """Read a data set; DataError for an unknown loader, files too many or too few for it, or a file that is not what it
    reads."""
    if loader not in _LOADERS:
        raise DataError(f"unknown data loader {loader!r}; there are: {', '.join(sorted(_LOADERS))}", ("data", "loader"))
    takes = inspect.signature(_LOADERS[loader]).parameters
    for name in others:
        if name not in takes:
            raise DataError(f"the loader {loader!r} reads no {name!r}", ("data", name))
    for name, parameter in list(takes.items())[1:]:
        if name not in others and parameter.default is parameter.empty:
            raise DataError(f"the loader {loader!r} also needs {name!r}", ("data",))
    try:
        return _LOADERS[loader](file, **others)
    except (ValueError, OSError) as error:
        raise DataError(str(error), ("data", "file")) from error


def read_archive(file: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of these names from a numpy archive (.npz); ValueError where it has none, or is damaged."""
    try:
        with open_archive(file) as archive:
            missing = {name for name in names if f"{name}.npy" not in archive.namelist()}
            if missing:
                raise ValueError(f"no array called {' or '.join(sorted(missing))}")
            return {name: read_array(archive, name) for name in names}
    except DAMAGES as error:
        raise ValueError(f"{file.name}: {error}") from error


def load_optical_digits(file: Path) -> Dataset:
    """8x8 images of handwritten digits from a numpy archive with `images` (n, 8, 8) 0..16 and `labels` (n,) 0..9.

    Pixels are divided by 16. Every fourth image, from the first on, is a test image; the others are for training.
    Source of the data: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, doi 10.24432/C50P49 (CC BY 4.0).
    """
    arrays = read_archive(file, ("images", "labels"))
    pixels, labels = arrays["images"], arrays["labels"]
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{file.name}: labels must be whole numbers, not {labels.dtype}")
    labels = labels.astype(np.int32)
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (8, 8) or int(pixels.max(initial=0)) > 16:
        raise ValueError(f"{file.name}: images must be uint8 (n, 8, 8) with values 0..16")
    if labels.shape != pixels.shape[:1]:
        raise ValueError(f"{file.name}: {len(pixels)} images, but labels of shape {labels.shape}")
    images = (pixels.astype(np.float32) / np.float32(16.0))[..., np.newaxis]
    test = np.arange(len(images)) % 4 == 0
    return Dataset(
        "optical_digits",
        10,
        np.ascontiguousarray(images[~test]),
        labels[~test],
        np.ascontiguousarray(images[test]),
        labels[test],
    )


register_loader("optical_digits", load_optical_digits)
