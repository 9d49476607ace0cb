#include "core_banks_whole.h"
#include "core_walk.h"

#include <string.h>

#define WORD 64

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void set_bit(uint64_t *mask, int32_t bit) {
    mask[bit / WORD] |= (uint64_t)1 << (bit % WORD);
}

/* ---- the calendar ---------------------------------------------------------------------------------------------- */

/* Touch the lane in the cycle `wake`, or in the present one. */
static void schedule(cs_banks_state *state, uint64_t *base, int32_t lane, int64_t wake) {
    const int64_t present = state->now + 1;
    if (wake <= present) {
        set_bit(base + state->due, lane);
        return;
    }
    const int64_t slot = smaller(wake, present + CS_BANKS_SLOTS - 1) % CS_BANKS_SLOTS;
    set_bit(base + state->calendar + (size_t)slot * state->lane_words, lane);
    state->busy_slots |= (uint64_t)1 << slot;
}

/* The first cycle after the present one in which a lane is to be touched. */
static int64_t next_in_calendar(const cs_banks_state *state) {
    if (state->busy_slots == 0) return CS_NEVER;
    const int64_t from = state->now + 2, turn = from % CS_BANKS_SLOTS;
    const uint64_t turned =
        turn == 0 ? state->busy_slots : state->busy_slots >> turn | state->busy_slots << (CS_BANKS_SLOTS - turn);
    return from + __builtin_ctzll(turned);
}

/* ---- lanes ----------------------------------------------------------------------------------------------------- */

/* Lanes of the group that were held up by a block that all have left by `cycle`. */
static void let_go(cs_banks_state *state, uint64_t *base, int32_t group, int32_t block, int64_t cycle) {
    for (int32_t i = 0; i < state->params.group; ++i) {
        cs_banks_lane *lane = cs_banks_lane_of(state, base, group * state->params.group + i);
        if (!lane->held_up || lane->position - state->params.run_ahead != block) continue;
        lane->held_up = 0;
        --cs_banks_group_of(state, base, group)->held_up;
        if (cycle > lane->wake) lane->wake = cycle;
        schedule(state, base, group * state->params.group + i, lane->wake);
    }
}

/* The lane's block is left at the start of `cycle`. */
static void leave(cs_banks_state *state, uint64_t *base, const uint32_t *outputs, cs_banks_lane *lane, int64_t cycle) {
    cs_banks_leaving *left = cs_banks_leavings_of(state, base, lane->group) + lane->position;
    if (cycle > left->by) left->by = cycle;
    if (++left->lanes == (int32_t)outputs[0] && cs_banks_group_of(state, base, lane->group)->held_up > 0)
        let_go(state, base, lane->group, lane->position, left->by);
    ++lane->position;
    if (++lane->place == state->buffer_places) lane->place = 0;
    for (int m = 0; m < 2; ++m)
        if (++lane->bank[m] == state->banks.banks[m]) lane->bank[m] = 0;
}

/* Leave up to `coarse_jump` coarse-zero blocks at the start of `cycle`. */
static void jump(cs_banks_state *state, uint64_t *base, const uint32_t *outputs, cs_banks_lane *lane, int64_t cycle) {
    for (int32_t left = 0; left < state->params.coarse_jump && lane->position < (int32_t)outputs[1]; ++left) {
        if (!(cs_banks_entry_of(outputs, lane->position, lane->index) & CS_CORE_JUMPED)) return;
        leave(state, base, outputs, lane, cycle);
    }
}

/* Look at the block in `cycle`, with both operands. Returns the cycle at whose start it is left: the queue says. */
static int64_t look(cs_banks_state *state, uint64_t *base, const uint32_t *outputs, cs_banks_lane *lane, uint32_t entry,
                    int64_t cycle) {
    const int32_t macs = state->params.macs_per_lane, found = (int32_t)(entry & (CS_CORE_READS - 1));
    const int64_t drained = lane->queued - macs * (cycle - lane->free_at);
    int32_t held = drained > 0 ? (int32_t)drained : 0;
    cycle += 1 + cs_core_enter(0, found, state->params.queue, macs, &held);
    lane->free_at = cycle;
    lane->queued = held;
    lane->has_other = 0;
    lane->since = -1;
    leave(state, base, outputs, lane, cycle);
    jump(state, base, outputs, lane, cycle);
    return cycle;
}

