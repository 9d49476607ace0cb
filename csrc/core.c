#include "core_state.h"

#include <string.h>

#define WORD 64
/* A walk takes at most three cycles an index or block; this keeps a group's clock within 31 bits. */
#define MAX_LENGTH (1 << 28)

#define STATE_MAGIC 0x65726f632d736f63u

static int valid(const cs_core_params *params) {
    return params->lanes >= 1 && params->group >= 1 && params->lanes % params->group == 0 &&
           params->lanes <= (1 << 20) && params->window >= 1 && params->queue >= 1 && params->queue <= (1 << 28) &&
           params->macs_per_lane >= 1 && params->macs_per_lane <= (1 << 28) && params->run_ahead >= 1 &&
           params->pixel_reuse >= 1 && params->coarse_jump >= 0 && params->lane_latency >= 0 &&
           cs_isa_usable(params->isa);
}

/* Lay the arrays out behind the header. None is shorter for more channels or a longer walk. */
static void lay_out(cs_core_state *state) {
    const cs_core_params *params = &state->params;
    const size_t blocks = (size_t)state->max_blocks, channels = (size_t)state->channels;
    const size_t words = cs_words_of(state->max_length);
    size_t at = (sizeof *state + 7) / 8;
#define PLACE(name, bytes) (state->name = at, at += ((size_t)(bytes) + 7) / 8)
    PLACE(group_cycles, (size_t)(params->lanes / params->group) * sizeof(int64_t));
    PLACE(lane_cycles, (size_t)params->lanes * sizeof(int64_t));
    PLACE(reuse_outputs, channels * sizeof(int32_t));
    PLACE(reuse_blocks, channels * sizeof(int32_t));
    PLACE(reuse_seen, state->coarse ? channels * cs_words_of(state->max_blocks) * sizeof(uint64_t) : 0);
    state->kept_words = at;
    PLACE(walk, (words + 1) * sizeof(uint64_t));
    PLACE(kept, (channels + 1) * sizeof(int32_t));
#undef PLACE
    state->scratch = at;

    const size_t lanes = (size_t)state->max_lanes, vectors = lanes * CS_CORE_COLUMNS;
    const size_t strip = lanes > CS_CORE_STRIP ? lanes : CS_CORE_STRIP;
    const size_t elements = blocks * (size_t)state->elements * CS_CORE_COLUMNS;
    at = 0;
#define PLACE(name, bytes) (state->name = at, at += ((size_t)(bytes) + CS_CORE_LINE - 1) / CS_CORE_LINE * CS_CORE_LINE)
    PLACE(found, strip * CS_CORE_COLUMNS * sizeof(int32_t));
    PLACE(inputs_found, CS_CORE_STRIP * CS_CORE_COLUMNS * sizeof(int32_t));
    PLACE(ready, vectors * sizeof(int32_t));
    PLACE(empty, vectors * sizeof(int64_t));
    PLACE(allowed,
          params->run_ahead < state->max_blocks ? (size_t)params->run_ahead * CS_CORE_COLUMNS * sizeof(int32_t) : 0);
    PLACE(cycles, vectors * sizeof(int32_t));
    PLACE(taken, vectors * sizeof(int32_t));
    PLACE(inputs_jumped, vectors * sizeof(int32_t));
    state->first_bin = at;

    at = (sizeof(cs_core_bin) + CS_CORE_LINE - 1) / CS_CORE_LINE * CS_CORE_LINE;
    PLACE(inputs, elements * sizeof(uint16_t));
    PLACE(others, lanes * elements * sizeof(uint16_t));
    PLACE(jumps, state->coarse ? lanes * blocks * CS_CORE_COLUMNS * sizeof(int16_t) : 0);
    PLACE(rows, (size_t)cs_core_least(params->group, state->channels) * CS_CORE_COLUMNS * sizeof(int32_t));
#undef PLACE
    state->bin_bytes = at;

    const size_t parts = channels / ((size_t)CS_CORE_COLUMNS * (size_t)params->group) + 1;
    const size_t least = (parts < CS_CORE_BINS ? parts : CS_CORE_BINS) * at;
    const size_t bytes = least > CS_CORE_BIN_BYTES ? least : CS_CORE_BIN_BYTES;
    state->bins = bytes / at < CS_CORE_BINS ? (int32_t)(bytes / at) : CS_CORE_BINS;
    state->words = state->scratch + (CS_CORE_LINE + state->first_bin + bytes + 7) / 8;
}

