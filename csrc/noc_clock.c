/* One clock of the network: arrivals, sources, then the routers: routing, VC allocation, switch allocation. */
#include "noc_state.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

static void wake_source(noc_view *v, int32_t node) {
    v->sources[node].status = SOURCE_ACTIVE;
    v->active_sources[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->sources_active = 1;
}

static void rest_source(noc_view *v, int32_t node, small status) {
    v->sources[node].status = status;
    v->active_sources[node >> 6] &= ~((uint64_t)1 << (node & 63));
}

static void wake_router(noc_view *v, int32_t node) {
    v->active_routers[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->routers_active = 1;
}

static inline noc_flits_due flits_due(noc_arrival *lists, uint32_t *counts, int32_t nodes, int64_t clk) {
    const size_t turn = (size_t)clk % WHEEL;
    return (noc_flits_due){lists + turn * (size_t)nodes * CS_NOC_PORTS, &counts[turn]};
}

static inline noc_credits_due credits_due(noc_view *v, int64_t clk) {
    const size_t turn = (size_t)clk % WHEEL;
    return (noc_credits_due){v->credits + turn * (size_t)v->head->nodes * (CS_NOC_PORTS + 1), &v->head->credits[turn]};
}

/* `lane`: that of a router, router * 64 + port * GROUP + vc, or the node where the flit lands. */
static inline void send_flit(noc_flits_due due, uint32_t lane, uint32_t flit) {
    due.list[(*due.count)++] = (noc_arrival){.lane = lane, .flit = flit};
}

static inline void send_credit(noc_credits_due due, uint32_t lane) {
    due.list[(*due.count)++] = lane;
}

/* An input VC with a head in front begins: it is routed in this clock, or without that stage asks for a VC at once. */
static inline void begin_packet(noc_view *v, int32_t node, int lane, uint32_t flit) {
    noc_router *r = &v->routers[node];
    r->busy |= (uint64_t)1 << lane;
    r->out_port[lane] = (small)noc_route(v, node, v->packets[flit >> 3].dst);
    if (v->head->config.routing_delay)
        r->routing |= (uint64_t)1 << lane;
    else
        r->waiting |= (uint64_t)1 << lane;
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

/* Flits and credits that arrive at `clk`. What reaches nodes and what reaches routers does not meet in one clock, so
 * the order here is free. */
static void take_arrivals(noc_view *v, int64_t clk) {
    noc_header *head = v->head;
    const size_t turn = (size_t)clk % WHEEL;
    const size_t nodes = (size_t)head->nodes;
    const int depth = head->config.depth;

    const noc_arrival *landings = &v->landings[turn * nodes * CS_NOC_PORTS];
    for (uint32_t i = 0; i < head->landings[turn]; ++i) {
        const int32_t slot = (int32_t)(landings[i].flit >> 3);
        if (landings[i].flit & 1u) v->packets[slot].head_out = clk;
        if (landings[i].flit & 2u) deliver(v, slot, clk);
    }
    head->landings[turn] = 0;

    const noc_arrival *arrivals = &v->arrivals[turn * nodes * CS_NOC_PORTS];
    for (uint32_t i = 0; i < head->arrivals[turn]; ++i) {
        const int32_t node = (int32_t)(arrivals[i].lane >> 6);
        const int lane = (int)(arrivals[i].lane & 63u);
        noc_router *r = &v->routers[node];
        int place = r->first[lane] + r->count[lane]++;
        if (place >= depth) place -= depth;
        *noc_place_of(v, node, lane, (unsigned)place) = arrivals[i].flit;
        const uint64_t bit = (uint64_t)1 << lane;
        if (!(r->busy & bit))
            begin_packet(v, node, lane, arrivals[i].flit);
        else if ((r->active & bit) && r->credits[r->out_lane[lane]] > 0)
            r->ready |= bit;
        v->active_routers[node >> 6] |= (uint64_t)1 << (node & 63);
    }
    if (head->arrivals[turn]) head->routers_active = 1;
    head->buffer_writes += head->arrivals[turn];
    head->arrivals[turn] = 0;

    const uint32_t *credits = &v->credits[turn * nodes * (CS_NOC_PORTS + 1)];
    for (uint32_t i = 0; i < head->credits[turn]; ++i) {
        int32_t node = (int32_t)(credits[i] >> 6);
        const int lane = (int)(credits[i] & 63u);
        if (node >= head->nodes) {
            node -= head->nodes;
            noc_source *s = &v->sources[node];
            ++s->credits[lane];
            s->with_credit |= (small)(1u << lane);
            if (s->status == SOURCE_BLOCKED) wake_source(v, node);
            continue;
        }
        noc_router *r = &v->routers[node];
        ++r->credits[lane];
        const int port = lane / GROUP;
        if ((r->free_vcs[port] >> (lane % GROUP)) & 1u) continue;
        const int owner = r->owner[lane];
        if (r->count[owner] > 0) {
            r->ready |= (uint64_t)1 << owner;
            wake_router(v, node);
        }
    }
    head->credits[turn] = 0;
}

/* A node may send one flit: the next of the packet in progress, else the head of the first packet of its queue. */
static void run_source(noc_view *v, int32_t node, int64_t clk) {
    noc_header *head = v->head;
    noc_source *s = &v->sources[node];
    if (s->current == NOBODY) {
        if (s->with_credit == 0) {
            rest_source(v, node, SOURCE_BLOCKED);
            return;
        }
        s->current = s->first;
        s->first = v->packets[s->current].next;
        s->sent = 0;
        s->vc = (small)first_from(s->with_credit, s->next);
        s->next = (small)(s->vc + 1);
        for (int32_t slot = s->current; slot != NOBODY; slot = v->packets[slot].copies) {
            v->packets[slot].injected = clk;
            ++head->started;
        }
    } else if (s->credits[s->vc] == 0) {
        rest_source(v, node, SOURCE_BLOCKED);
        return;
    }
    const uint32_t is_head = s->sent == 0;
    const uint32_t is_tail = ++s->sent == v->packets[s->current].flits;
    if (--s->credits[s->vc] == 0) s->with_credit &= (small) ~(1u << s->vc);
    send_flit(flits_due(v->arrivals, head->arrivals, head->nodes, clk + SOURCE_CLOCKS),
              (uint32_t)node * 64u + NODE_PORT * GROUP + s->vc,
              ((uint32_t)s->current << 3) | (uint32_t)(v->packets[s->current].copies != NOBODY) << 2 | (is_tail << 1) |
                  is_head);
    ++v->link_flits[(size_t)node * CS_NOC_LINKS + NODE_LINK];
    ++head->flits_injected;
    if (!is_tail) return;
    s->current = NOBODY;
    if (s->first == NOBODY) {
        s->last = NOBODY;
        rest_source(v, node, SOURCE_IDLE);
    } else if (v->packets[s->first].created > clk + 1) {
        rest_source(v, node, SOURCE_IDLE);
        noc_heap_add(v, node);
    }
}

/* By output port: those of the input VCs that want it; returns the ports. */
static inline unsigned by_output(const noc_router *r, uint64_t lanes, uint64_t *wanting) {
    unsigned ports = 0;
    for (; lanes; lanes &= lanes - 1) {
        const int port = r->out_port[lowest(lanes)];
        if (!((ports >> port) & 1u)) wanting[port] = 0;
        wanting[port] |= lanes & (~lanes + 1);
        ports |= 1u << port;
    }
    return ports;
}

/* VC allocation: one iteration of iSLIP between waiting input VCs and free output VCs. Returns the winners that may bid
 * for the switch from the next clock on. */
static uint64_t allocate_vcs(noc_view *v, noc_router *r) {
    uint64_t ready = 0;
    uint64_t asking[CS_NOC_PORTS];
    for (unsigned ports = by_output(r, r->waiting, asking); ports; ports &= ports - 1) {
        const int port = lowest(ports);
        uint64_t free_vcs = r->free_vcs[port];
        const uint64_t requests = asking[port];
        if (!free_vcs) continue;
        uint64_t granted = 0;
        small grants[LANES];
        do {
            const int vc = lowest(free_vcs);
            free_vcs &= free_vcs - 1;
            const int lane = first_from(requests, r->grant_next[port * GROUP + vc]);
            if (!((granted >> lane) & 1u)) grants[lane] = 0;
            granted |= (uint64_t)1 << lane;
            grants[lane] |= (small)(1u << vc);
        } while (free_vcs);
        do {
            const int lane = lowest(granted);
            const uint64_t bit = granted & (~granted + 1);
            granted ^= bit;
            const int out = first_from((uint64_t)grants[lane] << (port * GROUP), r->accept_next[lane]);
            ++v->head->vc_allocations;
            r->accept_next[lane] = (small)(out + 1);
            r->grant_next[out] = (small)(lane + 1);
            r->owner[out] = (small)lane;
            r->out_lane[lane] = (small)out;
            r->free_vcs[port] &= (small) ~(1u << (out % GROUP));
            r->waiting ^= bit;
            r->active |= bit;
            if (r->credits[out] > 0) ready |= bit;
        } while (granted);
    }
    return ready;
}

/* A flit of a multicast packet leaves for the next router: if there is a copy for this node, it goes there too. */
static void copy_flit(noc_view *v, int32_t node, uint32_t flit) {
    noc_packet *p = &v->packets[flit >> 3];
    int32_t copy = p->copies;
    while (copy != NOBODY && v->packets[copy].dst != node)
        copy = v->packets[copy].copies;
    if (copy == NOBODY) return;
    ++v->head->flits_copied;
    /* Its slot may be used again once it is delivered: with the tail it leaves the list, whose first it is. */
    if (flit & 2u) p->copies = v->packets[copy].copies;
    if (flit & 3u) send_flit(v->landing, (uint32_t)node, ((uint32_t)copy << 3) | (flit & 3u));
}

/* A flit that won the switch leaves its buffer. */
static ALWAYS_INLINE void move_flit(noc_view *v, int32_t node, int port, int lane) {
    noc_router *r = &v->routers[node];
    const uint64_t bit = (uint64_t)1 << lane;
    const uint32_t flit = *noc_place_of(v, node, lane, r->first[lane]);
    const int out = r->out_lane[lane];
    if (++r->first[lane] == v->head->config.depth) r->first[lane] = 0;
    const int left = --r->count[lane];
    const int credits = --r->credits[out];
    if (flit & 2u) {
        r->free_vcs[port] |= (small)(1u << (out % GROUP));
        r->active &= ~bit;
        r->busy &= ~bit;
        r->ready &= ~bit;
        if (left > 0) begin_packet(v, node, lane, *noc_place_of(v, node, lane, r->first[lane]));
    } else if (left == 0 || credits == 0) {
        r->ready &= ~bit;
    }

    const uint32_t *links = &v->links[(size_t)node * 2 * CS_NOC_PORTS];
    ++v->link_flits[(size_t)node * CS_NOC_LINKS + (size_t)port];
    if (port == NODE_PORT) {
        if (flit & 3u) send_flit(v->landing, (uint32_t)node, flit);
        send_credit(v->from_nodes, (uint32_t)node * 64u + (uint32_t)out);
    } else {
        if (flit & 4u) copy_flit(v, node, flit);
        send_flit(v->hops, links[port] + (uint32_t)(out % GROUP), flit);
    }
    const int input = lane / GROUP;
    send_credit(input == NODE_PORT ? v->to_sources : v->to_routers,
                links[CS_NOC_PORTS + input] + (uint32_t)(lane % GROUP));
}

/* Whether an output has a VC that no packet holds, with a credit. */
static int has_free_credit(const noc_router *r, int port) {
    for (unsigned vcs = r->free_vcs[port]; vcs; vcs &= vcs - 1)
        if (r->credits[port * GROUP + lowest(vcs)] > 0) return 1;
    return 0;
}

/* Waiting input VCs that bid for the switch all the same: their output has a VC with a credit to give. */
static uint64_t speculate(const noc_router *r) {
    uint64_t bids = 0;
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (has_free_credit(r, r->out_port[lowest(lanes)])) bids |= lanes & (~lanes + 1);
    return bids;
}

/* Moves the pointers of a grant in the switch. */
static inline void granted_switch(noc_router *r, int input, int vc, int port) {
    r->output_next[port] = (small)(input + 1);
    r->input_next[input] = (small)(port + 1);
    r->vc_next[input] = (small)(vc + 1);
}

/* Switch allocation: one iteration of iSLIP between inputs and outputs, then the granted flits leave. `speculative`
 * input VCs bid where no other VC of their input bids for the output; of those granted, the ones leave that are among
 * `allocated`: they got a VC with a credit in this clock. Returns the latter less those that left. */
static ALWAYS_INLINE uint64_t allocate_switch(noc_view *v, int32_t node, uint64_t speculative, uint64_t allocated) {
    noc_router *r = &v->routers[node];
    const uint64_t bids = r->ready | speculative;
    if (!bids) return allocated;
    if (!(bids & (bids - 1)) && !speculative) { /* alone: no allocation to do, the pointers move all the same */
        const int lane = lowest(bids), port = r->out_port[lane];
        granted_switch(r, lane / GROUP, lane % GROUP, port);
        move_flit(v, node, port, lane);
        return allocated;
    }
    const uint64_t ready = r->ready;
    unsigned grants[CS_NOC_PORTS] = {0};
    unsigned granted = 0;
    uint64_t bidding[CS_NOC_PORTS];
    for (unsigned ports = by_output(r, bids, bidding); ports; ports &= ports - 1) {
        const int port = lowest(ports);
        /* Collapse the VCs of each input into the lowest bit of its group. */
        uint64_t inputs = bidding[port];
        inputs |= inputs >> 4;
        inputs |= inputs >> 2;
        inputs |= inputs >> 1;
        const int input = first_from(inputs & LANE_BYTES, r->output_next[port] * GROUP) / GROUP;
        grants[input] |= 1u << port;
        granted |= 1u << input;
    }
    for (; granted; granted &= granted - 1) {
        const int input = lowest(granted);
        const int port = first_from(grants[input], r->input_next[input]);
        const uint64_t of_input = bidding[port] & ((uint64_t)0xff << (input * GROUP));
        const uint64_t sure = of_input & ready;
        const int vc = first_from((sure ? sure : of_input) >> (input * GROUP), r->vc_next[input]);
        const int lane = input * GROUP + vc;
        const uint64_t bit = (uint64_t)1 << lane;
        granted_switch(r, input, vc, port);
        if (!sure) {
            if (!(allocated & bit)) continue;
            allocated ^= bit;
            r->ready |= bit;
        }
        move_flit(v, node, port, lane);
    }
    return allocated;
}

/* Whether a waiting input VC wants an output that has a free VC. */
static int can_allocate(const noc_router *r) {
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (r->free_vcs[r->out_port[lowest(lanes)]]) return 1;
    return 0;
}

/* One clock of a router; returns whether it has something to do in the next one, come what may. */
static ALWAYS_INLINE int run_router(noc_view *v, int32_t node, int speculates) {
    noc_router *r = &v->routers[node];
    const uint64_t routed = r->routing;
    r->routing = 0;
    /* Both allocations work on the state at the start of the clock: VCs that tails free now are not asked for before
     * the next one, and who gets a VC now, or is routed now, goes on in the next one. */
    const uint64_t speculative = speculates ? speculate(r) : 0;
    const uint64_t allocated = r->waiting ? allocate_vcs(v, r) : 0;
    r->ready |= allocate_switch(v, node, speculative, allocated);
    r->waiting |= routed;
    return (r->ready | r->routing) != 0 || can_allocate(r);
}

/* The loop over routers that have something to do, once for each kind: the code for speculation makes the other a
fifth slower. */
static ALWAYS_INLINE uint64_t run_routers(noc_view *v, int64_t clk, int speculates) {
    noc_header *head = v->head;
    const int credit_delay = head->config.credit_delay;
    v->hops = flits_due(v->arrivals, head->arrivals, head->nodes, clk + HOP_CLOCKS);
    v->landing = flits_due(v->landings, head->landings, head->nodes, clk + HOP_CLOCKS);
    v->to_routers = credits_due(v, clk + CREDIT_CLOCKS + credit_delay);
    v->to_sources = credits_due(v, clk + CREDIT_CLOCKS);
    v->from_nodes = credits_due(v, clk + HOP_CLOCKS + CREDIT_CLOCKS + credit_delay);
    uint64_t any = 0;
    for (int32_t word = 0; word < head->words; ++word) {
        uint64_t again = 0;
        for (uint64_t left = v->active_routers[word]; left; left &= left - 1)
            if (run_router(v, word * 64 + lowest(left), speculates)) again |= left & (~left + 1);
        v->active_routers[word] = again;
        any |= again;
    }
    return any;
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
        head->flits_injected += p->flits;
        v->link_flits[(size_t)node * CS_NOC_LINKS + NODE_LINK] += p->flits;
        int32_t at = node;
        int port;
        do {
            port = noc_route(v, at, p->dst);
            v->link_flits[(size_t)at * CS_NOC_LINKS + (size_t)port] += p->flits;
            head->buffer_writes += p->flits;
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

void noc_run_clock(noc_view *v, int64_t clk) {
    noc_header *head = v->head;
    take_arrivals(v, clk);
    while (head->heap_count > 0 && v->packets[v->sources[v->heap[0]].first].created <= clk) {
        const int32_t node = noc_heap_take(v);
        if (head->config.ideal)
            pass_through(v, node, clk);
        else
            wake_source(v, node);
    }
    if (head->sources_active) {
        uint64_t any = 0;
        for (int32_t word = 0; word < head->words; ++word) {
            for (uint64_t left = v->active_sources[word]; left; left &= left - 1)
                run_source(v, word * 64 + lowest(left), clk);
            any |= v->active_sources[word];
        }
        head->sources_active = any != 0;
    }
    if (head->routers_active)
        head->routers_active = (head->config.speculative ? run_routers(v, clk, 1) : run_routers(v, clk, 0)) != 0;
    head->now = clk;
}
