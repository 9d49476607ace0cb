/* Routers with options: several lines from an input into the switch, separable allocators, connections held for a
 * packet, VCs that wait for the tail's credit, longer VC allocation and crossbar. Router by router, those that have
 * something to do; networks without options run faster (noc_router.c). tests/twins/noc_router.py says the same at
 * length. */
#include "noc_state.h"

#include <string.h>

int noc_has_options(const cs_noc_config *c) {
    return c->input_speedup > 1 || c->vc_allocator != CS_NOC_ISLIP || c->sw_allocator != CS_NOC_ISLIP ||
           c->hold_switch_for_packet || c->wait_for_tail_credit || c->st_final_delay > 1 || c->vc_alloc_delay > 1;
}

void noc_init_options(noc_view *v) {
    for (int32_t node = 0; node < v->head->nodes; ++node)
        v->extras[node].loaded = -v->head->config.st_final_delay;
}

static inline uint64_t bit_of(int number) {
    return (uint64_t)1 << number;
}

static void wake_router(noc_view *v, const noc_router *r) {
    v->active_routers[r->node >> 6] |= bit_of(r->node & 63);
    v->head->routers_active = 1;
}

/* Whether an input VC bids from now on. */
static void note_ready(noc_router *r, const noc_input *in) {
    r->bids &= ~in->bit;
    if (in->count > 0 && in->credited) r->bids |= in->bit;
}

/* An input VC with a head in front begins. */
static void begin_packet(noc_view *v, noc_router *r, noc_input *in) {
    in->packet = v->places[in->queue + in->first];
    const noc_packet *p = &v->packets[in->packet >> 1];
    in->left = p->flits;
    in->out_port = (small)noc_route(v, r->node, p->dst);
    if (v->head->config.routing_delay)
        v->extras[r->node].routing |= in->bit;
    else
        r->waiting |= in->bit;
}

/* The last credit of a packet may free its VC; else who holds it, if anybody does, bids if it has a flit. */
static void take_credit(noc_view *v, noc_router *r, noc_output *out) {
    noc_extra *e = &v->extras[r->node];
    const uint64_t bit = bit_of((int)(out - r->out));
    ++out->credits;
    if (e->closed & bit) {
        if (out->credits < (uint32_t)v->head->config.depth) return;
        e->closed ^= bit;
        r->free |= bit;
    } else if (!(r->free & bit)) {
        noc_input *owner = noc_input_at(v, out->owner);
        owner->credited = 1;
        note_ready(r, owner);
    }
    wake_router(v, r);
}

void noc_take_arrivals_with_options(noc_view *v, int64_t clk) {
    uint32_t *heads = noc_list(v, v->heads, (size_t)clk), *flits = noc_list(v, v->flits, (size_t)clk);
    uint32_t *credits = noc_list(v, v->credits, (size_t)clk);
    for (uint32_t i = 1; i <= flits[0]; ++i) {
        noc_input *in = noc_input_at(v, flits[i]);
        noc_router *r = noc_router_at(v, in->router);
        ++in->count;
        note_ready(r, in);
        wake_router(v, r);
    }
    for (uint32_t i = 1; i <= heads[0]; ++i) {
        noc_input *in = noc_input_at(v, heads[i]);
        noc_router *r = noc_router_at(v, in->router);
        if (in->count++ == 0) begin_packet(v, r, in);
        wake_router(v, r);
    }
    for (uint32_t i = 1; i <= credits[0]; ++i) {
        noc_output *out = noc_output_at(v, credits[i]);
        take_credit(v, noc_router_at(v, out->router), out);
    }
    heads[0] = flits[0] = credits[0] = 0;
}

/* An input VC is to get an output VC: both pointers move past the partner. */
static void match_vc(noc_router *r, noc_extra *e, int lane, int which) {
    r->in[lane].accept_next = (small)(which + 1);
    r->out[which].grant_next = (small)(lane + 1);
    e->match[lane] = (small)which;
    e->matched |= bit_of(lane);
}

/* iSLIP: each free VC of an output offers itself to one of those that ask, each of these chooses. */
static void offer_vcs(noc_router *r, noc_extra *e, uint64_t asking, uint64_t free) {
    uint64_t offers[LANES], offered = 0;
    for (; free; free &= free - 1) {
        const int which = lowest(free);
        const int lane = first_from(asking, r->out[which].grant_next);
        offers[lane] = (offered >> lane & 1u ? offers[lane] : 0) | bit_of(which);
        offered |= bit_of(lane);
    }
    for (; offered; offered &= offered - 1) {
        const int lane = lowest(offered);
        match_vc(r, e, lane, first_from(offers[lane], r->in[lane].accept_next));
    }
}

