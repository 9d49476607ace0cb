"""csrc/bits.c against its twin, at every alignment, and its refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import bits as twin

from cosim.clib import as_buffer, check, ffi, lib
from cosim.models.core.operands import join, transpose, words_of, zero_blocks
from cosim.models.tensors import BitTensor

pytestmark = pytest.mark.c_library

LENGTHS = st.one_of(st.integers(1, 20), st.sampled_from([63, 64, 65, 127, 128, 129, 200]))


@st.composite
def rows(draw, count=None, columns=None):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = (draw(st.integers(1, 5)) if count is None else count, draw(LENGTHS) if columns is None else columns)
    return rng.random(size) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))


def words(array):
    return as_buffer(array, "uint64_t", np.uint64, "words", writable=True)


def unpack(packed, columns):
    return BitTensor((packed.shape[0], columns), packed).to_bool()


@given(rows())
def test_pack_is_the_layout_of_bit_tensors(mask):
    values = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape).astype(np.uint8) | 1, np.uint8(0))
    expected = BitTensor.from_bool(mask).words
    packed = np.full(expected.shape, 7, dtype=np.uint64)
    buffer = as_buffer(values, "uint8_t", np.uint8, "values")
    check("cs_bits_pack", lib.cs_bits_pack(buffer, *mask.shape, words(packed), packed.size))
    assert np.array_equal(packed, expected)
    assert lib.cs_bits_pack(buffer, *mask.shape, words(packed), packed.size - 1) == lib.CS_EBUFFER


@given(rows())
def test_count_is_the_number_of_set_bits(mask):
    packed, total = BitTensor.from_bool(mask).words, ffi.new("int64_t *")
    check("cs_bits_count", lib.cs_bits_count(words(packed), packed.size, total))
    assert total[0] == twin.count(mask)


@given(rows(count=1), st.data())
def test_counts_of_ranges(mask, data):
    packed = BitTensor.from_bool(mask).words
    bounds = np.array(sorted(data.draw(st.lists(st.integers(0, mask.size), min_size=2, max_size=6))), dtype=np.int64)
    counts = np.zeros(bounds.size - 1, dtype=np.int64)
    pointers = [as_buffer(array, "int64_t", np.int64, "n", writable=True) for array in (bounds, counts)]
    check("count", lib.cs_bits_count_ranges(words(packed), packed.size, pointers[0], counts.size, pointers[1]))
    assert counts.tolist() == twin.count_ranges(mask[0], bounds.tolist())
    bounds[-1] = 64 * packed.size + 1
    found = lib.cs_bits_count_ranges(words(packed), packed.size, pointers[0], counts.size, pointers[1])
    assert found == lib.CS_EBUFFER
    bounds[:2] = 1, 0
    found = lib.cs_bits_count_ranges(words(packed), packed.size, pointers[0], counts.size, pointers[1])
    assert found == lib.CS_EINVAL


def stream(a, b, size, capacity):
    """The whole skip-index stream, in portions of `capacity`, and the statuses."""
    position, written = ffi.new("int64_t *"), ffi.new("size_t *")
    part = ffi.new("int32_t[]", capacity)
    found, statuses = [], []
    while True:
        status = lib.cs_bits_indices(words(a), b, a.size, size, position, part, capacity, written)
        found += list(part[0 : written[0]])
        statuses.append(status)
        if status != lib.CS_FULL:
            return found, statuses


@given(st.data(), LENGTHS, st.integers(1, 70))
def test_skip_indices_are_the_effectual_pairs_in_order_however_small_the_buffer(data, size, capacity):
    a, b = data.draw(rows(1, size)), data.draw(rows(1, size))
    packed_a, packed_b = BitTensor.from_bool(a).words, BitTensor.from_bool(b).words
    found, statuses = stream(packed_a, words(packed_b), size, capacity)
    assert found == twin.indices(a[0], b[0]) == np.flatnonzero(a[0] & b[0]).tolist()
    assert statuses[-1] == lib.CS_OK
    assert len(statuses) <= max(1, -(-len(found) // capacity))  # FULL only where more came
    assert stream(packed_a, ffi.NULL, size, capacity)[0] == np.flatnonzero(a[0]).tolist()


@given(st.data(), LENGTHS)
def test_skips_split_by_operand(data, size):
    a, b = data.draw(rows(1, size)), data.draw(rows(1, size))
    counts = ffi.new("int64_t[4]")
    packed = [BitTensor.from_bool(mask).words for mask in (a, b)]
    check("skips", lib.cs_bits_skips(words(packed[0]), words(packed[1]), packed[0].size, size, counts))
    assert list(counts) == twin.skips(a[0], b[0])


@given(rows(), st.data())
def test_join_and_transpose(mask, data):
    packed = BitTensor.from_bool(mask).words
    first = data.draw(st.integers(0, mask.shape[1] - 1))
    length = data.draw(st.integers(1, mask.shape[1] - first))
    pick = st.integers(0, mask.shape[0] - 1)
    segments = data.draw(st.integers(1, 4))
    picks = data.draw(st.lists(st.lists(pick, min_size=segments, max_size=segments), min_size=1, max_size=3))
    joined = join(packed, np.array(picks, dtype=np.int64) * packed.shape[1], first, length)
    assert np.array_equal(unpack(joined, segments * length), twin.join(mask, picks, first, length))
    columns = data.draw(st.lists(pick, min_size=1, max_size=140))
    turned = transpose(packed, np.array(columns, dtype=np.int64) * packed.shape[1], first, length)
    assert np.array_equal(unpack(turned, len(columns)), twin.transpose(mask, columns, first, length))


@pytest.mark.parametrize("length", [64, 65, 127, 129])
@pytest.mark.parametrize("first", [0, 1, 63, 70])
def test_join_and_transpose_of_more_than_a_word(first, length):
    mask = np.random.default_rng(0).random((3, 200)) < 0.5
    packed = BitTensor.from_bool(mask).words
    joined = join(packed, np.array([[1, 2], [0, 1]], dtype=np.int64) * packed.shape[1], first, length)
    assert np.array_equal(unpack(joined, 2 * length), twin.join(mask, [[1, 2], [0, 1]], first, length))
    turned = transpose(packed, np.array([2, 0], dtype=np.int64) * packed.shape[1], first, length)
    assert np.array_equal(unpack(turned, 2), twin.transpose(mask, [2, 0], first, length))


@pytest.mark.parametrize("size", [1, 62, 63, 64, 65, 127])
def test_set_bits_behind_the_last_are_no_part_of_a_row(size):
    ones, counts = np.full(2, 2**64 - 1, dtype=np.uint64), ffi.new("int64_t[4]")
    assert stream(ones, words(ones), size, 200)[0] == list(range(size))
    assert lib.cs_bits_skips(words(ones), words(ones), 2, size, counts) == lib.CS_OK
    assert list(counts) == [size, 0, 0, 0]


@given(rows(), st.sampled_from([1, 2, 3, 7, 16, 64, 65, 128, 1000]))
def test_zero_blocks(mask, window):
    flags = zero_blocks(BitTensor.from_bool(mask).words, mask.shape[1], window)
    blocks = -(-mask.shape[1] // window)
    assert flags.shape == (mask.shape[0], words_of(blocks))
    assert unpack(flags, blocks).tolist() == [twin.zero_blocks(row, window) for row in mask]


def test_the_twin_counts():
    mask = np.array([[True, False], [True, True]])
    assert twin.count(mask) == BitTensor.from_bool(mask).count() == 3


@pytest.mark.parametrize("offset", [-1, 3])
def test_an_offset_outside_the_source_is_refused(offset):
    source, out = np.zeros(3, dtype=np.uint64), np.zeros(4, dtype=np.uint64)
    offsets = np.array([offset], dtype=np.int64)
    pointer = as_buffer(offsets, "int64_t", np.int64, "offsets")
    assert lib.cs_bits_join(words(source), 3, pointer, 1, 1, 0, 64, words(out), 4, 1) == lib.CS_EINVAL
    assert lib.cs_bits_transpose(words(source), 3, pointer, 1, 0, 2, words(out), 4, 1) == lib.CS_EINVAL
    assert lib.cs_bits_join(words(source), 3, pointer, 1, 1, 0, 65, words(out), 4, 1) == lib.CS_EBUFFER


def test_a_stream_longer_than_its_buffer_is_refused():
    position, written = ffi.new("int64_t *"), ffi.new("size_t *")
    mask = np.zeros(1, dtype=np.uint64)
    arguments = (words(mask), ffi.NULL, 1, 65, position, ffi.NULL, 0, written)
    assert lib.cs_bits_indices(*arguments) == lib.CS_EBUFFER
    position[0] = -1
    arguments = (words(mask), ffi.NULL, 1, 64, position, ffi.NULL, 0, written)
    assert lib.cs_bits_indices(*arguments) == lib.CS_EINVAL


def test_rows_longer_than_sums_can_hold_are_refused():
    words_, offsets, huge = ffi.new("uint64_t[8]"), ffi.new("int64_t[6]"), 2**63 - 1
    for first, length in ((0, huge), (huge, 1), (0, 2**40 + 1), (2**40 + 1, 1)):
        join_status = lib.cs_bits_join(words_, 8, offsets, 1, 6, first, length, words_, 8, 1)
        assert join_status == lib.CS_EINVAL
        assert lib.cs_bits_transpose(words_, 8, offsets, 6, first, length, words_, 8, 1) == lib.CS_EINVAL
    assert lib.cs_bits_zero_blocks(words_, 8, 1, 8, huge, 1, words_, 8, 8) == lib.CS_EINVAL
    assert lib.cs_bits_zero_blocks(words_, 8, 1, 8, 64, huge, words_, 8, 8) == lib.CS_EINVAL
