/* The routers in one clock: what reaches them, VC allocation, switch allocation, and what leaves them.
 *
 * NOTE: what happens in a network is next to random, and a branch that nobody can foresee costs as much as forty
 * instructions. So stages go through lists of VCs, of all routers together, with as few branches as there can be; what
 * may be the last entry of a list is written and then counted or not. */
#include "noc_state.h"

/* Where goes what routers send in the clock at hand: lists of the wheel, looked up once for all of them. The first two
 * by whether a flit leaves for the node, the next two by whether its credit goes back to the node. */
enum { TO_FLITS, TO_NODE_CREDITS, TO_CREDITS, TO_SOURCE_CREDITS, TO_HEADS, SENDS };

typedef struct {
    uint32_t *lists[SENDS];
    uint64_t *landings;
    int64_t landing_clk;
} noc_sends;

/* An input VC wants a VC of its output. If none is free it is blocked, until a tail frees one. */
static ALWAYS_INLINE void wait_for_vc(noc_view *v, noc_router *r, const noc_input *in) {
    uint32_t *waiting = v->waiting;
    const uint64_t none = (uint64_t)(noc_free_of(r, in->out_port) == 0);
    waiting[waiting[0] + 1] = noc_at(v, in);
    waiting[0] += 1 - (uint32_t)none;
    r->blocked |= in->bit & (0 - none);
}

/* An input VC with a head in front begins: it is routed in this clock, or without that stage asks for a VC at once. */
static inline void begin_packet(noc_view *v, noc_router *r, noc_input *in) {
    in->packet = v->places[in->queue + in->first];
    const noc_packet *p = &v->packets[in->packet >> 1];
    in->left = p->flits;
    in->out_port = (small)noc_route(v, r->node, p->dst);
    in->key = (small)(1u << in->out_port | 0x100u << in->input);
    if (v->head->config.routing_delay)
        noc_append(v->routing, noc_at(v, in));
    else
        wait_for_vc(v, r, in);
}

/* What reaches routers. A head that finds no flit is in front: the packet before it, if any, has left as a whole. */
void noc_take_arrivals(noc_view *v, int64_t clk) {
    uint32_t *heads = noc_list(v, v->heads, (size_t)clk), *flits = noc_list(v, v->flits, (size_t)clk);
    uint32_t *credits = noc_list(v, v->credits, (size_t)clk);
    const uint32_t *heads_end = heads + heads[0], *flits_end = flits + flits[0], *credits_end = credits + credits[0];
    uint32_t *ready = v->ready + v->ready[0] + 1;
    for (const uint32_t *flit = flits; flit++ < flits_end;) {
        noc_input *in = noc_input_at(v, *flit);
        *ready = *flit;
        ready += (in->count++ == 0) & in->credited;
    }
    for (const uint32_t *flit = heads; flit++ < heads_end;) {
        noc_input *in = noc_input_at(v, *flit);
        if (in->count++ == 0) begin_packet(v, noc_router_at(v, in->router), in);
    }
    for (const uint32_t *credit = credits; credit++ < credits_end;) {
        noc_output *out = noc_output_at(v, *credit);
        /* With credits before it changes nothing; and who holds the VC, if anybody does, bids if it has a flit. */
        if (out->credits++ > 0) continue;
        const noc_router *r = noc_router_at(v, out->router);
        if (r->free >> (out - r->out) & 1u) continue;
        noc_input *owner = noc_input_at(v, out->owner);
        owner->credited = 1;
        *ready = out->owner;
        ready += owner->count > 0;
    }
    heads[0] = flits[0] = credits[0] = 0;
    v->ready[0] = (uint32_t)(ready - v->ready - 1);
}

/* An input VC gets a VC of its output, and may bid for the switch from the next clock on, if that has a credit. */
static ALWAYS_INLINE void hold(noc_view *v, noc_router *r, int lane, uint64_t offered) {
    noc_input *in = &r->in[lane];
    const int which = first_from(offered, in->accept_next);
    noc_output *out = &r->out[which];
    ++v->head->vc_allocations;
    in->accept_next = (small)(which + 1);
    in->out = noc_at(v, out);
    in->credited = out->credits > 0;
    out->grant_next = (small)(lane + 1);
    out->owner = noc_at(v, in);
    r->free ^= (uint64_t)1 << which;
    r->waiting &= ~in->bit;
}

