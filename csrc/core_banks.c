#include "core_banks.h"

#include <string.h>

#define STATE_MAGIC 0x736b6e6162636373u
#define MAX_PENDING (1 << 20)

/* One lane of the outputs under way. */
typedef struct {
    int32_t position; /* the block at which the scanner stands */
    int32_t rest;     /* indices of it that wait for room; -1 before the first look */
    int32_t queued;   /* in the queue */
    int32_t has_other, active;
    int64_t since; /* cycle in which it first asked for the other operand's block; -1: has not */
    int64_t cycles, waits;
} lane_state;

/* One group of lanes: its place in the record. */
typedef struct {
    size_t at;       /* its present outputs */
    int64_t begun;   /* cycle in which the present outputs start or started */
    int64_t cycles;  /* of the outputs that are done */
    int32_t through; /* nothing left */
    int32_t low;     /* blocks that all lanes had left at the start of the cycle */
} group_state;

/* A place of a group's broadcast buffer. */
typedef struct {
    int64_t since; /* cycle of the first request */
    int32_t block; /* -1: none */
    int32_t fetched, asked_in_this_cycle;
} buffer_place;

typedef struct {
    int64_t since;
    int32_t group, block, bank; /* group: or lane */
} request;

typedef struct {
    int64_t clk, accesses;
    int32_t memory, bank;
} reservation;

typedef struct {
    uint64_t magic;
    cs_core_params params;
    cs_core_banks banks;
    cs_core_banks_result result;
    int32_t max_blocks, buffer_places;
    int64_t now;
    int64_t first_pending, pending;
    size_t record_count;
    size_t lanes, groups, places;     /* arrays behind the header, in words */
    size_t backlog[2], free_ports[2]; /* int64_t, int32_t: per bank */
    size_t requests, reservations;
    size_t words;
} banks_state;

static int32_t set_up(banks_state *state, const cs_core_params *params, const cs_core_banks *banks,
                      int32_t max_blocks) {
    size_t unused;
    const int32_t status = cs_core_state_words(params, 0, 0, 0, &unused); /* checks params */
    if (status != CS_OK) return status;
    if (banks == NULL || max_blocks < 0 || banks->max_pending < 1 || banks->max_pending > MAX_PENDING) return CS_EINVAL;
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
    PLACE(lanes, lanes * sizeof(lane_state));
    PLACE(groups, groups * sizeof(group_state));
    PLACE(places, groups * (size_t)state->buffer_places * sizeof(buffer_place));
    for (int m = 0; m < 2; ++m) {
        PLACE(backlog[m], (size_t)banks->banks[m] * sizeof(int64_t));
        PLACE(free_ports[m], (size_t)banks->banks[m] * sizeof(int32_t));
    }
    PLACE(requests, lanes * sizeof(request));
    PLACE(reservations, (size_t)banks->max_pending * sizeof(reservation));
#undef PLACE
    state->words = at;
    return CS_OK;
}

int32_t cs_core_banks_state_words(const cs_core_params *params, const cs_core_banks *banks, int32_t max_blocks,
                                  size_t *words) {
    banks_state state;
    if (words == NULL) return CS_EINVAL;
    const int32_t status = set_up(&state, params, banks, max_blocks);
    if (status == CS_OK) *words = state.words;
    return status;
}

/* ---- the record ------------------------------------------------------------------------------------------------ */

static size_t size_of(const uint32_t *outputs) {
    return 3 + (size_t)outputs[0] + (size_t)outputs[0] * outputs[1];
}

/* Every group of outputs lies inside the record and fits the core; nothing is jumped by a core that cannot. */
static int record_fits(const banks_state *state, const uint32_t *record, size_t count) {
    for (size_t at = 0; at < count;) {
        if (count - at < 3 || record[at] < 1 || record[at] > (uint32_t)state->params.group ||
            record[at + 1] > (uint32_t)state->max_blocks || count - at < size_of(record + at))
            return 0;
        const size_t end = at + size_of(record + at);
        for (size_t i = at + 3 + record[at]; i < end && state->params.coarse_jump == 0; ++i)
            if (record[i] & CS_CORE_JUMPED) return 0;
        at = end;
    }
    return 1;
}

static uint32_t entry_of(const uint32_t *outputs, int32_t block, int32_t lane) {
    return outputs[3 + outputs[0] + (size_t)block * outputs[0] + (size_t)lane];
}

/* Leave up to `coarse_jump` coarse-zero blocks. */
static void jump(const banks_state *state, const uint32_t *outputs, lane_state *lane, int32_t index) {
    for (int32_t left = 0; left < state->params.coarse_jump; ++left) {
        if (lane->position == (int32_t)outputs[1] || !(entry_of(outputs, lane->position, index) & CS_CORE_JUMPED))
            return;
        ++lane->position;
    }
}

