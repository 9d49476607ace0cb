/* The state of a network: its parts in the caller's buffer, and how it begins. */
#include "noc_state.h"

#include <string.h>

static size_t reserve(size_t *total, size_t count, size_t size) {
    const size_t start = *total;
    *total += (count * size + 7u) & ~(size_t)7u;
    return start;
}

/* With more lines from an input a router may read from its other inputs by all of its outputs, and from the node by
 * each line: one credit more at the routers beside it, or several at the source. */
static size_t list_room(const cs_noc_config *config) {
    return (size_t)config->columns * (size_t)config->rows * (CS_NOC_PORTS + (config->input_speedup > 1)) + 1;
}

static size_t source_room(const cs_noc_config *config) {
    return (size_t)config->columns * (size_t)config->rows * (size_t)config->input_speedup + 1;
}

/* Offsets of the parts, in the order of the view; returns the size of all. */
static size_t lay_out(const cs_noc_config *config, size_t at[NOC_PARTS]) {
    const size_t nodes = (size_t)config->columns * (size_t)config->rows;
    const size_t words = (nodes + 63) / 64, inputs = nodes * CS_NOC_PORTS * (size_t)config->vcs;
    const size_t with_options = noc_has_options(config);
    size_t total = 0;
    at[0] = reserve(&total, 1, sizeof(noc_header));
    at[1] = reserve(&total, nodes, sizeof(noc_router));
    at[2] = reserve(&total, nodes, sizeof(noc_source));
    at[3] = reserve(&total, (size_t)config->max_packets, sizeof(noc_packet));
    at[4] = reserve(&total, words, sizeof(uint64_t));
    for (int part = 5; part < 9; ++part)
        at[part] = reserve(&total, inputs + 2, sizeof(uint32_t)); /* a length, and one that is not counted */
    for (int part = 9; part < 12; ++part)
        at[part] = reserve(&total, WHEEL * list_room(config), sizeof(uint32_t));
    at[12] = reserve(&total, WHEEL * source_room(config), sizeof(uint32_t));
    at[13] = reserve(&total, WHEEL * list_room(config), sizeof(uint64_t));
    at[14] = reserve(&total, inputs * (size_t)config->depth, sizeof(uint32_t));
    at[15] = reserve(&total, nodes, sizeof(int32_t));
    at[16] = reserve(&total, 2 * nodes, sizeof(uint16_t));
    at[17] = reserve(&total, nodes * with_options, sizeof(noc_extra));
    at[18] = reserve(&total, words * with_options, sizeof(uint64_t));
    return total;
}

static void find_parts(char *state, const size_t at[NOC_PARTS], size_t nodes, noc_view *v) {
    v->head = (noc_header *)(void *)(state + at[0]);
    v->routers = (noc_router *)(void *)(state + at[1]);
    v->sources = (noc_source *)(void *)(state + at[2]);
    v->packets = (noc_packet *)(void *)(state + at[3]);
    v->active_sources = (uint64_t *)(void *)(state + at[4]);
    v->routing = (uint32_t *)(void *)(state + at[5]);
    v->waiting = (uint32_t *)(void *)(state + at[6]);
    v->ready = (uint32_t *)(void *)(state + at[7]);
    v->clashes = (uint32_t *)(void *)(state + at[8]);
    v->heads = (uint32_t *)(void *)(state + at[9]);
    v->flits = (uint32_t *)(void *)(state + at[10]);
    v->credits = (uint32_t *)(void *)(state + at[11]);
    v->source_credits = (uint32_t *)(void *)(state + at[12]);
    v->landings = (uint64_t *)(void *)(state + at[13]);
    v->places = (uint32_t *)(void *)(state + at[14]);
    v->heap = (int32_t *)(void *)(state + at[15]);
    v->column = (uint16_t *)(void *)(state + at[16]);
    v->row = v->column + nodes;
    v->extras = (noc_extra *)(void *)(state + at[17]);
    v->active_routers = (uint64_t *)(void *)(state + at[18]);
}

static int is_flag(int32_t value) {
    return value == 0 || value == 1;
}

static int valid_options(const cs_noc_config *c) {
    return c->input_speedup >= 1 && c->input_speedup <= CS_NOC_MAX_VCS && is_flag(c->vc_allocator) &&
           is_flag(c->sw_allocator) && is_flag(c->hold_switch_for_packet) && is_flag(c->wait_for_tail_credit) &&
           c->st_final_delay >= 1 && c->st_final_delay <= CS_NOC_MAX_ST_FINAL_DELAY &&
           2 * c->st_final_delay + c->credit_delay <= CS_NOC_MAX_DELAYS && c->vc_alloc_delay >= 1 &&
           c->vc_alloc_delay <= (c->speculative ? 1 : CS_NOC_MAX_VC_ALLOC_DELAY);
}

