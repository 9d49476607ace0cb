"""Zeros by operand, as each stage names its operands, and what of them is known in time."""

import numpy as np
import pytest

from cosim.models.chip.zero_counts import known_before, zero_counts
from cosim.models.core import ZeroCounts
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.models.workload import Operation

SHAPE = ConvShape(n=1, c=3, h=2, w=2, k=4, r=1, s=1)


def mask(shape, nonzeros):
    bits = np.zeros(shape, dtype=bool)
    bits.reshape(-1)[:nonzeros] = True
    return BitTensor.from_bool(bits)


def operation(stage, needed=None):
    """12 inputs, 5 of them non-zero; 12 weights, 7; 16 gradients, 9."""
    masks = {"x": mask(SHAPE.x_shape, 5), "w": mask(SHAPE.w_shape, 7), "dy": mask(SHAPE.y_shape, 9)}
    unused = {Stage.FF: "dy", Stage.BP: "x", Stage.WG: "w"}[stage]
    named = {"layer": "conv", "stage": stage, "shape": SHAPE, "reads": (), "writes": ()}
    return Operation(**named, output_needed=needed, **(masks | {unused: None}))


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Stage.FF, {"input": ZeroCounts(5, 12), "weight": ZeroCounts(7, 12)}),
        (Stage.BP, {"input": ZeroCounts(9, 16), "weight": ZeroCounts(7, 12)}),
        (Stage.WG, {"input": ZeroCounts(5, 12), "weight": ZeroCounts(9, 16)}),
    ],
)
def test_the_operands_of_each_stage(stage, expected):
    """Without a mask every output is needed."""
    assert zero_counts(operation(stage)) == expected | {"output": ZeroCounts(1, 1)}


def test_outputs_that_are_not_needed_are_zeros():
    assert zero_counts(operation(Stage.BP, mask(SHAPE.x_shape, 2)))["output"] == ZeroCounts(2, 12)


def test_what_a_stage_knows_when_it_begins():
    assert known_before(Stage.FF) == ("weight",)
    assert known_before(Stage.BP) == ("weight", "output")
    assert known_before(Stage.WG) == ("input", "weight", "output")
