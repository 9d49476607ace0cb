#include "core_state.h"

#include <string.h>

#define WORD 64

/* A walk into a column, element by element; null for a walk of ones. */
static void lay_out_walk(const cs_core_state *state, const uint64_t *walk, int32_t length, int32_t blocks,
                         uint16_t *column) {
    const int32_t window = state->params.window, elements = state->elements;
    if (walk != NULL && window == elements * CS_CORE_ELEMENT) { /* without gaps */
        const int32_t all = blocks * elements, words = (int32_t)cs_words_of(length);
        const int32_t whole = cs_core_least(words, all / 4);
        int32_t i = 0;
        for (int32_t w = 0; w < whole; ++w, i += 4, column += 4 * CS_CORE_COLUMNS)
            for (int32_t j = 0; j < 4; ++j)
                column[j * CS_CORE_COLUMNS] = (uint16_t)(walk[w] >> (j * CS_CORE_ELEMENT));
        for (; i < all; ++i, column += CS_CORE_COLUMNS)
            *column = i / 4 < words ? (uint16_t)(walk[i / 4] >> (i % 4 * CS_CORE_ELEMENT)) : 0;
        return;
    }
    for (int32_t block = 0; block < blocks; ++block) {
        const int64_t begin = (int64_t)block * window, left = length - begin, bits = left < window ? left : window;
        for (int32_t from = 0; from < elements * CS_CORE_ELEMENT; from += CS_CORE_ELEMENT, column += CS_CORE_COLUMNS) {
            const int64_t step = bits - from < CS_CORE_ELEMENT ? bits - from : CS_CORE_ELEMENT;
            if (step <= 0)
                *column = 0;
            else
                *column =
                    walk == NULL ? (uint16_t)((1u << step) - 1) : (uint16_t)cs_read_bits(walk, begin + from, step);
        }
    }
}

/* The blocks that the lane jumps, by its coarse-zero flags, among those that it looks at; there the other operand has
 * no bit set. Returns the number of jumps.
 */
static int64_t lay_out_jumps(const cs_core_state *state, const uint64_t *flags, int32_t blocks, int16_t *jumps,
                             uint16_t *column) {
    int32_t run = 0, before = -2;
    int64_t number = 0;
    for (int32_t w = 0; w * WORD < blocks; ++w) {
        for (uint64_t set = flags[w]; set != 0; set &= set - 1) {
            const int32_t block = w * WORD + __builtin_ctzll(set);
            if (block >= blocks) break;
            if (block != before + 1) run = 0;
            const int used_up = run == state->params.coarse_jump;
            jumps[(size_t)block * CS_CORE_COLUMNS] = used_up ? CS_CORE_JUMPS_LATER : CS_CORE_JUMPS;
            number += used_up || run == 0;
            run = used_up ? 1 : run + 1;
            before = block;
            for (int32_t e = 0; e < state->elements; ++e)
                column[((size_t)block * (size_t)state->elements + (size_t)e) * CS_CORE_COLUMNS] = 0;
        }
    }
    return number;
}

/* A lane that the group does without. */
static void lay_out_none(const cs_core_state *state, int32_t blocks, int16_t *jumps, uint16_t *column) {
    for (int32_t i = 0; i < blocks * state->elements; ++i)
        column[(size_t)i * CS_CORE_COLUMNS] = 0;
    for (int32_t block = 0; jumps != NULL && block < blocks; ++block)
        jumps[(size_t)block * CS_CORE_COLUMNS] = CS_CORE_JUMPS;
}

static int64_t count_shared(const cs_core_state *state, const cs_core_pattern *pattern, const int32_t *rows) {
    int64_t shared = 0;
    for (size_t w = 0; w < pattern->coarse_words; ++w) {
        uint64_t all = ~(uint64_t)0;
        for (int32_t lane = 0; lane < state->max_lanes && rows[lane * CS_CORE_COLUMNS] >= 0; ++lane)
            all &= pattern->coarse[(size_t)rows[lane * CS_CORE_COLUMNS] * pattern->coarse_words + w];
        shared += __builtin_popcountll(all);
    }
    return shared;
}

void cs_core_lay_out_others(const cs_core_state *state, cs_core_bin *bin, const cs_core_pattern *pattern) {
    const int skip_other = state->params.skip_other && state->params.fine;
    const int32_t blocks = pattern->blocks;
    unsigned char *arrays = (unsigned char *)bin;
    const size_t lane_elements = (size_t)blocks * (size_t)state->elements * CS_CORE_COLUMNS;
    const size_t lane_jumps = (size_t)blocks * CS_CORE_COLUMNS;
    if (bin->laid_out == 0) {
        memset(&bin->sums, 0, sizeof bin->sums);
        bin->any_jumped = 0;
        if (pattern->coarse != NULL) /* CS_CORE_LOOKS */
            memset(arrays + state->jumps, 0xff, (size_t)state->max_lanes * lane_jumps * sizeof(int16_t));
    }
    for (int32_t lane = 0; lane < state->max_lanes; ++lane) {
        for (int32_t c = bin->laid_out; c < bin->columns; ++c) {
            uint16_t *column = (uint16_t *)(void *)(arrays + state->others) + (size_t)lane * lane_elements + c;
            int16_t *jumps = (int16_t *)(void *)(arrays + state->jumps) + (size_t)lane * lane_jumps + c;
            const int32_t row = ((const int32_t *)(void *)(arrays + state->rows))[lane * CS_CORE_COLUMNS + c];
            if (row < 0) {
                lay_out_none(state, blocks, pattern->coarse == NULL ? NULL : jumps, column);
                continue;
            }
            const uint64_t *other = pattern->other + (size_t)row * pattern->other_words;
            lay_out_walk(state, skip_other ? other : NULL, pattern->length, blocks, column);
            const int counts = c < bin->period;
            if (counts) bin->sums.ones += pattern->ones[row];
            if (pattern->coarse == NULL) continue;
            const uint64_t *flags = pattern->coarse + (size_t)row * pattern->coarse_words;
            const int64_t number = lay_out_jumps(state, flags, blocks, jumps, column);
            if (!counts || number == 0) continue;
            const int64_t jumped = cs_core_count_words(flags, pattern->coarse_words);
            const int32_t last = blocks - 1, rest = blocks * state->params.window - pattern->length;
            bin->any_jumped = 1;
            bin->sums.jumps += number;
            bin->sums.jumped_blocks += jumped;
            bin->sums.jumped_indices +=
                jumped * state->params.window - (((flags[last / WORD] >> (last % WORD)) & 1) ? rest : 0);
        }
    }
    for (int32_t c = bin->laid_out; bin->any_jumped && c < bin->period; ++c)
        bin->sums.shared_jumped += count_shared(state, pattern, (const int32_t *)(void *)(arrays + state->rows) + c);
    bin->laid_out = bin->columns;
}

void cs_core_lay_out_input(const cs_core_state *state, uint16_t *inputs, const uint64_t *walk,
                           const cs_core_pattern *pattern, int32_t first, int32_t number) {
    typedef uint16_t columns __attribute__((vector_size(2 * CS_CORE_COLUMNS), aligned(2), may_alias));
    columns own = {0};
    for (int32_t c = first; c < first + number; ++c)
        own[c] = 0xffff;
    lay_out_walk(state, walk, pattern->length, pattern->blocks, inputs + first);
    for (int32_t i = 0; number > 1 && i < pattern->blocks * state->elements; ++i, inputs += CS_CORE_COLUMNS) {
        columns *const row = (columns *)(void *)inputs;
        *row = (*row & ~own) | (own & inputs[first]);
    }
}
