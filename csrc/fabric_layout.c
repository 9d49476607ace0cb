/* The state of a fabric: its parts in the caller's buffer, and how it begins. */
#include "fabric_state.h"

#include <string.h>

static int lay_out(const cs_fabric_config *c, size_t words, fabric_state *f) {
    if (c->nocs < 0 || c->drams < 0 || c->srams < 0 || c->endpoints < 0 || c->max_descriptors < 1 ||
        c->max_requests < 1 || c->burst_bytes < 1 || (c->burst_bytes & (c->burst_bytes - 1)) != 0 ||
        c->port_interleave_bytes < 1 || c->channel_interleave_bytes < 1 || c->nocs > 4096 || c->drams > 4096 ||
        c->srams > 65536 || c->endpoints > 65536 || c->max_descriptors > (1 << 24) || c->max_requests > (1 << 24))
        return 0;
    size_t at = sizeof(fabric_state);
    f->c = *c;
    f->done_capacity = c->max_descriptors + c->max_requests;
    f->nocs_at = at, at += (size_t)c->nocs * sizeof(fabric_noc);
    f->drams_at = at, at += (size_t)c->drams * sizeof(fabric_dram);
    f->srams_at = at, at += (size_t)c->srams * sizeof(fabric_sram);
    f->endpoints_at = at, at += (size_t)c->endpoints * sizeof(fabric_endpoint);
    at = (at + 7) & ~(size_t)7;
    f->descriptors_at = at, at += (size_t)c->max_descriptors * sizeof(fabric_descriptor);
    f->requests_at = at, at += (size_t)c->max_requests * sizeof(fabric_request);
    f->done_at = at, at += (size_t)f->done_capacity * sizeof(cs_fabric_done);
    f->words_at = at, at += 2 * words * sizeof(int64_t);
    f->outbox_at = at, at += (size_t)c->max_requests * sizeof(fabric_packet);
    f->size = (at + 7) & ~(size_t)7;
    return 1;
}

int32_t cs_fabric_state_bytes(const cs_fabric_config *config, size_t *bytes) {
    fabric_state f;
    if (config == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!lay_out(config, (size_t)(config->srams > 0 ? config->srams : 0) * FABRIC_MEMORIES, &f)) return CS_EINVAL;
    *bytes = f.size;
    return CS_OK;
}

static fabric_ticker ticker_of(const cs_fabric_clock *clock) {
    return (fabric_ticker){.period = *clock, .limit = FABRIC_LIMIT_PS / clock->period_num, .begin = CS_NEVER};
}

