/* Inside the core engine: groups of outputs, walked block by block, side by side. */
#ifndef CS_CORE_WALK_H
#define CS_CORE_WALK_H

#include "core.h"

/* Groups that are walked side by side: a vector of 16-bit cycles, one group a column. */
#define CS_CORE_COLUMNS 16
/* Bits of a walk in one element of a column; a block is as many elements as its window takes. */
#define CS_CORE_ELEMENT 16
/* Vectors of counts ahead of the lanes: what fits in the first-level cache. */
#define CS_CORE_STRIP 256

/* What becomes of a lane's block when it is not looked at: nothing of the kind, jumped in the cycle that left the block
 * before it, or in a further one.
 */
#define CS_CORE_LOOKS (-1)
#define CS_CORE_JUMPS 0
#define CS_CORE_JUMPS_LATER 1

/* What the lanes of up to CS_CORE_COLUMNS groups walk, all along the same number of blocks; the pointers go into the
 * state. A lane that a group does without has no bit set, and jumps everything where anything is jumped.
 */
typedef struct {
    const cs_core_params *params;
    int32_t lanes, length, blocks, elements; /* of a group; bits and blocks of a walk; elements of a block */
    const uint16_t *inputs;                  /* [block][element][COLUMNS] */
    const uint16_t *others;                  /* [lane][block][element][COLUMNS] */
    const int16_t *jumps;                    /* [lane][block][COLUMNS]; null where nothing is coarse */
    void *found, *inputs_found;              /* [block of the strip][lane][COLUMNS], [block of the strip][COLUMNS] */
    void *ready, *empty;                     /* [lane][COLUMNS] */
    void *allowed;                           /* [run_ahead][COLUMNS] */
    /* What comes of it, [lane][COLUMNS]: cycles, MACs, non-zeros of the input operand in blocks that were jumped. */
    int32_t *cycles, *taken, *inputs_jumped;
} cs_core_walk;

/* Blocks of a strip. */
static inline int32_t cs_core_strip_of(int32_t lanes) {
    return lanes < CS_CORE_STRIP ? CS_CORE_STRIP / lanes : 1;
}

/* From the first cycle to where each lane has emptied its queue. */
void cs_core_walk_groups(const cs_core_walk *walk);

/* `found`, of int32_t, for blocks first .. first + number - 1: at most a strip. */
void cs_core_count_strip(const cs_core_walk *walk, int32_t first, int32_t number);

/* Put `number` indices into a queue that holds *queued at the start of `cycle`, taking out up to `macs` a cycle;
 * returns the cycle in which the last went in (`cycle` if there is none), with *queued at the start of the next one.
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
