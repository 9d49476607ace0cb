/* A core whose operands lie in banked SRAM, stepped cycle by cycle: what the lanes of core.h do when a block they want
 * to look at may have to wait for its bank.
 *
 * Two memories, the input operand's (0) and the other's (1), of some banks with some ports each. In cycle t:
 *
 * 1. A bank serves accesses of DMA and pruning unit first: those submitted before t, as many as it has ports, the rest
 *    stays for the next cycle.
 *
 * 2. Lanes that would look at a block ask for what is missing: the block of the input operand, once per group and block
 *    (bank (set + block) % banks), and the block of the other operand where it must be read (bank (row + block)
 *    % banks). The ports that are left go to the longest waiting; ties to the lower group, then the lower block (input
 *    operand), or to the lower lane (other operand). What has been read stays in the group's buffer, or with the lane.
 *
 * 3. Lanes that have all of it look; everything else is as in core.h.
 *
 * The places of blocks are an assumption: operands are stored in walk order, one block an access.
 *
 * Accesses submitted at clock t have their first effect at t + 1. The tile begins in cycle 0; the last processed clock
 * is -1 at first.
 */
#ifndef CS_CORE_BANKS_H
#define CS_CORE_BANKS_H

#include "core.h"

/* cffi: begin */
/* Of one submit: a backlog stays far from the largest integer. */
#define CS_CORE_BANKS_MAX_ACCESSES 4294967296

typedef struct {
    int32_t banks[2];    /* of each memory, 1 to 65536 */
    int32_t ports[2];    /* of a bank, accesses a cycle, at least 1 */
    int32_t max_pending; /* submits that are not yet under way, 1 to 2^20 */
} cs_core_banks;

/* Complete when done. Before, reads and served are those up to the last processed clock; waits that are not over, and
 * cycles of outputs under way, may be missing, or in already as far as they are known ahead.
 */
typedef struct {
    int64_t cycles;     /* of the slowest group */
    int64_t reads[2];   /* accesses granted to lanes */
    int64_t served[2];  /* accesses granted to others */
    int64_t lane_waits; /* lane-cycles in which a lane would have looked at a block, but for the banks */
    int32_t done;       /* 1 when the tile is done, else 0 */
} cs_core_banks_result;

/* *words: 64-bit words of state for groups of outputs of up to max_blocks blocks. CS_EINVAL for values beyond their
 * ranges.
 */
int32_t cs_core_banks_state_words(const cs_core_params *params, const cs_core_banks *banks, int32_t max_blocks,
                                  size_t *words);

/* `record` (count words) is what core.h recorded with the same params; pass it unchanged to cs_core_banks_advance. With
 * fewer lanes or a smaller group the results of the lanes that are left are the same where none of the others would
 * have had an output. CS_EINVAL for a record that is cut off or does not fit the core; CS_EBUFFER for fewer words of
 * state than cs_core_banks_state_words says.
 */
int32_t cs_core_banks_init(uint64_t *state, size_t state_words, const cs_core_params *params,
                           const cs_core_banks *banks, int32_t max_blocks, const uint32_t *record, size_t count);

/* 1 to CS_CORE_BANKS_MAX_ACCESSES accesses of DMA or pruning unit to a bank at clock `clk`: before CS_NEVER, not before
 * the last processed nor before an earlier submit (else CS_EINVAL). CS_FULL: max_pending are pending.
 */
int32_t cs_core_banks_submit(uint64_t *state, size_t state_words, int64_t clk, int32_t memory, int32_t bank,
                             int64_t accesses);

/* The next clock to process: the one after the last processed; CS_NEVER when the tile is done. */
int32_t cs_core_banks_next(const uint64_t *state, size_t state_words, int64_t *clk);

/* Process clocks up to `until`, or to the end of the tile; *done_at is the tile's number of cycles, or CS_NEVER.
 * CS_EINVAL for a record of another length than that of cs_core_banks_init.
 */
int32_t cs_core_banks_advance(uint64_t *state, size_t state_words, const uint32_t *record, size_t count, int64_t until,
                              int64_t *done_at);

/* All in cycles, complete when done: group_cycles has lanes / group entries, lane_cycles (busy, waits included) and
 * lane_waits `lanes`. CS_EBUFFER where `groups` or `lanes` are other numbers.
 */
int32_t cs_core_banks_result_of(const uint64_t *state, size_t state_words, cs_core_banks_result *result,
                                int64_t *group_cycles, size_t groups, int64_t *lane_cycles, int64_t *lane_waits,
                                size_t lanes);
/* cffi: end */

#endif
