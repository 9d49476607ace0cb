/* Inside of the fabric: its state, and what its parts (fabric*.c) offer each other. Not seen by Python. */
#ifndef CS_FABRIC_STATE_H
#define CS_FABRIC_STATE_H

#include "dram.h"
#include "fabric.h"

enum fabric_stage { ST_SRAM_READ, ST_NOC_OUT, ST_DRAM, ST_NOC_BACK, ST_SRAM_WRITE, ST_DONE };

#define FABRIC_NONE (-1)
/* 53 days of simulated time; edges later than this are never reached. */
#define FABRIC_LIMIT_PS ((int64_t)1 << 62)
/* Words of local memories and nodes of a network. */
#define FABRIC_WORD_LIMIT ((int64_t)1 << 40)
#define FABRIC_NODE_LIMIT 65536
#define FABRIC_MEMORIES 256             /* of one SRAM engine */
#define FABRIC_MAGIC 0x6661627269633031 /* "fabric01" */

typedef struct {
    cs_fabric_descriptor d;
    int64_t base;           /* when it was submitted */
    int64_t row, offset;    /* where the next request begins */
    int64_t word, far_word; /* likewise in the local memories */
    int64_t in_flight;
    int32_t far_hops;         /* of a MOVE: routers to the far node */
    int32_t issued_all, next; /* next in its endpoint's queue, or in the free list */
} fabric_descriptor;

typedef struct {
    int64_t mark; /* up to here the time is in spent[] */
    int64_t spent[CS_FABRIC_RESOURCES];
    int64_t base, address, word, far_word, words;
    uint64_t tag; /* direct accesses */
    int32_t descriptor, noc, sram, memory, client, is_write, port, bytes;
    int32_t hops;            /* of its packets: routers passed */
    int32_t offered, bursts; /* in DRAM: bytes before the next burst, and bursts not yet done */
    int32_t next;            /* in a memory's waiting line, or in the free list */
    uint8_t kind, stage;
} fabric_request;

typedef struct {
    cs_fabric_endpoint e;
    int32_t head, tail; /* descriptors with requests still to issue */
    int32_t in_flight;
    int32_t hops[CS_FABRIC_MAX_PORTS]; /* routers between it and each of its network's memory ports */
} fabric_endpoint;

/* A divisor, and what to shift by instead where it is a power of two (else -1), as it is most often. */
typedef struct {
    int64_t by;
    int32_t shift;
} fabric_divisor;

/* A clock, and the last edge looked for: most questions are about the same instant, and are
 * answered without a division. */
typedef struct {
    cs_fabric_clock period;
    int64_t limit;           /* FABRIC_LIMIT_PS in periods: clocks past limit * period_den are never reached */
    int64_t clk, begin, end; /* begin <= t < end is in clock clk */
} fabric_ticker;

/* Requests that wait at a DRAM controller; it accepts at most one a clock. While none waits, only completions matter,
 * not its commands: it is left alone up to the next one. */
typedef struct {
    cs_fabric_dram p;
    fabric_ticker clock;
    cs_dram_outlook outlook;   /* as seen last */
    int64_t event, completion; /* its times */
    int64_t next;              /* when it is to follow */
    int64_t accepted_clk;
    int32_t head, tail;
    int32_t inside; /* bursts accepted and not completed */
    int32_t unseen; /* it went on since it was looked at */
} fabric_dram;

typedef struct {
    cs_fabric_noc p;
    fabric_ticker clock;
    fabric_divisor flit_bytes;
    int64_t next;
    int32_t stale; /* something was submitted, or it was advanced: `next` is to be asked again */
    cs_fabric_stats stats;
} fabric_noc;

typedef struct {
    cs_fabric_sram p;
    fabric_ticker clock;
    fabric_divisor word_bytes;
    int64_t next;
    int32_t stale;
    size_t words_at; /* index of its counters in `words` */
} fabric_sram;

/* A packet to be created at the end of the instant, in the order of its port. */
typedef struct {
    int32_t noc, port, src, dst, flits, request;
} fabric_packet;

typedef struct {
    uint64_t magic;
    cs_fabric_config c;
    fabric_divisor burst, port, channel;
    int64_t now;
    int32_t free_request, free_descriptor, outbox_count;
    int32_t stirred;                         /* a part other than the first memory was given something to do */
    int32_t descriptors, direct, max_direct; /* under way, and of the latter how many may be */
    int32_t done_head, done_count, done_capacity;
    size_t nocs_at, drams_at, srams_at, endpoints_at, descriptors_at, requests_at, outbox_at, done_at, words_at, size;
} fabric_state;

#define FABRIC_PART(f, type, at) ((type *)((char *)(f) + (f)->at))
#define FABRIC_NOCS(f) FABRIC_PART(f, fabric_noc, nocs_at)
#define FABRIC_DRAMS(f) FABRIC_PART(f, fabric_dram, drams_at)
#define FABRIC_SRAMS(f) FABRIC_PART(f, fabric_sram, srams_at)
#define FABRIC_ENDPOINTS(f) FABRIC_PART(f, fabric_endpoint, endpoints_at)
#define FABRIC_DESCRIPTORS(f) FABRIC_PART(f, fabric_descriptor, descriptors_at)
#define FABRIC_REQUESTS(f) FABRIC_PART(f, fabric_request, requests_at)
#define FABRIC_OUTBOX(f) FABRIC_PART(f, fabric_packet, outbox_at)
#define FABRIC_DONE(f) FABRIC_PART(f, cs_fabric_done, done_at)
#define FABRIC_WORDS(f) FABRIC_PART(f, int64_t, words_at)

