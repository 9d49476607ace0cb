#include "fabric.h"

#include "dram.h"
#include "noc.h"
#include "sram.h"

#include <string.h>

/* One list of stages per kind of request; a request walks its list. */
enum stage { ST_SRAM_READ, ST_NOC_OUT, ST_DRAM, ST_NOC_BACK, ST_SRAM_WRITE, ST_DONE };
enum kind { K_READ = CS_FABRIC_READ, K_WRITE = CS_FABRIC_WRITE, K_MOVE = CS_FABRIC_MOVE, K_ACCESS, K_LOCAL };
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

#define NONE (-1)
/* 53 days of simulated time; edges later than this are never reached. */
#define CLOCK_LIMIT_PS ((int64_t)1 << 62)
/* Words of local memories and nodes of a network. */
#define WORD_LIMIT ((int64_t)1 << 40)
#define NODE_LIMIT 65536
#define MAGIC 0x6661627269633031 /* "fabric01" */

typedef struct {
    cs_fabric_descriptor d;
    int64_t base;           /* when it was submitted */
    int64_t row, offset;    /* where the next request begins */
    int64_t word, far_word; /* likewise in the local memories */
    int64_t in_flight;
    int32_t issued_all, next; /* next in its endpoint's queue, or in the free list */
} descriptor;

typedef struct {
    int64_t mark; /* up to here the time is in spent[] */
    int64_t spent[CS_FABRIC_RESOURCES];
    int64_t base, address, word, far_word, words;
    uint64_t tag; /* direct accesses */
    int32_t descriptor, sram, memory, client, is_write, port_node, bytes;
    int32_t offered, bursts; /* in DRAM: bytes before the next burst, and bursts not yet done */
    int32_t next;            /* in a memory's waiting line, or in the free list */
    uint8_t kind, stage;
} request;

typedef struct {
    cs_fabric_endpoint e;
    int32_t head, tail; /* descriptors with requests still to issue */
    int32_t in_flight;
} endpoint;

/* A clock, and the last edge looked for: most questions are about the same instant, and are
 * answered without a division. */
typedef struct {
    cs_fabric_clock period;
    int64_t limit;           /* CLOCK_LIMIT_PS in periods: clocks past limit * period_den are never reached */
    int64_t clk, begin, end; /* begin <= t < end is in clock clk */
} ticker;

/* Requests that wait at a DRAM controller; it accepts at most one a clock. */
typedef struct {
    cs_fabric_dram p;
    ticker clock;
    int64_t next, accepted_clk;
    int32_t head, tail, stale;
} dram_part;

typedef struct {
    cs_fabric_noc p;
    ticker clock;
    int64_t next;
    int32_t stale; /* something was submitted, or it was advanced: `next` is to be asked again */
    cs_fabric_stats stats;
} noc_part;

typedef struct {
    cs_fabric_sram p;
    ticker clock;
    int64_t next;
    int32_t stale;
    size_t words_at; /* index of its counters in `words` */
} sram_part;

/* A packet to be created at the end of the instant, in the order of its port. */
typedef struct {
    int32_t noc, port, src, dst, flits, request;
} outgoing;

typedef struct {
    uint64_t magic;
    cs_fabric_config c;
    int64_t now;
    int32_t free_request, free_descriptor, outbox_count;
    int32_t descriptors, direct, max_direct; /* under way, and of the latter how many may be */
    int32_t done_head, done_count, done_capacity;
    size_t nocs_at, drams_at, srams_at, endpoints_at, descriptors_at, requests_at, outbox_at, done_at, words_at, size;
} fabric;

#define PART(f, type, at) ((type *)((char *)(f) + (f)->at))
#define NOCS(f) PART(f, noc_part, nocs_at)
#define DRAMS(f) PART(f, dram_part, drams_at)
#define SRAMS(f) PART(f, sram_part, srams_at)
#define ENDPOINTS(f) PART(f, endpoint, endpoints_at)
#define DESCRIPTORS(f) PART(f, descriptor, descriptors_at)
#define REQUESTS(f) PART(f, request, requests_at)
#define OUTBOX(f) PART(f, outgoing, outbox_at)
#define DONE(f) PART(f, cs_fabric_done, done_at)
#define WORDS(f) PART(f, int64_t, words_at)

/* ---- clocks --------------------------------------------------------------------------------------------- */

static int64_t edge(const ticker *clock, int64_t clk) {
    const int64_t num = clock->period.period_num, den = clock->period.period_den;
    if (den == 1) return clk > clock->limit ? CS_NEVER : clk * num;
    if (clk == CS_NEVER || clk / den > clock->limit) return CS_NEVER;
    return clk / den * num + clk % den * num / den;
}

/* An engine may still have to take in, at an edge that has just passed, what arrived since. */
static int64_t later(int64_t now, int64_t t) {
    return t < now ? now : t;
}

