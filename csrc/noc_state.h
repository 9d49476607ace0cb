/* Inside of the NoC engine: its state, and what its parts (noc*.c) offer each other. Not seen by Python. */
#ifndef CS_NOC_STATE_H
#define CS_NOC_STATE_H

#include "noc.h"

/* Input and output virtual channels of a router, its lanes, are bits of a word, at port * NOC_GROUP + vc. iSLIP counts
 * them port * vcs + vc; the order is the same, and a pointer "just past" the last VC of a port finds the first of the
 * next. */
#define NOC_GROUP 8
#define NOC_LANES (CS_NOC_PORTS * NOC_GROUP)
#define NOC_NODE_PORT 4
#define NOC_NODE_LINK 5
/* Clocks from a grant in the switch to the flit's arrival; to the credit's arrival upstream; from a source to the
 * router. All are at least 2: nothing that routers and sources do in one clock depends on each other. */
#define NOC_HOP_CLOCKS 3
#define NOC_CREDIT_CLOCKS 2
#define NOC_SOURCE_CLOCKS 2
/* Longest delay: a node's credit for a flit, NOC_HOP_CLOCKS + NOC_CREDIT_CLOCKS + the largest credit_delay. */
#define NOC_WHEEL 16
#define NOC_NOBODY (-1)
#define NOC_PARTS 14 /* of a state buffer */
#define NOC_MAGIC 0x32636f6e5f7363u

/* A flit, as kept in buffers: packet * 8 + NOC_COPIES (it may leave copies on its way) + NOC_TAIL + NOC_HEAD. */
#define NOC_HEAD 1u
#define NOC_TAIL 2u
#define NOC_COPIES 4u

/* Wide enough for a mask of a link's VCs, a lane, a place or a count. NOTE: not uint8_t, which may alias anything: with
 * it every store makes the compiler load the view's pointers anew, 5 % of the time on a chip's mesh. */
typedef uint16_t noc_small;

enum { NOC_SOURCE_IDLE, NOC_SOURCE_FUTURE, NOC_SOURCE_ACTIVE, NOC_SOURCE_BLOCKED };

typedef struct {
    uint64_t tag;
    int64_t created, injected, head_out, tail_out;
    int32_t src, dst, flits;
    int32_t next;   /* in a source queue, the delivered list or the free list */
    int32_t copies; /* the first of its copies, packets too; of a copy, the next one; NOC_NOBODY: none */
} noc_packet;

/* A virtual channel of a port, on both sides: what a flit asks for as it moves lies in half a cache line. */
typedef struct {
    /* Of the input VC. */
    uint32_t places;   /* where its buffer is */
    uint32_t upstream; /* who gets its credits: see noc_view.mail */
    noc_small upstream_lane;
    noc_small first; /* place of the first flit */
    noc_small count; /* flits */
    noc_small end;   /* the place of the next flit to be sent to it */
    noc_small out_port;
    noc_small out_lane;    /* while active: the output VC that it holds */
    noc_small accept_next; /* iSLIP accept pointer, over output VCs */
    /* Of the output VC. */
    noc_small credits;
    noc_small owner;      /* input VC that holds it; valid where not in free_vcs */
    noc_small grant_next; /* iSLIP grant pointer, over input VCs */
    noc_small padding[2];
} noc_lane;

/* What is behind an output: whose first of which lanes. */
typedef struct {
    uint32_t receiver, lane;
} noc_link;

/* Masks are of lanes, or of ports or VCs where they say so. */
typedef struct {
    uint64_t busy;                       /* input VCs that hold a packet: routing, waiting or active */
    uint64_t routing;                    /* input VCs that get their output port this clock */
    uint64_t active;                     /* input VCs that hold an output VC */
    uint64_t ready;                      /* active input VCs with a flit and a credit */
    uint64_t holders[CS_NOC_PORTS];      /* active, by output */
    uint64_t waiting[CS_NOC_PORTS];      /* by output: input VCs that ask for a VC of it */
    uint32_t asked, open;                /* outputs that somebody waits for; that have a free VC */
    noc_link links[NOC_NODE_PORT];       /* by output */
    noc_small free_vcs[CS_NOC_PORTS];    /* VCs of an output that no packet holds */
    noc_small output_next[CS_NOC_PORTS]; /* iSLIP grant pointer of the switch, over inputs */
    noc_small input_next[CS_NOC_PORTS];  /* its accept pointer, over outputs */
    noc_small vc_next[CS_NOC_PORTS];     /* the VC of an input that bids first */
} noc_router;

typedef struct {
    int32_t first, last; /* queue of packets, in order of (created, submission) */
    int32_t current;     /* the packet in progress, or NOC_NOBODY */
    int32_t sent;        /* of its flits */
    int32_t heap_place;  /* while NOC_SOURCE_FUTURE */
    noc_small status;
    noc_small vc;   /* of the packet in progress */
    noc_small next; /* the VC tried first for the next packet */
    noc_small with_credit;
    noc_small credits[CS_NOC_MAX_VCS];
} noc_source;

/* What reaches a router or a source at a clock: of each link at most one flit, and of each at most one credit. A flit
 * is in its place in the buffer since it was sent: the credit for the place was the sender's. */
typedef struct {
    uint64_t arrived;  /* by input VC */
    uint64_t returned; /* by output VC */
} noc_mail;