static int32_t set_up(cs_core_state *state, const cs_core_params *params, int32_t channels, int32_t max_length,
                      int32_t coarse) {
    if (params == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(params)) return CS_EBUFFER;
    if (!valid(params) || channels < 0 || max_length < 0 || max_length > MAX_LENGTH) return CS_EINVAL;
    memset(state, 0, sizeof *state);
    state->magic = STATE_MAGIC;
    state->params = *params;
    state->channels = channels;
    state->max_length = max_length;
    state->coarse = coarse != 0;
    state->max_blocks = (int32_t)cs_core_blocks_of(max_length, params->window);
    state->elements = (int32_t)cs_core_blocks_of(cs_core_least(params->window, max_length), CS_CORE_ELEMENT);
    state->alike = !(params->skip_other && params->fine) && !state->coarse;
    state->max_lanes = state->alike || channels == 0 ? 1 : cs_core_least(params->group, channels);
    lay_out(state);
    return CS_OK;
}

int32_t cs_core_state_words(const cs_core_params *params, int32_t channels, int32_t max_length, int32_t coarse,
                            size_t *words) {
    cs_core_state state;
    if (words == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(words), sizeof(uint64_t))) return CS_EBUFFER;
    const int32_t status = set_up(&state, params, channels, max_length, coarse);
    if (status == CS_OK) *words = state.words;
    return status;
}

int32_t cs_core_init(uint64_t *state, size_t state_words, const cs_core_params *params, int32_t channels,
                     int32_t max_length, int32_t coarse) {
    cs_core_state header;
    if (state == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(state), sizeof(uint64_t))) return CS_EBUFFER;
    const int32_t status = set_up(&header, params, channels, max_length, coarse);
    if (status != CS_OK) return status;
    if (state_words < header.words) return CS_EBUFFER;
    memset(state, 0, header.kept_words * sizeof *state);
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

cs_core_pattern cs_core_pattern_of(const cs_core_state *state, const cs_core_walks *walks, int32_t pattern) {
    cs_core_pattern out;
    out.length = walks->lengths[pattern];
    out.blocks = (int32_t)cs_core_blocks_of(out.length, state->params.window);
    out.other = walks->other + walks->starts[pattern];
    out.other_words = cs_words_of(out.length);
    out.ones = walks->ones + (size_t)pattern * (size_t)walks->rows;
    out.coarse = state->coarse ? walks->coarse + walks->coarse_starts[pattern] : NULL;
    out.coarse_words = cs_words_of(out.blocks);
    return out;
}

/* ---- the tile's sets ------------------------------------------------------------------------------------------- */

static int32_t open_state(const uint64_t *state, size_t state_words, cs_core_state *header) {
    if (state == NULL) return CS_EINVAL;
    if (state_words < (sizeof *header + 7) / 8 || !cs_aligned(CS_ADDRESS(state), sizeof(uint64_t))) return CS_EBUFFER;
    memcpy(header, state, sizeof *header);
    if (header->magic != STATE_MAGIC) return CS_ESTATE;
    return state_words < header->words ? CS_EBUFFER : CS_OK;
}

static int32_t check_walks(const cs_core_state *state, const cs_core_walks *walks) {
    if (walks != NULL && !cs_aligned(CS_ADDRESS(walks), sizeof(uint64_t))) return CS_EBUFFER;
    if (walks == NULL || walks->patterns < 1 || walks->rows < 0 || walks->lengths == NULL || walks->starts == NULL ||
        walks->ones == NULL || (walks->other == NULL && walks->other_count > 0))
        return CS_EINVAL;
    if (state->coarse && (walks->coarse_starts == NULL || (walks->coarse == NULL && walks->coarse_count > 0)))
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(walks->starts) | CS_ADDRESS(walks->other), sizeof(uint64_t)) ||
        !cs_aligned(CS_ADDRESS(walks->lengths) | CS_ADDRESS(walks->ones), sizeof(uint32_t)))
        return CS_EBUFFER;
    if (state->coarse && !cs_aligned(CS_ADDRESS(walks->coarse_starts) | CS_ADDRESS(walks->coarse), sizeof(uint64_t)))
        return CS_EBUFFER;
    for (int32_t p = 0; p < walks->patterns; ++p) {
        const int32_t length = walks->lengths[p];
        if (length < 0 || length > state->max_length || walks->starts[p] < 0) return CS_EINVAL;
        const size_t words = (size_t)walks->rows * cs_words_of(length), start = (size_t)walks->starts[p];
        if (start > walks->other_count || words > walks->other_count - start) return CS_EBUFFER;
        if (!state->coarse) continue;
        if (walks->coarse_starts[p] < 0) return CS_EINVAL;
        const size_t flag_words = (size_t)walks->rows * cs_words_of(cs_core_blocks_of(length, state->params.window));
        const size_t flag_start = (size_t)walks->coarse_starts[p];
        if (flag_start > walks->coarse_count || flag_words > walks->coarse_count - flag_start) return CS_EBUFFER;
    }
    return CS_OK;
}

