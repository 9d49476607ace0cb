/* One DRAM channel with its controller: an event-driven engine that jumps from command to command.
 *
 * Clocks count from 0. A request submitted at clock k arrives there; the first command for it may issue at k + 1.
 * A clock carries at most one command and at most one arrival. What a policy does is in docs and in
 * dram_fr_fcfs.c and dram_round_robin.c; which distances commands keep is data (`rules`).
 */
#ifndef CS_DRAM_H
#define CS_DRAM_H

#include "cs_common.h"

/* cffi: begin */
/* Commands. */
#define CS_DRAM_ACT 0
#define CS_DRAM_PRE 1
#define CS_DRAM_PREA 2
#define CS_DRAM_RD 3
#define CS_DRAM_WR 4
#define CS_DRAM_REF 5
#define CS_DRAM_REFPB 6 /* refresh of one bank */
#define CS_DRAM_RDA 7   /* with auto-precharge */
#define CS_DRAM_WRA 8
#define CS_DRAM_COMMANDS 9

/* Scopes of a rule: the two commands meet in the same bank, bank group or rank, or in two ranks of the channel. */
#define CS_DRAM_BANK 0
#define CS_DRAM_GROUP 1
#define CS_DRAM_RANK 2
#define CS_DRAM_OTHER_RANK 3
#define CS_DRAM_SCOPES 4

/* Scheduling policies. */
#define CS_DRAM_FR_FCFS 0
#define CS_DRAM_FR_FCFS_RAMULATOR1 1
#define CS_DRAM_BANK_ROUND_ROBIN 2

/* What a bit field of an address selects. */
#define CS_DRAM_FIELD_COLUMN 0
#define CS_DRAM_FIELD_BANK 1
#define CS_DRAM_FIELD_GROUP 2
#define CS_DRAM_FIELD_ROW 3
#define CS_DRAM_FIELD_RANK 4
#define CS_DRAM_FIELDS 5

#define CS_DRAM_MAX_RULES 160
#define CS_DRAM_MAX_FIELDS 16
#define CS_DRAM_MAX_RANKS 8
#define CS_DRAM_MAX_BANKS 32 /* of all ranks */
#define CS_DRAM_MAX_QUEUE 64
#define CS_DRAM_MAX_BANK_QUEUE 16

/* `following` issues at least `clocks` after the `window`-th last `preceding` of the scope. A window other than 1
 * is for ACT to ACT of a rank (tFAW has 4). */
typedef struct {
    int32_t scope;
    int32_t preceding;
    int32_t following;
    int32_t window;
    int32_t clocks;
} cs_dram_rule;

/* `bits` address bits; fields are listed from the least significant bit above the offset within a burst. */
typedef struct {
    int32_t field;
    int32_t bits;
} cs_dram_field;

/* One channel. Its refreshes are spread evenly over time: within each refresh interval every rank has its turn, or with
 * refresh_per_bank every bank of every rank, by flat number. */
typedef struct {
    int32_t policy;
    int32_t ideal;       /* not 0: no commands; every request is done at its arrival, any number of them per clock */
    int32_t closed_page; /* not 0: a column command closes its bank (RDA, WRA) when nobody waits for the row */
    int32_t refresh_per_bank; /* not 0: REFPB, bank by bank; 0: REF */
    int32_t ranks;
    int32_t bank_groups;
    int32_t banks_per_group;
    int32_t burst_bytes;      /* of one request: bus width x burst length; a power of two */
    int32_t read_latency;     /* clocks from RD to the first data (RL) */
    int32_t write_latency;    /* clocks from WR to the first data (WL) */
    int32_t burst_clocks;     /* clocks of data on the bus (BL_CK) */
    int32_t refresh_interval; /* tREFI in clocks, in which all is refreshed once; 0: never refreshed */
    int32_t read_queue;       /* places */
    int32_t write_queue;
    int32_t write_high; /* fr-fcfs: write mode is entered with so many writes waiting ... */
    int32_t write_low;  /* ... and left with so many or fewer while reads wait */
    int32_t bank_queue; /* bank-round-robin: places per bank */
    int32_t drain_over; /* bank-round-robin: with more writes than this and empty bank queues, writes move */
    int32_t row_hits;   /* bank-round-robin: column commands after which a row may be closed though it is wanted */
    int32_t field_count;
    cs_dram_field fields[16];
    int32_t rule_count;
    cs_dram_rule rules[160];
} cs_dram_config;

/* A command as issued. `group` (within its rank), `bank` (within its group) of PREA and REF, `row` and `column` of
 * commands without one, are -1. */
typedef struct {
    int64_t clk;
    int32_t command;
    int32_t group;
    int32_t bank;
    int32_t row;
    int32_t column;
    int32_t rank;
} cs_dram_command;

/* Counts up to and including a clock, and where the clocks before it went, summed over the ranks:
 * active (a bank is open) + precharged (none is) + refreshing (tRFC after each REF) = clocks x ranks. */
