"""Cuts of random operations: everything is done exactly once, and every step fits half of each memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip.tiling import Buffers, DoesNotFitError, Split, Step, choose_split, regions, sizes, steps
from cosim.models.core import CoreParams, Operands, SkipPolicy, StaticOrder, Tile, run_tile
from cosim.models.tensors import BitTensor, ConvShape, Stage

PARAMS = CoreParams(
    lanes=8,
    group=4,
    window=8,
    queue=8,
    macs_per_lane=1,
    run_ahead=2,
    coarse_jump=0,
    coarse_unit=(1, 1),
    pixel_reuse=4,
    lane_latency=0,
)


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    def pick(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    r, s, pad = pick(1, 4), pick(1, 4), pick(0, 3)
    h, w = pick(max(1, r - 2 * pad), 8), pick(max(1, s - 2 * pad), 8)
    groups = draw(st.sampled_from([1, 1, 1, 2, 5]))
    return ConvShape(pick(1, 4), groups * pick(1, 6), h, w, groups * pick(1, 9), r, s, pick(1, 3), pad, groups)


@st.composite
def all_buffers(draw: st.DrawFn) -> Buffers:
    def room(most: int) -> int:
        return draw(st.sampled_from([8, 24, 50, 128, 333, 1024, most]))

    return Buffers(
        room(8192), room(8192), room(8192), draw(st.sampled_from([8, 9])), draw(st.sampled_from([8, 9])), 32, 4
    )


@st.composite
def splits(draw: st.DrawFn, shape: ConvShape, stage: Stage) -> Split:
    images, rows, channels, depth = sizes(shape, stage)
    spaces = [n for n in range(1, images * rows + 1) if n <= images or n % images == 0]
    return Split(
        draw(st.sampled_from(spaces)),
        draw(st.integers(1, channels)),
        1 if shape.groups > 1 else draw(st.integers(1, min(depth, 4))),
    )


def cut(
    shape: ConvShape, stage: Stage, split: Split, buffers: Buffers, channels: list[list[int]] | None = None
) -> list[list[tuple[Tile, list[Step]]]]:
    """The steps of all cores, partners side by side, as the mapper asks for them."""
    every = sizes(shape, stage)[2]
    lists = channels or StaticOrder().allocate(np.zeros(every, dtype=np.int64), split.channels, buffers.group)
    result = []
    for tiles in regions(shape, stage, split, lists):
        deepest = max(tile.depth[1] - tile.depth[0] for tile in tiles)
        result.append([(t, list(steps("layer", shape, stage, t, buffers, deepest=deepest))) for t in tiles])
    return result


def touched(shape: ConvShape, stage: Stage, tile: Tile) -> set[int]:
    """Rows of the input operand that some output row of the tile reads, by the definition of a convolution."""
    rows = set()
    for a in range(*tile.rows):
        for tap in range(shape.r):
            if stage is Stage.BP:
                row, odd = divmod(a + shape.pad - tap, shape.stride)
                if odd == 0 and 0 <= row < shape.p:
                    rows.add(row)
            elif 0 <= (row := a * shape.stride + tap - shape.pad) < shape.h:
                rows.add(row)
    return set(range(min(rows), max(rows) + 1)) if rows else set()


def need(shape: ConvShape, stage: Stage, tile: Tile, buffers: Buffers) -> tuple[int, int, int]:
    """Bytes of a tile in the three memories, at most."""
    images, depth = tile.images[1] - tile.images[0], tile.depth[1] - tile.depth[0]
    rows, channels = tile.rows[1] - tile.rows[0], len(tile.channels)
    taps, width = shape.r * shape.s, shape.q if stage is Stage.BP else shape.w
    of_a_group = (shape.c if stage is Stage.BP else shape.k) // shape.groups
    groups = len({channel // of_a_group for channel in tile.channels})
    read = images * len(touched(shape, stage, tile)) * width * depth * groups * buffers.input_bits
    outputs = channels * depth * taps if stage is Stage.WG else images * rows * channels
    if stage is not Stage.WG:
        outputs *= shape.w if stage is Stage.BP else shape.q
    mask = 0 if stage is Stage.FF else -(-outputs // 8)
    if stage is Stage.WG:
        other = -(-images * rows * shape.q * channels * buffers.other_bits // 8)
    elif stage is Stage.BP:
        other = depth * -(-taps * channels * buffers.other_bits // 8)
    else:
        other = -(-taps * channels * depth * buffers.other_bits // 8)
    return -(-read // 8) + mask, other, outputs * buffers.accumulator_bits // 8


@given(st.data(), shapes(), st.sampled_from(list(Stage)), all_buffers())
def test_partition(data: st.DataObject, shape: ConvShape, stage: Stage, buffers: Buffers) -> None:
    split = data.draw(splits(shape, stage))
    images, rows, channels, depth = sizes(shape, stage)
    try:
        sets = cut(shape, stage, split, buffers)
    except DoesNotFitError as error:
        assert "needs" in str(error) and "half of the memory" in str(error)
        assert min(buffers.input_bytes, buffers.other_bytes, buffers.output_bytes) < 1500
        return
    done = np.zeros((images, rows, channels, depth), dtype=np.int64)
    cores = 0
    for partners in sets:
        cores += len(partners)
        for _, one in partners:
            before: Step | None = None
            for step in one:
                tile = step.tile
                tile.check(shape, stage)
                done[np.ix_(range(*tile.images), range(*tile.rows), tile.channels, range(*tile.depth))] += 1
                for used, room in zip(
                    need(shape, stage, tile, buffers),
                    (buffers.input_bytes, buffers.other_bytes, buffers.output_bytes),
                    strict=True,
                ):
                    assert used <= room
                if step.reuses_other:
                    assert before is not None and stage is not Stage.WG
                    assert (before.tile.channels, before.tile.depth) == (tile.channels, tile.depth)
                outputs = of_outputs(stage, tile)
                assert step.first == (before is None or of_outputs(stage, before.tile) != outputs)
                if before is not None:
                    assert before.last == step.first
                before = step
            assert before is not None and before.last
        # Partners have the same outputs, in the same order.
        orders = [[of_outputs(stage, step.tile) for step in one if step.first] for _, one in partners]
        assert all(order == orders[0] for order in orders)
        assert len(set(orders[0])) == len(orders[0])
    assert (done == 1).all()
    assert cores <= split.cores


def of_outputs(stage: Stage, tile: Tile) -> tuple[object, ...]:
    return (tile.channels, tile.depth) if stage is Stage.WG else (tile.images, tile.rows, tile.channels)


@given(st.data(), shapes(), st.sampled_from(list(Stage)), all_buffers(), st.integers(0, 2**32 - 1))
def test_the_multiply_accumulates_of_all_steps_are_the_whole(
    data: st.DataObject, shape: ConvShape, stage: Stage, buffers: Buffers, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x, w, dy = (BitTensor.from_bool(random.random(s) < 0.5) for s in (shape.x_shape, shape.w_shape, shape.y_shape))
    operands = Operands(
        None if stage is Stage.BP else x, None if stage is Stage.WG else w, None if stage is Stage.FF else dy
    )
    policy = SkipPolicy(frozenset({"input", "weight"}))
    split = data.draw(splits(shape, stage))
    channels = random.permutation(sizes(shape, stage)[2]).tolist()
    lists = [channels[i :: split.channels] for i in range(split.channels)]
    try:
        sets = cut(shape, stage, split, buffers, lists)
    except DoesNotFitError:
        return
    results = [
        run_tile(PARAMS, policy, shape, stage, operands, step.tile)
        for partners in sets
        for _, one in partners
        for step in one
    ]
    whole = run_tile(PARAMS, policy, shape, stage, operands, Tile.whole(shape, stage))
    assert sum(result.macs for result in results) == whole.macs
    assert sum(result.dense_macs for result in results) == shape.macs


@given(shapes(), st.sampled_from(list(Stage)), st.integers(1, 16))
def test_the_chosen_split_is_possible(shape: ConvShape, stage: Stage, cores: int) -> None:
    split = choose_split(shape, stage, cores, 4, 8, 32)
    assert split.cores <= cores
    buffers = Buffers(1 << 16, 1 << 16, 1 << 16, 9, 9, 32, 4)
    assert sum(len(partners) for partners in cut(shape, stage, split, buffers)) <= cores


@pytest.mark.parametrize(("stage", "count"), [(Stage.FF, 2 * 112), (Stage.BP, 2 * 112), (Stage.WG, 2 * 56)])
def test_a_depthwise_layer_is_cut_by_its_groups(stage: Stage, count: int) -> None:
    """The first of MobileNetV2: three rows of all 32 channels need 12,096 bytes, of half of them 6,048."""
    shape = ConvShape(1, 32, 112, 112, 32, 3, 3, 1, 1, groups=32)
    (((_, one),),) = cut(shape, stage, Split(1, 1, 1), Buffers(8192, 8192, 8192, 9, 9, 32, 8))
    assert {len(step.tile.channels) for step in one} == {16}
    assert len(one) == count  # bands of one row, whose sums take 7,168 bytes; in WG of two, which read four


def test_a_band_of_rows_that_reads_padding_only() -> None:
    shape = ConvShape(1, 1, 1, 1, 1, 1, 1, 1, 3)
    (partners,) = cut(shape, Stage.FF, Split(1, 1, 1), Buffers(64, 64, 64, 8, 8, 32, 4))
    assert len(partners) == 1
    bands = cut(shape, Stage.FF, Split(7, 1, 1), Buffers(64, 64, 64, 8, 8, 32, 4))
    assert [one[0][1][0].tile.rows for one in bands] == [(row, row + 1) for row in range(7)]


@pytest.mark.parametrize("stage", [Stage.FF, Stage.BP])
def test_partners_of_unequal_depth_are_cut_alike(stage: Stage) -> None:
    # 5 channels on two cores are 2 and 3: filters for 4 channels would fit beside 2 of depth, not beside 3.
    shape = ConvShape(1, 5, 4, 4, 5, 3, 3, 1, 1)
    (partners,) = cut(shape, stage, Split(1, 1, 2), Buffers(512, 80, 512, 8, 8, 32, 1))
    counts = [sum(step.first for step in one) for _, one in partners]
    assert counts[0] == counts[1] > 1


@pytest.mark.parametrize(
    ("stage", "room", "message"),
    [
        (Stage.FF, (8, 64, 64), "the rows that one row of outputs reads needs 15 bytes, but half of the memory is 8"),
        (Stage.FF, (64, 8, 64), "one channel's filter of one input channel needs 9 bytes, but half"),
        (Stage.FF, (64, 64, 8), "one row of outputs needs 20 bytes, but half of the memory is 8 bytes"),
        (Stage.WG, (8, 64, 64), "the input rows of one row of dY needs 15 bytes, but half"),
        (Stage.WG, (64, 4, 64), "one row of dY needs 5 bytes, but half of the memory is 4 bytes"),
        (Stage.WG, (64, 64, 8), "one filter of dW needs 36 bytes, but half of the memory is 8 bytes"),
    ],
)
def test_what_does_not_fit(stage: Stage, room: tuple[int, int, int], message: str) -> None:
    shape = ConvShape(1, 1, 5, 5, 1, 3, 3, 1, 1)
    with pytest.raises(DoesNotFitError) as caught:
        list(steps("conv", shape, stage, Tile.whole(shape, stage), Buffers(*room, 8, 8, 32, 4)))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"layer 'conv', stage {stage}: ")
