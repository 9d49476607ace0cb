import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosim.models.tensors import BitTensor


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=4, max_side=70)))
def test_round_trip_and_counts(mask):
    bits = BitTensor.from_bool(mask)
    assert np.array_equal(bits.to_bool(), mask)
    assert bits.count() == np.count_nonzero(mask)
    assert np.array_equal(bits.counts(1), mask.reshape(mask.shape[0], -1).sum(axis=1))


def test_layout_bit_i_is_bit_i_mod_64_of_word_i_div_64():
    mask = np.zeros((2, 70), dtype=bool)
    mask[1, [0, 63, 64, 69]] = True
    assert BitTensor.from_bool(mask).words.tolist() == [[0, 0], [1 | 1 << 63, 1 | 1 << 5]]


def test_minus_zero_is_zero_and_nan_is_not():
    assert BitTensor.from_values(np.array([0.0, -0.0, np.nan, 1.0])).to_bool().tolist() == [
        False,
        False,
        True,
        True,
    ]


@given(st.integers(1, 63))
def test_padding_bits_must_be_zero(channels):
    with pytest.raises(ValueError, match="padding bits"):
        BitTensor((channels,), np.array([1 << channels], dtype=np.uint64))
