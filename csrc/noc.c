/* The network as its callers use it: packets in, clocks up to a time, deliveries out. */
#include "noc_state.h"

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
        .tag = tag, .created = clk, .src = src, .dst = dst, .flits = flits, .next = NOBODY, .copies = NOBODY};
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
    if (s->first == NOBODY) {
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
    if (s->status == SOURCE_IDLE)
        noc_heap_add(v, src);
    else if (s->status == SOURCE_FUTURE && s->first == slot)
        noc_heap_up(v, s->heap_place);
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
    if (!CS_IS_ALIGNED(nodes)) return CS_EBUFFER;
    size_t found = 0;
    for (int32_t at = src; at != dst; at = noc_neighbour(&v.head->config, at, noc_route(&v, at, dst)))
        if (found < count && nodes[found] == at) ++found;
    return found < count ? CS_EINVAL : submit(&v, clk, tag, src, dst, flits, nodes, count);
}

/* The earliest clock after the last processed one at which anything happens. */
static int64_t noc_next_clock(const noc_view *v) {
    const noc_header *head = v->head;
    if (head->active) return head->now + 1;
    const int64_t created = head->heap_count > 0 ? v->packets[v->sources[v->heap[0]].first].created : CS_NEVER;
    for (int64_t clk = head->now + 1; clk < created && clk < head->quiet; ++clk) {
        const size_t at = (size_t)clk;
        if (noc_list(v, v->heads, at)[0] | noc_list(v, v->flits, at)[0] | noc_list(v, v->credits, at)[0] |
            noc_landing_list(v, at)[0] | noc_source_list(v, at)[0])
            return clk;
    }
    return created;
}

int32_t cs_noc_next(const void *state, size_t state_bytes, int64_t *clk) {
    const int32_t status = noc_check(state, state_bytes);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(clk)) return CS_EBUFFER;
    const noc_header *head = (const noc_header *)state;
    if (head->out_first == NOBODY && head->active) { /* most calls: nothing else is needed */
        *clk = head->now + 1;
        return CS_OK;
    }
    noc_view v;
    noc_open(state, state_bytes, &v);
    *clk = head->out_first != NOBODY ? v.packets[head->out_first].tail_out : noc_next_clock(&v);
    return CS_OK;
}

/* Hands out deliveries while there is room; frees their packets. */
static size_t hand_out(noc_view *v, cs_noc_delivery *out, size_t capacity) {
    noc_header *head = v->head;
    size_t count = 0;
    while (head->out_first != NOBODY && count < capacity) {
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
    if (head->out_first != NOBODY) return CS_FULL;
    if (stop && done > 0) return CS_OK;
    while (head->now < until) {
        const int64_t clk = noc_next_clock(v);
        if (clk > until || clk == CS_NEVER) break;
        noc_run_clock(v, clk);
        if (head->out_first == NOBODY) continue;
        done += hand_out(v, out + done, capacity - done);
        *count = done;
        if (head->out_first != NOBODY) return CS_FULL;
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
    if (!CS_IS_ALIGNED(count) || !CS_IS_ALIGNED(out)) return CS_EBUFFER;
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
    if (!CS_IS_ALIGNED(created) || !CS_IS_ALIGNED(src) || !CS_IS_ALIGNED(dst) || !CS_IS_ALIGNED(flits) ||
        !CS_IS_ALIGNED(injected) || !CS_IS_ALIGNED(head_out) || !CS_IS_ALIGNED(tail_out) || !CS_IS_ALIGNED(rejected))
        return CS_EBUFFER;
    *rejected = count;
    if (v.head->submitted != 0) return CS_ESTATE;
    cs_noc_delivery records[64];
    for (size_t i = 0; i <= count; ++i) {
        if (i == count || i == 0 || created[i] != created[i - 1]) {
            /* Before clock 0 there is nothing to process; such a packet is refused below. */
            const int64_t until = i == count ? CS_NEVER : created[i] > 0 ? created[i] - 1 : -1;
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
