"""The engine against the cycle-stepped twin, on every field, and against plain counts of non-zero pairs."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.core import run_tile as twin_run_tile
from twins.core_cases import bits, draw_case, draw_wide_case, operands_of, whole_masks

from cosim.isa import available
from cosim.models.core import DENSE, CoreParams, Operands, SkipPolicy, Tile, TileResult, run_operation, run_tile
from cosim.models.core.params import MAX_COARSE_UNIT, MAX_PARAMETER
from cosim.models.core.tile import COUNT_NAMES
from cosim.models.tensors import ConvShape, Stage

pytestmark = pytest.mark.c_library

BOTH = SkipPolicy(frozenset({"input", "weight"}))
ALL = SkipPolicy(frozenset({"input", "weight", "output"}), coarse=True)


def as_dict(result):
    found = {field.name: getattr(result, field.name) for field in fields(TileResult)}
    found["lane_cycles"] = list(found.pop("lane_busy_cycles"))
    found["group_cycles"] = list(found["group_cycles"])
    del found["mac_slots"]
    return found


def assert_equals_twin(seed, draw=draw_case):
    params, policy, shape, stage, masks, tile = draw(seed)
    operands = operands_of(masks)
    result = run_tile(params, policy, shape, stage, operands, tile)
    assert as_dict(result) == twin_run_tile(params, policy, shape, stage, masks, tile)
    for level in available():
        assert result == run_tile(params, policy, shape, stage, operands, tile, level=level)
    return result


@given(st.integers(0, 2**64))
@settings(max_examples=150)
def test_every_field_equals_the_cycle_stepped_twin(seed):
    assert_equals_twin(seed)


@given(st.integers(0, 2**64))
def test_every_field_equals_the_twin_up_to_the_limits_of_a_chip_file(seed):
    assert_equals_twin(seed, draw_wide_case)


@pytest.mark.slow
@given(st.integers(0, 2**64), st.sampled_from([draw_case, draw_wide_case]))
def test_every_field_equals_the_cycle_stepped_twin_on_many_cases(seed, draw):
    assert_equals_twin(seed, draw)


def test_the_drawn_cases_reach_every_count():
    reached = dict.fromkeys(COUNT_NAMES, 0)
    for seed in range(60):
        result = assert_equals_twin(seed)
        for name in reached:
            reached[name] += getattr(result, name) > 0
    assert min(reached.values()) >= 5, reached


def test_the_wide_cases_reach_every_limit_of_a_core_and_stay_small_mostly():
    drawn = [draw_wide_case(seed)[0] for seed in range(300)]
    for field in fields(CoreParams):
        values = [np.max(getattr(params, field.name)) for params in drawn]
        most = MAX_COARSE_UNIT if field.name == "coarse_unit" else MAX_PARAMETER
        assert sum(value == most for value in values) >= 10, field.name
        small = 1000 if field.name == "lanes" else 130  # lanes are drawn by group and number of groups
        assert sum(value <= small for value in values) >= 90, field.name


@pytest.mark.parametrize("macs_per_lane", [1, 2, 3])
@pytest.mark.parametrize("queue", range(1, 9))
def test_every_pair_of_blocks_before_an_empty_one_and_a_last_one(macs_per_lane, queue):
    """Each lane by itself: every number of indices in two blocks, then an empty block, then one index."""
    window = 9
    pairs_of_blocks = [(a, b) for a in range(window + 1) for b in range(window + 1)]
    walks = np.zeros((len(pairs_of_blocks), 4 * window), dtype=bool)
    for walk, (a, b) in zip(walks, pairs_of_blocks, strict=True):
        walk[:a] = walk[window : window + b] = walk[3 * window] = True
    shape = ConvShape(n=1, c=4 * window, h=1, w=1, k=len(walks), r=1, s=1)
    params = CoreParams(len(walks), 1, window=window, queue=queue, macs_per_lane=macs_per_lane)
    masks = {"x": np.ones(shape.x_shape, dtype=bool), "w": walks.reshape(shape.w_shape)}
    whole = Tile.whole(shape, Stage.FF)
    found = run_operation(params, BOTH, shape, Stage.FF, operands_of(masks))
    assert as_dict(found) == twin_run_tile(params, BOTH, shape, Stage.FF, masks, whole)


@pytest.mark.parametrize("length", [30_837, 30_838, 32_767, 40_000])
def test_long_walks_whose_cycles_do_not_fit_in_16_bits(length):
    """On both sides of the length at which the engine takes wider integers: the slowest lane stays in step with it."""
    shape = ConvShape(n=1, c=length, h=1, w=1, k=3, r=1, s=1)
    rng = np.random.default_rng(1)
    weights = np.stack([np.ones(length), rng.random(length) < 0.5, np.zeros(length)]).astype(bool)
    masks = {"x": np.ones(shape.x_shape, dtype=bool), "w": weights.reshape(shape.w_shape)}
    params = CoreParams(3, 3, window=16, queue=2, run_ahead=2)
    whole = Tile.whole(shape, Stage.FF)
    for level in available():
        found = run_tile(params, BOTH, shape, Stage.FF, operands_of(masks), whole, level=level)
        assert as_dict(found) == twin_run_tile(params, BOTH, shape, Stage.FF, masks, whole)
        assert found.cycles > length


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(("channels", "group"), [(40, 1), (40, 2), (70, 4), (5, 8)])
def test_more_groups_of_outputs_than_are_walked_at_once_and_fewer(stage, channels, group):
    shape = ConvShape(n=1, c=channels, h=3, w=4, k=channels, r=2, s=2, pad=1)
    rng = np.random.default_rng(channels + group)
    masks = {name: rng.random(mask.shape) < 0.4 for name, mask in whole_masks(shape, True).items()}
    params = CoreParams(3 * group, group, window=16, queue=5, run_ahead=2, pixel_reuse=3, lane_latency=1)
    found = run_operation(params, BOTH, shape, stage, operands_of(masks))
    assert as_dict(found) == twin_run_tile(params, BOTH, shape, stage, masks, Tile.whole(shape, stage))


@pytest.mark.parametrize("window", [240, 255, 256, 272, 600])
def test_wide_windows_without_a_zero(window):
    """A block's count goes beyond what a byte holds."""
    shape = ConvShape(n=1, c=700, h=1, w=1, k=2, r=1, s=1)
    masks = whole_masks(shape, True)
    params = CoreParams(2, 2, window=window, queue=7)
    found = run_operation(params, BOTH, shape, Stage.FF, operands_of(masks))
    assert as_dict(found) == twin_run_tile(params, BOTH, shape, Stage.FF, masks, Tile.whole(shape, Stage.FF))


