/* Inside the banked core: its state, and one cycle of it. */
#ifndef CS_CORE_BANKS_STATE_H
#define CS_CORE_BANKS_STATE_H

#include "core_banks.h"

/* One lane of the outputs under way. Where it stands at `wake` follows from what is known now: it is touched again in
 * that cycle only.
 */
typedef struct {
    int64_t wake;
    int64_t free_at; /* cycle at whose start the queue holds `queued` */
    int64_t since;   /* cycle in which it first asked for the other operand's block; -1: has not */
    int64_t cycles, waits;
    int32_t group, index; /* of the lane in its group */
    int32_t position;     /* the block at which the scanner stands */
    int32_t place; /* its place in the broadcast buffer: position % places (kept, as its banks are: no division) */
    int32_t bank[2];
    int32_t queued;
    int32_t held_up; /* may not look at it before the others of its group have left theirs */
    int32_t has_other;
} cs_banks_lane;

/* One group of lanes: its place in the record. */
typedef struct {
    size_t at;       /* its present outputs */
    int64_t begun;   /* cycle in which the present outputs start or started */
    int64_t done_at; /* of the lanes that have left their last block, the last to empty its queue */
    int64_t cycles;  /* of the outputs that are done */
    int32_t through; /* nothing left */
    int32_t running; /* lanes whose last block's leaving is not known yet */
    int32_t held_up; /* lanes that are */
    /* Of outputs that are walked as a whole (core_banks_whole.h): the first lane stands for the group at the calendar
     * and the banks, the first place of the buffer for its block.
     */
    int32_t whole;
    int32_t position, bank;          /* the first block that is not fetched */
    int32_t first_ready, last_ready; /* of the lanes, cycles from `from` to where they have left the block before it */
    int64_t from;
    int64_t allowed; /* cycle from which run_ahead allows a look at it */
} cs_banks_group;

/* A block of a group's outputs: lanes whose leaving it is known, and the cycle at whose start they all have. */
typedef struct {
    int64_t by;
    int32_t lanes;
} cs_banks_leaving;

/* A lane that wakes later than so many cycles from now is touched in between. */
#define CS_BANKS_SLOTS 64

/* A place of a group's broadcast buffer. */
typedef struct {
    int64_t since; /* cycle of the first request */
    int32_t block; /* -1: none */
    int32_t fetched, asked_in_this_cycle;
} cs_banks_place;

/* What is asked of a bank in a cycle: of memory 0 by a group, of memory 1 by a lane. */
typedef struct {
    int64_t since; /* cycle of the first request for the block */
    int32_t asker; /* the group, or the lane among all of the core */
    int32_t block, bank;
    int32_t place; /* of memory 0: in the group's buffer */
} cs_banks_request;

typedef struct {
    int64_t clk, accesses;
    int32_t memory, bank;
} cs_banks_reservation;

typedef struct {
    uint64_t magic;
    cs_core_params params;
    cs_core_banks banks;
    cs_core_banks_result result;
    int32_t max_blocks, buffer_places;
    int32_t live; /* groups that are not through */
    int64_t now;
    int64_t next_event; /* before it, lanes only empty their queues */
    int64_t turn_at;    /* when the next group is done with its outputs, of those whose lanes have left all blocks */
    int64_t first_pending, pending, backlog_left;
    uint64_t busy_slots; /* of the calendar: bit i of it if slot i names a lane */
    size_t record_count;
    size_t lane_words;                       /* of a mask of lanes */
    size_t lanes, groups, buffers, leavings; /* arrays behind the header, in words */
    size_t due;                              /* mask: lanes that want to look at a block in this cycle */
    size_t ready, held;                      /* int32_t [group][lane]: of lanes that are walked as a whole */
    size_t calendar; /* masks [CS_BANKS_SLOTS]: lanes to touch in cycle t, in slot t % CS_BANKS_SLOTS */
    size_t backlog[2], free_ports[2]; /* int64_t, int32_t: per bank */
    size_t requests[2];               /* per memory */
    size_t waiting;                   /* int32_t: lanes */
    size_t reservations;
    size_t words;
} cs_banks_state;

/* Words of a group of outputs in the record. */
static inline size_t cs_banks_size_of(const uint32_t *outputs) {
    return 3 + (size_t)outputs[0] + (size_t)outputs[0] * outputs[1];
}

/* What a lane scans of a block. */
static inline uint32_t cs_banks_entry_of(const uint32_t *outputs, int32_t block, int32_t lane) {
    return outputs[3 + outputs[0] + (size_t)block * outputs[0] + (size_t)lane];
}

static inline cs_banks_group *cs_banks_group_of(const cs_banks_state *state, uint64_t *base, int32_t index) {
    return (cs_banks_group *)(base + state->groups) + index;
}

static inline cs_banks_lane *cs_banks_lane_of(const cs_banks_state *state, uint64_t *base, int32_t index) {
    return (cs_banks_lane *)(base + state->lanes) + index;
}

/* A group's broadcast buffer: buffer_places places. */
static inline cs_banks_place *cs_banks_buffer_of(const cs_banks_state *state, uint64_t *base, int32_t group) {
    return (cs_banks_place *)(base + state->buffers) + (size_t)group * (size_t)state->buffer_places;
}

/* A group's blocks: max_blocks of them. */
static inline cs_banks_leaving *cs_banks_leavings_of(const cs_banks_state *state, uint64_t *base, int32_t group) {
    return (cs_banks_leaving *)(base + state->leavings) + (size_t)group * (size_t)state->max_blocks;
}

/* Go to the next outputs of the group, `turns` groups of outputs on, to start in cycle `begin`. */
void cs_banks_load(cs_banks_state *state, uint64_t *base, int32_t index, const uint32_t *record, int64_t turns,
                   int64_t begin);

/* DMA and pruning unit go first. Returns 1 with what they leave in free_ports, 0 where they want nothing. */
int cs_banks_serve_others(cs_banks_state *state, uint64_t *base, int64_t cycle);

/* All ports of a memory's banks are free in this cycle. */
void cs_banks_free_all_ports(const cs_banks_state *state, uint64_t *base, int memory);

/* Cycles `cycle` .. `last`, in which no lane wants anything. */
void cs_banks_serve_idle(cs_banks_state *state, uint64_t *base, int64_t cycle, int64_t last);

/* Process clocks up to `until`, or to the end of the tile. */
void cs_banks_run(cs_banks_state *state, uint64_t *base, const uint32_t *record, int64_t until);

#endif