/* Separable: each that asks chooses one of the free VCs, each of these takes one of those that chose it. */
static void choose_vcs(noc_router *r, noc_extra *e, uint64_t asking, uint64_t free) {
    uint64_t askers[LANES], asked = 0;
    for (; asking; asking &= asking - 1) {
        const int lane = lowest(asking);
        const int which = first_from(free, r->in[lane].accept_next);
        askers[which] = (asked >> which & 1u ? askers[which] : 0) | bit_of(lane);
        asked |= bit_of(which);
    }
    for (; asked; asked &= asked - 1) {
        const int which = lowest(asked);
        match_vc(r, e, first_from(askers[which], r->out[which].grant_next), which);
    }
}

/* A round of VC allocation begins, if none is under way, with all that wait: rounds follow each other without a gap
 * while any VC waits. */
static void begin_round(const noc_view *v, noc_router *r, noc_extra *e, int64_t clk) {
    const cs_noc_config *c = &v->head->config;
    if (r->waiting == 0 || (e->in_turn && (clk - e->round) % c->vc_alloc_delay != 0)) return;
    e->in_turn = 1;
    e->round = clk;
    uint64_t asking[CS_NOC_PORTS] = {0};
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        asking[r->in[lowest(lanes)].out_port] |= lanes & (~lanes + 1);
    for (int port = 0; port < CS_NOC_PORTS; ++port) {
        const uint64_t free = noc_free_of(r, port);
        if (asking[port] == 0 || free == 0) continue;
        if (c->vc_allocator == CS_NOC_ISLIP)
            offer_vcs(r, e, asking[port], free);
        else
            choose_vcs(r, e, asking[port], free);
    }
}

/* In the last clock of a round those that are matched get their VC. */
static void end_round(noc_view *v, noc_router *r, noc_extra *e, int64_t clk) {
    if (e->matched == 0 || clk != e->round + v->head->config.vc_alloc_delay - 1) return;
    r->waiting &= ~e->matched;
    e->in_turn = r->waiting != 0;
    for (; e->matched; e->matched &= e->matched - 1) {
        const int lane = lowest(e->matched);
        noc_input *in = &r->in[lane];
        noc_output *out = &r->out[e->match[lane]];
        ++v->head->vc_allocations;
        r->free ^= bit_of(e->match[lane]);
        out->owner = noc_at(v, in);
        in->out = noc_at(v, out);
        in->credited = out->credits > 0;
        note_ready(r, in);
    }
}

/* What lines bid for. The second index: 1 for VCs that have an output VC, 0 for those that guess. */
typedef struct {
    uint64_t lines[CS_NOC_PORTS][2];   /* that bid for an output */
    small outputs[LANES][2];           /* that a line bids for */
    small vcs[LANES][CS_NOC_PORTS][2]; /* of the line that do; set for those outputs */
} noc_bids;

static void add_bid(noc_bids *bids, const noc_input *in, int line, int is_sure) {
    const int port = in->out_port;
    if (!(bids->outputs[line][is_sure] >> port & 1u)) bids->vcs[line][port][is_sure] = 0;
    bids->vcs[line][port][is_sure] |= (small)(1u << in->vc);
    bids->outputs[line][is_sure] |= (small)(1u << port);
    bids->lines[port][is_sure] |= bit_of(line);
}

static int line_of(const noc_view *v, const noc_input *in) {
    return in->input * GROUP + in->vc % v->head->config.input_speedup;
}

/* Whether a line or an output is held, be it by the VC that asks. */
static int is_held(const noc_extra *e, int line, int port) {
    return (e->held_lines >> line & 1u) || (e->held_outputs >> port & 1u);
}

/* VCs whose line and output are not held; with speculation also those that ask for a VC, if their output has one with a
 * credit. Returns the lines that bid. */
static uint64_t collect_bids(const noc_view *v, const noc_router *r, const noc_extra *e, uint64_t guesses,
                             noc_bids *bids) {
    uint64_t all = 0;
    memset(bids->lines, 0, sizeof bids->lines);
    memset(bids->outputs, 0, sizeof bids->outputs);
    for (uint64_t lanes = r->bids | guesses; lanes; lanes &= lanes - 1) {
        const noc_input *in = &r->in[lowest(lanes)];
        const int line = line_of(v, in), is_sure = (r->bids & in->bit) != 0;
        if (is_held(e, line, in->out_port)) continue;
        if (!is_sure && !noc_has_free_credit(r, in->out_port)) continue;
        add_bid(bids, in, line, is_sure);
        all |= bit_of(line);
    }
    return all;
}

