"""The core's cost model: cycles and counts of a tile, from the real zeros of its operands.

**Walk.** A core has groups of lanes; a group has a barrier of its own and waits for no other group. A lane computes
one output at a time and walks its reduction, last index fastest: FF (r, s, c), BP (r, s, k), WG (n, p, q). Padding
positions are no indices. The flattened walk is cut into blocks of `window` indices; only the last may be short.

**Effectual** is an index where every operand that the policy names is non-zero; without fine skipping, every index of a
scanned block.

**Scan and queue.** In each cycle the scanner looks at one block and puts its effectual indices into the lane's queue,
as many as there was room at the start of the cycle; the rest stays, and the scanner with it. In the same cycle the
lane takes up to `macs_per_lane` of the indices that were in the queue at the start. A lane is done when it begins a
cycle with nothing to scan or jump and an empty queue.

**Jumps.** A coarse unit is an aligned `coarse_unit` tile of all-zero weights of one filter position. A block whose
indices all lie in coarse units is coarse-zero; a run of L of them costs ceil(L / coarse_jump) - 1 cycles: the first
`coarse_jump` are left together with the block before the run, up to `coarse_jump` more in each further cycle.

**Sharing.** A lane may look at block i for the first time in a cycle only if every lane of the group had left block
i - run_ahead before it: the input blocks go through a broadcast buffer of that depth.

**Barrier.** A group takes the cycles of its slowest lane plus `lane_latency`; then its next outputs start.

**Order.** Outputs that share their input operand form a set; sets follow one another by convolution group, then FF
(n, p, q), BP (n, h, w), WG (r, s, c). Within a set the outputs that are left after removal are cut, in lane order,
into groups of `group` outputs, and these are dealt to the core's groups of lanes in turn. (The order of WG and the
dealing in turn are assumptions: neither is published.)
"""

from __future__ import annotations

from operator import attrgetter
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
    Words,
    gradient_walks,
    needed_by_channel,
    outside_coarse_units,
    weight_walks,
)
from .params import CoreParams
from .policy import SkipPolicy
from .tile import COUNT_NAMES, Tile, TileResult


def run_tile(
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    tile: Tile,
    *,
    level: str | None = None,
) -> TileResult:
    """Cycles and counts of one core on one tile, with ideal SRAM banks.

    `operands` keeps what is derived from the masks, so use one object for all tiles of an operation. Raises ValueError
    where an operand is missing, a shape or a range does not fit, or the stage cannot skip what the policy names.

    `level` is an instruction set of `cosim.isa` other than the selected one: the result is the same.
    """
    return walk_tile(params, policy, shape, stage, operands, tile, level=level).result()


def walk_tile(
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    tile: Tile,
    *,
    level: str | None = None,
    record: int = 0,
) -> TileRun:
    """The tile in the engine; a `record` of so many words keeps what the lanes scan, for an engine that steps them."""
    stage = Stage(stage)
    policy.check_stage(stage)
    operands.check(shape, stage)
    tile.check(shape, stage)
    coarse = policy.coarse and params.coarse_jump > 0 and stage is not Stage.WG
    run = TileRun(params, policy, len(tile.channels), tile.longest_walk(shape, stage), coarse, level, record)
    channels_per_group = (shape.c if stage is Stage.BP else shape.k) // shape.groups
    for group in range(shape.groups):

        def of_group(group: int = group) -> _Struct | None:
            return _c_outputs(tile.channels, group, channels_per_group)

        outputs = operands.keep(("outputs", tile.channels, group, channels_per_group), of_group, lambda _: 0)
        if outputs is None:
            continue
        if stage is Stage.WG:
            _run_gradient(run, policy, shape, operands, tile, group, outputs)
        else:
            _run_pixels(run, params, policy, shape, stage, operands, tile, group, outputs, coarse)
    return run


def run_operation(
    params: CoreParams, policy: SkipPolicy, shape: ConvShape, stage: Stage, operands: Operands
) -> TileResult:
    """One core on the whole operation, channels in their order."""
    return run_tile(params, policy, shape, stage, operands, Tile.whole(shape, Stage(stage)))


