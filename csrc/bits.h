/* Packed zero masks: packing, counting, skip indices, and the re-ordering into walks.
 *
 * The layout is that of the Python class BitTensor: a row (a pixel's or a filter position's channels) is a whole number
 * of 64-bit words, bit i of it is bit i % 64 of word i / 64, bits behind the last element are zero.
 */
#ifndef CS_BITS_H
#define CS_BITS_H

#include "cs_common.h"

/* cffi: begin */
/* Number of set bits in `words[0..count)`. */
int32_t cs_bits_count(const uint64_t *words, size_t count, int64_t *set_bits);

/* Set bit i of each row where values[row * columns + i] != 0; `words` takes rows * ceil(columns / 64) words. */
int32_t cs_bits_pack(const uint8_t *values, size_t rows, size_t columns, uint64_t *words, size_t count);

/* counts[i] = set bits at positions bounds[i] .. bounds[i + 1] - 1, for i < ranges; bounds rise, within 64 * count. */
int32_t cs_bits_count_ranges(const uint64_t *words, size_t count, const int64_t *bounds, size_t ranges,
                             int64_t *counts);

/* The skip-index stream: the positions, in rising order, from *position up to (not including) `bits`, at which `a` and
 * `b` both are set; `b` may be null (then `a` alone counts). Writes at most `capacity` of them to `indices`, their
 * number to *written, and where to go on to *position. CS_OK when the stream is at its end, CS_FULL when more may come.
 */
int32_t cs_bits_indices(const uint64_t *a, const uint64_t *b, size_t count, int64_t bits, int64_t *position,
                        int32_t *indices, size_t capacity, size_t *written);

/* How the first `bits` pairs of `a` and `b` split: counts[0] both set, [1] only b set (a zero), [2] only a set (b
 * zero), [3] neither.
 */
int32_t cs_bits_skips(const uint64_t *a, const uint64_t *b, size_t count, int64_t bits, int64_t *counts);

/* Join `segments` bit ranges a row: row i of `out` is bits first .. first + length - 1 of source[offsets[i *
 * segments]], of source[offsets[i * segments + 1]], and so on (offsets in words). Rows of `out` have out_row_words
 * words, at least ceil(segments * length / 64); what is not used is zeroed.
 */
int32_t cs_bits_join(const uint64_t *source, size_t source_count, const int64_t *offsets, size_t rows, size_t segments,
                     int64_t first, int64_t length, uint64_t *out, size_t out_count, size_t out_row_words);

/* Transpose: bit j of row i of `out` is bit first + i of source[offsets[j]], for i < length and j < columns. Rows of
 * `out` have out_row_words words, at least ceil(columns / 64); what is not used is zeroed.
 */
int32_t cs_bits_transpose(const uint64_t *source, size_t source_count, const int64_t *offsets, size_t columns,
                          int64_t first, int64_t length, uint64_t *out, size_t out_count, size_t out_row_words);

/* Bit i of each row of `flags` is set iff positions i * window .. of that row (up to `bits`) hold no set bit; rows of
 * `flags` have flag_row_words words, at least ceil(ceil(bits / window) / 64).
 */
int32_t cs_bits_zero_blocks(const uint64_t *words, size_t count, size_t rows, size_t row_words, int64_t bits,
                            int64_t window, uint64_t *flags, size_t flag_count, size_t flag_row_words);
/* cffi: end */

static inline size_t cs_words_of(int64_t bits) {
    return (size_t)(bits / 64 + (bits % 64 != 0));
}

/* Bits first .. first + length - 1 (1 <= length <= 64) of a row; reads no word that holds none of them. */
static inline uint64_t cs_read_bits(const uint64_t *row, int64_t first, int64_t length) {
    const int64_t shift = first % 64;
    uint64_t value = row[first / 64] >> shift;
    if (shift + length > 64) value |= row[first / 64 + 1] << (64 - shift);
    return length == 64 ? value : value & (((uint64_t)1 << length) - 1);
}

/* Or `length` (1..64) bits into a zeroed row; writes no word that holds none of them. */
static inline void cs_write_bits(uint64_t *row, int64_t first, int64_t length, uint64_t value) {
    const int64_t shift = first % 64;
    row[first / 64] |= value << shift;
    if (shift + length > 64) row[first / 64 + 1] |= value >> (64 - shift);
}

#endif