/* One iteration of iSLIP between input VCs that ask for one port and its free VCs. */
static void allocate_vcs_of(noc_view *v, noc_router *r, int port) {
    uint64_t requests = 0, granted = 0;
    uint64_t grants[LANES];
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (r->in[lowest(lanes)].out_port == port) requests |= lanes & (~lanes + 1);
    for (uint64_t free = noc_free_of(r, port); free; free &= free - 1) {
        const int lane = first_from(requests, r->out[lowest(free)].grant_next);
        if (!((granted >> lane) & 1u)) grants[lane] = 0;
        granted |= (uint64_t)1 << lane;
        grants[lane] |= free & (~free + 1);
    }
    for (; granted; granted &= granted - 1)
        hold(v, r, lowest(granted), grants[lowest(granted)]);
}

/* VC allocation: one iteration of iSLIP between waiting input VCs and free output VCs. Winners are written to `won`, at
 * most as many as wait; returns their number. The others still wait. */
static uint32_t allocate_vcs(noc_view *v, uint32_t *won) {
    uint32_t *waiting = v->waiting + 1, count = v->waiting[0], others = 0, winners = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const noc_input *in = noc_input_at(v, waiting[i]);
        noc_router *r = noc_router_at(v, in->router);
        const small port = in->key & 0xffu;
        r->waiting |= in->bit;
        r->asked_twice |= r->asked & port;
        r->asked |= port;
    }
    for (uint32_t i = 0; i < count; ++i) {
        const noc_input *in = noc_input_at(v, waiting[i]);
        noc_router *r = noc_router_at(v, in->router);
        r->asked = 0;
        if (r->asked_twice & in->key) {
            waiting[others++] = waiting[i];
            continue;
        }
        won[winners++] = waiting[i]; /* alone: all that is free is granted to it */
        hold(v, r, in->input * GROUP + in->vc, noc_free_of(r, in->out_port));
    }
    for (uint32_t i = 0; i < others; ++i) {
        const noc_input *in = noc_input_at(v, waiting[i]);
        noc_router *r = noc_router_at(v, in->router);
        if (!(r->asked_twice & in->key)) continue;
        r->asked_twice &= (small)~in->key;
        allocate_vcs_of(v, r, in->out_port);
    }
    v->waiting[0] = 0;
    for (uint32_t i = 0; i < others; ++i) {
        const noc_input *in = noc_input_at(v, waiting[i]);
        noc_router *r = noc_router_at(v, in->router);
        if (r->waiting & in->bit) {
            r->waiting ^= in->bit;
            wait_for_vc(v, r, in);
        } else {
            won[winners++] = noc_at(v, in);
        }
    }
    return winners;
}

/* Landings are kept in order of the router and input. */
static inline uint32_t order_of(const noc_router *r, const noc_input *in) {
    return (uint32_t)r->node * CS_NOC_PORTS + in->input;
}

/* A tail leaves its buffer: its VC is free for those that wait for one of the output, from the next clock on. */
static ALWAYS_INLINE void end_packet(noc_view *v, noc_router *r, noc_input *in, const noc_output *out) {
    const int port = in->out_port;
    r->free |= (uint64_t)1 << (out - r->out);
    for (uint64_t lanes = r->blocked; lanes; lanes &= lanes - 1) {
        const noc_input *other = &r->in[lowest(lanes)];
        if (other->out_port != port) continue;
        r->blocked ^= other->bit;
        noc_append(v->waiting, noc_at(v, other));
    }
    in->credited = 0;
    --in->queued;
    if (++in->first == v->head->config.depth) in->first = 0;
    if (in->count > 0) begin_packet(v, r, in);
}

