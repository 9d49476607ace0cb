#include "core_banks_whole.h"

/* Longest walk of a lane: with a queue of up to 2^28, all sums stay within 31 bits. An entry with a flag of the record
 * (CS_CORE_JUMPED, CS_CORE_READS) is longer.
 */
#define LONGEST (1 << 28)

int cs_banks_is_whole(const cs_core_params *params, const uint32_t *outputs) {
    if (params->macs_per_lane != 1 || params->queue < 2 || outputs[1] == 0) return 0;
    const uint32_t *entries = outputs + 3 + outputs[0];
    const size_t count = (size_t)outputs[0] * outputs[1];
    uint32_t any = 0;
    for (size_t i = 0; i < count; ++i)
        any |= entries[i];
    return ((uint64_t)any + 2) * outputs[1] <= LONGEST;
}

void cs_banks_whole_begin(const cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first) {
    int32_t *ready = (int32_t *)(base + state->ready) + first, *held = (int32_t *)(base + state->held) + first;
    for (int32_t i = 0; i < state->params.group; ++i)
        ready[i] = held[i] = 0;
    group->position = group->first_ready = group->last_ready = 0;
    group->from = group->allowed = group->begun;
}

/* ---- one block, all lanes -------------------------------------------------------------------------------------- */

typedef struct {
    int32_t lanes, depth;
    const uint32_t *entries;
    int32_t *ready; /* when the lane has left the block before, and what its queue holds then */
    int32_t *held;
    int32_t fetched;                 /* on the same clock; afterwards it begins in the cycle behind this */
    int32_t first_ready, last_ready; /* of `ready` afterwards */
} whole_block;

/* `cs_core_enter` without a branch; a constant number of lanes is worth a third of the time. */
CS_ALWAYS_INLINE void look_lanes(whole_block *block, int32_t lanes) {
    const uint32_t *restrict entries = block->entries;
    int32_t *restrict ready = block->ready, *restrict held = block->held;
    const int32_t depth = block->depth, fetched = block->fetched;
    int32_t first_ready = INT32_MAX, last_ready = 0;
    for (int32_t i = 0; i < lanes; ++i) {
        const int32_t look = ready[i] > fetched ? ready[i] : fetched, left = held[i] - (look - ready[i]);
        const int32_t busy = left > 0, drained = left > 0 ? left : 0;
        const int32_t all = drained + (int32_t)entries[i], over = all - depth;
        const int32_t later = look - fetched + (over > 0 ? over + 1 - busy : 0);
        held[i] = over > 0 ? depth - 1 : all - busy;
        ready[i] = later;
        first_ready = later < first_ready ? later : first_ready;
        last_ready = later > last_ready ? later : last_ready;
    }
    block->first_ready = first_ready;
    block->last_ready = last_ready;
}

CS_ALWAYS_INLINE void look_any(whole_block *block) {
    if (block->lanes == 16)
        look_lanes(block, 16);
    else if (block->lanes == 8)
        look_lanes(block, 8);
    else
        look_lanes(block, block->lanes);
}

static void look_plain(whole_block *block) {
    look_any(block);
}

#if CS_HAS_X86
CS_TARGET_AVX2 static void look_avx2(whole_block *block) {
    look_any(block);
}

CS_TARGET_AVX512 static void look_avx512(whole_block *block) {
    look_any(block);
}
#endif

static void look(whole_block *block, int32_t isa) {
#if CS_HAS_X86
    if (isa == CS_ISA_AVX512) {
        look_avx512(block);
        return;
    }
    if (isa == CS_ISA_AVX2) {
        look_avx2(block);
        return;
    }
#endif
    (void)isa;
    look_plain(block);
}

/* Of the lanes that stood at the block before it came, the cycles that they waited. */
static void count_waits(cs_banks_state *state, uint64_t *base, const cs_banks_group *group, int32_t first,
                        int32_t lanes, int64_t cycle) {
    const int32_t *ready = (const int32_t *)(base + state->ready) + first;
    cs_banks_lane *lane = (cs_banks_lane *)(base + state->lanes) + first;
    for (int32_t i = 0; i < lanes; ++i) {
        const int64_t stood = group->from + ready[i], from = stood > group->allowed ? stood : group->allowed;
        if (cycle <= from) continue;
        lane[i].waits += cycle - from;
        state->result.lane_waits += cycle - from;
    }
}

void cs_banks_whole_look(cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first,
                         const uint32_t *outputs, cs_banks_leaving *leavings, int64_t cycle) {
    const int32_t lanes = (int32_t)outputs[0], run_ahead = state->params.run_ahead;
    if (cycle > cs_banks_whole_asks_at(group)) count_waits(state, base, group, first, lanes, cycle);
    /* Later than this every lane stands there, its queue empty: all waits are alike, and 31 bits hold them. */
    const int64_t waited = cycle - group->from, longest = (int64_t)group->last_ready + state->params.queue;
    whole_block block = {.lanes = lanes,
                         .depth = state->params.queue,
                         .entries = outputs + 3 + lanes + (size_t)group->position * (size_t)lanes,
                         .ready = (int32_t *)(base + state->ready) + first,
                         .held = (int32_t *)(base + state->held) + first,
                         .fetched = (int32_t)(waited < longest ? waited : longest)};
    look(&block, state->params.isa);
    group->from = cycle + 1;
    group->first_ready = block.first_ready;
    group->last_ready = block.last_ready;
    leavings[group->position].by = group->from + block.last_ready;
    ++group->position;
    if (++group->bank == state->banks.banks[0]) group->bank = 0;
    if (group->position >= run_ahead) group->allowed = leavings[group->position - run_ahead].by;
}

void cs_banks_whole_finish(const cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first,
                           int32_t lanes) {
    const int32_t *ready = (const int32_t *)(base + state->ready) + first;
    const int32_t *held = (const int32_t *)(base + state->held) + first;
    cs_banks_lane *lane = (cs_banks_lane *)(base + state->lanes) + first;
    for (int32_t i = 0; i < lanes; ++i) {
        const int64_t done = group->from + ready[i] + held[i];
        lane[i].cycles += done - group->begun;
        if (done > group->done_at) group->done_at = done;
    }
}
