"""Buffers are checked before a C call, statuses after it."""

import numpy as np
import pytest

from cosim.clib import KernelError, as_buffer, check, ffi, lib

pytestmark = pytest.mark.c_library


def test_counts_bits():
    words = np.array([0, 1, 2**64 - 1, 5], dtype=np.uint64)
    total = ffi.new("int64_t *")
    check("cs_bits_count", lib.cs_bits_count(as_buffer(words, "uint64_t", np.uint64, "words"), words.size, total))
    assert total[0] == 67


def test_an_empty_buffer_is_a_valid_one():
    words = np.zeros(0, dtype=np.uint64)
    total = ffi.new("int64_t *", 7)
    check("cs_bits_count", lib.cs_bits_count(as_buffer(words, "uint64_t", np.uint64, "words"), 0, total))
    assert total[0] == 0


def test_a_null_pointer_is_an_error_by_name():
    with pytest.raises(KernelError, match=r"^cs_bits_count: an argument breaks the contract \(status 2\)$"):
        check("cs_bits_count", lib.cs_bits_count(ffi.NULL, 1, ffi.new("int64_t *")))


@pytest.mark.parametrize(
    ("array", "writable", "error", "message"),
    [
        (np.zeros(4, np.float32), False, TypeError, "words: expected dtype uint64, got float32"),
        (np.zeros(8, np.uint64)[::2], False, ValueError, "words: must be C-contiguous"),
        (np.zeros(17, np.uint8)[1:].view(np.uint64), False, ValueError, "words: must be aligned to its elements"),
        (np.broadcast_to(np.uint64(0), (1,)), True, ValueError, "words: must be writable"),
        ([1, 2], False, TypeError, "words: expected a numpy array, got list"),
    ],
)
def test_a_wrong_buffer_is_refused_before_the_call(array, writable, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        as_buffer(array, "uint64_t", np.uint64, "words", writable=writable)