typedef struct {
    int64_t clocks;
    int64_t active_clocks;
    int64_t precharged_clocks;
    int64_t refreshing_clocks;
    int64_t commands[9]; /* by CS_DRAM_ACT ... */
    int64_t reads;       /* accepted */
    int64_t writes;
    int64_t forwarded_reads; /* answered from a waiting write to the same burst, without a command */
    int64_t row_hits;        /* column commands on a row that an earlier request had opened */
} cs_dram_stats_record;

/* Where a replay stands; start with zeros. */
typedef struct {
    uint64_t submitted;
    uint64_t completed;
    int64_t clk;         /* of the next offer */
    int64_t last_column; /* end of the data of the last column command */
    int64_t finished;    /* not 0: all is done */
} cs_dram_progress;

/* Bytes of state that `config` needs. CS_EINVAL: the configuration is not one. */
int32_t cs_dram_state_bytes(const cs_dram_config *config, size_t *bytes);

/* All banks closed, nothing waiting, clock 0 (which is before the first command clock) not yet processed. `state` is
 * aligned to 8 bytes. */
int32_t cs_dram_init(void *state, size_t state_bytes, const cs_dram_config *config);

/* A request for the burst at `address` arrives at `clk`. CS_FULL: its queue has no place, or a request was already
 * accepted at this clock, or an older read of the same burst waits and this is a write; offer it again at a later
 * clock. CS_ESTATE: the engine is past `clk`, or something happens before `clk` that was not yet advanced over.
 * CS_EINVAL: `address` is outside the channel, or `clk` negative. It makes no difference whether `clk` itself was
 * already processed. A read of a burst for which a write waits is answered from it at clk + 1. */
int32_t cs_dram_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, uint64_t address, int32_t is_write);

/* A clock before which nothing happens that matters to the outside (a command for a request, a completion), the
 * earliest that is known without looking further; CS_NEVER when idle. Refreshes of an idle channel do not count:
 * they are made up for when it is next looked at. */
int32_t cs_dram_next(void *state, size_t state_bytes, int64_t *clk);

/* Processes all that happens at clocks <= until. Done records come in order of clk, each when its clk is reached:
 * reads at RD + read_latency + burst_clocks, writes at WR + write_latency + burst_clocks (bank-round-robin: a write one
 * clock after its arrival). stop != 0: returns after the first clock with a done record. `commands` may be null: then
 * commands are not told, and idle time costs nothing. CS_FULL: a buffer is full; call again to go on. */
int32_t cs_dram_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_done *done,
                        size_t done_capacity, size_t *done_count, cs_dram_command *commands, size_t command_capacity,
                        size_t *command_count);

/* Counts and residencies exactly as after an advance to `clk`, which is not before what was already processed
 * (CS_EINVAL). */
int32_t cs_dram_stats(const void *state, size_t state_bytes, int64_t clk, cs_dram_stats_record *out);

/* Replays `count` requests, offered in order, each at the first clock at which it is accepted, not before
 * `earliest[i]` (null: no bound). one_at_a_time != 0: a request is offered only when the one before it is done, at that
 * very clock. latencies[i] = done - arrival. Ends with the engine advanced to progress->last_column. CS_FULL: the
 * command buffer is full; call again with the same arguments and an empty one. CS_EINVAL: the address of request
 * progress->submitted is outside the channel, or the end would come after clock 2^60. CS_ESTATE: a request was
 * submitted before, and its tag is no request's.
 */
int32_t cs_dram_replay(void *state, size_t state_bytes, const uint64_t *addresses, const uint8_t *is_write,
                       const int64_t *earliest, size_t count, int32_t one_at_a_time, int64_t *latencies,
                       cs_dram_command *commands, size_t command_capacity, size_t *command_count,
                       cs_dram_progress *progress);

/* Lines `clk,cmd,rank,bg,bank,row,col` of commands[*position..count), as many as fit; CS_FULL: call again. What is -1
 * is left empty. */
int32_t cs_dram_format(const cs_dram_command *commands, size_t count, size_t *position, char *text, size_t capacity,
                       size_t *used);
/* cffi: end */

/* For other engines in C. */

/* `next`: as of cs_dram_next. next_done: the same of completions only: unless something is submitted, none comes before
 * this clock. full[is_write]: until `next`, such requests get CS_FULL, whatever their address; 0 also where that
 * depends on the address. */
typedef struct {
    int64_t next, next_done;
    int32_t full[2];
} cs_dram_outlook;

int32_t cs_dram_look(void *state, size_t state_bytes, cs_dram_outlook *outlook);

/* What waits at a memory's port. */
typedef struct {
    uint64_t tag, address;
    int32_t is_write;
} cs_dram_burst;

/* Goes on, without observers, up to `until`, to the first clock with a completion, or to the one at which `burst` (may
 * be null) is accepted: the first one from `from` on that is not past and has a place for it. accepted_clk: that clock,
 * else -1. A burst that could be accepted at the clock of a completion is not yet: the completion comes first. CS_FULL:
 * `done` was too small for its clock; call again. */
int32_t cs_dram_serve(void *state, size_t state_bytes, int64_t until, const cs_dram_burst *burst, int64_t from,
                      int64_t *accepted_clk, cs_done *done, size_t capacity, size_t *count);

#endif
