#include "core_banks_state.h"

#include <string.h>

#define STATE_MAGIC 0x736b6e6162636373u
#define MAX_PENDING (1 << 20)

static int32_t set_up(cs_banks_state *state, const cs_core_params *params, const cs_core_banks *banks,
                      int32_t max_blocks) {
    size_t unused;
    const int32_t status = cs_core_state_words(params, 0, 0, 0, &unused); /* checks params */
    if (status != CS_OK) return status;
    if (banks == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(banks)) return CS_EBUFFER;
    if (max_blocks < 0 || banks->max_pending < 1 || banks->max_pending > MAX_PENDING) return CS_EINVAL;
    for (int m = 0; m < 2; ++m)
        if (banks->banks[m] < 1 || banks->banks[m] > 65536 || banks->ports[m] < 1) return CS_EINVAL;
    memset(state, 0, sizeof *state);
    state->magic = STATE_MAGIC;
    state->params = *params;
    state->banks = *banks;
    state->max_blocks = max_blocks;
    state->buffer_places = params->run_ahead < max_blocks ? params->run_ahead : max_blocks;
    state->now = -1;
    const size_t lanes = (size_t)params->lanes, groups = lanes / (size_t)params->group;
    size_t at = (sizeof *state + 7) / 8;
#define PLACE(name, bytes) (state->name = at, at += ((size_t)(bytes) + 7) / 8)
    PLACE(lanes, lanes * sizeof(cs_banks_lane));
    PLACE(groups, groups * sizeof(cs_banks_group));
    state->lane_words = (lanes + 63) / 64;
    PLACE(due, state->lane_words * sizeof(uint64_t));
    PLACE(calendar, CS_BANKS_SLOTS * state->lane_words * sizeof(uint64_t));
    PLACE(buffers, groups * (size_t)state->buffer_places * sizeof(cs_banks_place));
    PLACE(leavings, groups * (size_t)max_blocks * sizeof(cs_banks_leaving));
    for (int m = 0; m < 2; ++m) {
        PLACE(backlog[m], (size_t)banks->banks[m] * sizeof(int64_t));
        PLACE(free_ports[m], (size_t)banks->banks[m] * sizeof(int32_t));
    }
    for (int m = 0; m < 2; ++m)
        PLACE(requests[m], lanes * sizeof(cs_banks_request));
    PLACE(ready, lanes * sizeof(int32_t));
    PLACE(held, lanes * sizeof(int32_t));
    PLACE(waiting, lanes * sizeof(int32_t));
    PLACE(reservations, (size_t)banks->max_pending * sizeof(cs_banks_reservation));
#undef PLACE
    state->words = at;
    return CS_OK;
}

int32_t cs_core_banks_state_words(const cs_core_params *params, const cs_core_banks *banks, int32_t max_blocks,
                                  size_t *words) {
    cs_banks_state state;
    if (words == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(words), sizeof(uint64_t))) return CS_EBUFFER;
    const int32_t status = set_up(&state, params, banks, max_blocks);
    if (status == CS_OK) *words = state.words;
    return status;
}

/* ---- the record ------------------------------------------------------------------------------------------------ */

/* Every group of outputs lies inside the record and fits the core; nothing is jumped by a core that cannot. */
static int record_fits(const cs_banks_state *state, const uint32_t *record, size_t count) {
    for (size_t at = 0; at < count;) {
        if (count - at < 3 || record[at] < 1 || record[at] > (uint32_t)state->params.group ||
            record[at + 1] > (uint32_t)state->max_blocks || count - at < cs_banks_size_of(record + at))
            return 0;
        const size_t end = at + cs_banks_size_of(record + at);
        for (size_t i = at + 3 + record[at]; i < end && state->params.coarse_jump == 0; ++i)
            if (record[i] & CS_CORE_JUMPED) return 0;
        at = end;
    }
    return 1;
}

