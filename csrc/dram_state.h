/* Inside of the DRAM engine: its state, and what its parts (dram*.c) offer each other. Not seen by Python. */
#ifndef CS_DRAM_STATE_H
#define CS_DRAM_STATE_H

#include "dram.h"

#define DRAM_MAGIC 0x6d617264u
#define DRAM_NO_ROW (-1)
#define DRAM_NO_COMMAND (-1)
/* One arrival per clock, and nothing may be submitted past the first event after an arrival: two are on their way at
 * most. */
#define DRAM_ARRIVALS 2
#define DRAM_DONES 128
#define DRAM_MAX_WINDOW 8
#define DRAM_MAX_CLOCKS (1 << 20) /* of a rule, and of the refresh interval */
/* fr-fcfs holds read queue + write queue + as many active ones; round robin holds two queues and the bank queues. */
#define DRAM_MAX_ACTIVE (2 * CS_DRAM_MAX_QUEUE)
#define DRAM_SLOTS (2 * CS_DRAM_MAX_QUEUE + CS_DRAM_MAX_BANKS * CS_DRAM_MAX_BANK_QUEUE)

typedef struct {
    uint64_t tag;
    uint64_t line; /* address / burst_bytes */
    int64_t arrival;
    int32_t row;
    int32_t column;
    int32_t bank; /* flat: (rank * groups + group) * banks_per_group + bank */
    int32_t is_write;
} dram_request;

/* Requests by age, the oldest first. What scans need is beside the index, so that they walk few cache lines. */
typedef struct {
    int32_t count;
    int32_t bank[DRAM_MAX_ACTIVE];
    int32_t row[DRAM_MAX_ACTIVE];
    int32_t slot[DRAM_MAX_ACTIVE];
} dram_list;

#define DRAM_READ 0
#define DRAM_WRITE 1
#define DRAM_ACTIVE 2

typedef struct {
    int32_t count;
    int32_t row[CS_DRAM_MAX_BANK_QUEUE];
    int32_t slot[CS_DRAM_MAX_BANK_QUEUE];
} dram_bank_queue;

/* The next command: what, for whom, when; clk is CS_NEVER if there is none. command may be DRAM_NO_COMMAND: a clock
 * that has to be looked at though nothing issues. */
typedef struct {
    int64_t clk;
    int32_t command;
    int32_t bank;  /* flat; the first of the rank for PREA and REF */
    int32_t index; /* in its list (round robin: in the bank's queue); < 0: not for a request */
    int32_t list;  /* fr-fcfs: DRAM_READ ... */
} dram_choice;

typedef struct {
    uint32_t magic;
    int32_t banks;
    cs_dram_config config;

    /* Timing: see dram_rules.c. */
    int64_t latency[CS_DRAM_SCOPES][CS_DRAM_COMMANDS][CS_DRAM_COMMANDS];
    int64_t window_clocks; /* of the ACT window rule; 0: none */
    int32_t window;
    int32_t banks_per_rank;
    int32_t window_at[CS_DRAM_MAX_RANKS];
    int64_t window_act[CS_DRAM_MAX_RANKS][DRAM_MAX_WINDOW];
    int64_t bank_ready[CS_DRAM_MAX_BANKS][CS_DRAM_COMMANDS];
    int64_t group_ready[CS_DRAM_MAX_BANKS][CS_DRAM_COMMANDS];
    int64_t rank_ready[CS_DRAM_MAX_RANKS][CS_DRAM_COMMANDS];
    int32_t group_of[CS_DRAM_MAX_BANKS];
    int32_t rank_of[CS_DRAM_MAX_BANKS];

    /* Banks and refresh: target `refresh_turn % refresh_targets`, a rank or a bank, is refreshed next. */
    int32_t open_row[CS_DRAM_MAX_BANKS];
    int32_t open_count[CS_DRAM_MAX_RANKS];
    int32_t refresh_targets;
    int32_t refresh_pending;
    int64_t refresh_turn;
    int64_t refresh_at; /* the clock at which the next one becomes pending */

    /* Time: all clocks <= now are processed. */
    int64_t now;
    int64_t last_arrival;
    int32_t arrival_count;
    dram_request arrivals[DRAM_ARRIVALS];

    /* Requests. */
    int32_t free_count;
    int32_t free_slot[DRAM_SLOTS];
    dram_request request[DRAM_SLOTS];
    dram_list list[3]; /* reads and writes that wait; fr-fcfs: those whose ACT issued and column command did not */
    int32_t active_in_bank[CS_DRAM_MAX_BANKS];
    int32_t write_mode;
    /* fr-fcfs: the next command, as found last. It stays that until a command issues, a refresh becomes due or a
     * request arrives that is better. Kept, as it is asked for several times a clock. */
    int32_t choice_known;
    dram_choice choice;

    /* bank-round-robin. */
    dram_bank_queue bank_queue[CS_DRAM_MAX_BANKS];
    int32_t queued; /* in all bank queues */
    int32_t hits[CS_DRAM_MAX_BANKS];
    int32_t pointer;
    int32_t drain;
    int64_t moved; /* the clock whose transaction move is done */

    /* Completions, by clock. */
    int32_t done_first;
    int32_t done_count;
    cs_done done[DRAM_DONES];

    /* Statistics. */
    int64_t commands[CS_DRAM_COMMANDS];
    int64_t reads;
    int64_t writes;
    int64_t forwarded;
    int64_t row_hits;
    int64_t active_clocks;
    int64_t active_since[CS_DRAM_MAX_RANKS];  /* while a bank of the rank is open */
    int64_t active_until[CS_DRAM_MAX_RANKS];  /* clocks before it are in active_clocks */
    int64_t closing_until[CS_DRAM_MAX_RANKS]; /* the last auto-precharge of the rank begins */
    int64_t bank_act[CS_DRAM_MAX_BANKS];      /* the last ACT */
    int64_t refresh_until[CS_DRAM_MAX_RANKS];
    int64_t last_column; /* end of the data of the last column command */
} dram_state;

