/* Requests: cut off descriptors, led from stage to stage, and told when they are through. */
#include "fabric_state.h"
#include "sram.h"

#include <string.h>

/* One list of stages per kind of request; a request walks its list. */
#define MAX_STAGES 6
static const uint8_t walk[5][MAX_STAGES] = {
    {ST_NOC_OUT, ST_DRAM, ST_NOC_BACK, ST_SRAM_WRITE, ST_DONE},
    {ST_SRAM_READ, ST_NOC_OUT, ST_DRAM, ST_NOC_BACK, ST_DONE},
    {ST_SRAM_READ, ST_NOC_OUT, ST_SRAM_WRITE, ST_DONE},
    {ST_DRAM, ST_DONE},
    {ST_SRAM_WRITE, ST_DONE},
};
static const uint8_t resource_of[ST_DONE] = {CS_FABRIC_SRAM, CS_FABRIC_NOC, CS_FABRIC_DRAM, CS_FABRIC_NOC,
                                             CS_FABRIC_SRAM};

static void finish(fabric_state *f, uint64_t tag, int64_t start, int64_t t, const int64_t *spent) {
    int32_t at = (f->done_head + f->done_count) % f->done_capacity;
    cs_fabric_done *done = &FABRIC_DONE(f)[at];
    done->tag = tag;
    done->start_ps = start;
    done->time_ps = t;
    memcpy(done->spent_ps, spent, sizeof done->spent_ps);
    f->done_count++; /* cannot overflow: see has_room */
}

int32_t fabric_hops(const fabric_noc *noc, int32_t one, int32_t other) {
    const int32_t x = noc->p.mesh_x, dx = one % x - other % x, dy = one / x - other / x;
    return 1 + (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);
}

/* Starting a stage returns 1 if it takes no time: then the caller moves on. NOTE: small functions for each kind of
 * stage, inlined, as one for all of them spent a quarter of its time in saving registers. */
static inline int join_memory(fabric_state *f, fabric_request *r, int32_t index) {
    const int32_t channels = f->c.drams;
    fabric_dram *dram = &FABRIC_DRAMS(f)[channels > 1 ? fabric_divide(r->address, f->channel) % channels : 0];
    if (dram->p.ideal) return 1;
    r->next = FABRIC_NONE;
    r->offered = 0;
    const int64_t begin = r->address & (f->c.burst_bytes - 1);
    r->bursts = (int32_t)fabric_divide(begin + (r->bytes > 0 ? r->bytes : 1) - 1, f->burst) + 1;
    if (dram->tail == FABRIC_NONE)
        dram->head = index;
    else
        FABRIC_REQUESTS(f)[dram->tail].next = index;
    dram->tail = index;
    f->stirred |= channels > 1;
    return 0;
}

static void submit_words(fabric_state *f, const cs_fabric_parts *parts, const fabric_request *r, int32_t index,
                         int64_t t, int32_t memory, int32_t client, int64_t word, int64_t words, int32_t *status) {
    fabric_sram *sram = &FABRIC_SRAMS(f)[r->sram];
    if (word >= sram->p.words) word %= sram->p.words;
    if (word + words > sram->p.words) word = 0;
    const int32_t s = cs_sram_submit(parts->sram[r->sram], parts->sram_bytes[r->sram], fabric_clk_at(&sram->clock, t),
                                     (uint64_t)index, memory, client, word, words);
    if (s != CS_OK) *status = s;
    sram->stale = f->stirred = 1;
}

static inline int access_words(fabric_state *f, const cs_fabric_parts *parts, fabric_request *r, int32_t index,
                               int is_write, int64_t t, int32_t *status) {
    fabric_sram *sram = &FABRIC_SRAMS(f)[r->sram];
    int32_t memory = r->memory, client = r->client;
    int64_t word = r->word, words;
    if (r->kind == CS_FABRIC_LOCAL) {
        is_write = r->is_write;
        words = !sram->p.ideal && r->words > sram->p.words ? sram->p.words : r->words;
        r->words -= words;
    } else {
        words = fabric_divide_up(r->bytes, sram->word_bytes);
        if (!sram->p.ideal && words > sram->p.words) words = sram->p.words;
        if (r->kind == CS_FABRIC_MOVE && is_write) {
            const cs_fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[r->descriptor].d;
            memory = d->far_memory, client = d->client, word = r->far_word;
        }
    }
    FABRIC_WORDS(f)[sram->words_at + (is_write ? FABRIC_MEMORIES : 0) + (size_t)memory] += words;
    if (sram->p.ideal || words == 0) return 1;
    submit_words(f, parts, r, index, t, memory, client, word, words, status);
    return 0;
}

/* A packet: to the memory's node (or the far node), or back from it. */
static inline int send_packet(fabric_state *f, const fabric_request *r, int32_t index, int out) {
    fabric_noc *noc = &FABRIC_NOCS(f)[r->noc];
    const int carries_data = out != (r->kind == CS_FABRIC_READ);
    /* A head flit, then the data. */
    const int32_t flits = 1 + (carries_data ? (int32_t)fabric_divide_up(r->bytes, noc->flit_bytes) : 0);
    noc->stats.noc_flits += flits;
    noc->stats.noc_flit_hops += (int64_t)flits * r->hops;
    if (noc->p.ideal) return 1;
    const cs_fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[r->descriptor].d;
    const int32_t near = FABRIC_ENDPOINTS(f)[d->endpoint].e.node;
    const int32_t far = r->kind == CS_FABRIC_MOVE ? d->far_node : noc->p.memory_nodes[r->port];
    f->stirred = 1;
    /* A request is in one place at a time: it cannot overflow. */
    FABRIC_OUTBOX(f)
    [f->outbox_count++] = (fabric_packet){.noc = r->noc,
                                          .port = d->endpoint,
                                          .src = out ? near : far,
                                          .dst = out ? far : near,
                                          .flits = flits,
                                          .request = index};
    return 0;
}

