/* The interface: what comes in, and what is told. */
#include "fabric_state.h"

#include <string.h>

/* Whether the last byte has an address, and its word a number. */
static int ends_in_range(const cs_fabric_descriptor *what) {
    return what->row_bytes <= CS_NEVER - what->address &&
           (what->rows == 1 || what->stride_bytes <= (CS_NEVER - what->address - what->row_bytes) / (what->rows - 1)) &&
           what->rows <= (CS_NEVER >> 1) / what->row_bytes;
}

static int valid_transfer(const fabric_state *f, const cs_fabric_descriptor *what) {
    if (what->endpoint < 0 || what->endpoint >= f->c.endpoints || what->row_bytes < 1 || what->rows < 1 ||
        what->address < 0 || what->word < 0 || what->far_word < 0 || what->stride_bytes < 0 ||
        what->word > FABRIC_WORD_LIMIT || what->far_word > FABRIC_WORD_LIMIT || !ends_in_range(what))
        return 0;
    const int32_t memories = FABRIC_SRAMS(f)[FABRIC_ENDPOINTS(f)[what->endpoint].e.sram].p.memories;
    if (what->memory < 0 || what->memory >= memories) return 0;
    if (what->kind != CS_FABRIC_MOVE) return f->c.drams > 0;
    return what->far_memory >= 0 && what->far_memory < memories && what->client >= 0 && what->far_node >= 0 &&
           what->far_node < FABRIC_NODE_LIMIT;
}

static int valid(const fabric_state *f, const cs_fabric_descriptor *what) {
    switch (what->kind) {
    case CS_FABRIC_READ:
    case CS_FABRIC_WRITE:
    case CS_FABRIC_MOVE:
        return valid_transfer(f, what);
    case CS_FABRIC_ACCESS:
        return what->address >= 0 && f->c.drams > 0;
    case CS_FABRIC_LOCAL:
        return what->endpoint >= 0 && what->endpoint < f->c.srams && what->memory >= 0 &&
               what->memory < FABRIC_SRAMS(f)[what->endpoint].p.memories && what->client >= 0 && what->word >= 0 &&
               what->rows >= 0;
    default:
        return 0;
    }
}

/* A descriptor joins its endpoint's queue; as many requests of it as may be are issued at once. */
static int32_t enqueue(fabric_state *f, const cs_fabric_parts *parts, int64_t t, const cs_fabric_descriptor *what) {
    const int32_t index = f->free_descriptor;
    if (index == FABRIC_NONE || !fabric_has_room(f)) return CS_FULL;
    f->now = t;
    f->descriptors++;
    fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[index];
    f->free_descriptor = d->next;
    *d =
        (fabric_descriptor){.d = *what, .base = t, .word = what->word, .far_word = what->far_word, .next = FABRIC_NONE};
    fabric_endpoint *e = &FABRIC_ENDPOINTS(f)[what->endpoint];
    if (what->kind == CS_FABRIC_MOVE) d->far_hops = fabric_hops(&FABRIC_NOCS(f)[e->e.noc], e->e.node, what->far_node);
    if (e->tail == FABRIC_NONE)
        e->head = index;
    else
        FABRIC_DESCRIPTORS(f)[e->tail].next = index;
    e->tail = index;
    int32_t status = CS_OK;
    for (int32_t i; (i = fabric_issue(f, what->endpoint, t, 0)) != FABRIC_NONE;)
        fabric_run(f, parts, i, t, &status);
    return status;
}

static int32_t begin_direct(fabric_state *f, const cs_fabric_parts *parts, int64_t t,
                            const cs_fabric_descriptor *what) {
    if (f->direct >= f->max_direct || !fabric_has_room(f)) return CS_FULL;
    const int32_t index = fabric_take_request(f), is_local = what->kind == CS_FABRIC_LOCAL;
    f->now = t;
    f->direct++;
    FABRIC_REQUESTS(f)
    [index] = (fabric_request){.tag = what->tag,
                               .mark = t,
                               .base = t,
                               .descriptor = FABRIC_NONE,
                               .next = FABRIC_NONE,
                               .address = what->address,
                               .sram = is_local ? what->endpoint : 0,
                               .memory = what->memory,
                               .client = what->client,
                               .word = what->word,
                               .words = is_local ? what->rows : 0,
                               .is_write = what->is_write != 0,
                               .kind = (uint8_t)what->kind};
    int32_t status = CS_OK;
    fabric_run(f, parts, index, t, &status);
    return status;
}

/* Then the parts' events are seen by nobody: credits on their way back, buffered writes. */
static int is_idle(const fabric_state *f) {
    return f->descriptors == 0 && f->direct == 0 && f->done_count == 0;
}

static int32_t next_event(fabric_state *f, const cs_fabric_parts *parts, int64_t *time_ps) {
    if (is_idle(f)) {
        *time_ps = CS_NEVER;
        return CS_OK;
    }
    if (f->done_count > 0) {
        *time_ps = f->now;
        return CS_OK;
    }
    fabric_next next;
    const int32_t status = fabric_refresh_next(f, parts, &next);
    *time_ps = next.earliest;
    return status;
}

