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
    int32_t lanes, group; /* group divides lanes */
    int32_t window, queue, macs_per_lane, run_ahead, pixel_reuse;
    int32_t coarse_jump, lane_latency;
    int32_t skip_input, skip_other, fine; /* flags: the operands whose zeros are skipped, if fine */
    int32_t isa;                          /* CS_ISA_...: same results with each */
} cs_core_params;

typedef struct {
    int64_t outputs, outputs_removed, groups_run;
    int64_t dense_macs, macs;
    int64_t skipped_output, skipped_coarse, skipped_input, skipped_other, skipped_both;
    int64_t scans, jumps, queue_in, queue_out;
    int64_t input_block_reads, other_block_reads, buffer_writes, buffer_reads;
} cs_core_counts;

/* The other operand. Sets come in `patterns` (at borders fewer filter positions are valid): walk p is lengths[p] bits
 * long; row i of it is at other[starts[p] + i * ceil(lengths[p] / 64)], and its number of set bits is ones[p * rows +
 * i]. `coarse` (or null) flags the coarse-zero blocks: row i at coarse[coarse_starts[p] + i * ceil(blocks / 64)].
 */
typedef struct {
    int32_t patterns, rows;
    const int32_t *lengths;
    const int64_t *starts, *coarse_starts;
    const int32_t *ones;
    const uint64_t *other, *coarse;
    size_t other_count, coarse_count;
} cs_core_walks;

/* The outputs of each set, in lane order: row of the walks, bit of the `needed` mask, and slot (< channels) that counts
 * the reuse of the other operand.
 */
typedef struct {
    int32_t count;
    const int32_t *rows, *needed_bits, *slots;
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
    const uint64_t *source, *needed;
    const int32_t *row_source, *column_source, *row_pattern, *column_pattern;
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
    uint32_t *words;
    size_t capacity, used;
    int64_t sets;
} cs_core_record;

/* Words of state for `channels` slots and walks of up to `max_length` bits; `coarse`: with coarse-zero flags. Never
 * fewer for more of either: a state has room for every smaller tile.
 */
int32_t cs_core_state_words(const cs_core_params *params, int32_t channels, int32_t max_length, int32_t coarse,
                            size_t *words);

int32_t cs_core_init(uint64_t *state, size_t state_words, const cs_core_params *params, int32_t channels,
                     int32_t max_length, int32_t coarse);

/* One set per pixel, images, then rows, then columns. `record` (or null) is appended to; CS_EBUFFER where it is too
 * small, and then the state is of no use any more.
 */
int32_t cs_core_run_pixels(uint64_t *state, size_t state_words, const cs_core_pixels *pixels,
                           const cs_core_walks *walks, const cs_core_outputs *outputs, cs_core_record *record);

/* One set per row first .. last - 1 of `inputs` (rows of ceil(lengths[0] / 64) words); walks has one pattern. `needed`
 * (or null: all) has needed_words words a row.
 */
int32_t cs_core_run_walks(uint64_t *state, size_t state_words, const uint64_t *inputs, size_t inputs_count,
                          int32_t first, int32_t last, const uint64_t *needed, size_t needed_count,
                          int32_t needed_words, const cs_core_walks *walks, const cs_core_outputs *outputs,
                          cs_core_record *record);

/* What was counted since cs_core_init; group_cycles has lanes / group entries, lane_cycles has `lanes`. */
int32_t cs_core_result(const uint64_t *state, size_t state_words, cs_core_counts *counts, int64_t *group_cycles,
                       size_t groups, int64_t *lane_cycles, size_t lanes);
/* cffi: end */

#endif