/* iSLIP: which line each output offers itself to, and which output each line chooses, as `chosen`, -1: none. */
static void offer_outputs(const noc_extra *e, const noc_bids *bids, int chosen[CS_NOC_PORTS]) {
    small offers[LANES];
    uint64_t offered = 0;
    for (int port = 0; port < CS_NOC_PORTS; ++port) {
        const uint64_t lines = bids->lines[port][0] | bids->lines[port][1];
        if (lines == 0) continue;
        const int line = first_from(lines, e->output_next[port]);
        offers[line] = (small)((offered >> line & 1u ? offers[line] : 0) | 1u << port);
        offered |= bit_of(line);
    }
    for (; offered; offered &= offered - 1) {
        const int line = lowest(offered);
        chosen[first_from(offers[line], e->line_next[line])] = line;
    }
}

/* Separable: each line asks for one output, each output chooses. Both prefer bids that do not guess. */
static void choose_outputs(const noc_extra *e, const noc_bids *bids, uint64_t lines, int chosen[CS_NOC_PORTS]) {
    uint64_t asking[CS_NOC_PORTS][2] = {{0}};
    for (; lines; lines &= lines - 1) {
        const int line = lowest(lines), is_sure = bids->outputs[line][1] != 0;
        asking[first_from(bids->outputs[line][is_sure], e->line_next[line])][is_sure] |= bit_of(line);
    }
    for (int port = 0; port < CS_NOC_PORTS; ++port) {
        const uint64_t best = asking[port][1] ? asking[port][1] : asking[port][0];
        if (best) chosen[port] = first_from(best, e->output_next[port]);
    }
}

/* A line gets an output for one of its VCs: the pointers move. */
static void win(const noc_view *v, noc_extra *e, int line, int port, int vc) {
    const int next = vc + v->head->config.input_speedup;
    e->output_next[port] = (small)(line + 1);
    e->line_next[line] = (small)(port + 1);
    e->line_vc[line] = (small)(next % v->head->config.vcs);
}

/* Of several VCs that bid: the input VCs that get an output are written to `won`; returns their number. */
static int allocate_bids(const noc_view *v, const noc_router *r, noc_extra *e, uint64_t guesses,
                         int won[CS_NOC_PORTS]) {
    noc_bids bids;
    int chosen[CS_NOC_PORTS] = {-1, -1, -1, -1, -1}, count = 0;
    const uint64_t lines = collect_bids(v, r, e, guesses, &bids);
    if (v->head->config.sw_allocator == CS_NOC_ISLIP)
        offer_outputs(e, &bids, chosen);
    else
        choose_outputs(e, &bids, lines, chosen);
    for (int port = 0; port < CS_NOC_PORTS; ++port) {
        const int line = chosen[port];
        if (line < 0) continue;
        const int is_sure = bids.outputs[line][1] >> port & 1u;
        const int vc = first_from(bids.vcs[line][port][is_sure], e->line_vc[line]);
        win(v, e, line, port, vc);
        won[count++] = line / GROUP * GROUP + vc;
    }
    return count;
}

/* Switch allocation; a VC that bids alone needs none. */
static int allocate_switch(const noc_view *v, const noc_router *r, noc_extra *e, int won[CS_NOC_PORTS]) {
    const uint64_t guesses = v->head->config.speculative ? r->waiting : 0;
    if (guesses || (r->bids & (r->bids - 1))) return allocate_bids(v, r, e, guesses, won);
    if (r->bids == 0) return 0;
    won[0] = lowest(r->bids);
    const noc_input *in = &r->in[won[0]];
    const int line = line_of(v, in);
    if (is_held(e, line, in->out_port)) return 0;
    win(v, e, line, in->out_port, in->vc);
    return 1;
}

/* When a flit that wins the switch now is at the end of the link. The crossbar takes loads: what waits, when nothing is
 * in it; of a load an output sends one flit a clock. */
static int64_t cross(const noc_view *v, noc_extra *e, int port, int64_t clk) {
    const int64_t delay = v->head->config.st_final_delay;
    if (e->loaded <= clk) {
        const int64_t empty = e->loaded + delay;
        e->loaded = empty > clk ? empty : clk + 1;
        memset(e->load, 0, sizeof e->load);
    }
    return e->loaded + delay + 1 + e->load[port]++;
}

/* A tail leaves its buffer. */
static void end_packet(noc_view *v, noc_router *r, noc_extra *e, noc_input *in, uint64_t out_bit) {
    if (v->head->config.wait_for_tail_credit)
        e->closed |= out_bit;
    else
        r->free |= out_bit;
    in->credited = 0;
    --in->queued;
    if (++in->first == v->head->config.depth) in->first = 0;
    if (in->count > 0) begin_packet(v, r, in);
}

