"""Masks that are drawn: how many non-zeros, and where."""

import pytest

from cosim.models.core.masks import MaskSpec
from cosim.models.numerics.streams import Stream


def test_densities_zero_and_one_are_exact():
    for density in (0.0, 1.0):
        mask = MaskSpec(density=density, coarse=0.5).draw((64, 3, 3, 64), Stream(1, "x"))
        assert mask.mean() == density


@pytest.mark.parametrize("coarse", [0.0, 0.5, 1.0])
def test_the_coarse_share_of_the_zeros_lies_in_units(coarse):
    mask = MaskSpec(density=0.3, coarse=coarse, unit=(4, 8)).draw((64, 3, 3, 64), Stream(2, "x"))
    assert abs(mask.mean() - 0.3) < 0.05
    units = ~mask.reshape(16, 4, 3, 3, 8, 8).any(axis=(1, 5))
    assert abs(units.mean() - 0.7 * coarse) < 0.05
    if coarse == 1.0:
        assert (~mask).sum() == units.sum() * 32


def test_units_at_the_edge_are_cut_off():
    mask = MaskSpec(density=0.0, coarse=1.0, unit=(4, 4)).draw((5, 1, 1, 7), Stream(2, "x"))
    assert mask.shape == (5, 1, 1, 7)
    assert not mask.any()


def test_a_unit_larger_than_the_tensor_is_the_whole_of_it():
    whole = MaskSpec(density=0.5, coarse=0.5, unit=[5, 7]).draw((5, 1, 1, 7), Stream(2, "x"))
    assert (MaskSpec(density=0.5, coarse=0.5, unit=[2**24, 2**24]).draw((5, 1, 1, 7), Stream(2, "x")) == whole).all()
