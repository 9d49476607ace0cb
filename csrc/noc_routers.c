/* Routers: what reaches each in a clock, its two allocations, and the flits that leave. */
#include "noc_state.h"

#define LANE_BYTES 0x0101010101010101u

/* A router in a clock. */
typedef struct {
    const noc_view *v;
    noc_router *r;
    noc_lane *lanes; /* the router's */
    int32_t node;
    int64_t clk;
    noc_post flits, to_routers, to_source,
        from_node; /* what leaves now: flits, and credits by who gets or gives them */
} visit;

/* An input VC with a head in front begins: it is routed in this clock, or without that stage asks for a VC at once. */
static inline void begin_packet(const visit *at, int lane) {
    const noc_view *v = at->v;
    noc_lane *l = &at->lanes[lane];
    const uint64_t bit = (uint64_t)1 << lane;
    const int port = noc_route(v, at->node, v->packets[*noc_place(v, l, l->first) >> 3].dst);
    at->r->busy |= bit;
    l->out_port = (noc_small)port;
    if (v->head->config.routing_delay) {
        at->r->routing |= bit;
    } else {
        at->r->waiting[port] |= bit;
        at->r->asked |= 1u << port;
    }
}

static inline void take_flits(const visit *at, uint64_t arrived) {
    noc_router *r = at->r;
    const uint64_t fresh = arrived & ~r->busy;
    uint64_t ready = 0;
    for (uint64_t left = arrived; left; left &= left - 1) {
        const int lane = noc_lowest(left);
        noc_lane *l = &at->lanes[lane];
        ++l->count;
        ready |= (uint64_t)(at->lanes[l->out_lane].credits > 0) << lane;
    }
    r->ready |= ready & r->active; /* of others, out_lane is that of an earlier packet */
    for (uint64_t left = fresh; left; left &= left - 1)
        begin_packet(at, noc_lowest(left));
}

static inline void take_credits(const visit *at, uint64_t returned) {
    noc_router *r = at->r;
    for (; returned; returned &= returned - 1) {
        const int lane = noc_lowest(returned);
        noc_lane *l = &at->lanes[lane];
        ++l->credits;
        const uint32_t held = ~((uint32_t)r->free_vcs[lane / NOC_GROUP] >> (lane % NOC_GROUP)) & 1u;
        r->ready |= (uint64_t)(held & (at->lanes[l->owner].count > 0)) << l->owner;
    }
}

/* VC allocation at an output: one iteration of iSLIP between waiting input VCs and free output VCs. Returns the winners
 * that may bid for the switch from the next clock on. */
static uint64_t allocate_vcs(const visit *at, int port) {
    noc_router *r = at->r;
    const uint64_t requests = r->waiting[port];
    uint64_t granted = 0, ready = 0;
    noc_small grants[NOC_LANES];
    for (uint32_t free_vcs = r->free_vcs[port]; free_vcs; free_vcs &= free_vcs - 1) {
        const int vc = noc_lowest(free_vcs);
        const int lane = noc_first_from(requests, at->lanes[port * NOC_GROUP + vc].grant_next);
        if (!((granted >> lane) & 1u)) grants[lane] = 0;
        granted |= (uint64_t)1 << lane;
        grants[lane] |= (noc_small)(1u << vc);
    }
    r->waiting[port] ^= granted;
    r->holders[port] |= granted;
    r->active |= granted;
    for (; granted; granted &= granted - 1) {
        const int lane = noc_lowest(granted);
        noc_lane *l = &at->lanes[lane];
        const int out = noc_first_from((uint64_t)grants[lane] << (port * NOC_GROUP), l->accept_next);
        noc_lane *o = &at->lanes[out];
        l->accept_next = (noc_small)(out + 1);
        l->out_lane = (noc_small)out;
        o->grant_next = (noc_small)(lane + 1);
        o->owner = (noc_small)lane;
        r->free_vcs[port] &= (noc_small) ~(1u << (out % NOC_GROUP));
        ready |= (uint64_t)(o->credits > 0) << lane;
        ++at->v->head->vc_allocations;
    }
    if (!r->waiting[port]) r->asked &= ~(1u << port);
    if (!r->free_vcs[port]) r->open &= ~(1u << port);
    return ready;
}

/* A head or tail, on its way to the node. */
static void land(const visit *at, uint32_t flit) {
    noc_header *head = at->v->head;
    const size_t turn = noc_turn(at->clk + NOC_HOP_CLOCKS);
    head->due |= 1u << turn;
    at->v->landings[turn * (size_t)head->nodes * CS_NOC_PORTS + head->landings[turn]++] = flit;
}

