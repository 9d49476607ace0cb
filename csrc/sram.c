#include "sram.h"

#include <string.h>

#define NOBODY (-1)
#define MAGIC 0x316d6172735f73u

typedef struct {
    uint64_t tag;
    int64_t submitted, done;
    int64_t first_word, words;
    int64_t order; /* of submission */
    int32_t memory, client;
    int32_t parts; /* banks that are not through with it */
    int32_t next;  /* in the list of arrivals, of done jobs, or of free ones */
} job;

/* What a job needs of one bank. */
typedef struct {
    int64_t accesses;
    int32_t job;
    int32_t next; /* of the same client at the same bank, or free */
} part;

/* A client at a bank. */
typedef struct {
    int64_t left;          /* accesses of the part in front */
    int64_t since;         /* pending from the clock after this one */
    int64_t last_granted;  /* the last clock with a grant */
    int64_t accesses;      /* granted so far */
    int64_t pending_total; /* clocks with something pending, before `since` */
    int64_t granted_total; /* clocks with a grant */
    int32_t first, last;
} queue;

typedef struct {
    int64_t served;   /* grants of the clocks up to this one are accounted for */
    int64_t next;     /* the clock at which a part ends */
    uint64_t pending; /* clients with accesses here */
    int32_t ports;
    int32_t turn; /* the client asked first */
    int32_t heap_place;
} bank;

typedef struct {
    uint64_t magic;
    cs_sram_config config;
    int64_t now;
    int64_t submitted;
    int32_t banks;
    int32_t heap_count;
    int32_t free_job, fresh_job;   /* a list of used ones, then those never used */
    int32_t free_part, fresh_part; /* likewise */
    int32_t arriving;              /* jobs of future clocks, by (clock, submission) */
    int32_t last_arriving;         /* while there are any */
    int32_t out;                   /* done, by (clock, memory, client, submission) */
    int32_t padding;
    size_t bytes;
} header;

typedef struct {
    header *head;
    cs_sram_memory *memories;
    int32_t *first_bank; /* of each memory */
    bank *banks;
    queue *queues; /* [banks][clients] */
    int32_t *heap; /* banks with accesses pending, by (next, index) */
    job *jobs;
    part *parts;
} view;

static size_t reserve(size_t *total, size_t count, size_t size) {
    const size_t start = *total;
    *total += (count * size + 7u) & ~(size_t)7u;
    return start;
}

static int valid_memory(const cs_sram_memory *m) {
    return m->banks >= 1 && m->banks <= CS_SRAM_MAX_BANKS && m->ports >= 1 && m->ports <= CS_SRAM_MAX_PORTS &&
           m->words >= 1 && m->words <= CS_SRAM_MAX_WORDS && m->interleave >= 1 && m->interleave <= CS_SRAM_MAX_WORDS;
}

static int valid_config(const cs_sram_config *c, const cs_sram_memory *memories, size_t *banks, size_t *parts) {
    if (c->memories < 1 || c->memories > CS_SRAM_MAX_BANKS || c->clients < 1 || c->clients > CS_SRAM_MAX_CLIENTS ||
        c->max_jobs < 1)
        return 0;
    size_t total = 0, most = 0;
    for (int32_t i = 0; i < c->memories; ++i) {
        if (!valid_memory(&memories[i])) return 0;
        const size_t count = (size_t)memories[i].banks;
        total += count;
        if (count > most) most = count;
    }
    if (total > CS_SRAM_MAX_BANKS || (size_t)c->max_jobs > (size_t)INT32_MAX / most) return 0;
    *banks = total;
    *parts = most * (size_t)c->max_jobs;
    return 1;
}

