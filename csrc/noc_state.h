/* Inside of the network's engine: its state, and what its parts (noc*.c) offer each other. Not seen by Python. */
#ifndef CS_NOC_STATE_H
#define CS_NOC_STATE_H

#include "noc.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Input and output virtual channels of a router are bits of a word, at port * GROUP + vc. The allocators count them
 * port * vcs + vc; the order is the same, and a pointer "just past" the last VC of a port finds the first of the next.
 */
#define GROUP 8
#define LANES (CS_NOC_PORTS * GROUP)
#define NODE_PORT 4
#define NODE_LINK 5
/* Clocks from a grant in the switch to the flit's arrival; to the credit's arrival upstream; from a source to the
 * router. */
#define HOP_CLOCKS 3
#define CREDIT_CLOCKS 2
#define SOURCE_CLOCKS 2
/* More than the longest delay, that of a node's credit for a flit: HOP_CLOCKS + CREDIT_CLOCKS + credit_delay; with a
 * crossbar of d clocks a hop is up to 2 d + 1. */
#define WHEEL 16
#define NOBODY (-1)
#define NOC_PARTS 19
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

/* An input VC. Flits are not kept one by one: those of a packet follow each other, so its first packet, how much of it
 * is left and how many flits there are say it all. The packets behind the first are in the VC's queue.
 * NOTE: VCs say of each other where they are, in bytes from the first router; found by number they would take as many
 * instructions again. */
typedef struct {
    uint64_t bit;      /* its own in the router's masks */
    uint32_t router;   /* where that is */
    uint32_t behind;   /* the output VC whose flits come here; of the node's VCs, node * GROUP + vc */
    uint32_t out;      /* the output VC that it holds, while it does */
    uint32_t queue;    /* its first place in `places` */
    uint32_t packet;   /* the first one, while there is one: its slot * 2 + whether it is multicast */
    int32_t left;      /* its flits that have not left, those on their way to this buffer included */
    uint32_t count;    /* flits in the buffer */
    uint32_t credited; /* whether it holds an output VC and that has a credit; with a flit it is ready then */
    uint32_t plain;    /* whether the next flit is neither head nor tail nor multicast */
    small key;         /* bits of the output of the first packet and of the input, to see who is in whose way */
    small out_port;    /* that output */
    small input, vc;   /* the numbers of the input VC */
    small accept_next; /* iSLIP accept pointer, over output VCs */
    small first;       /* place of the first packet in the queue */
    small queued;      /* packets in the queue: the head has been sent to this router, the tail has not left it */
} noc_input;

typedef struct {
    int64_t sent;    /* flits */
    uint32_t router; /* likewise */
    uint32_t ahead;  /* the input VC where its flits go; to the node: itself, to which the node's credits come back */
    uint32_t owner;  /* the input VC that holds it; valid where it is not free */
    uint32_t credits;
    small grant_next; /* iSLIP grant pointer, over input VCs */
} noc_output;

typedef struct {
    uint64_t free;                   /* output VCs that no packet holds */
    uint64_t waiting;                /* input VCs that ask for a VC of their output, one of which is free */
    uint64_t blocked;                /* input VCs of whose output none is */
    uint64_t bids;                   /* input VCs that bid for the switch in this clock, until they have left */
    uint64_t guesses;                /* those that bid without having a VC, with speculation */
    uint32_t taken, clash;           /* keys of those that bid, and what more than one of them wants */
    small asked, asked_twice;        /* outputs that one, or more than one of those waiting asks for in this clock */
    small output_next[CS_NOC_PORTS]; /* iSLIP grant pointer of the switch, over inputs */
    small input_next[CS_NOC_PORTS];  /* its accept pointer, over outputs */
    small vc_next[CS_NOC_PORTS];     /* the VC of an input that bids first */
    int32_t node;
    noc_input in[LANES];
    noc_output out[LANES];
} noc_router;

/* What a router has beside that where its network has options (noc_options.c). There `waiting` of the router are all
 * input VCs that ask for a VC, `bids` those that have one, a flit and a credit; its other masks and pointers of the
 * switch rest. A line is a bit like a VC, at port * GROUP + its number in the port. */
