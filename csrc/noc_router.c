/* The routers in one clock: what reaches them, VC allocation, switch allocation, and what leaves them. */
#include "noc_state.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Where goes what routers send in the clock at hand: lists of the wheel, looked up once for all of them. The first two
 * by whether a flit leaves for the node, the next two by whether its credit goes back to the node. */
enum { TO_FLITS, TO_NODE_CREDITS, TO_CREDITS, TO_SOURCE_CREDITS, TO_LANDINGS, SENDS };

typedef struct {
    uint32_t *lists[SENDS];
    int64_t landing_clk;
} noc_sends;

/* An input VC with a head in front begins: it is routed in this clock, or without that stage asks for a VC at once. */
static inline void begin_packet(noc_view *v, int32_t node, noc_router *r, int lane) {
    const uint64_t bit = (uint64_t)1 << lane;
    const uint32_t packet = *noc_place_of(v, node, lane, r->first[lane]);
    const noc_packet *p = &v->packets[packet >> 1];
    r->packet[lane] = packet;
    r->in[lane].left = p->flits;
    r->in[lane].out_port = (small)noc_route(v, node, p->dst);
    r->busy |= bit;
    if (v->head->config.routing_delay)
        r->routing |= bit;
    else
        r->waiting |= bit;
}

static inline void wake_router(noc_view *v, uint32_t node) {
    v->active_routers[node >> 6] |= (uint64_t)1 << (node & 63);
}

void noc_take_arrivals(noc_view *v, int64_t clk) {
    noc_header *head = v->head;
    uint32_t *flits = noc_list(v, v->flits, (size_t)clk), *credits = noc_list(v, v->credits, (size_t)clk);
    if (flits[0]) head->routers_active = 1;
    for (uint32_t i = 1; i <= flits[0]; ++i) {
        const uint32_t node = flits[i] >> 6;
        const int lane = (int)(flits[i] & 63u);
        const uint64_t bit = (uint64_t)1 << lane;
        noc_router *r = &v->routers[node];
        ++r->in[lane].count;
        r->ready |= bit & r->credited;
        if (!(r->busy & bit)) begin_packet(v, (int32_t)node, r, lane);
        wake_router(v, node);
    }
    flits[0] = 0;
    for (uint32_t i = 1; i <= credits[0]; ++i) {
        const uint32_t node = credits[i] >> 6;
        const int lane = (int)(credits[i] & 63u);
        noc_router *r = &v->routers[node];
        noc_output *out = &r->out[lane];
        /* With credits before it changes nothing; and who holds the VC, if anybody does, bids if it has a flit. */
        if (out->credits++ > 0 || (r->free >> lane & 1u)) continue;
        r->credited |= (uint64_t)1 << out->owner;
        if (r->in[out->owner].count == 0) continue;
        r->ready |= (uint64_t)1 << out->owner;
        wake_router(v, node);
        head->routers_active = 1;
    }
    credits[0] = 0;
}

/* By output port: those of the input VCs that want it; returns the ports. `alone`: no two want the same. */
static ALWAYS_INLINE unsigned by_output(const noc_router *r, uint64_t lanes, uint64_t *wanting, int *alone) {
    unsigned ports = 0;
    *alone = 1;
    for (; lanes; lanes &= lanes - 1) {
        const int port = r->in[lowest(lanes)].out_port;
        if ((ports >> port) & 1u)
            *alone = 0;
        else
            wanting[port] = 0;
        wanting[port] |= lanes & (~lanes + 1);
        ports |= 1u << port;
    }
    return ports;
}

/* An input VC gets a VC of its output; returns its bit if it may bid for the switch from the next clock on. */
static ALWAYS_INLINE uint64_t hold(noc_view *v, noc_router *r, int lane, uint64_t offered) {
    const uint64_t bit = (uint64_t)1 << lane;
    noc_input *in = &r->in[lane];
    const int out = first_from(offered, in->accept_next);
    ++v->head->vc_allocations;
    in->accept_next = (small)(out + 1);
    in->out_lane = (small)out;
    r->out[out].grant_next = (small)(lane + 1);
    r->out[out].owner = (small)lane;
    r->free ^= (uint64_t)1 << out;
    r->waiting ^= bit;
    if (r->out[out].credits == 0) return 0;
    r->credited |= bit;
    return bit;
}

/* Of the free output VCs those of a port. */
static inline uint64_t free_of(const noc_router *r, int port) {
    return r->free & (uint64_t)0xff << (port * GROUP);
}

/* One iteration of iSLIP between input VCs that ask for one port and its free VCs. */
static uint64_t allocate_vcs_of(noc_view *v, noc_router *r, uint64_t requests, uint64_t free) {
    uint64_t ready = 0, granted = 0;
    uint64_t grants[LANES];
    for (; free; free &= free - 1) {
        const int lane = first_from(requests, r->out[lowest(free)].grant_next);
        if (!((granted >> lane) & 1u)) grants[lane] = 0;
        granted |= (uint64_t)1 << lane;
        grants[lane] |= free & (~free + 1);
    }
    for (; granted; granted &= granted - 1)
        ready |= hold(v, r, lowest(granted), grants[lowest(granted)]);
    return ready;
}