/* Go to the next outputs of the group, `turns` groups of outputs on, to start in cycle `begin`. */
static void load(const banks_state *state, uint64_t *base, int32_t index, const uint32_t *record, int64_t turns,
                 int64_t begin) {
    group_state *group = (group_state *)(base + state->groups) + index;
    lane_state *lanes = (lane_state *)(base + state->lanes) + (size_t)index * (size_t)state->params.group;
    buffer_place *places = (buffer_place *)(base + state->places) + (size_t)index * (size_t)state->buffer_places;
    for (; turns > 0 && group->at < state->record_count; --turns)
        group->at += size_of(record + group->at);
    group->begun = begin;
    group->through = group->at >= state->record_count;
    for (int32_t i = 0; i < state->buffer_places; ++i)
        places[i].block = -1;
    const uint32_t *outputs = record + group->at;
    for (int32_t i = 0; i < state->params.group; ++i) {
        lane_state *lane = lanes + i;
        lane->active = !group->through && (uint32_t)i < outputs[0];
        lane->position = 0;
        lane->rest = -1;
        lane->queued = 0;
        lane->has_other = 0;
        lane->since = -1;
        if (lane->active) jump(state, outputs, lane, i);
    }
}

int32_t cs_core_banks_init(uint64_t *state, size_t state_words, const cs_core_params *params,
                           const cs_core_banks *banks, int32_t max_blocks, const uint32_t *record, size_t count) {
    banks_state header;
    if (state == NULL || (record == NULL && count > 0)) return CS_EINVAL;
    const int32_t status = set_up(&header, params, banks, max_blocks);
    if (status != CS_OK) return status;
    if (state_words < header.words) return CS_EBUFFER;
    if (!record_fits(&header, record, count)) return CS_EINVAL;
    header.record_count = count;
    memset(state, 0, header.words * sizeof *state);
    for (int32_t group = 0; group < params->lanes / params->group; ++group)
        load(&header, state, group, record, group, 0);
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

static int32_t open_state(const uint64_t *state, size_t state_words, banks_state *header) {
    if (state == NULL) return CS_EINVAL;
    if (state_words < (sizeof *header + 7) / 8) return CS_EBUFFER;
    memcpy(header, state, sizeof *header);
    if (header->magic != STATE_MAGIC) return CS_ESTATE;
    return state_words < header->words ? CS_EBUFFER : CS_OK;
}

int32_t cs_core_banks_submit(uint64_t *state, size_t state_words, int64_t clk, int32_t memory, int32_t bank,
                             int64_t accesses) {
    banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (memory < 0 || memory > 1 || bank < 0 || bank >= header.banks.banks[memory] || accesses < 1) return CS_EINVAL;
    reservation *pending = (reservation *)(state + header.reservations);
    const int64_t room = header.banks.max_pending;
    if (clk < header.now || clk < 0) return CS_EINVAL;
    if (header.pending > 0 && clk < pending[(header.first_pending + header.pending - 1) % room].clk) return CS_EINVAL;
    if (header.pending == room) return CS_FULL;
    pending[(header.first_pending + header.pending) % room] =
        (reservation){.clk = clk, .accesses = accesses, .memory = memory, .bank = bank};
    ++header.pending;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_banks_next(const uint64_t *state, size_t state_words, int64_t *clk) {
    banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    *clk = header.result.done ? CS_NEVER : header.now + 1;
    return CS_OK;
}

/* ---- one cycle ------------------------------------------------------------------------------------------------- */

/* DMA and pruning unit go first; what they leave is in free_ports. */
static void serve_others(banks_state *state, uint64_t *base, int64_t cycle) {
    const reservation *pending = (const reservation *)(base + state->reservations);
    for (; state->pending > 0 && pending[state->first_pending].clk < cycle; --state->pending) {
        const reservation *next = pending + state->first_pending;
        ((int64_t *)(base + state->backlog[next->memory]))[next->bank] += next->accesses;
        state->first_pending = (state->first_pending + 1) % state->banks.max_pending;
    }
    for (int m = 0; m < 2; ++m) {
        int64_t *backlog = (int64_t *)(base + state->backlog[m]);
        int32_t *free_ports = (int32_t *)(base + state->free_ports[m]);
        for (int32_t bank = 0; bank < state->banks.banks[m]; ++bank) {
            const int32_t ports = state->banks.ports[m];
            const int32_t served = backlog[bank] < ports ? (int32_t)backlog[bank] : ports;
            backlog[bank] -= served;
            free_ports[bank] = ports - served;
            state->result.served[m] += served;
        }
    }
}

static int earlier(const request *a, const request *b) {
    if (a->since != b->since) return a->since < b->since;
    return a->group != b->group ? a->group < b->group : a->block < b->block;
}

static void insert(request *requests, int32_t *count, request new_one) {
    int32_t at = (*count)++;
    for (; at > 0 && earlier(&new_one, &requests[at - 1]); --at)
        requests[at] = requests[at - 1];
    requests[at] = new_one;
}

/* Blocks that all lanes of the group have left. */
static int32_t all_left(const lane_state *lanes, int32_t count, int32_t blocks) {
    int32_t low = blocks;
    for (int32_t i = 0; i < count; ++i)
        if (lanes[i].active && lanes[i].position < low) low = lanes[i].position;
    return low;
}

/* The lane would look at a block for the first time, banks permitting. */
static int would_look(const banks_state *state, const group_state *group, const uint32_t *outputs,
                      const lane_state *lane, int32_t index) {
    return lane->active && lane->position < (int32_t)outputs[1] && lane->rest < 0 &&
           !(entry_of(outputs, lane->position, index) & CS_CORE_JUMPED) &&
           lane->position - state->params.run_ahead < group->low;
}

static int done(const lane_state *lane, int32_t blocks) {
    return !lane->active || (lane->position == blocks && lane->queued == 0);
}

/* End the groups of outputs that are done, and start the next; true while some group is not through. */
static int turn_over(banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    const int32_t groups = state->params.lanes / state->params.group;
    int running = 0;
    for (int32_t g = 0; g < groups; ++g) {
        group_state *group = (group_state *)(base + state->groups) + g;
        lane_state *lanes = (lane_state *)(base + state->lanes) + (size_t)g * (size_t)state->params.group;
        while (!group->through && group->begun <= cycle) {
            int finished = 1;
            for (int32_t i = 0; i < state->params.group; ++i)
                finished &= done(lanes + i, (int32_t)record[group->at + 1]);
            if (!finished) break;
            group->cycles = cycle + state->params.lane_latency;
            load(state, base, g, record, groups, group->cycles);
        }
        if (!group->through) running = 1;
        if (group->cycles > state->result.cycles) state->result.cycles = group->cycles;
    }
    return running;
}

static void grant_input(banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    const int32_t groups = state->params.lanes / state->params.group;
    int32_t *free_ports = (int32_t *)(base + state->free_ports[0]);
    request *requests = (request *)(base + state->requests);
    int32_t count = 0;
    for (int32_t g = 0; g < groups; ++g) {
        const group_state *group = (const group_state *)(base + state->groups) + g;
        if (group->through || group->begun > cycle) continue;
        const uint32_t *outputs = record + group->at;
        const lane_state *lanes = (const lane_state *)(base + state->lanes) + (size_t)g * (size_t)state->params.group;
        buffer_place *places = (buffer_place *)(base + state->places) + (size_t)g * (size_t)state->buffer_places;
        for (int32_t i = 0; i < state->buffer_places; ++i)
            places[i].asked_in_this_cycle = 0;
        for (int32_t i = 0; i < state->params.group; ++i) {
            if (!would_look(state, group, outputs, lanes + i, i)) continue;
            const int32_t block = lanes[i].position;
            buffer_place *place = places + block % state->buffer_places;
            if (place->block != block) *place = (buffer_place){.since = cycle, .block = block};
            if (place->fetched || place->asked_in_this_cycle) continue;
            place->asked_in_this_cycle = 1;
            const int32_t bank = (int32_t)(((int64_t)outputs[2] + block) % state->banks.banks[0]);
            insert(requests, &count, (request){.since = place->since, .group = g, .block = block, .bank = bank});
        }
    }
    for (int32_t i = 0; i < count; ++i) {
        if (free_ports[requests[i].bank] == 0) continue;
        --free_ports[requests[i].bank];
        ++state->result.reads[0];
        buffer_place *places = (buffer_place *)(base + state->places);
        places[(size_t)requests[i].group * (size_t)state->buffer_places +
               (size_t)(requests[i].block % state->buffer_places)]
            .fetched = 1;
    }
}

static void grant_other(banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    int32_t *free_ports = (int32_t *)(base + state->free_ports[1]);
    request *requests = (request *)(base + state->requests);
    lane_state *lanes = (lane_state *)(base + state->lanes);
    int32_t count = 0;
    for (int32_t lane = 0; lane < state->params.lanes; ++lane) {
        const group_state *group = (const group_state *)(base + state->groups) + lane / state->params.group;
        if (group->through || group->begun > cycle) continue;
        const uint32_t *outputs = record + group->at;
        const int32_t index = lane % state->params.group;
        if (!would_look(state, group, outputs, lanes + lane, index) || lanes[lane].has_other) continue;
        if (!(entry_of(outputs, lanes[lane].position, index) & CS_CORE_READS)) {
            lanes[lane].has_other = 1;
            continue;
        }
        if (lanes[lane].since < 0) lanes[lane].since = cycle;
        const int32_t bank = (int32_t)(((int64_t)outputs[3 + index] + lanes[lane].position) % state->banks.banks[1]);
        insert(requests, &count, (request){.since = lanes[lane].since, .group = lane, .bank = bank});
    }
    for (int32_t i = 0; i < count; ++i) {
        if (free_ports[requests[i].bank] == 0) continue;
        --free_ports[requests[i].bank];
        ++state->result.reads[1];
        lanes[requests[i].group].has_other = 1;
    }
}

/* Scanner and MAC of one lane, in a cycle in which it is not done. */
static void step_lane(banks_state *state, const group_state *group, const buffer_place *places, const uint32_t *outputs,
                      lane_state *lane, int32_t index) {
    const int32_t room = state->params.queue - lane->queued;
    const int32_t macs = state->params.macs_per_lane, take = macs < lane->queued ? macs : lane->queued;
    int32_t put = 0;
    ++lane->cycles;
    if (would_look(state, group, outputs, lane, index)) {
        const buffer_place *place = places + lane->position % state->buffer_places;
        if (place->fetched && lane->has_other) {
            lane->rest = (int32_t)(entry_of(outputs, lane->position, index) & (CS_CORE_READS - 1));
        } else {
            ++lane->waits;
            ++state->result.lane_waits;
        }
    }
    if (lane->rest >= 0) {
        put = lane->rest < room ? lane->rest : room;
        lane->rest -= put;
        if (lane->rest == 0) {
            lane->rest = -1;
            lane->has_other = 0;
            lane->since = -1;
            ++lane->position;
            jump(state, outputs, lane, index);
        }
    } else if (lane->position < (int32_t)outputs[1] && (entry_of(outputs, lane->position, index) & CS_CORE_JUMPED)) {
        jump(state, outputs, lane, index);
    }
    lane->queued += put - take;
}

static void run_cycle(banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    const int32_t groups = state->params.lanes / state->params.group;
    for (int32_t g = 0; g < groups; ++g) {
        group_state *group = (group_state *)(base + state->groups) + g;
        const lane_state *lanes = (const lane_state *)(base + state->lanes) + (size_t)g * (size_t)state->params.group;
        if (!group->through) group->low = all_left(lanes, state->params.group, (int32_t)record[group->at + 1]);
    }
    grant_input(state, base, record, cycle);
    grant_other(state, base, record, cycle);
    for (int32_t g = 0; g < groups; ++g) {
        const group_state *group = (const group_state *)(base + state->groups) + g;
        if (group->through || group->begun > cycle) continue;
        const buffer_place *places =
            (const buffer_place *)(base + state->places) + (size_t)g * (size_t)state->buffer_places;
        lane_state *lanes = (lane_state *)(base + state->lanes) + (size_t)g * (size_t)state->params.group;
        for (int32_t i = 0; i < state->params.group; ++i)
            if (!done(lanes + i, (int32_t)record[group->at + 1]))
                step_lane(state, group, places, record + group->at, lanes + i, i);
    }
}

int32_t cs_core_banks_advance(uint64_t *state, size_t state_words, const uint32_t *record, size_t count, int64_t until,
                              int64_t *done_at) {
    banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (done_at == NULL || (record == NULL && count > 0) || count != header.record_count) return CS_EINVAL;
    while (!header.result.done && header.now < until) {
        const int64_t cycle = header.now + 1;
        if (!turn_over(&header, state, record, cycle)) {
            header.result.done = 1;
            break;
        }
        serve_others(&header, state, cycle);
        run_cycle(&header, state, record, cycle);
        header.now = cycle;
    }
    *done_at = header.result.done ? header.result.cycles : CS_NEVER;
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_banks_result_of(const uint64_t *state, size_t state_words, cs_core_banks_result *result,
                                int64_t *group_cycles, size_t groups, int64_t *lane_cycles, int64_t *lane_waits,
                                size_t lanes) {
    banks_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (result == NULL || group_cycles == NULL || lane_cycles == NULL || lane_waits == NULL) return CS_EINVAL;
    if (groups != (size_t)(header.params.lanes / header.params.group) || lanes != (size_t)header.params.lanes)
        return CS_EBUFFER;
    *result = header.result;
    for (size_t i = 0; i < groups; ++i)
        group_cycles[i] = ((const group_state *)(state + header.groups))[i].cycles;
    for (size_t i = 0; i < lanes; ++i) {
        lane_cycles[i] = ((const lane_state *)(state + header.lanes))[i].cycles;
        lane_waits[i] = ((const lane_state *)(state + header.lanes))[i].waits;
    }
    return CS_OK;
}
