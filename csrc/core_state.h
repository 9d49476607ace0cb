/* Inside the core engine: its state, and one set of outputs. */
#ifndef CS_CORE_STATE_H
#define CS_CORE_STATE_H

#include "core_walk.h"

/* Walks of so many patterns of the other operand are laid out for the lanes at once. */
#define CS_CORE_BINS 16
/* ... or of fewer, where they would take more bytes than these. */
#define CS_CORE_BIN_BYTES (2 << 20)
/* Vectors begin at multiples of so many bytes. */
#define CS_CORE_LINE 64

/* What the outputs of some columns have in common whatever their inputs: sums over their lanes (`shared_jumped`: over
 * the columns).
 */
typedef struct {
    int64_t ones, jumps, jumped_blocks, jumped_indices, shared_jumped;
} cs_core_sums;

/* Groups of outputs that wait for others of the same pattern, to be walked side by side. Its arrays follow it. */
typedef struct {
    int64_t key; /* pattern and part of a set's outputs; -1: none */
    int32_t columns;
    int32_t period;              /* the outputs of column i are those of column i % period */
    int32_t laid_out;            /* whether the others (and jumps) of all columns are in place */
    int32_t any_jumped;          /* whether a lane jumps anything */
    cs_core_sums sums;           /* over `period` columns */
    int64_t outputs, input_ones; /* of the columns; over their lanes */
    int32_t lanes[CS_CORE_COLUMNS], hardware[CS_CORE_COLUMNS]; /* outputs of a column; which group of the core it is */
    int64_t sets[CS_CORE_COLUMNS];
} cs_core_bin;

/* The caller's buffer starts with this; the arrays follow, at word offsets, and behind them, at a multiple of
 * CS_CORE_LINE, what no call leaves to the next.
 */
typedef struct {
    uint64_t magic;
    cs_core_params params;
    int32_t channels, max_length, coarse, max_blocks;
    int32_t elements;  /* of a block */
    int32_t alike;     /* all lanes of a group see the same zeros, take the same cycles and never wait: one is walked */
    int32_t max_lanes; /* that are walked, of a group */
    int32_t bins;
    int64_t turn; /* groups of outputs so far: dealt to the core's groups in turn */
    cs_core_counts counts;
    size_t group_cycles, lane_cycles;               /* int64_t */
    size_t reuse_outputs, reuse_blocks, reuse_seen; /* int32_t, int32_t, uint64_t: per slot */
    size_t walk;                                    /* uint64_t: the set's input walk */
    size_t kept;                                    /* int32_t: outputs of a set */
    size_t kept_words;                              /* words that cs_core_init clears */
    size_t scratch;                                 /* word: the first address behind it that is aligned */
    /* In bytes from there: the arrays of cs_core_walk, */
    size_t found, inputs_found, ready, empty, allowed, cycles, taken, inputs_jumped;
    /* the bins, and within a bin the arrays of cs_core_walk and the row of the other operand of each lane and column,
     * -1 for none. */
    size_t first_bin, bin_bytes, inputs, others, jumps, rows;
    size_t words;
} cs_core_state;

/* One pattern of the other operand, unpacked. */
typedef struct {
    const uint64_t *other, *coarse; /* row 0; coarse may be null */
    const int32_t *ones;
    size_t other_words, coarse_words; /* a row */
    int32_t length, blocks;
} cs_core_pattern;

/* What stays the same from set to set of a call. */
typedef struct {
    const cs_core_walks *walks;
    const cs_core_outputs *outputs;
    cs_core_record *record; /* or null */
    int in_order;           /* slot i + 1 follows slot i */
    int standing;           /* the other operand's place in a bin outlasts a walk: every set has all outputs */
} cs_core_call;

static inline int32_t cs_core_least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline int64_t cs_core_count_words(const uint64_t *words, size_t count) {
    int64_t total = 0;
    for (size_t i = 0; i < count; ++i)
        total += __builtin_popcountll(words[i]);
    return total;
}

static inline int64_t cs_core_blocks_of(int64_t length, int64_t window) {
    return (length + window - 1) / window;
}

static inline unsigned char *cs_core_scratch_of(const cs_core_state *state, uint64_t *base) {
    const uintptr_t from = (uintptr_t)(base + state->scratch);
    return (unsigned char *)((from + CS_CORE_LINE - 1) / CS_CORE_LINE * CS_CORE_LINE);
}

static inline cs_core_bin *cs_core_bin_of(const cs_core_state *state, uint64_t *base, int32_t bin) {
    return (cs_core_bin *)(void *)(cs_core_scratch_of(state, base) + state->first_bin + (size_t)bin * state->bin_bytes);
}

cs_core_pattern cs_core_pattern_of(const cs_core_state *state, const cs_core_walks *walks, int32_t pattern);

/* The other operand (and what is jumped) of the bin's columns that are not in place yet. */
void cs_core_lay_out_others(const cs_core_state *state, cs_core_bin *bin, const cs_core_pattern *pattern);

/* A set's input walk into `number` columns from `first` on. */
void cs_core_lay_out_input(const cs_core_state *state, uint16_t *inputs, const uint64_t *walk,
                           const cs_core_pattern *pattern, int32_t first, int32_t number);

/* Empty all bins: a call begins. */
void cs_core_begin(const cs_core_state *state, uint64_t *base);

/* All outputs of a set; `needed` (or null: all) is the set's mask. The groups may be walked only by a later set or by
 * cs_core_end; with a record they are walked at once.
 */
int32_t cs_core_run_set(cs_core_state *state, uint64_t *base, const cs_core_call *call, int32_t pattern,
                        const uint64_t *input, const uint64_t *needed);

/* Walk what is left: a call ends. */
int32_t cs_core_end(cs_core_state *state, uint64_t *base, const cs_core_call *call);

#endif
