"""Archives of numpy arrays (.npz) that nobody vouches for: bounded memory, nothing unpickled.

What a header claims is compared with how long the array really is before anything of that size is made.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

__all__ = ["DAMAGES", "MAX_BYTES", "UNSUSPECTED_BYTES", "Arrays", "Under", "open_archive", "read_array", "read_member"]

MAX_BYTES = 1 << 31
"""Of one array or file that is read into memory."""

UNSUSPECTED_BYTES = 1 << 26
_MAX_RATIO = 256  # of what is unpacked to what is packed, in larger arrays; deflate itself reaches 1032
_MAX_READ = 1 << 22  # at once: data come in smaller pieces, and no sound archive has a larger directory

DAMAGES = (
    ValueError,
    EOFError,
    NotImplementedError,
    SyntaxError,
    RecursionError,
    OverflowError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers of zip files and of numpy's format raise where one is damaged."""


class _BoundedReads(io.FileIO):
    """A file of which nothing large is read at once: `zipfile` believes whatever a directory claims."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (OSError, OverflowError):
            raise zipfile.BadZipFile(f"its directory names the place {offset}") from None

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_READ:
            raise zipfile.BadZipFile(f"its directory claims {size} bytes")
        return super().read(_MAX_READ if size is None or size < 0 else size)


class _Archive(zipfile.ZipFile):
    def __init__(self, file: Path) -> None:
        self._stream = _BoundedReads(file)
        try:
            super().__init__(self._stream)
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        super().close()
        self._stream.close()


def open_archive(file: Path) -> zipfile.ZipFile:
    """The archive, open; ValueError where it is none."""
    if not zipfile.is_zipfile(file):
        raise ValueError("not a numpy archive (.npz)")
    return _Archive(file)


def read_array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """One array, after what its header says has been compared with how long it is.

    KeyError where there is none of this name, one of `DAMAGES` where it is damaged, ValueError for more than
    `MAX_BYTES`, and for a large one that is packed tighter than numbers are.
    """
    member = archive.getinfo(f"{name}.npy")
    length = member.file_size
    if length > MAX_BYTES:
        raise ValueError(f"{name} has {length} bytes; at most {MAX_BYTES} are read")
    if length > UNSUSPECTED_BYTES and length > _MAX_RATIO * member.compress_size:
        raise ValueError(f"{name}: {length} bytes packed into {member.compress_size}, which no numbers are")
    with _open_member(archive, member, name) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"{name} is of version {version[0]}.{version[1]} of numpy's format")
        if dtype.hasobject:
            raise ValueError("object arrays are pickled, and nothing is unpickled")
        size = math.prod(shape) * dtype.itemsize
        if size != length - stream.tell():
            raise ValueError(f"{name}: {size} bytes should follow its header, but {length - stream.tell()} do")
    with archive.open(member) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member that is no array, of at most `limit` bytes; errors as of `read_array`."""
    member = archive.getinfo(name)
    if member.file_size > limit:
        raise ValueError(f"{name} has {member.file_size} bytes; at most {limit} are read")
    pieces = []
    with _open_member(archive, member, name) as stream:
        while piece := stream.read(_MAX_READ):
            pieces.append(piece)
    return b"".join(pieces)


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> IO[bytes]:
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is encrypted or packed in a way that numpy does not write")
    return archive.open(member)


class Arrays(Mapping[str, npt.NDArray[Any]]):
    """The arrays of an open archive, by name, each read when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return read_array(self._archive, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Under(Mapping[str, npt.NDArray[Any]]):
    """Of arrays by name those below `prefix`, without it."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> None:
        self._arrays, self._prefix = arrays, f"{prefix}/"

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self._prefix) for name in self._arrays if name.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def like(self, name: str, model: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array, which must have the type and the shape of `model`: ValueError. KeyError where there is none."""
        array = self[name]
        if array.dtype != model.dtype or array.shape != model.shape:
            raise ValueError(f"{name}: {array.dtype} {array.shape}, expected {model.dtype} {model.shape}")
        return array