/* fabric_layout.c: where the parts of a state are. The callers that only read take a const buffer and write nothing
 * through *f. */
int32_t fabric_open(const void *state, size_t bytes, fabric_state **f);
/* Every part must have a state buffer; the parts check the buffers themselves. */
int32_t fabric_open_with_parts(const void *state, size_t bytes, const cs_fabric_parts *parts, fabric_state **f);

/* fabric_requests.c: what becomes of descriptors and of single requests. */

/* Routers that a flit passes from one node to the other. */
int32_t fabric_hops(const fabric_noc *noc, int32_t one, int32_t other);
/* Takes a place; NONE: there is none. */
int32_t fabric_take_request(fabric_state *f);
/* Cuts the next request off the descriptor at the head of the endpoint's queue: its index, or NONE where nothing may be
 * issued. caused: the end of a request just made room, and the first free place is that request's: what its time went
 * to, which is still there, is the new one's past, too, if both are of descriptors submitted at once. */
int32_t fabric_issue(fabric_state *f, int32_t which, int64_t t, int32_t caused);
/* Starts a request's present stage, and goes on as long as nothing takes time (ideal parts). */
void fabric_run(fabric_state *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status);
/* The request's present stage ended at t. */
void fabric_end_stage(fabric_state *f, const cs_fabric_parts *parts, int32_t index, int64_t t, int32_t *status);

/* fabric_clock.c: what happens next, at whichever part. */

/* What became ready at t is handed to the parts, in an order that the order of the requests does not matter for. */
void fabric_flush_outbox(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status);
void fabric_offer_to_drams(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status);
/* When something happens next, where only one part acts then which, and when any other part acts. */
typedef struct {
    int64_t earliest, rest;
    int32_t network, memory; /* FABRIC_NONE: not a network, or not a memory alone */
} fabric_next;
int32_t fabric_refresh_next(fabric_state *f, const cs_fabric_parts *parts, fabric_next *next);
/* All that happens at t. */
void fabric_step(fabric_state *f, const cs_fabric_parts *parts, int64_t t, int32_t *status);
/* As step() for all that happens up to `limit` while only one memory acts: until something completes, or another part
 * has something to do. */
void fabric_run_memory(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t limit, int32_t *status);
/* As step(), while only one network acts, up to its first clock with a delivery or to `limit`: nothing but a delivery
 * of its own could make it meet another part. */
void fabric_run_network(fabric_state *f, const cs_fabric_parts *parts, int32_t which, int64_t limit, int32_t *status);

/* Records that were not taken yet stay where they are, so new work waits for room. */
static inline int fabric_has_room(const fabric_state *f) {
    return f->done_count + f->descriptors + f->direct < f->done_capacity;
}

/* ---- divisions, of numbers from 0 on ---------------------------------------------------------------------- */

static inline fabric_divisor fabric_divisor_of(int64_t by) {
    const uint64_t bits = (uint64_t)by;
    return (fabric_divisor){by, (bits & (bits - 1)) == 0 ? __builtin_ctzll(bits) : -1};
}

static inline int64_t fabric_divide(int64_t number, fabric_divisor d) {
    return d.shift >= 0 ? number >> d.shift : number / d.by;
}

static inline int64_t fabric_divide_up(int64_t number, fabric_divisor d) {
    return fabric_divide(number + d.by - 1, d);
}

/* ---- clocks --------------------------------------------------------------------------------------------- */

static inline int64_t fabric_edge(const fabric_ticker *clock, int64_t clk) {
    const int64_t num = clock->period.period_num, den = clock->period.period_den;
    if (den == 1) return clk > clock->limit ? CS_NEVER : clk * num;
    if (clk == CS_NEVER || clk / den > clock->limit) return CS_NEVER;
    return clk / den * num + clk % den * num / den;
}

/* An engine may still have to take in, at an edge that has just passed, what arrived since. */
static inline int64_t fabric_later(int64_t now, int64_t t) {
    return t < now ? now : t;
}

/* The last edge at or before t. */
static inline int64_t fabric_clk_at(fabric_ticker *clock, int64_t t) {
    if (clock->begin <= t && t < clock->end) return clock->clk;
    const int64_t num = clock->period.period_num, den = clock->period.period_den;
    /* Most questions are about the very next clock: then there is nothing to divide. */
    if (den == 1 && clock->begin < clock->end && clock->end <= t && t < clock->end + num &&
        clock->clk + 2 <= clock->limit) {
        *clock = (fabric_ticker){clock->period, clock->limit, clock->clk + 1, clock->end, clock->end + num};
        return clock->clk;
    }
    int64_t clk = t / num * den + t % num * den / num;
    while (fabric_edge(clock, clk + 1) <= t)
        ++clk;
    *clock = (fabric_ticker){clock->period, clock->limit, clk, fabric_edge(clock, clk), fabric_edge(clock, clk + 1)};
    return clk;
}

#endif
