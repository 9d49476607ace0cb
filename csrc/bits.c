#include "bits.h"

#include <string.h>

#define WORD 64
/* No row is longer: sums and products of positions stay within 63 bits. */
#define MAX_BITS ((int64_t)1 << 40)

static int64_t count_range(const uint64_t *row, int64_t begin, int64_t end) {
    int64_t total = 0;
    while (begin < end) {
        int64_t step = WORD - begin % WORD;
        if (step > end - begin) step = end - begin;
        total += __builtin_popcountll(cs_read_bits(row, begin, step));
        begin += step;
    }
    return total;
}

/* Each offset leaves room for `need` words in a source of `count` words. */
static int offsets_fit(const int64_t *offsets, size_t number, size_t need, size_t count) {
    for (size_t i = 0; i < number; ++i)
        if (offsets[i] < 0 || (uint64_t)offsets[i] > count || need > count - (size_t)offsets[i]) return 0;
    return 1;
}

int32_t cs_bits_count(const uint64_t *words, size_t count, int64_t *set_bits) {
    if ((words == NULL && count > 0) || set_bits == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(words) | CS_ADDRESS(set_bits), sizeof(uint64_t))) return CS_EBUFFER;
    int64_t total = 0;
    for (size_t i = 0; i < count; ++i)
        total += __builtin_popcountll(words[i]);
    *set_bits = total;
    return CS_OK;
}

int32_t cs_bits_pack(const uint8_t *values, size_t rows, size_t columns, uint64_t *words, size_t count) {
    const size_t row_words = (columns + WORD - 1) / WORD;
    if ((values == NULL && rows * columns > 0) || (words == NULL && count > 0)) return CS_EINVAL;
    if (count < rows * row_words || !cs_aligned(CS_ADDRESS(words), sizeof(uint64_t))) return CS_EBUFFER;
    for (size_t row = 0; row < rows; ++row) {
        for (size_t w = 0; w < row_words; ++w) {
            const uint8_t *from = values + row * columns + w * WORD;
            const size_t number = columns - w * WORD < WORD ? columns - w * WORD : WORD;
            uint64_t word = 0;
            for (size_t i = 0; i < number; ++i)
                word |= (uint64_t)(from[i] != 0) << i;
            words[row * row_words + w] = word;
        }
    }
    return CS_OK;
}

int32_t cs_bits_count_ranges(const uint64_t *words, size_t count, const int64_t *bounds, size_t ranges,
                             int64_t *counts) {
    if (words == NULL || bounds == NULL || counts == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(words) | CS_ADDRESS(bounds) | CS_ADDRESS(counts), sizeof(uint64_t))) return CS_EBUFFER;
    if (bounds[0] < 0) return CS_EINVAL;
    for (size_t i = 0; i < ranges; ++i)
        if (bounds[i + 1] < bounds[i]) return CS_EINVAL;
    if (cs_words_of(bounds[ranges]) > count) return CS_EBUFFER;
    for (size_t i = 0; i < ranges; ++i)
        counts[i] = count_range(words, bounds[i], bounds[i + 1]);
    return CS_OK;
}

int32_t cs_bits_indices(const uint64_t *a, const uint64_t *b, size_t count, int64_t bits, int64_t *position,
                        int32_t *indices, size_t capacity, size_t *written) {
    if (a == NULL || position == NULL || written == NULL || (indices == NULL && capacity > 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(a) | CS_ADDRESS(b) | CS_ADDRESS(position) | CS_ADDRESS(written), sizeof(uint64_t)) ||
        !cs_aligned(CS_ADDRESS(indices), sizeof(uint32_t)))
        return CS_EBUFFER;
    if (bits < 0 || bits > INT32_MAX || *position < 0) return CS_EINVAL;
    if (cs_words_of(bits) > count) return CS_EBUFFER;
    size_t number = 0;
    int64_t at = *position;
    while (at < bits) {
        const int64_t word = at / WORD;
        uint64_t set = (b == NULL ? a[word] : a[word] & b[word]) & (~(uint64_t)0 << (at % WORD));
        if (bits - word * WORD < WORD) set &= ((uint64_t)1 << (bits - word * WORD)) - 1;
        for (; set != 0; set &= set - 1) {
            const int64_t index = word * WORD + __builtin_ctzll(set);
            if (number == capacity) {
                *position = index;
                *written = number;
                return CS_FULL;
            }
            indices[number++] = (int32_t)index;
        }
        at = (word + 1) * WORD;
    }
    *position = bits;
    *written = number;
    return CS_OK;
}

int32_t cs_bits_skips(const uint64_t *a, const uint64_t *b, size_t count, int64_t bits, int64_t *counts) {
    if (a == NULL || b == NULL || counts == NULL || bits < 0) return CS_EINVAL;
    if (cs_words_of(bits) > count || !cs_aligned(CS_ADDRESS(a) | CS_ADDRESS(b) | CS_ADDRESS(counts), sizeof(uint64_t)))
        return CS_EBUFFER;
    int64_t both = 0, only_a = 0, only_b = 0;
    for (int64_t at = 0; at < bits; at += WORD) {
        const uint64_t used = bits - at < WORD ? ((uint64_t)1 << (bits - at)) - 1 : ~(uint64_t)0;
        const uint64_t left = a[at / WORD] & used, right = b[at / WORD] & used;
        both += __builtin_popcountll(left & right);
        only_a += __builtin_popcountll(left & ~right);
        only_b += __builtin_popcountll(right & ~left);
    }
    counts[0] = both;
    counts[1] = only_b;
    counts[2] = only_a;
    counts[3] = bits - both - only_a - only_b;
    return CS_OK;
}

