/* Inside the core engine: groups of outputs, walked block by block by lanes
 * side by side. */
#ifndef CS_CORE_WALK_H
#define CS_CORE_WALK_H

#include "core.h"

/* Lanes are stepped side by side, in vectors of eight; slots without a lane of
 * their own copy another's. */
#define CS_CORE_VECTOR 8
/* Blocks counted before the lanes step over them: what fits in the first-level
 * cache. */
#define CS_CORE_STRIP 64

/* What the lanes of a few groups of one set walk; the pointers go into the
 * state and the caller's buffers. */
typedef struct {
    const cs_core_params *params;
    const uint64_t *input;         /* the set's walk */
    const uint64_t *const *other;  /* per slot: its row of the other operand */
    const uint64_t *const *coarse; /* per slot: its coarse-zero flags; null where
                                      nothing is coarse */
    int32_t slots, stride;         /* slots in all; from one group to the next */
    int32_t length, blocks;        /* bits, blocks */
    int32_t *ready, *free_at;      /* per slot: next cycle in which the scanner may
                                      look; at which `queued` holds */
    int32_t *queued, *run;         /* per slot: indices in the queue; blocks left in the
                                      present jump */
    int32_t *taken, *jumps;        /* per slot: indices queued so far, jumps so far */
    int32_t *left;                 /* [run_ahead][slots]: row i % run_ahead is when the slot's
                                      group has left block i */
    int32_t *effectual, *jumped;   /* [STRIP][slots] */
} cs_core_walk;

/* From the first cycle to where each lane has left its last block. */
void cs_core_walk_groups(const cs_core_walk *walk);

/* `effectual`, and `jumped` where something is coarse, for blocks first ..
 * first + number - 1: at most CS_CORE_STRIP, and `first` a multiple of it.
 */
void cs_core_count_strip(const cs_core_walk *walk, int32_t first, int32_t number);

/* Put `number` indices into a queue that holds *queued at the start of `cycle`,
 * taking out up to `macs` a cycle; returns the cycle in which the last went in
 * (`cycle` if there is none), with *queued at the start of the next one.
 */
CS_ALWAYS_INLINE int32_t cs_core_enter(int32_t cycle, int32_t number, int32_t depth, int32_t macs, int32_t *queued) {
    int32_t held = *queued, rest = number;
    if (macs == 1 && depth >= 2) { /* without a loop: a full queue stays one short of full, one in and one out */
        const int32_t busy = held > 0, over = held + number - depth;
        *queued = over > 0 ? depth - 1 : held + number - busy;
        return over > 0 ? cycle + over + 1 - busy : cycle;
    }
    for (;; ++cycle) {
        const int32_t room = depth - held, put = rest < room ? rest : room, take = macs < held ? macs : held;
        if (depth >= 2 * macs && held == depth - macs && rest > macs) {
            /* Steady: each cycle puts `macs` in and takes `macs` out. */
            const int32_t cycles = (rest - 1) / macs;
            cycle += cycles - 1;
            rest -= cycles * macs;
            continue;
        }
        rest -= put;
        held += put - take;
        if (rest == 0) break;
    }
    *queued = held;
    return cycle;
}

#endif