/* The last edge at or before t. */
static int64_t clk_at(ticker *clock, int64_t t) {
    if (clock->begin <= t && t < clock->end) return clock->clk;
    const int64_t num = clock->period.period_num, den = clock->period.period_den;
    /* Most questions are about the very next clock: then there is nothing to divide. */
    if (den == 1 && clock->begin < clock->end && clock->end <= t && t < clock->end + num &&
        clock->clk + 2 <= clock->limit) {
        *clock = (ticker){clock->period, clock->limit, clock->clk + 1, clock->end, clock->end + num};
        return clock->clk;
    }
    int64_t clk = t / num * den + t % num * den / num;
    while (edge(clock, clk + 1) <= t)
        ++clk;
    *clock = (ticker){clock->period, clock->limit, clk, edge(clock, clk), edge(clock, clk + 1)};
    return clk;
}

static ticker ticker_of(const cs_fabric_clock *clock) {
    return (ticker){.period = *clock, .limit = CLOCK_LIMIT_PS / clock->period_num, .begin = CS_NEVER};
}

/* ---- layout --------------------------------------------------------------------------------------------- */

static int lay_out(const cs_fabric_config *c, size_t words, fabric *f) {
    if (c->nocs < 0 || c->drams < 0 || c->srams < 0 || c->endpoints < 0 || c->max_descriptors < 1 ||
        c->max_requests < 1 || c->burst_bytes < 1 || (c->burst_bytes & (c->burst_bytes - 1)) != 0 ||
        c->port_interleave_bytes < 1 || c->channel_interleave_bytes < 1 || c->nocs > 4096 || c->drams > 4096 ||
        c->srams > 65536 || c->endpoints > 65536 || c->max_descriptors > (1 << 24) || c->max_requests > (1 << 24))
        return 0;
    size_t at = sizeof(fabric);
    f->c = *c;
    f->done_capacity = c->max_descriptors + c->max_requests;
    f->nocs_at = at, at += (size_t)c->nocs * sizeof(noc_part);
    f->drams_at = at, at += (size_t)c->drams * sizeof(dram_part);
    f->srams_at = at, at += (size_t)c->srams * sizeof(sram_part);
    f->endpoints_at = at, at += (size_t)c->endpoints * sizeof(endpoint);
    at = (at + 7) & ~(size_t)7;
    f->descriptors_at = at, at += (size_t)c->max_descriptors * sizeof(descriptor);
    f->requests_at = at, at += (size_t)c->max_requests * sizeof(request);
    f->done_at = at, at += (size_t)f->done_capacity * sizeof(cs_fabric_done);
    f->words_at = at, at += 2 * words * sizeof(int64_t);
    f->outbox_at = at, at += (size_t)c->max_requests * sizeof(outgoing);
    f->size = (at + 7) & ~(size_t)7;
    return 1;
}

#define MAX_MEMORIES 256 /* of one SRAM engine */

int32_t cs_fabric_state_bytes(const cs_fabric_config *config, size_t *bytes) {
    fabric f;
    if (config == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!lay_out(config, (size_t)(config->srams > 0 ? config->srams : 0) * MAX_MEMORIES, &f)) return CS_EINVAL;
    *bytes = f.size;
    return CS_OK;
}

static int valid_clock(const cs_fabric_clock *clock) {
    /* A period of at least 1 ps: clock numbers are at most the time, and edges of different instants. So neither edge()
     * nor clk_at() overflows before CLOCK_LIMIT_PS. */
    return clock->period_den > 0 && clock->period_num >= clock->period_den && clock->period_num < ((int64_t)1 << 31);
}

/* One port and one channel serve a request whole. */
static int valid_request_bytes(const cs_fabric_config *c, int32_t bytes) {
    return bytes >= 0 && (bytes & (bytes - 1)) == 0 &&
           (bytes <= c->burst_bytes ||
            (c->port_interleave_bytes % bytes == 0 && c->channel_interleave_bytes % bytes == 0));
}