static int valid_clock(const cs_fabric_clock *clock) {
    /* A period of at least 1 ps: clock numbers are at most the time, and edges of different instants. So neither edge()
     * nor clk_at() overflows before FABRIC_LIMIT_PS. */
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
    if (!CS_IS_ALIGNED((fabric_state *)state) || !CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(nocs) ||
        !CS_IS_ALIGNED(drams) || !CS_IS_ALIGNED(srams) || !CS_IS_ALIGNED(endpoints))
        return CS_EBUFFER;
    fabric_state layout;
    memset(&layout, 0, sizeof layout);
    if (!lay_out(config, (size_t)(config->srams > 0 ? config->srams : 0) * FABRIC_MEMORIES, &layout)) return CS_EINVAL;
    if (bytes < layout.size) return CS_EBUFFER;
    if ((config->nocs && nocs == NULL) || (config->drams && drams == NULL) || (config->srams && srams == NULL) ||
        (config->endpoints && endpoints == NULL))
        return CS_EINVAL;

    memset(state, 0, layout.size);
    fabric_state *f = state;
    *f = layout;
    f->max_direct = config->max_requests;
    f->burst = fabric_divisor_of(config->burst_bytes);
    f->port = fabric_divisor_of(config->port_interleave_bytes);
    f->channel = fabric_divisor_of(config->channel_interleave_bytes);
    for (int32_t i = 0; i < config->nocs; ++i) {
        if (!valid_clock(&nocs[i].clock) || nocs[i].flit_bytes < 1 || nocs[i].mesh_x < 1 || nocs[i].memory_ports < 1 ||
            nocs[i].memory_ports > CS_FABRIC_MAX_PORTS)
            return CS_EINVAL;
        for (int32_t port = 0; port < nocs[i].memory_ports; ++port)
            if (nocs[i].memory_nodes[port] < 0 || nocs[i].memory_nodes[port] >= FABRIC_NODE_LIMIT) return CS_EINVAL;
        FABRIC_NOCS(f)
        [i] = (fabric_noc){.p = nocs[i],
                           .clock = ticker_of(&nocs[i].clock),
                           .flit_bytes = fabric_divisor_of(nocs[i].flit_bytes),
                           .next = CS_NEVER};
    }
    /* A burst lies in one channel: else two bursts of a channel would have one address there. */
    if (config->drams > 1 && config->channel_interleave_bytes % config->burst_bytes != 0) return CS_EINVAL;
    for (int32_t i = 0; i < config->drams; ++i) {
        if (!valid_clock(&drams[i].clock)) return CS_EINVAL;
        FABRIC_DRAMS(f)
        [i] = (fabric_dram){.p = drams[i],
                            .clock = ticker_of(&drams[i].clock),
                            .event = CS_NEVER,
                            .completion = CS_NEVER,
                            .next = CS_NEVER,
                            .accepted_clk = -1,
                            .outlook = {.next = CS_NEVER, .next_done = CS_NEVER},
                            .head = FABRIC_NONE,
                            .tail = FABRIC_NONE};
    }
    for (int32_t i = 0; i < config->srams; ++i) {
        if (!valid_clock(&srams[i].clock) || srams[i].word_bytes < 1 || srams[i].memories < 1 || srams[i].words < 1 ||
            srams[i].words > FABRIC_WORD_LIMIT || srams[i].memories > FABRIC_MEMORIES)
            return CS_EINVAL;
        FABRIC_SRAMS(f)
        [i] = (fabric_sram){.p = srams[i],
                            .clock = ticker_of(&srams[i].clock),
                            .word_bytes = fabric_divisor_of(srams[i].word_bytes),
                            .next = CS_NEVER,
                            .words_at = (size_t)i * 2 * FABRIC_MEMORIES};
    }
    for (int32_t i = 0; i < config->endpoints; ++i) {
        const cs_fabric_endpoint *e = &endpoints[i];
        if (e->noc < 0 || e->noc >= config->nocs || e->sram < 0 || e->sram >= config->srams || e->outstanding < 1 ||
            e->node < 0 || e->node >= FABRIC_NODE_LIMIT || e->client < 0 || e->outstanding > f->max_direct ||
            !valid_request_bytes(config, e->request_bytes))
            return CS_EINVAL;
        f->max_direct -= e->outstanding; /* a channel's places are its own: it is not asked again when one gets free */
        FABRIC_ENDPOINTS(f)[i] = (fabric_endpoint){.e = *e, .head = FABRIC_NONE, .tail = FABRIC_NONE};
        if (e->request_bytes < config->burst_bytes) FABRIC_ENDPOINTS(f)[i].e.request_bytes = config->burst_bytes;
        const fabric_noc *noc = &FABRIC_NOCS(f)[e->noc];
        for (int32_t port = 0; port < noc->p.memory_ports; ++port)
            FABRIC_ENDPOINTS(f)[i].hops[port] = fabric_hops(noc, e->node, noc->p.memory_nodes[port]);
    }
    for (int32_t i = 0; i < config->max_descriptors; ++i)
        FABRIC_DESCRIPTORS(f)[i].next = i + 1 < config->max_descriptors ? i + 1 : FABRIC_NONE;
    for (int32_t i = 0; i < config->max_requests; ++i)
        FABRIC_REQUESTS(f)[i].next = i + 1 < config->max_requests ? i + 1 : FABRIC_NONE;
    f->magic = FABRIC_MAGIC;
    return CS_OK;
}

int32_t fabric_open(const void *state, size_t bytes, fabric_state **f) {
    fabric_state *there = (fabric_state *)(uintptr_t)state;
    if (there == NULL) return CS_EINVAL;
    if (bytes < sizeof *there || !CS_IS_ALIGNED(there)) return CS_EBUFFER;
    if (there->magic != FABRIC_MAGIC) return CS_ESTATE;
    *f = there;
    return bytes < there->size ? CS_EBUFFER : CS_OK;
}

int32_t fabric_open_with_parts(const void *state, size_t bytes, const cs_fabric_parts *parts, fabric_state **f) {
    const int32_t opened = fabric_open(state, bytes, f);
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
