"""Random cores, policies, layers, masks and tiles, each from one seed: what the twins of the core are compared on.

`draw_case` draws small values; `draw_wide_case` up to the limits of a chip file, and those limits themselves.
"""

import math
import random

import numpy as np

from cosim.models.core import CoreParams, Operands, SkipPolicy, Tile
from cosim.models.core.params import MAX_COARSE_UNIT, MAX_PARAMETER
from cosim.models.tensors import BitTensor, ConvShape, Stage


def bits(mask):
    return None if mask is None else BitTensor.from_bool(mask)


def draw_shape(rng):
    groups = rng.choice([1, 1, 1, 2, 3])
    r, s, pad = rng.randint(1, 3), rng.randint(1, 3), rng.randint(0, 2)
    return ConvShape(
        n=rng.randint(1, 2),
        c=groups * rng.choice([1, 3, 8, 20, 70]),
        h=rng.randint(max(1, r - 2 * pad), 4),
        w=rng.randint(max(1, s - 2 * pad), 4),
        k=groups * rng.choice([1, 2, 5, 9, 17]),
        r=r,
        s=s,
        stride=rng.randint(1, 3),
        pad=pad,
        groups=groups,
    )


def draw_params(rng):
    group = rng.randint(1, 9)
    return CoreParams(
        lanes=group * rng.randint(1, 3),
        group=group,
        window=rng.choice([1, 2, 3, 4, 5, 7, 8, 16, 32, 64, 100, 128]),
        queue=rng.choice([1, 2, 3, 4, 5, 8, 30]),
        macs_per_lane=rng.choice([1, 1, 1, 2, 3, 4]),
        run_ahead=rng.randint(1, 5),
        coarse_jump=rng.randint(0, 4),
        coarse_unit=(rng.randint(1, 3), rng.randint(1, 5)),
        pixel_reuse=rng.randint(1, 5),
        lane_latency=rng.randint(0, 4),
    )


def draw_wide(rng, small, limit):
    """Mostly `small`; else the limit, one less, or any magnitude up to it."""
    if rng.random() < 0.6:
        return small
    return rng.choice([limit, limit - 1, rng.randint(1, 1 << rng.randint(0, limit.bit_length() - 1))])


def draw_wide_shape(rng):
    """Deeper, with more channels or larger than those of draw_shape, all of it bounded by what a twin can step."""
    while True:
        groups, r, s = rng.choice([1, 1, 2, 5]), rng.choice([1, 1, 2, 3, 5]), rng.choice([1, 1, 2, 3, 5])
        pad = rng.choice([0, 1, 4])
        shape = ConvShape(
            n=rng.choice([1, 1, 2, 5]),
            c=groups * rng.choice([1, 2, 64, 130, 257, 1000]),
            h=rng.randint(max(1, r - 2 * pad), 12),
            w=rng.randint(max(1, s - 2 * pad), 12),
            k=groups * rng.choice([1, 2, 33, 64, 130, 300]),
            r=r,
            s=s,
            stride=rng.choice([1, 1, 2, 7]),
            pad=pad,
            groups=groups,
        )
        sizes = (shape.x_shape, shape.w_shape, shape.y_shape)
        if shape.macs <= 20_000 and max(math.prod(size) for size in sizes) <= 2_000:
            return shape


def draw_wide_params(rng):
    """Each parameter by itself mostly as in draw_params, sometimes up to the limit of the schema or exactly there."""
    small = draw_params(rng)
    most = MAX_PARAMETER
    group = draw_wide(rng, small.group, most)
    b_k, b_c = small.coarse_unit
    return CoreParams(
        lanes=group * min(draw_wide(rng, small.groups, most), most // group),
        group=group,
        window=draw_wide(rng, small.window, most),
        queue=draw_wide(rng, small.queue, most),
        macs_per_lane=draw_wide(rng, small.macs_per_lane, most),
        run_ahead=draw_wide(rng, small.run_ahead, most),
        coarse_jump=draw_wide(rng, small.coarse_jump, most),
        coarse_unit=(draw_wide(rng, b_k, MAX_COARSE_UNIT), draw_wide(rng, b_c, MAX_COARSE_UNIT)),
        pixel_reuse=draw_wide(rng, small.pixel_reuse, most),
        lane_latency=draw_wide(rng, small.lane_latency, most),
    )


def draw_policy(rng, stage):
    allowed = ["input", "weight"] if stage is Stage.FF else ["input", "weight", "output"]
    operands = frozenset(operand for operand in allowed if rng.random() < 0.7)
    return SkipPolicy(operands, fine=rng.random() < 0.8, coarse="weight" in operands and rng.random() < 0.7)


def draw_masks(rng, shape, stage):
    """Random masks; weights often with runs of zero channels, so that whole blocks lie in coarse units."""
    numbers = np.random.default_rng(rng.getrandbits(64))

    def mask(size):
        return numbers.random(size) < rng.choice([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])

    weights = mask(shape.w_shape) & mask((*shape.w_shape[:3], 1))
    if rng.random() < 0.5:
        runs = mask((*shape.w_shape[:3], -(-shape.w_shape[3] // 4)))
        weights &= np.repeat(runs, 4, axis=3)[..., : shape.w_shape[3]]
    needed = None
    if stage is not Stage.FF and rng.random() < 0.7:
        needed = mask(shape.x_shape if stage is Stage.BP else shape.w_shape)
    return {"x": mask(shape.x_shape), "w": weights, "dy": mask(shape.y_shape), "output_needed": needed}


def draw_tile(rng, shape, stage):
    def span(size):
        begin = rng.randrange(size) if rng.random() < 0.5 else 0
        return begin, rng.randint(begin + 1, size) if rng.random() < 0.5 else size

    whole = Tile.whole(shape, stage)
    channels = rng.sample(whole.channels, rng.randint(1, len(whole.channels)))
    return Tile(span(whole.images[1]), span(whole.rows[1]), tuple(channels), span(whole.depth[1]))


def operands_of(given_masks):
    return Operands(**{name: bits(mask) for name, mask in given_masks.items()})


def draw_case(seed):
    """Everything from one seed: an even spread over all parameters finds more than small, shrinkable cases do."""
    return _draw(seed, draw_shape, draw_params)


def draw_wide_case(seed):
    """The same with wide shapes (every other) and wide parameters."""
    return _draw(seed, draw_wide_shape if seed % 2 else draw_shape, draw_wide_params)


def _draw(seed, shape_of, params_of):
    rng = random.Random(seed)
    shape, stage = shape_of(rng), rng.choice(list(Stage))
    return (
        params_of(rng),
        draw_policy(rng, stage),
        shape,
        stage,
        draw_masks(rng, shape, stage),
        draw_tile(rng, shape, stage),
    )


def whole_masks(shape, value):
    full = {"x": shape.x_shape, "w": shape.w_shape, "dy": shape.y_shape}
    return {name: np.full(size, value) for name, size in full.items()}
