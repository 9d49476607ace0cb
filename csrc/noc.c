#include "noc.h"

#include <string.h>

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
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define MAGIC 0x31636f6e5f7363u

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
} packet;

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
} router;

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
} source;

typedef struct {
    uint32_t lane; /* router * 64 + port * GROUP + vc */
    uint32_t flit; /* packet * 8 + multicast * 4 + tail * 2 + head */
} arrival;

typedef struct {
    uint64_t magic;
    cs_noc_config config;
    int64_t now;     /* last processed clock */
    int64_t started; /* packets whose head has been sent */
    int64_t submitted, delivered, arrived;
    int64_t flits_injected, buffer_writes, flits_copied, vc_allocations;
    int32_t nodes, words;
    int32_t heap_count;
    int32_t free_packet, free_count;
    int32_t out_first, out_last;            /* delivered, not yet handed out */
    int32_t routers_active, sources_active; /* whether a bit of the masks is set */
    uint32_t arrivals[WHEEL], credits[WHEEL], landings[WHEEL];
    size_t bytes;
} header;

/* Where the parts of a state buffer are; made anew in each call, so that the buffer may be copied or moved. */
typedef struct {
    header *head;
    router *routers;
    source *sources;
    packet *packets;
    int64_t *link_flits;
    uint64_t *active_routers, *active_sources;
    arrival *arrivals; /* [WHEEL][nodes * CS_NOC_PORTS] flits that reach a router */
    arrival *landings; /* [WHEEL][nodes * CS_NOC_PORTS] heads and tails that reach a node, copies included */
    uint32_t *credits; /* [WHEEL][nodes * 6] lanes of routers, and from nodes * 64 on of sources */
    uint32_t *places;  /* [nodes][CS_NOC_PORTS][vcs][depth] buffered flits */
    int32_t *heap;     /* sources whose next packet lies in the future */
    uint32_t
        *links; /* [nodes][2][CS_NOC_PORTS] the first lane behind an output, and the one behind which an input is */
    uint16_t *column, *row;
} view;

static size_t reserve(size_t *total, size_t count, size_t size) {
    const size_t start = *total;
    *total += (count * size + 7u) & ~(size_t)7u;
    return start;
}

/* Offsets of the parts; with `state` null only the total is meaningful. */
static size_t lay_out(const cs_noc_config *config, char *state, view *v) {
    const size_t nodes = (size_t)config->columns * (size_t)config->rows;
    const size_t words = (nodes + 63) / 64;
    size_t total = 0;
    size_t at[14];
    at[0] = reserve(&total, 1, sizeof(header));
    at[1] = reserve(&total, nodes, sizeof(router));
    at[2] = reserve(&total, nodes, sizeof(source));
    at[3] = reserve(&total, (size_t)config->max_packets, sizeof(packet));
    at[4] = reserve(&total, nodes * CS_NOC_LINKS, sizeof(int64_t));
    at[5] = reserve(&total, words, sizeof(uint64_t));
    at[6] = reserve(&total, words, sizeof(uint64_t));
    at[7] = reserve(&total, WHEEL * nodes * CS_NOC_PORTS, sizeof(arrival));
    at[8] = reserve(&total, WHEEL * nodes * CS_NOC_PORTS, sizeof(arrival));
    at[9] = reserve(&total, WHEEL * nodes * (CS_NOC_PORTS + 1), sizeof(uint32_t));
    at[10] = reserve(&total, nodes * CS_NOC_PORTS * (size_t)config->vcs * (size_t)config->depth, sizeof(uint32_t));
    at[11] = reserve(&total, nodes, sizeof(int32_t));
    at[12] = reserve(&total, nodes * 2 * CS_NOC_PORTS, sizeof(uint32_t));
    at[13] = reserve(&total, 2 * nodes, sizeof(uint16_t));
    if (state == NULL) return total;
    v->head = (header *)(void *)(state + at[0]);
    v->routers = (router *)(void *)(state + at[1]);
    v->sources = (source *)(void *)(state + at[2]);
    v->packets = (packet *)(void *)(state + at[3]);
    v->link_flits = (int64_t *)(void *)(state + at[4]);
    v->active_routers = (uint64_t *)(void *)(state + at[5]);
    v->active_sources = (uint64_t *)(void *)(state + at[6]);
    v->arrivals = (arrival *)(void *)(state + at[7]);
    v->landings = (arrival *)(void *)(state + at[8]);
    v->credits = (uint32_t *)(void *)(state + at[9]);
    v->places = (uint32_t *)(void *)(state + at[10]);
    v->heap = (int32_t *)(void *)(state + at[11]);
    v->links = (uint32_t *)(void *)(state + at[12]);
    v->column = (uint16_t *)(void *)(state + at[13]);
    v->row = v->column + nodes;
    return total;
}