int32_t cs_bits_join(const uint64_t *source, size_t source_count, const int64_t *offsets, size_t rows, size_t segments,
                     int64_t first, int64_t length, uint64_t *out, size_t out_count, size_t out_row_words) {
    if (first < 0 || first > MAX_BITS || length < 1 || length > MAX_BITS) return CS_EINVAL;
    if (rows > INT32_MAX || segments > (1 << 20)) return CS_EINVAL;
    if (rows * segments > 0 && (source == NULL || offsets == NULL || out == NULL)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(source) | CS_ADDRESS(offsets) | CS_ADDRESS(out), sizeof(uint64_t))) return CS_EBUFFER;
    if (out_row_words < cs_words_of((int64_t)segments * length) || out_count < rows * out_row_words) return CS_EBUFFER;
    if (!offsets_fit(offsets, rows * segments, cs_words_of(first + length), source_count)) return CS_EINVAL;
    for (size_t row = 0; row < rows; ++row) {
        uint64_t *to = out + row * out_row_words;
        int64_t at = 0;
        for (size_t w = 0; w < out_row_words; ++w)
            to[w] = 0;
        for (size_t segment = 0; segment < segments; ++segment) {
            const uint64_t *from = source + offsets[row * segments + segment];
            for (int64_t done = 0; done < length; done += WORD) {
                const int64_t step = length - done < WORD ? length - done : WORD;
                cs_write_bits(to, at, step, cs_read_bits(from, first + done, step));
                at += step;
            }
        }
    }
    return CS_OK;
}

/* Transpose a 64 x 64 bit matrix in place: bit j of word i becomes bit i of word j (Hacker's Delight 7-3, mirrored). */
static void transpose_64(uint64_t block[WORD]) {
    uint64_t mask = 0x00000000FFFFFFFFu;
    for (int half = WORD / 2; half > 0; half /= 2, mask ^= mask << half) {
        for (int i = 0; i < WORD; i = (i + half + 1) & ~half) {
            const uint64_t swap = ((block[i] >> half) ^ block[i + half]) & mask;
            block[i] ^= swap << half;
            block[i + half] ^= swap;
        }
    }
}

int32_t cs_bits_transpose(const uint64_t *source, size_t source_count, const int64_t *offsets, size_t columns,
                          int64_t first, int64_t length, uint64_t *out, size_t out_count, size_t out_row_words) {
    if (first < 0 || first > MAX_BITS || length < 1 || length > MAX_BITS) return CS_EINVAL;
    if (columns > INT32_MAX) return CS_EINVAL;
    if (columns > 0 && (source == NULL || offsets == NULL || out == NULL)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(source) | CS_ADDRESS(offsets) | CS_ADDRESS(out), sizeof(uint64_t))) return CS_EBUFFER;
    if (out_row_words < cs_words_of((int64_t)columns) || out_count < (size_t)length * out_row_words) return CS_EBUFFER;
    if (!offsets_fit(offsets, columns, cs_words_of(first + length), source_count)) return CS_EINVAL;
    for (size_t w = 0; w < out_row_words; ++w) {
        const size_t begin = w * WORD;
        const size_t number = begin >= columns ? 0 : columns - begin < WORD ? columns - begin : WORD;
        for (int64_t row = 0; row < length; row += WORD) {
            const int64_t step = length - row < WORD ? length - row : WORD;
            uint64_t block[WORD];
            memset(block, 0, sizeof block);
            for (size_t i = 0; i < number; ++i)
                block[i] = cs_read_bits(source + offsets[begin + i], first + row, step);
            transpose_64(block);
            for (int64_t i = 0; i < step; ++i)
                out[(size_t)(row + i) * out_row_words + w] = block[i];
        }
    }
    return CS_OK;
}

int32_t cs_bits_zero_blocks(const uint64_t *words, size_t count, size_t rows, size_t row_words, int64_t bits,
                            int64_t window, uint64_t *flags, size_t flag_count, size_t flag_row_words) {
    if (bits < 0 || bits > MAX_BITS || window < 1 || window > MAX_BITS) return CS_EINVAL;
    const int64_t blocks = (bits + window - 1) / window;
    if ((words == NULL && count > 0) || (flags == NULL && flag_count > 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(words) | CS_ADDRESS(flags), sizeof(uint64_t))) return CS_EBUFFER;
    if (row_words < cs_words_of(bits) || count < rows * row_words) return CS_EBUFFER;
    if (flag_row_words < cs_words_of(blocks) || flag_count < rows * flag_row_words) return CS_EBUFFER;
    for (size_t row = 0; row < rows; ++row) {
        uint64_t *to = flags + row * flag_row_words;
        for (size_t w = 0; w < flag_row_words; ++w)
            to[w] = 0;
        for (int64_t i = 0; i < blocks; ++i) {
            const int64_t end = (i + 1) * window < bits ? (i + 1) * window : bits;
            const int zero = count_range(words + row * row_words, i * window, end) == 0;
            to[i / WORD] |= (uint64_t)zero << (i % WORD);
        }
    }
    return CS_OK;
}