/* A flit of a multicast packet leaves for the next router: if there is a copy for this node, it goes there too. */
static void copy_flit(const visit *at, uint32_t flit) {
    noc_packet *packets = at->v->packets, *p = &packets[flit >> 3];
    int32_t copy = p->copies;
    while (copy != NOC_NOBODY && packets[copy].dst != at->node)
        copy = packets[copy].copies;
    if (copy == NOC_NOBODY) return;
    ++at->v->head->flits_copied;
    /* Its slot may be used again once it is delivered: with the tail it leaves the list, whose first it is. */
    if (flit & NOC_TAIL) p->copies = packets[copy].copies;
    if (flit & (NOC_HEAD | NOC_TAIL)) land(at, ((uint32_t)copy << 3) | (flit & (NOC_HEAD | NOC_TAIL)));
}

/* A flit that won the switch leaves its buffer. */
static inline void move_flit(const visit *at, int port, int lane) {
    const noc_view *v = at->v;
    const cs_noc_config *c = &v->head->config;
    noc_router *r = at->r;
    noc_lane *l = &at->lanes[lane];
    const int input = lane / NOC_GROUP, out = l->out_lane;
    const uint32_t flit = *noc_place(v, l, l->first);
    const int next = l->first + 1 == c->depth ? 0 : l->first + 1;
    const int left = l->count - 1, credits = at->lanes[out].credits - 1;
    l->first = (noc_small)next;
    l->count = (noc_small)left;
    at->lanes[out].credits = (noc_small)credits;
    r->ready &= ~((uint64_t)((left == 0) | (credits == 0)) << lane);
    if (flit & NOC_TAIL) {
        const uint64_t bit = (uint64_t)1 << lane;
        r->free_vcs[port] |= (noc_small)(1u << (out % NOC_GROUP));
        r->open |= 1u << port;
        r->holders[port] &= ~bit;
        r->active &= ~bit;
        r->busy &= ~bit;
        r->ready &= ~bit;
        if (left > 0) begin_packet(at, lane);
    }

    ++v->link_flits[(size_t)at->node * CS_NOC_LINKS + (size_t)port];
    if (port == NOC_NODE_PORT) {
        if (flit & (NOC_HEAD | NOC_TAIL)) land(at, flit);
        noc_send_credit(v, &at->from_node, (uint32_t)at->node, (uint32_t)out);
    } else {
        if (flit & NOC_COPIES) copy_flit(at, flit);
        noc_send_flit(v, &at->flits, r->links[port].receiver, r->links[port].lane + (uint32_t)(out % NOC_GROUP), flit);
    }
    noc_send_credit(v, input == NOC_NODE_PORT ? &at->to_source : &at->to_routers, l->upstream, l->upstream_lane);
}

/* Waiting input VCs that bid for the switch all the same: their output has a VC with a credit to give. */
static uint64_t speculate(const visit *at) {
    const noc_router *r = at->r;
    uint64_t bids = 0;
    for (uint32_t ports = r->asked & r->open; ports; ports &= ports - 1) {
        const int port = noc_lowest(ports);
        for (uint32_t vcs = r->free_vcs[port]; vcs; vcs &= vcs - 1)
            if (at->lanes[port * NOC_GROUP + noc_lowest(vcs)].credits > 0) bids |= r->waiting[port];
    }
    return bids;
}

/* Moves the pointers of a grant in the switch. */
static inline void granted_switch(noc_router *r, int port, int lane) {
    const int input = lane / NOC_GROUP;
    r->output_next[port] = (noc_small)(input + 1);
    r->input_next[input] = (noc_small)(port + 1);
    r->vc_next[input] = (noc_small)(lane % NOC_GROUP + 1);
}

/* Switch allocation: one iteration of iSLIP between inputs and outputs, then the granted flits leave. `speculative`
 * input VCs bid where no other VC of their input bids for the output; of those granted, the ones leave that are among
 * `allocated`: they got a VC with a credit in this clock. Returns the latter less those that left. */
