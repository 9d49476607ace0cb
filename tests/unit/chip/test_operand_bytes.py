"""What a tile loads, counted from the zeros that are in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip.operand_bytes import OperandBytes
from cosim.models.chip.spec import StorageSpec
from cosim.models.chip.tiling import sizes
from cosim.models.core import Tile
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload import Operation


def storage(form: str) -> StorageSpec:
    described = {"activations": form, "weights": form, "value_bits": 8, "accumulator_bits": 32, "word": "128 bit"}
    return StorageSpec.model_validate(described)


def operation(shape: ConvShape, stage: Stage, x: np.ndarray) -> Operation:
    full = BitTensor.from_bool(np.ones(shape.w_shape, dtype=bool))
    dy = BitTensor.from_bool(np.ones(shape.y_shape, dtype=bool))
    if stage is Stage.BP:
        return Operation("layer", stage, shape, ("a", "b", "c"), "d", w=full, dy=BitTensor.from_bool(x))
    if stage is Stage.FF:
        return Operation("layer", stage, shape, ("a", "b"), "d", x=BitTensor.from_bool(x), w=full)
    return Operation("layer", stage, shape, ("a", "b", "c"), "d", x=BitTensor.from_bool(x), dy=dy)


@given(st.data(), st.sampled_from(list(Stage)), st.sampled_from(["dense", "bitmap"]))
def test_only_the_groups_of_a_tile_s_channels_are_loaded(data: st.DataObject, stage: Stage, form: str) -> None:
    groups, c, k = (data.draw(st.integers(1, 4)) for _ in range(3))
    shape = ConvShape(2, groups * c, 5, 4, groups * k, 1, 1, groups=groups)
    images, _, channels, depth = sizes(shape, stage)
    mask = (
        np.random.default_rng(data.draw(st.integers(0, 9))).random(
            shape.y_shape if stage is Stage.BP else shape.x_shape
        )
        < 0.5
    )
    sized = OperandBytes(operation(shape, stage, mask), storage(form))
    picked = data.draw(st.lists(st.integers(0, channels - 1), min_size=1, unique=True))
    begin = data.draw(st.integers(0, depth - 1))
    tile = Tile((0, images), (1, 3), tuple(picked), (begin, data.draw(st.integers(begin + 1, depth))))
    # By the definition of a grouped convolution: output channel o of group g sums over the input channels of g.
    read = set()
    for channel in picked:
        group = channel // (channels // groups)
        read |= {group * (mask.shape[3] // groups) + at for at in range(*tile.depth)}
    part = mask[:, 1:3][..., sorted(read)]
    bits = 8 * part.size if form == "dense" else part.size + 8 * np.count_nonzero(part)
    loaded, offset = sized.input(tile)
    assert loaded == -(-bits // 8)
    # Within the room of the tensor, dense.
    assert offset + part.size <= mask.size


def test_depthwise_tiles_load_the_whole_once() -> None:
    shape = ConvShape(1, 6, 4, 4, 6, 1, 1, groups=6)
    sized = OperandBytes(operation(shape, Stage.FF, np.ones(shape.x_shape, dtype=bool)), storage("dense"))
    parts = [sized.input(Tile((0, 1), (0, 4), (low, low + 1), (0, 1))) for low in range(0, 6, 2)]
    assert parts == [(32, 0), (32, 32), (32, 64)]
    with pytest.raises(ValueError, match="an operand's mask is missing"):
        OperandBytes(Operation("layer", Stage.FF, shape, ("a", "b"), "d"), storage("dense"))
