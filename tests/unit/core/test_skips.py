"""csrc/skips.c against its twin, with every instruction set, and its refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import skips as twin

from cosim.clib import as_buffer, ffi, lib
from cosim.isa import available, code
from cosim.models.tensors import BitTensor

pytestmark = pytest.mark.c_library

BITS = st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 65, 255, 256, 257, 511, 512, 513, 1000]))


def count(level, a, b, group, bits, window, *, short=(0, 0, 0, 0, 0), lanes=None, blocks=True):
    """Status and counts; `short` makes a buffer so many entries shorter than it must be."""
    lanes = b.shape[0] if lanes is None else lanes
    sizes = [a.size, b.size, lanes, -(-lanes // max(group, 1)), lanes * (-(-bits // max(window, 1)))]
    dtypes = (np.uint64, np.uint64, np.int64, np.int64, np.int32)
    out = [np.full(max(size, 0), -7, dtype) for size, dtype in zip(sizes[2:], dtypes[2:], strict=True)]
    arrays = [a.reshape(-1), b.reshape(-1), *out]
    cut = [array[: max(0, array.size - less)] for array, less in zip(arrays, short, strict=True)]
    pointers = [
        as_buffer(array, f"{np.dtype(dtype).name}_t", dtype, "buffer", writable=True)
        for array, dtype in zip(cut, dtypes, strict=True)
    ]
    sized = [v for array, pointer in zip(cut, pointers, strict=True) for v in (pointer, array.size)]
    if not blocks:
        sized[8:] = (ffi.NULL, 0)
    status = lib.cs_skips_count(code(level), *sized[:4], lanes, group, bits, window, *sized[4:])
    return status, [array.tolist() for array in out]


@given(BITS, st.integers(1, 9), st.integers(1, 5), st.sampled_from([1, 3, 16, 64, 100]), st.integers(0, 2**32))
def test_counts_per_lane_group_and_block_are_those_of_the_twin(bits, lanes, group, window, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random((1, bits)) < rng.random(), rng.random((lanes, bits)) < rng.random()
    packed = BitTensor.from_bool(a).words, BitTensor.from_bool(b).words
    expected = twin.count(a[0], b, group, window)
    for level in available():
        assert count(level, *packed, group, bits, window) == (lib.CS_OK, [*expected])
        status, (per_lane, per_group, _) = count(level, *packed, group, bits, window, blocks=False)
        assert (status, per_lane, per_group) == (lib.CS_OK, *expected[:2])


def test_bits_behind_the_last_do_not_count():
    full = np.full((1, 1), 2**64 - 1, dtype=np.uint64)
    for level in available():
        assert count(level, full, full, 1, 5, 3) == (lib.CS_OK, [[5], [5], [3, 2]])


def test_what_does_not_fit_is_refused():
    words = np.zeros((2, 2), dtype=np.uint64)
    row = np.zeros(2, dtype=np.uint64)
    assert count("plain", row, words, 2, 128, 16)[0] == lib.CS_OK
    for at in range(5):
        short = [0] * 5
        short[at] = 1
        assert count("plain", row, words, 2, 128, 16, short=short)[0] == lib.CS_EBUFFER
    assert count("plain", row, words, 2, 129, 16)[0] == lib.CS_EBUFFER
    for group, bits, window, lanes in ((0, 128, 16, 2), (2, -1, 16, 2), (2, 128, 0, 2), (2, 128, 16, 0)):
        assert count("plain", row, words, group, bits, window, lanes=lanes)[0] == lib.CS_EINVAL