static inline int64_t dram_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}
static inline int64_t dram_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The clock of the first completion that is not told; CS_NEVER: there is none. */
static inline int64_t dram_first_done(const dram_state *s) {
    return s->done_count > 0 ? s->done[s->done_first].clk : CS_NEVER;
}

/* The first clock at which all rules allow `command` at the flat bank; any bank of the rank for PREA and REF. */
static inline int64_t dram_ready(const dram_state *s, int32_t command, int32_t bank) {
    int64_t ready = dram_max(s->bank_ready[bank][command], s->group_ready[s->group_of[bank]][command]);
    return dram_max(ready, s->rank_ready[s->rank_of[bank]][command]);
}

/* The bank, or the first bank of the rank, whose turn it is to be refreshed; -1: no refresh is pending. */
static inline int32_t dram_refresh_bank(const dram_state *s) {
    if (s->refresh_pending == 0) return -1;
    const int32_t target = (int32_t)(s->refresh_turn % s->refresh_targets);
    return s->config.refresh_per_bank ? target : target * s->banks_per_rank;
}

/* Whether the pending refresh is of this bank. */
static inline int32_t dram_is_refresh_due(const dram_state *s, int32_t refresh_bank, int32_t bank) {
    if (refresh_bank < 0) return 0;
    return s->config.refresh_per_bank ? bank == refresh_bank : s->rank_of[bank] == s->rank_of[refresh_bank];
}

static inline int32_t dram_is_read(int32_t command) {
    return command == CS_DRAM_RD || command == CS_DRAM_RDA;
}
static inline int32_t dram_is_column(int32_t command) {
    return dram_is_read(command) || command == CS_DRAM_WR || command == CS_DRAM_WRA;
}

/* dram_rules.c: timing, banks, and requests' places. */
int dram_valid_rules(const cs_dram_config *config);
void dram_compile_rules(dram_state *s);
int64_t dram_refresh_clk(const dram_state *s, int64_t number);
int64_t dram_refreshes_until(const dram_state *s, int64_t clk);
void dram_issue(dram_state *s, int32_t command, int32_t bank, int32_t row, int64_t clk);
int32_t dram_take_slot(dram_state *s, const dram_request *request);
void dram_release_slot(dram_state *s, int32_t slot);
void dram_insert(dram_state *s, dram_list *list, int32_t slot);
void dram_remove(dram_list *list, int32_t index);
void dram_complete(dram_state *s, uint64_t tag, int64_t clk);

/* dram_clock.c */
/* Where records go; done == NULL: dropped, commands == NULL: not told. */
typedef struct {
    cs_done *done;
    size_t done_capacity;
    size_t done_count;
    cs_dram_command *commands;
    size_t command_capacity;
    size_t command_count;
} dram_sink;

/* An event is a command or a transaction's move. */
/* May be joined by |. */
enum { DRAM_GO_ON = 0, DRAM_STOP_AT_DONE = 1, DRAM_STOP_AT_EVENT = 2 };

int32_t dram_accepts(const dram_state *s, const dram_request *request);
void dram_enter(dram_state *s, const dram_request *request);
/* Nothing happens without an arrival but refreshes. */
int32_t dram_is_idle(const dram_state *s);
/* Clocks up to `clk` go by without a command and without an arrival. */
void dram_settle(dram_state *s, int64_t clk);
/* All that happens at clocks <= until, or up to what `stop` says; CS_FULL where the sink has no room. */
int32_t dram_run(dram_state *s, int64_t until, int32_t stop, dram_sink *sink);
/* CS_NEVER: nothing happens. */
int64_t dram_first_event(dram_state *s);
/* Whether every request of a kind is refused, whatever its address, until something happens. */
int32_t dram_is_full(const dram_state *s, int32_t is_write);
void dram_look(dram_state *s, cs_dram_outlook *out);

/* A policy: how it looks at the state, and how a command changes it.
 *   accepts: whether there is a place for a request that comes right after clock `now`;
 *   enter:   takes it in (accepts was true);
 *   prepare: what happens between two command slots: called once before clock now + 1 is looked at, if it will be
 *            (moves: whether it would change anything for the command slot);
 *   find:    the next command after `now`, as if no refresh became pending meanwhile (fr-fcfs: kept in s->choice);
 *   pass:    clocks up to `clk` go by, without a command unless `issuing` at `clk` itself;
 *   apply:   the command issues at choice->clk; returns the request's slot, or -1;
 *   idle:    nothing happens without an arrival but refreshes. */
int32_t dram_fr_fcfs_accepts(const dram_state *s, const dram_request *request);
void dram_fr_fcfs_enter(dram_state *s, const dram_request *request);
const dram_choice *dram_fr_fcfs_find(dram_state *s);
void dram_fr_fcfs_pass(dram_state *s, int64_t clk, const dram_choice *issuing);
int32_t dram_fr_fcfs_apply(dram_state *s, const dram_choice *choice);
int32_t dram_fr_fcfs_idle(const dram_state *s);

int32_t dram_round_robin_accepts(const dram_state *s, const dram_request *request);
void dram_round_robin_enter(dram_state *s, const dram_request *request);
void dram_round_robin_prepare(dram_state *s);
void dram_round_robin_find(const dram_state *s, dram_choice *choice);
int32_t dram_round_robin_apply(dram_state *s, const dram_choice *choice);
int32_t dram_round_robin_idle(const dram_state *s);
int32_t dram_round_robin_moves(const dram_state *s);

#endif