/* What more there is to do for a head, a tail or a flit of a multicast packet that leaves its buffer. */
static ALWAYS_INLINE void move_edge(noc_view *v, const noc_sends *to, noc_router *r, noc_input *in,
                                    const noc_output *out) {
    noc_packet *p = &v->packets[in->packet >> 1];
    const int is_head = in->left + 1 == p->flits, is_tail = in->left == 0;
    if (in->out_port == NODE_PORT) {
        noc_append(to->lists[TO_NODE_CREDITS], out->ahead);
        if (is_head) p->head_out = to->landing_clk;
        if (is_tail) noc_land(to->landings, order_of(r, in), in->packet >> 1);
    } else {
        noc_append(to->lists[is_head ? TO_HEADS : TO_FLITS], out->ahead);
        if (is_head) noc_enqueue(v, noc_input_at(v, out->ahead), in->packet);
        if (in->packet & 1u) noc_copy_flit(v, p, r->node, in->left, to->landing_clk, to->landings, order_of(r, in));
    }
    if (is_tail)
        end_packet(v, r, in, out);
    else
        in->plain = (in->left > 1) & ~in->packet;
}

/* A flit that won the switch leaves its buffer, and the pointers move. */
static ALWAYS_INLINE void move_flit(noc_view *v, const noc_sends *to, noc_router *r, noc_input *in) {
    noc_output *out = noc_output_at(v, in->out);
    const unsigned port = in->out_port, input = in->input;
    r->output_next[port] = (small)(input + 1);
    r->input_next[input] = (small)(port + 1);
    r->vc_next[input] = (small)(in->vc + 1);
    const int32_t left = --in->left;
    --in->count;
    in->credited = --out->credits > 0;
    ++out->sent;
    noc_append(to->lists[TO_CREDITS + input / NODE_PORT], in->behind);
    if (!in->plain) {
        move_edge(v, to, r, in, out);
        return;
    }
    noc_append(to->lists[TO_FLITS + port / NODE_PORT], out->ahead);
    in->plain = left > 1;
}

/* Waiting input VCs that bid for the switch all the same: their output has a VC with a credit to give. Their routers'
 * switches are to be allocated; returns the number of those VCs. */
static uint32_t speculate(noc_view *v) {
    const uint32_t *waiting = v->waiting;
    uint32_t count = 0;
    for (uint32_t i = 1; i <= waiting[0]; ++i) {
        const noc_input *in = noc_input_at(v, waiting[i]);
        noc_router *r = noc_router_at(v, in->router);
        if (!noc_has_free_credit(r, in->out_port)) continue;
        r->guesses |= in->bit;
        r->clash |= in->key;
        v->clashes[count++] = waiting[i];
    }
    return count;
}

/* Switch allocation of a router: one iteration of iSLIP between inputs and outputs, then the granted flits leave. VCs
 * that guess bid where no other VC of their input bids for the output; of those granted, the ones leave that got a VC
 * with a credit in this clock. */
static void allocate_switch(noc_view *v, const noc_sends *to, noc_router *r) {
    const uint64_t bids = r->bids | r->guesses;
    unsigned grants[CS_NOC_PORTS] = {0};
    unsigned granted = 0, ports = 0;
    uint64_t bidding[CS_NOC_PORTS];
    for (uint64_t lanes = bids; lanes; lanes &= lanes - 1) {
        const int port = r->in[lowest(lanes)].out_port;
        bidding[port] = (ports >> port & 1u ? bidding[port] : 0) | (lanes & (~lanes + 1));
        ports |= 1u << port;
    }
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
        const uint64_t sure = of_input & r->bids;
        const int vc = first_from((sure ? sure : of_input) >> (input * GROUP), r->vc_next[input]);
        noc_input *in = &r->in[input * GROUP + vc];
        if (!sure && !in->credited) { /* the pointers move all the same */
            r->output_next[port] = (small)(input + 1);
            r->input_next[input] = (small)(port + 1);
            r->vc_next[input] = (small)(vc + 1);
            continue;
        }
        move_flit(v, to, r, in);
    }
}

