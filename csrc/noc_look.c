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
    if (link_flits != NULL) memcpy(link_flits, v.link_flits, links * sizeof *link_flits);
    cs_noc_counts c = {.packets_submitted = head->submitted,
                       .packets_delivered = head->arrived,
                       .packets_queued = head->submitted - head->started,
                       .packets_in_net = head->started - head->arrived,
                       .flits_injected = head->flits_injected,
                       .buffer_writes = head->buffer_writes,
                       .flits_copied = head->flits_copied,
                       .vc_allocations = head->vc_allocations,
                       .clocks = head->now};
    for (size_t link = 0; link < links; ++link) {
        if (link % CS_NOC_LINKS < NODE_PORT) c.mesh_hops += v.link_flits[link];
        if (link % CS_NOC_LINKS == NODE_PORT) c.flits_ejected += v.link_flits[link];
    }
    c.buffer_reads = c.mesh_hops + c.flits_ejected;
    *counts = c;
    return CS_OK;
}

/* Entries of the wheel for one lane: flits on their way to it, or credits to it. */
static int32_t pending_flits(const noc_view *v, uint32_t lane) {
    int32_t total = 0;
    for (size_t turn = 0; turn < WHEEL; ++turn) {
        const noc_arrival *list = &v->arrivals[turn * (size_t)v->head->nodes * CS_NOC_PORTS];
        for (uint32_t i = 0; i < v->head->arrivals[turn]; ++i)
            total += list[i].lane == lane;
    }
    return total;
}

static int32_t pending_credits(const noc_view *v, uint32_t lane, int64_t from, int64_t to) {
    int32_t total = 0;
    for (int64_t clk = from; clk <= to; ++clk) {
        const size_t turn = (size_t)clk % WHEEL;
        const uint32_t *list = &v->credits[turn * (size_t)v->head->nodes * (CS_NOC_PORTS + 1)];
        for (uint32_t i = 0; i < v->head->credits[turn]; ++i)
            total += list[i] == lane;
    }
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
    const int64_t now = head->now;
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
                uint32_t back = (uint32_t)node * 64u + (uint32_t)(link * GROUP + vc);
                if (link == NODE_PORT) {
                    /* The node sends a credit for each flit at once: its pending credit tells where a flit is. */
                    const int64_t landed = now + CREDIT_CLOCKS + c->credit_delay;
                    ch.credits = v.routers[node].credits[link * GROUP + vc];
                    ch.returning = pending_credits(&v, back, now + 1, landed);
                    ch.flits = pending_credits(&v, back, landed + 1, landed + HOP_CLOCKS);
                } else {
                    const int32_t to = link == NODE_LINK ? node : noc_neighbour(c, node, link);
                    const int port = link == NODE_LINK ? NODE_PORT : link ^ 1;
                    if (link == NODE_LINK) back = (uint32_t)(head->nodes + node) * 64u + (uint32_t)vc;
                    ch.credits =
                        link == NODE_LINK ? v.sources[node].credits[vc] : v.routers[node].credits[link * GROUP + vc];
                    ch.buffered = v.routers[to].count[port * GROUP + vc];
                    ch.flits = pending_flits(&v, (uint32_t)to * 64u + (uint32_t)(port * GROUP + vc));
                    ch.returning = pending_credits(&v, back, now + 1, now + WHEEL);
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
                const int lane = port * GROUP + vc;
                const noc_router *r = &v.routers[node];
                for (int i = 0; i < r->count[lane]; ++i) {
                    if (done == capacity) {
                        *count = done;
                        return CS_FULL;
                    }
                    const uint32_t flit = *noc_place_of(&v, node, lane, (unsigned)((r->first[lane] + i) % c->depth));
                    out[done++] = (cs_noc_flit){.tag = v.packets[flit >> 3].tag,
                                                .node = node,
                                                .port = port,
                                                .vc = vc,
                                                .head = (int32_t)(flit & 1u),
                                                .tail = (int32_t)((flit >> 1) & 1u)};
                }
            }
        }
    }
    *count = done;
    return CS_OK;
}