static int32_t check_outputs(const cs_core_state *state, const cs_core_walks *walks, const cs_core_outputs *outputs,
                             int with_needed, int32_t needed_words) {
    if (!cs_aligned(CS_ADDRESS(outputs), sizeof(uint64_t))) return CS_EBUFFER;
    if (outputs == NULL || outputs->count < 0 || outputs->count > state->channels) return CS_EINVAL;
    if (outputs->count > 0 && (outputs->rows == NULL || outputs->slots == NULL)) return CS_EINVAL;
    if (with_needed && (outputs->needed_bits == NULL || needed_words < 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(outputs->rows) | CS_ADDRESS(outputs->slots) | CS_ADDRESS(outputs->needed_bits),
                    sizeof(uint32_t)))
        return CS_EBUFFER;
    for (int32_t i = 0; i < outputs->count; ++i) {
        if (outputs->rows[i] < 0 || outputs->rows[i] >= walks->rows) return CS_EINVAL;
        if (outputs->slots[i] < 0 || outputs->slots[i] >= state->channels) return CS_EINVAL;
        if (with_needed && (outputs->needed_bits[i] < 0 || outputs->needed_bits[i] / WORD >= needed_words))
            return CS_EINVAL;
    }
    return CS_OK;
}

static int32_t check_record(const cs_core_record *record) {
    if (record == NULL) return CS_OK;
    if (!cs_aligned(CS_ADDRESS(record), sizeof(uint64_t))) return CS_EBUFFER;
    if (record->words == NULL || record->used > record->capacity || record->sets < 0) return CS_EINVAL;
    return cs_aligned(CS_ADDRESS(record->words), sizeof(uint32_t)) ? CS_OK : CS_EBUFFER;
}

/* Whether `count` elements are at least a * b * c * d, all but d positive; the product may be beyond any integer. */
static int holds(size_t count, int32_t a, int32_t b, int32_t c, int32_t d) {
    return count / (size_t)a / (size_t)b / (size_t)c >= (size_t)d;
}

