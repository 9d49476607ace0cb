/* One clock of the network: landings, routers, sources. */
#include "noc_state.h"

static void wake_source(noc_view *v, int32_t node) {
    v->sources[node].status = SOURCE_ACTIVE;
    v->active_sources[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->sources_active = 1;
}

static void rest_source(noc_view *v, int32_t node, small status) {
    v->sources[node].status = status;
    v->active_sources[node >> 6] &= ~((uint64_t)1 << (node & 63));
}

static void deliver(noc_view *v, int32_t slot, int64_t clk) {
    noc_header *head = v->head;
    v->packets[slot].tail_out = clk;
    v->packets[slot].next = NOBODY;
    if (head->out_first == NOBODY)
        head->out_first = slot;
    else
        v->packets[head->out_last].next = slot;
    head->out_last = slot;
    ++head->arrived;
}

/* A flit of a multicast packet, whose `left` flits behind it have not left, leaves for the next router: if there is a
 * copy for this node, it goes there too and is there at `clk`, whose landings are given. */
void noc_copy_flit(noc_view *v, noc_packet *p, int32_t node, int32_t left, int64_t clk, uint64_t *landings,
                   uint32_t order) {
    int32_t copy = p->copies;
    while (copy != NOBODY && v->packets[copy].dst != node)
        copy = v->packets[copy].copies;
    if (copy == NOBODY) return;
    ++v->head->flits_copied;
    if (left + 1 == p->flits) v->packets[copy].head_out = clk;
    if (left > 0) return;
    /* Its slot may be used again once it is delivered: with the tail it leaves the list, whose first it is. */
    p->copies = v->packets[copy].copies;
    noc_land(landings, order, (uint32_t)copy);
}

/* A node may send one flit: the next of the packet in progress, else the head of the first packet of its queue. */
static ALWAYS_INLINE void run_source(noc_view *v, int32_t node, int64_t clk, uint32_t *heads, uint32_t *flits,
                                     int with_options) {
    noc_source *s = &v->sources[node];
    const int is_head = s->current == NOBODY;
    if (is_head) {
        if (s->with_credit == 0) {
            rest_source(v, node, SOURCE_BLOCKED);
            return;
        }
        const noc_packet *p = &v->packets[s->first];
        s->current = s->first;
        s->first = p->next;
        s->left = p->flits;
        s->vc = (small)first_from(s->with_credit, s->next);
        s->next = (small)(s->vc + 1);
        noc_input *in = &v->routers[node].in[NODE_PORT * GROUP + s->vc];
        s->to = noc_at(v, in);
        noc_enqueue(v, in, (uint32_t)s->current << 1 | (p->copies != NOBODY));
        for (int32_t slot = s->current; slot != NOBODY; slot = v->packets[slot].copies) {
            v->packets[slot].injected = clk;
            ++v->head->started;
        }
    } else if (s->credits[s->vc] == 0) {
        rest_source(v, node, SOURCE_BLOCKED);
        return;
    }
    if (--s->credits[s->vc] == 0) s->with_credit &= (small) ~(1u << s->vc);
    noc_append(is_head ? heads : flits, s->to);
    ++s->sent;
    if (--s->left > 0) return;
    s->current = NOBODY;
    if (with_options && v->head->config.wait_for_tail_credit) {
        s->closed |= (small)(1u << s->vc);
        s->with_credit &= (small)~s->closed;
    }
    if (s->first == NOBODY) {
        s->last = NOBODY;
        rest_source(v, node, SOURCE_IDLE);
    } else if (v->packets[s->first].created > clk + 1) {
        rest_source(v, node, SOURCE_IDLE);
        noc_heap_add(v, node);
    }
}

/* An ideal network: what is created now is delivered now. The flits are counted on the way they would have taken. */
static void pass_through(noc_view *v, int32_t node, int64_t clk) {
    noc_header *head = v->head;
    noc_source *s = &v->sources[node];
    while (s->first != NOBODY && v->packets[s->first].created <= clk) {
        const int32_t slot = s->first;
        noc_packet *p = &v->packets[slot];
        s->first = p->next;
        for (int32_t copy = p->copies; copy != NOBODY; copy = v->packets[copy].copies) {
            v->packets[copy].injected = v->packets[copy].head_out = clk;
            ++head->started;
            head->flits_copied += p->flits;
            deliver(v, copy, clk);
        }
        p->injected = p->head_out = clk;
        ++head->started;
        s->sent += p->flits;
        int32_t at = node;
        int port;
        do {
            port = noc_route(v, at, p->dst);
            v->routers[at].out[port * GROUP].sent += p->flits;
            ++head->vc_allocations;
            at = noc_neighbour(&head->config, at, port);
        } while (port != NODE_PORT);
        deliver(v, slot, clk);
    }
    s->status = SOURCE_IDLE;
    if (s->first == NOBODY)
        s->last = NOBODY;
    else
        noc_heap_add(v, node);
}

/* A VC that waits for all credits of its packet is none that a head may take, before it got the last. */
static void keep_closed(noc_source *s, unsigned vc, small depth) {
    if (s->credits[vc] == depth) s->closed &= (small) ~(1u << vc);
    s->with_credit &= (small)~s->closed;
}

/* Tails that are at their nodes, and credits that are back at sources. */
static ALWAYS_INLINE void take_landings(noc_view *v, int64_t clk, int with_options) {
    uint64_t *landings = noc_landing_list(v, (size_t)clk);
    for (uint64_t i = 1; i <= landings[0]; ++i)
        deliver(v, (int32_t)(landings[i] & UINT32_MAX), clk);
    landings[0] = 0;
    uint32_t *credits = noc_source_list(v, (size_t)clk);
    const int waits_for_tail = with_options && v->head->config.wait_for_tail_credit;
    for (uint32_t i = 1; i <= credits[0]; ++i) {
        const int32_t node = (int32_t)(credits[i] / GROUP);
        noc_source *s = &v->sources[node];
        ++s->credits[credits[i] % GROUP];
        s->with_credit |= (small)(1u << credits[i] % GROUP);
        if (waits_for_tail) keep_closed(s, credits[i] % GROUP, (small)v->head->config.depth);
        if (s->status == SOURCE_BLOCKED) wake_source(v, node);
    }
    credits[0] = 0;
}

/* NOTE: compiled twice, so that networks without options do not pay for them. */
static ALWAYS_INLINE void run_clock(noc_view *v, int64_t clk, int with_options) {
    noc_header *head = v->head;
    take_landings(v, clk, with_options);
    if (with_options)
        noc_take_arrivals_with_options(v, clk);
    else
        noc_take_arrivals(v, clk);
    while (head->heap_count > 0 && v->packets[v->sources[v->heap[0]].first].created <= clk) {
        const int32_t node = noc_heap_take(v);
        if (head->config.ideal)
            pass_through(v, node, clk);
        else
            wake_source(v, node);
    }
    if (head->sources_active) {
        uint32_t *heads = noc_list(v, v->heads, (size_t)clk + SOURCE_CLOCKS);
        uint32_t *flits = noc_list(v, v->flits, (size_t)clk + SOURCE_CLOCKS);
        uint64_t any = 0;
        for (int32_t word = 0; word < head->words; ++word) {
            for (uint64_t left = v->active_sources[word]; left; left &= left - 1)
                run_source(v, word * 64 + lowest(left), clk, heads, flits, with_options);
            any |= v->active_sources[word];
        }
        head->sources_active = any != 0;
    }
    if (with_options) {
        if (head->routers_active) noc_run_routers_with_options(v, clk);
        head->active = head->sources_active || head->routers_active;
    } else {
        if (v->ready[0] | v->waiting[0] | v->routing[0]) noc_run_routers(v, clk);
        head->active = head->sources_active || (v->ready[0] | v->waiting[0] | v->routing[0]) != 0;
    }
    head->quiet = clk + WHEEL;
    head->now = clk;
}

void noc_run_clock(noc_view *v, int64_t clk) {
    if (v->head->with_options)
        run_clock(v, clk, 1);
    else
        run_clock(v, clk, 0);
}