/* Offsets of the parts; with `state` null only the total is meaningful. `fixed` is where the pools begin. */
static size_t lay_out(const cs_sram_config *c, size_t banks, size_t parts, char *state, view *v, size_t *fixed) {
    size_t total = 0;
    size_t at[8];
    at[0] = reserve(&total, 1, sizeof(header));
    at[1] = reserve(&total, (size_t)c->memories, sizeof(cs_sram_memory));
    at[2] = reserve(&total, (size_t)c->memories, sizeof(int32_t));
    at[3] = reserve(&total, banks, sizeof(bank));
    at[4] = reserve(&total, banks * (size_t)c->clients, sizeof(queue));
    at[5] = reserve(&total, banks, sizeof(int32_t));
    at[6] = reserve(&total, (size_t)c->max_jobs, sizeof(job));
    at[7] = reserve(&total, parts, sizeof(part));
    *fixed = at[6];
    if (state == NULL) return total;
    v->head = (header *)(void *)(state + at[0]);
    v->memories = (cs_sram_memory *)(void *)(state + at[1]);
    v->first_bank = (int32_t *)(void *)(state + at[2]);
    v->banks = (bank *)(void *)(state + at[3]);
    v->queues = (queue *)(void *)(state + at[4]);
    v->heap = (int32_t *)(void *)(state + at[5]);
    v->jobs = (job *)(void *)(state + at[6]);
    v->parts = (part *)(void *)(state + at[7]);
    return total;
}

static int32_t open_state(const void *state, size_t state_bytes, view *v) {
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < sizeof(header) || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    const header *head = (const header *)state;
    if (head->magic != MAGIC) return CS_ESTATE;
    if (state_bytes < head->bytes) return CS_EBUFFER;
    size_t fixed = 0;
    /* The callers that only read take a const buffer and write nothing through the view. */
    lay_out(&head->config, (size_t)head->banks, 0, (char *)(uintptr_t)state, v, &fixed);
    return CS_OK;
}

int32_t cs_sram_state_bytes(const cs_sram_config *config, const cs_sram_memory *memories, size_t *bytes) {
    size_t banks = 0, parts = 0, fixed = 0;
    if (config == NULL || memories == NULL || bytes == NULL || !valid_config(config, memories, &banks, &parts))
        return CS_EINVAL;
    *bytes = lay_out(config, banks, parts, NULL, NULL, &fixed);
    return CS_OK;
}