class TileRun:
    """One tile under way in the C engine: its state, and calls with checked buffers."""

    def __init__(
        self,
        params: CoreParams,
        policy: SkipPolicy,
        channels: int,
        max_length: int,
        coarse: bool,
        level: str | None,
        record: int,
    ) -> None:
        self._params = params
        self.c_params = c_params = ffi.new("cs_core_params *")
        for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
            setattr(c_params, name, getattr(params, name))
        c_params.coarse_jump = params.coarse_jump
        c_params.lane_latency = params.lane_latency
        c_params.skip_input = "input" in policy.operands
        c_params.skip_other = "weight" in policy.operands
        c_params.fine = policy.fine
        c_params.isa = isa.code(level)
        self._record: Any = ffi.NULL
        self._record_words = np.zeros(record, dtype=np.uint32)
        if record:
            pointer = as_buffer(self._record_words, "uint32_t", np.uint32, "record", writable=True)
            self._record = ffi.new("cs_core_record *", {"words": pointer, "capacity": record})
        words = ffi.new("size_t *")
        check("cs_core_state_words", lib.cs_core_state_words(c_params, channels, max_length, coarse, words))
        self._state = np.zeros(words[0], dtype=np.uint64)
        self._pointer = as_buffer(self._state, "uint64_t", np.uint64, "state", writable=True)
        status = lib.cs_core_init(self._pointer, self._state.size, c_params, channels, max_length, coarse)
        check("cs_core_init", status)

    def pixels(self, pixels: Any, walks: Any, outputs: Any) -> None:
        status = lib.cs_core_run_pixels(self._pointer, self._state.size, pixels, walks, outputs, self._record)
        check("cs_core_run_pixels", status)

    def walks(self, inputs: Words, span: tuple[int, int], needed: Words | None, walks: Any, outputs: Any) -> None:
        status = lib.cs_core_run_walks(
            self._pointer,
            self._state.size,
            as_buffer(inputs, "uint64_t", np.uint64, "inputs"),
            inputs.size,
            *span,
            ffi.NULL if needed is None else as_buffer(needed, "uint64_t", np.uint64, "needed"),
            0 if needed is None else needed.size,
            0 if needed is None else needed.shape[-1],
            walks,
            outputs,
            self._record,
        )
        check("cs_core_run_walks", status)

    @property
    def record(self) -> npt.NDArray[np.uint32]:
        """What has been recorded: the layout of cs_core_record."""
        return self._record_words[: self._record.used if self._record else 0]

    def result(self) -> TileResult:
        counts = ffi.new("cs_core_counts *")
        group_cycles = np.zeros(self._params.groups, dtype=np.int64)
        lane_cycles = np.zeros(self._params.lanes, dtype=np.int64)
        status = lib.cs_core_result(
            self._pointer,
            self._state.size,
            counts,
            as_buffer(group_cycles, "int64_t", np.int64, "group_cycles", writable=True),
            group_cycles.size,
            as_buffer(lane_cycles, "int64_t", np.int64, "lane_cycles", writable=True),
            lane_cycles.size,
        )
        check("cs_core_result", status)
        cycles = int(group_cycles.max())
        return TileResult(
            **dict(zip(COUNT_NAMES, _COUNTS(counts[0]), strict=True)),
            cycles=cycles,
            group_cycles=tuple(group_cycles.tolist()),
            lane_busy_cycles=tuple(lane_cycles.tolist()),
            mac_slots=cycles * self._params.lanes * self._params.macs_per_lane,
        )


_COUNTS = attrgetter(*COUNT_NAMES)


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


def _run_pixels(
    run: TileRun,
    params: CoreParams,
    policy: SkipPolicy,
    shape: ConvShape,
    stage: Stage,
    operands: Operands,
    tile: Tile,
    group: int,
    outputs: _Struct,
    coarse: bool,
) -> None:
    """FF and BP: one set of outputs per pixel."""

    def make() -> tuple[_Struct, _Struct]:
        return _pixel_structs(params, policy, shape, stage, operands, tile.depth, group, coarse)

    # NOTE: kept from tile to tile, and only the ranges set anew: three quarters of the cost of a small tile.
    key = ("pixels", shape, stage, group, tile.depth, coarse, params.coarse_unit, params.window, policy.operands)
    pixels, walks = operands.keep(key, make, lambda made: made[1].nbytes)
    pixels.set(image_begin=tile.images[0], image_end=tile.images[1], row_begin=tile.rows[0], row_end=tile.rows[1])
    run.pixels(pixels.c, walks.c, outputs.c)


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


def _run_gradient(
    run: TileRun, policy: SkipPolicy, shape: ConvShape, operands: Operands, tile: Tile, group: int, outputs: _Struct
) -> None:
    """WG: one set of outputs per filter position and input channel."""
    x, dy, needed = _present(operands.x), _present(operands.dy), operands.output_needed
    for position in np.ndindex(shape.r, shape.s):

        def order(at: tuple[int, int] = (position[0], position[1])) -> tuple[Words, _Struct]:
            walks = gradient_walks(x, dy, shape, at, group, tile.images, tile.rows)
            return walks.x, _c_walks(walks.dy, None)

        key = ("wg", shape, position, group, tile.images, tile.rows)
        x_rows, c_walks = operands.keep(key, order, lambda made: made[0].nbytes + made[1].nbytes)
        mask = None
        if needed is not None and "output" in policy.operands:

            def of_channels(at: tuple[int, int] = (position[0], position[1])) -> Words:
                return needed_by_channel(_present(needed), at)

            mask = operands.keep(("needed", position), of_channels, lambda made: made.nbytes)
        run.walks(x_rows, tile.depth, mask, c_walks.c, outputs.c)


__all__ = ["run_operation", "run_tile"]