static int32_t check_pixels(const cs_core_pixels *pixels, const cs_core_walks *walks) {
    if (!cs_aligned(CS_ADDRESS(pixels), sizeof(uint64_t))) return CS_EBUFFER;
    if (pixels == NULL || pixels->source == NULL || pixels->row_source == NULL || pixels->column_source == NULL ||
        pixels->row_pattern == NULL || pixels->column_pattern == NULL)
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(pixels->source) | CS_ADDRESS(pixels->needed), sizeof(uint64_t)) ||
        !cs_aligned(CS_ADDRESS(pixels->row_source) | CS_ADDRESS(pixels->column_source) |
                        CS_ADDRESS(pixels->row_pattern) | CS_ADDRESS(pixels->column_pattern),
                    sizeof(uint32_t)))
        return CS_EBUFFER;
    const int32_t sizes[] = {pixels->images, pixels->source_rows,    pixels->source_columns, pixels->source_words,
                             pixels->rows,   pixels->columns,        pixels->taps_r,         pixels->taps_s,
                             pixels->bits,   pixels->column_patterns};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        if (sizes[i] < 1) return CS_EINVAL;
    if (pixels->first_bit < 0 || cs_words_of((int64_t)pixels->first_bit + pixels->bits) > (size_t)pixels->source_words)
        return CS_EINVAL;
    if (pixels->image_begin < 0 || pixels->image_end > pixels->images || pixels->row_begin < 0 ||
        pixels->row_end > pixels->rows)
        return CS_EINVAL;
    const int32_t images = pixels->images;
    if (!holds(pixels->source_count, images, pixels->source_rows, pixels->source_columns, pixels->source_words))
        return CS_EBUFFER;
    if (pixels->needed != NULL &&
        !holds(pixels->needed_count, images, pixels->rows, pixels->columns, pixels->needed_words))
        return CS_EBUFFER;
    for (int64_t i = 0; i < (int64_t)pixels->rows * pixels->taps_r; ++i)
        if (pixels->row_source[i] < -1 || pixels->row_source[i] >= pixels->source_rows) return CS_EINVAL;
    for (int64_t i = 0; i < (int64_t)pixels->columns * pixels->taps_s; ++i)
        if (pixels->column_source[i] < -1 || pixels->column_source[i] >= pixels->source_columns) return CS_EINVAL;
    for (int64_t i = 0; i < pixels->rows; ++i) {
        int64_t taps_r = 0;
        for (int32_t a = 0; a < pixels->taps_r; ++a)
            taps_r += pixels->row_source[i * pixels->taps_r + a] >= 0;
        for (int64_t j = 0; j < pixels->columns; ++j) {
            int64_t taps_s = 0;
            for (int32_t b = 0; b < pixels->taps_s; ++b)
                taps_s += pixels->column_source[j * pixels->taps_s + b] >= 0;
            const int64_t row = pixels->row_pattern[i], column = pixels->column_pattern[j];
            if (row < 0 || column < 0 || column >= pixels->column_patterns) return CS_EINVAL;
            const int64_t pattern = row * pixels->column_patterns + column;
            if (pattern >= walks->patterns || walks->lengths[pattern] != taps_r * taps_s * pixels->bits)
                return CS_EINVAL;
        }
    }
    return CS_OK;
}

static cs_core_call call_of(const cs_core_state *state, const cs_core_walks *walks, const cs_core_outputs *outputs,
                            int all_needed, cs_core_record *record) {
    cs_core_call call = {
        .walks = walks, .outputs = outputs, .record = record, .in_order = 1, .standing = all_needed || state->alike};
    for (int32_t i = 1; i < outputs->count; ++i)
        call.in_order &= outputs->slots[i] == outputs->slots[i - 1] + 1;
    return call;
}

/* The input operand's walk of one pixel into the state's `walk`. */
static void gather(const cs_core_pixels *pixels, int32_t image, int32_t row, int32_t column, int32_t length,
                   uint64_t *walk) {
    const int aligned = pixels->first_bit % WORD == 0 && pixels->bits % WORD == 0;
    int64_t at = 0;
    if (!aligned) memset(walk, 0, cs_words_of(length) * sizeof *walk);
    for (int32_t a = 0; a < pixels->taps_r; ++a) {
        const int32_t from_row = pixels->row_source[row * pixels->taps_r + a];
        if (from_row < 0) continue;
        for (int32_t b = 0; b < pixels->taps_s; ++b) {
            const int32_t from_column = pixels->column_source[column * pixels->taps_s + b];
            if (from_column < 0) continue;
            const size_t pixel =
                ((size_t)image * (size_t)pixels->source_rows + (size_t)from_row) * (size_t)pixels->source_columns +
                (size_t)from_column;
            const uint64_t *from = pixels->source + pixel * (size_t)pixels->source_words;
            if (aligned) {
                memcpy(walk + at / WORD, from + pixels->first_bit / WORD, (size_t)pixels->bits / 8);
                at += pixels->bits;
                continue;
            }
            for (int32_t done = 0; done < pixels->bits; done += WORD) {
                const int32_t step = pixels->bits - done < WORD ? pixels->bits - done : WORD;
                cs_write_bits(walk, at, step, cs_read_bits(from, pixels->first_bit + done, step));
                at += step;
            }
        }
    }
}

/* An operand that is not skipped counts as non-zero throughout. */
static void fill_ones(uint64_t *walk, int32_t length) {
    for (int64_t at = 0; at < length; at += WORD)
        walk[at / WORD] = length - at < WORD ? ((uint64_t)1 << (length - at)) - 1 : ~(uint64_t)0;
}

