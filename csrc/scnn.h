/* The multiplier array and accumulator banks of an SCNN processing element (models/core/scnn.py). */
#ifndef CS_SCNN_H
#define CS_SCNN_H

#include "cs_common.h"

/* cffi: begin */
#define CS_SCNN_MAX_BANKS 256
#define CS_SCNN_MAX_QUEUE 32768
#define CS_SCNN_MAX_VECTOR 64

typedef struct {
    int32_t weights; /* of a vector: F, at most CS_SCNN_MAX_VECTOR */
    int32_t inputs;  /* of a vector: I, at most the same */
    int32_t banks;   /* of accumulators, at most CS_SCNN_MAX_BANKS */
    int32_t queue;   /* products that wait at a bank, 1 to CS_SCNN_MAX_QUEUE */
    int32_t fifo;    /* vectors of weights that a processing element holds; 0: as many as there are */
    int32_t rows;    /* output rows P and columns Q of the layer */
    int32_t columns;
} cs_scnn_params;

/* One operand, compressed block by block: block b is entries starts[b] .. starts[b + 1] - 1. An entry is the position
 * in its block, or ~position of a zero that stands there because the run before it is longer than the index can say.
 *
 * Of each position: its part of the accumulator's bank (of inputs and weights together, modulo the banks), and its part
 * of the output's row and column, from 0 to 2**30.
 */
typedef struct {
    const int32_t *entries; /* [entry_count] */
    size_t entry_count;
    const int64_t *starts; /* [blocks + 1] */
    size_t blocks;
    const int32_t *bank;   /* [positions] */
    const int32_t *row;    /* [positions] */
    const int32_t *column; /* [positions] */
    size_t positions;
} cs_scnn_operand;

/* What became of the multipliers' slots: weights * inputs of them in each step. */
typedef struct {
    int64_t steps;        /* pairs of vectors multiplied, a cycle each */
    int64_t stalls;       /* cycles in which the multipliers waited for room at a bank */
    int64_t waits;        /* cycles in which a processing element waited for weights, held up by a slower one */
    int64_t drains;       /* cycles at the ends of groups in which only queues emptied */
    int64_t products;     /* pairs of non-zeros that went to an accumulator */
    int64_t outside;      /* pairs of non-zeros that belong to no output */
    int64_t placeholders; /* products of which a factor is a zero that stands in the code */
} cs_scnn_counts;

/* Compress `blocks` rows of `length` bytes (zero or not): an index has room for `max_zeros` zeros in front of an
 * element. `starts` has blocks + 1 entries. CS_EBUFFER if the entries do not fit `capacity`; blocks * length always do.
 */
int32_t cs_scnn_encode(const uint8_t *mask, size_t blocks, size_t length, int32_t max_zeros, int32_t *entries,
                       size_t capacity, int64_t *starts, size_t start_count);

/* All output-channel groups of one part of the plane: inputs[pe], of `pes` at least 1, has a block of each channel of
 * that processing element's tile, weights one of each (group, channel). *cycles: of all groups; counts are added to.
 *
 * `waiting` is scratch for pes * banks queues, `done` for pes + channels times; CS_EBUFFER if there are fewer.
 * CS_EINVAL for values beyond their ranges, starts that do not rise within the entries, and positions, banks, rows or
 * columns that are not there.
 */
int32_t cs_scnn_run(const cs_scnn_params *params, const cs_scnn_operand *const *inputs, size_t pes,
                    const cs_scnn_operand *weights, size_t groups, uint16_t *waiting, size_t waiting_count,
                    int64_t *done, size_t done_count, int64_t *cycles, cs_scnn_counts *counts);
/* cffi: end */

#endif
