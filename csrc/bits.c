#include "bits.h"

int32_t cs_bits_count(const uint64_t *words, size_t count, int64_t *set_bits) {
    if ((words == NULL && count > 0) || set_bits == NULL) return CS_EINVAL;
    int64_t total = 0;
    for (size_t i = 0; i < count; ++i)
        total += __builtin_popcountll(words[i]);
    *set_bits = total;
    return CS_OK;
}