static void finish(cs_banks_state *state, uint64_t *base, cs_banks_lane *lane, int64_t cycle) {
    cs_banks_group *group = cs_banks_group_of(state, base, lane->group);
    const int64_t macs = state->params.macs_per_lane;
    const int64_t emptied = lane->free_at + (lane->queued + macs - 1) / macs;
    const int64_t done = emptied > cycle ? emptied : cycle;
    lane->cycles += done - group->begun;
    if (done > group->done_at) group->done_at = done;
    if (--group->running == 0) state->turn_at = smaller(state->turn_at, group->done_at);
}

/* What the lane does from `cycle` on, as far as it depends on no bank: it jumps, waits for others whose leaving is
 * known by now, and looks at blocks that are in the buffer and need none of the other operand. These looks need
 * no cycle of their own here: measured 1.3 times as fast at a density of one half.
 */
static void proceed(cs_banks_state *state, uint64_t *base, const uint32_t *outputs, int32_t index, int64_t cycle) {
    cs_banks_lane *lane = cs_banks_lane_of(state, base, index);
    const cs_banks_place *buffer = cs_banks_buffer_of(state, base, lane->group);
    const cs_banks_leaving *leavings = cs_banks_leavings_of(state, base, lane->group);
    const int32_t run_ahead = state->params.run_ahead;
    while (lane->position < (int32_t)outputs[1]) {
        const uint32_t entry = cs_banks_entry_of(outputs, lane->position, lane->index);
        if (entry & CS_CORE_JUMPED) {
            jump(state, base, outputs, lane, ++cycle);
            continue;
        }
        lane->wake = cycle;
        if (lane->position >= run_ahead) {
            const cs_banks_leaving *left = leavings + (lane->position - run_ahead);
            if (left->lanes < (int32_t)outputs[0]) {
                lane->held_up = 1;
                ++cs_banks_group_of(state, base, lane->group)->held_up;
                return;
            }
            if (left->by > cycle) lane->wake = cycle = left->by;
        }
        const cs_banks_place *place = buffer + lane->place;
        if ((entry & CS_CORE_READS) || place->block != lane->position || !place->fetched) {
            schedule(state, base, index, cycle);
            return;
        }
        cycle = look(state, base, outputs, lane, entry, cycle);
    }
    finish(state, base, lane, cycle);
}

/* A group that is walked as a whole asks for its next block when a lane is there, or is done. */
static void go_on(cs_banks_state *state, uint64_t *base, const uint32_t *outputs, int32_t index) {
    cs_banks_group *group = cs_banks_group_of(state, base, index);
    const int32_t first = index * state->params.group;
    if (group->position < (int32_t)outputs[1]) {
        cs_banks_lane *lane = cs_banks_lane_of(state, base, first);
        lane->wake = cs_banks_whole_asks_at(group);
        schedule(state, base, first, lane->wake);
        return;
    }
    cs_banks_whole_finish(state, base, group, first, (int32_t)outputs[0]);
    group->running = 0;
    state->turn_at = smaller(state->turn_at, group->done_at);
}

void cs_banks_load(cs_banks_state *state, uint64_t *base, int32_t index, const uint32_t *record, int64_t turns,
                   int64_t begin) {
    cs_banks_group *group = cs_banks_group_of(state, base, index);
    cs_banks_place *buffer = cs_banks_buffer_of(state, base, index);
    const int32_t first = index * state->params.group;
    for (; turns > 0 && group->at < state->record_count; --turns)
        group->at += cs_banks_size_of(record + group->at);
    group->begun = group->done_at = begin;
    group->through = group->at >= state->record_count;
    group->running = group->held_up = 0;
    for (int32_t i = 0; i < state->buffer_places; ++i)
        buffer[i].block = -1;
    if (group->through) return;
    const uint32_t *outputs = record + group->at;
    group->running = (int32_t)outputs[0];
    group->whole = cs_banks_is_whole(&state->params, outputs);
    if (group->whole) {
        group->bank = (int32_t)((int64_t)outputs[2] % state->banks.banks[0]);
        cs_banks_lane_of(state, base, first)->group = index;
        buffer[0].fetched = 0;
        cs_banks_whole_begin(state, base, group, first);
        go_on(state, base, outputs, index);
        return;
    }
    memset(cs_banks_leavings_of(state, base, index), 0, outputs[1] * sizeof(cs_banks_leaving));
    for (int32_t i = 0; i < group->running; ++i) {
        cs_banks_lane *lane = cs_banks_lane_of(state, base, first + i);
        lane->group = index;
        lane->index = i;
        lane->bank[0] = (int32_t)((int64_t)outputs[2] % state->banks.banks[0]);
        lane->bank[1] = (int32_t)((int64_t)outputs[3 + i] % state->banks.banks[1]);
        lane->position = lane->place = lane->queued = lane->held_up = lane->has_other = 0;
        lane->since = -1;
        lane->free_at = begin;
    }
    for (int32_t i = 0; i < (int32_t)outputs[0]; ++i) {
        jump(state, base, outputs, cs_banks_lane_of(state, base, first + i), begin);
        proceed(state, base, outputs, first + i, begin);
    }
}