int32_t cs_fabric_init(void *state, size_t bytes, const cs_fabric_config *config, const cs_fabric_noc *nocs,
                       const cs_fabric_dram *drams, const cs_fabric_sram *srams, const cs_fabric_endpoint *endpoints) {
    if (state == NULL || config == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED((fabric *)state) || !CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(nocs) || !CS_IS_ALIGNED(drams) ||
        !CS_IS_ALIGNED(srams) || !CS_IS_ALIGNED(endpoints))
        return CS_EBUFFER;
    fabric layout;
    memset(&layout, 0, sizeof layout);
    if (!lay_out(config, (size_t)(config->srams > 0 ? config->srams : 0) * MAX_MEMORIES, &layout)) return CS_EINVAL;
    if (bytes < layout.size) return CS_EBUFFER;
    if ((config->nocs && nocs == NULL) || (config->drams && drams == NULL) || (config->srams && srams == NULL) ||
        (config->endpoints && endpoints == NULL))
        return CS_EINVAL;

    memset(state, 0, layout.size);
    fabric *f = state;
    *f = layout;
    f->max_direct = config->max_requests;
    for (int32_t i = 0; i < config->nocs; ++i) {
        if (!valid_clock(&nocs[i].clock) || nocs[i].flit_bytes < 1 || nocs[i].mesh_x < 1 || nocs[i].memory_ports < 1 ||
            nocs[i].memory_ports > CS_FABRIC_MAX_PORTS)
            return CS_EINVAL;
        for (int32_t port = 0; port < nocs[i].memory_ports; ++port)
            if (nocs[i].memory_nodes[port] < 0 || nocs[i].memory_nodes[port] >= NODE_LIMIT) return CS_EINVAL;
        NOCS(f)[i] = (noc_part){.p = nocs[i], .clock = ticker_of(&nocs[i].clock), .next = CS_NEVER};
    }
    for (int32_t i = 0; i < config->drams; ++i) {
        if (!valid_clock(&drams[i].clock)) return CS_EINVAL;
        DRAMS(f)
        [i] = (dram_part){.p = drams[i],
                          .clock = ticker_of(&drams[i].clock),
                          .next = CS_NEVER,
                          .accepted_clk = -1,
                          .head = NONE,
                          .tail = NONE};
    }
    for (int32_t i = 0; i < config->srams; ++i) {
        if (!valid_clock(&srams[i].clock) || srams[i].word_bytes < 1 || srams[i].memories < 1 || srams[i].words < 1 ||
            srams[i].words > WORD_LIMIT || srams[i].memories > MAX_MEMORIES)
            return CS_EINVAL;
        SRAMS(f)
        [i] = (sram_part){.p = srams[i],
                          .clock = ticker_of(&srams[i].clock),
                          .next = CS_NEVER,
                          .words_at = (size_t)i * 2 * MAX_MEMORIES};
    }
    for (int32_t i = 0; i < config->endpoints; ++i) {
        const cs_fabric_endpoint *e = &endpoints[i];
        if (e->noc < 0 || e->noc >= config->nocs || e->sram < 0 || e->sram >= config->srams || e->outstanding < 1 ||
            e->node < 0 || e->node >= NODE_LIMIT || e->client < 0 || e->outstanding > f->max_direct ||
            !valid_request_bytes(config, e->request_bytes))
            return CS_EINVAL;
        f->max_direct -= e->outstanding; /* a channel's places are its own: it is not asked again when one gets free */
        ENDPOINTS(f)[i] = (endpoint){.e = *e, .head = NONE, .tail = NONE};
        if (e->request_bytes < config->burst_bytes) ENDPOINTS(f)[i].e.request_bytes = config->burst_bytes;
    }
    for (int32_t i = 0; i < config->max_descriptors; ++i)
        DESCRIPTORS(f)[i].next = i + 1 < config->max_descriptors ? i + 1 : NONE;
    for (int32_t i = 0; i < config->max_requests; ++i)
        REQUESTS(f)[i].next = i + 1 < config->max_requests ? i + 1 : NONE;
    f->magic = MAGIC;
    return CS_OK;
}

/* The callers that only read take a const buffer and write nothing through *f. */
static int32_t open_state(const void *state, size_t bytes, fabric **f) {
    fabric *there = (fabric *)(uintptr_t)state;
    if (there == NULL) return CS_EINVAL;
    if (bytes < sizeof *there || !CS_IS_ALIGNED(there)) return CS_EBUFFER;
    if (there->magic != MAGIC) return CS_ESTATE;
    *f = there;
    return bytes < there->size ? CS_EBUFFER : CS_OK;
}

/* Every part must have a state buffer; the parts check the buffers themselves. */
static int32_t open_with_parts(const void *state, size_t bytes, const cs_fabric_parts *parts, fabric **f) {
    const int32_t opened = open_state(state, bytes, f);
    if (opened != CS_OK) return opened;
    if (parts == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(parts)) return CS_EBUFFER;
    const cs_fabric_config *c = &(*f)->c;
    if ((c->nocs > 0 && (parts->noc == NULL || parts->noc_bytes == NULL)) ||
        (c->drams > 0 && (parts->dram == NULL || parts->dram_bytes == NULL)) ||
        (c->srams > 0 && (parts->sram == NULL || parts->sram_bytes == NULL)))
        return CS_EINVAL;
    if (!CS_IS_ALIGNED(parts->noc) || !CS_IS_ALIGNED(parts->noc_bytes) || !CS_IS_ALIGNED(parts->dram) ||
        !CS_IS_ALIGNED(parts->dram_bytes) || !CS_IS_ALIGNED(parts->sram) || !CS_IS_ALIGNED(parts->sram_bytes))
        return CS_EBUFFER;
    return CS_OK;
}

