"""Invariants 32 to 34: what is multiplied are the non-zero pairs, time has one account, and zeros change no byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.core_cases import draw_case, draw_wide_case, operands_of

from cosim.isa import available
from cosim.models.core import SkipPolicy, Tile, run_operation, run_tile
from cosim.models.numerics import Accumulate, Format, mac_bp, mac_ff, mac_wg, round_to
from cosim.models.tensors import ConvShape, Stage

pytestmark = pytest.mark.c_library

STAGES = {Stage.FF: mac_ff, Stage.BP: mac_bp, Stage.WG: mac_wg}
WAYS = [
    (Format.FP8_E4M3, Accumulate.FP32),
    (Format.FP8_E5M2, Accumulate.FP16),
    (Format.BF16, Accumulate.FP32),
    (Format.FP32, Accumulate.FP32),
    (Format.INT8, Accumulate.INT32),
]


@st.composite
def layers(draw):
    groups, r = draw(st.sampled_from([1, 2, 6])), draw(st.integers(1, 3))
    depthwise = draw(st.booleans())
    return ConvShape(
        n=draw(st.integers(1, 2)),
        c=groups * (1 if depthwise else draw(st.integers(1, 9))),
        h=draw(st.integers(r, 5)),
        w=draw(st.integers(r, 4)),
        k=groups * (1 if depthwise else draw(st.integers(1, 18))),
        r=r,
        s=r,
        stride=draw(st.integers(1, 2)),
        pad=draw(st.integers(0, r)),
        groups=groups,
    )


def tensors(shape, fmt, density, seed):
    """X, W, dY in the format; a share of them zero, of either sign."""
    rng = np.random.default_rng(seed)
    found = []
    for size in (shape.x_shape, shape.w_shape, shape.y_shape):
        values = round_to((rng.standard_normal(size) * 8).astype(np.float32), fmt)
        found.append(np.where(rng.random(size) < density, values, np.copysign(np.float32(0), values)))
    return found


def operands_by_stage(shape, fmt, density, seed):
    x, w, dy = tensors(shape, fmt, density, seed)
    return {Stage.FF: (x, w), Stage.BP: (dy, w), Stage.WG: (x, dy)}


def terms(shape, stage):
    """For each output, in walk order, the flat places of its two operands: written from the sums' definitions."""
    kg, cg = shape.k // shape.groups, shape.c // shape.groups
    walks = {}
    positions = [
        (n, p, q, r, s)
        for n in range(shape.n)
        for r in range(shape.r)
        for s in range(shape.s)
        for p in range(shape.p)
        for q in range(shape.q)
    ]
    for n, p, q, r, s in positions:
        h, w = p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad
        if not (0 <= h < shape.h and 0 <= w < shape.w):
            continue
        for k in range(shape.k):
            for c in range(cg):
                x, weight, y = (n, h, w, k // kg * cg + c), (k, r, s, c), (n, p, q, k)
                output, order, pair = {
                    Stage.FF: (y, (r, s, c), (x, weight)),
                    Stage.BP: (x, (r, s, k), (y, weight)),
                    Stage.WG: (weight, (n, p, q), (x, y)),
                }[stage]
                walks.setdefault(output, []).append((order, *pair))
    return {output: [pair for _, *pair in sorted(walk)] for output, walk in walks.items()}


def add(total, a, b, accumulate):
    """One multiply-accumulate."""
    if accumulate is Accumulate.INT32:
        return total + a * b
    total = np.float32(total + a * b)
    return total if accumulate is Accumulate.FP32 else np.float32(np.float16(np.clip(total, -65504, 65504))) + 0


@settings(max_examples=20)
@given(layers(), st.sampled_from(WAYS), st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 2**32))
def test_34_leaving_out_zeros_gives_the_bytes_of_adding_them_in_every_stage(shape, way, density, seed):
    fmt, accumulate = way
    for stage, (a, b) in operands_by_stage(shape, fmt, density, seed).items():
        dense = np.zeros({Stage.FF: shape.y_shape, Stage.BP: shape.x_shape, Stage.WG: shape.w_shape}[stage], np.float32)
        for output, walk in terms(shape, stage).items():
            total = np.float32(0)
            for i, j in walk:  # zeros and all
                total = add(total, a[i], b[j], accumulate)
            dense[output] = total
        for level in available():
            sparse = STAGES[stage](shape, a, b, accumulate, level=level)
            assert sparse.tobytes() == dense.tobytes(), (stage, level)


