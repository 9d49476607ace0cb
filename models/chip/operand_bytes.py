"""Bytes: what tiles of operands and whole tensors take, dense or as bitmap and non-zero values.

A bitmap takes one bit an element, and each non-zero value its width; a tile of either is whole bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..core import Tile
from ..tensors import BitTensor, ConvShape, Stage
from ..workload import Iteration, Operation, TensorBytes, VectorWork
from .dataflow import FP32_BYTES, masks, result_elements
from .spec import ChipSpec, StorageSpec
from .tiling import Buffers, Split, choose_split, sizes, source_rows


@dataclass(frozen=True, slots=True)
class Piece:
    """A tile of an operand in memory: `bytes` in `rows` pieces `stride` bytes apart, the first at `offset`."""

    bytes: int
    offset: int
    rows: int
    stride: int


def storage_bits(elements: int, nonzeros: int, form: str, value_bits: int) -> int:
    """Bits of a tensor stored in this form."""
    return elements * value_bits if form == "dense" else elements + nonzeros * value_bits


def buffers(spec: ChipSpec, stage: Stage) -> Buffers:
    """What a step of this stage may occupy on the chip, each element taking the most bits that it can."""
    core, storage = spec.core, spec.storage
    other_form = storage.activations if stage is Stage.WG else storage.weights
    return Buffers(
        input_bytes=core.input_memory.size // 2,
        other_bytes=core.weight_memory.size // 2,
        output_bytes=core.output_memory.size // 2,
        input_bits=storage.value_bits + (storage.activations == "bitmap"),
        other_bits=storage.value_bits + (other_form == "bitmap"),
        accumulator_bits=storage.accumulator_bits,
        group=core.group,
    )


def split_for(spec: ChipSpec, shape: ConvShape, stage: Stage) -> Split:
    """How an operation is spread over the chip's cores."""
    core, noc = spec.core, spec.noc
    # What the network's memory ports can carry in a core cycle; only to choose by.
    ports = len(noc.memory_nodes) * noc.flit // 8
    per_cycle = max(1, int(ports * spec.clock / noc.clock))
    return choose_split(shape, stage, core.count, core.group, core.lanes * core.macs_per_lane, per_cycle)