/* Records that were not taken yet stay where they are, so new work waits for room. */
static int has_room(const fabric *f) {
    return f->done_count + f->descriptors + f->direct < f->done_capacity;
}

/* ---- requests ------------------------------------------------------------------------------------------- */

static void finish(fabric *f, uint64_t tag, int64_t start, int64_t t, const int64_t *spent) {
    int32_t at = (f->done_head + f->done_count) % f->done_capacity;
    cs_fabric_done *done = &DONE(f)[at];
    done->tag = tag;
    done->start_ps = start;
    done->time_ps = t;
    memcpy(done->spent_ps, spent, sizeof done->spent_ps);
    f->done_count++; /* cannot overflow: see has_room */
}

static int32_t data_flits(const noc_part *noc, int32_t bytes) {
    return 1 + (bytes + noc->p.flit_bytes - 1) / noc->p.flit_bytes; /* a head flit, then the data */
}

static void count_flits(noc_part *noc, int32_t src, int32_t dst, int32_t flits) {
    int32_t x = noc->p.mesh_x, dx = src % x - dst % x, dy = src / x - dst / x;
    noc->stats.noc_flits += flits;
    noc->stats.noc_flit_hops += (int64_t)flits * (1 + (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy));
}

/* Starts the request's present stage; returns 1 if it takes no time. The caller moves on. */
static int start_stage(fabric *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status) {
    request *r = &REQUESTS(f)[index];
    enum stage stage = walk[r->kind][r->stage];
    if (stage == ST_DRAM) {
        int32_t channel = (int32_t)(r->address / f->c.channel_interleave_bytes % f->c.drams);
        dram_part *dram = &DRAMS(f)[channel];
        if (dram->p.ideal) return 1;
        r->next = NONE;
        r->offered = 0;
        int64_t begin = r->address & (f->c.burst_bytes - 1);
        r->bursts = (int32_t)((begin + (r->bytes > 0 ? r->bytes : 1) - 1) / f->c.burst_bytes + 1);
        if (dram->tail == NONE)
            dram->head = index;
        else
            REQUESTS(f)[dram->tail].next = index;
        dram->tail = index;
        return 0;
    }
    if (stage == ST_SRAM_READ || stage == ST_SRAM_WRITE) {
        int32_t far = r->kind == K_MOVE && stage == ST_SRAM_WRITE;
        const descriptor *d = r->descriptor == NONE ? NULL : &DESCRIPTORS(f)[r->descriptor];
        int32_t memory = far ? d->d.far_memory : r->memory, client = far ? d->d.far_client : r->client;
        int32_t is_write = r->kind == K_LOCAL ? r->is_write : stage == ST_SRAM_WRITE;
        sram_part *sram = &SRAMS(f)[r->sram];
        int64_t words = r->kind == K_LOCAL ? r->words : (r->bytes + sram->p.word_bytes - 1) / sram->p.word_bytes;
        if (!sram->p.ideal && words > sram->p.words) words = sram->p.words;
        if (r->kind == K_LOCAL) r->words -= words;
        WORDS(f)[sram->words_at + (is_write ? MAX_MEMORIES : 0) + (size_t)memory] += words;
        if (sram->p.ideal || words == 0) return 1;
        int64_t clk = clk_at(&sram->clock, t), word = (far ? r->far_word : r->word) % sram->p.words;
        if (word + words > sram->p.words) word = 0;
        int32_t s = cs_sram_submit(parts->sram[r->sram], parts->sram_bytes[r->sram], clk, (uint64_t)index, memory,
                                   client, word, words);
        if (s != CS_OK) *status = s;
        sram->stale = 1;
        return 0;
    }
    /* A packet: to the memory's node (or the far node), or back from it. */
    const descriptor *d = &DESCRIPTORS(f)[r->descriptor];
    const endpoint *e = &ENDPOINTS(f)[d->d.endpoint];
    noc_part *noc = &NOCS(f)[e->e.noc];
    int32_t out = stage == ST_NOC_OUT;
    int32_t far = r->kind == K_MOVE ? d->d.far_node : r->port_node;
    int32_t carries_data = out ? r->kind != K_READ : r->kind == K_READ;
    int32_t flits = carries_data ? data_flits(noc, r->bytes) : 1;
    outgoing packet = {.noc = e->e.noc,
                       .port = d->d.endpoint,
                       .src = out ? e->e.node : far,
                       .dst = out ? far : e->e.node,
                       .flits = flits,
                       .request = index};
    count_flits(noc, packet.src, packet.dst, flits);
    if (noc->p.ideal) return 1;
    OUTBOX(f)[f->outbox_count++] = packet; /* a request is in one place at a time: it cannot overflow */
    return 0;
}

