/* The engine: its jobs, its clockwork, and its interface. */
#include "sram.h"

#include <string.h>

#include "sram_state.h"

/* ---- interleaving ------------------------------------------------------------------------------------------------ */

static int valid_range(const cs_sram_memory *m, int64_t first_word, int64_t words) {
    return first_word >= 0 && words >= 1 && first_word < m->words && words <= m->words - first_word;
}

int32_t cs_sram_share(const cs_sram_memory *memory, int64_t first_word, int64_t words, int64_t *accesses,
                      size_t banks) {
    if (memory == NULL || accesses == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(memory) || !CS_IS_ALIGNED(accesses)) return CS_EBUFFER;
    if (!sram_valid_memory(memory) || !valid_range(memory, first_word, words)) return CS_EINVAL;
    if (banks < (size_t)memory->banks) return CS_EBUFFER;
    memset(accesses, 0, (size_t)memory->banks * sizeof *accesses);
    const sram_spread spread = sram_spread_of(memory, first_word, words);
    for (int32_t nth = 0; nth < spread.touched; ++nth)
        accesses[sram_nth_bank(&spread, nth, memory->banks)] = sram_accesses(&spread, nth);
    return CS_OK;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static int later_job(const sram_job *a, const sram_job *b) {
    if (a->done != b->done) return a->done > b->done;
    if (a->memory != b->memory) return a->memory > b->memory;
    if (a->client != b->client) return a->client > b->client;
    return a->order > b->order;
}

void sram_finish(sram_view *v, int32_t index, int64_t clk) {
    --v->memories[v->jobs[index].memory].jobs;
    v->jobs[index].done = clk;
    int32_t *link = &v->head->out;
    while (*link != SRAM_NOBODY && later_job(&v->jobs[index], &v->jobs[*link]))
        link = &v->jobs[*link].next;
    v->jobs[index].next = *link;
    *link = index;
}

static int32_t take_part(sram_header *head, sram_part *parts) {
    const int32_t index = head->free_part;
    if (index == SRAM_NOBODY) return head->fresh_part++;
    head->free_part = parts[index].next;
    return index;
}

/* What a job needs of a bank joins the queue there, to be granted from the clock after `clk` on. The bank's group is to
 * be scheduled after that. */
static void join(sram_view *v, int32_t index, int32_t at, int64_t accesses, int64_t clk) {
    const int client = v->jobs[index].client;
    sram_bank *b = &v->banks[at];
    if (b->pending)
        sram_bank_serve(v, at, clk);
    else
        b->served = clk;
    sram_queue *q = &sram_queues_of(v, at)[client];
    const int32_t piece = take_part(v->head, v->parts);
    v->parts[piece] = (sram_part){.accesses = accesses, .job = index, .next = SRAM_NOBODY};
    if (q->first == SRAM_NOBODY) {
        q->first = piece;
        q->left = accesses;
        q->since = clk;
        b->pending |= (uint64_t)1 << client;
        ++b->clients;
    } else {
        v->parts[q->last].next = piece;
    }
    q->last = piece;
    sram_bank_refresh(v, at);
}

/* All groups with one of a job's banks. */
static void schedule(sram_view *v, int32_t memory, const sram_spread *spread) {
    const int32_t banks = v->shapes[memory].banks, first_bank = v->memories[memory].first_bank;
    int32_t last = SRAM_NOBODY;
    for (int32_t nth = 0; nth < spread->touched; ++nth) {
        const int32_t group = v->banks[first_bank + sram_nth_bank(spread, nth, banks)].group;
        if (group != last) sram_group_schedule(v, group);
        last = group;
    }
}

static int64_t clocks_of(int64_t accesses, int32_t ports) {
    return (accesses + ports - 1) / ports;
}

/* A job that is alone gets all that its banks can give. */
static void enter_alone(sram_view *v, int32_t index) {
    const sram_job *j = &v->jobs[index];
    const cs_sram_memory *m = &v->shapes[j->memory];
    const sram_spread spread = sram_spread_of(m, j->first_word, j->words);
    int64_t most = 0;
    for (int32_t nth = 0; nth < spread.touched; ++nth) {
        const int64_t accesses = sram_accesses(&spread, nth);
        if (accesses > most) most = accesses;
    }
    v->memories[j->memory].lone = index;
    sram_schedule(v, v->head->groups + j->memory, j->submitted + clocks_of(most, m->ports));
}

/* Ends the memory's job being alone at `clk`: its banks learn of what they have done of it, and have yet to do. */
static void end_alone(sram_view *v, int32_t memory, int64_t clk) {
    const int32_t index = v->memories[memory].lone;
    sram_job *j = &v->jobs[index];
    const cs_sram_memory *m = &v->shapes[memory];
    const sram_spread spread = sram_spread_of(m, j->first_word, j->words);
    v->memories[memory].lone = SRAM_NOBODY;
    sram_unschedule(v, v->head->groups + memory);
    for (int32_t nth = 0; nth < spread.touched; ++nth) {
        const int32_t at = v->memories[memory].first_bank + sram_nth_bank(&spread, nth, m->banks);
        const int64_t accesses = sram_accesses(&spread, nth);
        if (accesses <= (clk - j->submitted) * m->ports) {
            sram_queues_of(v, at)[j->client].accesses += accesses;
            v->banks[at].turn = j->client + 1;
        } else {
            ++j->parts;
            join(v, index, at, accesses, j->submitted);
        }
    }
    if (j->parts == 0)
        sram_finish(v, index, clk);
    else
        schedule(v, memory, &spread);
}

/* A job joins the queues of its banks at clock `clk`, that of its submission. */
static void enter(sram_view *v, int32_t index, int64_t clk) {
    sram_job *j = &v->jobs[index];
    sram_memory *memory = &v->memories[j->memory];
    const int32_t ideal = v->head->config.ideal;
    if (memory->jobs++ == 0 && !ideal) {
        enter_alone(v, index);
        return;
    }
    if (memory->lone != SRAM_NOBODY) end_alone(v, j->memory, clk);
    const cs_sram_memory *m = &v->shapes[j->memory];
    const sram_spread spread = sram_spread_of(m, j->first_word, j->words);
    j->parts = spread.touched;
    for (int32_t nth = 0; nth < spread.touched; ++nth) {
        const int32_t at = memory->first_bank + sram_nth_bank(&spread, nth, m->banks);
        if (ideal)
            sram_queues_of(v, at)[j->client].accesses += sram_accesses(&spread, nth);
        else
            join(v, index, at, sram_accesses(&spread, nth), clk);
    }
    if (ideal)
        sram_finish(v, index, clk);
    else
        schedule(v, j->memory, &spread);
}

int32_t cs_sram_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t memory, int32_t client,
                       int64_t first_word, int64_t words) {
    sram_view v;
    const int32_t status = sram_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    sram_header *head = v.head;
    if (clk < 0 || clk < head->now || clk > CS_NEVER / 2 || memory < 0 || memory >= head->config.memories ||
        client < 0 || client >= head->config.clients || !valid_range(&v.shapes[memory], first_word, words))
        return CS_EINVAL;
    int32_t index = head->free_job;
    if (index != SRAM_NOBODY)
        head->free_job = v.jobs[index].next;
    else if (head->fresh_job < head->config.max_jobs)
        index = head->fresh_job++;
    else
        return CS_FULL;
    sram_job *j = &v.jobs[index];
    *j = (sram_job){.tag = tag,
                    .submitted = clk,
                    .first_word = first_word,
                    .words = words,
                    .order = head->submitted++,
                    .memory = memory,
                    .client = client,
                    .next = SRAM_NOBODY};
    if (clk == head->now) {
        enter(&v, index, clk);
    } else if (head->arriving == SRAM_NOBODY) {
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

static int64_t next_clock(const sram_view *v) {
    const sram_header *head = v->head;
    const int64_t end = head->heap_count > 0 ? v->heap[0].next : CS_NEVER;
    const int64_t arrival = head->arriving != SRAM_NOBODY ? v->jobs[head->arriving].submitted : CS_NEVER;
    return end < arrival ? end : arrival;
}

int32_t cs_sram_next(const void *state, size_t state_bytes, int64_t *clk) {
    sram_view v;
    const int32_t status = sram_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(clk)) return CS_EBUFFER;
    if (v.head->out != SRAM_NOBODY) {
        *clk = v.jobs[v.head->out].done;
        return CS_OK;
    }
    *clk = v.head->heap_count > 0 ? v.heap[0].next : CS_NEVER;
    if (v.head->arriving != SRAM_NOBODY) {
        /* That it joins a queue is nothing yet: its first grant is a clock later. */
        const int64_t first = v.jobs[v.head->arriving].submitted + !v.head->config.ideal;
        if (first < *clk) *clk = first;
    }
    return CS_OK;
}

static void run_clock(sram_view *v, int64_t clk) {
    sram_header *head = v->head;
    while (head->heap_count > 0 && v->heap[0].next <= clk) {
        const int32_t index = v->heap[0].index;
        if (index >= head->groups) {
            end_alone(v, index - head->groups, clk);
            continue;
        }
        for (int32_t bank = v->groups[index].first; bank < v->groups[index].end; ++bank) {
            if (v->banks[bank].next > clk) continue;
            sram_bank_serve(v, bank, clk);
            sram_bank_refresh(v, bank);
        }
        sram_group_schedule(v, index);
    }
    while (head->arriving != SRAM_NOBODY && v->jobs[head->arriving].submitted <= clk) {
        const int32_t index = head->arriving;
        head->arriving = v->jobs[index].next;
        enter(v, index, clk);
    }
    head->now = clk;
}

static size_t hand_out(sram_view *v, cs_done *out, size_t capacity) {
    sram_header *head = v->head;
    size_t count = 0;
    while (head->out != SRAM_NOBODY && count < capacity) {
        const int32_t index = head->out;
        sram_job *j = &v->jobs[index];
        out[count++] = (cs_done){.tag = j->tag, .clk = j->done};
        head->out = j->next;
        j->next = head->free_job;
        head->free_job = index;
    }
    return count;
}

int32_t cs_sram_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_done *out, size_t capacity,
                        size_t *count) {
    sram_view v;
    const int32_t status = sram_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(out)) return CS_EBUFFER;
    sram_header *head = v.head;
    size_t done = hand_out(&v, out, capacity);
    *count = done;
    if (head->out != SRAM_NOBODY) return CS_FULL;
    if (stop && done > 0) return CS_OK;
    while (head->now < until) {
        const int64_t clk = next_clock(&v);
        if (clk > until || clk == CS_NEVER) break;
        run_clock(&v, clk);
        if (head->out == SRAM_NOBODY) continue;
        done += hand_out(&v, out + done, capacity - done);
        *count = done;
        if (head->out != SRAM_NOBODY) return CS_FULL;
        if (stop) return CS_OK;
    }
    if (until > head->now && until != CS_NEVER) head->now = until;
    return CS_OK;
}

