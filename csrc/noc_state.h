/* Inside of the network's engine: its state, and what its parts (noc*.c) offer each other. Not seen by Python. */
#ifndef CS_NOC_STATE_H
#define CS_NOC_STATE_H

#include "noc.h"

/* Input and output virtual channels of a router are bits of a word, at port * GROUP + vc. iSLIP counts them port * vcs
 * + vc; the order is the same, and a pointer "just past" the last VC of a port finds the first of the next. */
#define GROUP 8
#define LANES (CS_NOC_PORTS * GROUP)
#define LANE_BYTES 0x0101010101010101u
#define NODE_PORT 4
#define NODE_LINK 5
/* Clocks from a grant in the switch to the flit's arrival; to the credit's arrival upstream; from a source to the
 * router. */
#define HOP_CLOCKS 3
#define CREDIT_CLOCKS 2
#define SOURCE_CLOCKS 2
/* Longest delay: a node's credit for a flit, HOP_CLOCKS + CREDIT_CLOCKS + the largest credit_delay. */
#define WHEEL 16
#define NOBODY (-1)
#define NOC_MAGIC 0x31636f6e5f7363u

/* Wide enough for a mask of a link's VCs, a lane, a place or a count. NOTE: not uint8_t, which may alias anything: with
 * it every store makes the compiler load the view's pointers anew, 5 % of the time on a chip's mesh. */
typedef uint16_t small;

enum { SOURCE_IDLE, SOURCE_FUTURE, SOURCE_ACTIVE, SOURCE_BLOCKED };

typedef struct {
    uint64_t tag;
    int64_t created, injected, head_out, tail_out;
    int32_t src, dst, flits;
    int32_t next;   /* in a source queue, the delivered list or the free list */
    int32_t copies; /* the first of its copies, packets too; of a copy, the next one; NOBODY: none */
} noc_packet;

typedef struct {
    uint64_t busy;                   /* input VCs that hold a packet: routing, waiting or active */
    uint64_t active;                 /* input VCs that hold an output VC */
    uint64_t routing;                /* input VCs that get their output port this clock */
    uint64_t waiting;                /* input VCs that ask for a VC of their output */
    uint64_t ready;                  /* active input VCs with a flit and a credit */
    small free_vcs[CS_NOC_PORTS];    /* output VCs that no packet holds */
    small output_next[CS_NOC_PORTS]; /* iSLIP grant pointer of the switch, over inputs */
    small input_next[CS_NOC_PORTS];  /* its accept pointer, over outputs */
    small vc_next[CS_NOC_PORTS];     /* the VC of an input that bids first */
    small credits[LANES];            /* of an output VC */
    small owner[LANES];              /* input VC that holds an output VC; valid where not in free_vcs */
    small grant_next[LANES];         /* iSLIP grant pointer of an output VC, over input VCs */
    small accept_next[LANES];        /* accept pointer of an input VC, over output VCs */
    small out_port[LANES];           /* of an input VC, once routed */
    small out_lane[LANES];           /* of an active input VC: the output VC it holds */
    small first[LANES];              /* place of the first flit of an input VC */
    small count[LANES];              /* its flits */
} noc_router;

typedef struct {
    int32_t first, last; /* queue of packets, in order of (created, submission) */
    int32_t current;     /* the packet in progress, or NOBODY */
    int32_t sent;        /* of its flits */
    int32_t heap_place;  /* while SOURCE_FUTURE */
    small status;
    small vc;   /* of the packet in progress */
    small next; /* the VC tried first for the next packet */
    small with_credit;
    small credits[CS_NOC_MAX_VCS];
} noc_source;

typedef struct {
    uint32_t lane; /* router * 64 + port * GROUP + vc */
    uint32_t flit; /* packet * 8 + multicast * 4 + tail * 2 + head */
} noc_arrival;

