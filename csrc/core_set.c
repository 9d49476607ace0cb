#include "core_state.h"

#include <string.h>

#define WORD 64

/* ---- walking --------------------------------------------------------------------------------------------------- */

static cs_core_walk walk_of(const cs_core_state *state, uint64_t *base, const cs_core_bin *bin,
                            const cs_core_pattern *pattern) {
    unsigned char *scratch = cs_core_scratch_of(state, base);
    const unsigned char *arrays = (const unsigned char *)bin;
    return (cs_core_walk){
        .params = &state->params,
        .lanes = state->max_lanes,
        .length = pattern->length,
        .blocks = pattern->blocks,
        .elements = state->elements,
        .inputs = (const uint16_t *)(const void *)(arrays + state->inputs),
        .others = (const uint16_t *)(const void *)(arrays + state->others),
        .jumps = bin->any_jumped ? (const int16_t *)(const void *)(arrays + state->jumps) : NULL,
        .found = scratch + state->found,
        .inputs_found = scratch + state->inputs_found,
        .ready = scratch + state->ready,
        .empty = scratch + state->empty,
        .allowed = scratch + state->allowed,
        .cycles = (int32_t *)(void *)(scratch + state->cycles),
        .taken = (int32_t *)(void *)(scratch + state->taken),
        .inputs_jumped = (int32_t *)(void *)(scratch + state->inputs_jumped),
    };
}

/* Append the bin's groups to the record, without the reads; CS_EBUFFER where there is no room. */
static int32_t append(const cs_core_state *state, const cs_core_bin *bin, const cs_core_walk *walk,
                      cs_core_record *record) {
    const int32_t *rows = (const int32_t *)(const void *)((const unsigned char *)bin + state->rows);
    const int32_t strip = cs_core_strip_of(walk->lanes);
    uint32_t *to[CS_CORE_COLUMNS];
    for (int32_t c = 0; c < bin->columns; ++c) {
        const size_t width = (size_t)bin->lanes[c], need = 3 + width + (size_t)walk->blocks * width;
        if (need > record->capacity - record->used) return CS_EBUFFER;
        to[c] = record->words + record->used;
        record->used += need;
        *to[c]++ = (uint32_t)bin->lanes[c];
        *to[c]++ = (uint32_t)walk->blocks;
        *to[c]++ = (uint32_t)bin->sets[c];
        for (int32_t lane = 0; lane < bin->lanes[c]; ++lane)
            *to[c]++ = (uint32_t)rows[lane * CS_CORE_COLUMNS + c];
    }
    for (int32_t first = 0; first < walk->blocks; first += strip) {
        const int32_t number = cs_core_least(walk->blocks - first, strip);
        cs_core_count_strip(walk, first, number);
        const int32_t *found = (const int32_t *)walk->found;
        for (int32_t i = 0; i < number; ++i, found += walk->lanes * CS_CORE_COLUMNS) {
            for (int32_t c = 0; c < bin->columns; ++c) {
                const int32_t lanes = bin->lanes[c], step = state->alike ? 0 : CS_CORE_COLUMNS;
                const int32_t *restrict from = found + c;
                uint32_t *restrict entries = to[c];
                for (int32_t lane = 0; lane < lanes; ++lane)
                    entries[lane] = (uint32_t)from[lane * step];
                for (int32_t lane = 0; lane < lanes && walk->jumps != NULL; ++lane) {
                    const size_t row = (size_t)(state->alike ? 0 : lane) * (size_t)walk->blocks + (size_t)(first + i);
                    if (walk->jumps[row * CS_CORE_COLUMNS + (size_t)c] != CS_CORE_LOOKS)
                        entries[lane] |= CS_CORE_JUMPED;
                }
                to[c] += lanes;
            }
        }
    }
    return CS_OK;
}