/* Lanes that the calendar names for this cycle become due. */
static void turn_page(cs_banks_state *state, uint64_t *base, int64_t cycle) {
    const int64_t slot = cycle % CS_BANKS_SLOTS;
    if (!((state->busy_slots >> slot) & 1)) return;
    state->busy_slots ^= (uint64_t)1 << slot;
    uint64_t *named = base + state->calendar + (size_t)slot * state->lane_words;
    for (size_t w = 0; w < state->lane_words; ++w) {
        base[state->due + w] |= named[w];
        named[w] = 0;
    }
}

/* End the groups of outputs that are done, and start the next. */
static void turn_over(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    if (cycle < state->turn_at) return;
    const int32_t groups = state->params.lanes / state->params.group;
    int64_t turn_at = CS_NEVER;
    state->live = 0;
    for (int32_t g = 0; g < groups; ++g) {
        cs_banks_group *group = cs_banks_group_of(state, base, g);
        while (!group->through && group->running == 0 && group->done_at <= cycle) {
            group->cycles = group->done_at + state->params.lane_latency;
            cs_banks_load(state, base, g, record, groups, group->cycles);
        }
        if (group->cycles > state->result.cycles) state->result.cycles = group->cycles;
        if (group->through) continue;
        ++state->live;
        if (group->running == 0) turn_at = smaller(turn_at, group->done_at);
    }
    state->turn_at = turn_at;
}

/* ---- one cycle ------------------------------------------------------------------------------------------------- */

static int earlier(const cs_banks_request *a, const cs_banks_request *b) {
    if (a->since != b->since) return a->since < b->since;
    return a->asker != b->asker ? a->asker < b->asker : a->block < b->block;
}

static void insert(cs_banks_request *requests, int32_t *count, cs_banks_request new_one) {
    int32_t at = (*count)++;
    for (; at > 0 && earlier(&new_one, &requests[at - 1]); --at)
        requests[at] = requests[at - 1];
    requests[at] = new_one;
}

typedef struct {
    int32_t requests[2]; /* per memory */
    int32_t waiting;
} found_lanes;

/* Each due lane looks at its block, if it has both operands', and is due no longer; or it asks the banks for what is
 * missing, and waits.
 */
static found_lanes visit_due(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle) {
    cs_banks_request *input = (cs_banks_request *)(base + state->requests[0]);
    cs_banks_request *other = (cs_banks_request *)(base + state->requests[1]);
    int32_t *waiting = (int32_t *)(base + state->waiting);
    uint64_t *due = base + state->due;
    found_lanes found = {{0, 0}, 0};
    for (size_t w = 0; w < state->lane_words; ++w) {
        uint64_t stay = 0;
        for (uint64_t set = due[w]; set != 0; set &= set - 1) {
            const int32_t index = (int32_t)w * WORD + __builtin_ctzll(set);
            cs_banks_lane *lane = cs_banks_lane_of(state, base, index);
            if (lane->wake > cycle) { /* later than the calendar reaches */
                schedule(state, base, index, lane->wake);
                continue;
            }
            const cs_banks_group *group = cs_banks_group_of(state, base, lane->group);
            if (group->whole) {
                stay |= set & -set;
                waiting[found.waiting++] = index;
                insert(input, &found.requests[0],
                       (cs_banks_request){
                           .since = lane->wake, .asker = lane->group, .block = group->position, .bank = group->bank});
                continue;
            }
            const uint32_t *outputs = record + group->at;
            const uint32_t entry = cs_banks_entry_of(outputs, lane->position, lane->index);
            cs_banks_place *place = cs_banks_buffer_of(state, base, lane->group) + lane->place;
            if (place->block != lane->position) *place = (cs_banks_place){.since = cycle, .block = lane->position};
            if (!(entry & CS_CORE_READS)) lane->has_other = 1;
            if (place->fetched && lane->has_other) {
                proceed(state, base, outputs, index, look(state, base, outputs, lane, entry, cycle));
                continue;
            }
            stay |= set & -set;
            waiting[found.waiting++] = index;
            if (!place->fetched && !place->asked_in_this_cycle) {
                place->asked_in_this_cycle = 1;
                insert(input, &found.requests[0],
                       (cs_banks_request){.since = place->since,
                                          .asker = lane->group,
                                          .block = lane->position,
                                          .bank = lane->bank[0],
                                          .place = lane->place});
            }
            if (!lane->has_other) {
                if (lane->since < 0) lane->since = cycle;
                insert(other, &found.requests[1],
                       (cs_banks_request){.since = lane->since, .asker = index, .bank = lane->bank[1]});
            }
        }
        due[w] = stay;
    }
    return found;
}