@settings(max_examples=40)
@given(layers(), st.integers(0, 2**64), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_32_macs_are_the_non_zero_pairs_of_the_skipped_operands(shape, seed, density):
    """Of every set of operands and every stage, fine and coarse; an output that is not needed has no pair."""
    params = draw_case(seed)[0]
    rng = np.random.default_rng(seed % 2**32)
    x, w, dy = (rng.random(size) < density for size in (shape.x_shape, shape.w_shape, shape.y_shape))
    for stage in Stage:
        needed = None
        if stage is not Stage.FF:
            needed = rng.random(shape.x_shape if stage is Stage.BP else shape.w_shape) < 0.7
        first, second = {Stage.FF: (x, w), Stage.BP: (dy, w), Stage.WG: (x, dy)}[stage]
        operands = operands_of({"x": x, "w": w, "dy": dy, "output_needed": needed})
        names = ["input", "weight"] + ([] if stage is Stage.FF else ["output"])
        walks = terms(shape, stage)
        for chosen in range(2 ** len(names)):
            skipped = frozenset(name for at, name in enumerate(names) if chosen >> at & 1)
            pairs = sum(
                ("input" not in skipped or first[i]) and ("weight" not in skipped or second[j])
                for output, walk in walks.items()
                if "output" not in skipped or needed[output]
                for i, j in walk
            )
            for coarse in {False, "weight" in skipped}:
                policy = SkipPolicy(skipped, coarse=coarse)
                result = run_operation(params, policy, shape, stage, operands)
                assert result.macs == pairs, (stage, policy)
                assert result.dense_macs == shape.macs == result.macs + result.skipped_macs


@given(st.integers(0, 2**64), st.sampled_from([draw_case, draw_wide_case]))
def test_33_a_core_is_never_faster_than_its_work_and_every_lane_s_cycle_has_one_account(seed, draw):
    params, policy, shape, stage, masks, tile = draw(seed)
    result = run_tile(params, policy, shape, stage, operands_of(masks), tile)
    for group, cycles in enumerate(result.group_cycles):
        for busy in result.lane_busy_cycles[group * params.group : (group + 1) * params.group]:
            at_barrier, idle = cycles - busy, result.cycles - cycles
            assert busy >= 0
            assert at_barrier >= 0
            assert idle >= 0
            assert busy + at_barrier + idle == result.cycles
    assert sum(result.lane_busy_cycles) >= -(-result.macs // params.macs_per_lane)
    assert sum(result.lane_busy_cycles) >= result.scans  # one block a cycle at most
    assert result.cycles * params.groups >= sum(result.group_cycles)


@given(st.integers(0, 2**64), st.integers(0, 3), st.sampled_from([draw_case, draw_wide_case]))
def test_45_density_0_multiplies_nothing_and_density_1_costs_what_dense_does(seed, stage, draw):
    params, _, shape, _, _, _ = draw(seed)
    stage = list(Stage)[stage % 3]
    policy = SkipPolicy(frozenset({"input", "weight"}))
    whole = Tile.whole(shape, stage)
    for value in (False, True):
        masks = {
            "x": np.full(shape.x_shape, value),
            "w": np.full(shape.w_shape, value),
            "dy": np.full(shape.y_shape, value),
        }
        result = run_tile(params, policy, shape, stage, operands_of(masks), whole)
        dense = run_tile(params, SkipPolicy(frozenset(), fine=False), shape, stage, operands_of(masks), whole)
        assert result.macs == (dense.macs if value else 0)
        if value:
            assert result == dense