int32_t cs_sram_init(void *state, size_t state_bytes, const cs_sram_config *config, const cs_sram_memory *memories) {
    size_t banks = 0, parts = 0, fixed = 0;
    if (state == NULL || config == NULL || memories == NULL || !valid_config(config, memories, &banks, &parts))
        return CS_EINVAL;
    view v;
    const size_t bytes = lay_out(config, banks, parts, NULL, NULL, &fixed);
    if (state_bytes < bytes || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    memset(state, 0, fixed);
    lay_out(config, banks, parts, (char *)state, &v, &fixed);
    *v.head = (header){.magic = MAGIC,
                       .config = *config,
                       .now = -1,
                       .banks = (int32_t)banks,
                       .free_job = NOBODY,
                       .free_part = NOBODY,
                       .arriving = NOBODY,
                       .last_arriving = NOBODY,
                       .out = NOBODY,
                       .bytes = bytes};
    memcpy(v.memories, memories, (size_t)config->memories * sizeof *memories);
    int32_t next_bank = 0;
    for (int32_t i = 0; i < config->memories; ++i) {
        v.first_bank[i] = next_bank;
        for (int32_t b = 0; b < memories[i].banks; ++b)
            v.banks[next_bank++] = (bank){.served = -1, .ports = memories[i].ports, .heap_place = NOBODY};
    }
    for (size_t i = 0; i < banks * (size_t)config->clients; ++i) {
        v.queues[i].first = v.queues[i].last = NOBODY;
        v.queues[i].last_granted = -1;
    }
    return CS_OK;
}

/* ---- interleaving ------------------------------------------------------------------------------------------------ */

/* Words below `end` that lie in bank `index`. */
static int64_t words_below(const cs_sram_memory *m, int64_t end, int32_t index) {
    const int64_t block = end / m->interleave;
    const int64_t rounds = block / m->banks;
    const int64_t last = block % m->banks;
    return rounds * m->interleave + (index < last ? m->interleave : index == last ? end % m->interleave : 0);
}

static int64_t share(const cs_sram_memory *m, int64_t first_word, int64_t words, int32_t index) {
    return words_below(m, first_word + words, index) - words_below(m, first_word, index);
}

static int valid_range(const cs_sram_memory *m, int64_t first_word, int64_t words) {
    return first_word >= 0 && words >= 1 && first_word < m->words && words <= m->words - first_word;
}

int32_t cs_sram_share(const cs_sram_memory *memory, int64_t first_word, int64_t words, int64_t *accesses,
                      size_t banks) {
    if (memory == NULL || accesses == NULL || !valid_memory(memory) || !valid_range(memory, first_word, words))
        return CS_EINVAL;
    if (banks < (size_t)memory->banks) return CS_EBUFFER;
    for (int32_t i = 0; i < memory->banks; ++i)
        accesses[i] = share(memory, first_word, words, i);
    return CS_OK;
}

/* ---- a heap of the banks with accesses pending, by (next, index) ------------------------------------------------- */

static int sooner(const view *v, int32_t a, int32_t b) {
    return v->banks[a].next != v->banks[b].next ? v->banks[a].next < v->banks[b].next : a < b;
}

static void heap_put(view *v, int32_t place, int32_t index) {
    v->heap[place] = index;
    v->banks[index].heap_place = place;
}

/* Moves the bank at `place` to where its key belongs. */
static void heap_move(view *v, int32_t place) {
    const int32_t index = v->heap[place];
    while (place > 0) {
        const int32_t parent = (place - 1) / 2;
        if (!sooner(v, index, v->heap[parent])) break;
        heap_put(v, place, v->heap[parent]);
        place = parent;
    }
    for (;;) {
        int32_t child = 2 * place + 1;
        if (child >= v->head->heap_count) break;
        if (child + 1 < v->head->heap_count && sooner(v, v->heap[child + 1], v->heap[child])) ++child;
        if (!sooner(v, v->heap[child], index)) break;
        heap_put(v, place, v->heap[child]);
        place = child;
    }
    heap_put(v, place, index);
}

static void heap_remove(view *v, int32_t place) {
    v->banks[v->heap[place]].heap_place = NOBODY;
    const int32_t last = v->heap[--v->head->heap_count];
    if (place == v->head->heap_count) return;
    heap_put(v, place, last);
    heap_move(v, place);
}

/* ---- one bank ---------------------------------------------------------------------------------------------------- */

static queue *queues_of(const view *v, int32_t index) {
    return &v->queues[(size_t)index * (size_t)v->head->config.clients];
}

/* While the same clients stay pending, grants go round: the n-th grant (from 1) goes to the client at place (n - 1) %
 * clients, where places count the pending clients from `turn` on. */
typedef struct {
    int64_t clients;
    uint64_t from_turn, before_turn; /* pending clients, split at the one asked first */
} round_robin;

static round_robin rounds_of(const bank *b) {
    const uint64_t before = b->turn < 64 ? ((uint64_t)1 << b->turn) - 1 : ~(uint64_t)0;
    return (round_robin){.clients = __builtin_popcountll(b->pending),
                         .from_turn = b->pending & ~before,
                         .before_turn = b->pending & before};
}

/* Takes the client with the next place; there is one. */
static int next_place(round_robin *r) {
    uint64_t *half = r->from_turn ? &r->from_turn : &r->before_turn;
    const int client = __builtin_ctzll(*half);
    *half &= *half - 1;
    return client;
}

/* The grant with which the first part ends. */
static int64_t grants_to_end(const bank *b, const queue *queues, int *ending) {
    if (!(b->pending & (b->pending - 1))) { /* alone, as most clients are most of the time */
        *ending = __builtin_ctzll(b->pending);
        return queues[*ending].left;
    }
    round_robin r = rounds_of(b);
    int64_t best = INT64_MAX;
    for (int64_t place = 0; place < r.clients; ++place) {
        const int client = next_place(&r);
        const int64_t grant = (queues[client].left - 1) * r.clients + place + 1;
        if (grant < best) {
            best = grant;
            *ending = client;
        }
    }
    return best;
}

/* What a client at `place` gets of `grants`, of which the first is number `used` + 1 since clock `base`. */
static int64_t granted(int64_t grants, int64_t place, int64_t clients) {
    return grants > place ? (grants - 1 - place) / clients + 1 : 0;
}

/* Clocks with a grant that are new to the client, given that it got `count` > 0 of them from `used` on; `last` becomes
 * the last such clock. A clock that two stretches share counts once. */
static int64_t granted_clocks(const bank *b, int64_t used, int64_t place, int64_t clients, int64_t count,
                              int64_t *last) {
    const int64_t begin = b->served + (used + place) / b->ports + 1;
    const int64_t end = b->served + (used + place + (count - 1) * clients) / b->ports + 1;
    /* Grants further apart than a clock's ports lie in different clocks; closer ones leave no clock out. */
    const int64_t clocks = clients >= b->ports ? count : end - begin + 1;
    const int64_t shared = begin == *last;
    *last = end;
    return clocks - shared;
}

/* Gives the next `grants`, none of them beyond the end of a part, after `used` since `served`. */
static void give(bank *b, queue *queues, int64_t used, int64_t grants) {
    if (!(b->pending & (b->pending - 1))) {
        const int client = __builtin_ctzll(b->pending);
        queue *q = &queues[client];
        q->left -= grants;
        q->accesses += grants;
        q->granted_total += granted_clocks(b, used, 0, 1, grants, &q->last_granted);
        b->turn = client + 1;
        return;
    }
    round_robin r = rounds_of(b);
    const int64_t last_place = (grants - 1) % r.clients;
    for (int64_t place = 0; place < r.clients; ++place) {
        const int client = next_place(&r);
        queue *q = &queues[client];
        const int64_t count = granted(grants, place, r.clients);
        if (count == 0) break;
        q->left -= count;
        q->accesses += count;
        q->granted_total += granted_clocks(b, used, place, r.clients, count, &q->last_granted);
        if (place == last_place) b->turn = client + 1;
    }
}

static int later_job(const job *a, const job *b) {
    if (a->done != b->done) return a->done > b->done;
    if (a->memory != b->memory) return a->memory > b->memory;
    if (a->client != b->client) return a->client > b->client;
    return a->order > b->order;
}

static void finish(view *v, int32_t index, int64_t clk) {
    v->jobs[index].done = clk;
    int32_t *link = &v->head->out;
    while (*link != NOBODY && later_job(&v->jobs[index], &v->jobs[*link]))
        link = &v->jobs[*link].next;
    v->jobs[index].next = *link;
    *link = index;
}

/* The part in front of a client's queue has had its last grant. */
static void end_part(view *v, bank *b, queue *q, int client, int64_t clk) {
    const int32_t index = q->first;
    part *p = &v->parts[index];
    q->first = p->next;
    if (--v->jobs[p->job].parts == 0) finish(v, p->job, clk);
    p->next = v->head->free_part;
    v->head->free_part = index;
    if (q->first != NOBODY) {
        q->left = v->parts[q->first].accesses;
        return;
    }
    q->last = NOBODY;
    q->pending_total += clk - q->since;
    b->pending &= ~((uint64_t)1 << client);
}

/* All grants of the clocks up to `clk`, which is at most the clock at which the first part ends. */
static void serve(view *v, int32_t index, int64_t clk) {
    bank *b = &v->banks[index];
    queue *queues = queues_of(v, index);
    int64_t used = 0;
    while (b->pending) {
        const int64_t room = (clk - b->served) * b->ports - used;
        if (room == 0) break;
        int ending = 0;
        const int64_t grants = grants_to_end(b, queues, &ending);
        if (grants > room) {
            give(b, queues, used, room);
            break;
        }
        give(b, queues, used, grants);
        used += grants;
        end_part(v, b, &queues[ending], ending, b->served + (used + b->ports - 1) / b->ports);
    }
    b->served = clk;
}

/* Puts the bank, served up to now, where its next end belongs in the heap. */
static void schedule(view *v, int32_t index) {
    bank *b = &v->banks[index];
    if (!b->pending) {
        if (b->heap_place != NOBODY) heap_remove(v, b->heap_place);
        return;
    }
    int ending = 0;
    const int64_t grants = grants_to_end(b, queues_of(v, index), &ending);
    b->next = b->served + (grants + b->ports - 1) / b->ports;
    if (b->heap_place == NOBODY) heap_put(v, v->head->heap_count++, index);
    heap_move(v, b->heap_place);
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static int32_t take_part(header *head, part *parts) {
    const int32_t index = head->free_part;
    if (index == NOBODY) return head->fresh_part++;
    head->free_part = parts[index].next;
    return index;
}

/* A job joins the queues of its banks at clock `clk`, to be granted from the next one on. */
static void enter(view *v, int32_t index, int64_t clk) {
    header *head = v->head;
    job *j = &v->jobs[index];
    const cs_sram_memory *m = &v->memories[j->memory];
    const int64_t first_block = j->first_word / m->interleave;
    const int64_t blocks = (j->first_word + j->words - 1) / m->interleave - first_block + 1;
    const int32_t touched = (int32_t)(blocks < m->banks ? blocks : m->banks);
    j->parts = touched;
    for (int32_t i = 0; i < touched; ++i) {
        const int32_t of_memory = (int32_t)((first_block + i) % m->banks);
        const int32_t at = v->first_bank[j->memory] + of_memory;
        const int64_t accesses = share(m, j->first_word, j->words, of_memory);
        queue *q = &queues_of(v, at)[j->client];
        if (head->config.ideal) {
            q->accesses += accesses;
            continue;
        }
        if (v->banks[at].pending)
            serve(v, at, clk);
        else
            v->banks[at].served = clk;
        const int32_t piece = take_part(head, v->parts);
        v->parts[piece] = (part){.accesses = accesses, .job = index, .next = NOBODY};
        if (q->first == NOBODY) {
            q->first = piece;
            q->left = accesses;
            q->since = clk;
            v->banks[at].pending |= (uint64_t)1 << j->client;
        } else {
            v->parts[q->last].next = piece;
        }
        q->last = piece;
        schedule(v, at);
    }
    if (head->config.ideal) finish(v, index, clk);
}

int32_t cs_sram_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t memory, int32_t client,
                       int64_t first_word, int64_t words) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    header *head = v.head;
    if (clk < 0 || clk < head->now || clk > CS_NEVER / 2 || memory < 0 || memory >= head->config.memories ||
        client < 0 || client >= head->config.clients || !valid_range(&v.memories[memory], first_word, words))
        return CS_EINVAL;
    int32_t index = head->free_job;
    if (index != NOBODY)
        head->free_job = v.jobs[index].next;
    else if (head->fresh_job < head->config.max_jobs)
        index = head->fresh_job++;
    else
        return CS_FULL;
    job *j = &v.jobs[index];
    *j = (job){.tag = tag,
               .submitted = clk,
               .first_word = first_word,
               .words = words,
               .order = head->submitted++,
               .memory = memory,
               .client = client,
               .next = NOBODY};
    if (clk == head->now) {
        enter(&v, index, clk);
    } else if (head->arriving == NOBODY) {
        head->arriving = head->last_arriving = index;
    } else if (v.jobs[head->last_arriving].submitted <= clk) {
        v.jobs[head->last_arriving].next = index;
        head->last_arriving = index;
    } else {
        int32_t *link = &head->arriving;
        while (v.jobs[*link].submitted <= clk)
            link = &v.jobs[*link].next;
        j->next = *link;
        *link = index;
    }
    return CS_OK;
}