/* A flit leaves its buffer; its credits go where they go. */
static void move_flit(noc_view *v, noc_router *r, noc_extra *e, noc_input *in, int64_t clk) {
    noc_output *out = noc_output_at(v, in->out);
    noc_packet *p = &v->packets[in->packet >> 1];
    const int port = in->out_port, is_head = in->left == p->flits;
    const size_t back = (size_t)clk + CREDIT_CLOCKS, delay = (size_t)v->head->config.credit_delay;
    const int64_t there = cross(v, e, port, clk);
    const uint32_t order = (uint32_t)r->node * LANES + in->input * GROUP + in->vc;
    uint64_t *landings = noc_landing_list(v, (size_t)there);
    --in->left;
    --in->count;
    in->credited = --out->credits > 0;
    ++out->sent;
    noc_append(in->input == NODE_PORT ? noc_source_list(v, back) : noc_list(v, v->credits, back + delay), in->behind);
    if (port == NODE_PORT) {
        noc_append(noc_list(v, v->credits, (size_t)there + CREDIT_CLOCKS + delay), out->ahead);
        if (is_head) p->head_out = there;
        if (in->left == 0) noc_land(landings, order, in->packet >> 1);
    } else {
        noc_append(noc_list(v, is_head ? v->heads : v->flits, (size_t)there), out->ahead);
        if (is_head) noc_enqueue(v, noc_input_at(v, out->ahead), in->packet);
        if (in->packet & 1u) noc_copy_flit(v, p, r->node, in->left, there, landings, order);
    }
    if (in->left == 0) end_packet(v, r, e, in, bit_of((int)(out - r->out)));
    note_ready(r, in);
}

/* Input and output of a VC are held for it, or not any more. */
static void hold_switch(const noc_view *v, noc_extra *e, const noc_input *in, int port, int is_held) {
    const uint64_t line = bit_of(line_of(v, in));
    e->held_lanes = is_held ? e->held_lanes | in->bit : e->held_lanes & ~in->bit;
    e->held_lines = is_held ? e->held_lines | line : e->held_lines & ~line;
    e->held_outputs = (small)(is_held ? e->held_outputs | 1u << port : e->held_outputs & ~(1u << port));
}

/* A flit leaves, if its VC has a credit: one that guessed may have got no VC. Else, and behind the packet's last flit
 * that is here, a connection ends. */
static void send(noc_view *v, noc_router *r, noc_extra *e, int lane, int64_t clk) {
    noc_input *in = &r->in[lane];
    const int port = in->out_port, goes = in->credited != 0;
    if (goes) move_flit(v, r, e, in, clk);
    if (v->head->config.hold_switch_for_packet)
        hold_switch(v, e, in, port, goes && in->count > 0 && in->left < v->packets[in->packet >> 1].flits);
}

/* Whether there is something to do in the next clock. VCs of whose output none is free only wait, once it is known
 * since when: rounds that match nobody need not be gone through. */
static int can_go_on(const noc_router *r, const noc_extra *e) {
    if (e->routing | e->matched | e->held_lanes | r->bids) return 1;
    if (r->waiting && !e->in_turn) return 1;
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (noc_free_of(r, r->in[lowest(lanes)].out_port)) return 1;
    return 0;
}

/* Both allocations work on the state at the start of the clock; who gets a VC now, or is routed now, goes on in the
 * next. */
static void run_router(noc_view *v, noc_router *r, int64_t clk) {
    noc_extra *e = &v->extras[r->node];
    int won[CS_NOC_PORTS];
    begin_round(v, r, e, clk);
    const int winners = allocate_switch(v, r, e, won);
    r->waiting |= e->routing;
    e->routing = 0;
    end_round(v, r, e, clk);
    for (uint64_t lanes = e->held_lanes; lanes; lanes &= lanes - 1)
        send(v, r, e, lowest(lanes), clk);
    for (int i = 0; i < winners; ++i)
        send(v, r, e, won[i], clk);
}

void noc_run_routers_with_options(noc_view *v, int64_t clk) {
    uint64_t any = 0;
    for (int32_t word = 0; word < v->head->words; ++word) {
        for (uint64_t left = v->active_routers[word]; left; left &= left - 1) {
            noc_router *r = &v->routers[word * 64 + lowest(left)];
            run_router(v, r, clk);
            if (!can_go_on(r, &v->extras[r->node])) v->active_routers[word] &= ~(left & (~left + 1));
        }
        any |= v->active_routers[word];
    }
    v->head->routers_active = any != 0;
}