/* The cycles of the bin's groups, to the core's; *macs of all lanes, *inputs_jumped: non-zeros in jumped blocks. */
static void add_cycles(cs_core_state *state, uint64_t *base, const cs_core_bin *bin, const cs_core_walk *walk,
                       int64_t *macs, int64_t *inputs_jumped) {
    *macs = *inputs_jumped = 0;
    for (int32_t c = 0; c < bin->columns; ++c) {
        const size_t hardware = (size_t)bin->hardware[c], group = (size_t)state->params.group;
        int64_t *lane_cycles = (int64_t *)(base + state->lane_cycles) + hardware * group;
        int32_t slowest = 0;
        for (int32_t lane = 0; lane < bin->lanes[c]; ++lane) {
            const int32_t at = (state->alike ? 0 : lane) * CS_CORE_COLUMNS + c, cycles = walk->cycles[at];
            slowest = cycles > slowest ? cycles : slowest;
            lane_cycles[lane] += cycles;
            *macs += walk->taken[at];
            *inputs_jumped += walk->inputs_jumped[at];
        }
        ((int64_t *)(base + state->group_cycles))[hardware] += (int64_t)slowest + state->params.lane_latency;
    }
}

/* Walk the groups of a bin, and count. */
static int32_t walk_bin(cs_core_state *state, uint64_t *base, const cs_core_call *call, cs_core_bin *bin) {
    if (bin->columns == 0) return CS_OK;
    const cs_core_params *params = &state->params;
    const int skip_input = params->skip_input && params->fine, skip_other = params->skip_other && params->fine;
    const cs_core_pattern pattern = cs_core_pattern_of(state, call->walks, (int32_t)(bin->key % call->walks->patterns));
    if (bin->period == 0) bin->period = bin->columns;
    if (bin->laid_out < bin->columns) cs_core_lay_out_others(state, bin, &pattern);
    const cs_core_walk walk = walk_of(state, base, bin, &pattern);
    if (call->record != NULL) {
        const int32_t status = append(state, bin, &walk, call->record);
        if (status != CS_OK) return status;
    }
    cs_core_walk_groups(&walk); /* behind the record, which counts into the same arrays */
    int64_t macs, inputs_jumped;
    add_cycles(state, base, bin, &walk, &macs, &inputs_jumped);
    /* Alike, the lanes of a bin jump nothing, and no sum is needed. */
    const int64_t times = bin->columns / bin->period, blocks = bin->outputs * pattern.blocks;
    const int64_t jumped_indices = times * bin->sums.jumped_indices;
    const int64_t scans = blocks - times * bin->sums.jumped_blocks;
    const int64_t scanned = bin->outputs * pattern.length - jumped_indices;
    const int64_t inputs = skip_input ? bin->input_ones - inputs_jumped : scanned;
    const int64_t others = skip_other ? times * bin->sums.ones : scanned;
    const int64_t input_blocks = (int64_t)bin->columns * pattern.blocks - times * bin->sums.shared_jumped;
    cs_core_counts *counts = &state->counts;
    counts->macs += macs;
    counts->queue_in += macs;
    counts->queue_out += macs;
    counts->jumps += times * bin->sums.jumps;
    counts->skipped_coarse += jumped_indices;
    counts->skipped_input += others - macs;
    counts->skipped_other += inputs - macs;
    counts->skipped_both += scanned - inputs - others + macs;
    counts->scans += scans;
    counts->buffer_reads += scans;
    if (params->pixel_reuse == 1 && call->record == NULL) counts->other_block_reads += scans;
    counts->input_block_reads += input_blocks;
    counts->buffer_writes += input_blocks;
    counts->groups_run += bin->columns;
    bin->columns = 0;
    bin->outputs = bin->input_ones = 0;
    if (!call->standing) bin->laid_out = bin->period = 0;
    return CS_OK;
}

/* ---- sets ------------------------------------------------------------------------------------------------------ */

/* The bin of a pattern and a part of its sets' outputs, taken from another where it must be. */
static int32_t find_bin(cs_core_state *state, uint64_t *base, const cs_core_call *call, int64_t key,
                        cs_core_bin **found) {
    cs_core_bin *bin = cs_core_bin_of(state, base, (int32_t)(key % state->bins));
    *found = bin;
    if (bin->key == key) return CS_OK;
    const int32_t status = walk_bin(state, base, call, bin);
    bin->key = key;
    bin->laid_out = bin->period = 0;
    return status;
}

