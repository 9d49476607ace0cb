/* Sources: when each has its next packet, and what it sends. */
#include "noc_state.h"

/* ---- sources whose next packet lies in the future: a heap by (created,
 * source) ---------------------------------- */

static int sooner(const noc_view *v, int32_t a, int32_t b) {
    const int64_t at = v->packets[v->sources[a].first].created;
    const int64_t bt = v->packets[v->sources[b].first].created;
    return at != bt ? at < bt : a < b;
}

static void heap_put(const noc_view *v, int32_t place, int32_t node) {
    v->heap[place] = node;
    v->sources[node].heap_place = place;
}

static void heap_up(const noc_view *v, int32_t place) {
    const int32_t node = v->heap[place];
    while (place > 0) {
        const int32_t parent = (place - 1) / 2;
        if (!sooner(v, node, v->heap[parent])) break;
        heap_put(v, place, v->heap[parent]);
        place = parent;
    }
    heap_put(v, place, node);
}

static void heap_down(const noc_view *v, int32_t place) {
    const int32_t node = v->heap[place];
    const int32_t count = v->head->heap_count;
    for (;;) {
        int32_t child = 2 * place + 1;
        if (child >= count) break;
        if (child + 1 < count && sooner(v, v->heap[child + 1], v->heap[child])) ++child;
        if (!sooner(v, v->heap[child], node)) break;
        heap_put(v, place, v->heap[child]);
        place = child;
    }
    heap_put(v, place, node);
}

static int32_t heap_take(const noc_view *v) {
    const int32_t node = v->heap[0];
    if (--v->head->heap_count > 0) {
        heap_put(v, 0, v->heap[v->head->heap_count]);
        heap_down(v, 0);
    }
    return node;
}

void noc_source_waits(const noc_view *v, int32_t node) {
    v->sources[node].status = NOC_SOURCE_FUTURE;
    heap_put(v, v->head->heap_count, node);
    heap_up(v, v->head->heap_count++);
}

void noc_source_sooner(const noc_view *v, int32_t node) {
    heap_up(v, v->sources[node].heap_place);
}

/* ---- one clock
 * ---------------------------------------------------------------------------------------------------
 */

