/* The engine: its layout, its clockwork and its interface. */
#include "noc.h"

#include <string.h>

#include "noc_state.h"

static size_t reserve(size_t *total, size_t count, size_t size) {
    const size_t start = *total;
    *total += (count * size + 7u) & ~(size_t)7u;
    return start;
}

/* Offsets of the parts; returns the total. */
static size_t lay_out(const cs_noc_config *config, size_t at[NOC_PARTS]) {
    const size_t nodes = (size_t)config->columns * (size_t)config->rows;
    const size_t words = (nodes + 63) / 64;
    size_t total = 0;
    at[0] = reserve(&total, 1, sizeof(noc_header));
    at[1] = reserve(&total, nodes, sizeof(noc_router));
    at[2] = reserve(&total, nodes * NOC_LANES, sizeof(noc_lane));
    at[3] = reserve(&total, nodes, sizeof(noc_source));
    at[4] = reserve(&total, (size_t)config->max_packets, sizeof(noc_packet));
    at[5] = reserve(&total, nodes * CS_NOC_LINKS, sizeof(int64_t));
    at[6] = reserve(&total, words, sizeof(uint64_t));
    at[7] = reserve(&total, words, sizeof(uint64_t));
    at[8] = reserve(&total, (words * 64 + nodes) * NOC_WHEEL, sizeof(noc_mail));
    at[9] = reserve(&total, NOC_WHEEL * 2 * words, sizeof(uint64_t));
    at[10] = reserve(&total, NOC_WHEEL * nodes * CS_NOC_PORTS, sizeof(uint32_t));
    at[11] = reserve(&total, nodes * CS_NOC_PORTS * (size_t)config->vcs * (size_t)config->depth, sizeof(uint32_t));
    at[12] = reserve(&total, nodes, sizeof(int32_t));
    at[13] = reserve(&total, 2 * nodes, sizeof(uint16_t));
    return total;
}

static noc_view view_of(char *state) {
    noc_header *head = (noc_header *)(void *)state;
    const size_t *at = head->at;
    noc_view v = {
        .head = head,
        .routers = (noc_router *)(void *)(state + at[1]),
        .lanes = (noc_lane *)(void *)(state + at[2]),
        .sources = (noc_source *)(void *)(state + at[3]),
        .packets = (noc_packet *)(void *)(state + at[4]),
        .link_flits = (int64_t *)(void *)(state + at[5]),
        .active_routers = (uint64_t *)(void *)(state + at[6]),
        .active_sources = (uint64_t *)(void *)(state + at[7]),
        .mail = (noc_mail *)(void *)(state + at[8]),
        .visits = (uint64_t *)(void *)(state + at[9]),
        .landings = (uint32_t *)(void *)(state + at[10]),
        .places = (uint32_t *)(void *)(state + at[11]),
        .heap = (int32_t *)(void *)(state + at[12]),
        .column = (uint16_t *)(void *)(state + at[13]),
    };
    v.row = v.column + head->nodes;
    return v;
}

static int valid_config(const cs_noc_config *c) {
    return c->columns >= 1 && c->rows >= 1 && c->columns <= CS_NOC_MAX_NODES &&
           c->rows <= CS_NOC_MAX_NODES / c->columns && c->vcs >= 1 && c->vcs <= CS_NOC_MAX_VCS && c->depth >= 1 &&
           c->depth <= CS_NOC_MAX_DEPTH && (c->routing_delay == 0 || c->routing_delay == 1) &&
           (c->speculative == 0 || c->speculative == 1) && c->credit_delay >= 0 &&
           c->credit_delay <= CS_NOC_MAX_CREDIT_DELAY && c->max_packets >= 1 && c->max_packets <= INT32_MAX / 8;
}

