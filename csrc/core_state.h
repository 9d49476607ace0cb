/* Inside the core engine: its state, and one set of outputs. */
#ifndef CS_CORE_STATE_H
#define CS_CORE_STATE_H

#include "core_walk.h"

/* Groups of outputs of one set are stepped together, up to so many slots: enough to hide the latency of a step. */
#define CS_CORE_BATCH_SLOTS 32

/* The caller's buffer starts with this; the arrays follow, at word offsets. */
typedef struct {
    uint64_t magic;
    cs_core_params params;
    int32_t channels, max_length, coarse, max_blocks;
    int64_t turn; /* groups of outputs so far: dealt to the core's groups in turn */
    cs_core_counts counts;
    size_t group_cycles, lane_cycles;                /* int64_t */
    size_t reuse_outputs, reuse_blocks, reuse_seen;  /* int32_t, int32_t, uint64_t: per slot */
    size_t walk, full;                               /* uint64_t: the set's input walk; all ones */
    size_t input_before;                             /* int32_t: set input bits before each block */
    size_t left;                                     /* int32_t: see cs_core_walk */
    size_t kept, ready, free_at, queued, run, taken; /* int32_t: outputs of a set; per slot */
    size_t jumps;
    size_t effectual, jumped;       /* int32_t: per block of a strip and slot */
    size_t other_rows, coarse_rows; /* const uint64_t *: per slot */
    size_t words;
} cs_core_state;

/* One pattern of the other operand, unpacked. */
typedef struct {
    const uint64_t *other, *coarse; /* row 0; coarse may be null */
    const int32_t *ones;
    size_t other_words, coarse_words; /* a row */
    int32_t length, blocks;
} cs_core_pattern;

static inline int64_t cs_core_blocks_of(int64_t length, int64_t window) {
    return (length + window - 1) / window;
}

/* Slots from one group of outputs to the next: a power of two or a multiple of CS_CORE_VECTOR. */
static inline int32_t cs_core_stride_of(int32_t group) {
    int32_t stride = 1;
    while (stride < group && stride < CS_CORE_VECTOR)
        stride *= 2;
    return group <= CS_CORE_VECTOR ? stride : (group + CS_CORE_VECTOR - 1) / CS_CORE_VECTOR * CS_CORE_VECTOR;
}

/* Groups of outputs that are stepped together. */
static inline int32_t cs_core_batch_of(int32_t group) {
    const int32_t groups = CS_CORE_BATCH_SLOTS / cs_core_stride_of(group);
    return groups > 1 ? groups : 1;
}

/* All outputs of a set, in groups; `needed` (or null: all) is the set's mask. `base` is the caller's state buffer. */
int32_t cs_core_run_set(cs_core_state *state, uint64_t *base, const uint64_t *input, const uint64_t *needed,
                        const cs_core_pattern *walks, const cs_core_outputs *outputs, cs_core_record *record);

#endif