static int valid_config(const cs_noc_config *c) {
    return c->columns >= 1 && c->rows >= 1 && c->columns <= CS_NOC_MAX_NODES &&
           c->rows <= CS_NOC_MAX_NODES / c->columns && c->vcs >= 1 && c->vcs <= CS_NOC_MAX_VCS && c->depth >= 1 &&
           c->depth <= CS_NOC_MAX_DEPTH && (c->routing_delay == 0 || c->routing_delay == 1) &&
           (c->speculative == 0 || c->speculative == 1) && c->credit_delay >= 0 &&
           c->credit_delay <= CS_NOC_MAX_CREDIT_DELAY && c->max_packets >= 1 && c->max_packets <= INT32_MAX / 8;
}

static int32_t open_state(const void *state, size_t state_bytes, view *v) {
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < sizeof(header) || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    const header *head = (const header *)state;
    if (head->magic != MAGIC) return CS_ESTATE;
    if (state_bytes < head->bytes) return CS_EBUFFER;
    /* The callers that only read take a const buffer and write nothing through the view. */
    lay_out(&head->config, (char *)(uintptr_t)state, v);
    return CS_OK;
}

int32_t cs_noc_state_bytes(const cs_noc_config *config, size_t *bytes) {
    if (config == NULL || bytes == NULL || !valid_config(config)) return CS_EINVAL;
    *bytes = lay_out(config, NULL, NULL);
    return CS_OK;
}

static int has_neighbour(const cs_noc_config *c, int32_t x, int32_t y, int port) {
    switch (port) {
    case 0:
        return x + 1 < c->columns;
    case 1:
        return x > 0;
    case 2:
        return y + 1 < c->rows;
    case 3:
        return y > 0;
    default:
        return 1;
    }
}

