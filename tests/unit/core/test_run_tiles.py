"""Many tiles in one go are what each of them is alone."""

import numpy as np
import pytest

from cosim.clib import ffi, lib
from cosim.models.core import CoreParams, Operands, SkipPolicy, Tile, engine, run_tile, run_tiles
from cosim.models.core.tile import COUNT_NAMES
from cosim.models.tensors import BitTensor, ConvShape, Stage

SHAPE = ConvShape(n=2, c=6, h=7, w=5, k=9, r=3, s=3, pad=1)
GROUPED = ConvShape(n=2, c=6, h=7, w=5, k=9, r=3, s=3, pad=1, groups=3)
PARAMS = CoreParams(
    lanes=4, group=2, window=8, queue=8, macs_per_lane=2, run_ahead=2, coarse_jump=2, coarse_unit=(2, 2)
)


def mask(shape, seed):
    return BitTensor.from_bool(np.random.default_rng(seed).random(shape) < 0.4)


def operands_of(shape, stage):
    needed = {Stage.FF: None, Stage.BP: mask(shape.x_shape, 4), Stage.WG: mask(shape.w_shape, 5)}[stage]
    x, w, dy = mask(shape.x_shape, 1), mask(shape.w_shape, 2), mask(shape.y_shape, 3)
    return Operands(
        x=None if stage is Stage.BP else x,
        w=None if stage is Stage.WG else w,
        dy=None if stage is Stage.FF else dy,
        output_needed=needed,
    )


@pytest.mark.parametrize("shape", [SHAPE, GROUPED], ids=["whole", "grouped"])
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("kept", [1, 4, 1 << 20])
def test_tiles_of_all_sizes_in_any_order(stage, shape, kept, monkeypatch):
    """However many tiles' cycles are kept at once (two groups of lanes each)."""
    monkeypatch.setattr(engine, "_MOST_CYCLES", kept)
    policy = SkipPolicy(frozenset({"input", "weight"} if stage is Stage.FF else {"weight", "output"}))
    operands = operands_of(shape, stage)
    every = range(shape.c if stage is Stage.BP else shape.k)
    tiles = [
        Tile((0, 2), (0, 7), tuple(every), (0, 2)),
        Tile((1, 2), (1, 7), (5,), (1, 2)),
        Tile((0, 2), (0, 7), tuple(every), (0, 2)),
        Tile((0, 1), (0, 7), (), (0, 1)),
        Tile((0, 1), (2, 7), (4, 0, 3), (0, 1)),
    ]
    found = run_tiles(PARAMS, policy, shape, stage, operands, tiles)
    alone = [run_tile(PARAMS, policy, shape, stage, operands_of(shape, stage), tile) for tile in tiles]
    assert found.cycles.tolist() == [result.cycles for result in alone]
    assert found.mac_slots.tolist() == [result.mac_slots for result in alone]
    for name in COUNT_NAMES:
        assert found.of(name).tolist() == [getattr(result, name) for result in alone]
        assert getattr(found.total(), name) == sum(getattr(result, name) for result in alone)
    assert found.cycles[0] > found.cycles[1] > 0 == found.cycles[3]


def test_a_state_has_room_for_every_smaller_tile():
    params, words = ffi.new("cs_core_params *"), ffi.new("size_t *")
    for name in ("lanes", "queue", "macs_per_lane", "run_ahead", "pixel_reuse", "coarse_jump"):
        setattr(params, name, 1)
    params.skip_other = params.fine = 1
    for group, window in ((1, 1), (4, 16), (6, 24), (96, 64)):
        params.lanes, params.group, params.window = 96, group, window
        sizes = np.zeros((8, 8), dtype=np.int64)
        for i, channels in enumerate((0, 1, 2, 3, 33, 97, 500, 5000)):
            for j, length in enumerate((0, 1, 15, 17, 64, 999, 4608, 99_999)):
                assert lib.cs_core_state_words(params, channels, length, 1, words) == lib.CS_OK
                sizes[i, j] = words[0]
        assert (np.diff(sizes, axis=0) >= 0).all()
        assert (np.diff(sizes, axis=1) >= 0).all()


def test_no_tile_costs_nothing():
    found = run_tiles(PARAMS, SkipPolicy(frozenset()), SHAPE, Stage.FF, operands_of(SHAPE, Stage.FF), [])
    assert found.cycles.tolist() == []
    assert found.total().outputs == 0


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        (Tile((0, 2), (0, 8), (0,), (0, 6)), r"^rows: expected a range within 0..7, got 0..8$"),
        (Tile((0, 2), (0, 7), (0, 9), (0, 6)), r"^channels: expected indices below 9, got 0..9$"),
        (Tile((0, 2), (0, 7), (1, 1), (0, 6)), r"^channels: each channel can be given once$"),
    ],
)
def test_a_tile_that_does_not_fit_is_named_wherever_it_comes(tile, message):
    operands, policy = operands_of(SHAPE, Stage.FF), SkipPolicy(frozenset())
    whole = Tile.whole(SHAPE, Stage.FF)
    with pytest.raises(ValueError, match=message):
        run_tiles(PARAMS, policy, SHAPE, Stage.FF, operands, [whole, tile])
    # The same channels have been seen before, in a tile that fits.
    with pytest.raises(ValueError, match=r"^depth: expected a range within 0..6, got 0..7$"):
        run_tiles(PARAMS, policy, SHAPE, Stage.FF, operands, [whole, Tile((0, 2), (0, 7), whole.channels, (0, 7))])