/* Ports go to requests in their order. */
static void grant(cs_banks_state *state, uint64_t *base, const found_lanes *found) {
    for (int m = 0; m < 2; ++m) {
        int32_t *free_ports = (int32_t *)(base + state->free_ports[m]);
        const cs_banks_request *requests = (const cs_banks_request *)(base + state->requests[m]);
        for (int32_t i = 0; i < found->requests[m]; ++i) {
            cs_banks_place *place =
                m == 0 ? cs_banks_buffer_of(state, base, requests[i].asker) + requests[i].place : NULL;
            if (m == 0) place->asked_in_this_cycle = 0;
            if (free_ports[requests[i].bank] == 0) continue;
            --free_ports[requests[i].bank];
            ++state->result.reads[m];
            if (m == 0)
                place->fetched = 1;
            else
                cs_banks_lane_of(state, base, requests[i].asker)->has_other = 1;
        }
    }
}

static void not_due(const cs_banks_state *state, uint64_t *base, int32_t lane) {
    base[state->due + (size_t)(lane / WORD)] &= ~((uint64_t)1 << (lane % WORD));
}

/* Waiting lanes that have both blocks now look. Returns how many still wait. */
static int32_t look_or_wait(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t cycle,
                            const found_lanes *found) {
    const int32_t *waiting = (const int32_t *)(base + state->waiting);
    int32_t left = 0, whole_left = 0;
    for (int32_t i = 0; i < found->waiting; ++i) {
        cs_banks_lane *lane = cs_banks_lane_of(state, base, waiting[i]);
        cs_banks_group *group = cs_banks_group_of(state, base, lane->group);
        if (group->whole) { /* its lanes' waits are counted when it has the block */
            cs_banks_place *place = cs_banks_buffer_of(state, base, lane->group);
            if (!place->fetched) {
                ++whole_left;
                continue;
            }
            place->fetched = 0;
            not_due(state, base, waiting[i]);
            cs_banks_whole_look(state, base, group, waiting[i], record + group->at,
                                cs_banks_leavings_of(state, base, lane->group), cycle);
            go_on(state, base, record + group->at, lane->group);
            continue;
        }
        if (!lane->has_other || !cs_banks_buffer_of(state, base, lane->group)[lane->place].fetched) {
            ++lane->waits;
            ++left;
            continue;
        }
        const uint32_t *outputs = record + group->at;
        const uint32_t entry = cs_banks_entry_of(outputs, lane->position, lane->index);
        not_due(state, base, waiting[i]);
        proceed(state, base, outputs, waiting[i], look(state, base, outputs, lane, entry, cycle));
    }
    state->result.lane_waits += left;
    return left + whole_left;
}

void cs_banks_run(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t until) {
    while (!state->result.done && state->now < until) {
        const int64_t cycle = state->now + 1;
        if (cycle < state->next_event) {
            state->now = smaller(until, state->next_event - 1);
            cs_banks_serve_idle(state, base, cycle, state->now);
            continue;
        }
        turn_page(state, base, cycle);
        turn_over(state, base, record, cycle);
        if (state->live == 0) {
            state->result.done = 1;
            return;
        }
        const int ports_known = cs_banks_serve_others(state, base, cycle);
        const found_lanes found = visit_due(state, base, record, cycle);
        for (int m = 0; m < 2 && !ports_known; ++m)
            if (found.requests[m] > 0) cs_banks_free_all_ports(state, base, m);
        grant(state, base, &found);
        const int32_t left = look_or_wait(state, base, record, cycle, &found);
        state->next_event = left > 0 ? cycle + 1 : smaller(state->turn_at, next_in_calendar(state));
        state->now = cycle;
    }
}
