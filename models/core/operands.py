"""The zero masks of an operation, and the orders in which a core walks them.

The engine wants each operand as rows of bits in walk order. The rows of the operand that an output channel owns
(weights, or dY in WG) are re-ordered here, once per operation, and kept; those of the shared input operand are gathered
by the engine pixel by pixel (FF, BP) or re-ordered here as well (WG).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, lib

from ..tensors import BitTensor, ConvShape, Stage

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]
_T = TypeVar("_T")


def words_of(bits: int) -> int:
    """64-bit words that hold so many bits."""
    return -(-bits // 64)


@dataclass(frozen=True)
class Operands:
    """The non-zero masks that one operation (a layer's stage) needs.

    FF: `x` (n, h, w, c) and `w` (k, r, s, c / groups). BP: `dy` (n, p, q, k), `w`, and `output_needed` (n, h, w, c),
    the ReLU mask. WG: `x`, `dy`, and `output_needed` (k, r, s, c / groups), the weight mask. `output_needed` None:
    every output is needed.
    """

    x: BitTensor | None = None
    w: BitTensor | None = None
    dy: BitTensor | None = None
    output_needed: BitTensor | None = None
    _kept: _Kept = field(default_factory=lambda: _Kept(), repr=False, compare=False)

    def keep(self, key: Hashable, make: Callable[[], _T], size: Callable[[_T], int]) -> _T:
        """What `make` derives from the masks, made once per `key`; `size` of it in bytes."""
        return self._kept.get(key, make, size)

    def check(self, shape: ConvShape, stage: Stage) -> None:
        """Raise ValueError where an operand of the stage is missing or has another shape."""
        shapes = {"x": shape.x_shape, "w": shape.w_shape, "dy": shape.y_shape}
        for name in {Stage.FF: ("x", "w"), Stage.BP: ("dy", "w"), Stage.WG: ("x", "dy")}[stage]:
            mask: BitTensor | None = getattr(self, name)
            if mask is None:
                raise ValueError(f"stage {stage} needs the operand {name}")
            if mask.shape != shapes[name]:
                raise ValueError(f"{name}: expected the shape {shapes[name]}, got {mask.shape}")
        if self.output_needed is None:
            return
        if stage is Stage.FF:
            raise ValueError("output_needed: the feed-forward stage needs every output")
        expected = shape.x_shape if stage is Stage.BP else shape.w_shape
        if self.output_needed.shape != expected:
            raise ValueError(f"output_needed: expected the shape {expected}, got {self.output_needed.shape}")


class _Kept:
    """What was derived, by key; the oldest is dropped beyond a number of bytes."""

    def __init__(self, most_bytes: int = 1 << 28) -> None:
        self._most_bytes = most_bytes
        self._values: dict[Hashable, tuple[Any, int]] = {}
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], _T], size: Callable[[_T], int]) -> _T:
        found = self._values.get(key)
        if found is not None:
            value: _T = found[0]
            return value
        value = make()
        self._values[key] = (value, size(value))
        self._bytes += size(value)
        while self._bytes > self._most_bytes and len(self._values) > 1:
            oldest = next(iter(self._values))
            self._bytes -= self._values.pop(oldest)[1]
        return value


_OFFSETS = _Kept(1 << 26)


# ---- re-ordering ----------------------------------------------------------------------------------------------


def join(source: Words, offsets: npt.NDArray[np.int64], first: int, length: int) -> Words:
    """Row i: bits first .. first + length - 1 at each word offset of offsets[i], one after the other."""
    rows, segments = offsets.shape
    row_words = words_of(segments * length)
    out = np.zeros((rows, row_words), dtype=np.uint64)
    if out.size:
        status = lib.cs_bits_join(
            as_buffer(source, "uint64_t", np.uint64, "source"),
            source.size,
            as_buffer(offsets, "int64_t", np.int64, "offsets"),
            rows,
            segments,
            first,
            length,
            as_buffer(out, "uint64_t", np.uint64, "out", writable=True),
            out.size,
            row_words,
        )
        check("cs_bits_join", status)
    return out


def transpose(source: Words, offsets: npt.NDArray[np.int64], first: int, length: int) -> Words:
    """Row i: bit first + i at each word offset of `offsets`, one after the other."""
    row_words = words_of(offsets.size)
    out = np.zeros((length, row_words), dtype=np.uint64)
    if out.size:
        status = lib.cs_bits_transpose(
            as_buffer(source, "uint64_t", np.uint64, "source"),
            source.size,
            as_buffer(offsets, "int64_t", np.int64, "offsets"),
            offsets.size,
            first,
            length,
            as_buffer(out, "uint64_t", np.uint64, "out", writable=True),
            out.size,
            row_words,
        )
        check("cs_bits_transpose", status)
    return out


def zero_blocks(rows: Words, bits: int, window: int) -> Words:
    """Bit i of each row is set iff block i of `window` bits (of the first `bits`) holds no set bit."""
    flag_words = words_of(-(-bits // window))
    flags = np.zeros((rows.shape[0], flag_words), dtype=np.uint64)
    if flags.size:
        status = lib.cs_bits_zero_blocks(
            as_buffer(rows, "uint64_t", np.uint64, "rows"),
            rows.size,
            rows.shape[0],
            rows.shape[1],
            bits,
            window,
            as_buffer(flags, "uint64_t", np.uint64, "flags", writable=True),
            flags.size,
            flag_words,
        )
        check("cs_bits_zero_blocks", status)
    return flags


# ---- FF and BP ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Borders:
    """Which source pixels an output pixel walks; -1 where the filter position meets padding (or, in BP, no output).

    Pixels whose valid filter positions are the same share a pattern.
    """

    row_source: Ints
    column_source: Ints
    row_pattern: Ints
    column_pattern: Ints
    row_valid: tuple[tuple[int, ...], ...]
    column_valid: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, shape: ConvShape, stage: Stage) -> Borders:
        """The borders of FF or BP."""
        if stage is Stage.BP:
            row_source = _sources_back(shape.h, shape.p, shape.r, shape.stride, shape.pad)
            column_source = _sources_back(shape.w, shape.q, shape.s, shape.stride, shape.pad)
        else:
            row_source = _sources(shape.p, shape.h, shape.r, shape.stride, shape.pad)
            column_source = _sources(shape.q, shape.w, shape.s, shape.stride, shape.pad)
        row_pattern, row_valid = _patterns(row_source)
        column_pattern, column_valid = _patterns(column_source)
        return cls(row_source, column_source, row_pattern, column_pattern, row_valid, column_valid)

    def positions(self) -> list[list[tuple[int, int]]]:
        """The valid filter positions (r, s) of each pattern, in walk order."""
        return [[(r, s) for r in rows for s in columns] for rows in self.row_valid for columns in self.column_valid]


def _sources(outputs: int, inputs: int, taps: int, stride: int, pad: int) -> Ints:
    source = np.arange(outputs)[:, None] * stride + np.arange(taps)[None, :] - pad
    return np.where((source >= 0) & (source < inputs), source, -1).astype(np.int32)


def _sources_back(inputs: int, outputs: int, taps: int, stride: int, pad: int) -> Ints:
    shifted = np.arange(inputs)[:, None] + pad - np.arange(taps)[None, :]
    source, rest = shifted // stride, shifted % stride
    return np.where((rest == 0) & (source >= 0) & (source < outputs), source, -1).astype(np.int32)


def _patterns(source: Ints) -> tuple[Ints, tuple[tuple[int, ...], ...]]:
    distinct: dict[tuple[int, ...], int] = {}
    pattern = [distinct.setdefault(tuple(np.flatnonzero(row >= 0).tolist()), len(distinct)) for row in source]
    return np.array(pattern, dtype=np.int32), tuple(distinct)


@dataclass(frozen=True)
class Walks:
    """Rows of bits in walk order, for each pattern; the layout of `cs_core_walks`."""

    rows: int
    lengths: Ints
    starts: npt.NDArray[np.int64]
    words: Words
    ones: Ints

    @classmethod
    def of(cls, rows: int, patterns: list[Words], lengths: list[int]) -> Walks:
        starts = np.cumsum([0, *(pattern.size for pattern in patterns)])[:-1]
        ones = [np.bitwise_count(pattern).sum(axis=1, dtype=np.int64) for pattern in patterns]
        return cls(
            rows,
            np.array(lengths, dtype=np.int32),
            starts.astype(np.int64),
            np.concatenate([pattern.reshape(-1) for pattern in patterns]),
            np.concatenate(ones).astype(np.int32),
        )

    @property
    def nbytes(self) -> int:
        """Size of the rows."""
        return self.words.nbytes + self.ones.nbytes

    def row(self, pattern: int) -> Words:
        """The rows of one pattern, (rows, words)."""
        row_words = words_of(int(self.lengths[pattern]))
        start = int(self.starts[pattern])
        return self.words[start : start + self.rows * row_words].reshape(self.rows, row_words)


def weight_walks(
    weights: BitTensor, shape: ConvShape, stage: Stage, borders: Borders, group: int, depth: tuple[int, int]
) -> Walks:
    """The weights of one convolution group as FF (rows: k) or BP (rows: c) walks them."""
    rows_per_group, depth_per_group = shape.k // shape.groups, shape.c // shape.groups
    row_words = weights.words.shape[-1]
    filters = np.arange(group * rows_per_group, (group + 1) * rows_per_group, dtype=np.int64)
    patterns: list[Words] = []
    lengths: list[int] = []
    for positions in borders.positions():
        at = np.array([r * shape.s + s for r, s in positions], dtype=np.int64)
        lengths.append(at.size * (depth[1] - depth[0]))
        if stage is Stage.FF:
            offsets = (filters[:, None] * (shape.r * shape.s) + at[None, :]) * row_words
            patterns.append(join(weights.words, np.ascontiguousarray(offsets), depth[0], depth[1] - depth[0]))
        else:
            part = filters[depth[0] : depth[1]]
            offsets = (part[None, :] * (shape.r * shape.s) + at[:, None]) * row_words
            patterns.append(transpose(weights.words, offsets.reshape(-1), 0, depth_per_group))
    return Walks.of(rows_per_group if stage is Stage.FF else depth_per_group, patterns, lengths)


def outside_coarse_units(weights: BitTensor, unit: tuple[int, int]) -> BitTensor:
    """Set where a weight lies in no coarse unit: an aligned, all-zero tile of (k, c) of one filter position."""
    mask = weights.to_bool()
    k, r, s, c = mask.shape
    b_k, b_c = min(unit[0], k), min(unit[1], c)  # a larger unit is cut off at the edge: the same, without filling up
    padded = np.zeros((-(-k // b_k) * b_k, r, s, -(-c // b_c) * b_c), dtype=bool)
    padded[:k, :, :, :c] = mask
    tiles = padded.reshape(padded.shape[0] // b_k, b_k, r, s, padded.shape[3] // b_c, b_c)
    used = np.broadcast_to(tiles.any(axis=(1, 5), keepdims=True), tiles.shape).reshape(padded.shape)
    return BitTensor.from_bool(used[:k, :, :, :c])


@dataclass(frozen=True)
class CoarseBlocks:
    """For each row of some `Walks`, a bit per coarse-zero block."""

    starts: npt.NDArray[np.int64]
    words: Words

    @classmethod
    def of(cls, outside: Walks, window: int) -> CoarseBlocks:
        """`outside`: the walks of `outside_coarse_units`."""
        flags = [zero_blocks(outside.row(p), int(length), window) for p, length in enumerate(outside.lengths)]
        starts = np.cumsum([0, *(flag.size for flag in flags)])[:-1].astype(np.int64)
        return cls(starts, np.concatenate([flag.reshape(-1) for flag in flags]))


# ---- WG -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GradientWalks:
    """Both operands of WG for one filter position and convolution group, in order (n, p, q); rows are channels."""

    x: Words
    dy: Walks

    @property
    def nbytes(self) -> int:
        """Size of the rows."""
        return self.x.nbytes + self.dy.nbytes


def gradient_walks(
    x: BitTensor,
    dy: BitTensor,
    shape: ConvShape,
    position: tuple[int, int],
    group: int,
    images: tuple[int, int],
    rows: tuple[int, int],
) -> GradientWalks:
    """The walks of dW[:, r, s, :] for (r, s) = position."""
    c_per_group, k_per_group = shape.c // shape.groups, shape.k // shape.groups
    # The same in every iteration.
    x_at, dy_at = _OFFSETS.get(
        (shape, position, images, rows),
        lambda: _gradient_offsets(shape, position, images, rows),
        lambda made: made[0].nbytes + made[1].nbytes,
    )
    x_rows = transpose(x.words, x_at, group * c_per_group, c_per_group)
    dy_rows = transpose(dy.words, dy_at, group * k_per_group, k_per_group)
    return GradientWalks(x_rows, Walks.of(k_per_group, [dy_rows], [x_at.size]))


def _gradient_offsets(
    shape: ConvShape, position: tuple[int, int], images: tuple[int, int], rows: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The words at which the pixels of X and of dY begin, in the order of the walk."""
    n = np.arange(*images, dtype=np.int64)
    p = np.arange(*rows, dtype=np.int64)
    q = np.arange(shape.q, dtype=np.int64)
    h = p * shape.stride + position[0] - shape.pad
    w = q * shape.stride + position[1] - shape.pad
    p, h = p[(h >= 0) & (h < shape.h)], h[(h >= 0) & (h < shape.h)]
    q, w = q[(w >= 0) & (w < shape.w)], w[(w >= 0) & (w < shape.w)]
    x_at = ((n[:, None, None] * shape.h + h[:, None]) * shape.w + w).reshape(-1) * words_of(shape.c)
    dy_at = ((n[:, None, None] * shape.p + p[:, None]) * shape.q + q).reshape(-1) * words_of(shape.k)
    return x_at, dy_at


def needed_by_channel(needed: BitTensor, position: tuple[int, int]) -> Words:
    """The weight mask at one filter position, a row of output channels for each input channel."""
    k, r, s, c = needed.shape
    offsets = (np.arange(k, dtype=np.int64) * (r * s) + position[0] * s + position[1]) * needed.words.shape[-1]
    return transpose(needed.words, offsets, 0, c)
