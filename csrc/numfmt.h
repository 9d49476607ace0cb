/* Number formats: rounding, encoding and decoding, and the largest magnitude of a tensor.
 *
 * Every format has a sign, and rounds to nearest, ties to even; floating ones with gradual underflow. What is too
 * large:
 *
 *   format     infinities  NaN codes        largest   above it, saturating  above it, not saturating
 *   FP8 E4M3   none        s.1111.111       448       largest               NaN
 *   FP8 E5M2   s.11111.00  s.11111.{01-11}  57344     largest               infinity
 *   FP16       yes         yes              65504     largest               infinity
 *   BF16       yes         yes              3.39e38   largest               infinity
 *   FP32       yes         yes              3.40e38   largest               infinity
 *   INT8       none        none             127       127, below -128: -128 (saturating or not)
 *
 * "Above" is decided after rounding as if the exponent had no bound. An infinity counts as above. A NaN stays a NaN, of
 * its sign and of the format's canonical payload; a zero keeps its sign. INT8 is two's complement: its zero has no
 * sign, and a NaN becomes zero (as in Arm's conversions).
 */
#ifndef CS_NUMFMT_H
#define CS_NUMFMT_H

#include "cs_common.h"

/* cffi: begin */
#define CS_FP8_E4M3 0
#define CS_FP8_E5M2 1
#define CS_FP16 2
#define CS_BF16 3
#define CS_FP32 4
#define CS_INT8 5

/* out[i] = values[i] * 2^exponent, rounded to `format` and given as a float. `exponent` is in [-126, 126], and 0 for
 * BF16 and FP32, whose range needs no scale. `out` may be `values`. */
int32_t cs_numfmt_round(int32_t format, int32_t exponent, int32_t saturate, const float *values, size_t count,
                        float *out);
/* The same, as bit patterns in the low bits of `codes`. */
int32_t cs_numfmt_encode(int32_t format, int32_t exponent, int32_t saturate, const float *values, size_t count,
                         uint32_t *codes);
/* The values of bit patterns; bits above the format's width are an error. */
int32_t cs_numfmt_decode(int32_t format, const uint32_t *codes, size_t count, float *out);
/* The largest |value|; 0 for none. A NaN counts as larger than everything. */
int32_t cs_numfmt_amax(const float *values, size_t count, float *amax);
/* cffi: end */

#endif
