/* The parts' events, in order of time: which part acts next, and what its completions lead to. */
#include "fabric_state.h"

#include "noc.h"
#include "sram.h"

void fabric_flush_outbox(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    fabric_packet *box = FABRIC_OUTBOX(f);
    for (int32_t i = 1; i < f->outbox_count; ++i) { /* few and nearly sorted */
        fabric_packet moving = box[i];
        int32_t j = i;
        for (; j > 0 && box[j - 1].port > moving.port; --j)
            box[j] = box[j - 1];
        box[j] = moving;
    }
    for (int32_t i = 0; i < f->outbox_count; ++i) {
        fabric_noc *noc = &FABRIC_NOCS(f)[box[i].noc];
        int64_t clk = fabric_clk_at(&noc->clock, t) + 1;
        int32_t s = cs_noc_submit(parts->noc[box[i].noc], parts->noc_bytes[box[i].noc], clk, (uint64_t)box[i].request,
                                  box[i].src, box[i].dst, box[i].flits);
        if (s != CS_OK) *status = s;
        /* It has nothing to do before the next clock with the packet; what it has to do then need not be asked. */
        if (noc->clock.end < noc->next) noc->next = noc->clock.end;
    }
    f->outbox_count = 0;
}

/* More than a memory completes in one clock. */
#define BATCH 64

/* Completions of a memory's bursts, at t. */
static void take_done(fabric_state *f, const cs_fabric_parts *parts, fabric_dram *dram, const cs_done *done,
                      size_t count, int64_t t, int32_t *status) {
    dram->inside -= (int32_t)count;
    for (size_t j = 0; j < count; ++j) {
        const int32_t index = (int32_t)done[j].tag;
        if (--FABRIC_REQUESTS(f)[index].bursts == 0) fabric_end_stage(f, parts, index, t, status);
    }
}

/* A memory's events up to t. */
static void follow(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t t, int32_t *status) {
    fabric_dram *dram = &FABRIC_DRAMS(f)[which];
    cs_done done[BATCH];
    size_t count = 0;
    dram->unseen = 1;
    const int64_t clk = fabric_clk_at(&dram->clock, t);
    int32_t s;
    do {
        s = cs_dram_advance(parts->dram[which], parts->dram_bytes[which], clk, 0, done, BATCH, &count, NULL, 0, NULL);
        if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
        take_done(f, parts, dram, done, count, t, status);
    } while (s == CS_FULL);
}

/* The burst of the request that has waited longest. */
static const cs_dram_burst *first_burst(fabric_state *f, const fabric_dram *dram, cs_dram_burst *burst) {
    if (dram->head == FABRIC_NONE) return NULL;
    const fabric_request *r = &FABRIC_REQUESTS(f)[dram->head];
    /* Channels see their own addresses: the interleaving is taken out. */
    int64_t address = r->address + r->offered;
    if (f->c.drams > 1) {
        const int64_t chunk = fabric_divide(address, f->channel);
        address += (chunk / f->c.drams - chunk) * f->channel.by;
    }
    *burst = (cs_dram_burst){(uint64_t)dram->head, (uint64_t)address, r->is_write};
    return burst;
}

/* It was accepted at a clock. */
static void accept_burst(fabric_state *f, fabric_dram *dram, int64_t clk) {
    fabric_request *r = &FABRIC_REQUESTS(f)[dram->head];
    dram->accepted_clk = clk;
    dram->inside++;
    r->offered += f->c.burst_bytes - (int32_t)((r->address + r->offered) & (f->c.burst_bytes - 1));
    if (r->offered < r->bytes) return;
    dram->head = r->next;
    if (dram->head == FABRIC_NONE) dram->tail = FABRIC_NONE;
}

