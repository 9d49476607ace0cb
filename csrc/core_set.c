#include "core_state.h"

#include <string.h>

#define WORD 64

static int64_t count_words(const uint64_t *words, size_t count) {
    int64_t total = 0;
    for (size_t i = 0; i < count; ++i)
        total += __builtin_popcountll(words[i]);
    return total;
}

/* Indices, and set bits of the input operand among them, in the blocks that `flags` names. */
static void sum_jumped(const uint64_t *flags, const cs_core_pattern *walks, int32_t window, const int32_t *input_before,
                       int64_t *indices, int64_t *inputs) {
    *indices = 0;
    *inputs = 0;
    for (size_t w = 0; w < walks->coarse_words; ++w) {
        for (uint64_t set = flags[w]; set != 0; set &= set - 1) {
            const int32_t block = (int32_t)w * WORD + __builtin_ctzll(set);
            const int64_t begin = (int64_t)block * window;
            *indices += walks->length - begin < window ? walks->length - begin : window;
            *inputs += input_before[block + 1] - input_before[block];
        }
    }
}

/* Count the blocks of the other operand that must be read for one more output of `slot`; mark them in the output's
 * column of a record (or null) of `lanes` columns.
 */
static int64_t read_other(cs_core_state *state, uint64_t *base, int32_t slot, const uint64_t *coarse, int32_t blocks,
                          uint32_t *column, int32_t lanes) {
    int32_t *outputs = (int32_t *)(base + state->reuse_outputs) + slot;
    int32_t *seen_blocks = (int32_t *)(base + state->reuse_blocks) + slot;
    const size_t words = cs_words_of(state->max_blocks);
    uint64_t *seen = base + state->reuse_seen + (state->coarse ? (size_t)slot * words : 0);
    if (*outputs == state->params.pixel_reuse) {
        *outputs = 0;
        *seen_blocks = 0;
        if (state->coarse) memset(seen, 0, words * sizeof *seen);
    }
    ++*outputs;
    if (!state->coarse) {
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

/* Append one group of outputs to the record, without the reads: lane i of it is slot first_slot + i * step. Returns
 * where its blocks begin, or null where there is no room.
 */
static uint32_t *append(cs_core_record *record, const cs_core_walk *walk, const int32_t *rows, const int32_t *kept,
                        int32_t lanes, int32_t first_slot, int32_t step) {
    const size_t width = (size_t)lanes, need = 3 + width + (size_t)walk->blocks * width;
    if (need > record->capacity - record->used) return NULL;
    uint32_t *to = record->words + record->used;
    record->used += need;
    *to++ = (uint32_t)lanes;
    *to++ = (uint32_t)walk->blocks;
    *to++ = (uint32_t)(record->sets - 1);
    for (int32_t lane = 0; lane < lanes; ++lane)
        *to++ = (uint32_t)rows[kept[lane]];
    for (int32_t first = 0; first < walk->blocks; first += CS_CORE_STRIP) {
        const int32_t number = walk->blocks - first < CS_CORE_STRIP ? walk->blocks - first : CS_CORE_STRIP;
        cs_core_count_strip(walk, first, number);
        for (int32_t i = 0; i < number; ++i) {
            for (int32_t lane = 0; lane < lanes; ++lane) {
                const int32_t at = i * walk->slots + first_slot + lane * step;
                const int jumped = walk->coarse != NULL && walk->jumped[at];
                to[(size_t)(first + i) * width + (size_t)lane] =
                    (uint32_t)walk->effectual[at] | (jumped ? CS_CORE_JUMPED : 0);
            }
        }
    }
    return to;
}

/* The outputs `kept` of a set, in as many groups as it takes: their lanes' cycles, and all counts. */
static int32_t run_groups(cs_core_state *state, uint64_t *base, const uint64_t *input, int64_t input_ones,
                          const cs_core_pattern *walks, const cs_core_outputs *outputs, const int32_t *kept,
                          int32_t number, cs_core_record *record) {
    const cs_core_params *params = &state->params;
    cs_core_counts *counts = &state->counts;
    const int skip_input = params->skip_input && params->fine, skip_other = params->skip_other && params->fine;
    const int32_t stride = cs_core_stride_of(params->group);
    const uint64_t **other = (const uint64_t **)(base + state->other_rows);
    const uint64_t **coarse = (const uint64_t **)(base + state->coarse_rows);
    cs_core_walk walk = {
        .params = params,
        .input = input,
        .other = other,
        .stride = stride,
        .length = walks->length,
        .blocks = walks->blocks,
        .ready = (int32_t *)(base + state->ready),
        .free_at = (int32_t *)(base + state->free_at),
        .queued = (int32_t *)(base + state->queued),
        .run = (int32_t *)(base + state->run),
        .taken = (int32_t *)(base + state->taken),
        .jumps = (int32_t *)(base + state->jumps),
        .left = (int32_t *)(base + state->left),
        .effectual = (int32_t *)(base + state->effectual),
        .jumped = (int32_t *)(base + state->jumped),
    };

    /* Slots: group by group, unused ones copy the first lane of their group, unused groups the first lane of all. */
    int any_coarse = 0;
    const int32_t groups = (number + params->group - 1) / params->group;
    walk.slots = (groups * stride + CS_CORE_VECTOR - 1) / CS_CORE_VECTOR * CS_CORE_VECTOR;
    for (int32_t slot = 0; slot < walk.slots; ++slot) {
        const int32_t group = slot / stride < groups ? slot / stride : 0;
        const int32_t lane = slot / stride < groups ? slot % stride : 0, wanted = group * params->group + lane;
        const int32_t own = lane < params->group && wanted < number ? wanted : group * params->group;
        const size_t row = (size_t)outputs->rows[kept[own]];
        other[slot] = skip_other ? walks->other + row * walks->other_words : base + state->full;
        coarse[slot] = walks->coarse == NULL ? NULL : walks->coarse + row * walks->coarse_words;
        if (walks->coarse != NULL)
            for (size_t w = 0; w < walks->coarse_words && !any_coarse; ++w)
                any_coarse = coarse[slot][w] != 0;
    }
    if (any_coarse) walk.coarse = coarse;
    /* Lanes that see the same zeros take the same cycles, and never wait for each other: one stands for all. */
    const int alike = !skip_other && !any_coarse;
    if (alike) {
        walk.slots = CS_CORE_VECTOR;
        walk.stride = 1;
    }
    cs_core_walk_groups(&walk);

    for (int32_t group = 0; group < groups; ++group) {
        const int32_t begin = group * params->group;
        const int32_t lanes = number - begin < params->group ? number - begin : params->group;
        const int32_t hardware = (int32_t)(state->turn++ % (params->lanes / params->group));
        int64_t *lane_cycles = (int64_t *)(base + state->lane_cycles) + (size_t)hardware * (size_t)params->group;
        int64_t slowest = 0, shared_jumped = 0;
        uint32_t *blocks = NULL;
        if (record != NULL) {
            blocks = append(record, &walk, outputs->rows, kept + begin, lanes, alike ? 0 : group * stride, !alike);
            if (blocks == NULL) return CS_EBUFFER;
        }
        for (int32_t lane = 0; lane < lanes; ++lane) {
            const int32_t slot = alike ? 0 : group * stride + lane, macs = params->macs_per_lane;
            const int64_t emptied = walk.free_at[slot] + ((int64_t)walk.queued[slot] + macs - 1) / macs;
            const int64_t cycles = emptied > walk.ready[slot] ? emptied : walk.ready[slot];
            if (cycles > slowest) slowest = cycles;
            lane_cycles[lane] += cycles;

            int64_t jumped_indices = 0, jumped_inputs = 0, jumped_blocks = 0;
            if (any_coarse) {
                sum_jumped(coarse[slot], walks, params->window, (const int32_t *)(base + state->input_before),
                           &jumped_indices, &jumped_inputs);
                jumped_blocks = count_words(coarse[slot], walks->coarse_words);
                counts->jumps += walk.jumps[slot];
            }
            const int32_t output = kept[begin + lane];
            const int64_t scanned = walks->length - jumped_indices, both = walk.taken[slot];
            const int64_t inputs = skip_input ? input_ones - jumped_inputs : scanned;
            const int64_t others = skip_other ? walks->ones[outputs->rows[output]] : scanned;
            const int64_t scans = walks->blocks - jumped_blocks;
            counts->macs += both;
            counts->queue_in += both;
            counts->queue_out += both;
            counts->skipped_coarse += jumped_indices;
            counts->skipped_input += others - both;
            counts->skipped_other += inputs - both;
            counts->skipped_both += scanned - inputs - others + both;
            counts->scans += scans;
            counts->buffer_reads += scans;
            counts->other_block_reads += read_other(state, base, outputs->slots[output], coarse[slot], walks->blocks,
                                                    blocks == NULL ? NULL : blocks + lane, lanes);
        }
        if (any_coarse) {
            for (size_t w = 0; w < walks->coarse_words; ++w) {
                uint64_t all = ~(uint64_t)0;
                for (int32_t lane = 0; lane < lanes; ++lane)
                    all &= coarse[group * stride + lane][w];
                shared_jumped += __builtin_popcountll(all);
            }
        }
        counts->input_block_reads += walks->blocks - shared_jumped;
        counts->buffer_writes += walks->blocks - shared_jumped;
        counts->groups_run += 1;
        ((int64_t *)(base + state->group_cycles))[hardware] += slowest + params->lane_latency;
    }
    return CS_OK;
}

/* Set input bits before each block, for the counts of jumped ones. */
static void count_input_before(const cs_core_state *state, uint64_t *base, const uint64_t *input,
                               const cs_core_pattern *walks) {
    int32_t *before = (int32_t *)(base + state->input_before);
    before[0] = 0;
    for (int32_t block = 0; block < walks->blocks; ++block) {
        const int64_t begin = (int64_t)block * state->params.window;
        const int64_t end = begin + state->params.window < walks->length ? begin + state->params.window : walks->length;
        int32_t total = 0;
        for (int64_t at = begin; at < end; at += WORD)
            total += __builtin_popcountll(cs_read_bits(input, at, end - at < WORD ? end - at : WORD));
        before[block + 1] = before[block] + total;
    }
}

int32_t cs_core_run_set(cs_core_state *state, uint64_t *base, const uint64_t *input, const uint64_t *needed,
                        const cs_core_pattern *walks, const cs_core_outputs *outputs, cs_core_record *record) {
    int32_t *kept = (int32_t *)(base + state->kept);
    int32_t number = 0;
    for (int32_t i = 0; i < outputs->count; ++i) {
        const int32_t bit = needed == NULL ? 0 : outputs->needed_bits[i];
        if (needed == NULL || (needed[bit / WORD] >> (bit % WORD)) & 1) kept[number++] = i;
    }
    cs_core_counts *counts = &state->counts;
    counts->outputs += outputs->count;
    counts->outputs_removed += outputs->count - number;
    counts->dense_macs += (int64_t)outputs->count * walks->length;
    counts->skipped_output += (int64_t)(outputs->count - number) * walks->length;
    if (record != NULL) ++record->sets;
    if (number == 0) return CS_OK;
    const int64_t input_ones = count_words(input, cs_words_of(walks->length));
    if (state->coarse) count_input_before(state, base, input, walks);
    const int32_t batch = cs_core_batch_of(state->params.group) * state->params.group;
    for (int32_t start = 0; start < number; start += batch) {
        const int32_t outputs_here = number - start < batch ? number - start : batch;
        const int32_t status =
            run_groups(state, base, input, input_ones, walks, outputs, kept + start, outputs_here, record);
        if (status != CS_OK) return status;
    }
    return CS_OK;
}
