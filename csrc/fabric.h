/* The fused fabric: expands descriptors into requests and moves them between SRAM, NoC and DRAM engines.
 *
 * Time is in picoseconds here; each part counts clocks of its own. An arrival at time t acts at the part's first
 * clock edge after t. Requests of one endpoint are issued in order, at most `outstanding` of them in flight; that
 * window is the back-pressure. The time that a descriptor took is split by resource along its critical path: a
 * request that could be issued only because another one had completed inherits the split of that one.
 */
#ifndef CS_FABRIC_H
#define CS_FABRIC_H

#include "cs_common.h"

/* cffi: begin */
#define CS_FABRIC_READ 0  /* DRAM to the endpoint's local memory */
#define CS_FABRIC_WRITE 1 /* the endpoint's local memory to DRAM */
#define CS_FABRIC_MOVE 2  /* the endpoint's local memory to the memory of another node */
/* Direct requests. */
#define CS_FABRIC_ACCESS 3 /* one DRAM burst of another bus master at the memory, from outside the networks */
#define CS_FABRIC_LOCAL 4  /* accesses of one SRAM client, e.g. the lanes of a core during a tile */

/* Resources that time is charged to. */
#define CS_FABRIC_DRAM 0
#define CS_FABRIC_NOC 1
#define CS_FABRIC_SRAM 2
#define CS_FABRIC_DMA 3
#define CS_FABRIC_RESOURCES 4

#define CS_FABRIC_MAX_PORTS 16

/* Edge n of a clock is at floor(n * period_num / period_den) ps; the period is at least 1 ps. */
typedef struct {
    int64_t period_num, period_den;
} cs_fabric_clock;

/* `ideal` parts take no time and their engine is not called. */
typedef struct {
    cs_fabric_clock clock;
    int32_t ideal;
    int32_t flit_bytes;
    int32_t mesh_x;
    int32_t memory_ports; /* nodes at which the DRAM is reached */
    int32_t memory_nodes[CS_FABRIC_MAX_PORTS];
} cs_fabric_noc;

typedef struct {
    cs_fabric_clock clock;
    int32_t ideal;
} cs_fabric_dram;

typedef struct {
    cs_fabric_clock clock;
    int32_t ideal;
    int32_t word_bytes;
    int32_t memories;
    int64_t words; /* of the smallest memory: local addresses wrap here, and longer accesses are cut here */
} cs_fabric_sram;

/* A DMA channel: where it sits, and as which client it uses its node's memories. A request never crosses a multiple of
 * `request_bytes`: a power of two, at most the interleaving of ports and channels; a memory's port cuts it into bursts.
 * 0: as long as a burst. */
typedef struct {
    int32_t noc, node, sram, client, outstanding, request_bytes;
} cs_fabric_endpoint;

typedef struct {
    int32_t nocs, drams, srams, endpoints;
    int32_t max_descriptors; /* waiting and in flight, all endpoints */
    int32_t max_requests;    /* in flight; direct accesses have what the endpoints' `outstanding` leaves */
    int32_t burst_bytes;     /* of the DRAM; a power of two */
    int64_t port_interleave_bytes;
    int64_t channel_interleave_bytes; /* with several DRAMs whole bursts */
} cs_fabric_config;

/* What is asked for. An ACCESS has `address` and `is_write`; a LOCAL `rows` consecutive accesses, from `word` on, of
 * `client` to `memory`, and `is_write`; of all others, what `is_write` says is not looked at. */
typedef struct {
    uint64_t tag;
    int32_t endpoint, kind;                         /* LOCAL: the SRAM engine, instead of an endpoint */
    int32_t memory, is_write;                       /* local memory, an index into the (endpoint's) SRAM engine */
    int64_t row_bytes, address, rows, stride_bytes; /* in DRAM; MOVE uses row_bytes * rows only */
    int64_t word;                                   /* the first one in the local memory */
    int32_t far_node, far_memory;                   /* MOVE only */
    int64_t far_word;
    int32_t client; /* MOVE: as whom it writes there */
} cs_fabric_descriptor;

typedef struct {
    uint64_t tag;
    int64_t start_ps, time_ps;
    int64_t spent_ps[4]; /* by resource; sums to time_ps - start_ps */
} cs_fabric_done;

/* What one network's endpoints moved. Bytes are those asked for, not rounded to bursts; a flit's hops are the routers
 * it passes. */
typedef struct {
    int64_t requests, dram_read_bytes, dram_write_bytes, moved_bytes, noc_flits, noc_flit_hops;
} cs_fabric_stats;

/* The engines' state buffers, in the order of the configuration. */
typedef struct {
    void *const *noc;
    const size_t *noc_bytes;
    void *const *dram;
    const size_t *dram_bytes;
    void *const *sram;
    const size_t *sram_bytes;
} cs_fabric_parts;

int32_t cs_fabric_state_bytes(const cs_fabric_config *config, size_t *bytes);
int32_t cs_fabric_init(void *state, size_t bytes, const cs_fabric_config *config, const cs_fabric_noc *nocs,
                       const cs_fabric_dram *drams, const cs_fabric_sram *srams, const cs_fabric_endpoint *endpoints);
/* What is asked for at one instant, now_ps, at most 2^62: descriptors join their endpoints' queues, direct requests
 * begin. `taken`: how many of them; those behind one that is refused are not looked at. CS_FULL: no place is free for
 * one, or completions wait to be taken by cs_fabric_advance. CS_EINVAL also for one whose last address does not fit 63
 * bits. next_ps: as of cs_fabric_next, if the status is CS_OK. */
int32_t cs_fabric_submit(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t now_ps,
                         const cs_fabric_descriptor *descriptors, size_t count, size_t *taken, int64_t *next_ps);
/* Time of the earliest internal event, CS_NEVER if there is none, or nothing is under way that could complete: what the
 * parts do then is caught up with by the next cs_fabric_submit. */
int32_t cs_fabric_next(const void *state, size_t bytes, const cs_fabric_parts *parts, int64_t *time_ps);
/* Processes internal events up to until_ps, and stops after the first instant at which something completed.
 * CS_FULL: `done` was too small for that instant; the rest comes with the next call. next_ps: as of cs_fabric_next,
 * then, if the status is CS_OK or CS_FULL. */
int32_t cs_fabric_advance(void *state, size_t bytes, const cs_fabric_parts *parts, int64_t until_ps,
                          cs_fabric_done *done, size_t capacity, size_t *count, int64_t *next_ps);
int32_t cs_fabric_get_stats(const void *state, size_t bytes, int32_t noc, cs_fabric_stats *stats);
/* Words read and written so far in each memory of an SRAM engine; `memories` is the length of both arrays. */
int32_t cs_fabric_get_words(const void *state, size_t bytes, int32_t sram, int64_t *reads, int64_t *writes,
                            size_t memories);
/* cffi: end */

#endif