typedef struct {
    uint64_t magic;
    cs_noc_config config;
    int64_t now;     /* last processed clock */
    int64_t started; /* packets whose head has been sent */
    int64_t submitted, delivered, arrived;
    int64_t flits_copied, vc_allocations;
    int32_t nodes, words;
    int32_t heap_count;
    int32_t free_packet, free_count;
    int32_t out_first, out_last;            /* delivered, not yet handed out */
    int32_t routers_active, sources_active; /* whether a bit of the masks is set */
    uint32_t due;                           /* turns of the wheel in which something arrives */
    uint32_t landings[NOC_WHEEL];
    size_t bytes;
    size_t at[NOC_PARTS]; /* where the parts are */
} noc_header;

/* Pointers to the parts of a state buffer; made anew in each call, so that the buffer may be copied or moved. */
typedef struct {
    noc_header *head;
    noc_router *routers;
    noc_lane *lanes; /* [nodes][NOC_LANES] */
    noc_source *sources;
    noc_packet *packets;
    int64_t *link_flits;
    uint64_t *active_routers, *active_sources;
    noc_mail *mail;     /* [words * 64 + nodes][NOC_WHEEL]: receivers are the routers, and from words * 64 on sources */
    uint64_t *visits;   /* [NOC_WHEEL][2 * words] receivers that get mail */
    uint32_t *landings; /* [NOC_WHEEL][nodes * CS_NOC_PORTS] heads and tails that reach a node, copies included */
    uint32_t *places;   /* [nodes][CS_NOC_PORTS][vcs][depth] buffered flits */
    int32_t *heap;      /* sources whose next packet lies in the future */
    uint16_t *column, *row;
} noc_view;

static inline int noc_lowest(uint64_t mask) {
    return __builtin_ctzll(mask);
}

/* The first set bit from `start` on, cyclically; `mask` is not 0, start < 64. */
static inline int noc_first_from(uint64_t mask, unsigned start) {
    const uint64_t later = mask >> start;
    return later ? (int)start + noc_lowest(later) : noc_lowest(mask);
}

static inline size_t noc_turn(int64_t clk) {
    return (size_t)clk % NOC_WHEEL;
}

static inline int noc_route(const noc_view *v, int32_t node, int32_t dst) {
    if (v->column[dst] != v->column[node]) return v->column[dst] > v->column[node] ? 0 : 1;
    if (v->row[dst] != v->row[node]) return v->row[dst] > v->row[node] ? 2 : 3;
    return NOC_NODE_PORT;
}

static inline int32_t noc_neighbour(const cs_noc_config *c, int32_t node, int port) {
    switch (port) {
    case 0:
        return node + 1;
    case 1:
        return node - 1;
    case 2:
        return node + c->columns;
    case 3:
        return node - c->columns;
    default:
        return node;
    }
}

static inline uint32_t *noc_place(const noc_view *v, const noc_lane *lane, int place) {
    return &v->places[lane->places + (uint32_t)place];
}

/* A later clock, as those see it who send something that arrives then. */
typedef struct {
    uint64_t *visits;
    noc_mail *mail;
    uint32_t due;
} noc_post;

static inline noc_post noc_post_for(const noc_view *v, int64_t clk) {
    const size_t turn = noc_turn(clk);
    return (noc_post){&v->visits[turn * 2 * (size_t)v->head->words], &v->mail[turn], 1u << turn};
}

static inline noc_mail *noc_mail_to(const noc_view *v, const noc_post *post, uint32_t receiver) {
    v->head->due |= post->due;
    post->visits[receiver >> 6] |= (uint64_t)1 << (receiver & 63u);
    return &post->mail[(size_t)receiver * NOC_WHEEL];
}

/* Puts a flit into a lane of a router, for which its sender has a credit. */
static inline void noc_send_flit(const noc_view *v, const noc_post *post, uint32_t node, uint32_t lane, uint32_t flit) {
    noc_lane *to = &v->lanes[node * NOC_LANES + lane];
    const int end = to->end, next = end + 1;
    to->end = (noc_small)(next == v->head->config.depth ? 0 : next);
    *noc_place(v, to, end) = flit;
    noc_mail_to(v, post, node)->arrived |= (uint64_t)1 << lane;
}

static inline void noc_send_credit(const noc_view *v, const noc_post *post, uint32_t receiver, uint32_t lane) {
    noc_mail_to(v, post, receiver)->returned |= (uint64_t)1 << lane;
}

static inline void noc_deliver(const noc_view *v, int32_t slot, int64_t clk) {
    noc_header *head = v->head;
    v->packets[slot].tail_out = clk;
    v->packets[slot].next = NOC_NOBODY;
    if (head->out_first == NOC_NOBODY)
        head->out_first = slot;
    else
        v->packets[head->out_last].next = slot;
    head->out_last = slot;
    ++head->arrived;
}

int32_t noc_open(const void *state, size_t state_bytes, noc_view *v);

/* Whether the router at (x, y) has the link: an output, or that from its node. */
int noc_has_neighbour(const cs_noc_config *c, int32_t x, int32_t y, int link);

/* noc_sources.c: an idle source got a packet; the first packet of one that waits for its time became another; what
 * sources do in a clock. */
void noc_source_waits(const noc_view *v, int32_t node);
void noc_source_sooner(const noc_view *v, int32_t node);
void noc_run_sources(const noc_view *v, int64_t clk);

/* noc_routers.c: what routers do in a clock. */
void noc_run_routers(const noc_view *v, int64_t clk);

#endif
