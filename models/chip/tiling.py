"""How an operation is cut up: over the cores, and in each core into steps that fit its buffers.

The cut depends on shapes and capacities only, never on values, so chips of the same geometry cut alike. A region or
step is a `Tile` of the core model plus what it must hold locally.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ..core import Tile
from ..tensors import ConvShape, Stage


class DoesNotFitError(ValueError):
    """An operation cannot be cut so that it fits the buffers; `args` are (layer, stage, what, path of the memory)."""

    exit_code = 2

    def __init__(self, layer: str, stage: Stage, what: str, memory: tuple[str, ...] = ()) -> None:
        super().__init__(layer, stage, what, memory)

    def __str__(self) -> str:
        return f"layer '{self.args[0]}', stage {self.args[1]}: {self.args[2]}"


@dataclass(frozen=True, slots=True)
class Buffers:
    """What one step may occupy: half of each core memory, in bytes, and how wide its contents are, in bits."""

    input_bytes: int
    other_bytes: int
    output_bytes: int
    input_bits: int
    other_bits: int
    accumulator_bits: int
    group: int


@dataclass(frozen=True, slots=True)
class Split:
    """Over how many cores each dimension of a `Tile` is spread. Where it cuts the reduction (depth in FF and BP,
    space in WG), the cores' results are partial sums."""

    space: int
    channels: int
    depth: int

    @property
    def cores(self) -> int:
        """Cores used."""
        return self.space * self.channels * self.depth


@dataclass(frozen=True, slots=True)
class Step:
    """One COMPUTE: its tile, whether the weights (second operand) are those of the step before, and whether it starts
    and finishes its outputs (else they stay in the output memory)."""

    tile: Tile
    reuses_other: bool
    first: bool
    last: bool


def sizes(shape: ConvShape, stage: Stage) -> tuple[int, int, int, int]:
    """Images, rows, channels and depth of the whole operation, in the sense of `Tile`."""
    if stage is Stage.BP:
        return shape.n, shape.h, shape.c, shape.k // shape.groups
    return shape.n, shape.p, shape.k, shape.c // shape.groups


