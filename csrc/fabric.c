/* The interface: what comes in, and what is told. */
#include "fabric_state.h"

#include <string.h>

int32_t cs_fabric_submit(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps,
                         const cs_fabric_descriptor *what) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (what == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(what)) return CS_EBUFFER;
    if (what->endpoint < 0 || what->endpoint >= f->c.endpoints || what->kind < 0 || what->kind > CS_FABRIC_MOVE ||
        what->row_bytes < 1 || what->rows < 1 || what->address < 0 || what->word < 0 || what->far_word < 0 ||
        what->stride_bytes < 0 || what->word > FABRIC_WORD_LIMIT || what->far_word > FABRIC_WORD_LIMIT ||
        now_ps < f->now || now_ps > FABRIC_LIMIT_PS)
        return CS_EINVAL;
    /* The last byte has an address, and its word a number. */
    if (what->row_bytes > CS_NEVER - what->address ||
        (what->rows > 1 && what->stride_bytes > (CS_NEVER - what->address - what->row_bytes) / (what->rows - 1)) ||
        what->rows > (CS_NEVER >> 1) / what->row_bytes)
        return CS_EINVAL;
    fabric_endpoint *e = &FABRIC_ENDPOINTS(f)[what->endpoint];
    int32_t memories = FABRIC_SRAMS(f)[e->e.sram].p.memories;
    if (what->memory < 0 || what->memory >= memories) return CS_EINVAL;
    if (what->kind == CS_FABRIC_MOVE && (what->far_memory < 0 || what->far_memory >= memories || what->far_client < 0 ||
                                         what->far_node < 0 || what->far_node >= FABRIC_NODE_LIMIT))
        return CS_EINVAL;
    if (what->kind != CS_FABRIC_MOVE && f->c.drams == 0) return CS_EINVAL;
    int32_t index = f->free_descriptor;
    if (index == FABRIC_NONE || !fabric_has_room(f)) return CS_FULL;
    f->descriptors++;
    fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[index];
    f->free_descriptor = d->next;
    *d = (fabric_descriptor){
        .d = *what, .base = now_ps, .word = what->word, .far_word = what->far_word, .next = FABRIC_NONE};
    if (e->tail == FABRIC_NONE)
        e->head = index;
    else
        FABRIC_DESCRIPTORS(f)[e->tail].next = index;
    e->tail = index;

    int32_t status = CS_OK;
    f->now = now_ps;
    for (int32_t i; (i = fabric_issue(f, what->endpoint, now_ps, NULL)) != FABRIC_NONE;)
        fabric_run(f, parts, i, now_ps, &status);
    fabric_offer_to_drams(f, parts, now_ps, &status);
    fabric_flush_outbox(f, parts, now_ps, &status);
    return status;
}

static int32_t direct(fabric_state *f, const cs_fabric_parts *parts, int64_t now_ps, fabric_request what) {
    if (f->direct >= f->max_direct || !fabric_has_room(f)) return CS_FULL;
    int32_t index = fabric_take_request(f), status = CS_OK;
    f->direct++;
    what.mark = what.base = now_ps;
    what.descriptor = what.next = FABRIC_NONE;
    FABRIC_REQUESTS(f)[index] = what;
    f->now = now_ps;
    fabric_run(f, parts, index, now_ps, &status);
    fabric_offer_to_drams(f, parts, now_ps, &status);
    return status;
}

int32_t cs_fabric_access(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps, uint64_t tag,
                         int64_t address, int32_t is_write) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (address < 0 || f->c.drams == 0 || now_ps < f->now || now_ps > FABRIC_LIMIT_PS) return CS_EINVAL;
    return direct(f, parts, now_ps,
                  (fabric_request){.tag = tag, .address = address, .is_write = is_write != 0, .kind = K_ACCESS});
}

int32_t cs_fabric_local(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps, uint64_t tag,
                        int32_t sram, int32_t memory, int32_t client, int64_t word, int64_t words, int32_t is_write) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (sram < 0 || sram >= f->c.srams || memory < 0 || memory >= FABRIC_SRAMS(f)[sram].p.memories || client < 0 ||
        word < 0 || words < 0 || now_ps < f->now || now_ps > FABRIC_LIMIT_PS)
        return CS_EINVAL;
    return direct(f, parts, now_ps,
                  (fabric_request){.tag = tag,
                                   .sram = sram,
                                   .memory = memory,
                                   .client = client,
                                   .word = word,
                                   .words = words,
                                   .is_write = is_write != 0,
                                   .kind = K_LOCAL});
}

int32_t cs_fabric_next(const void *state, size_t bytes, const cs_fabric_parts *parts, int64_t *time_ps) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (time_ps == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(time_ps)) return CS_EBUFFER;
    if (f->done_count > 0) {
        *time_ps = f->now;
        return CS_OK;
    }
    int32_t network;
    int64_t rest;
    return fabric_refresh_next(f, parts, time_ps, &network, &rest);
}

int32_t cs_fabric_advance(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t until_ps,
                          cs_fabric_done *done, size_t capacity, size_t *count) {
    fabric_state *f;
    const int32_t opened = fabric_open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (count == NULL || (done == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(done)) return CS_EBUFFER;
    *count = 0;
    int32_t status = CS_OK;
    while (f->done_count == 0) {
        int64_t t, rest;
        int32_t network;
        if ((status = fabric_refresh_next(f, parts, &t, &network, &rest)) != CS_OK) return status;
        if (t > until_ps || t == CS_NEVER) return CS_OK;
        if (network != FABRIC_NONE)
            fabric_run_network(f, parts, network, rest > until_ps ? until_ps : rest - 1, &status);
        else
            fabric_step(f, parts, t, &status);
        if (status != CS_OK) return status;
    }
    while (f->done_count > 0 && *count < capacity) {
        done[(*count)++] = FABRIC_DONE(f)[f->done_head];
        f->done_head = (f->done_head + 1) % f->done_capacity;
        f->done_count--;
    }
    return f->done_count > 0 ? CS_FULL : CS_OK;
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