typedef struct {
    uint64_t routing;    /* input VCs that get their output port in the next clock */
    uint64_t matched;    /* input VCs that get a VC at the end of the round under way */
    uint64_t closed;     /* output VCs whose tail was sent, until all their credits are back */
    uint64_t held_lanes; /* input VCs that hold the switch */
    uint64_t held_lines;
    int64_t round;  /* when the last round of VC allocation began */
    int64_t loaded; /* when the crossbar took or will take its last load */
    small in_turn;  /* whether VCs have been waiting ever since that round */
    small held_outputs;
    small load[CS_NOC_PORTS];        /* flits of that load by output */
    small output_next[CS_NOC_PORTS]; /* grant pointer of the switch, over lines */
    small line_next[LANES];          /* its accept pointer, over outputs */
    small line_vc[LANES];            /* the VC of a line that bids first */
    small match[LANES];              /* the output VC that an input VC gets */
} noc_extra;

typedef struct {
    int32_t first, last; /* queue of packets, in order of (created, submission) */
    int32_t current;     /* the packet in progress, or NOBODY */
    int32_t left;        /* of its flits */
    uint32_t to;         /* the input VC that it goes to */
    int64_t sent;        /* flits */
    int32_t heap_place;  /* while SOURCE_FUTURE */
    small status;
    small vc;          /* of the packet in progress */
    small next;        /* the VC tried first for the next packet */
    small with_credit; /* VCs with one that a head may take */
    small closed;      /* VCs that wait for all credits of their packet, where there is such an option */
    small credits[CS_NOC_MAX_VCS];
} noc_source;

typedef struct {
    uint64_t magic;
    cs_noc_config config;
    int64_t now;     /* last processed clock */
    int64_t quiet;   /* from here on the wheel is empty */
    int64_t started; /* packets whose head has been sent */
    int64_t submitted, delivered, arrived;
    int64_t flits_copied, vc_allocations;
    int32_t nodes, words;
    int32_t heap_count;
    int32_t free_packet, free_count;
    int32_t out_first, out_last; /* delivered, not yet handed out */
    int32_t sources_active;      /* whether a bit of the mask is set */
    int32_t active;              /* whether sources or routers have something to do in the next clock, come what may */
    int32_t with_options;        /* whether the routers are those of noc_options.c */
    int32_t routers_active;      /* whether a bit of their mask is set */
    size_t list_room, source_room; /* lengths of a list of the wheel, and of one of source_credits */
    size_t bytes;
    size_t at[NOC_PARTS]; /* where the parts are in the buffer, in the order of the view */
} noc_header;

/* Where the parts of a state buffer are; made anew in each call, so that the buffer may be copied or moved. */
typedef struct {
    noc_header *head;
    noc_router *routers;
    noc_source *sources;
    noc_packet *packets;
    uint64_t *active_sources;
    noc_extra *extras;        /* by node; only with options */
    uint64_t *active_routers; /* likewise */
    /* Lists, their lengths first, of what there is to do in the next clock. */
    uint32_t *routing; /* input VCs that get their output port */
    uint32_t *waiting; /* that ask for a VC of their output, one of which is free */
    uint32_t *ready;   /* that bid for the switch: they have an output VC, a flit and a credit */
    uint32_t *clashes; /* no list, room for those that bid while others want the same; only within a clock */
    /* [WHEEL] lists, of what happens at a clock. */
    uint32_t *heads, *flits;  /* input VCs that heads and other flits reach */
    uint32_t *credits;        /* output VCs */
    uint32_t *source_credits; /* node * GROUP + vc */
    uint64_t *landings;       /* packets whose tail reaches its node, copies included: sorted by router and input */
    uint32_t *places;         /* [nodes][CS_NOC_PORTS][vcs][depth] queues of packets, slot * 2 + multicast */
    int32_t *heap;            /* sources whose next packet lies in the future */
    uint16_t *column, *row;
} noc_view;

/* noc_layout.c: where the parts of a state are, and who is whose neighbour. */
int32_t noc_check(const void *state, size_t state_bytes);
int32_t noc_open(const void *state, size_t state_bytes, noc_view *v);
int noc_has_neighbour(const cs_noc_config *c, int32_t x, int32_t y, int port);
int32_t noc_neighbour(const cs_noc_config *c, int32_t node, int port);

/* noc_sources.c: the sources whose next packet lies in the future, a heap by (created, source). */
void noc_heap_add(noc_view *v, int32_t node);
void noc_heap_up(noc_view *v, int32_t place);
int32_t noc_heap_take(noc_view *v);