/* ---- next and advance -------------------------------------------------------------------------------------------- */

static int64_t next_clock(const view *v) {
    const header *head = v->head;
    const int64_t end = head->heap_count > 0 ? v->banks[v->heap[0]].next : CS_NEVER;
    const int64_t arrival = head->arriving != NOBODY ? v->jobs[head->arriving].submitted : CS_NEVER;
    return end < arrival ? end : arrival;
}

int32_t cs_sram_next(const void *state, size_t state_bytes, int64_t *clk) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    if (v.head->out != NOBODY) {
        *clk = v.jobs[v.head->out].done;
        return CS_OK;
    }
    *clk = v.head->heap_count > 0 ? v.banks[v.heap[0]].next : CS_NEVER;
    if (v.head->arriving != NOBODY) {
        /* That it joins a queue is nothing yet: its first grant is a clock later. */
        const int64_t first = v.jobs[v.head->arriving].submitted + !v.head->config.ideal;
        if (first < *clk) *clk = first;
    }
    return CS_OK;
}

static void run_clock(view *v, int64_t clk) {
    header *head = v->head;
    while (head->heap_count > 0 && v->banks[v->heap[0]].next <= clk) {
        const int32_t index = v->heap[0];
        serve(v, index, clk);
        schedule(v, index);
    }
    while (head->arriving != NOBODY && v->jobs[head->arriving].submitted <= clk) {
        const int32_t index = head->arriving;
        head->arriving = v->jobs[index].next;
        enter(v, index, clk);
    }
    head->now = clk;
}