/* Offers a memory the request that has waited longest. */
static void offer(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t t, int32_t *status) {
    fabric_dram *dram = &FABRIC_DRAMS(f)[which];
    if (dram->head == FABRIC_NONE) return;
    const int64_t clk = fabric_clk_at(&dram->clock, t);
    if (clk <= dram->accepted_clk) return;
    const int32_t is_quiet = !dram->unseen && clk < dram->outlook.next;
    /* NOTE: a full memory is not asked before its next event: 8 % of the time of transfers that cross a network. */
    if (is_quiet && dram->outlook.full[FABRIC_REQUESTS(f)[dram->head].is_write]) return;
    cs_dram_burst burst;
    first_burst(f, dram, &burst);
    cs_done done[BATCH];
    size_t count;
    int64_t accepted_clk;
    /* It was left alone while nothing waited for it; nothing was to complete. */
    const int32_t s = cs_dram_serve(parts->dram[which], parts->dram_bytes[which], clk, &burst, clk, &accepted_clk, done,
                                    BATCH, &count);
    if (s != CS_OK) *status = s;
    if (accepted_clk >= 0) accept_burst(f, dram, accepted_clk);
    dram->unseen = !is_quiet || accepted_clk >= 0;
    take_done(f, parts, dram, done, count, t, status);
}

void fabric_offer_to_drams(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    for (int32_t i = 0; i < f->c.drams; ++i)
        offer(f, parts, i, t, status);
}

/* When a memory has to be looked at: at its next event while something waits for it, else at its next completion. */
static int64_t next_of_memory(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int32_t *status) {
    fabric_dram *dram = &FABRIC_DRAMS(f)[which];
    if (dram->unseen) {
        const int32_t s = cs_dram_look(parts->dram[which], parts->dram_bytes[which], &dram->outlook);
        if (s != CS_OK) *status = s;
        dram->unseen = 0;
        dram->event = fabric_later(f->now, fabric_edge(&dram->clock, dram->outlook.next));
        dram->completion = fabric_later(f->now, fabric_edge(&dram->clock, dram->outlook.next_done));
    }
    if (dram->head == FABRIC_NONE) return dram->next = dram->inside > 0 ? dram->completion : CS_NEVER;
    dram->next = dram->event;
    if (dram->outlook.full[FABRIC_REQUESTS(f)[dram->head].is_write]) return dram->next;
    /* Another request waits because one was accepted at this clock already: it is offered at the next. */
    const int64_t at = fabric_edge(&dram->clock, dram->accepted_clk + 1);
    return at > f->now && at < dram->next ? at : dram->next;
}

/* A part acts at `time`. */
static void consider(fabric_next *next, int64_t time, int32_t network, int32_t memory) {
    if (time >= next->earliest) {
        if (time < next->rest) next->rest = time;
        return;
    }
    *next = (fabric_next){.earliest = time, .rest = next->earliest, .network = network, .memory = memory};
}

int32_t fabric_refresh_next(fabric_state *f, const cs_fabric_parts *parts, fabric_next *next) {
    int64_t clk = 0;
    int32_t status = CS_OK;
    *next = (fabric_next){CS_NEVER, CS_NEVER, FABRIC_NONE, FABRIC_NONE};
    for (int32_t i = 0; i < f->c.nocs; ++i) {
        fabric_noc *part = &FABRIC_NOCS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_noc_next(parts->noc[i], parts->noc_bytes[i], &clk)) != CS_OK) return status;
            part->next = fabric_later(f->now, fabric_edge(&part->clock, clk));
        }
        consider(next, part->next, i, FABRIC_NONE);
    }
    for (int32_t i = 0; i < f->c.srams; ++i) {
        fabric_sram *part = &FABRIC_SRAMS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_sram_next(parts->sram[i], parts->sram_bytes[i], &clk)) != CS_OK) return status;
            part->next = fabric_later(f->now, fabric_edge(&part->clock, clk));
        }
        consider(next, part->next, FABRIC_NONE, FABRIC_NONE);
    }
    for (int32_t i = 0; i < f->c.drams; ++i)
        consider(next, next_of_memory(f, parts, i, &status), FABRIC_NONE, i);
    if (next->rest <= next->earliest) next->network = next->memory = FABRIC_NONE; /* several at once */
    return status;
}

