"""The Eyeriss v2 processing element: published cycles of sparse MobileNet layers, and an element that is stepped."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.core import EyerissV2Pe, Operands, Tile
from cosim.models.tensors import BitTensor, ConvShape, Stage

NAME = "eyeriss_v2_pe_layers.json"
FOLDERS = [Path(os.environ.get("COSIM_FACTS", "facts")), *(up / "shared" / "facts" for up in Path(__file__).parents)]
FILE = next((folder / NAME for folder in FOLDERS if (folder / NAME).is_file()), None)


def operands_of(x, w):
    return Operands(x=BitTensor.from_bool(x), w=BitTensor.from_bool(w))


def stepped(x, w, macs_per_cycle):
    """Walk the compressed columns: one turn of the inner loop a cycle."""
    cycles = macs = 0
    for channel in range(x.shape[-1]):
        filters = [k for k in range(w.shape[0]) if w[k, 0, 0, channel]]
        for activation in x[..., channel].reshape(-1):
            if not activation:
                continue
            waiting = list(filters)
            while waiting:
                macs += len(waiting[:macs_per_cycle])
                waiting = waiting[macs_per_cycle:]
                cycles += 1
    return cycles, macs


@given(st.integers(0, 2**32), st.one_of(st.integers(1, 3), st.integers(1, 2**20), st.just(2**20)))
def test_equals_the_stepped_element(seed, macs_per_cycle):
    rng = np.random.default_rng(seed)
    n, h, w, c, k = (int(size) for size in rng.integers(1, [3, 4, 4, 70, 9]))
    shape = ConvShape(n=n, c=c, h=h, w=w, k=k, r=1, s=1)
    x, weights = rng.random(shape.x_shape) < rng.random(), rng.random(shape.w_shape) < rng.random()
    result = EyerissV2Pe(macs_per_cycle).run_tile(shape, operands_of(x, weights), Tile.whole(shape, Stage.FF))
    assert (result.cycles, result.macs) == stepped(x, weights, macs_per_cycle)
    assert result.dense_macs == shape.macs
    assert result.skipped_input + result.skipped_other + result.skipped_both == shape.macs - result.macs
    assert result.skipped_both == sum(
        np.count_nonzero(~x[..., i]) * np.count_nonzero(~weights[..., i]) for i in range(c)
    )


def test_a_tile_is_its_part_of_the_layer():
    rng = np.random.default_rng(3)
    shape = ConvShape(n=2, c=66, h=3, w=2, k=5, r=1, s=1)
    x, w = rng.random(shape.x_shape) < 0.5, rng.random(shape.w_shape) < 0.5
    tile = Tile((1, 2), (0, 2), (4, 1), (2, 65))
    result = EyerissV2Pe().run_tile(shape, operands_of(x, w), tile)
    part = stepped(x[1:2, 0:2, :, 2:65], w[[4, 1], :, :, 2:65], 1)
    assert (result.cycles, result.macs) == part


def test_a_synthetic_layer():
    # Channel 0: 3 activations, 2 weights; channel 1: 4 and 1; channel 2: 0 and 3.
    x = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 1, 0]], dtype=bool).reshape(1, 4, 1, 3)
    w = np.array([[1, 0, 1], [1, 1, 1], [0, 0, 1]], dtype=bool).reshape(3, 1, 1, 3)
    shape = ConvShape(n=1, c=3, h=4, w=1, k=3, r=1, s=1)
    whole = Tile.whole(shape, Stage.FF)
    assert EyerissV2Pe().run_tile(shape, operands_of(x, w), whole).cycles == 3 * 2 + 4 * 1
    assert EyerissV2Pe(2).run_tile(shape, operands_of(x, w), whole).cycles == 3 * 1 + 4 * 1


@pytest.mark.skipif(FILE is None, reason=f"published counts are not part of the project: put {NAME} into $COSIM_FACTS")
@pytest.mark.parametrize("layer", ["L07", "L09", "L13", "L19"])
def test_published_cycles_come_out_exactly(layer):
    facts = json.loads(FILE.read_text())[layer]
    shape = ConvShape(n=1, c=facts["C"], h=facts["E"], w=facts["F"], k=facts["M"], r=1, s=1)
    assert shape.macs == facts["dense_macs"]
    pixels, filters = np.arange(facts["E"] * facts["F"])[:, None], np.arange(facts["M"])[:, None]
    x = (pixels < np.array(facts["nnz_iact_per_channel"])).reshape(shape.x_shape)
    w = (filters < np.array(facts["nnz_weight_per_channel"])).reshape(shape.w_shape)
    result = EyerissV2Pe().run_tile(shape, operands_of(x, w), Tile.whole(shape, Stage.FF))
    assert result.cycles == result.macs == facts["published_cycles"]


def test_what_is_not_pointwise_is_refused():
    shape = ConvShape(n=1, c=1, h=3, w=3, k=1, r=3, s=3)
    with pytest.raises(ValueError, match=r"^modelled for pointwise layers only"):
        EyerissV2Pe().run_tile(shape, Operands(), Tile.whole(shape, Stage.FF))
    with pytest.raises(ValueError, match="macs_per_cycle must be at least 1"):
        EyerissV2Pe(0)