static size_t hand_out(view *v, cs_done *out, size_t capacity) {
    header *head = v->head;
    size_t count = 0;
    while (head->out != NOBODY && count < capacity) {
        const int32_t index = head->out;
        job *j = &v->jobs[index];
        out[count++] = (cs_done){.tag = j->tag, .clk = j->done};
        head->out = j->next;
        j->next = head->free_job;
        head->free_job = index;
    }
    return count;
}

int32_t cs_sram_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_done *out, size_t capacity,
                        size_t *count) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    header *head = v.head;
    size_t done = hand_out(&v, out, capacity);
    *count = done;
    if (head->out != NOBODY) return CS_FULL;
    if (stop && done > 0) return CS_OK;
    while (head->now < until) {
        const int64_t clk = next_clock(&v);
        if (clk > until || clk == CS_NEVER) break;
        run_clock(&v, clk);
        if (head->out == NOBODY) continue;
        done += hand_out(&v, out + done, capacity - done);
        *count = done;
        if (head->out != NOBODY) return CS_FULL;
        if (stop) return CS_OK;
    }
    if (until > head->now && until != CS_NEVER) head->now = until;
    return CS_OK;
}

/* ---- looking in -------------------------------------------------------------------------------------------------- */

int32_t cs_sram_stats(const void *state, size_t state_bytes, int64_t *accesses, int64_t *waiting, size_t entries) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    const header *head = v.head;
    const size_t clients = (size_t)head->config.clients;
    if (accesses == NULL || waiting == NULL) return CS_EINVAL;
    if (entries < (size_t)head->banks * clients) return CS_EBUFFER;
    for (int32_t index = 0; index < head->banks; ++index) {
        const bank *b = &v.banks[index];
        const queue *queues = queues_of(&v, index);
        int64_t *row = &accesses[(size_t)index * clients];
        int64_t *waits = &waiting[(size_t)index * clients];
        for (size_t client = 0; client < clients; ++client) {
            row[client] = queues[client].accesses;
            waits[client] = queues[client].pending_total - queues[client].granted_total;
        }
        /* What has been granted since the bank was last looked at; no part ends in it. */
        if (!b->pending) continue;
        round_robin r = rounds_of(b);
        const int64_t grants = (head->now - b->served) * b->ports;
        for (int64_t place = 0; place < r.clients; ++place) {
            const int client = next_place(&r);
            const int64_t count = granted(grants, place, r.clients);
            int64_t last = queues[client].last_granted;
            row[client] += count;
            waits[client] += head->now - queues[client].since;
            if (count > 0) waits[client] -= granted_clocks(b, 0, place, r.clients, count, &last);
        }
    }
    return CS_OK;
}
