/* Inside of the SRAM engine: its state, and what its parts (sram*.c) offer each other. Not seen by Python. */
#ifndef CS_SRAM_STATE_H
#define CS_SRAM_STATE_H

#include "sram.h"

#define SRAM_NOBODY (-1)
#define SRAM_MAGIC 0x316d6172735f73u

typedef struct {
    uint64_t tag;
    int64_t submitted, done;
    int64_t first_word, words;
    int64_t order; /* of submission */
    int32_t memory, client;
    int32_t parts; /* banks that are not through with it */
    int32_t next;  /* in the list of arrivals, of done jobs, or of free ones */
} sram_job;

/* What a job needs of one bank. */
typedef struct {
    int64_t accesses;
    int32_t job;
    int32_t next; /* of the same client at the same bank, or free */
} sram_part;

/* A client at a bank. */
typedef struct {
    int64_t left;          /* accesses of the part in front */
    int64_t since;         /* pending from the clock after this one */
    int64_t last_granted;  /* the last clock with a grant */
    int64_t accesses;      /* granted so far */
    int64_t pending_total; /* clocks with something pending, before `since`, and not alone in the memory */
    int64_t granted_total; /* of those, clocks with a grant */
    int32_t first, last;
} sram_queue;

typedef struct {
    int64_t served;   /* grants of the clocks up to this one are accounted for */
    int64_t next;     /* the clock at which the first part ends; CS_NEVER: nobody has accesses here */
    uint64_t pending; /* clients with accesses here */
    int32_t clients;  /* so many */
    int32_t ports;
    int32_t port_shift; /* ports = 1 << port_shift; -1: not a power of two */
    int32_t turn;       /* the client asked first */
    int32_t group;
} sram_bank;

/* Neighbouring banks of a memory, which most often are due at once: one place in the heap for all. */
#define SRAM_GROUP 16
typedef struct {
    int64_t next; /* of its banks */
    int32_t first, end;
    int32_t heap_place;
} sram_group;

/* A memory with one job knows when it ends, and leaves its banks alone until another one comes. Three of five jobs of
 * a training step find their memory idle. */
typedef struct {
    int32_t first_bank;
    int32_t jobs; /* under way */
    int32_t lone; /* the only one, if its banks know nothing of it */
} sram_memory;

/* The clock at which a part ends in a group of banks, or with index >= groups the job that is alone in memory index -
 * groups. */
typedef struct {
    int64_t next;
    int32_t index;
} sram_due;

typedef struct {
    uint64_t magic;
    cs_sram_config config;
    int64_t now;
    int64_t submitted;
    int32_t banks, groups;
    int32_t heap_count;
    int32_t free_job, fresh_job;   /* a list of used ones, then those never used */
    int32_t free_part, fresh_part; /* likewise */
    int32_t arriving;              /* jobs of future clocks, by (clock, submission) */
    int32_t last_arriving;         /* while there are any */
    int32_t out;                   /* done, by (clock, memory, client, submission) */
    size_t bytes;
} sram_header;

typedef struct {
    sram_header *head;
    cs_sram_memory *shapes;
    sram_memory *memories;
    sram_bank *banks;
    sram_group *groups; /* behind them one for each memory's job that is alone, of which only heap_place is used */
    sram_queue *queues; /* [banks][clients] */
    sram_due *heap;
    sram_job *jobs;
    sram_part *parts;
} sram_view;

/* How a job's words are spread over banks first, first + 1, ..., `touched` of them, cyclically. */
typedef struct {
    int64_t rounds, interleave;     /* whole blocks of each bank */
    int64_t not_before, not_behind; /* words of the first and of the last block that are not asked for */
    int32_t first, touched;
    int32_t more; /* so many banks from the first on have a block more */
    int32_t last; /* the bank of the last block, counted from the first */
} sram_spread;

static inline sram_spread sram_spread_of(const cs_sram_memory *m, int64_t first_word, int64_t words) {
    const int64_t first_block = first_word / m->interleave;
    const int64_t end_block = (first_word + words - 1) / m->interleave + 1;
    const int64_t blocks = end_block - first_block;
    const int32_t more = (int32_t)(blocks % m->banks);
    return (sram_spread){.rounds = blocks / m->banks,
                         .interleave = m->interleave,
                         .not_before = first_word - first_block * m->interleave,
                         .not_behind = end_block * m->interleave - first_word - words,
                         .first = (int32_t)(first_block % m->banks),
                         .touched = blocks < m->banks ? (int32_t)blocks : m->banks,
                         .more = more,
                         .last = (more > 0 ? more : m->banks) - 1};
}

/* Accesses to the bank that is the `nth` from the first on. */
static inline int64_t sram_accesses(const sram_spread *s, int32_t nth) {
    return (s->rounds + (nth < s->more)) * s->interleave - (nth == 0 ? s->not_before : 0) -
           (nth == s->last ? s->not_behind : 0);
}

static inline int32_t sram_nth_bank(const sram_spread *s, int32_t nth, int32_t banks) {
    const int32_t bank = s->first + nth;
    return bank < banks ? bank : bank - banks;
}

static inline sram_queue *sram_queues_of(const sram_view *v, int32_t bank) {
    return &v->queues[(size_t)bank * (size_t)v->head->config.clients];
}

static inline int sram_valid_memory(const cs_sram_memory *m) {
    return m->banks >= 1 && m->banks <= CS_SRAM_MAX_BANKS && m->ports >= 1 && m->ports <= CS_SRAM_MAX_PORTS &&
           m->words >= 1 && m->words <= CS_SRAM_MAX_WORDS && m->interleave >= 1 && m->interleave <= CS_SRAM_MAX_WORDS;
}

/* sram_layout.c: where the parts of a state are. */
int32_t sram_open(const void *state, size_t state_bytes, sram_view *v);

/* sram_banks.c: grants, and the heap of what is due. */

/* What has been granted since the bank was last looked at, up to clock `now`; no part ends in it. Adds to each client's
 * accesses and waiting clocks. */
void sram_bank_so_far(const sram_view *v, int32_t bank, int64_t now, int64_t *accesses, int64_t *waiting);

/* All grants of the clocks up to `clk`, which is at most the clock at which the first part ends. */
void sram_bank_serve(sram_view *v, int32_t bank, int64_t clk);

/* Works out anew when the bank, served up to now, is due; its group is to be scheduled after that. */
void sram_bank_refresh(sram_view *v, int32_t bank);

/* Puts the group where its banks' next end belongs in the heap. */
void sram_group_schedule(sram_view *v, int32_t group);

/* Index `index` is due at clock `next`, or no longer due. */
void sram_schedule(sram_view *v, int32_t index, int64_t next);
void sram_unschedule(sram_view *v, int32_t index);

/* sram.c: the job is done at `clk`. */
void sram_finish(sram_view *v, int32_t job, int64_t clk);

#endif
