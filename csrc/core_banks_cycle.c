#include "core_banks_state.h"
#include "core_walk.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static uint32_t entry_of(const uint32_t *outputs, int32_t block, int32_t lane) {
    return outputs[3 + outputs[0] + (size_t)block * outputs[0] + (size_t)lane];
}

static cs_banks_group *group_of(const cs_banks_state *state, uint64_t *base, int32_t index) {
    return (cs_banks_group *)(base + state->groups) + index;
}

static cs_banks_lane *lanes_of(const cs_banks_state *state, uint64_t *base, int32_t group) {
    return (cs_banks_lane *)(base + state->lanes) + (size_t)group * (size_t)state->params.group;
}

/* ---- lanes
 * -----------------------------------------------------------------------------------------------------
 */

static void next_block(const cs_banks_state *state, cs_banks_lane *lane) {
    ++lane->position;
    if (++lane->place == state->buffer_places) lane->place = 0;
    for (int m = 0; m < 2; ++m)
        if (++lane->bank[m] == state->banks.banks[m]) lane->bank[m] = 0;
}

/* Leave up to `coarse_jump` coarse-zero blocks. `cycle` is the first at whose
 * start they are left; behind the last block only the queue is to be emptied.
 */
static void jump(const cs_banks_state *state, cs_banks_group *group, const uint32_t *outputs, cs_banks_lane *lane,
                 int32_t index, int64_t cycle) {
    const int32_t blocks = (int32_t)outputs[1];
    for (int32_t left = 0; left < state->params.coarse_jump && lane->position < blocks; ++left) {
        if (!(entry_of(outputs, lane->position, index) & CS_CORE_JUMPED)) break;
        next_block(state, lane);
    }
    group->moved = 1;
    lane->wake = cycle;
    if (lane->position < blocks) return;
    const int64_t macs = state->params.macs_per_lane;
    const int64_t emptied = lane->free_at + (lane->queued + macs - 1) / macs;
    const int64_t done = emptied > cycle ? emptied : cycle;
    lane->wake = CS_NEVER;
    lane->cycles += done - group->begun;
    if (done > group->done_at) group->done_at = done;
    --group->running;
}

void cs_banks_load(const cs_banks_state *state, uint64_t *base, int32_t index, const uint32_t *record, int64_t turns,
                   int64_t begin) {
    cs_banks_group *group = group_of(state, base, index);
    cs_banks_lane *lanes = lanes_of(state, base, index);
    cs_banks_place *places = (cs_banks_place *)(base + state->places) + (size_t)index * (size_t)state->buffer_places;
    for (; turns > 0 && group->at < state->record_count; --turns)
        group->at += cs_banks_size_of(record + group->at);
    group->begun = group->done_at = begin;
    group->through = group->at >= state->record_count;
    group->running = 0;
    for (int32_t i = 0; i < state->buffer_places; ++i)
        places[i].block = -1;
    if (group->through) return;
    const uint32_t *outputs = record + group->at;
    group->running = (int32_t)outputs[0];
    for (int32_t i = 0; i < state->params.group; ++i) {
        cs_banks_lane *lane = lanes + i;
        lane->active = (uint32_t)i < outputs[0];
        lane->bank[0] = (int32_t)((int64_t)outputs[2] % state->banks.banks[0]);
        lane->bank[1] = lane->active ? (int32_t)((int64_t)outputs[3 + i] % state->banks.banks[1]) : 0;
        lane->position = lane->place = lane->queued = lane->entering = lane->has_other = 0;
        lane->since = -1;
        lane->free_at = begin;
        lane->wake = CS_NEVER;
        if (lane->active) jump(state, group, outputs, lane, i, begin);
    }
}

/* Blocks that put in their last index in the cycle before are left now. */
static void leave_blocks(const cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    const int32_t groups = state->params.lanes / state->params.group;
    for (int32_t g = 0; g < groups; ++g) {
        cs_banks_group *group = group_of(state, base, g);
        if (group->through || group->running == 0) continue;
        cs_banks_lane *lanes = lanes_of(state, base, g);
        for (int32_t i = 0; i < state->params.group; ++i) {
            cs_banks_lane *lane = lanes + i;
            if (lane->wake > cycle || !lane->entering) continue;
            lane->entering = lane->has_other = 0;
            lane->since = -1;
            next_block(state, lane);
            jump(state, group, record + group->at, lane, i, cycle);
        }
    }
}

/* End the groups of outputs that are done, and start the next; true while some
 * group is not through. */
