#include "mac.h"

#include <string.h>

/* One body for every instruction set: the compiler makes a version each, the loader picks one. */
#if defined(__x86_64__) && defined(__ELF__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(CS_MAC_ONE_VERSION)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

/* Sixteen outputs side by side; unaligned in memory. */
enum { LANES = 16, VECTORS = 4 };
typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float loose __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* The non-zero channels of every pixel and group, in order: `count` of them at the pixel's place. */
typedef struct {
    float *value;
    int32_t *channel;
    int32_t *count;
} sparse_rows;

static int64_t padded(int64_t channels) {
    return (channels + LANES - 1) / LANES * LANES;
}
static int64_t out_size(int32_t in, int32_t filter, int32_t stride, int32_t pad) {
    const int64_t room = (int64_t)in + 2 * (int64_t)pad - filter;
    return room < 0 ? 0 : room / stride + 1;
}

static int valid(const cs_mac_shape *z) {
    if (z == NULL || z->n < 1 || z->c < 1 || z->h < 1 || z->w < 1 || z->k < 1 || z->r < 1 || z->s < 1) return 0;
    if (z->stride < 1 || z->pad < 0 || z->groups < 1 || z->c % z->groups || z->k % z->groups) return 0;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    if (p < 1 || q < 1) return 0;
    const double limit = 2147483648.0;
    return (double)z->n * z->h * z->w * (double)padded(z->c) < limit &&
           (double)z->n * (double)p * (double)q * (double)padded(z->k) < limit &&
           (double)padded(z->k) * z->r * z->s * (double)padded(z->c) < limit;
}

static size_t rows_bytes(int64_t pixels, int64_t channels, int64_t groups) {
    return (size_t)(pixels * channels * 8 + pixels * groups * 4);
}

static sparse_rows carve(char *scratch, int64_t pixels, int64_t channels) {
    sparse_rows rows;
    rows.value = (float *)(void *)scratch;
    rows.channel = (int32_t *)(void *)(scratch + pixels * channels * 4);
    rows.count = (int32_t *)(void *)(scratch + pixels * channels * 8);
    return rows;
}

int32_t cs_mac_scratch_bytes(const cs_mac_shape *z, int32_t stage, size_t *bytes) {
    if (!valid(z) || bytes == NULL) return CS_EINVAL;
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups, taps = (int64_t)z->r * z->s;
    const int64_t inputs = (int64_t)z->n * z->h * z->w;
    const int64_t outputs =
        (int64_t)z->n * out_size(z->h, z->r, z->stride, z->pad) * out_size(z->w, z->s, z->stride, z->pad);
    if (stage == CS_MAC_FF) {
        *bytes = rows_bytes(inputs, z->c, z->groups) + (size_t)(taps * cg * padded(kg) * 4);
    } else if (stage == CS_MAC_BP) {
        *bytes = rows_bytes(outputs, z->k, z->groups) + (size_t)(taps * kg * padded(cg) * 4);
    } else if (stage == CS_MAC_WG) {
        /* Which operand becomes the sparse one is chosen by its zeros: room for both ways. */
        const size_t x_sparse = rows_bytes(inputs, z->c, z->groups) + (size_t)((outputs + cg) * padded(kg) * 4);
        const size_t dy_sparse = rows_bytes(outputs, z->k, z->groups) + (size_t)((inputs + kg) * padded(cg) * 4);
        *bytes = x_sparse > dy_sparse ? x_sparse : dy_sparse;
    } else {
        return CS_EINVAL;
    }
    return CS_OK;
}

/* 1 if a value is infinite or NaN. */
static int any_unbounded(const float *values, int64_t count) {
    uint32_t found = 0;
    for (int64_t i = 0; i < count; ++i) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        found |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return found != 0;
}

static int64_t count_nonzero(const float *values, int64_t count) {
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i)
        total += values[i] != 0.0f;
    return total;
}

static void compress(const float *tensor, int64_t pixels, int64_t channels, int64_t groups, const sparse_rows *rows) {
    const int64_t per_group = channels / groups;
    for (int64_t row = 0; row < pixels * groups; ++row) {
        const float *from = tensor + row * per_group;
        float *value = rows->value + row * per_group;
        int32_t *channel = rows->channel + row * per_group;
        int32_t count = 0;
        for (int64_t i = 0; i < per_group; ++i) { /* without a branch: zeros are overwritten by what follows */
            value[count] = from[i];
            channel[count] = (int32_t)i;
            count += from[i] != 0.0f;
        }
        rows->count[row] = count;
    }
}

/* One group's weights as (tap, in, out), `out` padded with zeros to whole vectors. */
static void pack_weights(const cs_mac_shape *z, const float *w, int64_t group, int transposed, float *packed) {
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups, taps = (int64_t)z->r * z->s;
    const int64_t in = transposed ? kg : cg, out = transposed ? cg : kg, width = padded(out);
    memset(packed, 0, (size_t)(taps * in * width) * sizeof *packed);
    for (int64_t k = 0; k < kg; ++k)
        for (int64_t tap = 0; tap < taps; ++tap)
            for (int64_t c = 0; c < cg; ++c) {
                const int64_t at = transposed ? (tap * in + k) * width + c : (tap * in + c) * width + k;
                packed[at] = w[((group * kg + k) * taps + tap) * cg + c];
            }
}