static inline void wake(const noc_view *v, int32_t node) {
    v->sources[node].status = NOC_SOURCE_ACTIVE;
    v->active_sources[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->sources_active = 1;
}

static inline void rest(const noc_view *v, int32_t node, noc_small status) {
    v->sources[node].status = status;
    v->active_sources[node >> 6] &= ~((uint64_t)1 << (node & 63));
}

/* A node may send one flit: the next of the packet in progress, else the head
 * of the first packet of its queue. */
static void run_source(const noc_view *v, const noc_post *post, int32_t node, int64_t clk) {
    noc_header *head = v->head;
    noc_source *s = &v->sources[node];
    if (s->current == NOC_NOBODY) {
        if (s->with_credit == 0) {
            rest(v, node, NOC_SOURCE_BLOCKED);
            return;
        }
        s->current = s->first;
        s->first = v->packets[s->current].next;
        s->sent = 0;
        s->vc = (noc_small)noc_first_from(s->with_credit, s->next);
        s->next = (noc_small)(s->vc + 1);
        for (int32_t slot = s->current; slot != NOC_NOBODY; slot = v->packets[slot].copies) {
            v->packets[slot].injected = clk;
            ++head->started;
        }
    } else if (s->credits[s->vc] == 0) {
        rest(v, node, NOC_SOURCE_BLOCKED);
        return;
    }
    const noc_packet *p = &v->packets[s->current];
    const uint32_t is_head = s->sent == 0;
    const uint32_t is_tail = ++s->sent == p->flits;
    if (--s->credits[s->vc] == 0) s->with_credit &= (noc_small) ~(1u << s->vc);
    noc_send_flit(v, post, (uint32_t)node, NOC_NODE_PORT * NOC_GROUP + s->vc,
                  ((uint32_t)s->current << 3) | (p->copies != NOC_NOBODY ? NOC_COPIES : 0) | (is_tail ? NOC_TAIL : 0) |
                      (is_head ? NOC_HEAD : 0));
    ++v->link_flits[(size_t)node * CS_NOC_LINKS + NOC_NODE_LINK];
    if (!is_tail) return;
    s->current = NOC_NOBODY;
    if (s->first == NOC_NOBODY) {
        s->last = NOC_NOBODY;
        rest(v, node, NOC_SOURCE_IDLE);
    } else if (v->packets[s->first].created > clk + 1) {
        rest(v, node, NOC_SOURCE_IDLE);
        noc_source_waits(v, node);
    }
}

/* An ideal network: what is created now is delivered now. The flits are counted
 * on the way they would have taken. */
static void pass_through(const noc_view *v, int32_t node, int64_t clk) {
    noc_header *head = v->head;
    noc_source *s = &v->sources[node];
    while (s->first != NOC_NOBODY && v->packets[s->first].created <= clk) {
        const int32_t slot = s->first;
        noc_packet *p = &v->packets[slot];
        s->first = p->next;
        for (int32_t copy = p->copies; copy != NOC_NOBODY; copy = v->packets[copy].copies) {
            v->packets[copy].injected = v->packets[copy].head_out = clk;
            ++head->started;
            head->flits_copied += p->flits;
            noc_deliver(v, copy, clk);
        }
        p->injected = p->head_out = clk;
        ++head->started;
        v->link_flits[(size_t)node * CS_NOC_LINKS + NOC_NODE_LINK] += p->flits;
        int32_t at = node;
        int port;
        do {
            port = noc_route(v, at, p->dst);
            v->link_flits[(size_t)at * CS_NOC_LINKS + (size_t)port] += p->flits;
            ++head->vc_allocations;
            at = noc_neighbour(&head->config, at, port);
        } while (port != NOC_NODE_PORT);
        noc_deliver(v, slot, clk);
    }
    s->status = NOC_SOURCE_IDLE;
    if (s->first == NOC_NOBODY)
        s->last = NOC_NOBODY;
    else
        noc_source_waits(v, node);
}

static inline void take_credits(const noc_view *v, int32_t node, uint64_t returned) {
    noc_source *s = &v->sources[node];
    ++s->credits[noc_lowest(returned)];
    s->with_credit |= (noc_small)returned;
    if (s->status == NOC_SOURCE_BLOCKED) wake(v, node);
}

void noc_run_sources(const noc_view *view, int64_t clk) {
    const noc_view copy = *view, *v = &copy; /* that nobody else sees: its pointers stay in registers */
    noc_header *head = v->head;
    while (head->heap_count > 0 && v->packets[v->sources[v->heap[0]].first].created <= clk) {
        const int32_t node = heap_take(v);
        if (head->config.ideal)
            pass_through(v, node, clk);
        else
            wake(v, node);
    }
    const size_t turn = noc_turn(clk), words = (size_t)head->words;
    const uint32_t mail = (head->due >> turn) & 1u;
    if (!mail && !head->sources_active) return;
    const noc_post post = noc_post_for(v, clk + NOC_SOURCE_CLOCKS);
    uint64_t any = 0;
    for (size_t word = 0; word < words; ++word) {
        uint64_t *visits = &v->visits[(2 * turn + 1) * words + word];
        for (uint64_t left = *visits; left; left &= left - 1) {
            const size_t node = word * 64 + (size_t)noc_lowest(left);
            noc_mail *at = &v->mail[(words * 64 + node) * NOC_WHEEL + turn];
            take_credits(v, (int32_t)node, at->returned);
            at->returned = 0;
        }
        *visits = 0;
        for (uint64_t left = v->active_sources[word]; left; left &= left - 1)
            run_source(v, &post, (int32_t)(word * 64) + noc_lowest(left), clk);
        any |= v->active_sources[word];
    }
    head->sources_active = any != 0;
}