static int32_t take_request(fabric *f) {
    int32_t index = f->free_request;
    if (index != NONE) f->free_request = REQUESTS(f)[index].next;
    return index;
}

/* Cuts the next request off the descriptor at the head of the endpoint's queue: its index, or NONE where nothing may be
 * issued. `cause` is the request whose end made room, if any: what its time went to is this one's past, too. */
static int32_t issue(fabric *f, int32_t which, int64_t t, const request *cause) {
    endpoint *e = &ENDPOINTS(f)[which];
    if (e->head == NONE || e->in_flight >= e->e.outstanding) return NONE;
    int32_t index = take_request(f);
    if (index == NONE) return NONE;
    int32_t at = e->head;
    descriptor *d = &DESCRIPTORS(f)[at];
    noc_part *noc = &NOCS(f)[e->e.noc];
    request *r = &REQUESTS(f)[index];

    int64_t address = d->d.address + d->row * d->d.stride_bytes + d->offset;
    int64_t room = e->e.request_bytes - (address & (e->e.request_bytes - 1)), left = d->d.row_bytes - d->offset;
    int32_t bytes = (int32_t)(left < room ? left : room), word_bytes = SRAMS(f)[e->e.sram].p.word_bytes;
    *r = (request){.mark = t,
                   .base = d->base,
                   .address = address,
                   .word = d->word,
                   .far_word = d->far_word,
                   .descriptor = at,
                   .sram = e->e.sram,
                   .memory = d->d.memory,
                   .client = e->e.client,
                   .is_write = d->d.kind == CS_FABRIC_WRITE,
                   .bytes = bytes,
                   .next = NONE,
                   .kind = (uint8_t)d->d.kind,
                   .port_node = noc->p.memory_nodes[address / f->c.port_interleave_bytes % noc->p.memory_ports]};
    if (cause != NULL && cause->base == d->base)
        memcpy(r->spent, cause->spent, sizeof r->spent);
    else
        r->spent[CS_FABRIC_DMA] = t - d->base; /* it waited behind descriptors that were there before it */

    noc->stats.requests++;
    if (d->d.kind == CS_FABRIC_READ)
        noc->stats.dram_read_bytes += bytes;
    else if (d->d.kind == CS_FABRIC_WRITE)
        noc->stats.dram_write_bytes += bytes;
    else
        noc->stats.moved_bytes += bytes;
    d->word += (bytes + word_bytes - 1) / word_bytes;
    d->far_word += (bytes + word_bytes - 1) / word_bytes;
    d->offset += bytes;
    if (d->offset == d->d.row_bytes) d->offset = 0, d->row++;
    d->in_flight++;
    e->in_flight++;
    if (d->row == d->d.rows) {
        d->issued_all = 1;
        e->head = d->next;
        if (e->head == NONE) e->tail = NONE;
    }
    return index;
}

/* A request that is through: frees its place, completes what it was the last of, and issues the one that waited for
 * its place (its index, or NONE). */
static int32_t retire(fabric *f, int32_t index, int64_t t) {
    request old = REQUESTS(f)[index];
    REQUESTS(f)[index].next = f->free_request;
    f->free_request = index;
    if (old.descriptor == NONE) {
        f->direct--;
        finish(f, old.tag, old.base, t, old.spent);
        return NONE;
    }
    descriptor *d = &DESCRIPTORS(f)[old.descriptor];
    int32_t which = d->d.endpoint;
    ENDPOINTS(f)[which].in_flight--;
    if (--d->in_flight == 0 && d->issued_all) {
        finish(f, d->d.tag, d->base, t, old.spent);
        d->next = f->free_descriptor;
        f->free_descriptor = old.descriptor;
        f->descriptors--;
    }
    return issue(f, which, t, &old);
}

/* Starts a request's present stage, and goes on as long as nothing takes time (ideal parts). */
static void run(fabric *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status) {
    while (index != NONE && start_stage(f, parts, index, t, status)) {
        request *r = &REQUESTS(f)[index];
        if (walk[r->kind][++r->stage] == ST_DONE) index = retire(f, index, t);
    }
}

/* The request's present stage ended at t. */
static void end_stage(fabric *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status) {
    request *r = &REQUESTS(f)[index];
    r->spent[resource_of[walk[r->kind][r->stage]]] += t - r->mark;
    r->mark = t;
    if (r->words > 0) { /* a long access goes on with its next piece */
    } else if (walk[r->kind][++r->stage] == ST_DONE)
        index = retire(f, index, t);
    run(f, parts, index, t, status);
}

/* ---- the parts' events ---------------------------------------------------------------------------------- */