static int32_t neighbour(const cs_noc_config *c, int32_t node, int port) {
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

int32_t cs_noc_init(void *state, size_t state_bytes, const cs_noc_config *config) {
    size_t bytes = 0;
    int32_t status = cs_noc_state_bytes(config, &bytes);
    if (status != CS_OK) return status;
    if (state == NULL) return CS_EINVAL;
    if (state_bytes < bytes || ((uintptr_t)state & 7u) != 0) return CS_EBUFFER;
    view v;
    memset(state, 0, bytes);
    lay_out(config, (char *)state, &v);
    header *head = v.head;
    head->config = *config;
    head->bytes = bytes;
    head->nodes = config->columns * config->rows;
    head->words = (head->nodes + 63) / 64;
    head->now = -1;
    head->out_first = head->out_last = NOBODY;
    head->free_count = config->max_packets;
    for (int32_t i = 0; i < config->max_packets; ++i)
        v.packets[i].next = i + 1 < config->max_packets ? i + 1 : NOBODY;
    const small all_vcs = (small)((1u << config->vcs) - 1u);
    for (int32_t node = 0; node < head->nodes; ++node) {
        v.column[node] = (uint16_t)(node % config->columns);
        v.row[node] = (uint16_t)(node / config->columns);
        uint32_t *links = &v.links[(size_t)node * 2 * CS_NOC_PORTS];
        for (int port = 0; port < NODE_PORT; ++port) {
            if (!has_neighbour(config, v.column[node], v.row[node], port)) continue;
            const uint32_t behind = (uint32_t)neighbour(config, node, port) * 64u + (uint32_t)((port ^ 1) * GROUP);
            links[port] = links[CS_NOC_PORTS + port] = behind;
        }
        links[CS_NOC_PORTS + NODE_PORT] = (uint32_t)(head->nodes + node) * 64u;
        router *r = &v.routers[node];
        for (int lane = 0; lane < LANES; ++lane)
            r->credits[lane] = (small)config->depth;
        for (int port = 0; port < CS_NOC_PORTS; ++port)
            r->free_vcs[port] = all_vcs;
        source *s = &v.sources[node];
        s->first = s->last = s->current = NOBODY;
        s->with_credit = all_vcs;
        for (int vc = 0; vc < CS_NOC_MAX_VCS; ++vc)
            s->credits[vc] = (small)config->depth;
    }
    head->magic = MAGIC;
    return CS_OK;
}

/* ---- sources whose next packet lies in the future: a heap by (created, source) ---------------------------------- */

static int sooner(const view *v, int32_t a, int32_t b) {
    const int64_t at = v->packets[v->sources[a].first].created;
    const int64_t bt = v->packets[v->sources[b].first].created;
    return at != bt ? at < bt : a < b;
}

static void heap_put(view *v, int32_t place, int32_t node) {
    v->heap[place] = node;
    v->sources[node].heap_place = place;
}

static void heap_up(view *v, int32_t place) {
    const int32_t node = v->heap[place];
    while (place > 0) {
        const int32_t parent = (place - 1) / 2;
        if (!sooner(v, node, v->heap[parent])) break;
        heap_put(v, place, v->heap[parent]);
        place = parent;
    }
    heap_put(v, place, node);
}

static void heap_down(view *v, int32_t place) {
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

static void heap_add(view *v, int32_t node) {
    v->sources[node].status = SOURCE_FUTURE;
    heap_put(v, v->head->heap_count, node);
    heap_up(v, v->head->heap_count++);
}

static int32_t heap_take(view *v) {
    const int32_t node = v->heap[0];
    if (--v->head->heap_count > 0) {
        heap_put(v, 0, v->heap[v->head->heap_count]);
        heap_down(v, 0);
    }
    return node;
}

static void wake_source(view *v, int32_t node) {
    v->sources[node].status = SOURCE_ACTIVE;
    v->active_sources[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->sources_active = 1;
}

static void rest_source(view *v, int32_t node, small status) {
    v->sources[node].status = status;
    v->active_sources[node >> 6] &= ~((uint64_t)1 << (node & 63));
}

static void wake_router(view *v, int32_t node) {
    v->active_routers[node >> 6] |= (uint64_t)1 << (node & 63);
    v->head->routers_active = 1;
}

/* ---- submit and next --------------------------------------------------------------------------------------------- */

static inline int route(const view *v, int32_t node, int32_t dst) {
    if (v->column[dst] != v->column[node]) return v->column[dst] > v->column[node] ? 0 : 1;
    if (v->row[dst] != v->row[node]) return v->row[dst] > v->row[node] ? 2 : 3;
    return NODE_PORT;
}

static int32_t take_packet(view *v, packet content) {
    header *head = v->head;
    const int32_t slot = head->free_packet;
    head->free_packet = v->packets[slot].next;
    --head->free_count;
    v->packets[slot] = content;
    return slot;
}

static int32_t submit(view *v, int64_t clk, uint64_t tag, int32_t src, int32_t dst, int32_t flits, const int32_t *nodes,
                      size_t copies) {
    header *head = v->head;
    if (clk <= head->now || clk > CS_NEVER / 2 || src < 0 || src >= head->nodes || dst < 0 || dst >= head->nodes ||
        flits < 1)
        return CS_EINVAL;
    if (copies >= (size_t)head->free_count) return CS_FULL;
    packet content = {
        .tag = tag, .created = clk, .src = src, .dst = dst, .flits = flits, .next = NOBODY, .copies = NOBODY};
    const int32_t slot = take_packet(v, content);
    packet *p = &v->packets[slot];
    int32_t *copy = &p->copies;
    for (size_t i = 0; i < copies; ++i) {
        content.dst = nodes[i];
        *copy = take_packet(v, content);
        copy = &v->packets[*copy].copies;
        ++head->submitted;
    }
    source *s = &v->sources[src];
    if (s->first == NOBODY) {
        s->first = s->last = slot;
    } else if (v->packets[s->last].created <= clk) {
        v->packets[s->last].next = slot;
        s->last = slot;
    } else {
        int32_t *link = &s->first;
        while (v->packets[*link].created <= clk)
            link = &v->packets[*link].next;
        p->next = *link;
        *link = slot;
    }
    if (s->status == SOURCE_IDLE)
        heap_add(v, src);
    else if (s->status == SOURCE_FUTURE && s->first == slot)
        heap_up(v, s->heap_place);
    ++head->submitted;
    return CS_OK;
}

int32_t cs_noc_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                      int32_t flits) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    return status != CS_OK ? status : submit(&v, clk, tag, src, dst, flits, NULL, 0);
}

int32_t cs_noc_multicast(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                         int32_t flits, const int32_t *nodes, size_t count) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    const int32_t there = v.head->nodes;
    if ((nodes == NULL && count > 0) || src < 0 || src >= there || dst < 0 || dst >= there) return CS_EINVAL;
    size_t found = 0;
    for (int32_t at = src; at != dst; at = neighbour(&v.head->config, at, route(&v, at, dst)))
        if (found < count && nodes[found] == at) ++found;
    return found < count ? CS_EINVAL : submit(&v, clk, tag, src, dst, flits, nodes, count);
}