/* VC allocation: one iteration of iSLIP between waiting input VCs and free output VCs. Returns the winners that may bid
 * for the switch from the next clock on. */
static ALWAYS_INLINE uint64_t allocate_vcs(noc_view *v, noc_router *r) {
    const uint64_t waiting = r->waiting;
    if (!(waiting & (waiting - 1))) { /* alone: all that is free is granted to it */
        const int lane = lowest(waiting);
        const uint64_t free = free_of(r, r->in[lane].out_port);
        return free ? hold(v, r, lane, free) : 0;
    }
    uint64_t ready = 0;
    uint64_t asking[CS_NOC_PORTS];
    int alone;
    for (unsigned ports = by_output(r, waiting, asking, &alone); ports; ports &= ports - 1) {
        const int port = lowest(ports);
        const uint64_t free = free_of(r, port);
        if (free) ready |= allocate_vcs_of(v, r, asking[port], free);
    }
    return ready;
}

/* The tail of a packet, or of a copy, is on its way to the node. */
static inline void send_tail(const noc_sends *to, uint32_t slot) {
    noc_append(to->lists[TO_LANDINGS], slot);
}

/* A flit of a multicast packet leaves for the next router: if there is a copy for this node, it goes there too. */
static void copy_flit(noc_view *v, const noc_sends *to, int32_t node, uint32_t slot, int is_head, int is_tail) {
    noc_packet *p = &v->packets[slot];
    int32_t copy = p->copies;
    while (copy != NOBODY && v->packets[copy].dst != node)
        copy = v->packets[copy].copies;
    if (copy == NOBODY) return;
    ++v->head->flits_copied;
    if (is_head) v->packets[copy].head_out = to->landing_clk;
    if (!is_tail) return;
    /* Its slot may be used again once it is delivered: with the tail it leaves the list, whose first it is. */
    p->copies = v->packets[copy].copies;
    send_tail(to, (uint32_t)copy);
}

/* What more there is to do for a head, a tail or a flit of a multicast packet that leaves its buffer. */
static ALWAYS_INLINE void move_edge(noc_view *v, const noc_sends *to, int32_t node, noc_router *r, int port, int lane) {
    const uint64_t bit = (uint64_t)1 << lane;
    noc_input *in = &r->in[lane];
    const uint32_t packet = r->packet[lane];
    noc_packet *p = &v->packets[packet >> 1];
    const int is_head = in->left + 1 == p->flits, is_tail = in->left == 0;
    if (port == NODE_PORT) {
        if (is_head) p->head_out = to->landing_clk;
        if (is_tail) send_tail(to, packet >> 1);
    } else {
        const uint32_t ahead = r->out[in->out_lane].ahead;
        if (is_head) noc_enqueue(v, (int32_t)(ahead >> 6), (int)(ahead & 63u), packet);
        if (packet & 1u) copy_flit(v, to, node, packet >> 1, is_head, is_tail);
    }
    if (!is_tail) {
        if (in->left > 1 && !(packet & 1u)) r->plain |= bit;
        return;
    }
    r->free |= (uint64_t)1 << in->out_lane;
    r->credited &= ~bit;
    r->ready &= ~bit;
    r->busy &= ~bit;
    --r->queued[lane];
    if (++r->first[lane] == v->head->config.depth) r->first[lane] = 0;
    if (in->count > 0) begin_packet(v, node, r, lane);
}

/* A flit that won the switch leaves its buffer.
 * NOTE: most flits are plain, and whatever can be is done for all alike: an unforeseen branch costs as much as forty
 * instructions. */
static ALWAYS_INLINE void move_flit(noc_view *v, const noc_sends *to, int32_t node, noc_router *r, int port, int lane) {
    const uint64_t bit = (uint64_t)1 << lane;
    noc_input *in = &r->in[lane];
    noc_output *out = &r->out[in->out_lane];
    const int32_t left = --in->left;
    const int count = --in->count, credits = --out->credits;
    ++r->sent[port];
    noc_append(to->lists[TO_FLITS + port / NODE_PORT], out->ahead);
    noc_append(to->lists[TO_CREDITS + lane / (NODE_PORT * GROUP)], in->behind);
    if (credits == 0) r->credited &= ~bit;
    if ((count == 0) | (credits == 0)) r->ready &= ~bit;
    if (!(r->plain & bit))
        move_edge(v, to, node, r, port, lane);
    else if (left == 1)
        r->plain ^= bit;
}

/* Whether an output has a VC that no packet holds, with a credit. */
static int has_free_credit(const noc_router *r, int port) {
    for (uint64_t free = free_of(r, port); free; free &= free - 1)
        if (r->out[lowest(free)].credits > 0) return 1;
    return 0;
}

