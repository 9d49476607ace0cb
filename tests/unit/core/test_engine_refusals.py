"""What the C functions of the engine refuse, and with which status."""

import pytest

from cosim.clib import ffi, lib

pytestmark = pytest.mark.c_library


def one_word(walks):
    """One pattern of one row of 64 bits, all zero; its buffers, which live as long as they are kept."""
    lengths, starts = ffi.new("int32_t[]", [64]), ffi.new("int64_t[]", [0])
    ones, other = ffi.new("int32_t[]", [0]), ffi.new("uint64_t[]", [0])
    walks.patterns = walks.rows = 1
    walks.lengths, walks.starts, walks.ones, walks.other = lengths, starts, ones, other
    return lengths, starts, ones, other


def test_the_c_library_refuses_walks_that_do_not_fit_their_buffers():
    params = ffi.new("cs_core_params *")
    words = ffi.new("size_t *")
    assert lib.cs_core_state_words(params, 1, 64, 0, words) == lib.CS_EINVAL  # all zero
    for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
        setattr(params, name, 1)
    assert lib.cs_core_state_words(params, 1, 64, 0, words) == lib.CS_OK
    amid = ffi.cast("cs_core_params *", int(ffi.cast("uintptr_t", params)) + 2)
    assert lib.cs_core_state_words(amid, 1, 64, 0, words) == lib.CS_EBUFFER
    longest = 2**28  # keeps a group's clock within 31 bits
    assert lib.cs_core_state_words(params, 1, longest, 0, words) == lib.CS_OK
    assert lib.cs_core_state_words(params, 1, longest + 1, 0, words) == lib.CS_EINVAL
    assert lib.cs_core_state_words(params, 1, 64, 0, words) == lib.CS_OK
    state = ffi.new("uint64_t[]", words[0])
    assert lib.cs_core_init(state, words[0] - 1, params, 1, 64, 0) == lib.CS_EBUFFER
    walks, outputs = ffi.new("cs_core_walks *"), ffi.new("cs_core_outputs *")
    run = (ffi.NULL, 0, 0, 0, ffi.NULL, 0, 0, walks, outputs, ffi.NULL)
    assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_ESTATE  # before cs_core_init
    assert lib.cs_core_init(state, words[0], params, 1, 64, 0) == lib.CS_OK
    assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_EINVAL
    lengths, starts, ones, other = one_word(walks)
    assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_EBUFFER  # one row of one word, of other_count 0
    walks.other_count = 1
    assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_OK
    for pointer, name in ((lengths, "lengths"), (starts, "starts"), (ones, "ones"), (other, "other")):
        amid = int(ffi.cast("uintptr_t", pointer)) + 2
        setattr(walks, name, ffi.cast(ffi.typeof(getattr(walks, name)), amid))
        assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_EBUFFER, name
        setattr(walks, name, pointer)
    lengths[0] = 65
    assert lib.cs_core_run_walks(state, words[0], *run) == lib.CS_EINVAL  # longer than cs_core_init was told


def test_extents_whose_product_passes_every_integer_are_refused():
    params, words = ffi.new("cs_core_params *"), ffi.new("size_t *")
    for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
        setattr(params, name, 1)
    assert lib.cs_core_state_words(params, 1, 64, 0, words) == lib.CS_OK
    state = ffi.new("uint64_t[]", words[0])
    assert lib.cs_core_init(state, words[0], params, 1, 64, 0) == lib.CS_OK
    pixels, walks, outputs = ffi.new("cs_core_pixels *"), ffi.new("cs_core_walks *"), ffi.new("cs_core_outputs *")
    _kept = one_word(walks)
    walks.other_count = 1
    source, entries = ffi.new("uint64_t[]", [0]), ffi.new("int32_t[]", [0])
    pixels.source, pixels.source_count = source, 1
    pixels.row_source = pixels.column_source = pixels.row_pattern = pixels.column_pattern = entries
    for name in ("rows", "columns", "taps_r", "taps_s", "column_patterns"):
        setattr(pixels, name, 1)
    pixels.bits = 64
    for extent, status in ((1, lib.CS_OK), (1 << 16, lib.CS_EBUFFER)):  # 2**64 words are 0 in a size_t
        pixels.images = pixels.source_rows = pixels.source_columns = pixels.source_words = extent
        assert lib.cs_core_run_pixels(state, words[0], pixels, walks, outputs, ffi.NULL) == status