# ---- laws ------------------------------------------------------------------------------------------------------


def pairs(shape, stage, masks):
    """Non-zero pairs of the whole operation, by sliding the output over the padded input."""
    x = np.pad(masks["x"], ((0, 0), (shape.pad,) * 2, (shape.pad,) * 2, (0, 0))).astype(np.int64)
    dy, w = masks["dy"].astype(np.int64), masks["w"].astype(np.int64)
    needed = masks["output_needed"]
    total = 0
    for g in range(shape.groups):
        ks = slice(g * shape.k // shape.groups, (g + 1) * shape.k // shape.groups)
        cs = slice(g * shape.c // shape.groups, (g + 1) * shape.c // shape.groups)
        for r, s in np.ndindex(shape.r, shape.s):
            rows = slice(r, r + (shape.p - 1) * shape.stride + 1, shape.stride)
            columns = slice(s, s + (shape.q - 1) * shape.stride + 1, shape.stride)
            seen = x[:, rows, columns, cs]
            if stage is Stage.FF:
                total += np.einsum("npqc,kc->", seen, w[ks, r, s])
            elif stage is Stage.WG:
                keep = np.ones_like(w) if needed is None else needed.astype(np.int64)
                total += np.einsum("npqc,npqk,kc->", seen, dy[..., ks], keep[ks, r, s])
            else:
                ones = np.ones_like(masks["x"]) if needed is None else needed
                kept = np.pad(ones, ((0, 0), (shape.pad,) * 2, (shape.pad,) * 2, (0, 0)))
                kept = kept[:, rows, columns, cs].astype(np.int64)
                total += np.einsum("npqk,npqc,kc->", dy[..., ks], kept, w[ks, r, s])
    return int(total)


@given(st.integers(0, 2**64))
def test_macs_are_the_non_zero_pairs_and_skips_make_up_the_rest(seed):
    params, _, shape, stage, masks, _ = draw_case(seed)
    policy = SkipPolicy(BOTH.operands, coarse=True) if stage is Stage.FF else ALL
    result = run_operation(params, policy, shape, stage, operands_of(masks))
    assert result.macs == pairs(shape, stage, masks)
    assert result.dense_macs == shape.macs
    assert result.skipped_macs == result.dense_macs - result.macs
    assert result.queue_in == result.queue_out == result.macs


@given(st.integers(0, 2**64))
def test_tiles_that_partition_an_operation_do_its_macs(seed):
    params, policy, shape, stage, masks, _ = draw_case(seed)
    whole = Tile.whole(shape, stage)
    operands = operands_of(masks)

    def halves(span):
        middle = (span[0] + span[1]) // 2
        return [part for part in ((span[0], middle), (middle, span[1])) if part[0] < part[1]]

    tiles = [
        Tile(images, rows, channels, depth)
        for images in halves(whole.images)
        for rows in halves(whole.rows)
        for channels in (whole.channels[::2], whole.channels[1::2])
        for depth in halves(whole.depth)
    ]
    parts = [run_tile(params, policy, shape, stage, operands, tile) for tile in tiles]
    result = run_tile(params, policy, shape, stage, operands, whole)
    for name in ("dense_macs", "macs", "queue_in", "skipped_output"):
        assert sum(getattr(part, name) for part in parts) == getattr(result, name), name
    assert sum(part.skipped_macs for part in parts) == result.skipped_macs


@given(st.integers(0, 2**64))
def test_lanes_are_never_busy_beyond_their_group(seed):
    params, policy, shape, stage, masks, tile = draw_case(seed)
    result = run_tile(params, policy, shape, stage, operands_of(masks), tile)
    assert result.cycles == max(result.group_cycles)
    for lane, busy in enumerate(result.lane_busy_cycles):
        assert 0 <= busy <= result.group_cycles[lane // params.group]
    assert result.macs <= result.mac_slots
    assert sum(result.lane_busy_cycles) * params.macs_per_lane >= result.macs


SHAPE = ConvShape(n=1, c=24, h=5, w=5, k=12, r=3, s=3, pad=1)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("window", [1, 16, 10, 64])
def test_without_a_zero_skipping_changes_nothing(stage, window):
    params = CoreParams(lanes=8, group=4, window=window, queue=6, run_ahead=3, coarse_jump=2, coarse_unit=(2, 4))
    operands = operands_of(whole_masks(SHAPE, True))
    policy = SkipPolicy(BOTH.operands, coarse=True)
    assert run_operation(params, policy, SHAPE, stage, operands) == run_operation(params, DENSE, SHAPE, stage, operands)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("policy", [BOTH, SkipPolicy(frozenset({"input"})), SkipPolicy(frozenset({"weight"}))])
def test_with_zeros_only_there_is_no_mac(stage, policy):
    params = CoreParams(lanes=8, group=4, window=16, queue=6)
    result = run_operation(params, policy, SHAPE, stage, operands_of(whole_masks(SHAPE, False)))
    assert result.macs == 0
    assert result.skipped_macs == SHAPE.macs
    assert result.cycles > 0  # zeros are scanned, not free
    assert result.utilisation == 0


# ---- single rules, with numbers worked out by hand ---------------------------------------------------------------


def lane_run(walk, outputs=1, **params):
    """A 1x1 layer on one pixel: lane i walks `walk` (or walk[i]), 1 where the weight is not zero."""
    walks = np.array([walk] * outputs if outputs else walk, dtype=bool)
    k, c = walks.shape
    shape = ConvShape(n=1, c=c, h=1, w=1, k=k, r=1, s=1)
    params = {"lanes": k, "group": k, "window": 4, "queue": 4} | params
    operands = operands_of({"x": np.ones(shape.x_shape, dtype=bool), "w": walks.reshape(shape.w_shape)})
    policy = SkipPolicy(BOTH.operands, coarse=True)
    return run_operation(CoreParams(**params), policy, shape, Stage.FF, operands)


def test_one_block_takes_a_scan_and_its_macs():
    assert lane_run([1, 1, 1, 1]).cycles == 5
    assert lane_run([0, 0, 0, 1]).cycles == 2


def test_an_empty_block_takes_one_cycle():
    assert lane_run([0] * 12).cycles == 3
    assert lane_run([0] * 12).scans == 3


def test_an_index_waits_for_room_at_the_start_of_the_cycle():
    # Queue of 2: two go in in cycle 0, none in 1 (full at its start), one each in 2 and 3; the last is taken in 4.
    assert lane_run([1, 1, 1, 1], queue=2).cycles == 5
    # Queue of 1: in and out in turn.
    assert lane_run([1, 1, 1, 1], queue=1).cycles == 8


def test_an_empty_block_is_scanned_while_the_queue_is_full():
    # Block 0 fills the queue in cycle 0; the empty blocks 1, 2 take cycles 1, 2; the queue is empty after cycle 4.
    assert lane_run([1, 1, 1, 1, *[0] * 8]).cycles == 5
    assert lane_run([1, 1, 1, 1, *[0] * 20]).cycles == 6


@pytest.mark.parametrize(("blocks", "cycles"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)])
def test_a_run_of_coarse_zero_blocks_costs_its_jumps_less_one(blocks, cycles):
    run = [0] * (4 * blocks)
    jumping = {"coarse_jump": 2, "coarse_unit": (1, 4)}
    assert lane_run(run, **jumping).cycles == cycles
    assert lane_run(run, **jumping).jumps == -(-blocks // 2)
    assert lane_run([*run, 1, 0, 0, 0], **jumping).cycles == cycles + 2
    # Behind a block: its MAC goes on while the scanner jumps.
    assert lane_run([1, 0, 0, 0, *run], **jumping).cycles == max(2, 1 + cycles)
    assert lane_run([1, 0, 0, 0, *run], **jumping).skipped_coarse == 4 * blocks


def test_a_block_half_in_a_coarse_unit_is_not_jumped():
    assert lane_run([0, 0, 0, 0, 0, 0, 0, 1], coarse_jump=8, coarse_unit=(1, 4)).jumps == 1
    assert lane_run([0, 0, 0, 0, 0, 0, 0, 1], coarse_jump=8, coarse_unit=(1, 8)).jumps == 0


@pytest.mark.parametrize(("run_ahead", "cycles"), [(1, 6), (2, 5), (3, 3)])
def test_a_fast_lane_leads_by_the_buffer_at_most(run_ahead, cycles):
    # Lane 0 (queue of 2) leaves its blocks in cycles 3, 4, 5. Lane 1 has three empty blocks: with a buffer of one block
    # it looks at block 1 in cycle 4 and at block 2 in cycle 5; with two, at block 2 in cycle 4; with three, at will.
    slow, empty = [1, 1, 1, 1, *[0] * 8], [0] * 12
    result = lane_run([slow, empty], outputs=0, queue=2, run_ahead=run_ahead)
    assert result.lane_busy_cycles == (6, cycles)


def test_the_barrier_adds_its_latency_to_every_group_of_outputs_even_an_empty_one():
    assert lane_run([0] * 4, outputs=2, coarse_jump=1, coarse_unit=(1, 4), lane_latency=3).cycles == 3
    assert lane_run([[1] * 4, [0] * 4], outputs=0, lane_latency=3).group_cycles == (8,)
    assert lane_run([[1] * 4, [0] * 4], outputs=0, group=1, lane_latency=3).group_cycles == (8, 4)


def test_groups_of_outputs_are_dealt_in_turn():
    walks = [[1] * 4, [0] * 4, [1] * 4]
    result = lane_run(walks, outputs=0, lanes=2, group=1)
    assert result.group_cycles == (10, 1)


def test_the_input_is_read_once_a_group_and_the_weights_once_for_so_many_pixels():
    shape = ConvShape(n=1, c=8, h=1, w=5, k=4, r=1, s=1)
    operands = operands_of(whole_masks(shape, True))
    result = run_operation(CoreParams(4, 2, window=4, queue=4, pixel_reuse=2), BOTH, shape, Stage.FF, operands)
    assert result.groups_run == 10
    assert result.input_block_reads == result.buffer_writes == 10 * 2
    assert result.scans == result.buffer_reads == 5 * 4 * 2
    assert result.other_block_reads == 4 * 2 * 3  # 4 channels, 2 blocks, pixels (0, 1), (2, 3), (4)
    assert result.buffer_accesses == 20 + 40


def test_a_lane_without_an_output_takes_no_cycles():
    assert lane_run([1, 1, 1, 1], lanes=4, group=4).lane_busy_cycles == (5, 0, 0, 0)


# ---- errors ------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_by_name():
    params = CoreParams(lanes=2, group=2, window=4, queue=2)
    masks = whole_masks(SHAPE, True)
    tile = Tile.whole(SHAPE, Stage.FF)
    with pytest.raises(ValueError, match=r"^stage bp needs the operand dy$"):
        run_tile(params, BOTH, SHAPE, Stage.BP, Operands(w=bits(masks["w"])), tile)
    with pytest.raises(ValueError, match=r"^x: expected the shape \(1, 5, 5, 24\), got \(12, 3, 3, 24\)$"):
        run_tile(params, BOTH, SHAPE, Stage.FF, Operands(x=bits(masks["w"]), w=bits(masks["w"])), tile)
    with pytest.raises(ValueError, match=r"^output_needed: expected the shape \(12, 3, 3, 24\), got"):
        run_operation(params, ALL, SHAPE, Stage.WG, operands_of(masks | {"output_needed": masks["x"]}))
    with pytest.raises(ValueError, match="feed-forward stage needs every output"):
        run_operation(params, BOTH, SHAPE, Stage.FF, operands_of(masks | {"output_needed": masks["dy"]}))
    with pytest.raises(ValueError, match="cannot skip 'output'"):
        run_operation(params, ALL, SHAPE, Stage.FF, operands_of(masks))


@pytest.mark.parametrize(
    ("x", "w", "policy", "cycles", "jumps"),
    [
        (True, True, DENSE, 145, 0),
        (False, True, BOTH, 9, 0),
        (True, False, SkipPolicy(frozenset({"input", "weight"}), coarse=True), 2, 3),
    ],
    ids=["nothing skipped", "all zero", "all coarse"],
)
def test_the_examples_of_the_documentation(x, w, policy, cycles, jumps):
    """docs/core.md: one lane, a walk of 144 indices in nine blocks."""
    shape = ConvShape(n=1, c=144, h=1, w=1, k=1, r=1, s=1)
    params = CoreParams(1, 1, window=16, queue=16, coarse_jump=4)
    masks = {"x": np.full(shape.x_shape, x), "w": np.full(shape.w_shape, w)}
    result = run_operation(params, policy, shape, Stage.FF, operands_of(masks))
    assert (result.cycles, result.jumps) == (cycles, jumps)