typedef struct {
    uint64_t magic;
    cs_noc_config config;
    int64_t now;     /* last processed clock */
    int64_t started; /* packets whose head has been sent */
    int64_t submitted, delivered, arrived;
    int64_t flits_injected, buffer_writes, flits_copied, vc_allocations;
    int32_t nodes, words;
    int32_t node_places;      /* places of a router's buffers */
    small lane_places[LANES]; /* the first one of each input VC's */
    int32_t heap_count;
    int32_t free_packet, free_count;
    int32_t out_first, out_last;            /* delivered, not yet handed out */
    int32_t routers_active, sources_active; /* whether a bit of the masks is set */
    uint32_t arrivals[WHEEL], credits[WHEEL], landings[WHEEL];
    size_t bytes;
} noc_header;

/* A list of the wheel, with its length. */
typedef struct {
    noc_arrival *list;
    uint32_t *count;
} noc_flits_due;

typedef struct {
    uint32_t *list;
    uint32_t *count;
} noc_credits_due;

/* Where the parts of a state buffer are; made anew in each call, so that the buffer may be copied or moved. */
typedef struct {
    noc_header *head;
    noc_router *routers;
    noc_source *sources;
    noc_packet *packets;
    int64_t *link_flits;
    uint64_t *active_routers, *active_sources;
    noc_arrival *arrivals; /* [WHEEL][nodes * CS_NOC_PORTS] flits that reach a router */
    noc_arrival *landings; /* [WHEEL][nodes * CS_NOC_PORTS] heads and tails that reach a node, copies included */
    uint32_t *credits;     /* [WHEEL][nodes * 6] lanes of routers, and from nodes * 64 on of sources */
    uint32_t *places;      /* [nodes][CS_NOC_PORTS][vcs][depth] buffered flits */
    int32_t *heap;         /* sources whose next packet lies in the future */
    uint32_t
        *links; /* [nodes][2][CS_NOC_PORTS] the first lane behind an output, and the one behind which an input is */
    uint16_t *column, *row;
    /* Where goes what routers send in the clock at hand, looked up once for all of them. */
    noc_flits_due hops, landing; /* flits to routers, heads and tails to nodes */
    noc_credits_due to_routers, to_sources, from_nodes;
} noc_view;

/* noc_layout.c: where the parts of a state are, and who is whose neighbour. */
size_t noc_lay_out(const cs_noc_config *config, char *state, noc_view *v);
int32_t noc_open(const void *state, size_t state_bytes, noc_view *v);
int noc_has_neighbour(const cs_noc_config *c, int32_t x, int32_t y, int port);
int32_t noc_neighbour(const cs_noc_config *c, int32_t node, int port);

/* noc_sources.c: the sources whose next packet lies in the future, a heap by (created, source). */
void noc_heap_add(noc_view *v, int32_t node);
void noc_heap_up(noc_view *v, int32_t place);
int32_t noc_heap_take(noc_view *v);

/* noc_clock.c: everything that happens in one clock. */
void noc_run_clock(noc_view *v, int64_t clk);

/* Dimension order: the output port at `node` on the way to `dst`. */
static inline int noc_route(const noc_view *v, int32_t node, int32_t dst) {
    if (v->column[dst] != v->column[node]) return v->column[dst] > v->column[node] ? 0 : 1;
    if (v->row[dst] != v->row[node]) return v->row[dst] > v->row[node] ? 2 : 3;
    return NODE_PORT;
}

static inline int lowest(uint64_t mask) {
    return __builtin_ctzll(mask);
}

/* The first set bit from `start` on, cyclically; `mask` is not 0, start < 64. */
static inline int first_from(uint64_t mask, unsigned start) {
    const uint64_t turned = mask >> start | mask << (-start & 63u);
    return (int)((start + (unsigned)lowest(turned)) & 63u);
}

static inline uint32_t *noc_place_of(const noc_view *v, int32_t node, int lane, unsigned place) {
    const noc_header *head = v->head;
    return &v->places[(size_t)node * (size_t)head->node_places + head->lane_places[lane] + place];
}

#endif
