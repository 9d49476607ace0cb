"""Named streams of random numbers: one per component, independent of which other components exist.

Only raw words of the bit generator are used, never numpy's distributions: numpy promises the raw stream of PCG64 for
ever, the distributions' streams it may change, and some of them pass through libm. So the same seed gives the same
bytes with any numpy on any processor.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt


class Stream:
    """The stream `name` of `seed`; equal names and seeds give equal streams."""

    def __init__(self, seed: int, name: str) -> None:
        if seed < 0:
            raise ValueError(f"a seed is not negative, got {seed}")
        digest = hashlib.sha256(name.encode()).digest()
        key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """`count` random 64-bit words."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def skip(self, count: int) -> None:
        """Pass over so many words."""
        self._bits.advance(count)

    def uniform(self, count: int) -> npt.NDArray[np.float64]:
        """`count` multiples of 2 ** -53 in [0, 1)."""
        return np.asarray((self.words(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """A random order of 0..count-1: the order of `count` random words."""
        return np.asarray(np.argsort(self.words(count), kind="stable"), dtype=np.int64)

    def shorts(self, count: int) -> npt.NDArray[np.uint16]:
        """`count` random 16-bit numbers, four of each word, its low bits first."""
        return np.asarray(self.words(-(-count // 4)).astype("<u8").view("<u2")[:count], dtype=np.uint16)