def source_rows(shape: ConvShape, stage: Stage, rows: tuple[int, int]) -> tuple[int, int]:
    """The rows of the input operand that the given rows of the tile need, without padding; maybe empty."""
    first, last = rows[0], rows[1] - 1
    if stage is Stage.BP:
        low = -(-(first + shape.pad - shape.r + 1) // shape.stride)
        high = (last + shape.pad) // shape.stride
        limit = shape.p
    else:
        low = first * shape.stride - shape.pad
        high = last * shape.stride - shape.pad + shape.r - 1
        limit = shape.h
    low, high = max(low, 0), min(high, limit - 1)
    return low, max(high + 1, low)


def spread(size: int, parts: int) -> list[tuple[int, int]]:
    """`size` indices in `parts` consecutive ranges, as even as possible, none empty (fewer parts if need be)."""
    parts = min(size, parts)
    return [(size * i // parts, size * (i + 1) // parts) for i in range(parts)]


@lru_cache(maxsize=4096)
def choose_split(shape: ConvShape, stage: Stage, cores: int, group: int, lanes: int, bytes_per_cycle: int) -> Split:
    """The split with the smallest estimate of dense cycles plus traffic cycles; ties go to the first in the order of
    (space, channels, depth). An estimate to choose by, from shapes only: nothing that is accounted for uses it."""
    images, rows, channels, depth = sizes(shape, stage)
    best: tuple[int, Split] | None = None
    for space in range(1, min(cores, images * rows) + 1):
        if space > images and (space % images or space // images > rows):
            continue  # images are split whole, or each into equally many bands of rows
        for across in range(1, min(cores // space, channels) + 1):
            for deep in range(1, min(cores // (space * across), depth) + 1):
                if shape.groups > 1 and deep > 1:
                    continue
                split = Split(space, across, deep)
                estimate = _estimate(shape, stage, split, group, lanes, bytes_per_cycle)
                if best is None or estimate < best[0]:
                    best = (estimate, split)
    assert best is not None
    return best[1]


def _estimate(shape: ConvShape, stage: Stage, split: Split, group: int, lanes: int, bytes_per_cycle: int) -> int:
    images, rows, channels, depth = sizes(shape, stage)
    across = -(-channels // split.channels)
    used = -(-across // group) * group
    # Channels of different groups read different input.
    copies = -(-split.channels // shape.groups)
    units = images * rows
    share = -(-units // split.space)
    cycles = shape.macs * share * used * -(-depth // split.depth) // (units * channels * depth * lanes)
    x, w, y = (_product(tensor) for tensor in (shape.x_shape, shape.w_shape, shape.y_shape))
    if stage is Stage.FF:
        traffic = x * copies + w * split.space + 4 * y * (split.depth - 1)
    elif stage is Stage.BP:
        traffic = y * copies + w * split.space + 4 * x * (split.depth - 1)
    else:
        traffic = x * copies + y * split.depth + 4 * w * (split.space - 1)
    return cycles + traffic // bytes_per_cycle


def _product(shape: Sequence[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def regions(shape: ConvShape, stage: Stage, split: Split, channels: Sequence[Sequence[int]]) -> list[list[Tile]]:
    """The tiles of the cores, those that share outputs (partial sums) side by side: one list per set of outputs.

    `channels` is the allocator's: `split.channels` lists, in lane order.
    """
    images, rows, _, depth = sizes(shape, stage)
    if split.space <= images:
        places = [(part, (0, rows)) for part in spread(images, split.space)]
    else:
        bands = spread(rows, split.space // images)
        places = [(part, band) for part in spread(images, images) for band in bands]
    depths = spread(depth, split.depth)
    sets: list[list[Tile]] = []
    if stage is Stage.WG:
        for across in channels:
            for deep in depths:
                sets.append([Tile(part, band, tuple(across), deep) for part, band in places])
    else:
        for part, band in places:
            for across in channels:
                sets.append([Tile(part, band, tuple(across), deep) for deep in depths])
    return [[tile for tile in tiles if tile.channels] for tiles in sets if tiles[0].channels]


def steps(
    layer: str, shape: ConvShape, stage: Stage, region: Tile, buffers: Buffers, *, deepest: int | None = None
) -> Iterator[Step]:
    """Cut a core's region into steps that fit half of each of its memories, in execution order.

    Cores that share outputs must cut them alike: `deepest` is the depth of the deepest of them (FF and BP; by default
    the region's own). Raises DoesNotFitError where not even the smallest step fits.
    """
    cut = _Cut(layer, shape, stage, region, buffers, deepest)
    yield from cut.weight_gradient() if stage is Stage.WG else cut.forward_or_back()


class _Cut:
    def __init__(
        self, layer: str, shape: ConvShape, stage: Stage, region: Tile, buffers: Buffers, deepest: int | None
    ) -> None:
        self.layer, self.shape, self.stage, self.region, self.buffers = layer, shape, stage, region, buffers
        self.deepest = deepest or region.depth[1] - region.depth[0]
        self.input_bytes = buffers.input_bytes - self._mask_bytes()

    def _mask_bytes(self) -> int:
        """Room in the input half for the mask of needed outputs (BP, WG), whether a policy reads it or not."""
        if self.stage is Stage.FF:
            return 0
        shape, region = self.shape, self.region
        if self.stage is Stage.WG:
            outputs = (region.depth[1] - region.depth[0]) * shape.r * shape.s
        else:
            outputs = (region.images[1] - region.images[0]) * (region.rows[1] - region.rows[0]) * shape.w
        outputs *= len(region.channels)
        return -(-min(outputs, 8 * self.buffers.output_bytes // self.buffers.accumulator_bits) // 8)

    def _fail(self, memory: str, what: str, need_bits: int, have_bytes: int) -> DoesNotFitError:
        need = -(-need_bits // 8)
        what = f"{what} needs {need} bytes, but half of the memory is {have_bytes} bytes"
        return DoesNotFitError(self.layer, self.stage, what, ("core", memory))

    def _no_room_for_input(self, what: str, need_bits: int) -> DoesNotFitError:
        error = self._fail("input_memory", what, need_bits, self.buffers.input_bytes)
        if mask := self._mask_bytes():
            layer, stage, text, memory = error.args
            return DoesNotFitError(layer, stage, f"{text}, and the mask of needed outputs takes {mask}", memory)
        return error

    def _input_bits(self, images: int, rows: tuple[int, int], depth: int, channels: int) -> int:
        """Bits of input at most: `channels` channels read as many groups of input, whichever they are."""
        low, high = source_rows(self.shape, self.stage, rows)
        width = self.shape.q if self.stage is Stage.BP else self.shape.w
        groups = min(self.shape.groups, channels)
        return images * (high - low) * width * depth * groups * self.buffers.input_bits

    def forward_or_back(self) -> Iterator[Step]:
        shape, buffers, region = self.shape, self.buffers, self.region
        taps = shape.r * shape.s
        width = shape.w if self.stage is Stage.BP else shape.q
        depth = region.depth[1] - region.depth[0]
        channels = len(region.channels)

        if buffers.other_bytes < self._weight_bytes(1, 1):
            what = "one channel's filter of one input channel"
            raise self._fail("weight_memory", what, taps * buffers.other_bits, buffers.other_bytes)
        if 8 * buffers.output_bytes < width * buffers.accumulator_bits:
            raise self._fail(
                "output_memory", "one row of outputs", width * buffers.accumulator_bits, buffers.output_bytes
            )
        rows_of_one = max(self._input_bits(1, (row, row + 1), 1, 1) for row in range(*region.rows))
        if 8 * self.input_bytes < rows_of_one:
            raise self._no_room_for_input("the rows that one row of outputs reads", rows_of_one)
        inputs = 8 * self.input_bytes // rows_of_one if rows_of_one else None  # rows of one input channel that fit

        # As deep as the input rows and a full group of weights allow; then as many channels; then as many rows.
        lanes = min(channels, buffers.group)
        deep = self.deepest
        if inputs is not None:
            deep = min(deep, max(1, inputs // min(shape.groups, lanes)))
        while deep > 1 and self._weight_bytes(lanes, deep) > buffers.other_bytes:
            deep -= 1
        across = min(channels, 8 * buffers.output_bytes // (width * buffers.accumulator_bits))
        if inputs is not None and shape.groups * deep > inputs:
            across = min(across, inputs // deep)
        while self._weight_bytes(across, deep) > buffers.other_bytes:
            across -= 1
        parts = -(-self.deepest // deep)
        depths = [(region.depth[0] + a, region.depth[0] + b) for a, b in spread(depth, parts)]
        widest = -(-self.deepest // parts)

        for low, high in spread(channels, -(-channels // across)):
            picked = region.channels[low:high]
            first_of_channels = True
            for images, rows in self._places(widest, len(picked), len(picked) * width * buffers.accumulator_bits):
                for at, part in enumerate(depths):
                    tile = replace(region, images=images, rows=rows, channels=picked, depth=part)
                    reuses = len(depths) == 1 and not first_of_channels
                    yield Step(tile, reuses, at == 0, at == len(depths) - 1)
                    first_of_channels = False

    def _weight_bytes(self, channels: int, depth: int) -> int:
        """Bytes of weights at most; BP reads them in a piece for each channel of depth, each of whole bytes."""
        bits = self.shape.r * self.shape.s * channels * self.buffers.other_bits
        return depth * -(-bits // 8) if self.stage is Stage.BP else -(-depth * bits // 8)

    def _places(
        self, depth: int, channels: int, row_output_bits: int
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Whole images while they fit, else bands of rows of one image."""
        region, buffers = self.region, self.buffers
        height = region.rows[1] - region.rows[0]
        images = region.images[1] - region.images[0]
        image_input = self._input_bits(1, region.rows, depth, channels)
        together = images
        if image_input:
            together = min(together, 8 * self.input_bytes // image_input)
        together = min(together, 8 * buffers.output_bytes // (height * row_output_bits))
        if together:
            for low, high in spread(images, -(-images // together)):
                yield (region.images[0] + low, region.images[0] + high), region.rows
            return
        band = min(height, 8 * buffers.output_bytes // row_output_bits)
        while band > 1 and not self._bands_fit(band, depth, channels):
            band -= 1
        for image in range(*region.images):
            for low, high in spread(height, -(-height // band)):
                yield (image, image + 1), (region.rows[0] + low, region.rows[0] + high)

    def _bands_fit(self, band: int, depth: int, channels: int) -> bool:
        first, last = self.region.rows
        pieces = spread(last - first, -(-(last - first) // band))
        return all(
            self._input_bits(1, (first + low, first + high), depth, channels) <= 8 * self.input_bytes
            for low, high in pieces
        )

    def weight_gradient(self) -> Iterator[Step]:
        shape, buffers, region = self.shape, self.buffers, self.region
        taps = shape.r * shape.s
        depth = region.depth[1] - region.depth[0]
        channels = len(region.channels)

        # Of all rows, not only the region's: cores that share outputs must cut them alike.
        one_row = max(self._input_bits(1, (row, row + 1), 1, 1) for row in range(shape.p))
        if 8 * self.input_bytes < one_row:
            raise self._no_room_for_input("the input rows of one row of dY", one_row)
        inputs = 8 * self.input_bytes // one_row if one_row else None  # rows of one input channel that fit
        if 8 * buffers.other_bytes < shape.q * buffers.other_bits:
            raise self._fail("weight_memory", "one row of dY", shape.q * buffers.other_bits, buffers.other_bytes)
        if 8 * buffers.output_bytes < taps * buffers.accumulator_bits:
            raise self._fail("output_memory", "one filter of dW", taps * buffers.accumulator_bits, buffers.output_bytes)

        across = min(channels, buffers.group, 8 * buffers.other_bytes // (shape.q * buffers.other_bits))
        across = min(across, 8 * buffers.output_bytes // (taps * buffers.accumulator_bits))
        if inputs is not None and shape.groups > inputs:
            across = min(across, inputs)
        deep = min(depth, 8 * buffers.output_bytes // (taps * across * buffers.accumulator_bits))
        deep = max(1, min(deep, inputs // min(shape.groups, across) if inputs is not None else deep))
        if deep == depth:
            across = min(channels, 8 * buffers.output_bytes // (taps * deep * buffers.accumulator_bits))
            across = min(across, 8 * buffers.other_bytes // (shape.q * buffers.other_bits))
            if inputs is not None and shape.groups * deep > inputs:
                across = min(across, inputs // deep)
        for low, high in spread(channels, -(-channels // across)):
            picked = region.channels[low:high]
            for begin, end in spread(depth, -(-depth // deep)):
                part = (region.depth[0] + begin, region.depth[0] + end)
                places = list(self._reduced_places(end - begin, len(picked)))
                for at, (images, rows) in enumerate(places):
                    tile = replace(region, images=images, rows=rows, channels=picked, depth=part)
                    yield Step(tile, False, at == 0, at == len(places) - 1)

    def _reduced_places(self, depth: int, channels: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        region, buffers, shape = self.region, self.buffers, self.shape
        images = region.images[1] - region.images[0]
        height = region.rows[1] - region.rows[0]
        image_input = self._input_bits(1, region.rows, depth, channels)
        image_other = height * shape.q * channels * buffers.other_bits
        together = min(images, 8 * buffers.other_bytes // image_other)
        if image_input:
            together = min(together, 8 * self.input_bytes // image_input)
        if together:
            for low, high in spread(images, -(-images // together)):
                yield (region.images[0] + low, region.images[0] + high), region.rows
            return
        band = max(1, min(height, 8 * buffers.other_bytes // (shape.q * channels * buffers.other_bits)))
        while band > 1 and not self._bands_fit(band, depth, channels):
            band -= 1
        for image in range(*region.images):
            for low, high in spread(height, -(-height // band)):
                yield (image, image + 1), (region.rows[0] + low, region.rows[0] + high)