/* The input row (or column) that output `out` sees through filter row `tap`; -1 for padding or between strides. */
INLINE int64_t source(int64_t out, int64_t tap, int64_t size, int64_t stride, int64_t pad, int transposed) {
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

/* FF and BP of one group: every output pixel gathers from the sparse rows of the pixels under its filter. */
typedef struct {
    int64_t n, out_h, out_w, in_h, in_w, r, s, stride, pad, groups, group;
    int64_t in, out, out_channels; /* channels per group; all output channels */
    int transposed;
} gather_shape;

INLINE void gather_block(const gather_shape *g, const sparse_rows *rows, const float *packed, float *output,
                         int64_t first, const int count) {
    const int64_t width = padded(g->out), left = g->out - first;
    const int64_t wanted = left < count * LANES ? left : count * LANES;
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
                                sum[v] += value[t] * *(const loose *)(const void *)(weights + v * LANES);
                        }
                    }
                }
                float *to = output + ((n * g->out_h + i) * g->out_w + j) * g->out_channels + g->group * g->out + first;
                float lanes[VECTORS * LANES];
                memcpy(lanes, sum, sizeof(vector) * (size_t)count);
                memcpy(to, lanes, sizeof(float) * (size_t)wanted);
            }
}

CLONES static void gather(const gather_shape *g, const sparse_rows *rows, const float *packed, float *output) {
    int64_t first = 0;
    for (; g->out - first > 3 * LANES; first += 4 * LANES)
        gather_block(g, rows, packed, output, first, 4);
    const int64_t left = g->out - first;
    if (left > 2 * LANES)
        gather_block(g, rows, packed, output, first, 3);
    else if (left > LANES)
        gather_block(g, rows, packed, output, first, 2);
    else if (left > 0)
        gather_block(g, rows, packed, output, first, 1);
}

int32_t cs_mac_ff(const cs_mac_shape *z, const float *x, size_t x_count, const float *w, size_t w_count, float *y,
                  size_t y_count, void *scratch, size_t scratch_bytes) {
    size_t needed;
    if (cs_mac_scratch_bytes(z, CS_MAC_FF, &needed) != CS_OK || !x || !w || !y || !scratch) return CS_EINVAL;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    const int64_t pixels = (int64_t)z->n * z->h * z->w, cg = z->c / z->groups, kg = z->k / z->groups;
    if (x_count != (size_t)(pixels * z->c) || w_count != (size_t)((int64_t)z->k * z->r * z->s * cg) ||
        y_count != (size_t)(z->n * p * q * z->k) || scratch_bytes < needed || (uintptr_t)scratch % sizeof(float))
        return CS_EBUFFER;
    if (any_unbounded(x, (int64_t)x_count) || any_unbounded(w, (int64_t)w_count)) return CS_EINVAL;
    const sparse_rows rows = carve(scratch, pixels, z->c);
    float *packed = (float *)(void *)((char *)scratch + rows_bytes(pixels, z->c, z->groups));
    compress(x, pixels, z->c, z->groups, &rows);
    for (int64_t group = 0; group < z->groups; ++group) {
        const gather_shape g = {z->n,   p,         q,     z->h, z->w, z->r, z->s, z->stride,
                                z->pad, z->groups, group, cg,   kg,   z->k, 0};
        pack_weights(z, w, group, 0, packed);
        gather(&g, &rows, packed, y);
    }
    return CS_OK;
}

int32_t cs_mac_bp(const cs_mac_shape *z, const float *dy, size_t dy_count, const float *w, size_t w_count, float *dx,
                  size_t dx_count, void *scratch, size_t scratch_bytes) {
    size_t needed;
    if (cs_mac_scratch_bytes(z, CS_MAC_BP, &needed) != CS_OK || !dy || !w || !dx || !scratch) return CS_EINVAL;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    const int64_t pixels = z->n * p * q, cg = z->c / z->groups, kg = z->k / z->groups;
    if (dy_count != (size_t)(pixels * z->k) || w_count != (size_t)((int64_t)z->k * z->r * z->s * cg) ||
        dx_count != (size_t)((int64_t)z->n * z->h * z->w * z->c) || scratch_bytes < needed ||
        (uintptr_t)scratch % sizeof(float))
        return CS_EBUFFER;
    if (any_unbounded(dy, (int64_t)dy_count) || any_unbounded(w, (int64_t)w_count)) return CS_EINVAL;
    const sparse_rows rows = carve(scratch, pixels, z->k);
    float *packed = (float *)(void *)((char *)scratch + rows_bytes(pixels, z->k, z->groups));
    compress(dy, pixels, z->k, z->groups, &rows);
    for (int64_t group = 0; group < z->groups; ++group) {
        const gather_shape g = {z->n,   z->h,      z->w,  p,  q,  z->r, z->s, z->stride,
                                z->pad, z->groups, group, kg, cg, z->c, 1};
        pack_weights(z, w, group, 1, packed);
        gather(&g, &rows, packed, dx);
    }
    return CS_OK;
}

