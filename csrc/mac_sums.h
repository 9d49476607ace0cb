/* Inside the multiply-accumulates: the sums themselves, vectors of outputs side by side. */
#ifndef CS_MAC_SUMS_H
#define CS_MAC_SUMS_H

#include "mac.h"

/* Sixteen outputs side by side. */
#define CS_MAC_LANES 16

/* The non-zero channels of every pixel and group, in order: `count` of them at the pixel's place. With sums in INT32
 * the values are the bits of integers.
 */
typedef struct {
    float *value;
    int32_t *channel;
    int32_t *count;
} cs_mac_rows;

/* FF and BP of one group: every output pixel gathers from the sparse rows of the pixels under its filter. */
typedef struct {
    int64_t n, out_h, out_w, in_h, in_w, r, s, stride, pad, groups, group;
    int64_t in, out, out_channels; /* channels per group; all output channels */
    int transposed;
} cs_mac_gather;

/* WG of one group and filter position: sums[a][:] += sparse[a] * dense[:], over (n, p, q) in order. */
typedef struct {
    int64_t n, p, q, h, w, r, s, stride, pad, groups, group;
    int64_t sparse, width; /* channels of the sparse operand, padded channels of the dense one */
    int x_is_sparse;
} cs_mac_outer;

static inline int64_t cs_mac_padded(int64_t channels) {
    return (channels + CS_MAC_LANES - 1) / CS_MAC_LANES * CS_MAC_LANES;
}

/* `packed`: one group's weights as (tap, in, out), `out` padded with zeros to whole vectors. `output` is FP32. */
void cs_mac_gather_sums(const cs_mac_gather *g, int32_t isa, int32_t accumulate, const cs_mac_rows *rows,
                        const float *packed, float *output);

/* `sums` are added to: FP32, or the bits of INT32. */
void cs_mac_outer_sums(const cs_mac_outer *g, int32_t isa, int32_t accumulate, const cs_mac_rows *rows,
                       const float *dense, float *sums);

#endif