int32_t cs_core_run_pixels(uint64_t *state, size_t state_words, const cs_core_pixels *pixels,
                           const cs_core_walks *walks, const cs_core_outputs *outputs, cs_core_record *record) {
    cs_core_state header;
    int32_t status = open_state(state, state_words, &header);
    if (status == CS_OK) status = check_walks(&header, walks);
    if (status == CS_OK) status = check_pixels(pixels, walks);
    if (status == CS_OK) status = check_outputs(&header, walks, outputs, pixels->needed != NULL, pixels->needed_words);
    if (status == CS_OK) status = check_record(record);
    if (status != CS_OK) return status;
    const int skip_input = header.params.skip_input && header.params.fine;
    const cs_core_call call = call_of(&header, walks, outputs, pixels->needed == NULL, record);
    uint64_t *walk = state + header.walk;
    cs_core_begin(&header, state);
    for (int32_t image = pixels->image_begin; image < pixels->image_end; ++image) {
        for (int32_t row = pixels->row_begin; row < pixels->row_end; ++row) {
            for (int32_t column = 0; column < pixels->columns; ++column) {
                const int32_t pattern =
                    pixels->row_pattern[row] * pixels->column_patterns + pixels->column_pattern[column];
                const size_t pixel =
                    ((size_t)image * (size_t)pixels->rows + (size_t)row) * (size_t)pixels->columns + (size_t)column;
                if (skip_input)
                    gather(pixels, image, row, column, walks->lengths[pattern], walk);
                else
                    fill_ones(walk, walks->lengths[pattern]);
                const uint64_t *needed =
                    pixels->needed == NULL ? NULL : pixels->needed + pixel * (size_t)pixels->needed_words;
                status = cs_core_run_set(&header, state, &call, pattern, walk, needed);
                if (status != CS_OK) return status;
            }
        }
    }
    status = cs_core_end(&header, state, &call);
    if (status != CS_OK) return status;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_run_walks(uint64_t *state, size_t state_words, const uint64_t *inputs, size_t inputs_count,
                          int32_t first, int32_t last, const uint64_t *needed, size_t needed_count,
                          int32_t needed_words, const cs_core_walks *walks, const cs_core_outputs *outputs,
                          cs_core_record *record) {
    cs_core_state header;
    int32_t status = open_state(state, state_words, &header);
    if (status == CS_OK) status = check_walks(&header, walks);
    if (status == CS_OK) status = check_outputs(&header, walks, outputs, needed != NULL, needed_words);
    if (status == CS_OK) status = check_record(record);
    if (status != CS_OK) return status;
    if (walks->patterns != 1 || first < 0 || last < first || (inputs == NULL && inputs_count > 0)) return CS_EINVAL;
    const cs_core_pattern here = cs_core_pattern_of(&header, walks, 0);
    const size_t row_words = cs_words_of(here.length);
    if (inputs_count < (size_t)last * row_words ||
        !cs_aligned(CS_ADDRESS(inputs) | CS_ADDRESS(needed), sizeof(uint64_t)))
        return CS_EBUFFER;
    if (needed != NULL && needed_count < (size_t)last * (size_t)needed_words) return CS_EBUFFER;
    const int skip_input = header.params.skip_input && header.params.fine;
    const cs_core_call call = call_of(&header, walks, outputs, needed == NULL, record);
    uint64_t *walk = state + header.walk;
    if (!skip_input) fill_ones(walk, here.length);
    cs_core_begin(&header, state);
    for (int32_t i = first; i < last; ++i) {
        status = cs_core_run_set(&header, state, &call, 0, skip_input ? inputs + (size_t)i * row_words : walk,
                                 needed == NULL ? NULL : needed + (size_t)i * (size_t)needed_words);
        if (status != CS_OK) return status;
    }
    status = cs_core_end(&header, state, &call);
    if (status != CS_OK) return status;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_result(const uint64_t *state, size_t state_words, cs_core_counts *counts, int64_t *group_cycles,
                       size_t groups, int64_t *lane_cycles, size_t lanes) {
    cs_core_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (counts == NULL || group_cycles == NULL || lane_cycles == NULL) return CS_EINVAL;
    if (groups != (size_t)(header.params.lanes / header.params.group) || lanes != (size_t)header.params.lanes ||
        !cs_aligned(CS_ADDRESS(counts) | CS_ADDRESS(group_cycles) | CS_ADDRESS(lane_cycles), sizeof(uint64_t)))
        return CS_EBUFFER;
    *counts = header.counts;
    memcpy(group_cycles, state + header.group_cycles, groups * sizeof *group_cycles);
    memcpy(lane_cycles, state + header.lane_cycles, lanes * sizeof *lane_cycles);
    return CS_OK;
}