/* The parts' events up to until_ps, or to the first instant at which something completes; *next_ps is told only where
 * nothing does. */
static int32_t run_until(fabric_state *f, const cs_fabric_parts *parts, int64_t until_ps, int64_t *next_ps) {
    int32_t status = CS_OK;
    while (f->done_count == 0) {
        fabric_next next;
        if ((status = fabric_refresh_next(f, parts, &next)) != CS_OK) return status;
        if (next.earliest > until_ps || next.earliest == CS_NEVER) {
            *next_ps = next.earliest;
            return CS_OK;
        }
        const int64_t limit = next.rest > until_ps ? until_ps : next.rest - 1;
        if (next.network != FABRIC_NONE)
            fabric_run_network(f, parts, next.network, limit, &status);
        else if (next.memory != FABRIC_NONE)
            fabric_run_memory(f, parts, next.memory, limit, &status);
        else
            fabric_step(f, parts, next.earliest, &status);
        if (status != CS_OK) return status;
    }
    return status;
}

int32_t cs_fabric_submit(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps,
                         const cs_fabric_descriptor *descriptors, size_t count, size_t *taken, int64_t *next_ps) {
    fabric_state *f;
    int32_t status = fabric_open_with_parts(state, bytes, parts, &f);
    if (status != CS_OK) return status;
    if ((descriptors == NULL && count > 0) || taken == NULL || next_ps == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(descriptors) || !CS_IS_ALIGNED(taken) || !CS_IS_ALIGNED(next_ps)) return CS_EBUFFER;
    *taken = 0;
    if (now_ps < f->now || now_ps > FABRIC_LIMIT_PS) return CS_EINVAL;
    int64_t next;
    if (is_idle(f) && (status = run_until(f, parts, now_ps, &next)) != CS_OK) return status;
    for (; *taken < count; ++*taken) {
        const cs_fabric_descriptor *what = &descriptors[*taken];
        status = !valid(f, what) ? CS_EINVAL : CS_OK;
        if (status != CS_OK) break;
        status = what->kind <= CS_FABRIC_MOVE ? enqueue(f, parts, now_ps, what) : begin_direct(f, parts, now_ps, what);
        if (status != CS_OK) break;
    }
    int32_t flushed = CS_OK;
    if (*taken > 0 || f->outbox_count > 0) {
        fabric_offer_to_drams(f, parts, now_ps, &flushed);
        fabric_flush_outbox(f, parts, now_ps, &flushed);
    }
    if (status == CS_OK) status = flushed;
    return status == CS_OK ? next_event(f, parts, next_ps) : status;
}

int32_t cs_fabric_next(const void *state, size_t bytes, const cs_fabric_parts *parts, int64_t *time_ps) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (time_ps == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(time_ps)) return CS_EBUFFER;
    return next_event(f, parts, time_ps);
}

int32_t cs_fabric_advance(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t until_ps,
                          cs_fabric_done *done, size_t capacity, size_t *count, int64_t *next_ps) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (count == NULL || next_ps == NULL || (done == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(done) || !CS_IS_ALIGNED(next_ps)) return CS_EBUFFER;
    *count = 0;
    *next_ps = CS_NEVER;
    if (is_idle(f)) return CS_OK;
    int32_t status = run_until(f, parts, until_ps, next_ps);
    if (status != CS_OK || f->done_count == 0) return status;
    while (f->done_count > 0 && *count < capacity) {
        done[(*count)++] = FABRIC_DONE(f)[f->done_head];
        f->done_head = (f->done_head + 1) % f->done_capacity;
        f->done_count--;
    }
    status = f->done_count > 0 ? CS_FULL : CS_OK;
    const int32_t asked = next_event(f, parts, next_ps);
    return asked == CS_OK ? status : asked;
}

int32_t cs_fabric_get_stats(const void *state, size_t bytes, int32_t noc, cs_fabric_stats *stats) {
    fabric_state *f;
    const int32_t opened = fabric_open(state, bytes, &f);
    if (opened != CS_OK) return opened;
    if (stats == NULL || noc < 0 || noc >= f->c.nocs) return CS_EINVAL;
    if (!CS_IS_ALIGNED(stats)) return CS_EBUFFER;
    *stats = FABRIC_NOCS(f)[noc].stats;
    return CS_OK;
}

int32_t cs_fabric_get_words(const void *state, size_t bytes, int32_t sram, int64_t *reads, int64_t *writes,
                            size_t memories) {
    fabric_state *f;
    const int32_t opened = fabric_open(state, bytes, &f);
    if (opened != CS_OK) return opened;
    if (reads == NULL || writes == NULL || sram < 0 || sram >= f->c.srams) return CS_EINVAL;
    if (memories != (size_t)FABRIC_SRAMS(f)[sram].p.memories || !CS_IS_ALIGNED(reads) || !CS_IS_ALIGNED(writes))
        return CS_EBUFFER;
    const int64_t *words = FABRIC_WORDS(f) + FABRIC_SRAMS(f)[sram].words_at;
    memcpy(reads, words, memories * sizeof *reads);
    memcpy(writes, words + FABRIC_MEMORIES, memories * sizeof *writes);
    return CS_OK;
}
