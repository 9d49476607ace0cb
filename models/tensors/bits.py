"""Packed zero masks: one bit per element, set where the element is not zero.

The layout is the C library's: the last axis (channels) is padded with zero bits to whole 64-bit words, bit i of
an axis is bit i % 64 of word i // 64, all other axes stay as they are. So the bits of one pixel's or one filter
position's channels are consecutive.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

WORD_BITS = 64


class BitTensor:
    """The non-zero mask of a tensor.

    `shape` is the tensor's; `words` is a C-contiguous uint64 array of shape
    `shape[:-1] + (ceil(shape[-1] / 64),)` whose padding bits are zero (ValueError otherwise).
    """

    __slots__ = ("_count", "shape", "size", "words")

    def __init__(self, shape: tuple[int, ...], words: npt.NDArray[np.uint64]) -> None:
        expected = (*shape[:-1], -(-shape[-1] // WORD_BITS))
        if words.dtype != np.uint64 or words.shape != expected or not words.flags.c_contiguous:
            raise ValueError(f"words: expected contiguous uint64 of shape {expected}, got {words.dtype} {words.shape}")
        used = shape[-1] % WORD_BITS
        if used and bool(np.any(words[..., -1] >> np.uint64(used))):
            raise ValueError("words: padding bits must be zero")
        self.shape = shape
        self.words = words
        self.size = prod(shape)
        """Number of elements."""
        self._count: int | None = None

    @classmethod
    def from_values(cls, values: npt.NDArray[Any]) -> BitTensor:
        """Pack `values != 0`; minus zero is zero, NaN is not."""
        return cls.from_bool(values != 0)

    @classmethod
    def from_bool(cls, mask: npt.NDArray[np.bool_]) -> BitTensor:
        """Pack a boolean array of at least one axis."""
        if mask.ndim == 0:
            raise ValueError("a mask needs at least one axis")
        words = -(-mask.shape[-1] // WORD_BITS)
        padded = np.zeros((*mask.shape[:-1], words * WORD_BITS), dtype=bool)
        padded[..., : mask.shape[-1]] = mask
        packed = np.packbits(padded, axis=-1, bitorder="little")
        return cls(tuple(mask.shape), np.ascontiguousarray(packed).view("<u8").astype(np.uint64, copy=False))

    def to_bool(self) -> npt.NDArray[np.bool_]:
        """Unpack into a boolean array of `shape`."""
        octets = np.ascontiguousarray(self.words.astype("<u8", copy=False)).view(np.uint8)
        bits = np.unpackbits(octets, axis=-1, bitorder="little")
        return bits[..., : self.shape[-1]].astype(bool)

    def count(self) -> int:
        """Number of non-zero elements, counted once: the words must not change after that."""
        if self._count is None:
            self._count = int(np.bitwise_count(self.words).sum(dtype=np.int64))
        return self._count

    def counts(self, axes: int = 1) -> npt.NDArray[np.int64]:
        """Non-zeros per index of the first `axes` axes, fewer than there are (ValueError otherwise)."""
        if not 0 < axes < len(self.shape):
            raise ValueError(f"axes must be between 1 and {len(self.shape) - 1}, got {axes}")
        counted = np.bitwise_count(self.words).astype(np.int64)
        return np.asarray(counted.sum(axis=tuple(range(axes, counted.ndim))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BitTensor) and self.shape == other.shape and np.array_equal(self.words, other.words)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"BitTensor{self.shape}, {self.count()} of {self.size} non-zero"
