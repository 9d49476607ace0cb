/* What one core of this machine can do at most, for `python -m benchmarks`: compiled there with -O3 -march=native. */
#include <stddef.h>
#include <stdint.h>

/* Bits a call counts in `words` words that fit the first-level cache: one load, one popcount. */
uint64_t limit_popcount(const uint64_t *words, size_t count, size_t repeats) {
    uint64_t total = 0;
    for (size_t r = 0; r < repeats; ++r) {
        for (size_t i = 0; i < count; ++i)
            total += (uint64_t)__builtin_popcountll(words[i]);
        __asm__ volatile("" ::: "memory");
    }
    return total;
}

/* Bytes loaded: a sum over words. */
uint64_t limit_load(const uint64_t *words, size_t count, size_t repeats) {
    uint64_t total = 0;
    for (size_t r = 0; r < repeats; ++r) {
        uint64_t all = 0;
        for (size_t i = 0; i < count; ++i)
            all |= words[i];
        total += all;
        __asm__ volatile("" ::: "memory");
    }
    return total;
}

/* Multiply-adds of FP32, 12 vectors of 16 in flight: fused where -ffp-contract allows it, a product and a sum else. */
typedef float vector __attribute__((vector_size(64)));
float limit_multiply_add(float factor, float term, size_t repeats) {
    vector sum[12];
    const vector x = (vector){0} + factor, y = (vector){0} + term;
    for (int i = 0; i < 12; ++i)
        sum[i] = (vector){0} + (float)i;
    for (size_t r = 0; r < repeats; ++r)
        for (int i = 0; i < 12; ++i)
            sum[i] = sum[i] * x + y;
    float total = 0;
    for (int i = 0; i < 12; ++i)
        total += sum[i][0];
    return total;
}
