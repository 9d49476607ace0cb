/* On-chip SRAM: memories of several banks, each with a few ports, shared by clients in turn.
 *
 * A job reads or writes consecutive words; what it needs of each bank follows from the interleaving. Each clock each
 * bank grants up to `ports` accesses, round robin over the clients with accesses pending there, in order of the
 * client's index, one access a turn; a client's jobs are served at a bank in order of submission. A job submitted at
 * clock k is first granted at k + 1 and done at the clock of its last grant. The engine goes from one job's end at a
 * bank to the next, or straight to its end where it is alone in the memory. tests/twins/sram.py says the same clock by
 * clock.
 */
#ifndef CS_SRAM_H
#define CS_SRAM_H

#include "cs_common.h"

/* cffi: begin */
#define CS_SRAM_MAX_CLIENTS 64
#define CS_SRAM_MAX_BANKS 65536
#define CS_SRAM_MAX_PORTS 64
#define CS_SRAM_MAX_WORDS 1099511627776

typedef struct {
    int32_t banks, ports;
    int64_t words;      /* of the memory: a job lies within 0 .. words - 1 */
    int64_t interleave; /* consecutive words in one bank: bank = word / interleave % banks */
} cs_sram_memory;

typedef struct {
    int32_t memories;
    int32_t clients;
    int32_t max_jobs; /* submitted and not yet handed out as done */
    int32_t ideal;    /* not 0: a job is done at the clock of its submission */
} cs_sram_config;

int32_t cs_sram_state_bytes(const cs_sram_config *config, const cs_sram_memory *memories, size_t *bytes);

/* All banks idle, last processed clock -1. `state` is aligned to 8 bytes; it holds no pointers. */
int32_t cs_sram_init(void *state, size_t state_bytes, const cs_sram_config *config, const cs_sram_memory *memories);

/* A job at `clk`, not earlier than the last processed clock nor than 0. CS_FULL: max_jobs are under way. */
int32_t cs_sram_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t memory, int32_t client,
                       int64_t first_word, int64_t words);

/* No job is done before this clock; CS_NEVER when there is no job. It is later than the clocks of all submissions, but
 * for an ideal memory: there a job is done at its very clock, so advance to that one after submitting. */
int32_t cs_sram_next(const void *state, size_t state_bytes, int64_t *clk);

/* Processes every clock <= until. Jobs done in one clock come by (memory, client, submission). `stop`: return after the
 * first clock in which a job is done. CS_FULL: `out` was too short; the rest comes first in the next call. However a
 * run is split, its records are the same. With until CS_NEVER the last processed clock is that of the last event. */
int32_t cs_sram_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_done *out, size_t capacity,
                        size_t *count);

/* Up to the last processed clock, per bank (all banks of memory 0 first) and client: accesses granted, and clocks in
 * which the client had accesses pending at the bank and none was granted. `entries` is banks times clients in all. */
int32_t cs_sram_stats(const void *state, size_t state_bytes, int64_t *accesses, int64_t *waiting, size_t entries);

/* Accesses of a job to each bank of a memory. */
int32_t cs_sram_share(const cs_sram_memory *memory, int64_t first_word, int64_t words, int64_t *accesses, size_t banks);
/* cffi: end */

#endif