void fabric_step(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    cs_done done[BATCH];
    cs_noc_delivery delivered[BATCH];
    size_t count = 0;
    int32_t s;
    f->now = t;
    for (int32_t i = 0; i < f->c.nocs; ++i) {
        fabric_noc *part = &FABRIC_NOCS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = fabric_clk_at(&part->clock, t);
        do {
            s = cs_noc_advance(parts->noc[i], parts->noc_bytes[i], clk, 0, delivered, BATCH, &count);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j)
                fabric_end_stage(f, parts, (int32_t)delivered[j].tag, t, status);
        } while (s == CS_FULL);
    }
    for (int32_t i = 0; i < f->c.drams; ++i)
        if (FABRIC_DRAMS(f)[i].next == t) follow(f, parts, i, t, status);
    for (int32_t i = 0; i < f->c.srams; ++i) {
        fabric_sram *part = &FABRIC_SRAMS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = fabric_clk_at(&part->clock, t);
        do {
            s = cs_sram_advance(parts->sram[i], parts->sram_bytes[i], clk, 0, done, BATCH, &count);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j)
                fabric_end_stage(f, parts, (int32_t)done[j].tag, t, status);
        } while (s == CS_FULL);
    }
    fabric_offer_to_drams(f, parts, t, status);
    fabric_flush_outbox(f, parts, t, status);
}

void fabric_run_memory(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t limit, int32_t *status) {
    fabric_dram *dram = &FABRIC_DRAMS(f)[which];
    cs_done done[BATCH];
    if (limit > FABRIC_LIMIT_PS) limit = FABRIC_LIMIT_PS;
    const int64_t until = fabric_clk_at(&dram->clock, limit);
    f->stirred = 0;
    dram->unseen = 1;
    while (!f->stirred && f->done_count == 0 && *status == CS_OK && (dram->head != FABRIC_NONE || dram->inside > 0)) {
        cs_dram_burst burst;
        size_t count;
        int64_t accepted_clk;
        const int32_t s = cs_dram_serve(parts->dram[which], parts->dram_bytes[which], until,
                                        first_burst(f, dram, &burst), 0, &accepted_clk, done, BATCH, &count);
        if (s != CS_OK) *status = s;
        if (accepted_clk >= 0) {
            accept_burst(f, dram, accepted_clk);
            continue;
        }
        if (count == 0) {
            f->now = fabric_later(f->now, fabric_edge(&dram->clock, until));
            return;
        }
        const int64_t t = f->now = fabric_later(f->now, fabric_edge(&dram->clock, done[0].clk));
        take_done(f, parts, dram, done, count, t, status);
    }
    fabric_offer_to_drams(f, parts, f->now, status);
    fabric_flush_outbox(f, parts, f->now, status);
}

void fabric_run_network(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t limit, int32_t *status) {
    cs_noc_delivery delivered[BATCH];
    size_t count = 0;
    fabric_noc *part = &FABRIC_NOCS(f)[which];
    part->stale = 1;
    if (limit > FABRIC_LIMIT_PS) limit = FABRIC_LIMIT_PS;
    int64_t clk = fabric_clk_at(&part->clock, limit);
    int32_t s = cs_noc_advance(parts->noc[which], parts->noc_bytes[which], clk, 1, delivered, BATCH, &count);
    if (s != CS_OK && s != CS_FULL) {
        *status = s;
        return;
    }
    if (count > 0) clk = delivered[0].tail_out;
    f->now = fabric_later(f->now, fabric_edge(&part->clock, clk));
    for (;;) {
        for (size_t j = 0; j < count; ++j)
            fabric_end_stage(f, parts, (int32_t)delivered[j].tag, f->now, status);
        if (s != CS_FULL) break;
        s = cs_noc_advance(parts->noc[which], parts->noc_bytes[which], clk, 0, delivered, BATCH, &count);
        if (s != CS_OK && s != CS_FULL) {
            *status = s;
            return;
        }
    }
    if (count == 0) return;
    fabric_offer_to_drams(f, parts, f->now, status);
    fabric_flush_outbox(f, parts, f->now, status);
}