/* A VC that bid, or that may from now on, is counted as ready for the next clock, or not. */
static ALWAYS_INLINE uint32_t *keep_ready(const noc_view *v, uint32_t *end, uint32_t at) {
    const noc_input *in = noc_input_at(v, at);
    *end = at;
    return end + ((in->count > 0) & in->credited);
}

/* Switch allocation of all routers. A VC whose input and output no other one wants leaves: there is nothing to
 * allocate, and it is in nobody's way. The first `guesses` clashes are VCs that guess. Returns the end of the VCs that
 * are still ready. */
static uint32_t *allocate_switches(noc_view *v, const noc_sends *to, uint32_t guesses) {
    uint32_t *ready = v->ready + 1, *kept = ready;
    const uint32_t count = v->ready[0];
    for (uint32_t i = 0; i < count; ++i) {
        const noc_input *in = noc_input_at(v, ready[i]);
        noc_router *r = noc_router_at(v, in->router);
        r->bids |= in->bit;
        r->clash |= r->taken & in->key;
        r->taken |= in->key;
    }
    uint32_t others = guesses, alone = 0;
    uint32_t *clashes = v->clashes;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t at = ready[i];
        const noc_input *in = noc_input_at(v, at);
        const uint32_t is = (noc_router_at(v, in->router)->clash & in->key) != 0;
        clashes[others] = ready[alone] = at;
        others += is;
        alone += 1 - is;
    }
    for (uint32_t i = 0; i < alone; ++i) {
        const uint32_t at = ready[i];
        noc_input *in = noc_input_at(v, at);
        noc_router *r = noc_router_at(v, in->router);
        r->bids ^= in->bit;
        r->taken = 0;
        move_flit(v, to, r, in);
        kept = keep_ready(v, kept, at);
    }
    for (uint32_t i = 0; i < others; ++i) {
        noc_router *r = noc_router_at(v, noc_input_at(v, clashes[i])->router);
        if (!(r->bids | r->guesses)) continue;
        allocate_switch(v, to, r);
        r->bids = r->guesses = 0;
        r->taken = r->clash = 0;
    }
    for (uint32_t i = guesses; i < others; ++i)
        kept = keep_ready(v, kept, clashes[i]);
    return kept;
}

void noc_run_routers(noc_view *v, int64_t clk) {
    noc_header *head = v->head;
    const size_t hop = (size_t)clk + HOP_CLOCKS;
    const size_t credit = (size_t)clk + CREDIT_CLOCKS + (size_t)head->config.credit_delay;
    const noc_sends to = {
        .lists = {noc_list(v, v->flits, hop), noc_list(v, v->credits, credit + HOP_CLOCKS),
                  noc_list(v, v->credits, credit), noc_source_list(v, (size_t)clk + CREDIT_CLOCKS),
                  noc_list(v, v->heads, hop)},
        .landings = noc_landing_list(v, hop),
        .landing_clk = clk + HOP_CLOCKS,
    };
    /* Both allocations work on the state at the start of the clock: VCs that tails free now are not asked for before
     * the next one, and who gets a VC now, or is routed now, goes on in the next one. */
    const uint32_t routed = v->routing[0];
    uint32_t *won = v->ready + 1 + v->ready[0];
    const uint32_t guesses = head->config.speculative ? speculate(v) : 0;
    const uint32_t winners = allocate_vcs(v, won);
    uint32_t *kept = allocate_switches(v, &to, guesses);
    for (uint32_t i = 0; i < winners; ++i)
        kept = keep_ready(v, kept, won[i]);
    v->ready[0] = (uint32_t)(kept - v->ready - 1);

    uint32_t *routing = v->routing + 1;
    for (uint32_t i = 0; i < routed; ++i) {
        const noc_input *in = noc_input_at(v, routing[i]);
        wait_for_vc(v, noc_router_at(v, in->router), in);
    }
    v->routing[0] -= routed;
    for (uint32_t i = 0; i < v->routing[0]; ++i)
        routing[i] = routing[routed + i];
}