int32_t noc_open(const void *state, size_t state_bytes, noc_view *v) {
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < sizeof(noc_header) || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    const noc_header *head = (const noc_header *)state;
    if (head->magic != NOC_MAGIC) return CS_ESTATE;
    if (state_bytes < head->bytes) return CS_EBUFFER;
    /* The callers that only read take a const buffer and write nothing through
     * the view. */
    *v = view_of((char *)(uintptr_t)state);
    return CS_OK;
}

int32_t cs_noc_state_bytes(const cs_noc_config *config, size_t *bytes) {
    if (config == NULL || bytes == NULL || !valid_config(config)) return CS_EINVAL;
    size_t at[NOC_PARTS];
    *bytes = lay_out(config, at);
    return CS_OK;
}

int noc_has_neighbour(const cs_noc_config *c, int32_t x, int32_t y, int port) {
    switch (port) {
    case 0:
        return x + 1 < c->columns;
    case 1:
        return x > 0;
    case 2:
        return y + 1 < c->rows;
    case 3:
        return y > 0;
    default:
        return 1;
    }
}

int32_t cs_noc_init(void *state, size_t state_bytes, const cs_noc_config *config) {
    size_t bytes = 0;
    int32_t status = cs_noc_state_bytes(config, &bytes);
    if (status != CS_OK) return status;
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < bytes || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    memset(state, 0, bytes);
    noc_header *head = (noc_header *)state;
    head->config = *config;
    head->bytes = bytes;
    head->nodes = config->columns * config->rows;
    head->words = (head->nodes + 63) / 64;
    lay_out(config, head->at);
    const noc_view v = view_of((char *)state);
    head->now = -1;
    head->out_first = head->out_last = NOC_NOBODY;
    head->free_count = config->max_packets;
    for (int32_t i = 0; i < config->max_packets; ++i)
        v.packets[i].next = i + 1 < config->max_packets ? i + 1 : NOC_NOBODY;
    const noc_small all_vcs = (noc_small)((1u << config->vcs) - 1u);
    for (int32_t node = 0; node < head->nodes; ++node) {
        v.column[node] = (uint16_t)(node % config->columns);
        v.row[node] = (uint16_t)(node / config->columns);
        noc_router *r = &v.routers[node];
        r->open = (1u << CS_NOC_PORTS) - 1u;
        for (int port = 0; port < CS_NOC_PORTS; ++port)
            r->free_vcs[port] = all_vcs;
        for (int port = 0; port < NOC_NODE_PORT; ++port)
            if (noc_has_neighbour(config, v.column[node], v.row[node], port))
                r->links[port] = (noc_link){.receiver = (uint32_t)noc_neighbour(config, node, port),
                                            .lane = (uint32_t)((port ^ 1) * NOC_GROUP)};
        for (int number = 0; number < NOC_LANES; ++number) {
            noc_lane *lane = &v.lanes[node * NOC_LANES + number];
            const int port = number / NOC_GROUP, vc = number % NOC_GROUP;
            lane->credits = (noc_small)config->depth;
            if (vc >= config->vcs) continue;
            lane->places = (uint32_t)(((node * CS_NOC_PORTS + port) * config->vcs + vc) * config->depth);
            if (port == NOC_NODE_PORT) {
                lane->upstream = (uint32_t)(head->words * 64 + node);
                lane->upstream_lane = (noc_small)vc;
            } else {
                lane->upstream = r->links[port].receiver;
                lane->upstream_lane = (noc_small)(r->links[port].lane + (uint32_t)vc);
            }
        }
        noc_source *s = &v.sources[node];
        s->first = s->last = s->current = NOC_NOBODY;
        s->with_credit = all_vcs;
        for (int vc = 0; vc < CS_NOC_MAX_VCS; ++vc)
            s->credits[vc] = (noc_small)config->depth;
    }
    head->magic = NOC_MAGIC;
    return CS_OK;
}

/* ---- submit and next
 * ---------------------------------------------------------------------------------------------
 */