static void flush_outbox(fabric *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    outgoing *box = OUTBOX(f);
    for (int32_t i = 1; i < f->outbox_count; ++i) { /* few and nearly sorted */
        outgoing moving = box[i];
        int32_t j = i;
        for (; j > 0 && box[j - 1].port > moving.port; --j)
            box[j] = box[j - 1];
        box[j] = moving;
    }
    for (int32_t i = 0; i < f->outbox_count; ++i) {
        noc_part *noc = &NOCS(f)[box[i].noc];
        int64_t clk = clk_at(&noc->clock, t) + 1;
        int32_t s = cs_noc_submit(parts->noc[box[i].noc], parts->noc_bytes[box[i].noc], clk, (uint64_t)box[i].request,
                                  box[i].src, box[i].dst, box[i].flits);
        if (s != CS_OK) *status = s;
        noc->stale = 1;
    }
    f->outbox_count = 0;
}

static void offer_to_drams(fabric *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    for (int32_t i = 0; i < f->c.drams; ++i) {
        dram_part *dram = &DRAMS(f)[i];
        if (dram->head == NONE) continue;
        int64_t clk = clk_at(&dram->clock, t);
        if (clk <= dram->accepted_clk) continue;
        int32_t index = dram->head;
        request *r = &REQUESTS(f)[index];
        /* Channels see their own addresses: the interleaving is taken out. */
        int64_t chunk = f->c.channel_interleave_bytes;
        int64_t address = r->address + r->offered;
        int32_t burst = f->c.burst_bytes - (int32_t)(address & (f->c.burst_bytes - 1));
        if (f->c.drams > 1) address = address / chunk / f->c.drams * chunk + address % chunk;
        int32_t s =
            cs_dram_submit(parts->dram[i], parts->dram_bytes[i], clk, (uint64_t)index, (uint64_t)address, r->is_write);
        if (s == CS_FULL) continue;
        if (s != CS_OK) {
            *status = s;
            continue;
        }
        dram->accepted_clk = clk;
        dram->stale = 1;
        r->offered += burst;
        if (r->offered < r->bytes) continue;
        dram->head = r->next;
        if (dram->head == NONE) dram->tail = NONE;
    }
}

/* When something happens next, and the network that acts then (NONE: another part). `rest`: when any other part acts.
 */
static int32_t refresh_next(fabric *f, const cs_fabric_parts *parts, int64_t *earliest, int32_t *network,
                            int64_t *rest) {
    int64_t soonest = CS_NEVER, min = CS_NEVER, clk = 0;
    int32_t status = CS_OK;
    *network = NONE;
    for (int32_t i = 0; i < f->c.nocs; ++i) {
        noc_part *part = &NOCS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_noc_next(parts->noc[i], parts->noc_bytes[i], &clk)) != CS_OK) return status;
            part->next = later(f->now, edge(&part->clock, clk));
        }
        if (part->next < soonest) {
            min = soonest;
            soonest = part->next;
            *network = i;
        } else if (part->next < min) {
            min = part->next;
        }
    }
    for (int32_t i = 0; i < f->c.srams; ++i) {
        sram_part *part = &SRAMS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_sram_next(parts->sram[i], parts->sram_bytes[i], &clk)) != CS_OK) return status;
            part->next = later(f->now, edge(&part->clock, clk));
        }
        if (part->next < min) min = part->next;
    }
    for (int32_t i = 0; i < f->c.drams; ++i) {
        dram_part *part = &DRAMS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_dram_next(parts->dram[i], parts->dram_bytes[i], &clk)) != CS_OK) return status;
            part->next = later(f->now, edge(&part->clock, clk));
        }
        int64_t next = part->next;
        /* Another request waits because one was accepted at this clock already: it is offered at the next. */
        if (part->head != NONE) {
            int64_t offer = edge(&part->clock, part->accepted_clk + 1);
            if (offer > f->now && offer < next) next = offer;
        }
        if (next < min) min = next;
    }
    if (soonest >= min) *network = NONE;
    *earliest = soonest < min ? soonest : min;
    *rest = min;
    return CS_OK;
}

#define BATCH 64