static int turn_over(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    const int32_t groups = state->params.lanes / state->params.group;
    int running = 0;
    for (int32_t g = 0; g < groups; ++g) {
        cs_banks_group *group = group_of(state, base, g);
        while (!group->through && group->running == 0 && group->done_at <= cycle) {
            group->cycles = group->done_at + state->params.lane_latency;
            cs_banks_load(state, base, g, record, groups, group->cycles);
        }
        if (!group->through) running = 1;
        if (group->cycles > state->result.cycles) state->result.cycles = group->cycles;
    }
    return running;
}

/* ---- ports
 * -----------------------------------------------------------------------------------------------------
 */

/* DMA and pruning unit go first; what they leave is in free_ports. */
static void serve_others(cs_banks_state *state, uint64_t *base, int64_t cycle) {
    const cs_banks_reservation *pending = (const cs_banks_reservation *)(base + state->reservations);
    for (; state->pending > 0 && pending[state->first_pending].clk < cycle; --state->pending) {
        const cs_banks_reservation *next = pending + state->first_pending;
        ((int64_t *)(base + state->backlog[next->memory]))[next->bank] += next->accesses;
        state->backlog_left += next->accesses;
        state->first_pending = (state->first_pending + 1) % state->banks.max_pending;
    }
    for (int m = 0; m < 2; ++m) {
        int64_t *backlog = (int64_t *)(base + state->backlog[m]);
        int32_t *free_ports = (int32_t *)(base + state->free_ports[m]);
        const int32_t ports = state->banks.ports[m];
        for (int32_t bank = 0; bank < state->banks.banks[m]; ++bank) {
            const int32_t served = backlog[bank] < ports ? (int32_t)backlog[bank] : ports;
            backlog[bank] -= served;
            free_ports[bank] = ports - served;
            state->result.served[m] += served;
            state->backlog_left -= served;
        }
    }
}

/* Cycles `cycle` .. `last`, in which no lane wants anything. */
static void serve_idle(cs_banks_state *state, uint64_t *base, int64_t cycle, int64_t last) {
    const cs_banks_reservation *pending = (const cs_banks_reservation *)(base + state->reservations);
    while (cycle <= last) {
        if (state->backlog_left == 0) {
            if (state->pending == 0) return;
            const int64_t arrival = pending[state->first_pending].clk + 1;
            if (arrival > cycle) cycle = arrival;
            if (cycle > last) return;
        }
        serve_others(state, base, cycle++);
    }
}

/* ---- one cycle
 * -------------------------------------------------------------------------------------------------
 */

static int earlier(const cs_banks_request *a, const cs_banks_request *b) {
    if (a->since != b->since) return a->since < b->since;
    return a->group != b->group ? a->group < b->group : a->block < b->block;
}

static void insert(cs_banks_request *requests, int32_t *count, cs_banks_request new_one) {
    int32_t at = (*count)++;
    for (; at > 0 && earlier(&new_one, &requests[at - 1]); --at)
        requests[at] = requests[at - 1];
    requests[at] = new_one;
}

/* The lanes that would look at a block, banks permitting, go into `lookers`;
 * lanes before a coarse-zero block jump. Returns their number; *next is lowered
 * to the next cycle in which a lane that is not among them needs a look.
 */
static int32_t find_lookers(const cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle,
                            int64_t *next) {
    const int32_t groups = state->params.lanes / state->params.group, size = state->params.group;
    cs_banks_looker *lookers = (cs_banks_looker *)(base + state->lookers);
    int32_t count = 0;
    for (int32_t g = 0; g < groups; ++g) {
        cs_banks_group *group = group_of(state, base, g);
        if (group->through) continue;
        if (group->running == 0) *next = smaller(*next, group->done_at);
        if (group->begun > cycle) {
            *next = smaller(*next, group->begun);
            continue;
        }
        cs_banks_lane *lanes = lanes_of(state, base, g);
        const uint32_t *outputs = record + group->at;
        if (group->moved) {
            group->low = (int32_t)outputs[1];
            for (int32_t i = 0; i < size; ++i)
                if (lanes[i].active && lanes[i].position < group->low) group->low = lanes[i].position;
            group->moved = 0;
        }
        for (int32_t i = 0; i < size; ++i) {
            cs_banks_lane *lane = lanes + i;
            if (lane->wake > cycle) {
                *next = smaller(*next, lane->wake);
            } else if (entry_of(outputs, lane->position, i) & CS_CORE_JUMPED) {
                jump(state, group, outputs, lane, i, cycle + 1);
                *next = cycle + 1;
            } else if (lane->position - state->params.run_ahead < group->low) {
                lookers[count++] = (cs_banks_looker){.lane = g * size + i, .group = g, .index = i};
            }
        }
    }
    return count;
}