static int32_t take_packet(noc_view *v, noc_packet content) {
    noc_header *head = v->head;
    const int32_t slot = head->free_packet;
    head->free_packet = v->packets[slot].next;
    --head->free_count;
    v->packets[slot] = content;
    return slot;
}

static int32_t submit(noc_view *v, int64_t clk, uint64_t tag, int32_t src, int32_t dst, int32_t flits,
                      const int32_t *nodes, size_t copies) {
    noc_header *head = v->head;
    if (clk <= head->now || clk > CS_NEVER / 2 || src < 0 || src >= head->nodes || dst < 0 || dst >= head->nodes ||
        flits < 1)
        return CS_EINVAL;
    if (copies >= (size_t)head->free_count) return CS_FULL;
    noc_packet content = {
        .tag = tag, .created = clk, .src = src, .dst = dst, .flits = flits, .next = NOC_NOBODY, .copies = NOC_NOBODY};
    const int32_t slot = take_packet(v, content);
    noc_packet *p = &v->packets[slot];
    int32_t *copy = &p->copies;
    for (size_t i = 0; i < copies; ++i) {
        content.dst = nodes[i];
        *copy = take_packet(v, content);
        copy = &v->packets[*copy].copies;
        ++head->submitted;
    }
    noc_source *s = &v->sources[src];
    if (s->first == NOC_NOBODY) {
        s->first = s->last = slot;
    } else if (v->packets[s->last].created <= clk) {
        v->packets[s->last].next = slot;
        s->last = slot;
    } else {
        int32_t *link = &s->first;
        while (v->packets[*link].created <= clk)
            link = &v->packets[*link].next;
        p->next = *link;
        *link = slot;
    }
    if (s->status == NOC_SOURCE_IDLE)
        noc_source_waits(v, src);
    else if (s->status == NOC_SOURCE_FUTURE && s->first == slot)
        noc_source_sooner(v, src);
    ++head->submitted;
    return CS_OK;
}

int32_t cs_noc_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                      int32_t flits) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    return status != CS_OK ? status : submit(&v, clk, tag, src, dst, flits, NULL, 0);
}

int32_t cs_noc_multicast(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                         int32_t flits, const int32_t *nodes, size_t count) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    const int32_t there = v.head->nodes;
    if ((nodes == NULL && count > 0) || src < 0 || src >= there || dst < 0 || dst >= there) return CS_EINVAL;
    size_t found = 0;
    for (int32_t at = src; at != dst; at = noc_neighbour(&v.head->config, at, noc_route(&v, at, dst)))
        if (found < count && nodes[found] == at) ++found;
    return found < count ? CS_EINVAL : submit(&v, clk, tag, src, dst, flits, nodes, count);
}

/* The earliest clock after the last processed one at which anything happens. */
static int64_t next_clock(const noc_view *v) {
    const noc_header *head = v->head;
    if (head->routers_active || head->sources_active) return head->now + 1;
    const int64_t created = head->heap_count > 0 ? v->packets[v->sources[v->heap[0]].first].created : CS_NEVER;
    if (!head->due) return created;
    /* Turns from that of the next clock on. */
    const unsigned from = (unsigned)noc_turn(head->now + 1);
    const int64_t due = head->now + 1 + noc_lowest((head->due | head->due << NOC_WHEEL) >> from);
    return due < created ? due : created;
}

int32_t cs_noc_next(const void *state, size_t state_bytes, int64_t *clk) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    *clk = v.head->out_first != NOC_NOBODY ? v.packets[v.head->out_first].tail_out : next_clock(&v);
    return CS_OK;
}

/* ---- advance
 * -----------------------------------------------------------------------------------------------------
 */

