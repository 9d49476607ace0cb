#include "mac_sums.h"

#include <string.h>

enum { VECTORS = 4 };
typedef float vector __attribute__((vector_size(4 * CS_MAC_LANES)));
typedef int32_t ints __attribute__((vector_size(4 * CS_MAC_LANES)));
typedef uint32_t words __attribute__((vector_size(4 * CS_MAC_LANES)));
/* The same, at any address. */
typedef float loose __attribute__((vector_size(4 * CS_MAC_LANES), aligned(4), may_alias));

static int32_t int_bits(const float *from) {
    int32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* Round to FP16, ties to even; above its largest the largest, a zero is +0. Never called with a NaN. */
CS_ALWAYS_INLINE void round_fp16(vector *sum) {
    const ints all = (ints)*sum, sign = all & INT32_MIN, bits = all & INT32_MAX;
    const vector magnitude = (vector)bits;
    /* One unit in the last place of 0.5 is FP16's smallest number: adding it rounds there. */
    const ints small = (ints)((magnitude + 0.5f) - 0.5f);
    ints rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF;
    const ints below = bits < 0x38800000, above = rounded > 0x477FE000;
    rounded = (below & small) | (~below & rounded);
    rounded = (above & 0x477FE000) | (~above & rounded);
    *sum = (vector)(rounded | (sign & (rounded != 0)));
}

/* Add value * weights to the sums. */
CS_ALWAYS_INLINE void add_product(vector *sum, const float *value, const float *weights, const int accumulate) {
    const vector other = *(const loose *)(const void *)weights;
    if (accumulate == CS_ACCUMULATE_INT32) {
        *sum = (vector)((words)*sum + (uint32_t)int_bits(value) * (words)other);
    } else {
        *sum += *value * other;
        if (accumulate == CS_ACCUMULATE_FP16) round_fp16(sum);
    }
}

/* The same, with the sums in memory. */
CS_ALWAYS_INLINE void add_product_at(float *sums, const float *value, const float *weights, const int accumulate) {
    vector sum = *(const loose *)(const void *)sums;
    add_product(&sum, value, weights, accumulate);
    *(loose *)(void *)sums = sum;
}

/* The input row (or column) that output `out` sees through filter row `tap`; -1 for padding or between strides. */
CS_ALWAYS_INLINE int64_t source(int64_t out, int64_t tap, int64_t size, int64_t stride, int64_t pad, int transposed) {
    int64_t in;
    if (transposed) {
        const int64_t shifted = out + pad - tap;
        if (shifted < 0 || shifted % stride) return -1;
        in = shifted / stride;
    } else {
        in = out * stride + tap - pad;
    }
    return in >= 0 && in < size ? in : -1;
}

CS_ALWAYS_INLINE void gather_block(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed, float *output,
                                   int64_t first, const int count, const int accumulate) {
    const int64_t width = cs_mac_padded(g->out), left = g->out - first;
    const int64_t wanted = left < count * CS_MAC_LANES ? left : count * CS_MAC_LANES;
    for (int64_t n = 0; n < g->n; ++n)
        for (int64_t i = 0; i < g->out_h; ++i)
            for (int64_t j = 0; j < g->out_w; ++j) {
                vector sum[VECTORS];
                for (int v = 0; v < count; ++v)
                    sum[v] = (vector){0};
                for (int64_t r = 0; r < g->r; ++r) {
                    const int64_t y = source(i, r, g->in_h, g->stride, g->pad, g->transposed);
                    if (y < 0) continue;
                    for (int64_t s = 0; s < g->s; ++s) {
                        const int64_t x = source(j, s, g->in_w, g->stride, g->pad, g->transposed);
                        if (x < 0) continue;
                        const int64_t row = ((n * g->in_h + y) * g->in_w + x) * g->groups + g->group;
                        const float *value = rows->value + row * g->in;
                        const int32_t *channel = rows->channel + row * g->in;
                        const float *base = packed + (r * g->s + s) * g->in * width + first;
                        for (int32_t t = 0; t < rows->count[row]; ++t) {
                            const float *weights = base + channel[t] * width;
                            for (int v = 0; v < count; ++v)
                                add_product(&sum[v], &value[t], weights + v * CS_MAC_LANES, accumulate);
                        }
                    }
                }
                float *to = output + ((n * g->out_h + i) * g->out_w + j) * g->out_channels + g->group * g->out + first;
                float lanes[VECTORS * CS_MAC_LANES];
                memcpy(lanes, sum, sizeof(vector) * (size_t)count);
                if (accumulate == CS_ACCUMULATE_INT32)
                    for (int64_t i32 = 0; i32 < wanted; ++i32)
                        to[i32] = (float)int_bits(lanes + i32);
                else
                    memcpy(to, lanes, sizeof(float) * (size_t)wanted);
            }
}

CS_ALWAYS_INLINE void gather(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed, float *output,
                             const int accumulate) {
    int64_t first = 0;
    for (; g->out - first > 3 * CS_MAC_LANES; first += 4 * CS_MAC_LANES)
        gather_block(g, rows, packed, output, first, 4, accumulate);
    const int64_t left = g->out - first;
    if (left > 2 * CS_MAC_LANES)
        gather_block(g, rows, packed, output, first, 3, accumulate);
    else if (left > CS_MAC_LANES)
        gather_block(g, rows, packed, output, first, 2, accumulate);
    else if (left > 0)
        gather_block(g, rows, packed, output, first, 1, accumulate);
}

/* Every way to accumulate as a constant. */
CS_ALWAYS_INLINE void gather_any(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed, float *output,
                                 int32_t accumulate) {
    if (accumulate == CS_ACCUMULATE_FP32)
        gather(g, rows, packed, output, CS_ACCUMULATE_FP32);
    else if (accumulate == CS_ACCUMULATE_FP16)
        gather(g, rows, packed, output, CS_ACCUMULATE_FP16);
    else
        gather(g, rows, packed, output, CS_ACCUMULATE_INT32);
}

static void gather_plain(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed, float *output,
                         int32_t accumulate) {
    gather_any(g, rows, packed, output, accumulate);
}

#if CS_HAS_X86
CS_TARGET_AVX2 static void gather_avx2(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed,
                                       float *output, int32_t accumulate) {
    gather_any(g, rows, packed, output, accumulate);
}

CS_TARGET_AVX512 static void gather_avx512(const cs_mac_gather *g, const cs_mac_rows *rows, const float *packed,
                                           float *output, int32_t accumulate) {
    gather_any(g, rows, packed, output, accumulate);
}
#endif

void cs_mac_gather_sums(const cs_mac_gather *g, int32_t isa, int32_t accumulate, const cs_mac_rows *rows,
                        const float *packed, float *output) {
#if CS_HAS_X86
    if (isa == CS_ISA_AVX512) {
        gather_avx512(g, rows, packed, output, accumulate);
        return;
    }
    if (isa == CS_ISA_AVX2) {
        gather_avx2(g, rows, packed, output, accumulate);
        return;
    }
#endif
    (void)isa; /* of no use where there is one version only */
    gather_plain(g, rows, packed, output, accumulate);
}

CS_ALWAYS_INLINE void outer_block(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense, float *sums,
                                  int64_t first, const int count, const int accumulate) {
    for (int64_t n = 0; n < g->n; ++n)
        for (int64_t p = 0; p < g->p; ++p) {
            const int64_t y = source(p, g->r, g->h, g->stride, g->pad, 0);
            if (y < 0) continue;
            for (int64_t q = 0; q < g->q; ++q) {
                const int64_t x = source(q, g->s, g->w, g->stride, g->pad, 0);
                if (x < 0) continue;
                const int64_t input = (n * g->h + y) * g->w + x, output = (n * g->p + p) * g->q + q;
                const int64_t row = (g->x_is_sparse ? input : output) * g->groups + g->group;
                const float *value = rows->value + row * g->sparse;
                const int32_t *channel = rows->channel + row * g->sparse;
                const float *from = dense + (g->x_is_sparse ? output : input) * g->width + first;
                for (int32_t t = 0; t < rows->count[row]; ++t) {
                    float *to = sums + channel[t] * g->width + first;
                    for (int v = 0; v < count; ++v)
                        add_product_at(to + v * CS_MAC_LANES, &value[t], from + v * CS_MAC_LANES, accumulate);
                }
            }
        }
}

CS_ALWAYS_INLINE void outer(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense, float *sums,
                            const int accumulate) {
    int64_t first = 0;
    for (; g->width - first >= 4 * CS_MAC_LANES; first += 4 * CS_MAC_LANES)
        outer_block(g, rows, dense, sums, first, 4, accumulate);
    const int64_t left = (g->width - first) / CS_MAC_LANES;
    if (left == 3)
        outer_block(g, rows, dense, sums, first, 3, accumulate);
    else if (left == 2)
        outer_block(g, rows, dense, sums, first, 2, accumulate);
    else if (left == 1)
        outer_block(g, rows, dense, sums, first, 1, accumulate);
}

/* Every way to accumulate as a constant. */
CS_ALWAYS_INLINE void outer_any(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense, float *sums,
                                int32_t accumulate) {
    if (accumulate == CS_ACCUMULATE_FP32)
        outer(g, rows, dense, sums, CS_ACCUMULATE_FP32);
    else if (accumulate == CS_ACCUMULATE_FP16)
        outer(g, rows, dense, sums, CS_ACCUMULATE_FP16);
    else
        outer(g, rows, dense, sums, CS_ACCUMULATE_INT32);
}

static void outer_plain(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense, float *sums,
                        int32_t accumulate) {
    outer_any(g, rows, dense, sums, accumulate);
}

#if CS_HAS_X86
CS_TARGET_AVX2 static void outer_avx2(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense, float *sums,
                                      int32_t accumulate) {
    outer_any(g, rows, dense, sums, accumulate);
}

CS_TARGET_AVX512 static void outer_avx512(const cs_mac_outer *g, const cs_mac_rows *rows, const float *dense,
                                          float *sums, int32_t accumulate) {
    outer_any(g, rows, dense, sums, accumulate);
}
#endif

void cs_mac_outer_sums(const cs_mac_outer *g, int32_t isa, int32_t accumulate, const cs_mac_rows *rows,
                       const float *dense, float *sums) {
#if CS_HAS_X86
    if (isa == CS_ISA_AVX512) {
        outer_avx512(g, rows, dense, sums, accumulate);
        return;
    }
    if (isa == CS_ISA_AVX2) {
        outer_avx2(g, rows, dense, sums, accumulate);
        return;
    }
#endif
    (void)isa; /* of no use where there is one version only */
    outer_plain(g, rows, dense, sums, accumulate);
}
