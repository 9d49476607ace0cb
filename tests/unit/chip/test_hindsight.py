"""What other orders of channels would have cost, with numbers worked out by hand."""

import numpy as np
import pytest

from cosim.models.chip.hindsight import OrderCost, allocators, cost_of
from cosim.models.chip.operation_run import work_by_channel
from cosim.models.chip.tiling import Split, Step, regions
from cosim.models.core import CoreParams, Operands, SkipPolicy, TileModel
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload import Operation

SHAPE = ConvShape(n=1, c=4, h=1, w=1, k=4, r=1, s=1)
MODEL = TileModel(CoreParams(lanes=1, group=1, window=4, queue=4))
POLICY = SkipPolicy(frozenset({"input", "weight"}))


def costs(order):
    """Two cores of one lane each; channels 0 and 1 have four weights (5 cycles), 2 and 3 have one (2 cycles)."""
    weights = np.zeros(SHAPE.w_shape, dtype=bool)
    weights[:2] = True
    weights[2:, ..., 0] = True
    x, w = BitTensor.from_bool(np.ones(SHAPE.x_shape, dtype=bool)), BitTensor.from_bool(weights)
    operation = Operation("fc", Stage.FF, SHAPE, ("x", "w"), "y", x=x, w=w)
    operands = Operands(x, w)
    channels = allocators(seed=0)[order].allocate(work_by_channel(operation, operands), 2, 1)
    tiles = [tile for partners in regions(SHAPE, Stage.FF, Split(1, 2, 1), channels) for tile in partners]
    return cost_of(
        MODEL, POLICY, operation, operands, [[Step(tile, reuses_other=False, first=True, last=True)] for tile in tiles]
    )


@pytest.mark.parametrize(("order", "longest"), [("static", 10), ("balanced", 7)])
def test_the_order_decides_how_long_the_busiest_core_takes(order, longest):
    assert costs(order) == OrderCost(core_cycles=14, longest_core_cycles=longest, mac_slots=14)


def test_no_core_costs_nothing():
    x = BitTensor.from_bool(np.ones(SHAPE.x_shape, dtype=bool))
    operation = Operation("fc", Stage.FF, SHAPE, ("x", "w"), "y", x=x, w=x)
    assert cost_of(MODEL, POLICY, operation, Operands(x, x), []) == OrderCost(0, 0, 0)
