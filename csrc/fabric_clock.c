/* The parts' events, in order of time: which part acts next, and what its completions lead to. */
#include "fabric_state.h"

#include "dram.h"
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
        noc->stale = 1;
    }
    f->outbox_count = 0;
}

/* Takes an engine that lags to clock `clk`, before which nothing was due to complete. */
static int32_t catch_up(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t clk) {
    cs_done done;
    size_t count = 0;
    FABRIC_DRAMS(f)[which].lags = 0;
    const int32_t s =
        cs_dram_advance(parts->dram[which], parts->dram_bytes[which], clk, 0, &done, 1, &count, NULL, 0, NULL);
    return s == CS_OK && count > 0 ? CS_ESTATE : s;
}

/* Whether the first request that waits for a memory need not be offered to it at clock `clk`. */
static int is_full(const fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t clk) {
    const int32_t is_write = FABRIC_REQUESTS(f)[FABRIC_DRAMS(f)[which].head].is_write;
    int32_t full = 0;
    return cs_dram_is_full(parts->dram[which], parts->dram_bytes[which], clk, is_write, &full) == CS_OK && full;
}

void fabric_offer_to_drams(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status) {
    for (int32_t i = 0; i < f->c.drams; ++i) {
        fabric_dram *dram = &FABRIC_DRAMS(f)[i];
        if (dram->head == FABRIC_NONE) continue;
        int64_t clk = fabric_clk_at(&dram->clock, t);
        if (clk <= dram->accepted_clk) continue;
        int32_t index = dram->head;
        fabric_request *r = &FABRIC_REQUESTS(f)[index];
        int32_t s = dram->lags ? catch_up(f, parts, i, clk) : CS_OK;
        if (s != CS_OK) {
            *status = s;
            continue;
        }
        if (is_full(f, parts, i, clk)) continue;
        /* Channels see their own addresses: the interleaving is taken out. */
        int64_t chunk = f->c.channel_interleave_bytes;
        int64_t address = r->address + r->offered;
        int32_t burst = f->c.burst_bytes - (int32_t)(address & (f->c.burst_bytes - 1));
        if (f->c.drams > 1) address = address / chunk / f->c.drams * chunk + address % chunk;
        s = cs_dram_submit(parts->dram[i], parts->dram_bytes[i], clk, (uint64_t)index, (uint64_t)address, r->is_write);
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
        if (dram->head == FABRIC_NONE) dram->tail = FABRIC_NONE;
    }
}

int32_t fabric_refresh_next(fabric_state *f, const cs_fabric_parts *parts, int64_t *earliest, int32_t *network,
                            int64_t *rest) {
    int64_t soonest = CS_NEVER, min = CS_NEVER, clk = 0;
    int32_t status = CS_OK;
    *network = FABRIC_NONE;
    for (int32_t i = 0; i < f->c.nocs; ++i) {
        fabric_noc *part = &FABRIC_NOCS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_noc_next(parts->noc[i], parts->noc_bytes[i], &clk)) != CS_OK) return status;
            part->next = fabric_later(f->now, fabric_edge(&part->clock, clk));
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
        fabric_sram *part = &FABRIC_SRAMS(f)[i];
        if (part->stale) {
            part->stale = 0;
            if ((status = cs_sram_next(parts->sram[i], parts->sram_bytes[i], &clk)) != CS_OK) return status;
            part->next = fabric_later(f->now, fabric_edge(&part->clock, clk));
        }
        if (part->next < min) min = part->next;
    }
    for (int32_t i = 0; i < f->c.drams; ++i) {
        fabric_dram *part = &FABRIC_DRAMS(f)[i];
        if (part->stale) {
            part->stale = 0;
            part->lags = part->head == FABRIC_NONE;
            status = part->lags ? cs_dram_next_done(parts->dram[i], parts->dram_bytes[i], &clk)
                                : cs_dram_next(parts->dram[i], parts->dram_bytes[i], &clk);
            if (status != CS_OK) return status;
            part->next = fabric_later(f->now, fabric_edge(&part->clock, clk));
        }
        int64_t next = part->next;
        /* Another request waits because one was accepted at this clock already: it is offered at the next. */
        if (part->head != FABRIC_NONE) {
            int64_t offer = fabric_edge(&part->clock, part->accepted_clk + 1);
            if (offer > f->now && offer < next && !is_full(f, parts, i, part->accepted_clk + 1)) next = offer;
        }
        if (next < min) min = next;
    }
    if (soonest >= min) *network = FABRIC_NONE;
    *earliest = soonest < min ? soonest : min;
    *rest = min;
    return CS_OK;
}

#define BATCH 64

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
    for (int32_t i = 0; i < f->c.drams; ++i) {
        fabric_dram *part = &FABRIC_DRAMS(f)[i];
        if (part->next != t) continue;
        part->stale = 1;
        int64_t clk = fabric_clk_at(&part->clock, t);
        do {
            s = cs_dram_advance(parts->dram[i], parts->dram_bytes[i], clk, 0, done, BATCH, &count, NULL, 0, NULL);
            if (s != CS_OK && s != CS_FULL) *status = s, count = 0;
            for (size_t j = 0; j < count; ++j) {
                int32_t index = (int32_t)done[j].tag;
                if (--FABRIC_REQUESTS(f)[index].bursts == 0) fabric_end_stage(f, parts, index, t, status);
            }
        } while (s == CS_FULL);
    }
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