/* Waiting input VCs that bid for the switch all the same: their output has a VC with a credit to give. */
static uint64_t speculate(const noc_router *r) {
    uint64_t bids = 0;
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (has_free_credit(r, r->in[lowest(lanes)].out_port)) bids |= lanes & (~lanes + 1);
    return bids;
}

/* Moves the pointers of a grant in the switch. */
static inline void granted_switch(noc_router *r, int input, int vc, int port) {
    r->output_next[port] = (small)(input + 1);
    r->input_next[input] = (small)(port + 1);
    r->vc_next[input] = (small)(vc + 1);
}

/* Whether no two of the input VCs are of one input: of the VCs of each, all but the lowest. */
static inline int one_of_each_input(uint64_t lanes) {
    return !(lanes & ((lanes | 0x8080808080u) - 0x0101010101u));
}

/* Switch allocation: one iteration of iSLIP between inputs and outputs, then the granted flits leave. `speculative`
 * input VCs bid where no other VC of their input bids for the output; of those granted, the ones leave that are among
 * `allocated`: they got a VC with a credit in this clock. Returns the latter less those that left. */
static ALWAYS_INLINE uint64_t allocate_switch(noc_view *v, const noc_sends *to, int32_t node, noc_router *r,
                                              uint64_t speculative, uint64_t allocated) {
    const uint64_t ready = r->ready;
    const uint64_t bids = ready | speculative;
    if (!bids) return allocated;
    if (!(bids & (bids - 1)) && !speculative) { /* alone: no allocation to do, the pointers move all the same */
        const int lane = lowest(bids), port = r->in[lane].out_port;
        granted_switch(r, lane / GROUP, lane % GROUP, port);
        move_flit(v, to, node, r, port, lane);
        return allocated;
    }
    uint64_t bidding[CS_NOC_PORTS];
    int alone;
    unsigned ports = by_output(r, bids, bidding, &alone);
    if (alone && !speculative && one_of_each_input(bids)) {
        for (uint64_t lanes = bids; lanes; lanes &= lanes - 1) {
            const int lane = lowest(lanes), port = r->in[lane].out_port;
            granted_switch(r, lane / GROUP, lane % GROUP, port);
            move_flit(v, to, node, r, port, lane);
        }
        return allocated;
    }
    unsigned grants[CS_NOC_PORTS] = {0};
    unsigned granted = 0;
    for (; ports; ports &= ports - 1) {
        const int port = lowest(ports);
        const int input = first_from(bidding[port], r->output_next[port] * GROUP) / GROUP;
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
        move_flit(v, to, node, r, port, lane);
    }
    return allocated;
}

/* Whether a waiting input VC wants an output that has a free VC. */
static int can_allocate(const noc_router *r) {
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (free_of(r, r->in[lowest(lanes)].out_port)) return 1;
    return 0;
}

/* One clock of a router; returns whether it has something to do in the next one, come what may. */
static ALWAYS_INLINE int run_router(noc_view *v, const noc_sends *to, int32_t node, int speculates) {
    noc_router *r = &v->routers[node];
    const uint64_t routed = r->routing;
    r->routing = 0;
    /* Both allocations work on the state at the start of the clock: VCs that tails free now are not asked for before
     * the next one, and who gets a VC now, or is routed now, goes on in the next one. */
    const uint64_t speculative = speculates ? speculate(r) : 0;
    const uint64_t allocated = r->waiting ? allocate_vcs(v, r) : 0;
    r->ready |= allocate_switch(v, to, node, r, speculative, allocated);
    r->waiting |= routed;
    return (r->ready | r->routing) != 0 || can_allocate(r);
}

/* The loop over routers that have something to do, once for each kind: the code for speculation makes the other a fifth
 * slower. */
static ALWAYS_INLINE uint64_t run_routers(noc_view *v, const noc_sends *to, int speculates) {
    uint64_t any = 0;
    for (int32_t word = 0; word < v->head->words; ++word) {
        uint64_t again = 0;
        for (uint64_t left = v->active_routers[word]; left; left &= left - 1)
            if (run_router(v, to, word * 64 + lowest(left), speculates)) again |= left & (~left + 1);
        v->active_routers[word] = again;
        any |= again;
    }
    return any;
}

void noc_run_routers(noc_view *v, int64_t clk) {
    const size_t hop = (size_t)clk + HOP_CLOCKS;
    const size_t credit = (size_t)clk + CREDIT_CLOCKS + (size_t)v->head->config.credit_delay;
    const noc_sends to = {
        .lists = {noc_list(v, v->flits, hop), noc_list(v, v->credits, credit + HOP_CLOCKS),
                  noc_list(v, v->credits, credit), noc_source_list(v, (size_t)clk + CREDIT_CLOCKS),
                  noc_list(v, v->landings, hop)},
        .landing_clk = clk + HOP_CLOCKS,
    };
    v->head->routers_active = (v->head->config.speculative ? run_routers(v, &to, 1) : run_routers(v, &to, 0)) != 0;
}