static void grant_input(cs_banks_state *state, uint64_t *base, int64_t cycle, const cs_banks_looker *lookers,
                        int32_t looking) {
    int32_t *free_ports = (int32_t *)(base + state->free_ports[0]);
    cs_banks_request *requests = (cs_banks_request *)(base + state->requests);
    cs_banks_place *places = (cs_banks_place *)(base + state->places);
    const cs_banks_lane *lanes = (const cs_banks_lane *)(base + state->lanes);
    int32_t count = 0;
    for (int32_t i = 0; i < looking; ++i) {
        const cs_banks_lane *lane = lanes + lookers[i].lane;
        const int32_t at = lookers[i].group * state->buffer_places + lane->place;
        cs_banks_place *place = places + at;
        if (place->block != lane->position) *place = (cs_banks_place){.since = cycle, .block = lane->position};
        if (place->fetched || place->asked_in_this_cycle) continue;
        place->asked_in_this_cycle = 1;
        insert(requests, &count,
               (cs_banks_request){.since = place->since,
                                  .group = lookers[i].group,
                                  .block = lane->position,
                                  .bank = lane->bank[0],
                                  .place = at});
    }
    for (int32_t i = 0; i < count; ++i) {
        cs_banks_place *place = places + requests[i].place;
        place->asked_in_this_cycle = 0;
        if (free_ports[requests[i].bank] == 0) continue;
        --free_ports[requests[i].bank];
        ++state->result.reads[0];
        place->fetched = 1;
    }
}

static void grant_other(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle,
                        const cs_banks_looker *lookers, int32_t looking) {
    int32_t *free_ports = (int32_t *)(base + state->free_ports[1]);
    cs_banks_request *requests = (cs_banks_request *)(base + state->requests);
    cs_banks_lane *lanes = (cs_banks_lane *)(base + state->lanes);
    int32_t count = 0;
    for (int32_t i = 0; i < looking; ++i) {
        cs_banks_lane *lane = lanes + lookers[i].lane;
        if (lane->has_other) continue;
        const uint32_t *outputs = record + group_of(state, base, lookers[i].group)->at;
        if (!(entry_of(outputs, lane->position, lookers[i].index) & CS_CORE_READS)) {
            lane->has_other = 1;
            continue;
        }
        if (lane->since < 0) lane->since = cycle;
        insert(requests, &count,
               (cs_banks_request){.since = lane->since, .group = lookers[i].lane, .bank = lane->bank[1]});
    }
    for (int32_t i = 0; i < count; ++i) {
        if (free_ports[requests[i].bank] == 0) continue;
        --free_ports[requests[i].bank];
        ++state->result.reads[1];
        lanes[requests[i].group].has_other = 1;
    }
}

/* Lanes that have both blocks look; when they will leave theirs follows from their queue. */
static void look(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle,
                 const cs_banks_looker *lookers, int32_t looking, int64_t *next) {
    const int32_t macs = state->params.macs_per_lane, depth = state->params.queue;
    const cs_banks_place *places = (const cs_banks_place *)(base + state->places);
    cs_banks_lane *lanes = (cs_banks_lane *)(base + state->lanes);
    for (int32_t i = 0; i < looking; ++i) {
        cs_banks_lane *lane = lanes + lookers[i].lane;
        if (!lane->has_other || !places[lookers[i].group * state->buffer_places + lane->place].fetched) {
            ++lane->waits;
            ++state->result.lane_waits;
            *next = cycle + 1;
            continue;
        }
        const uint32_t *outputs = record + group_of(state, base, lookers[i].group)->at;
        const uint32_t found = entry_of(outputs, lane->position, lookers[i].index) & (CS_CORE_READS - 1);
        const int64_t drained = lane->queued - macs * (cycle - lane->free_at);
        int32_t held = drained > 0 ? (int32_t)drained : 0;
        lane->entering = 1;
        lane->wake = cycle + 1 + cs_core_enter(0, (int32_t)found, depth, macs, &held);
        lane->free_at = lane->wake;
        lane->queued = held;
        *next = smaller(*next, lane->wake);
    }
}

void cs_banks_run(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t until) {
    const cs_banks_looker *lookers = (const cs_banks_looker *)(base + state->lookers);
    while (!state->result.done && state->now < until) {
        const int64_t cycle = state->now + 1;
        if (cycle < state->next_event) {
            state->now = smaller(until, state->next_event - 1);
            serve_idle(state, base, cycle, state->now);
            continue;
        }
        leave_blocks(state, base, record, cycle);
        if (!turn_over(state, base, record, cycle)) {
            state->result.done = 1;
            return;
        }
        serve_others(state, base, cycle);
        int64_t next = CS_NEVER;
        const int32_t looking = find_lookers(state, base, record, cycle, &next);
        grant_input(state, base, cycle, lookers, looking);
        grant_other(state, base, record, cycle, lookers, looking);
        look(state, base, record, cycle, lookers, looking, &next);
        state->next_event = next;
        state->now = cycle;
    }
}