static void step(fabric *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    cs_done done[BATCH];
    cs_noc_delivery delivered[BATCH];
    size_t count = 0;
    int32_t s;
    f->now = t;
    for (int32_t i = 0; i < f->c.nocs; ++i) {
        noc_part *part = &NOCS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = clk_at(&part->clock, t);
        do {
            s = cs_noc_advance(parts->noc[i], parts->noc_bytes[i], clk, 0, delivered, BATCH, &count);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j)
                end_stage(f, parts, (int32_t)delivered[j].tag, t, status);
        } while (s == CS_FULL);
    }
    for (int32_t i = 0; i < f->c.drams; ++i) {
        dram_part *part = &DRAMS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = clk_at(&part->clock, t);
        do {
            s = cs_dram_advance(parts->dram[i], parts->dram_bytes[i], clk, 0, done, BATCH, &count, NULL, 0, NULL);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j) {
                int32_t index = (int32_t)done[j].tag;
                if (--REQUESTS(f)[index].bursts == 0) end_stage(f, parts, index, t, status);
            }
        } while (s == CS_FULL);
    }
    for (int32_t i = 0; i < f->c.srams; ++i) {
        sram_part *part = &SRAMS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = clk_at(&part->clock, t);
        do {
            s = cs_sram_advance(parts->sram[i], parts->sram_bytes[i], clk, 0, done, BATCH, &count);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j)
                end_stage(f, parts, (int32_t)done[j].tag, t, status);
        } while (s == CS_FULL);
    }
    offer_to_drams(f, parts, t, status);
    flush_outbox(f, parts, t, status);
}

/* As step(), while only one network acts, up to its first clock with a delivery or to `limit`: nothing but a delivery
 * of its own could make it meet another part. */
static void run_network(fabric *f, const cs_fabric_parts *parts, int32_t which, int64_t limit, int32_t *status) {
    cs_noc_delivery delivered[BATCH];
    size_t count = 0;
    noc_part *part = &NOCS(f)[which];
    part->stale = 1;
    if (limit > CLOCK_LIMIT_PS) limit = CLOCK_LIMIT_PS;
    int64_t clk = clk_at(&part->clock, limit);
    int32_t s = cs_noc_advance(parts->noc[which], parts->noc_bytes[which], clk, 1, delivered, BATCH, &count);
    if (s != CS_OK && s != CS_FULL) {
        *status = s;
        return;
    }
    if (count > 0) clk = delivered[0].tail_out;
    f->now = later(f->now, edge(&part->clock, clk));
    for (;;) {
        for (size_t j = 0; j < count; ++j)
            end_stage(f, parts, (int32_t)delivered[j].tag, f->now, status);
        if (s != CS_FULL) break;
        s = cs_noc_advance(parts->noc[which], parts->noc_bytes[which], clk, 0, delivered, BATCH, &count);
        if (s != CS_OK && s != CS_FULL) {
            *status = s;
            return;
        }
    }
    if (count == 0) return;
    offer_to_drams(f, parts, f->now, status);
    flush_outbox(f, parts, f->now, status);
}

/* ---- the interface -------------------------------------------------------------------------------------- */

int32_t cs_fabric_submit(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps,
                         const cs_fabric_descriptor *what) {
    fabric *f;
    const int32_t opened = open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (what == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(what)) return CS_EBUFFER;
    if (what->endpoint < 0 || what->endpoint >= f->c.endpoints || what->kind < 0 || what->kind > CS_FABRIC_MOVE ||
        what->row_bytes < 1 || what->rows < 1 || what->address < 0 || what->word < 0 || what->far_word < 0 ||
        what->stride_bytes < 0 || what->word > WORD_LIMIT || what->far_word > WORD_LIMIT || now_ps < f->now ||
        now_ps > CLOCK_LIMIT_PS)
        return CS_EINVAL;
    /* The last byte has an address, and its word a number. */
    if (what->row_bytes > CS_NEVER - what->address ||
        (what->rows > 1 && what->stride_bytes > (CS_NEVER - what->address - what->row_bytes) / (what->rows - 1)) ||
        what->rows > (CS_NEVER >> 1) / what->row_bytes)
        return CS_EINVAL;
    endpoint *e = &ENDPOINTS(f)[what->endpoint];
    int32_t memories = SRAMS(f)[e->e.sram].p.memories;
    if (what->memory < 0 || what->memory >= memories) return CS_EINVAL;
    if (what->kind == CS_FABRIC_MOVE && (what->far_memory < 0 || what->far_memory >= memories || what->far_client < 0 ||
                                         what->far_node < 0 || what->far_node >= NODE_LIMIT))
        return CS_EINVAL;
    if (what->kind != CS_FABRIC_MOVE && f->c.drams == 0) return CS_EINVAL;
    int32_t index = f->free_descriptor;
    if (index == NONE || !has_room(f)) return CS_FULL;
    f->descriptors++;
    descriptor *d = &DESCRIPTORS(f)[index];
    f->free_descriptor = d->next;
    *d = (descriptor){.d = *what, .base = now_ps, .word = what->word, .far_word = what->far_word, .next = NONE};
    if (e->tail == NONE)
        e->head = index;
    else
        DESCRIPTORS(f)[e->tail].next = index;
    e->tail = index;

    int32_t status = CS_OK;
    f->now = now_ps;
    for (int32_t i; (i = issue(f, what->endpoint, now_ps, NULL)) != NONE;)
        run(f, parts, i, now_ps, &status);
    offer_to_drams(f, parts, now_ps, &status);
    flush_outbox(f, parts, now_ps, &status);
    return status;
}