/* WG of one group and filter position: sums[a][:] += sparse[a] * dense[:], over (n, p, q) in order. */
typedef struct {
    int64_t n, p, q, h, w, r, s, stride, pad, groups, group;
    int64_t sparse, width; /* channels of the sparse operand, padded channels of the dense one */
    int x_is_sparse;
} outer_shape;

INLINE void outer_block(const outer_shape *g, const sparse_rows *rows, const float *dense, float *sums, int64_t first,
                        const int count) {
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
                vector other[VECTORS];
                for (int v = 0; v < count; ++v)
                    other[v] = *(const loose *)(const void *)(from + v * LANES);
                for (int32_t t = 0; t < rows->count[row]; ++t) {
                    float *to = sums + channel[t] * g->width + first;
                    for (int v = 0; v < count; ++v)
                        *(loose *)(void *)(to + v * LANES) += value[t] * other[v];
                }
            }
        }
}

CLONES static void outer(const outer_shape *g, const sparse_rows *rows, const float *dense, float *sums) {
    int64_t first = 0;
    for (; g->width - first >= 4 * LANES; first += 4 * LANES)
        outer_block(g, rows, dense, sums, first, 4);
    const int64_t left = (g->width - first) / LANES;
    if (left == 3)
        outer_block(g, rows, dense, sums, first, 3);
    else if (left == 2)
        outer_block(g, rows, dense, sums, first, 2);
    else if (left == 1)
        outer_block(g, rows, dense, sums, first, 1);
}

/* One group's channels of a tensor, padded with zeros to whole vectors. */
static void pad_rows(const float *tensor, int64_t pixels, int64_t channels, int64_t group, int64_t per_group,
                     float *out) {
    const int64_t width = padded(per_group);
    for (int64_t i = 0; i < pixels; ++i) {
        memcpy(out + i * width, tensor + i * channels + group * per_group, (size_t)per_group * sizeof *out);
        memset(out + i * width + per_group, 0, (size_t)(width - per_group) * sizeof *out);
    }
}

int32_t cs_mac_wg(const cs_mac_shape *z, const float *x, size_t x_count, const float *dy, size_t dy_count, float *dw,
                  size_t dw_count, void *scratch, size_t scratch_bytes) {
    size_t needed;
    if (cs_mac_scratch_bytes(z, CS_MAC_WG, &needed) != CS_OK || !x || !dy || !dw || !scratch) return CS_EINVAL;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    const int64_t inputs = (int64_t)z->n * z->h * z->w, outputs = z->n * p * q, taps = (int64_t)z->r * z->s;
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups;
    if (x_count != (size_t)(inputs * z->c) || dy_count != (size_t)(outputs * z->k) ||
        dw_count != (size_t)(z->k * taps * cg) || scratch_bytes < needed || (uintptr_t)scratch % sizeof(float))
        return CS_EBUFFER;
    if (any_unbounded(x, (int64_t)x_count) || any_unbounded(dy, (int64_t)dy_count)) return CS_EINVAL;

    /* The cheaper way: each non-zero of the sparse operand costs the dense operand's vectors. The bytes are the same.
     */
    const double x_cost = (double)count_nonzero(x, inputs * z->c) / (double)inputs * (double)padded(kg);
    const double dy_cost = (double)count_nonzero(dy, outputs * z->k) / (double)outputs * (double)padded(cg);
    const int x_is_sparse = x_cost <= dy_cost;
    const int64_t sparse_pixels = x_is_sparse ? inputs : outputs, sparse_channels = x_is_sparse ? z->c : z->k;
    const int64_t dense_pixels = x_is_sparse ? outputs : inputs;
    const int64_t sparse = x_is_sparse ? cg : kg, width = padded(x_is_sparse ? kg : cg);

    const sparse_rows rows = carve(scratch, sparse_pixels, sparse_channels);
    float *dense = (float *)(void *)((char *)scratch + rows_bytes(sparse_pixels, sparse_channels, z->groups));
    float *sums = dense + dense_pixels * width;
    compress(x_is_sparse ? x : dy, sparse_pixels, sparse_channels, z->groups, &rows);
    for (int64_t group = 0; group < z->groups; ++group) {
        pad_rows(x_is_sparse ? dy : x, dense_pixels, x_is_sparse ? z->k : z->c, group, x_is_sparse ? kg : cg, dense);
        for (int64_t tap = 0; tap < taps; ++tap) {
            const outer_shape g = {z->n,      p,      q,         z->h,  z->w,   tap / z->s, tap % z->s,
                                   z->stride, z->pad, z->groups, group, sparse, width,      x_is_sparse};
            memset(sums, 0, (size_t)(sparse * width) * sizeof *sums);
            outer(&g, &rows, dense, sums);
            for (int64_t k = 0; k < kg; ++k)
                for (int64_t c = 0; c < cg; ++c)
                    dw[((group * kg + k) * taps + tap) * cg + c] = sums[x_is_sparse ? c * width + k : k * width + c];
        }
    }
    return CS_OK;
}