static inline uint64_t allocate_switch(const visit *at, uint64_t speculative, uint64_t allocated) {
    noc_router *r = at->r;
    const uint64_t ready = r->ready, bids = ready | speculative;
    if (!bids) return allocated;
    if (!(bids & (bids - 1)) && !speculative) { /* alone: no allocation to do, the pointers move all the same */
        const int lane = noc_lowest(bids), port = at->lanes[lane].out_port;
        granted_switch(r, port, lane);
        move_flit(at, port, lane);
        return allocated;
    }
    unsigned grants[CS_NOC_PORTS] = {0};
    unsigned granted = 0;
    uint64_t bidding[CS_NOC_PORTS];
    for (int port = 0; port < CS_NOC_PORTS; ++port) {
        /* Of who speculates some have got their VC by now. */
        uint64_t inputs = bidding[port] = bids & (r->holders[port] | r->waiting[port]);
        if (!inputs) continue;
        /* Collapse the VCs of each input into the lowest bit of its group. */
        inputs |= inputs >> 4;
        inputs |= inputs >> 2;
        inputs |= inputs >> 1;
        const int input = noc_first_from(inputs & LANE_BYTES, (unsigned)r->output_next[port] * NOC_GROUP) / NOC_GROUP;
        grants[input] |= 1u << port;
        granted |= 1u << input;
    }
    for (; granted; granted &= granted - 1) {
        const int input = noc_lowest(granted);
        const int port = noc_first_from(grants[input], r->input_next[input]);
        const uint64_t of_input = bidding[port] & ((uint64_t)0xff << (input * NOC_GROUP));
        const uint64_t sure = of_input & ready;
        const int vc = noc_first_from((sure ? sure : of_input) >> (input * NOC_GROUP), r->vc_next[input]);
        const int lane = input * NOC_GROUP + vc;
        const uint64_t bit = (uint64_t)1 << lane;
        granted_switch(r, port, lane);
        if (!sure) {
            if (!(allocated & bit)) continue;
            allocated ^= bit;
            r->ready |= bit;
        }
        move_flit(at, port, lane);
    }
    return allocated;
}

/* One clock of a router; returns whether it has something to do in the next one, come what may. */
static inline int run_router(visit *router, int32_t node) {
    const noc_view *v = router->v;
    noc_router *r = router->r = &v->routers[node];
    router->lanes = &v->lanes[(size_t)node * NOC_LANES];
    router->node = node;
    const visit *at = router;
    noc_mail *mail = &v->mail[(size_t)node * NOC_WHEEL + noc_turn(at->clk)];
    if (mail->arrived) take_flits(at, mail->arrived);
    if (mail->returned) take_credits(at, mail->returned);
    mail->arrived = mail->returned = 0;
    uint64_t routed = r->routing, allocated = 0;
    r->routing = 0;
    /* Both allocations work on the state at the start of the clock: VCs that tails free now are not asked for before
     * the next one, and who gets a VC now, or is routed now, goes on in the next one. */
    const uint64_t speculative = v->head->config.speculative ? speculate(at) : 0;
    for (uint32_t ports = r->asked & r->open; ports; ports &= ports - 1)
        allocated |= allocate_vcs(at, noc_lowest(ports));
    r->ready |= allocate_switch(at, speculative, allocated);
    for (; routed; routed &= routed - 1) {
        const int lane = noc_lowest(routed), port = at->lanes[lane].out_port;
        r->waiting[port] |= (uint64_t)1 << lane;
        r->asked |= 1u << port;
    }
    return (r->ready | r->routing) != 0 || (r->asked & r->open) != 0;
}

void noc_run_routers(const noc_view *view, int64_t clk) {
    noc_header *head = view->head;
    const size_t turn = noc_turn(clk), words = (size_t)head->words;
    if (!((head->due >> turn) & 1u) && !head->routers_active) return;
    const noc_view v = *view; /* a copy that nobody else sees: its pointers stay in registers */
    const int64_t credit = clk + NOC_CREDIT_CLOCKS, delay = head->config.credit_delay;
    visit at = {.v = &v,
                .clk = clk,
                .flits = noc_post_for(&v, clk + NOC_HOP_CLOCKS),
                .to_routers = noc_post_for(&v, credit + delay),
                .to_source = noc_post_for(&v, credit),
                .from_node = noc_post_for(&v, credit + delay + NOC_HOP_CLOCKS)};
    uint64_t any = 0;
    for (size_t word = 0; word < words; ++word) {
        uint64_t *visits = &v.visits[2 * turn * words + word];
        uint64_t again = 0;
        for (uint64_t left = v.active_routers[word] | *visits; left; left &= left - 1) {
            const int bit = noc_lowest(left);
            again |= (uint64_t)run_router(&at, (int32_t)(word * 64) + bit) << bit;
        }
        *visits = 0;
        v.active_routers[word] = again;
        any |= again;
    }
    head->routers_active = any != 0;
}
