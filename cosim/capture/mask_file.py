"""Files of zero masks, by training step, kind and layer.

All numbers are little-endian. A file is

    8 bytes   b"COSIMASK"
    u32       version, 1
    records, one after the other:
        u32   CRC-32 of the rest of the record
        u8    kind: 1 input of a layer (n, h, w, c), 2 its weights (k, r, s, c / groups), 3 gradient of its output
              (n, p, q, k); 0 ends the file
        u8    axes; u16 length of the name
        u32   training step (kind 0: how many records there were)
        u32   length of the compressed bits
        u32   size of each axis
        name  UTF-8
        bits  one an element, set where it is not zero, in C order, the first in the lowest bit of a byte; deflated
              (zlib)

A file without its last record was cut off. Sizes are checked against each other before memory is taken, and the bits
are unpacked once, piece by piece, to see that they are as many as the shape says.
"""

from __future__ import annotations

import enum
import math
import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAGIC = b"COSIMASK"
VERSION = 1
MAX_ELEMENTS = 1 << 30
"""Of one mask."""
MAX_RECORDS = 1 << 17
"""Of one file: 3 masks of each of 43 layers in a thousand steps."""
UNSUSPECTED_BYTES = 1 << 24
_MAX_RATIO = 256  # of bits to packed bits, in larger masks: a long row of equal bits comes near deflate's 1032
_MAX_AXES = 8
_PIECE = 1 << 20
_FIXED = struct.Struct("<BBHII")

Mask = npt.NDArray[np.bool_]


class Kind(enum.IntEnum):
    """What a mask is of."""

    END = 0
    INPUT = 1
    WEIGHT = 2
    GRADIENT = 3


class MaskFileError(ValueError):
    """A file that is no file of masks, or a damaged one; the text names it."""

    exit_code = 2


class _Place(NamedTuple):
    offset: int
    length: int
    shape: tuple[int, ...]


class MaskWriter:
    """Writes masks to `file`, which appears under its name when `close` ends it; a context manager."""

    def __init__(self, file: str | Path) -> None:
        self._file = Path(file)
        self._part = self._file.with_name(f".{self._file.name}.part")
        self._stream = self._part.open("wb")
        self._stream.write(MAGIC + struct.pack("<I", VERSION))
        self._written: set[tuple[int, Kind, str]] = set()

    def write(self, step: int, kind: Kind, layer: str, mask: Mask) -> None:
        """Append a mask. TypeError unless it is Boolean; ValueError for what no file has: a second mask of the same
        step, kind and layer, more than `MAX_RECORDS` masks or `MAX_ELEMENTS` elements, a step or a name that does not
        fit its field."""
        if mask.dtype != np.bool_:
            raise TypeError(f"a mask is Boolean, got {mask.dtype}")
        name = layer.encode()
        if kind == Kind.END:
            raise ValueError("the last record is written by close()")
        if not 0 <= step < 1 << 32:
            raise ValueError(f"step {step}: expected 0 to {(1 << 32) - 1}")
        if len(name) >= 1 << 16:
            raise ValueError(f"a layer's name of {len(name)} bytes; at most {(1 << 16) - 1} are written")
        if mask.ndim > _MAX_AXES or mask.size > MAX_ELEMENTS or any(size >= 1 << 32 for size in mask.shape):
            text = f"at most {_MAX_AXES} axes and {MAX_ELEMENTS} elements are written"
            raise ValueError(f"a mask of shape {mask.shape}; {text}")
        if (step, kind, layer) in self._written:
            raise ValueError(f"layer {layer}, step {step}: its {kind.name.lower()} for the second time")
        if len(self._written) == MAX_RECORDS:
            raise ValueError(f"more than {MAX_RECORDS} masks; record fewer steps")
        bits = zlib.compress(np.packbits(mask.ravel(), bitorder="little").tobytes(), 6)
        if (doubt := _suspicion(mask.size, len(bits))) is not None:
            raise ValueError(f"layer {layer}, step {step}: {doubt}")
        self._record(kind, step, name, mask.shape, bits)
        self._written.add((step, kind, layer))

    def close(self) -> None:
        """End the file and give it its name."""
        if not self._stream.closed:
            self._record(Kind.END, len(self._written), b"", (), b"")
            self._stream.close()
            os.replace(self._part, self._file)

    def discard(self) -> None:
        """Leave nothing behind."""
        if not self._stream.closed:
            self._stream.close()
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.discard() if kind else self.close()

    def _record(self, kind: Kind, step: int, name: bytes, shape: tuple[int, ...], bits: bytes) -> None:
        head = _FIXED.pack(kind, len(shape), len(name), step, len(bits)) + struct.pack(f"<{len(shape)}I", *shape)
        rest = head + name + bits
        self._stream.write(struct.pack("<I", zlib.crc32(rest)) + rest)


