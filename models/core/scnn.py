"""SCNN: the sparse accelerator with Cartesian products.

Parashar et al., "SCNN: An Accelerator for Compressed-sparse Convolutional Neural Networks", ISCA 2017. What is
published and what is assumed of it is in `scenarios/chips/scnn.yaml` and docs/cores.md.

**Tiling** (`planar`). Each processing element (PE) has a tile of the input plane. A tile whose outputs for a group of
output channels, with their halo, exceed the accumulators is cut further, in equal numbers of parts in all PEs; the
parts follow one another.

**Compression.** A channel's part of a tile is one block, row by row; the weights of a group of output channels for one
input channel are another: (k, r, s), last fastest. A zero run longer than the index can say has zeros in the code.

**Cartesian product.** In each cycle a vector of F weights and one of I inputs of the same channel are multiplied, all
with all: each vector of a channel's inputs stays while all vectors of its weights pass. Products that belong to no
output are dropped. The others go to the bank of their accumulator: the address (k, row, column) in the group's outputs
with halo, modulo the banks. A bank accumulates one product a cycle; `bank_queue` of them can wait at it; those without
room hold up the multipliers.

**Broadcast.** Weights are sent to all PEs at once, a channel's block when each has room for it in its memory of
`weight_fifo` vectors. A PE keeps a block until it has done the channel; so a slow PE holds up those too far ahead.

**Barrier.** All PEs start a group of output channels together, when the slowest has emptied its queues of the group
before. Halos are exchanged, and results leave, meanwhile (accumulators are double-buffered).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import ConvShape, Stage
from .layer_core import LayerRun, forward_pairs
from .operands import Operands
from .planar import PlanarTiling, Span, at_least_one, check_planar, up

Ints = npt.NDArray[np.int32]

_COUNTS = ("steps", "stalls", "waits", "drains", "products", "outside", "placeholders")


@dataclass(frozen=True)
class Scnn:
    """A `LayerCore`: SCNN.

    tiling         PEs and output channels of a group
    weights        weights of a vector (F), 1 to 64
    inputs         inputs of a vector (I), 1 to 64
    banks          accumulator banks of a PE, 1 to 256
    bank_entries   accumulators of a bank, for one group (there are as many again for the group before)
    bank_queue     products that can wait at a bank, 1 to 32768
    weight_fifo    vectors of weights that a PE holds; 0: as many as there are
    index_bits     of the run-length index: zeros in front of an element, 1 to 30

    Raises ValueError for values beyond these.
    """

    tiling: PlanarTiling
    weights: int
    inputs: int
    banks: int
    bank_entries: int
    bank_queue: int
    weight_fifo: int
    index_bits: int

    stages = (Stage.FF,)

    def __post_init__(self) -> None:
        at_least_one(self, tuple(field.name for field in fields(self) if field.name not in ("tiling", "weight_fifo")))
        if not 0 <= self.weight_fifo < 1 << 31:
            raise ValueError(f"weight_fifo must be 0 to 2**31 - 1, got {self.weight_fifo}")
        for name, most in (
            ("weights", lib.CS_SCNN_MAX_VECTOR),
            ("inputs", lib.CS_SCNN_MAX_VECTOR),
            ("banks", lib.CS_SCNN_MAX_BANKS),
            ("bank_queue", lib.CS_SCNN_MAX_QUEUE),
            ("index_bits", 30),
        ):
            if getattr(self, name) > most:
                raise ValueError(f"{name} must be at most {most}, got {getattr(self, name)}")

    def run(self, shape: ConvShape, stage: Stage, operands: Operands) -> LayerRun:
        """See LayerCore. Feed-forward, stride 1, groups 1."""
        check_planar(shape, stage, operands)
        assert operands.x is not None and operands.w is not None  # check() has seen them
        x, w = operands.x.to_bool(), operands.w.to_bool()
        across = min(self.tiling.group, shape.k)  # a larger group has no more channels than the layer
        parts = self.parts(shape)
        row_parts = self.tiling.spans(shape.h, self.tiling.pe_rows, parts[0])
        column_parts = self.tiling.spans(shape.w, self.tiling.pe_columns, parts[1])
        weights = self._weight_blocks(w, across)
        counts = ffi.new("cs_scnn_counts *")
        cycles = 0
        for image in x:
            for rows in row_parts:
                for columns in column_parts:
                    cycles += self._part(shape, image, rows, columns, weights, across, counts)
        pairs = forward_pairs(shape, operands.x, operands.w)
        multipliers = self.tiling.pes * self.weights * self.inputs
        events = {name: int(getattr(counts, name)) for name in _COUNTS}
        return LayerRun(
            cycles=cycles,
            multipliers=multipliers,
            dense_macs=shape.macs,
            macs=events["products"],
            skipped={
                "skipped_input": pairs.skipped_input,
                "skipped_other": pairs.skipped_other,
                "skipped_both": pairs.skipped_both,
            },
            events={"parts": parts[0] * parts[1]} | events,
            way="input+weight (Cartesian product)",
        )

    def parts(self, shape: ConvShape) -> tuple[int, int]:
        """Into how many parts each PE's tile is cut by rows and by columns, so that outputs and halo fit.

        Cuts the longer side first. ValueError where not even one input fits.
        """
        across = min(shape.k, self.tiling.group)
        tile = up(shape.h, self.tiling.pe_rows), up(shape.w, self.tiling.pe_columns)
        parts = [1, 1]
        while True:
            rows, columns = up(tile[0], parts[0]), up(tile[1], parts[1])
            if (rows + shape.r - 1) * (columns + shape.s - 1) * across <= self.banks * self.bank_entries:
                return parts[0], parts[1]
            if rows == columns == 1:
                raise ValueError(
                    f"the outputs of one input, {across} x {shape.r} x {shape.s}, exceed the "
                    f"{self.banks * self.bank_entries} accumulators of a processing element"
                )
            parts[0 if rows >= columns else 1] += 1

    def _weight_blocks(self, w: npt.NDArray[np.bool_], across: int) -> tuple[Ints, npt.NDArray[np.int64]]:
        """A block of each (group, channel): (k, r, s) of the group, the last group filled up with zeros."""
        k, r, s, c = w.shape
        groups = -(-k // across)
        full = np.zeros((groups * across, r, s, c), dtype=np.uint8)
        full[:k] = w
        blocks = full.reshape(groups, across, r, s, c).transpose(0, 4, 1, 2, 3)
        return self._encode(np.ascontiguousarray(blocks).reshape(groups * c, across * r * s))

    def _encode(self, blocks: npt.NDArray[np.uint8]) -> tuple[Ints, npt.NDArray[np.int64]]:
        entries = np.empty(blocks.size, dtype=np.int32)
        starts = np.empty(blocks.shape[0] + 1, dtype=np.int64)
        status = lib.cs_scnn_encode(
            as_buffer(blocks, "uint8_t", np.uint8, "blocks"),
            *blocks.shape,
            (1 << self.index_bits) - 1,
            as_buffer(entries, "int32_t", np.int32, "entries", writable=True),
            entries.size,
            as_buffer(starts, "int64_t", np.int64, "starts", writable=True),
            starts.size,
        )
        check("cs_scnn_encode", status)
        return np.ascontiguousarray(entries[: starts[-1]]), starts

    def _part(
        self,
        shape: ConvShape,
        image: npt.NDArray[np.bool_],
        rows: list[Span],
        columns: list[Span],
        weights: tuple[Ints, npt.NDArray[np.int64]],
        across: int,
        counts: Any,
    ) -> int:
        """Cycles of one part of all tiles. All PEs lay out their accumulators alike, for the largest of them."""
        height = max(end - begin for begin, end in rows) + shape.r - 1
        pitch = max(end - begin for begin, end in columns) + shape.s - 1
        k, r, s = np.indices((across, shape.r, shape.s), dtype=np.int32).reshape(3, -1)
        of_weights = _Operand(*weights, self._bank((k * height + shape.r - 1 - r) * pitch + shape.s - 1 - s), r, s)
        tiles = [
            self._inputs(image[slice(*row), slice(*column)], row[0] + shape.pad, column[0] + shape.pad, pitch)
            for row in rows
            if row[0] < row[1]
            for column in columns
            if column[0] < column[1]
        ]
        params = ffi.new("cs_scnn_params *")
        params.weights, params.inputs, params.banks = self.weights, self.inputs, self.banks
        params.queue, params.fifo, params.rows, params.columns = self.bank_queue, self.weight_fifo, shape.p, shape.q
        waiting = np.empty(len(tiles) * self.banks, dtype=np.uint16)
        done = np.empty(len(tiles) + shape.c, dtype=np.int64)
        cycles = ffi.new("int64_t *")
        status = lib.cs_scnn_run(
            params,
            ffi.new("cs_scnn_operand *[]", [tile.c for tile in tiles]),
            len(tiles),
            of_weights.c,
            -(-shape.k // across),
            as_buffer(waiting, "uint16_t", np.uint16, "waiting", writable=True),
            waiting.size,
            as_buffer(done, "int64_t", np.int64, "done", writable=True),
            done.size,
            cycles,
            counts,
        )
        check("cs_scnn_run", status)
        return int(cycles[0])

    def _inputs(self, tile: npt.NDArray[np.bool_], row: int, column: int, pitch: int) -> _Operand:
        """A PE's inputs, a block of each channel; `row` and `column` of its first one, padding counted."""
        height, width, channels = tile.shape
        blocks = np.ascontiguousarray(tile.transpose(2, 0, 1), dtype=np.uint8).reshape(channels, height * width)
        rows, columns = np.indices((height, width), dtype=np.int32).reshape(2, -1)
        return _Operand(*self._encode(blocks), self._bank(rows * pitch + columns), rows + row, columns + column)

    def _bank(self, address: npt.NDArray[Any]) -> Ints:
        return (address % self.banks).astype(np.int32)


class _Operand:
    """A cs_scnn_operand that keeps its arrays alive."""

    def __init__(
        self,
        entries: Ints,
        starts: npt.NDArray[np.int64],
        bank: Ints,
        row: npt.NDArray[Any],
        column: npt.NDArray[Any],
    ) -> None:
        self.c = ffi.new("cs_scnn_operand *")
        self._alive = []
        for name, array, ctype, dtype in (
            ("entries", entries, "int32_t", np.int32),
            ("starts", starts, "int64_t", np.int64),
            ("bank", bank, "int32_t", np.int32),
            ("row", row, "int32_t", np.int32),
            ("column", column, "int32_t", np.int32),
        ):
            pointer = as_buffer(np.ascontiguousarray(array, dtype=dtype), ctype, dtype, name)
            self._alive.append(pointer)
            setattr(self.c, name, pointer)
        self.c.entry_count = entries.size
        self.c.blocks = starts.size - 1
        self.c.positions = bank.size