static inline int start_stage(fabric_state *f, const cs_fabric_parts *parts, int32_t index, int64_t t,
                              int32_t *status) {
    fabric_request *r = &FABRIC_REQUESTS(f)[index];
    const enum fabric_stage stage = walk[r->kind][r->stage];
    if (stage == ST_DRAM) return join_memory(f, r, index);
    if (stage == ST_NOC_OUT || stage == ST_NOC_BACK) return send_packet(f, r, index, stage == ST_NOC_OUT);
    return access_words(f, parts, r, index, stage == ST_SRAM_WRITE, t, status);
}

int32_t fabric_take_request(fabric_state *f) {
    int32_t index = f->free_request;
    if (index != FABRIC_NONE) f->free_request = FABRIC_REQUESTS(f)[index].next;
    return index;
}

int32_t fabric_issue(fabric_state *f, int32_t which, int64_t t, int32_t caused) {
    fabric_endpoint *e = &FABRIC_ENDPOINTS(f)[which];
    if (e->head == FABRIC_NONE || e->in_flight >= e->e.outstanding) return FABRIC_NONE;
    int32_t index = fabric_take_request(f);
    if (index == FABRIC_NONE) return FABRIC_NONE;
    int32_t at = e->head;
    fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[at];
    fabric_noc *noc = &FABRIC_NOCS(f)[e->e.noc];
    fabric_request *r = &FABRIC_REQUESTS(f)[index];

    int64_t address = d->d.address + d->row * d->d.stride_bytes + d->offset;
    int64_t room = e->e.request_bytes - (address & (e->e.request_bytes - 1)), left = d->d.row_bytes - d->offset;
    const int32_t bytes = (int32_t)(left < room ? left : room), ports = noc->p.memory_ports;
    const int64_t words = fabric_divide_up(bytes, FABRIC_SRAMS(f)[e->e.sram].word_bytes);
    if (!caused || r->base != d->base) {
        memset(r->spent, 0, sizeof r->spent);
        r->spent[CS_FABRIC_DMA] = t - d->base; /* it waited behind descriptors that were there before it */
    }
    /* NOTE: member by member: clearing the whole by a string instruction, and reading `spent` as one right after a part
     * of it was written, were two thirds of this function's time. */
    r->mark = t;
    r->base = d->base;
    r->address = address;
    r->word = d->word;
    r->far_word = d->far_word;
    r->words = 0;
    r->descriptor = at;
    r->sram = e->e.sram;
    r->memory = d->d.memory;
    r->client = e->e.client;
    r->is_write = d->d.kind == CS_FABRIC_WRITE;
    r->noc = e->e.noc;
    r->port = ports > 1 ? (int32_t)(fabric_divide(address, f->port) % ports) : 0;
    r->hops = d->d.kind == CS_FABRIC_MOVE ? d->far_hops : e->hops[r->port];
    r->bytes = bytes;
    r->next = FABRIC_NONE;
    r->kind = (uint8_t)d->d.kind;
    r->stage = 0;

    noc->stats.requests++;
    if (d->d.kind == CS_FABRIC_READ)
        noc->stats.dram_read_bytes += bytes;
    else if (d->d.kind == CS_FABRIC_WRITE)
        noc->stats.dram_write_bytes += bytes;
    else
        noc->stats.moved_bytes += bytes;
    d->word += words;
    d->far_word += words;
    d->offset += bytes;
    if (d->offset == d->d.row_bytes) d->offset = 0, d->row++;
    d->in_flight++;
    e->in_flight++;
    if (d->row == d->d.rows) {
        d->issued_all = 1;
        e->head = d->next;
        if (e->head == FABRIC_NONE) e->tail = FABRIC_NONE;
    }
    return index;
}

/* A request that is through: frees its place, completes what it was the last of, and issues the one that waited for
 * its place (its index, or NONE). */
static int32_t retire(fabric_state *f, int32_t index, int64_t t) {
    fabric_request *r = &FABRIC_REQUESTS(f)[index];
    r->next = f->free_request;
    f->free_request = index;
    if (r->descriptor == FABRIC_NONE) {
        f->direct--;
        finish(f, r->tag, r->base, t, r->spent);
        return FABRIC_NONE;
    }
    const int32_t at = r->descriptor;
    fabric_descriptor *d = &FABRIC_DESCRIPTORS(f)[at];
    int32_t which = d->d.endpoint;
    FABRIC_ENDPOINTS(f)[which].in_flight--;
    if (--d->in_flight == 0 && d->issued_all) {
        finish(f, d->d.tag, d->base, t, r->spent);
        d->next = f->free_descriptor;
        f->free_descriptor = at;
        f->descriptors--;
    }
    return fabric_issue(f, which, t, 1);
}

void fabric_run(fabric_state *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status) {
    while (index != FABRIC_NONE && start_stage(f, parts, index, t, status)) {
        fabric_request *r = &FABRIC_REQUESTS(f)[index];
        if (walk[r->kind][++r->stage] == ST_DONE) index = retire(f, index, t);
    }
}

void fabric_end_stage(fabric_state *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status) {
    fabric_request *r = &FABRIC_REQUESTS(f)[index];
    r->spent[resource_of[walk[r->kind][r->stage]]] += t - r->mark;
    r->mark = t;
    if (r->words > 0) { /* a long access goes on with its next piece */
    } else if (walk[r->kind][++r->stage] == ST_DONE)
        index = retire(f, index, t);
    fabric_run(f, parts, index, t, status);
}
