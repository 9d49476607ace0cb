/* The scan-and-queue engine of a sparse core: cycles and counts of one tile, from packed zero masks.
 *
 * A tile is a sequence of *sets*: outputs that share their input operand. The walk of a set is a row of bits, the input
 * operand's non-zeros in walk order; each output of the set has a row of the other operand beside it. Blocks of
 * `window` bits go through the lanes; the engine works on the number of effectual bits per block.
 *
 * State: a buffer of the caller's. cs_core_init, then any number of cs_core_run_pixels (feed-forward and
 * back-propagation: the input operand's walk is gathered per output pixel) or cs_core_run_walks (weight gradient: walks
 * given), then cs_core_result.
 */
#ifndef CS_CORE_H
#define CS_CORE_H

#include "bits.h"
#include "isa.h"

/* cffi: begin */
typedef struct {
    int32_t lanes, group;                 /* 1 to 2^20, group divides lanes */
    int32_t window;                       /* indices of a block; at least 1, as is all down to pixel_reuse */
    int32_t queue, macs_per_lane;         /* indices, at most 2^28; indices a cycle, at most 2^28 */
    int32_t run_ahead;                    /* blocks */
    int32_t pixel_reuse;                  /* outputs for which a block of the other operand is read once */
    int32_t coarse_jump, lane_latency;    /* blocks a cycle, 0: no jumps; cycles; neither negative */
    int32_t skip_input, skip_other, fine; /* flags: the operands whose zeros are skipped, if fine */
    int32_t isa;                          /* CS_ISA_...: same results with each */
} cs_core_params;

/* What `CoreCounts` says of each (models/core/tile.py). */
typedef struct {
    int64_t outputs, outputs_removed, groups_run;
    int64_t dense_macs, macs;
    int64_t skipped_output, skipped_coarse, skipped_input, skipped_other, skipped_both;
    int64_t scans, jumps, queue_in, queue_out;
    int64_t input_block_reads, other_block_reads, buffer_writes, buffer_reads;
} cs_core_counts;

/* The other operand. Sets come in `patterns` (at borders fewer filter positions are valid): walk p is lengths[p] bits
 * long; row i of it is at other[starts[p] + i * ceil(lengths[p] / 64)], and its number of set bits is ones[p * rows +
 * i]. `coarse` flags the coarse-zero blocks: row i at coarse[coarse_starts[p] + i * ceil(blocks / 64)]; a state without
 * coarse-zero flags needs neither it nor coarse_starts.
 */
typedef struct {
    int32_t patterns, rows;
    const int32_t *lengths;       /* [patterns], in bits */
    const int64_t *starts;        /* [patterns], in words of `other` */
    const int64_t *coarse_starts; /* [patterns], in words of `coarse` */
    const int32_t *ones;          /* [patterns * rows] */
    const uint64_t *other;        /* [other_count] */
    const uint64_t *coarse;       /* [coarse_count] */
    size_t other_count, coarse_count;
} cs_core_walks;

/* The outputs of each set, in lane order: row of the walks, bit of the `needed` mask, and slot (< channels) that counts
 * the reuse of the other operand.
 */
typedef struct {
    int32_t count;              /* at most the `channels` of the state */
    const int32_t *rows;        /* [count] */
    const int32_t *needed_bits; /* [count]; may be null where there is no mask */
    const int32_t *slots;       /* [count] */
} cs_core_outputs;

/* The pixels of a tile. Pixel (i, j) walks the source pixels (row_source[i * taps_r + a], column_source[j * taps_s +
 * b]) in order of (a, b), none where either is -1, of each bits first_bit .. first_bit + bits - 1. Its pattern is
 * row_pattern[i] * column_patterns + column_pattern[j]. `needed` (or null: all) has needed_words words a pixel.
 */
typedef struct {
    int32_t images, source_rows, source_columns, source_words;
    int32_t rows, columns, taps_r, taps_s, column_patterns, needed_words;
    int32_t image_begin, image_end, row_begin, row_end;
    int32_t first_bit, bits;
    const uint64_t *source;        /* [source_count]: images * source_rows * source_columns * source_words at least */
    const uint64_t *needed;        /* [needed_count]: images * rows * columns * needed_words at least */
    const int32_t *row_source;     /* [rows * taps_r] */
    const int32_t *column_source;  /* [columns * taps_s] */
    const int32_t *row_pattern;    /* [rows] */
    const int32_t *column_pattern; /* [columns] */
    size_t source_count, needed_count;
} cs_core_pixels;

/* What the lanes scan, group of outputs by group of outputs, for an engine that steps them (core_banks.h): lanes,
 * blocks, number of the set; for each lane its row of the other operand; then [block][lane] the effectual indices, with
 * CS_CORE_JUMPED set where the block is coarse-zero for the lane and CS_CORE_READS where its block of the other operand
 * must be read. `used` of `capacity` words are filled; `sets` have been seen.
 */
#define CS_CORE_JUMPED 1073741824
#define CS_CORE_READS 536870912
typedef struct {
    uint32_t *words; /* [capacity] */
    size_t capacity, used;
    int64_t sets;
} cs_core_record;

/* *words: 64-bit words of state for `channels` slots and walks of up to `max_length` bits (at most 2^28); `coarse`:
 * with coarse-zero flags. Never fewer for more of either: a state has room for every smaller tile. CS_EINVAL for
 * parameters beyond their ranges.
 */
int32_t cs_core_state_words(const cs_core_params *params, int32_t channels, int32_t max_length, int32_t coarse,
                            size_t *words);

/* Begin a tile: all counts 0. Arguments as above; CS_EBUFFER for fewer words of state than cs_core_state_words says. */
int32_t cs_core_init(uint64_t *state, size_t state_words, const cs_core_params *params, int32_t channels,
                     int32_t max_length, int32_t coarse);

/* One set per pixel, images, then rows, then columns. `record` (or null) is appended to. CS_EINVAL where the walks of
 * the pixels have other lengths than their patterns, or an index lies beyond what it points into; CS_EBUFFER for an
 * array that is too short; CS_ESTATE before cs_core_init. Refused, a call changes nothing, but for a record that proves
 * too small (CS_EBUFFER) on the way: then state and record are of no use any more.
 */
int32_t cs_core_run_pixels(uint64_t *state, size_t state_words, const cs_core_pixels *pixels,
                           const cs_core_walks *walks, const cs_core_outputs *outputs, cs_core_record *record);

/* One set per row first .. last - 1 of `inputs` (rows of ceil(lengths[0] / 64) words); walks has one pattern. `needed`
 * (or null: all) has needed_words words a row. Errors as above.
 */
int32_t cs_core_run_walks(uint64_t *state, size_t state_words, const uint64_t *inputs, size_t inputs_count,
                          int32_t first, int32_t last, const uint64_t *needed, size_t needed_count,
                          int32_t needed_words, const cs_core_walks *walks, const cs_core_outputs *outputs,
                          cs_core_record *record);

/* What was counted since cs_core_init. Cycles of the core's clock: group_cycles has lanes / group entries (each lane
 * latency is in), lane_cycles has `lanes` (cycles in which the lane had something to do). CS_EBUFFER where `groups` or
 * `lanes` are other numbers.
 */
int32_t cs_core_result(const uint64_t *state, size_t state_words, cs_core_counts *counts, int64_t *group_cycles,
                       size_t groups, int64_t *lane_cycles, size_t lanes);
/* cffi: end */

#endif