/* The groups of outputs first .. first + groups - 1 of a set, into columns of the bin. */
static void enter(cs_core_state *state, cs_core_bin *bin, const cs_core_call *call, const cs_core_pattern *pattern,
                  const uint64_t *input, int64_t input_ones, const int32_t *kept, int32_t number, int32_t first,
                  int32_t groups) {
    const cs_core_params *params = &state->params;
    unsigned char *arrays = (unsigned char *)bin;
    const int rows_stand = call->standing && !state->alike;
    for (int32_t i = 0; i < groups; ++i) {
        const int32_t c = bin->columns + i, begin = (first + i) * params->group;
        const int32_t lanes = cs_core_least(number - begin, params->group);
        bin->lanes[c] = lanes;
        bin->hardware[c] = (int32_t)(state->turn++ % (params->lanes / params->group));
        bin->sets[c] = call->record == NULL ? 0 : call->record->sets - 1;
        bin->outputs += lanes;
        bin->input_ones += lanes * input_ones;
        if (rows_stand && c < bin->laid_out) continue;
        int32_t *rows = (int32_t *)(void *)(arrays + state->rows) + c;
        const int32_t filled = state->alike && call->record == NULL ? 1 : cs_core_least(params->group, state->channels);
        for (int32_t lane = 0; lane < filled; ++lane) {
            const int32_t output = begin + cs_core_least(lane, lanes - 1), own = kept == NULL ? output : kept[output];
            rows[lane * CS_CORE_COLUMNS] = lane < lanes ? call->outputs->rows[own] : -1;
        }
    }
    cs_core_lay_out_input(state, (uint16_t *)(void *)(arrays + state->inputs), input, pattern, bin->columns, groups);
    bin->columns += groups;
}

/* Count the blocks of the other operand that must be read for one more output of `slot`, whose coarse-zero flags are
 * `coarse` (or null); mark them in the output's column of a record (or null) of `lanes` columns.
 */
static int64_t read_other(cs_core_state *state, uint64_t *base, int32_t slot, const uint64_t *coarse, int32_t blocks,
                          uint32_t *column, int32_t lanes) {
    int32_t *outputs = (int32_t *)(base + state->reuse_outputs) + slot;
    int32_t *seen_blocks = (int32_t *)(base + state->reuse_blocks) + slot;
    const size_t words = cs_words_of(state->max_blocks);
    uint64_t *seen = base + state->reuse_seen + (coarse != NULL ? (size_t)slot * words : 0);
    if (*outputs == state->params.pixel_reuse) {
        *outputs = 0;
        *seen_blocks = 0;
        if (coarse != NULL) memset(seen, 0, words * sizeof *seen);
    }
    ++*outputs;
    if (coarse == NULL) {
        const int64_t fresh = blocks > *seen_blocks ? blocks - *seen_blocks : 0;
        for (int64_t i = blocks - fresh; column != NULL && i < blocks; ++i)
            column[i * lanes] |= CS_CORE_READS;
        *seen_blocks += (int32_t)fresh;
        return fresh;
    }
    int64_t fresh = 0;
    for (int32_t at = 0; at < blocks; at += WORD) {
        const uint64_t used = blocks - at < WORD ? ((uint64_t)1 << (blocks - at)) - 1 : ~(uint64_t)0;
        const uint64_t scanned = ~coarse[at / WORD] & used;
        const uint64_t unseen = scanned & ~seen[at / WORD];
        fresh += __builtin_popcountll(unseen);
        for (uint64_t set = unseen; column != NULL && set != 0; set &= set - 1)
            column[(int64_t)(at + __builtin_ctzll(set)) * lanes] |= CS_CORE_READS;
        seen[at / WORD] |= scanned;
    }
    return fresh;
}

/* All outputs of the call, no flags: read_other() for slots first .. first + number - 1. */
static int64_t read_others_in_order(cs_core_state *state, uint64_t *base, int32_t first, int32_t number,
                                    int32_t blocks) {
    int32_t *restrict outputs = (int32_t *)(base + state->reuse_outputs) + first;
    int32_t *restrict seen_blocks = (int32_t *)(base + state->reuse_blocks) + first;
    const int32_t reuse = state->params.pixel_reuse;
    int64_t all = 0;
    for (int32_t i = 0; i < number; ++i) {
        const int again = outputs[i] == reuse;
        const int32_t seen = again ? 0 : seen_blocks[i], fresh = blocks > seen ? blocks - seen : 0;
        outputs[i] = again ? 1 : outputs[i] + 1;
        seen_blocks[i] = seen + fresh;
        all += fresh;
    }
    return all;
}

/* The reads of the other operand for a set, whose groups begin at `at` of the record, if there is one. With a reuse of
 * one output each scan is a read, and counted with it.
 */
