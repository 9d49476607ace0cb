/* Network on chip: a mesh of input-queued routers with virtual channels and credits, flit by flit.
 *
 * Dimension-order (XY) wormhole routing. The router is the one of BookSim 2.0 (Jiang et al., ISPASS 2013): routing, VC
 * allocation, switch allocation and crossbar take a clock each, links a clock each way; both allocations are iSLIP of
 * one iteration. Options change each of that. tests/twins/noc.py says the same clock by clock.
 *
 * Nodes are numbered x + columns * y. Ports of a router: 0 faces the neighbour x+1, 1 x-1, 2 y+1, 3 y-1, 4 the node.
 */
#ifndef CS_NOC_H
#define CS_NOC_H

#include "cs_common.h"

/* cffi: begin */
#define CS_NOC_PORTS 5
/* Links counted per node: the outputs of its router, then the link from the node into the router. */
#define CS_NOC_LINKS 6
#define CS_NOC_MAX_VCS 8
#define CS_NOC_MAX_DEPTH 255
#define CS_NOC_MAX_CREDIT_DELAY 8
#define CS_NOC_MAX_NODES 65536
#define CS_NOC_MAX_ST_FINAL_DELAY 4
#define CS_NOC_MAX_VC_ALLOC_DELAY 8
/* 2 * st_final_delay + credit_delay is at most this: so far ahead goes the list of what happens when. */
#define CS_NOC_MAX_DELAYS 12
/* Allocators. iSLIP, one iteration: outputs offer, inputs choose. Separable, input first: inputs ask for one output,
 * outputs choose. Both go round robin. */
#define CS_NOC_ISLIP 0
#define CS_NOC_SEPARABLE_INPUT_FIRST 1

typedef struct {
    int32_t columns, rows;
    int32_t vcs;           /* virtual channels of a link, 1 to CS_NOC_MAX_VCS */
    int32_t depth;         /* flits of buffer per virtual channel, 1 to CS_NOC_MAX_DEPTH */
    int32_t routing_delay; /* 1: a clock for routing; 0: a head asks for a VC in the clock in which it arrives */
    int32_t credit_delay;  /* extra clocks until a router can use a credit it got, 0 to CS_NOC_MAX_CREDIT_DELAY */
    int32_t speculative;   /* 1: a head bids for the switch in the clock in which it asks for a VC; 0: in the next */
    int32_t input_speedup; /* lines from an input into the switch, 1 to CS_NOC_MAX_VCS; VC v uses line v modulo them */
    int32_t vc_allocator, sw_allocator; /* CS_NOC_ISLIP or CS_NOC_SEPARABLE_INPUT_FIRST */
    int32_t hold_switch_for_packet; /* 1: input and output stay connected while the packet's flits follow each other */
    int32_t wait_for_tail_credit; /* 1: a VC is free again when all credits of its packet are back; 0: with its tail */
    int32_t st_final_delay;       /* clocks in the crossbar, 1 to CS_NOC_MAX_ST_FINAL_DELAY */
    int32_t vc_alloc_delay;       /* clocks of VC allocation, 1 to CS_NOC_MAX_VC_ALLOC_DELAY; 1 with speculation */
    int32_t ideal;                /* not 0: every packet is delivered at the clock of its creation */
    int32_t max_packets;          /* packets and copies of them submitted and not yet handed out as deliveries */
} cs_noc_config;

typedef struct {
    uint64_t tag;
    int64_t created;
    int64_t injected; /* the head leaves the source */
    int64_t head_out; /* the head reaches the destination node */
    int64_t tail_out; /* the tail does */
    int64_t node;     /* the destination: of a multicast packet each has a record, all with its tag */
} cs_noc_delivery;

