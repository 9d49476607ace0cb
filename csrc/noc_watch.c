/* Looking in: counts, channels and buffers, up to the last processed clock. */
#include "noc.h"

#include <string.h>

#include "noc_state.h"

/* Flits on links. */
static int64_t on_the_way(const noc_view *v) {
    int64_t total = 0;
    for (size_t i = 0; i < (size_t)v->head->nodes * NOC_WHEEL; ++i)
        for (uint64_t left = v->mail[i].arrived; left; left &= left - 1)
            ++total;
    return total;
}

int32_t cs_noc_stats(const void *state, size_t state_bytes, cs_noc_counts *counts, int64_t *link_flits,
                     size_t link_capacity) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (counts == NULL) return CS_EINVAL;
    const noc_header *head = v.head;
    const size_t links = (size_t)head->nodes * CS_NOC_LINKS;
    if (link_flits != NULL && link_capacity < links) return CS_EBUFFER;
    if (link_flits != NULL) memcpy(link_flits, v.link_flits, links * sizeof *link_flits);
    cs_noc_counts c = {.packets_submitted = head->submitted,
                       .packets_delivered = head->arrived,
                       .packets_queued = head->submitted - head->started,
                       .packets_in_net = head->started - head->arrived,
                       .flits_copied = head->flits_copied,
                       .vc_allocations = head->vc_allocations,
                       .clocks = head->now};
    for (size_t link = 0; link < links; ++link) {
        if (link % CS_NOC_LINKS < NOC_NODE_PORT) c.mesh_hops += v.link_flits[link];
        if (link % CS_NOC_LINKS == NOC_NODE_PORT) c.flits_ejected += v.link_flits[link];
        if (link % CS_NOC_LINKS == NOC_NODE_LINK) c.flits_injected += v.link_flits[link];
    }
    c.buffer_writes = c.flits_injected + c.mesh_hops - on_the_way(&v);
    c.buffer_reads = c.mesh_hops + c.flits_ejected;
    *counts = c;
    return CS_OK;
}

/* Flits on their way to a lane, and credits on their way to it in clocks `from`
 * to `to`. */
static int32_t pending_flits(const noc_view *v, uint32_t lane) {
    int32_t total = 0;
    for (size_t turn = 0; turn < NOC_WHEEL; ++turn)
        total += (int32_t)(v->mail[(size_t)(lane >> 6) * NOC_WHEEL + turn].arrived >> (lane & 63u) & 1u);
    return total;
}

static int32_t pending_credits(const noc_view *v, uint32_t lane, int64_t from, int64_t to) {
    int32_t total = 0;
    for (int64_t clk = from; clk <= to; ++clk) {
        const size_t turn = (size_t)clk % NOC_WHEEL;
        total += (int32_t)(v->mail[(size_t)(lane >> 6) * NOC_WHEEL + turn].returned >> (lane & 63u) & 1u);
    }
    return total;
}

int32_t cs_noc_channels(const void *state, size_t state_bytes, cs_noc_channel *out, size_t capacity, size_t *count) {
    noc_view v;
    const int32_t status = noc_open(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
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
                uint32_t back = (uint32_t)node * 64u + (uint32_t)(link * NOC_GROUP + vc);
                if (link == NOC_NODE_PORT) {
                    /* The node sends a credit for each flit at once: its pending credit
                     * tells where a flit is. */
                    const int64_t landed = now + NOC_CREDIT_CLOCKS + c->credit_delay;
                    ch.credits = v.lanes[node * NOC_LANES + link * NOC_GROUP + vc].credits;
                    ch.returning = pending_credits(&v, back, now + 1, landed);
                    ch.flits = pending_credits(&v, back, landed + 1, landed + NOC_HOP_CLOCKS);
                } else {
                    const int32_t to = link == NOC_NODE_LINK ? node : noc_neighbour(c, node, link);
                    const int port = link == NOC_NODE_LINK ? NOC_NODE_PORT : link ^ 1;
                    if (link == NOC_NODE_LINK) back = (uint32_t)(head->words * 64 + node) * 64u + (uint32_t)vc;
                    ch.credits = link == NOC_NODE_LINK ? v.sources[node].credits[vc]
                                                       : v.lanes[node * NOC_LANES + link * NOC_GROUP + vc].credits;
                    ch.buffered = v.lanes[to * NOC_LANES + port * NOC_GROUP + vc].count;
                    ch.flits = pending_flits(&v, (uint32_t)to * 64u + (uint32_t)(port * NOC_GROUP + vc));
                    ch.returning = pending_credits(&v, back, now + 1, now + NOC_WHEEL);
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
    const cs_noc_config *c = &v.head->config;
    size_t done = 0;
    for (int32_t node = 0; node < v.head->nodes; ++node) {
        for (int port = 0; port < CS_NOC_PORTS; ++port) {
            for (int vc = 0; vc < c->vcs; ++vc) {
                const noc_lane *lane = &v.lanes[node * NOC_LANES + port * NOC_GROUP + vc];
                for (int i = 0; i < lane->count; ++i) {
                    if (done == capacity) {
                        *count = done;
                        return CS_FULL;
                    }
                    const uint32_t flit = *noc_place(&v, lane, (lane->first + i) % c->depth);
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
