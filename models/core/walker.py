"""The way of the C engine through the tiles of one operation: what they share is laid out once and kept.

A small tile takes the engine a few microseconds, so nothing is done for each of them that can be done for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim import isa
from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import BitTensor, ConvShape, Stage
from .operands import (
    Borders,
    CoarseBlocks,
    Operands,
    Walks,
    gradient_walks,
    needed_by_channel,
    outside_coarse_units,
    weight_walks,
)
from .params import CoreParams
from .policy import SkipPolicy
from .tile import Tile


class Walker:
    """One operation with one policy on cores of `params`, tile by tile.

    Raises ValueError where an operand is missing or has another shape, or the stage cannot skip what the policy names.
    What is derived from the masks is kept in `operands`. `level` is an instruction set of `cosim.isa` other than the
    selected one. `c_params`: the parameters as the C engine takes them.
    """

    def __init__(
        self,
        params: CoreParams,
        policy: SkipPolicy,
        shape: ConvShape,
        stage: Stage,
        operands: Operands,
        level: str | None = None,
    ) -> None:
        policy.check_stage(stage)
        operands.check(shape, stage)
        self.params = params
        self._policy, self._shape, self._stage, self._operands = policy, shape, stage, operands
        self._coarse = policy.coarse and params.coarse_jump > 0 and stage is not Stage.WG
        self._needs = operands.output_needed is not None and "output" in policy.operands
        self.c_params = c_params = ffi.new("cs_core_params *")
        for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
            setattr(c_params, name, getattr(params, name))
        c_params.coarse_jump = params.coarse_jump
        c_params.lane_latency = params.lane_latency
        c_params.skip_input = "input" in policy.operands
        c_params.skip_other = "weight" in policy.operands
        c_params.fine = policy.fine
        c_params.isa = isa.code(level)

    def state_words(self, tiles: Sequence[Tile]) -> int:
        """Words of state that each of the tiles has room in."""
        channels = max((len(tile.channels) for tile in tiles), default=0)
        longest = max((tile.longest_walk(self._shape, self._stage) for tile in tiles), default=0)
        words = ffi.new("size_t *")
        status = lib.cs_core_state_words(self.c_params, channels, longest, self._coarse, words)
        check("cs_core_state_words", status)
        return int(words[0])

    def walk(self, state: Any, state_words: int, tile: Tile, record: Any) -> None:
        """The whole tile, in the state given; its result is there then. ValueError for a tile that does not fit."""
        shape, stage, operands = self._shape, self._stage, self._operands
        outputs = operands.keep(("outputs", shape, stage, tile.channels), lambda: self._outputs(tile), lambda _: 0)
        tile.check_ranges(shape, stage)
        longest = tile.longest_walk(shape, stage)
        status = lib.cs_core_init(state, state_words, self.c_params, len(tile.channels), longest, self._coarse)
        check("cs_core_init", status)
        if stage is Stage.WG:
            for group, c_outputs in outputs:
                self._gradient(state, state_words, tile, group, c_outputs, record)
        else:
            for group, c_outputs in outputs:
                self._pixels(state, state_words, tile, group, c_outputs, record)

    def _outputs(self, tile: Tile) -> list[tuple[int, Any]]:
        """The convolution groups that the channels belong to, and for each its outputs."""
        shape, stage = self._shape, self._stage
        tile.check(shape, stage)
        per_group = (shape.c if stage is Stage.BP else shape.k) // shape.groups
        found = ((group, _c_outputs(tile.channels, group, per_group)) for group in range(shape.groups))
        return [(group, outputs) for group, outputs in found if outputs is not None]

    # ---- FF and BP ------------------------------------------------------------------------------------------

    def _pixels(self, state: Any, state_words: int, tile: Tile, group: int, outputs: _Struct, record: Any) -> None:
        """One set of outputs per pixel."""
        params, policy, shape, stage, operands = self.params, self._policy, self._shape, self._stage, self._operands
        coarse, depth = self._coarse, tile.depth

        def make() -> tuple[_Struct, _Struct]:
            return _pixel_structs(params, policy, shape, stage, operands, depth, group, coarse)

        # NOTE: kept from tile to tile, and only the ranges set anew: three quarters of the cost of a small tile.
        key = ("pixels", shape, stage, group, depth, coarse, params.coarse_unit, params.window, policy.operands)
        pixels, walks = operands.keep(key, make, lambda made: made[1].nbytes)
        c_pixels = pixels.c
        c_pixels.image_begin, c_pixels.image_end = tile.images
        c_pixels.row_begin, c_pixels.row_end = tile.rows
        check("cs_core_run_pixels", lib.cs_core_run_pixels(state, state_words, c_pixels, walks.c, outputs.c, record))

    # ---- WG -------------------------------------------------------------------------------------------------

    def _gradient(self, state: Any, state_words: int, tile: Tile, group: int, outputs: _Struct, record: Any) -> None:
        """One set of outputs per filter position and input channel."""
        shape, operands = self._shape, self._operands

        def make() -> _Gradient:
            x, dy = _present(operands.x), _present(operands.dy)
            return _Gradient(x, dy, shape, group, tile.images, tile.rows)

        gradient = operands.keep(("wg", shape, group, tile.images, tile.rows), make, lambda made: made.nbytes)
        needed: list[tuple[Any, int, int]] = self._needed() if self._needs else gradient.everything
        first, last = tile.depth
        c_outputs = outputs.c
        for (x_rows, x_size, walks), mask in zip(gradient.positions, needed, strict=True):
            status = lib.cs_core_run_walks(
                state, state_words, x_rows, x_size, first, last, *mask, walks.c, c_outputs, record
            )
            check("cs_core_run_walks", status)

    def _needed(self) -> list[tuple[Any, int, int]]:
        """For each filter position the needed outputs, as cs_core_run_walks takes them."""

        def make() -> list[tuple[Any, int, int]]:
            masks = []
            for r, s in np.ndindex(self._shape.r, self._shape.s):
                mask = needed_by_channel(_present(self._operands.output_needed), (r, s))
                masks.append((as_buffer(mask, "uint64_t", np.uint64, "needed"), mask.size, mask.shape[-1]))
            return masks

        return self._operands.keep(("needed", self._shape), make, lambda made: sum(8 * size for _, size, _ in made))


class _Gradient:
    """The walks of one group of channels and range of images and rows: for each filter position X and dY."""

    def __init__(
        self,
        x: BitTensor,
        dy: BitTensor,
        shape: ConvShape,
        group: int,
        images: tuple[int, int],
        rows: tuple[int, int],
    ) -> None:
        self.positions: list[tuple[Any, int, _Struct]] = []
        self.nbytes = 0
        for r, s in np.ndindex(shape.r, shape.s):
            walks = gradient_walks(x, dy, shape, (r, s), group, images, rows)
            self.nbytes += walks.nbytes
            rows_of_x = as_buffer(walks.x, "uint64_t", np.uint64, "x")
            self.positions.append((rows_of_x, walks.x.size, _c_walks(walks.dy, None)))
        self.everything: list[tuple[Any, int, int]] = [(ffi.NULL, 0, 0)] * len(self.positions)
        """The masks of needed outputs where all are."""


class _Struct:
    """A C struct whose pointers keep their arrays alive."""

    def __init__(self, ctype: str) -> None:
        self.c = ffi.new(f"{ctype} *")
        self.nbytes = 0
        """Of the arrays."""
        self._alive: list[Any] = []

    def point(self, name: str, array: npt.NDArray[Any], ctype: str, dtype: npt.DTypeLike) -> None:
        pointer = as_buffer(array, ctype, dtype, name)
        self._alive.append(pointer)
        self.nbytes += array.nbytes
        setattr(self.c, name, pointer)

    def set(self, **values: int) -> None:
        for name, value in values.items():
            setattr(self.c, name, value)


def _c_outputs(channels: tuple[int, ...], group: int, channels_per_group: int) -> _Struct | None:
    """The outputs of a convolution group: their rows in the walks, their bits in the mask, their slots."""
    bits = np.array(channels, dtype=np.int32)
    slots = np.flatnonzero(bits // channels_per_group == group).astype(np.int32)
    if not slots.size:
        return None
    struct = _Struct("cs_core_outputs")
    struct.set(count=slots.size)
    struct.point("rows", bits[slots] - np.int32(group * channels_per_group), "int32_t", np.int32)
    struct.point("needed_bits", bits[slots], "int32_t", np.int32)
    struct.point("slots", slots, "int32_t", np.int32)
    return struct


def _c_walks(walks: Walks, coarse: CoarseBlocks | None) -> _Struct:
    struct = _Struct("cs_core_walks")
    struct.set(patterns=walks.lengths.size, rows=walks.rows, other_count=walks.words.size)
    struct.point("lengths", walks.lengths, "int32_t", np.int32)
    struct.point("starts", walks.starts, "int64_t", np.int64)
    struct.point("ones", walks.ones, "int32_t", np.int32)
    struct.point("other", walks.words, "uint64_t", np.uint64)
    if coarse is not None:
        struct.set(coarse_count=coarse.words.size)
        struct.point("coarse", coarse.words, "uint64_t", np.uint64)
        struct.point("coarse_starts", coarse.starts, "int64_t", np.int64)
    return struct


def _present(mask: BitTensor | None) -> BitTensor:
    assert mask is not None  # Operands.check() has seen it
    return mask


def _pixel_structs(
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    depth: tuple[int, int],
    group: int,
    coarse: bool,
) -> tuple[_Struct, _Struct]:
    """The C structs of all tiles of a depth: the pixels, without their ranges, and the walks."""
    weights = _present(operands.w)
    source = _present(operands.x if stage is Stage.FF else operands.dy)
    source_channels = (shape.c if stage is Stage.FF else shape.k) // shape.groups
    borders = operands.keep(("borders", shape, stage), lambda: Borders.of(shape, stage), lambda _: 0)

    def ordered(mask: BitTensor) -> Walks:
        return weight_walks(mask, shape, stage, borders, group, depth)

    blocks = None
    if coarse:
        unit = params.coarse_unit
        outside = operands.keep(
            ("outside", unit), lambda: outside_coarse_units(weights, unit), lambda made: made.words.nbytes
        )
        blocks = CoarseBlocks.of(ordered(outside), params.window)
    images, rows, columns, words = source.words.shape
    pixels = _Struct("cs_core_pixels")
    pixels.set(
        images=images,
        source_rows=rows,
        source_columns=columns,
        source_words=words,
        rows=borders.row_source.shape[0],
        columns=borders.column_source.shape[0],
        taps_r=shape.r,
        taps_s=shape.s,
        column_patterns=len(borders.column_valid),
        first_bit=group * source_channels + depth[0],
        bits=depth[1] - depth[0],
        source_count=source.words.size,
    )
    pixels.point("source", source.words, "uint64_t", np.uint64)
    pixels.point("row_source", borders.row_source, "int32_t", np.int32)
    pixels.point("column_source", borders.column_source, "int32_t", np.int32)
    pixels.point("row_pattern", borders.row_pattern, "int32_t", np.int32)
    pixels.point("column_pattern", borders.column_pattern, "int32_t", np.int32)
    if operands.output_needed is not None and "output" in policy.operands:
        needed = operands.output_needed.words
        pixels.point("needed", needed, "uint64_t", np.uint64)
        pixels.set(needed_words=needed.shape[-1], needed_count=needed.size)
    return pixels, _c_walks(ordered(weights), blocks)