/* Counts up to the last processed clock. */
typedef struct {
    int64_t packets_submitted, packets_delivered;
    int64_t packets_queued; /* in source queues, head not sent */
    int64_t packets_in_net; /* head sent, tail not arrived */
    int64_t flits_injected; /* sent by sources */
    int64_t buffer_writes;  /* flits written into router buffers */
    int64_t buffer_reads;   /* flits read from them: one crossbar traversal each */
    int64_t mesh_hops;      /* of those, flits that left for another router */
    int64_t flits_ejected;  /* of those, flits that left for the node */
    int64_t flits_copied;   /* to nodes that a multicast packet passes; not among those ejected */
    int64_t vc_allocations; /* packets times routers */
    int64_t clocks;         /* the last processed clock */
} cs_noc_counts;

/* One virtual channel of one link: where its `depth` buffer places are. */
typedef struct {
    int32_t node, link, vc; /* link: 0 to 4 an output of the router, 5 from the node into it */
    int32_t credits;        /* at the sender */
    int32_t flits;          /* on the way to the buffer */
    int32_t buffered;
    int32_t returning; /* credits on the way back */
} cs_noc_channel;

/* One buffered flit; flits of a buffer follow each other first to last. */
typedef struct {
    uint64_t tag;
    int32_t node, port, vc;
    int32_t head, tail;
} cs_noc_flit;

int32_t cs_noc_state_bytes(const cs_noc_config *config, size_t *bytes);

/* An empty network whose last processed clock is -1. `state` is aligned to 8 bytes; it holds no pointers. */
int32_t cs_noc_init(void *state, size_t state_bytes, const cs_noc_config *config);

/* A packet created at `clk`, which is later than the last processed clock. Each source sends its packets in order of
 * (created, submission). CS_FULL: max_packets are under way. */
int32_t cs_noc_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                      int32_t flits);

/* A packet for `dst` that leaves a copy at each of `nodes`, routers on its XY path before `dst`, in the order of the
 * path. A flit that leaves such a router for the next one goes to the node too, over a path of its own beside the
 * switch, and is there as many clocks later as one that leaves for the node. So a copy holds no channel, and can block
 * nobody. CS_EINVAL: a node is not on the path, or out of order. CS_FULL: no room for the packet and all its copies. */
int32_t cs_noc_multicast(void *state, size_t state_bytes, int64_t clk, uint64_t tag, int32_t src, int32_t dst,
                         int32_t flits, const int32_t *nodes, size_t count);

/* The earliest clock at which anything happens; CS_NEVER when the network is empty. */
int32_t cs_noc_next(const void *state, size_t state_bytes, int64_t *clk);

/* Processes every clock <= until. A record is written at the packet's tail_out, those of one clock in order of
 * destination (ideal: of source, then submission). `stop`: return after the first clock with a delivery.
 * CS_FULL: `out` was too short; the rest comes first in the next call. However a run is split, its records are the
 * same. With until CS_NEVER the last processed clock is that of the last event. */
int32_t cs_noc_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_noc_delivery *out,
                       size_t capacity, size_t *count);

/* `link_flits`: CS_NOC_LINKS entries per node, flits sent over each link, which are its busy clocks; may be null. */
int32_t cs_noc_stats(const void *state, size_t state_bytes, cs_noc_counts *counts, int64_t *link_flits,
                     size_t link_capacity);

/* All virtual channels of all links that exist, with their places accounted for; by node, link, VC. */
int32_t cs_noc_channels(const void *state, size_t state_bytes, cs_noc_channel *out, size_t capacity, size_t *count);

/* All flits in router buffers; by node, port, VC, place. */
int32_t cs_noc_buffered(const void *state, size_t state_bytes, cs_noc_flit *out, size_t capacity, size_t *count);

/* Runs a freshly initialised network over packets sorted by `created` until the last has left, and writes when each
 * was injected and its head and tail came out. CS_EINVAL: not sorted, or a field out of range; CS_FULL: more packets
 * than max_packets under way. `rejected` is the index of the packet at fault, or `count`. */
int32_t cs_noc_replay(void *state, size_t state_bytes, size_t count, const int64_t *created, const int32_t *src,
                      const int32_t *dst, const int32_t *flits, int64_t *injected, int64_t *head_out, int64_t *tail_out,
                      size_t *rejected);
/* cffi: end */

#endif