/* The earliest clock after the last processed one at which anything happens. */
static int64_t next_clock(const view *v) {
    const header *head = v->head;
    if (head->routers_active || head->sources_active) return head->now + 1;
    int64_t clk = head->heap_count > 0 ? v->packets[v->sources[v->heap[0]].first].created : CS_NEVER;
    /* `now` is CS_NEVER at most after an advance to CS_NEVER - 1 or so; then the wheel is empty. */
    for (int64_t ahead = 1; ahead < WHEEL && head->now < CS_NEVER - ahead && head->now + ahead < clk; ++ahead) {
        const size_t turn = (size_t)(head->now + ahead) % WHEEL;
        if (head->arrivals[turn] | head->credits[turn] | head->landings[turn]) clk = head->now + ahead;
    }
    return clk;
}

int32_t cs_noc_next(const void *state, size_t state_bytes, int64_t *clk) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    *clk = v.head->out_first != NOBODY ? v.packets[v.head->out_first].tail_out : next_clock(&v);
    return CS_OK;
}

/* ---- one clock --------------------------------------------------------------------------------------------------- */

static inline int lowest(uint64_t mask) {
    return __builtin_ctzll(mask);
}

/* The first set bit from `start` on, cyclically; `mask` is not 0, start < 64. */
static inline int first_from(uint64_t mask, unsigned start) {
    const uint64_t later = mask >> start;
    return later ? (int)start + lowest(later) : lowest(mask);
}

/* `lane`, of a router: router * 64 + port * GROUP + vc. */
static inline void send_flit(view *v, int64_t clk, uint32_t lane, uint32_t flit) {
    const size_t turn = (size_t)clk % WHEEL;
    v->arrivals[turn * (size_t)v->head->nodes * CS_NOC_PORTS + v->head->arrivals[turn]++] =
        (arrival){.lane = lane, .flit = flit};
}

static inline void send_credit(view *v, int64_t clk, uint32_t lane) {
    const size_t turn = (size_t)clk % WHEEL;
    v->credits[turn * (size_t)v->head->nodes * (CS_NOC_PORTS + 1) + v->head->credits[turn]++] = lane;
}

static inline uint32_t *place_of(const view *v, int32_t node, int lane, unsigned place) {
    const cs_noc_config *c = &v->head->config;
    const size_t buffer =
        ((size_t)node * CS_NOC_PORTS + (size_t)(lane / GROUP)) * (size_t)c->vcs + (size_t)(lane % GROUP);
    return &v->places[buffer * (size_t)c->depth + place];
}

/* An input VC with a head in front begins: it is routed in this clock, or without that stage asks for a VC at once. */
static inline void begin_packet(view *v, int32_t node, int lane, uint32_t flit) {
    router *r = &v->routers[node];
    r->busy |= (uint64_t)1 << lane;
    r->out_port[lane] = (small)route(v, node, v->packets[flit >> 3].dst);
    if (v->head->config.routing_delay)
        r->routing |= (uint64_t)1 << lane;
    else
        r->waiting |= (uint64_t)1 << lane;
}