int32_t cs_core_banks_init(uint64_t *state, size_t state_words, const cs_core_params *params,
                           const cs_core_banks *banks, int32_t max_blocks, const uint32_t *record, size_t count) {
    cs_banks_state header;
    if (state == NULL || (record == NULL && count > 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(state), sizeof(uint64_t)) || !cs_aligned(CS_ADDRESS(record), sizeof(uint32_t)))
        return CS_EBUFFER;
    const int32_t status = set_up(&header, params, banks, max_blocks);
    if (status != CS_OK) return status;
    if (state_words < header.words) return CS_EBUFFER;
    if (!record_fits(&header, record, count)) return CS_EINVAL;
    header.record_count = count;
    memset(state, 0, header.words * sizeof *state);
    for (int32_t group = 0; group < params->lanes / params->group; ++group)
        cs_banks_load(&header, state, group, record, group, 0);
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

static int32_t open_state(const uint64_t *state, size_t state_words, cs_banks_state *header) {
    if (state == NULL) return CS_EINVAL;
    if (state_words < (sizeof *header + 7) / 8 || !cs_aligned(CS_ADDRESS(state), sizeof(uint64_t))) return CS_EBUFFER;
    memcpy(header, state, sizeof *header);
    if (header->magic != STATE_MAGIC) return CS_ESTATE;
    return state_words < header->words ? CS_EBUFFER : CS_OK;
}

int32_t cs_core_banks_submit(uint64_t *state, size_t state_words, int64_t clk, int32_t memory, int32_t bank,
                             int64_t accesses) {
    cs_banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (memory < 0 || memory > 1 || bank < 0 || bank >= header.banks.banks[memory] || accesses < 1 ||
        accesses > CS_CORE_BANKS_MAX_ACCESSES)
        return CS_EINVAL;
    cs_banks_reservation *pending = (cs_banks_reservation *)(state + header.reservations);
    const int64_t room = header.banks.max_pending;
    if (clk < header.now || clk < 0 || clk == CS_NEVER) return CS_EINVAL;
    if (header.pending > 0 && clk < pending[(header.first_pending + header.pending - 1) % room].clk) return CS_EINVAL;
    if (header.pending == room) return CS_FULL;
    pending[(header.first_pending + header.pending) % room] =
        (cs_banks_reservation){.clk = clk, .accesses = accesses, .memory = memory, .bank = bank};
    ++header.pending;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_banks_next(const uint64_t *state, size_t state_words, int64_t *clk) {
    cs_banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(clk), sizeof(uint64_t))) return CS_EBUFFER;
    *clk = header.result.done ? CS_NEVER : header.now + 1;
    return CS_OK;
}

int32_t cs_core_banks_advance(uint64_t *state, size_t state_words, const uint32_t *record, size_t count, int64_t until,
                              int64_t *done_at) {
    cs_banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (done_at == NULL || (record == NULL && count > 0) || count != header.record_count) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(done_at), sizeof(uint64_t)) || !cs_aligned(CS_ADDRESS(record), sizeof(uint32_t)))
        return CS_EBUFFER;
    cs_banks_run(&header, state, record, until);
    *done_at = header.result.done ? header.result.cycles : CS_NEVER;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_banks_result_of(const uint64_t *state, size_t state_words, cs_core_banks_result *result,
                                int64_t *group_cycles, size_t groups, int64_t *lane_cycles, int64_t *lane_waits,
                                size_t lanes) {
    cs_banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (result == NULL || group_cycles == NULL || lane_cycles == NULL || lane_waits == NULL) return CS_EINVAL;
    if (groups != (size_t)(header.params.lanes / header.params.group) || lanes != (size_t)header.params.lanes ||
        !cs_aligned(CS_ADDRESS(result) | CS_ADDRESS(group_cycles) | CS_ADDRESS(lane_cycles) | CS_ADDRESS(lane_waits),
                    sizeof(uint64_t)))
        return CS_EBUFFER;
    *result = header.result;
    for (size_t i = 0; i < groups; ++i)
        group_cycles[i] = ((const cs_banks_group *)(state + header.groups))[i].cycles;
    for (size_t i = 0; i < lanes; ++i) {
        lane_cycles[i] = ((const cs_banks_lane *)(state + header.lanes))[i].cycles;
        lane_waits[i] = ((const cs_banks_lane *)(state + header.lanes))[i].waits;
    }
    return CS_OK;
}