/* noc_clock.c: everything that happens in one clock; and what a multicast packet leaves at a node. */
void noc_run_clock(noc_view *v, int64_t clk);
void noc_copy_flit(noc_view *v, noc_packet *p, int32_t node, int32_t left, int64_t clk, uint64_t *landings,
                   uint32_t order);

/* noc_router.c: what reaches the routers, and what they send. */
void noc_take_arrivals(noc_view *v, int64_t clk);
void noc_run_routers(noc_view *v, int64_t clk);

/* noc_options.c: the same, and how it begins, for routers with options. */
int noc_has_options(const cs_noc_config *c);
void noc_init_options(noc_view *v);
void noc_take_arrivals_with_options(noc_view *v, int64_t clk);
void noc_run_routers_with_options(noc_view *v, int64_t clk);

/* Lists of the wheel: at most a flit, a landing and a credit for each port of each router, and a credit for a source;
 * with more lines from an input a router may have a credit more, and a source one a line. */
static inline uint32_t *noc_list(const noc_view *v, uint32_t *lists, size_t clk) {
    return lists + clk % WHEEL * v->head->list_room;
}

static inline uint32_t *noc_source_list(const noc_view *v, size_t clk) {
    return v->source_credits + clk % WHEEL * v->head->source_room;
}

static inline uint64_t *noc_landing_list(const noc_view *v, size_t clk) {
    return v->landings + clk % WHEEL * v->head->list_room;
}

static inline void noc_append(uint32_t *list, uint32_t entry) {
    list[++list[0]] = entry;
}

/* A VC by where it is. */
static inline noc_input *noc_input_at(const noc_view *v, uint32_t at) {
    return (noc_input *)(void *)((char *)v->routers + at);
}

static inline noc_output *noc_output_at(const noc_view *v, uint32_t at) {
    return (noc_output *)(void *)((char *)v->routers + at);
}

static inline noc_router *noc_router_at(const noc_view *v, uint32_t at) {
    return (noc_router *)(void *)((char *)v->routers + at);
}

/* Where it is. */
static inline uint32_t noc_at(const noc_view *v, const void *there) {
    return (uint32_t)((const char *)there - (const char *)v->routers);
}

/* Dimension order: the output port at `node` on the way to `dst`. */
static inline int noc_route(const noc_view *v, int32_t node, int32_t dst) {
    static const small ports[3][3] = {{1, 1, 1}, {3, NODE_PORT, 2}, {0, 0, 0}};
    const int x = v->column[dst] - v->column[node], y = v->row[dst] - v->row[node];
    return ports[1 + (x > 0) - (x < 0)][1 + (y > 0) - (y < 0)];
}

static inline int lowest(uint64_t mask) {
    return __builtin_ctzll(mask);
}

/* The first set bit from `start` on, cyclically; `mask` is not 0, start < 64. */
static inline int first_from(uint64_t mask, unsigned start) {
    const uint64_t turned = mask >> start | mask << (-start & 63u);
    return (int)((start + (unsigned)lowest(turned)) & 63u);
}

/* A place of an input VC's queue; `place` may be past its end, by less than its length. */
static inline uint32_t *noc_place_of(const noc_view *v, const noc_input *in, unsigned place) {
    const unsigned depth = (unsigned)v->head->config.depth;
    return &v->places[in->queue + (place < depth ? place : place - depth)];
}

/* Of the free output VCs those of a port. */
static inline uint64_t noc_free_of(const noc_router *r, int port) {
    return r->free & (uint64_t)0xff << (port * GROUP);
}

/* Whether an output has a VC that no packet holds, with a credit. */
static inline int noc_has_free_credit(const noc_router *r, int port) {
    for (uint64_t free = noc_free_of(r, port); free; free &= free - 1)
        if (r->out[lowest(free)].credits > 0) return 1;
    return 0;
}

/* The tail of a packet, or of a copy, is on its way to the node. Landings are kept by `order`, those of one order as
 * they come. */
static inline void noc_land(uint64_t *landings, uint32_t order, uint32_t slot) {
    const uint64_t landing = (uint64_t)order << 32 | slot;
    uint64_t place = ++landings[0];
    for (; place > 1 && landings[place - 1] > (landing | UINT32_MAX); --place)
        landings[place] = landings[place - 1];
    landings[place] = landing;
}

/* A head is sent to an input VC: its packet enters the queue. */
static inline void noc_enqueue(const noc_view *v, noc_input *in, uint32_t packet) {
    *noc_place_of(v, in, (unsigned)in->first + in->queued++) = packet;
}

#endif