static void deliver(view *v, int32_t slot, int64_t clk) {
    header *head = v->head;
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
static void take_arrivals(view *v, int64_t clk) {
    header *head = v->head;
    const size_t turn = (size_t)clk % WHEEL;
    const size_t nodes = (size_t)head->nodes;
    const int depth = head->config.depth;

    const arrival *landings = &v->landings[turn * nodes * CS_NOC_PORTS];
    for (uint32_t i = 0; i < head->landings[turn]; ++i) {
        const int32_t slot = (int32_t)(landings[i].flit >> 3);
        if (landings[i].flit & 1u) v->packets[slot].head_out = clk;
        if (landings[i].flit & 2u) deliver(v, slot, clk);
    }
    head->landings[turn] = 0;

    const arrival *arrivals = &v->arrivals[turn * nodes * CS_NOC_PORTS];
    for (uint32_t i = 0; i < head->arrivals[turn]; ++i) {
        const int32_t node = (int32_t)(arrivals[i].lane >> 6);
        const int lane = (int)(arrivals[i].lane & 63u);
        router *r = &v->routers[node];
        int place = r->first[lane] + r->count[lane]++;
        if (place >= depth) place -= depth;
        *place_of(v, node, lane, (unsigned)place) = arrivals[i].flit;
        const uint64_t bit = (uint64_t)1 << lane;
        if (!(r->busy & bit))
            begin_packet(v, node, lane, arrivals[i].flit);
        else if ((r->active & bit) && r->credits[r->out_lane[lane]] > 0)
            r->ready |= bit;
        wake_router(v, node);
    }
    head->buffer_writes += head->arrivals[turn];
    head->arrivals[turn] = 0;

    const uint32_t *credits = &v->credits[turn * nodes * (CS_NOC_PORTS + 1)];
    for (uint32_t i = 0; i < head->credits[turn]; ++i) {
        int32_t node = (int32_t)(credits[i] >> 6);
        const int lane = (int)(credits[i] & 63u);
        if (node >= head->nodes) {
            node -= head->nodes;
            source *s = &v->sources[node];
            ++s->credits[lane];
            s->with_credit |= (small)(1u << lane);
            if (s->status == SOURCE_BLOCKED) wake_source(v, node);
            continue;
        }
        router *r = &v->routers[node];
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
static void run_source(view *v, int32_t node, int64_t clk) {
    header *head = v->head;
    source *s = &v->sources[node];
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
    send_flit(v, clk + SOURCE_CLOCKS, (uint32_t)node * 64u + NODE_PORT * GROUP + s->vc,
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
        heap_add(v, node);
    }
}

/* By output port: those of the input VCs that want it; returns the ports. */
static inline unsigned by_output(const router *r, uint64_t lanes, uint64_t *wanting) {
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
static uint64_t allocate_vcs(view *v, router *r) {
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
        v->head->vc_allocations += __builtin_popcountll(granted);
        do {
            const int lane = lowest(granted);
            const uint64_t bit = granted & (~granted + 1);
            granted ^= bit;
            const int out = first_from((uint64_t)grants[lane] << (port * GROUP), r->accept_next[lane]);
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

/* A head or tail, on its way to the node. */
static void land(view *v, int64_t clk, int32_t node, uint32_t flit) {
    const size_t turn = (size_t)clk % WHEEL;
    v->landings[turn * (size_t)v->head->nodes * CS_NOC_PORTS + v->head->landings[turn]++] =
        (arrival){.lane = (uint32_t)node, .flit = flit};
}

/* A flit of a multicast packet leaves for the next router: if there is a copy for this node, it goes there too. */
static void copy_flit(view *v, int64_t clk, int32_t node, uint32_t flit) {
    packet *p = &v->packets[flit >> 3];
    int32_t copy = p->copies;
    while (copy != NOBODY && v->packets[copy].dst != node)
        copy = v->packets[copy].copies;
    if (copy == NOBODY) return;
    ++v->head->flits_copied;
    /* Its slot may be used again once it is delivered: with the tail it leaves the list, whose first it is. */
    if (flit & 2u) p->copies = v->packets[copy].copies;
    if (flit & 3u) land(v, clk + HOP_CLOCKS, node, ((uint32_t)copy << 3) | (flit & 3u));
}

/* A flit that won the switch leaves its buffer. */
static void move_flit(view *v, int64_t clk, int32_t node, int port, int lane) {
    header *head = v->head;
    const cs_noc_config *c = &head->config;
    router *r = &v->routers[node];
    const uint64_t bit = (uint64_t)1 << lane;
    const uint32_t flit = *place_of(v, node, lane, r->first[lane]);
    const int out = r->out_lane[lane];
    if (++r->first[lane] == c->depth) r->first[lane] = 0;
    const int left = --r->count[lane];
    const int credits = --r->credits[out];
    if (flit & 2u) {
        r->free_vcs[port] |= (small)(1u << (out % GROUP));
        r->active &= ~bit;
        r->busy &= ~bit;
        r->ready &= ~bit;
        if (left > 0) begin_packet(v, node, lane, *place_of(v, node, lane, r->first[lane]));
    } else if (left == 0 || credits == 0) {
        r->ready &= ~bit;
    }

    const uint32_t *links = &v->links[(size_t)node * 2 * CS_NOC_PORTS];
    ++v->link_flits[(size_t)node * CS_NOC_LINKS + (size_t)port];
    if (port == NODE_PORT) {
        if (flit & 3u) land(v, clk + HOP_CLOCKS, node, flit);
        send_credit(v, clk + HOP_CLOCKS + CREDIT_CLOCKS + c->credit_delay, (uint32_t)node * 64u + (uint32_t)out);
    } else {
        if (flit & 4u) copy_flit(v, clk, node, flit);
        send_flit(v, clk + HOP_CLOCKS, links[port] + (uint32_t)(out % GROUP), flit);
    }
    const int input = lane / GROUP;
    send_credit(v, clk + CREDIT_CLOCKS + (input == NODE_PORT ? 0 : c->credit_delay),
                links[CS_NOC_PORTS + input] + (uint32_t)(lane % GROUP));
}

/* Whether an output has a VC that no packet holds, with a credit. */
static int has_free_credit(const router *r, int port) {
    for (unsigned vcs = r->free_vcs[port]; vcs; vcs &= vcs - 1)
        if (r->credits[port * GROUP + lowest(vcs)] > 0) return 1;
    return 0;
}

/* Waiting input VCs that bid for the switch all the same: their output has a VC with a credit to give. */
static uint64_t speculate(const router *r) {
    uint64_t bids = 0;
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (has_free_credit(r, r->out_port[lowest(lanes)])) bids |= lanes & (~lanes + 1);
    return bids;
}

/* Moves the pointers of a grant in the switch. */
static inline void granted_switch(router *r, int input, int vc, int port) {
    r->output_next[port] = (small)(input + 1);
    r->input_next[input] = (small)(port + 1);
    r->vc_next[input] = (small)(vc + 1);
}

/* Switch allocation: one iteration of iSLIP between inputs and outputs, then the granted flits leave. `speculative`
 * input VCs bid where no other VC of their input bids for the output; of those granted, the ones leave that are among
 * `allocated`: they got a VC with a credit in this clock. Returns the latter less those that left. */
static ALWAYS_INLINE uint64_t allocate_switch(view *v, int64_t clk, int32_t node, uint64_t speculative,
                                              uint64_t allocated) {
    router *r = &v->routers[node];
    const uint64_t bids = r->ready | speculative;
    if (!bids) return allocated;
    if (!(bids & (bids - 1)) && !speculative) { /* alone: no allocation to do, the pointers move all the same */
        const int lane = lowest(bids), port = r->out_port[lane];
        granted_switch(r, lane / GROUP, lane % GROUP, port);
        move_flit(v, clk, node, port, lane);
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
        move_flit(v, clk, node, port, lane);
    }
    return allocated;
}

/* Whether a waiting input VC wants an output that has a free VC. */
static int can_allocate(const router *r) {
    for (uint64_t lanes = r->waiting; lanes; lanes &= lanes - 1)
        if (r->free_vcs[r->out_port[lowest(lanes)]]) return 1;
    return 0;
}

/* One clock of a router; returns whether it has something to do in the next one, come what may. */
static ALWAYS_INLINE int run_router(view *v, int64_t clk, int32_t node, int speculates) {
    router *r = &v->routers[node];
    const uint64_t routed = r->routing;
    r->routing = 0;
    /* Both allocations work on the state at the start of the clock: VCs that tails free now are not asked for before
     * the next one, and who gets a VC now, or is routed now, goes on in the next one. */
    const uint64_t speculative = speculates ? speculate(r) : 0;
    const uint64_t allocated = r->waiting ? allocate_vcs(v, r) : 0;
    r->ready |= allocate_switch(v, clk, node, speculative, allocated);
    r->waiting |= routed;
    return (r->ready | r->routing) != 0 || can_allocate(r);
}

/* The loop over routers that have something to do, once for each kind: the code for speculation makes the other a
fifth slower. */
static ALWAYS_INLINE uint64_t run_routers(view *v, int64_t clk, int speculates) {
    uint64_t any = 0;
    for (int32_t word = 0; word < v->head->words; ++word) {
        uint64_t again = 0;
        for (uint64_t left = v->active_routers[word]; left; left &= left - 1)
            if (run_router(v, clk, word * 64 + lowest(left), speculates)) again |= left & (~left + 1);
        v->active_routers[word] = again;
        any |= again;
    }
    return any;
}

/* An ideal network: what is created now is delivered now. The flits are counted on the way they would have taken. */
static void pass_through(view *v, int32_t node, int64_t clk) {
    header *head = v->head;
    source *s = &v->sources[node];
    while (s->first != NOBODY && v->packets[s->first].created <= clk) {
        const int32_t slot = s->first;
        packet *p = &v->packets[slot];
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
            port = route(v, at, p->dst);
            v->link_flits[(size_t)at * CS_NOC_LINKS + (size_t)port] += p->flits;
            head->buffer_writes += p->flits;
            ++head->vc_allocations;
            at = neighbour(&head->config, at, port);
        } while (port != NODE_PORT);
        deliver(v, slot, clk);
    }
    s->status = SOURCE_IDLE;
    if (s->first == NOBODY)
        s->last = NOBODY;
    else
        heap_add(v, node);
}

static void run_clock(view *v, int64_t clk) {
    header *head = v->head;
    take_arrivals(v, clk);
    while (head->heap_count > 0 && v->packets[v->sources[v->heap[0]].first].created <= clk) {
        const int32_t node = heap_take(v);
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

/* ---- advance ----------------------------------------------------------------------------------------------------- */

/* Hands out deliveries while there is room; frees their packets. */
static size_t hand_out(view *v, cs_noc_delivery *out, size_t capacity) {
    header *head = v->head;
    size_t count = 0;
    while (head->out_first != NOBODY && count < capacity) {
        const int32_t slot = head->out_first;
        packet *p = &v->packets[slot];
        out[count++] = (cs_noc_delivery){.tag = p->tag,
                                         .created = p->created,
                                         .injected = p->injected,
                                         .head_out = p->head_out,
                                         .tail_out = p->tail_out,
                                         .node = p->dst};
        head->out_first = p->next;
        p->next = head->free_packet;
        head->free_packet = slot;
        ++head->free_count;
        ++head->delivered;
    }
    return count;
}

static int32_t advance(view *v, int64_t until, int32_t stop, cs_noc_delivery *out, size_t capacity, size_t *count) {
    header *head = v->head;
    size_t done = hand_out(v, out, capacity);
    *count = done;
    if (head->out_first != NOBODY) return CS_FULL;
    if (stop && done > 0) return CS_OK;
    while (head->now < until) {
        const int64_t clk = next_clock(v);
        if (clk > until || clk == CS_NEVER) break;
        run_clock(v, clk);
        if (head->out_first == NOBODY) continue;
        done += hand_out(v, out + done, capacity - done);
        *count = done;
        if (head->out_first != NOBODY) return CS_FULL;
        if (stop) return CS_OK;
    }
    if (until > head->now && until != CS_NEVER) head->now = until;
    return CS_OK;
}

int32_t cs_noc_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_noc_delivery *out,
                       size_t capacity, size_t *count) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    return advance(&v, until, stop, out, capacity, count);
}

int32_t cs_noc_replay(void *state, size_t state_bytes, size_t count, const int64_t *created, const int32_t *src,
                      const int32_t *dst, const int32_t *flits, int64_t *injected, int64_t *head_out, int64_t *tail_out,
                      size_t *rejected) {
    view v;
    int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (rejected == NULL) return CS_EINVAL;
    if (count > 0 && (!created || !src || !dst || !flits || !injected || !head_out || !tail_out)) return CS_EINVAL;
    *rejected = count;
    if (v.head->submitted != 0) return CS_ESTATE;
    cs_noc_delivery records[64];
    for (size_t i = 0; i <= count; ++i) {
        if (i == count || i == 0 || created[i] != created[i - 1]) {
            const int64_t until = i == count ? CS_NEVER : created[i] - 1;
            size_t got = 0;
            do {
                status = advance(&v, until, 0, records, sizeof records / sizeof records[0], &got);
                for (size_t j = 0; j < got; ++j) {
                    const size_t tag = (size_t)records[j].tag;
                    injected[tag] = records[j].injected;
                    head_out[tag] = records[j].head_out;
                    tail_out[tag] = records[j].tail_out;
                }
            } while (status == CS_FULL);
            if (status != CS_OK) return status;
        }
        if (i == count) break;
        status = submit(&v, created[i], i, src[i], dst[i], flits[i], NULL, 0);
        if (status != CS_OK) {
            *rejected = i;
            return status;
        }
    }
    return CS_OK;
}

/* ---- looking in -------------------------------------------------------------------------------------------------- */

int32_t cs_noc_stats(const void *state, size_t state_bytes, cs_noc_counts *counts, int64_t *link_flits,
                     size_t link_capacity) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (counts == NULL) return CS_EINVAL;
    const header *head = v.head;
    const size_t links = (size_t)head->nodes * CS_NOC_LINKS;
    if (link_flits != NULL && link_capacity < links) return CS_EBUFFER;
    if (link_flits != NULL) memcpy(link_flits, v.link_flits, links * sizeof *link_flits);
    cs_noc_counts c = {.packets_submitted = head->submitted,
                       .packets_delivered = head->arrived,
                       .packets_queued = head->submitted - head->started,
                       .packets_in_net = head->started - head->arrived,
                       .flits_injected = head->flits_injected,
                       .buffer_writes = head->buffer_writes,
                       .flits_copied = head->flits_copied,
                       .vc_allocations = head->vc_allocations,
                       .clocks = head->now};
    for (size_t link = 0; link < links; ++link) {
        if (link % CS_NOC_LINKS < NODE_PORT) c.mesh_hops += v.link_flits[link];
        if (link % CS_NOC_LINKS == NODE_PORT) c.flits_ejected += v.link_flits[link];
    }
    c.buffer_reads = c.mesh_hops + c.flits_ejected;
    *counts = c;
    return CS_OK;
}

/* Entries of the wheel for one lane: flits on their way to it, or credits to it. */
static int32_t pending_flits(const view *v, uint32_t lane) {
    int32_t total = 0;
    for (size_t turn = 0; turn < WHEEL; ++turn) {
        const arrival *list = &v->arrivals[turn * (size_t)v->head->nodes * CS_NOC_PORTS];
        for (uint32_t i = 0; i < v->head->arrivals[turn]; ++i)
            total += list[i].lane == lane;
    }
    return total;
}

static int32_t pending_credits(const view *v, uint32_t lane, int64_t from, int64_t to) {
    int32_t total = 0;
    for (int64_t clk = from; clk <= to; ++clk) {
        const size_t turn = (size_t)clk % WHEEL;
        const uint32_t *list = &v->credits[turn * (size_t)v->head->nodes * (CS_NOC_PORTS + 1)];
        for (uint32_t i = 0; i < v->head->credits[turn]; ++i)
            total += list[i] == lane;
    }
    return total;
}

int32_t cs_noc_channels(const void *state, size_t state_bytes, cs_noc_channel *out, size_t capacity, size_t *count) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    const header *head = v.head;
    const cs_noc_config *c = &head->config;
    const int64_t now = head->now;
    size_t done = 0;
    for (int32_t node = 0; node < head->nodes; ++node) {
        for (int link = 0; link < CS_NOC_LINKS; ++link) {
            if (!has_neighbour(c, v.column[node], v.row[node], link)) continue;
            for (int vc = 0; vc < c->vcs; ++vc) {
                if (done == capacity) {
                    *count = done;
                    return CS_FULL;
                }
                cs_noc_channel ch = {.node = node, .link = link, .vc = vc};
                uint32_t back = (uint32_t)node * 64u + (uint32_t)(link * GROUP + vc);
                if (link == NODE_PORT) {
                    /* The node sends a credit for each flit at once: its pending credit tells where a flit is. */
                    const int64_t landed = now + CREDIT_CLOCKS + c->credit_delay;
                    ch.credits = v.routers[node].credits[link * GROUP + vc];
                    ch.returning = pending_credits(&v, back, now + 1, landed);
                    ch.flits = pending_credits(&v, back, landed + 1, landed + HOP_CLOCKS);
                } else {
                    const int32_t to = link == NODE_LINK ? node : neighbour(c, node, link);
                    const int port = link == NODE_LINK ? NODE_PORT : link ^ 1;
                    if (link == NODE_LINK) back = (uint32_t)(head->nodes + node) * 64u + (uint32_t)vc;
                    ch.credits =
                        link == NODE_LINK ? v.sources[node].credits[vc] : v.routers[node].credits[link * GROUP + vc];
                    ch.buffered = v.routers[to].count[port * GROUP + vc];
                    ch.flits = pending_flits(&v, (uint32_t)to * 64u + (uint32_t)(port * GROUP + vc));
                    ch.returning = pending_credits(&v, back, now + 1, now + WHEEL);
                }
                out[done++] = ch;
            }
        }
    }
    *count = done;
    return CS_OK;
}

int32_t cs_noc_buffered(const void *state, size_t state_bytes, cs_noc_flit *out, size_t capacity, size_t *count) {
    view v;
    const int32_t status = open_state(state, state_bytes, &v);
    if (status != CS_OK) return status;
    if (count == NULL || (out == NULL && capacity > 0)) return CS_EINVAL;
    const cs_noc_config *c = &v.head->config;
    size_t done = 0;
    for (int32_t node = 0; node < v.head->nodes; ++node) {
        for (int port = 0; port < CS_NOC_PORTS; ++port) {
            for (int vc = 0; vc < c->vcs; ++vc) {
                const int lane = port * GROUP + vc;
                const router *r = &v.routers[node];
                for (int i = 0; i < r->count[lane]; ++i) {
                    if (done == capacity) {
                        *count = done;
                        return CS_FULL;
                    }
                    const uint32_t flit = *place_of(&v, node, lane, (unsigned)((r->first[lane] + i) % c->depth));
                    out[done++] = (cs_noc_flit){.tag = v.packets[flit >> 3].tag,
                                                .node = node,
                                                .port = port,
                                                .vc = vc,
                                                .head = (int32_t)(flit & 1u),
                                                .tail = (int32_t)((flit >> 1) & 1u)};
                }
            }
        }
    }
    *count = done;
    return CS_OK;
}
