/* Skip counting: how many pairs of the zero masks of two operands are effectual, without the time that they take.
 *
 * A group's lanes share a row of the input operand; each has a row of the other operand. Rows are in walk order, bits
 * packed as in bits.h.
 */
#ifndef CS_SKIPS_H
#define CS_SKIPS_H

#include "bits.h"
#include "isa.h"

/* cffi: begin */
/* Pairs of bits that are both set among the first `bits` of `input` and of each of the `lanes` rows of `other`, rows of
 * ceil(bits / 64) words: per_lane[lane]; per_group[lane / group], ceil(lanes / group) of them; and, unless null,
 * per_block[lane * blocks + i] over bits i * window .. of the row, blocks = ceil(bits / window).
 */
int32_t cs_skips_count(int32_t isa, const uint64_t *input, size_t input_count, const uint64_t *other,
                       size_t other_count, int32_t lanes, int32_t group, int64_t bits, int32_t window,
                       int64_t *per_lane, size_t per_lane_count, int64_t *per_group, size_t per_group_count,
                       int32_t *per_block, size_t per_block_count);
/* cffi: end */

#endif