def _suspicion(elements: int, packed: int) -> str | None:
    """Why a mask of so many elements is not taken, though its bits fit."""
    bits = elements // 8
    if bits <= UNSUSPECTED_BYTES or bits <= _MAX_RATIO * packed:
        return None
    return f"{elements} elements in {packed} bytes: nearly all are equal, and so large a mask of that is not read"


class _Counted:
    """Unpacks bits without keeping them: `size` is how many bytes they are, -1 where they are damaged or far too many.

    No more is unpacked than the largest mask has.
    """

    def __init__(self) -> None:
        self.size = 0
        self._unpacker = zlib.decompressobj()

    def feed(self, packed: bytes) -> None:
        """The next piece."""
        try:
            while self.size >= 0 and packed and not self._unpacker.eof:
                self.size += len(self._unpacker.decompress(packed, _PIECE))
                packed = self._unpacker.unconsumed_tail
                if self.size > MAX_ELEMENTS // 8:
                    self.size = -1
        except zlib.error:
            self.size = -1


class MaskFile:
    """An index of a file of masks; `read` takes one at a time. Raises MaskFileError for a file that is none, is of
    another version, was cut off or is damaged: every record's checksum and size are checked when it is opened."""

    def __init__(self, file: str | Path) -> None:
        self._file = Path(file)
        self._places: dict[tuple[int, Kind, str], _Place] = {}
        with self._file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(len(MAGIC) + 4)
            if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 4:
                raise self._error("not a file of masks")
            (version,) = struct.unpack("<I", start[len(MAGIC) :])
            if version != VERSION:
                raise self._error(f"version {version}; this program reads {VERSION}")
            while True:
                at = stream.tell()
                head = stream.read(4 + _FIXED.size)
                if len(head) < 4 + _FIXED.size:
                    raise self._error(f"cut off at byte {at}")
                (checksum,) = struct.unpack("<I", head[:4])
                code, axes, name_bytes, step, length = _FIXED.unpack(head[4:])
                behind = 4 * axes + name_bytes + length
                if axes > _MAX_AXES or code > Kind.GRADIENT or stream.tell() + behind > size:
                    raise self._error(f"cut off or damaged at byte {at}")
                shape = stream.read(4 * axes)
                name = stream.read(name_bytes)
                offset = stream.tell()
                crc = zlib.crc32(name, zlib.crc32(shape, zlib.crc32(head[4:])))
                unpacked = _Counted()
                left = length
                while left:
                    part = stream.read(min(left, _PIECE))
                    crc = zlib.crc32(part, crc)
                    left -= len(part)
                    unpacked.feed(part)
                if crc != checksum:
                    raise self._error(f"damaged at byte {at}: the checksum differs")
                if code == Kind.END:
                    if step != len(self._places) or stream.tell() != size:
                        raise self._error("damaged: records are missing, or something follows the last")
                    break
                sizes = struct.unpack(f"<{axes}I", shape)
                if math.prod(sizes) > MAX_ELEMENTS:
                    raise self._error(f"a mask of {math.prod(sizes)} elements; at most {MAX_ELEMENTS} are read")
                key = (step, Kind(code), name.decode("utf-8", "replace"))
                if key in self._places:
                    raise self._error(f"damaged at byte {at}: a mask for the second time")
                if (doubt := _suspicion(math.prod(sizes), length)) is not None:
                    raise self._error(f"{key[2]}, step {step}: {doubt}")
                if unpacked.size != -(-math.prod(sizes) // 8):
                    raise self._error(f"damaged: {key[2]}, step {step}: the bits do not fit the shape {sizes}")
                if len(self._places) == MAX_RECORDS:
                    raise self._error(f"more than {MAX_RECORDS} masks")
                self._places[key] = _Place(offset, length, sizes)

    def _error(self, what: str) -> MaskFileError:
        return MaskFileError(f"{self._file.name}: {what}")

    @property
    def steps(self) -> tuple[int, ...]:
        """The recorded training steps, in order."""
        return tuple(sorted({step for step, _, _ in self._places}))

    def shape(self, step: int, kind: Kind, layer: str) -> tuple[int, ...] | None:
        """The shape of a mask; None if there is none."""
        place = self._places.get((step, kind, layer))
        return None if place is None else place.shape

    def read(self, step: int, kind: Kind, layer: str) -> Mask:
        """A mask. KeyError if there is none; MaskFileError where the file has changed since it was opened."""
        place = self._places[step, kind, layer]
        count = math.prod(place.shape)
        wanted = -(-count // 8)
        with self._file.open("rb") as stream:
            stream.seek(place.offset)
            unpacker = zlib.decompressobj()
            try:
                bits = unpacker.decompress(stream.read(place.length), wanted + 1)
            except zlib.error as error:
                raise self._error(f"damaged: {layer}, step {step}: {error}") from None
        if len(bits) != wanted:
            raise self._error(f"damaged: {layer}, step {step}: the bits do not fit the shape {place.shape}")
        unpacked = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), bitorder="little")[:count]
        return np.asarray(unpacked.view(np.bool_).reshape(place.shape))