static int valid_config(const cs_noc_config *c) {
    return c->columns >= 1 && c->rows >= 1 && c->columns <= CS_NOC_MAX_NODES &&
           c->rows <= CS_NOC_MAX_NODES / c->columns && c->vcs >= 1 && c->vcs <= CS_NOC_MAX_VCS && c->depth >= 1 &&
           c->depth <= CS_NOC_MAX_DEPTH && is_flag(c->routing_delay) && is_flag(c->speculative) &&
           c->credit_delay >= 0 && c->credit_delay <= CS_NOC_MAX_CREDIT_DELAY && c->max_packets >= 1 &&
           c->max_packets <= INT32_MAX / 8 && valid_options(c);
}

int32_t noc_check(const void *state, size_t state_bytes) {
    if (state == NULL) return CS_EINVAL;
    const noc_header *head = (const noc_header *)state;
    if (state_bytes < sizeof *head || !CS_IS_ALIGNED(head)) return CS_EBUFFER;
    if (head->magic != NOC_MAGIC) return CS_ESTATE;
    return state_bytes < head->bytes ? CS_EBUFFER : CS_OK;
}

int32_t noc_open(const void *state, size_t state_bytes, noc_view *v) {
    const int32_t status = noc_check(state, state_bytes);
    if (status != CS_OK) return status;
    const noc_header *head = (const noc_header *)state;
    /* The callers that only read take a const buffer and write nothing through the view. */
    find_parts((char *)(uintptr_t)state, head->at, (size_t)head->nodes, v);
    return CS_OK;
}

int32_t cs_noc_state_bytes(const cs_noc_config *config, size_t *bytes) {
    if (config == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!valid_config(config)) return CS_EINVAL;
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

int32_t noc_neighbour(const cs_noc_config *c, int32_t node, int port) {
    switch (port) {
    case 0:
        return node + 1;
    case 1:
        return node - 1;
    case 2:
        return node + c->columns;
    case 3:
        return node - c->columns;
    default:
        return node;
    }
}

int32_t cs_noc_init(void *state, size_t state_bytes, const cs_noc_config *config) {
    size_t bytes = 0;
    int32_t status = cs_noc_state_bytes(config, &bytes);
    if (status != CS_OK) return status;
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < bytes || !CS_IS_ALIGNED((noc_header *)state)) return CS_EBUFFER;
    memset(state, 0, bytes);
    noc_header *head = (noc_header *)state;
    noc_view v;
    lay_out(config, head->at);
    find_parts((char *)state, head->at, (size_t)config->columns * (size_t)config->rows, &v);
    head->config = *config;
    head->bytes = bytes;
    head->nodes = config->columns * config->rows;
    head->with_options = noc_has_options(config);
    head->list_room = list_room(config);
    head->source_room = source_room(config);
    head->words = (head->nodes + 63) / 64;
    head->now = -1;
    head->out_first = head->out_last = NOBODY;
    head->free_count = config->max_packets;
    for (int32_t i = 0; i < config->max_packets; ++i)
        v.packets[i].next = i + 1 < config->max_packets ? i + 1 : NOBODY;
    const small all_vcs = (small)((1u << config->vcs) - 1u);
    for (int32_t node = 0; node < head->nodes; ++node) {
        v.column[node] = (uint16_t)(node % config->columns);
        v.row[node] = (uint16_t)(node / config->columns);
        noc_router *r = &v.routers[node];
        r->node = node;
        for (int lane = 0; lane < LANES; ++lane) {
            const int port = lane / GROUP, vc = lane % GROUP;
            if (vc >= config->vcs || !noc_has_neighbour(config, v.column[node], v.row[node], port)) continue;
            noc_router *there = &v.routers[noc_neighbour(config, node, port)];
            noc_input *in = &r->in[lane];
            noc_output *out = &r->out[lane];
            const int opposite = (port ^ 1) * GROUP + vc;
            in->bit = (uint64_t)1 << lane;
            in->input = (small)port;
            in->vc = (small)vc;
            in->router = out->router = noc_at(&v, r);
            in->behind = port == NODE_PORT ? (uint32_t)(node * GROUP + vc) : noc_at(&v, &there->out[opposite]);
            in->queue = (uint32_t)(((node * CS_NOC_PORTS + port) * config->vcs + vc) * config->depth);
            out->ahead = port == NODE_PORT ? noc_at(&v, out) : noc_at(&v, &there->in[opposite]);
            out->credits = (uint32_t)config->depth;
            r->free |= in->bit;
        }
        noc_source *s = &v.sources[node];
        s->first = s->last = s->current = NOBODY;
        s->with_credit = all_vcs;
        for (int vc = 0; vc < CS_NOC_MAX_VCS; ++vc)
            s->credits[vc] = (small)config->depth;
    }
    if (head->with_options) noc_init_options(&v);
    head->magic = NOC_MAGIC;
    return CS_OK;
}