static void read_others(cs_core_state *state, uint64_t *base, const cs_core_call *call, const cs_core_pattern *pattern,
                        const int32_t *kept, int32_t number, size_t at) {
    int64_t *reads = &state->counts.other_block_reads;
    if (call->record == NULL && state->params.pixel_reuse == 1) return;
    if (call->record == NULL && kept == NULL && call->in_order && pattern->coarse == NULL) {
        *reads += read_others_in_order(state, base, call->outputs->slots[0], number, pattern->blocks);
        return;
    }
    uint32_t *column = NULL;
    int32_t lanes = 0;
    for (int32_t i = 0; i < number; ++i) {
        const int32_t output = kept == NULL ? i : kept[i];
        const uint64_t *coarse = pattern->coarse == NULL
                                     ? NULL
                                     : pattern->coarse + (size_t)call->outputs->rows[output] * pattern->coarse_words;
        if (call->record != NULL && i % state->params.group == 0) {
            lanes = (int32_t)call->record->words[at];
            column = call->record->words + at + 3 + lanes;
            at += 3 + (size_t)lanes + (size_t)lanes * (size_t)pattern->blocks;
        }
        *reads += read_other(state, base, call->outputs->slots[output], coarse, pattern->blocks, column, lanes);
        if (column != NULL) ++column;
    }
}

void cs_core_begin(const cs_core_state *state, uint64_t *base) {
    for (int32_t i = 0; i < state->bins; ++i)
        *cs_core_bin_of(state, base, i) = (cs_core_bin){.key = -1};
}

int32_t cs_core_end(cs_core_state *state, uint64_t *base, const cs_core_call *call) {
    int32_t status = CS_OK;
    for (int32_t i = 0; i < state->bins && status == CS_OK; ++i)
        status = walk_bin(state, base, call, cs_core_bin_of(state, base, i));
    return status;
}

int32_t cs_core_run_set(cs_core_state *state, uint64_t *base, const cs_core_call *call, int32_t pattern,
                        const uint64_t *input, const uint64_t *needed) {
    const cs_core_outputs *outputs = call->outputs;
    const cs_core_pattern walks = cs_core_pattern_of(state, call->walks, pattern);
    int32_t number = outputs->count, *kept = NULL;
    if (needed != NULL) {
        kept = (int32_t *)(base + state->kept);
        number = 0;
        for (int32_t i = 0; i < outputs->count; ++i) {
            const int32_t bit = outputs->needed_bits[i];
            kept[number] = i;
            number += (int32_t)((needed[bit / WORD] >> (bit % WORD)) & 1);
        }
    }
    cs_core_counts *counts = &state->counts;
    counts->outputs += outputs->count;
    counts->outputs_removed += outputs->count - number;
    counts->dense_macs += (int64_t)outputs->count * walks.length;
    counts->skipped_output += (int64_t)(outputs->count - number) * walks.length;
    if (call->record != NULL) ++call->record->sets;
    if (number == 0) return CS_OK;
    const size_t at = call->record == NULL ? 0 : call->record->used;
    const int64_t input_ones = cs_core_count_words(input, cs_words_of(walks.length));
    const int32_t groups = (number + state->params.group - 1) / state->params.group;
    const int by_parts = call->standing && !state->alike;
    for (int32_t first = 0, here; first < groups; first += here) {
        const int64_t part = by_parts ? first / CS_CORE_COLUMNS : 0;
        cs_core_bin *bin;
        int32_t status = find_bin(state, base, call, part * call->walks->patterns + pattern, &bin);
        here = cs_core_least(groups - first, CS_CORE_COLUMNS - (by_parts ? 0 : bin->columns));
        if (status == CS_OK && bin->columns + here > CS_CORE_COLUMNS) status = walk_bin(state, base, call, bin);
        if (status != CS_OK) return status;
        if (by_parts)
            bin->period = here;
        else if (state->alike)
            bin->period = 1;
        enter(state, bin, call, &walks, input, input_ones, kept, number, first, here);
        if (bin->columns == CS_CORE_COLUMNS || call->record != NULL) status = walk_bin(state, base, call, bin);
        if (status != CS_OK) return status;
    }
    read_others(state, base, call, &walks, kept, number, at);
    return CS_OK;
}
