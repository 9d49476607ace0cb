/* Packed zero masks: packing and counting. */
#ifndef CS_BITS_H
#define CS_BITS_H

#include "cs_common.h"

/* cffi: begin */
/* Number of set bits in `words[0..count)`. */
int32_t cs_bits_count(const uint64_t *words, size_t count, int64_t *set_bits);
/* cffi: end */

#endif
