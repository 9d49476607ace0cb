"""DCNN by hand."""

import numpy as np

from cosim.models.core import Dcnn, Operands, PlanarTiling
from cosim.models.tensors import BitTensor, ConvShape, Stage


def test_dcnn_by_hand():
    shape = ConvShape(n=2, c=6, h=5, w=5, k=11, r=3, s=3, pad=1)
    core = Dcnn(PlanarTiling(2, 2, 8), outputs=4, depth=4)
    x, w = (BitTensor.from_bool(np.ones(size, bool)) for size in (shape.x_shape, shape.w_shape))
    run = core.run(shape, Stage.FF, Operands(x=x, w=w))
    # Tiles of at most 3 x 3; 6 channels in 2 cycles; 8 + 3 output channels in 2 + 1.
    assert run.cycles == 2 * 9 * 9 * 2 * 3
    assert run.macs == run.dense_macs == shape.macs
    assert run.macs + run.events["padding_macs"] == 2 * 25 * 9 * 6 * 11
    assert run.multipliers == 64
