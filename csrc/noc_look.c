/* Looking into a network: counts, channels, buffered flits. */
#include "noc_state.h"

#include <string.h>

int32_t cs_noc_stats(const void *state, size_t state_bytes, cs_noc_counts *counts, int64_t *link_flits,
                     size_t link_capacity) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (counts == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(counts) || !CS_IS_ALIGNED(link_flits)) return CS_EBUFFER;
    const noc_header *head = v.head;
    const size_t links = (size_t)head->nodes * CS_NOC_LINKS;
    if (link_flits != NULL && link_capacity < links) return CS_EBUFFER;
    cs_noc_counts c = {.packets_submitted = head->submitted,
                       .packets_delivered = head->arrived,
                       .packets_queued = head->submitted - head->started,
                       .packets_in_net = head->started - head->arrived,
                       .flits_copied = head->flits_copied,
                       .vc_allocations = head->vc_allocations,
                       .clocks = head->now};
    for (size_t node = 0; node < (size_t)head->nodes; ++node) {
        const noc_router *r = &v.routers[node];
        int64_t sent[CS_NOC_LINKS] = {0};
        for (int lane = 0; lane < LANES; ++lane)
            sent[lane / GROUP] += r->out[lane].sent;
        sent[NODE_LINK] = v.sources[node].sent;
        for (int port = 0; port < NODE_PORT; ++port)
            c.mesh_hops += sent[port];
        c.flits_ejected += sent[NODE_PORT];
        c.flits_injected += sent[NODE_LINK];
        if (link_flits != NULL) memcpy(&link_flits[node * CS_NOC_LINKS], sent, sizeof sent);
    }
    for (size_t turn = 0; turn < WHEEL; ++turn)
        c.buffer_writes -= noc_list(&v, v.flits, turn)[0] + noc_list(&v, v.heads, turn)[0]; /* on their way */
    c.buffer_reads = c.mesh_hops + c.flits_ejected;
    c.buffer_writes += c.mesh_hops + c.flits_injected;
    *counts = c;
    return CS_OK;
}

static int32_t count_in(const uint32_t *list, uint32_t entry) {
    int32_t total = 0;
    for (uint32_t i = 1; i <= list[0]; ++i)
        total += list[i] == entry;
    return total;
}

/* Flits to an input VC, or credits to an output VC, in the clocks `from` to `to` after the last one. */
static int32_t pending(const noc_view *v, uint32_t *lists, uint32_t at, unsigned from, unsigned to) {
    int32_t total = 0;
    for (unsigned ahead = from; ahead <= to; ++ahead)
        total += count_in(noc_list(v, lists, (size_t)v->head->now + ahead), at);
    return total;
}

int32_t cs_noc_channels(const void *state, size_t state_bytes, cs_noc_channel *out, size_t capacity, size_t *count) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(out)) return CS_EBUFFER;
    const noc_header *head = v.head;
    const cs_noc_config *c = &head->config;
    size_t done = 0;
    for (int32_t node = 0; node < head->nodes; ++node) {
        for (int link = 0; link < CS_NOC_LINKS; ++link) {
            if (!noc_has_neighbour(c, v.column[node], v.row[node], link)) continue;
            for (int vc = 0; vc < c->vcs; ++vc) {
                if (done == capacity) {
                    *count = done;
                    return CS_FULL;
                }
                cs_noc_channel ch = {.node = node, .link = link, .vc = vc};
                const noc_router *r = &v.routers[node];
                const int lane = link * GROUP + vc;
                if (link == NODE_LINK) {
                    const noc_input *in = &r->in[NODE_PORT * GROUP + vc];
                    ch.credits = v.sources[node].credits[vc];
                    ch.buffered = (int32_t)in->count;
                    ch.flits =
                        pending(&v, v.flits, noc_at(&v, in), 1, WHEEL) + pending(&v, v.heads, noc_at(&v, in), 1, WHEEL);
                    for (size_t turn = 0; turn < WHEEL; ++turn)
                        ch.returning += count_in(noc_source_list(&v, turn), in->behind);
                } else if (link == NODE_PORT) {
                    /* The node sends a credit for each flit at once: its pending credit tells where a flit is. */
                    const unsigned landed = CREDIT_CLOCKS + (unsigned)c->credit_delay;
                    const uint32_t back = noc_at(&v, &r->out[lane]);
                    ch.credits = (int32_t)r->out[lane].credits;
                    ch.returning = pending(&v, v.credits, back, 1, landed);
                    ch.flits = pending(&v, v.credits, back, landed + 1, WHEEL);
                } else {
                    ch.credits = (int32_t)r->out[lane].credits;
                    ch.buffered = (int32_t)noc_input_at(&v, r->out[lane].ahead)->count;
                    ch.flits = pending(&v, v.flits, r->out[lane].ahead, 1, WHEEL) +
                               pending(&v, v.heads, r->out[lane].ahead, 1, WHEEL);
                    ch.returning = pending(&v, v.credits, noc_at(&v, &r->out[lane]), 1, WHEEL);
                }
                out[done++] = ch;
            }
        }
    }
    *count = done;
    return CS_OK;
}

int32_t cs_noc_buffered(const void *state, size_t state_bytes, cs_noc_flit *out, size_t capacity, size_t *count) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(out)) return CS_EBUFFER;
    const cs_noc_config *c = &v.head->config;
    size_t done = 0;
    for (int32_t node = 0; node < v.head->nodes; ++node) {
        for (int port = 0; port < CS_NOC_PORTS; ++port) {
            for (int vc = 0; vc < c->vcs; ++vc) {
                const noc_input *in = &v.routers[node].in[port * GROUP + vc];
                unsigned place = in->first;
                int32_t left = in->left;
                for (uint32_t i = 0; i < in->count; ++i) {
                    if (done == capacity) {
                        *count = done;
                        return CS_FULL;
                    }
                    const noc_packet *p = &v.packets[*noc_place_of(&v, in, place) >> 1];
                    if (left == 0) left = p->flits;
                    out[done++] = (cs_noc_flit){.tag = p->tag,
                                                .node = node,
                                                .port = port,
                                                .vc = vc,
                                                .head = left == p->flits,
                                                .tail = left == 1};
                    if (--left == 0) ++place;
                }
            }
        }
    }
    *count = done;
    return CS_OK;
}
