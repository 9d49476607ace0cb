/* Multiply-accumulates of one layer in the three stages of training, in a fixed order.
 *
 *   FF  y[n,p,q,k]  = sum over (r, s, c) of x[n,h,w,c] * w[k,r,s,c]     h = p * stride + r - pad, w alike
 *   BP  dx[n,h,w,c] = sum over (r, s, k) of dy[n,p,q,k] * w[k,r,s,c]    over the same pairs
 *   WG  dw[k,r,s,c] = sum over (n, p, q) of x[n,h,w,c] * dy[n,p,q,k]
 *
 * Layouts: x, dx (n, h, w, c); w, dw (k, r, s, c / groups); y, dy (n, p, q, k); all contiguous. Padding positions are
 * no terms. Each output starts at +0 and adds its products one after the other, last index fastest, by `accumulate`:
 *
 *   FP32   product and sum are each rounded to FP32 (to nearest, ties to even), never fused. A sum may overflow to
 *          infinity, and infinities may meet as NaN.
 *
 *   FP16   the same, and each sum is then rounded to FP16, ties to even. A sum above FP16's largest becomes 65504 of
 *          its sign, one that rounds to zero is +0: there is neither infinity nor NaN.
 *
 *   INT32  operands are integers of -128 .. 127; products are exact, sums are modulo 2^32 (two's complement). The
 *          result is the sum as a float, rounded to nearest, ties to even.
 *
 * Vectors run across outputs, so the width of the processor's vectors (`isa`) changes no byte.
 *
 * Operands are finite (CS_EINVAL otherwise). So a product with a zero is a zero, a sum that starts at +0 is never -0,
 * and adding a zero of either sign changes nothing: leaving out zeros, as these functions do, gives the bytes of
 * adding them all.
 */
#ifndef CS_MAC_H
#define CS_MAC_H

#include "isa.h"

/* cffi: begin */
/* In elements; at least 1 each, pad at least 0; groups divides c and k. */
typedef struct {
    int32_t n, c, h, w, k, r, s, stride, pad, groups;
} cs_mac_shape;

#define CS_MAC_FF 0
#define CS_MAC_BP 1
#define CS_MAC_WG 2

#define CS_ACCUMULATE_FP32 0
#define CS_ACCUMULATE_FP16 1
#define CS_ACCUMULATE_INT32 2

/* *bytes: of scratch that a stage (CS_MAC_...) needs. CS_EINVAL for an unknown stage, a shape without outputs, and one
 * of whose tensors has 2^31 elements or more, channels of x, y and w filled up to multiples of 16.
 */
int32_t cs_mac_scratch_bytes(const cs_mac_shape *shape, int32_t stage, size_t *bytes);
/* The three stages. Counts are in elements, exactly those of the layouts; scratch is aligned as a float, at least as
 * large as cs_mac_scratch_bytes says, and holds nothing afterwards (CS_EBUFFER otherwise). CS_EINVAL for an unknown way
 * to accumulate, an instruction set that is not there, and operands that are not finite, or not integers of -128 .. 127
 * with INT32; nothing is written then. Buffers do not overlap.
 *
 * y from x and w. */
int32_t cs_mac_ff(const cs_mac_shape *shape, int32_t accumulate, int32_t isa, const float *x, size_t x_count,
                  const float *w, size_t w_count, float *y, size_t y_count, void *scratch, size_t scratch_bytes);
/* dx from dy and w. */
int32_t cs_mac_bp(const cs_mac_shape *shape, int32_t accumulate, int32_t isa, const float *dy, size_t dy_count,
                  const float *w, size_t w_count, float *dx, size_t dx_count, void *scratch, size_t scratch_bytes);
/* dw from x and dy. */
int32_t cs_mac_wg(const cs_mac_shape *shape, int32_t accumulate, int32_t isa, const float *x, size_t x_count,
                  const float *dy, size_t dy_count, float *dw, size_t dw_count, void *scratch, size_t scratch_bytes);
/* cffi: end */

#endif