static void land(const noc_view *v, int64_t clk) {
    noc_header *head = v->head;
    const size_t turn = noc_turn(clk);
    const uint32_t *landings = &v->landings[turn * (size_t)head->nodes * CS_NOC_PORTS];
    for (uint32_t i = 0; i < head->landings[turn]; ++i) {
        const int32_t slot = (int32_t)(landings[i] >> 3);
        if (landings[i] & NOC_HEAD) v->packets[slot].head_out = clk;
        if (landings[i] & NOC_TAIL) noc_deliver(v, slot, clk);
    }
    head->landings[turn] = 0;
}

static void run_clock(const noc_view *v, int64_t clk) {
    land(v, clk);
    noc_run_sources(v, clk);
    noc_run_routers(v, clk);
    v->head->due &= ~(1u << noc_turn(clk));
    v->head->now = clk;
}

/* Hands out deliveries while there is room; frees their packets. */
static size_t hand_out(noc_view *v, cs_noc_delivery *out, size_t capacity) {
    noc_header *head = v->head;
    size_t count = 0;
    while (head->out_first != NOC_NOBODY && count < capacity) {
        const int32_t slot = head->out_first;
        noc_packet *p = &v->packets[slot];
        out[count++] = (cs_noc_delivery){.tag = p->tag,
                                         .created = p->created,
                                         .injected = p->injected,
                                         .head_out = p->head_out,
                                         .tail_out = p->tail_out,
                                         .node = p->dst};
        head->out_first = p->next;
        p->next = head->free_packet;
        head->free_packet = slot;
        ++head->free_count;
        ++head->delivered;
    }
    return count;
}

static int32_t advance(noc_view *v, int64_t until, int32_t stop, cs_noc_delivery *out, size_t capacity, size_t *count) {
    noc_header *head = v->head;
    size_t done = hand_out(v, out, capacity);
    *count = done;
    if (head->out_first != NOC_NOBODY) return CS_FULL;
    if (stop && done > 0) return CS_OK;
    while (head->now < until) {
        const int64_t clk = next_clock(v);
        if (clk > until || clk == CS_NEVER) break;
        run_clock(v, clk);
        if (head->out_first == NOC_NOBODY) continue;
        done += hand_out(v, out + done, capacity - done);
        *count = done;
        if (head->out_first != NOC_NOBODY) return CS_FULL;
        if (stop) return CS_OK;
    }
    if (until > head->now && until != CS_NEVER) head->now = until;
    return CS_OK;
}

int32_t cs_noc_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_noc_delivery *out,
                       size_t capacity, size_t *count) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    return advance(&v, until, stop, out, capacity, count);
}

int32_t cs_noc_replay(void *state, size_t state_bytes, size_t count, const int64_t *created, const int32_t *src,
                      const int32_t *dst, const int32_t *flits, int64_t *injected, int64_t *head_out, int64_t *tail_out,
                      size_t *rejected) {
    noc_view v;
    int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (rejected == NULL) return CS_EINVAL;
    if (count > 0 && (!created || !src || !dst || !flits || !injected || !head_out || !tail_out)) return CS_EINVAL;
    *rejected = count;
    if (v.head->submitted != 0) return CS_ESTATE;
    cs_noc_delivery records[64];
    for (size_t i = 0; i <= count; ++i) {
        if (i == count || i == 0 || created[i] != created[i - 1]) {
            const int64_t until = i == count ? CS_NEVER : created[i] - 1;
            size_t got = 0;
            do {
                status = advance(&v, until, 0, records, sizeof records / sizeof records[0], &got);
                for (size_t j = 0; j < got; ++j) {
                    const size_t tag = (size_t)records[j].tag;
                    injected[tag] = records[j].injected;
                    head_out[tag] = records[j].head_out;
                    tail_out[tag] = records[j].tail_out;
                }
            } while (status == CS_FULL);
            if (status != CS_OK) return status;
        }
        if (i == count) break;
        status = submit(&v, created[i], i, src[i], dst[i], flits[i], NULL, 0);
        if (status != CS_OK) {
            *rejected = i;
            return status;
        }
    }
    return CS_OK;
}