static int32_t direct(fabric *f, const cs_fabric_parts *parts, int64_t now_ps, request what) {
    if (f->direct >= f->max_direct || !has_room(f)) return CS_FULL;
    int32_t index = take_request(f), status = CS_OK;
    f->direct++;
    what.mark = what.base = now_ps;
    what.descriptor = what.next = NONE;
    REQUESTS(f)[index] = what;
    f->now = now_ps;
    run(f, parts, index, now_ps, &status);
    offer_to_drams(f, parts, now_ps, &status);
    return status;
}

int32_t cs_fabric_access(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps, uint64_t tag,
                         int64_t address, int32_t is_write) {
    fabric *f;
    const int32_t opened = open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (address < 0 || f->c.drams == 0 || now_ps < f->now || now_ps > CLOCK_LIMIT_PS) return CS_EINVAL;
    return direct(f, parts, now_ps,
                  (request){.tag = tag, .address = address, .is_write = is_write != 0, .kind = K_ACCESS});
}

int32_t cs_fabric_local(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps, uint64_t tag,
                        int32_t sram, int32_t memory, int32_t client, int64_t word, int64_t words, int32_t is_write) {
    fabric *f;
    const int32_t opened = open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (sram < 0 || sram >= f->c.srams || memory < 0 || memory >= SRAMS(f)[sram].p.memories || client < 0 || word < 0 ||
        words < 0 || now_ps < f->now || now_ps > CLOCK_LIMIT_PS)
        return CS_EINVAL;
    return direct(f, parts, now_ps,
                  (request){.tag = tag,
                            .sram = sram,
                            .memory = memory,
                            .client = client,
                            .word = word,
                            .words = words,
                            .is_write = is_write != 0,
                            .kind = K_LOCAL});
}

int32_t cs_fabric_next(const void *state, size_t bytes, const cs_fabric_parts *parts, int64_t *time_ps) {
    fabric *f;
    const int32_t opened = open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (time_ps == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(time_ps)) return CS_EBUFFER;
    if (f->done_count > 0) {
        *time_ps = f->now;
        return CS_OK;
    }
    int32_t network;
    int64_t rest;
    return refresh_next(f, parts, time_ps, &network, &rest);
}

int32_t cs_fabric_advance(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t until_ps,
                          cs_fabric_done *done, size_t capacity, size_t *count) {
    fabric *f;
    const int32_t opened = open_with_parts(state, bytes, parts, &f);
    if (opened != CS_OK) return opened;
    if (count == NULL || (done == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(done)) return CS_EBUFFER;
    *count = 0;
    int32_t status = CS_OK;
    while (f->done_count == 0) {
        int64_t t, rest;
        int32_t network;
        if ((status = refresh_next(f, parts, &t, &network, &rest)) != CS_OK) return status;
        if (t > until_ps || t == CS_NEVER) return CS_OK;
        if (network != NONE)
            run_network(f, parts, network, rest > until_ps ? until_ps : rest - 1, &status);
        else
            step(f, parts, t, &status);
        if (status != CS_OK) return status;
    }
    while (f->done_count > 0 && *count < capacity) {
        done[(*count)++] = DONE(f)[f->done_head];
        f->done_head = (f->done_head + 1) % f->done_capacity;
        f->done_count--;
    }
    return f->done_count > 0 ? CS_FULL : CS_OK;
}

int32_t cs_fabric_get_stats(const void *state, size_t bytes, int32_t noc, cs_fabric_stats *stats) {
    fabric *f;
    const int32_t opened = open_state(state, bytes, &f);
    if (opened != CS_OK) return opened;
    if (stats == NULL || noc < 0 || noc >= f->c.nocs) return CS_EINVAL;
    if (!CS_IS_ALIGNED(stats)) return CS_EBUFFER;
    *stats = NOCS(f)[noc].stats;
    return CS_OK;
}

int32_t cs_fabric_get_words(const void *state, size_t bytes, int32_t sram, int64_t *reads, int64_t *writes,
                            size_t memories) {
    fabric *f;
    const int32_t opened = open_state(state, bytes, &f);
    if (opened != CS_OK) return opened;
    if (reads == NULL || writes == NULL || sram < 0 || sram >= f->c.srams) return CS_EINVAL;
    if (memories != (size_t)SRAMS(f)[sram].p.memories || !CS_IS_ALIGNED(reads) || !CS_IS_ALIGNED(writes))
        return CS_EBUFFER;
    const int64_t *words = WORDS(f) + SRAMS(f)[sram].words_at;
    memcpy(reads, words, memories * sizeof *reads);
    memcpy(writes, words + MAX_MEMORIES, memories * sizeof *writes);
    return CS_OK;
}