/* ---- looking in -------------------------------------------------------------------------------------------------- */

int32_t cs_sram_stats(const void *state, size_t state_bytes, int64_t *accesses, int64_t *waiting, size_t entries) {
    sram_view v;
    const int32_t status = sram_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    const sram_header *head = v.head;
    const size_t clients = (size_t)head->config.clients;
    if (accesses == NULL || waiting == NULL) return CS_EINVAL;
    if (entries < (size_t)head->banks * clients || !CS_IS_ALIGNED(accesses) || !CS_IS_ALIGNED(waiting))
        return CS_EBUFFER;
    for (int32_t index = 0; index < head->banks; ++index) {
        const sram_queue *queues = sram_queues_of(&v, index);
        int64_t *row = &accesses[(size_t)index * clients];
        int64_t *waits = &waiting[(size_t)index * clients];
        for (size_t client = 0; client < clients; ++client) {
            row[client] = queues[client].accesses;
            waits[client] = queues[client].pending_total - queues[client].granted_total;
        }
        sram_bank_so_far(&v, index, head->now, row, waits);
    }
    for (int32_t memory = 0; memory < head->config.memories; ++memory) {
        if (v.memories[memory].lone == SRAM_NOBODY) continue;
        const sram_job *j = &v.jobs[v.memories[memory].lone];
        const cs_sram_memory *m = &v.shapes[memory];
        const sram_spread spread = sram_spread_of(m, j->first_word, j->words);
        for (int32_t nth = 0; nth < spread.touched; ++nth) {
            const int32_t at = v.memories[memory].first_bank + sram_nth_bank(&spread, nth, m->banks);
            const int64_t all = sram_accesses(&spread, nth), so_far = (head->now - j->submitted) * m->ports;
            accesses[(size_t)at * clients + (size_t)j->client] += all < so_far ? all : so_far;
        }
    }
    return CS_OK;
}