class OperandBytes:
    """What the tiles of one operation load, from the zeros that really are in them."""

    def __init__(
        self, operation: Operation, storage: StorageSpec, channels: Sequence[Sequence[int]] | None = None
    ) -> None:
        """`channels` are the allocator's lists: tensors are stored in their order (by default, in the channels')."""
        self.operation = operation
        order = range(sizes(operation.shape, operation.stage)[2]) if channels is None else chain(*channels)
        self._rank = {channel: rank for rank, channel in enumerate(order)}
        self._value_bits = storage.value_bits
        stage = operation.stage
        first = operation.dy if stage is Stage.BP else operation.x
        other = operation.dy if stage is Stage.WG else operation.w
        if first is None or other is None:
            raise ValueError(f"layer '{operation.layer}', stage {stage}: an operand's mask is missing")
        self._first, self._other = first, other
        self._first_form = storage.activations
        self._other_form = storage.activations if stage is Stage.WG else storage.weights
        self._first_bool: npt.NDArray[np.bool_] | None = None
        self._other_bool: npt.NDArray[np.bool_] | None = None
        self._known: dict[tuple[object, ...], int] = {}

    def input(self, tile: Tile) -> tuple[int, int]:
        """Bytes of the input operand's part of a tile, and where it begins."""
        shape = self.operation.shape
        rows = source_rows(shape, self.operation.stage, tile.rows)
        groups = self._groups_of(tile)
        key = ("input", tile.images, rows, tile.depth, groups)
        _, height, width, channels = self._first.shape
        if key not in self._known:
            if self._first_bool is None:
                self._first_bool = self._first.to_bool()
            part = self._first_bool[slice(*tile.images), slice(*rows)]
            part = part.reshape(*part.shape[:3], shape.groups, channels // shape.groups)
            part = part[..., list(groups), slice(*tile.depth)] if shape.groups > 1 else part[..., slice(*tile.depth)]
            self._known[key] = self._bytes(part.size, int(np.count_nonzero(part)), self._first_form)
        before = (tile.images[0] * height + rows[0]) * width * channels
        pixels = (tile.images[1] - tile.images[0]) * (rows[1] - rows[0]) * width
        before += pixels * (shape.groups * tile.depth[0] + groups[0] * (tile.depth[1] - tile.depth[0]))
        return self._known[key], before * self._value_bits // 8

    def _groups_of(self, tile: Tile) -> tuple[int, ...]:
        """The groups of input channels that the tile's channels are sums over."""
        shape = self.operation.shape
        if shape.groups == 1:
            return (0,)
        of_a_group = (shape.c if self.operation.stage is Stage.BP else shape.k) // shape.groups
        return tuple(sorted({channel // of_a_group for channel in tile.channels}))

    def other(self, tile: Tile) -> Piece:
        """The other operand's part of a tile. BP reads weights transposed: a piece for each channel of depth."""
        shape, stage = self.operation.shape, self.operation.stage
        rank, channels = self._rank[tile.channels[0]], len(tile.channels)
        if stage is Stage.WG:
            key: tuple[object, ...] = ("other", tile.images, tile.rows, tile.channels)
            _, height, width, every = self._other.shape
            moved = self._cached(
                key, lambda whole: whole[slice(*tile.images), slice(*tile.rows)][..., list(tile.channels)]
            )
            before = (tile.images[0] * height + tile.rows[0]) * width * every
            before += (tile.images[1] - tile.images[0]) * (tile.rows[1] - tile.rows[0]) * width * rank
            return Piece(moved, before * self._value_bits // 8, 1, 0)
        taps = shape.r * shape.s
        key = ("other", tile.depth, tile.channels)
        if stage is Stage.FF:
            moved = self._cached(key, lambda whole: whole[list(tile.channels)][..., slice(*tile.depth)])
            before = taps * (rank * self._other.shape[3] + channels * tile.depth[0])
            return Piece(moved, before * self._value_bits // 8, 1, 0)
        # Weights (k, ..., c / groups): the group of an input channel says which output channels it is summed over.
        grouped = (shape.groups, shape.k // shape.groups, taps, shape.c // shape.groups)
        of, within = np.divmod(np.array(tile.channels), grouped[3])
        moved = self._cached(key, lambda whole: whole.reshape(grouped)[of, slice(*tile.depth), :, within])
        rows = tile.depth[1] - tile.depth[0]
        stride = taps * shape.c * self._value_bits // 8
        return Piece(
            -(-moved // rows) * rows, tile.depth[0] * stride + taps * rank * self._value_bits // 8, rows, stride
        )

    def mask(self, tile: Tile) -> tuple[int, int]:
        """Bytes of the mask of needed outputs that a tile reads, and where it begins."""
        shape = self.operation.shape
        rank, channels = self._rank[tile.channels[0]], len(tile.channels)
        if self.operation.stage is Stage.WG:
            depth = shape.c // shape.groups
            before = shape.r * shape.s * (rank * depth + channels * tile.depth[0])
        else:
            before = (tile.images[0] * shape.h + tile.rows[0]) * shape.w * shape.c
            before += (tile.images[1] - tile.images[0]) * (tile.rows[1] - tile.rows[0]) * shape.w * rank
        return -(-self.outputs(tile) // 8), before // 8

    def outputs(self, tile: Tile) -> int:
        """Outputs of a tile, the removed ones included."""
        shape = self.operation.shape
        if self.operation.stage is Stage.WG:
            return len(tile.channels) * (tile.depth[1] - tile.depth[0]) * shape.r * shape.s
        width = shape.w if self.operation.stage is Stage.BP else shape.q
        rows = tile.rows[1] - tile.rows[0]
        return (tile.images[1] - tile.images[0]) * rows * width * len(tile.channels)

    def _cached(self, key: tuple[object, ...], cut: object) -> int:
        if key not in self._known:
            if self._other_bool is None:
                self._other_bool = self._other.to_bool()
            part = cut(self._other_bool)  # type: ignore[operator]
            self._known[key] = self._bytes(part.size, int(np.count_nonzero(part)), self._other_form)
        return self._known[key]

    def _bytes(self, elements: int, nonzeros: int, form: str) -> int:
        return -(-storage_bits(elements, nonzeros, form, self._value_bits) // 8)


class TensorSizes:
    """Bytes of whole tensors by name: operands from their masks, everything else as the workload states it."""

    def __init__(self, iteration: Iteration, storage: StorageSpec) -> None:
        operations = iteration.operations
        self._storage = storage
        self._masks = masks(operations)
        self._weights = {operation.reads[1] for operation in operations if operation.stage is not Stage.WG}
        self._stored = {name: self._mask_bytes(mask, name) for name, mask in self._masks.items()}
        # Room: what is written at once; of what is only read, the most that is (who reads a tensor twice, as batch
        # normalisation does, states both passes). Masks of needed outputs: a bit an element.
        works = [step for step in iteration.steps if isinstance(step, VectorWork)]
        self._room: dict[str, int] = {}
        for tensor in (tensor for work in works for tensor in work.writes):
            self._room[tensor.tensor] = max(self._room.get(tensor.tensor, 0), tensor.bytes)
        written = set(self._room)
        for tensor in (tensor for work in works for tensor in work.reads):
            if tensor.tensor not in written:
                self._room[tensor.tensor] = max(self._room.get(tensor.tensor, 0), tensor.bytes)
        for operation in operations:
            if operation.output_needed is not None:
                self._room[operation.reads[2]] = -(-operation.output_needed.size // 8)
            if operation.writes not in written:
                self._room[operation.writes] = FP32_BYTES * result_elements(operation)

    def _form(self, tensor: str) -> str:
        return self._storage.weights if tensor in self._weights else self._storage.activations

    def stored_bytes(self, tensor: TensorBytes) -> int:
        """What reading or writing the tensor moves."""
        return self._stored.get(tensor.tensor, tensor.bytes)

    def dense_bytes(self, tensor: str) -> int:
        """The room that the tensor has in memory."""
        mask = self._masks.get(tensor)
        if mask is None:
            return self._room[tensor]
        bits = mask.size * (self._storage.value_bits + (self._form(tensor) == "bitmap"))
        return -(-bits // 8)

    def compulsory_bytes(self, iteration: Iteration) -> int:
        """The least DRAM traffic of the iteration with nothing kept on chip between layers: every operand of every
        operation read once, every result of vector work that is read again written once, in the chip's form."""
        total = 0
        read_somewhere = {name for operation in iteration.operations for name in operation.reads}
        for step in iteration.steps:
            if isinstance(step, Operation):
                for name in step.reads[:2]:
                    total += self._stored[name]
            elif isinstance(step, VectorWork):
                for tensor in step.writes:
                    if tensor.tensor in read_somewhere:
                        total += self.stored_bytes(tensor)
        return total

    def _mask_bytes(self, mask: BitTensor, name: str) -> int:
        return -(-storage_bits(mask.size, mask.count(), self._form(name), self._storage.value_bits) // 8)
