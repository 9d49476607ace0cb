#include "mac_sums.h"

#include <string.h>

static int64_t out_size(int32_t in, int32_t filter, int32_t stride, int32_t pad) {
    const int64_t room = (int64_t)in + 2 * (int64_t)pad - filter;
    return room < 0 ? 0 : room / stride + 1;
}

static int valid(const cs_mac_shape *z) {
    if (z->n < 1 || z->c < 1 || z->h < 1 || z->w < 1 || z->k < 1 || z->r < 1 || z->s < 1) return 0;
    if (z->stride < 1 || z->pad < 0 || z->groups < 1 || z->c % z->groups || z->k % z->groups) return 0;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    if (p < 1 || q < 1) return 0;
    const double limit = 2147483648.0;
    return (double)z->n * z->h * z->w * (double)cs_mac_padded(z->c) < limit &&
           (double)z->n * (double)p * (double)q * (double)cs_mac_padded(z->k) < limit &&
           (double)cs_mac_padded(z->k) * z->r * z->s * (double)cs_mac_padded(z->c) < limit;
}

static size_t rows_bytes(int64_t pixels, int64_t channels, int64_t groups) {
    return (size_t)(pixels * channels * 8 + pixels * groups * 4);
}

static cs_mac_rows carve(char *scratch, int64_t pixels, int64_t channels) {
    cs_mac_rows rows;
    rows.value = (float *)(void *)scratch;
    rows.channel = (int32_t *)(void *)(scratch + pixels * channels * 4);
    rows.count = (int32_t *)(void *)(scratch + pixels * channels * 8);
    return rows;
}

int32_t cs_mac_scratch_bytes(const cs_mac_shape *z, int32_t stage, size_t *bytes) {
    if (z == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(z) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!valid(z)) return CS_EINVAL;
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups, taps = (int64_t)z->r * z->s;
    const int64_t inputs = (int64_t)z->n * z->h * z->w;
    const int64_t outputs =
        (int64_t)z->n * out_size(z->h, z->r, z->stride, z->pad) * out_size(z->w, z->s, z->stride, z->pad);
    if (stage == CS_MAC_FF) {
        *bytes = rows_bytes(inputs, z->c, z->groups) + (size_t)(taps * cg * cs_mac_padded(kg) * 4);
    } else if (stage == CS_MAC_BP) {
        *bytes = rows_bytes(outputs, z->k, z->groups) + (size_t)(taps * kg * cs_mac_padded(cg) * 4);
    } else if (stage == CS_MAC_WG) {
        /* Which operand becomes the sparse one is chosen by its zeros: room for both ways. */
        const size_t x_sparse = rows_bytes(inputs, z->c, z->groups) + (size_t)((outputs + cg) * cs_mac_padded(kg) * 4);
        const size_t dy_sparse = rows_bytes(outputs, z->k, z->groups) + (size_t)((inputs + kg) * cs_mac_padded(cg) * 4);
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

/* 1 if each value is what this way of accumulating takes. */
static int operands_fit(const float *values, int64_t count, int32_t accumulate) {
    if (any_unbounded(values, count)) return 0;
    int out = 0;
    for (int64_t i = 0; accumulate == CS_ACCUMULATE_INT32 && i < count; ++i)
        out |= !(values[i] >= -128.0f && values[i] <= 127.0f) || (float)(int32_t)values[i] != values[i];
    return !out;
}

static int way_known(int32_t accumulate, int32_t isa) {
    return accumulate >= CS_ACCUMULATE_FP32 && accumulate <= CS_ACCUMULATE_INT32 && cs_isa_usable(isa);
}

/* Integers as what the sums work on: their bits, in the place of floats. */
static void to_ints(float *values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const int32_t integer = (int32_t)values[i];
        memcpy(&values[i], &integer, sizeof integer);
    }
}

static void to_floats(float *values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        int32_t integer;
        memcpy(&integer, &values[i], sizeof integer);
        values[i] = (float)integer;
    }
}

static int64_t count_nonzero(const float *values, int64_t count) {
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i)
        total += values[i] != 0.0f;
    return total;
}

static void compress(const float *tensor, int64_t pixels, int64_t channels, int64_t groups, int32_t accumulate,
                     const cs_mac_rows *rows) {
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
        if (accumulate == CS_ACCUMULATE_INT32) to_ints(value, count);
    }
}

/* One group's weights as (tap, in, out), `out` padded with zeros to whole vectors. */
static void pack_weights(const cs_mac_shape *z, const float *w, int64_t group, int transposed, float *packed) {
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups, taps = (int64_t)z->r * z->s;
    const int64_t in = transposed ? kg : cg, out = transposed ? cg : kg, width = cs_mac_padded(out);
    memset(packed, 0, (size_t)(taps * in * width) * sizeof *packed);
    for (int64_t k = 0; k < kg; ++k)
        for (int64_t tap = 0; tap < taps; ++tap)
            for (int64_t c = 0; c < cg; ++c) {
                const int64_t at = transposed ? (tap * in + k) * width + c : (tap * in + c) * width + k;
                packed[at] = w[((group * kg + k) * taps + tap) * cg + c];
            }
}

/* FF and, with transposed weights, BP: each output gathers what its taps reach of `from`. */
static int32_t gather(const cs_mac_shape *z, int32_t accumulate, int32_t isa, int transposed, const float *from,
                      size_t from_count, const float *w, size_t w_count, float *to, size_t to_count, void *scratch,
                      size_t scratch_bytes) {
    size_t needed;
    if (!way_known(accumulate, isa) || !from || !w || !to || !scratch) return CS_EINVAL;
    const int32_t status = cs_mac_scratch_bytes(z, transposed ? CS_MAC_BP : CS_MAC_FF, &needed);
    if (status != CS_OK) return status;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups;
    const int64_t inputs = (int64_t)z->n * z->h * z->w, outputs = z->n * p * q;
    const int64_t pixels = transposed ? outputs : inputs, channels = transposed ? z->k : z->c;
    const size_t gathered = (size_t)(transposed ? inputs * z->c : outputs * z->k);
    if (from_count != (size_t)(pixels * channels) || w_count != (size_t)((int64_t)z->k * z->r * z->s * cg) ||
        to_count != gathered || scratch_bytes < needed ||
        !cs_aligned(CS_ADDRESS(from) | CS_ADDRESS(w) | CS_ADDRESS(to) | CS_ADDRESS(scratch), sizeof(uint32_t)))
        return CS_EBUFFER;
    if (!operands_fit(from, (int64_t)from_count, accumulate) || !operands_fit(w, (int64_t)w_count, accumulate))
        return CS_EINVAL;
    const cs_mac_rows rows = carve(scratch, pixels, channels);
    float *packed = (float *)(void *)((char *)scratch + rows_bytes(pixels, channels, z->groups));
    compress(from, pixels, channels, z->groups, accumulate, &rows);
    for (int64_t group = 0; group < z->groups; ++group) {
        const cs_mac_gather ff = {z->n,   p,         q,     z->h, z->w, z->r, z->s, z->stride,
                                  z->pad, z->groups, group, cg,   kg,   z->k, 0};
        const cs_mac_gather bp = {z->n,   z->h,      z->w,  p,  q,  z->r, z->s, z->stride,
                                  z->pad, z->groups, group, kg, cg, z->c, 1};
        const cs_mac_gather *g = transposed ? &bp : &ff;
        pack_weights(z, w, group, transposed, packed);
        if (accumulate == CS_ACCUMULATE_INT32) to_ints(packed, g->r * g->s * g->in * cs_mac_padded(g->out));
        cs_mac_gather_sums(g, isa, accumulate, &rows, packed, to);
    }
    return CS_OK;
}

int32_t cs_mac_ff(const cs_mac_shape *z, int32_t accumulate, int32_t isa, const float *x, size_t x_count,
                  const float *w, size_t w_count, float *y, size_t y_count, void *scratch, size_t scratch_bytes) {
    return gather(z, accumulate, isa, 0, x, x_count, w, w_count, y, y_count, scratch, scratch_bytes);
}

int32_t cs_mac_bp(const cs_mac_shape *z, int32_t accumulate, int32_t isa, const float *dy, size_t dy_count,
                  const float *w, size_t w_count, float *dx, size_t dx_count, void *scratch, size_t scratch_bytes) {
    return gather(z, accumulate, isa, 1, dy, dy_count, w, w_count, dx, dx_count, scratch, scratch_bytes);
}

/* One group's channels of a tensor, padded with zeros to whole vectors. */
static void pad_rows(const float *tensor, int64_t pixels, int64_t channels, int64_t group, int64_t per_group,
                     float *out) {
    const int64_t width = cs_mac_padded(per_group);
    for (int64_t i = 0; i < pixels; ++i) {
        memcpy(out + i * width, tensor + i * channels + group * per_group, (size_t)per_group * sizeof *out);
        memset(out + i * width + per_group, 0, (size_t)(width - per_group) * sizeof *out);
    }
}

int32_t cs_mac_wg(const cs_mac_shape *z, int32_t accumulate, int32_t isa, const float *x, size_t x_count,
                  const float *dy, size_t dy_count, float *dw, size_t dw_count, void *scratch, size_t scratch_bytes) {
    size_t needed;
    if (!way_known(accumulate, isa) || !x || !dy || !dw || !scratch) return CS_EINVAL;
    const int32_t status = cs_mac_scratch_bytes(z, CS_MAC_WG, &needed);
    if (status != CS_OK) return status;
    const int64_t p = out_size(z->h, z->r, z->stride, z->pad), q = out_size(z->w, z->s, z->stride, z->pad);
    const int64_t inputs = (int64_t)z->n * z->h * z->w, outputs = z->n * p * q, taps = (int64_t)z->r * z->s;
    const int64_t cg = z->c / z->groups, kg = z->k / z->groups;
    if (x_count != (size_t)(inputs * z->c) || dy_count != (size_t)(outputs * z->k) ||
        dw_count != (size_t)(z->k * taps * cg) || scratch_bytes < needed ||
        !cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(dy) | CS_ADDRESS(dw) | CS_ADDRESS(scratch), sizeof(uint32_t)))
        return CS_EBUFFER;
    if (!operands_fit(x, (int64_t)x_count, accumulate) || !operands_fit(dy, (int64_t)dy_count, accumulate))
        return CS_EINVAL;

    /* The cheaper way: each non-zero of the sparse operand costs the dense operand's vectors. The bytes are the same.
     */
    const double x_cost = (double)count_nonzero(x, inputs * z->c) / (double)inputs * (double)cs_mac_padded(kg);
    const double dy_cost = (double)count_nonzero(dy, outputs * z->k) / (double)outputs * (double)cs_mac_padded(cg);
    const int x_is_sparse = x_cost <= dy_cost;
    const int64_t sparse_pixels = x_is_sparse ? inputs : outputs, sparse_channels = x_is_sparse ? z->c : z->k;
    const int64_t dense_pixels = x_is_sparse ? outputs : inputs;
    const int64_t sparse = x_is_sparse ? cg : kg, width = cs_mac_padded(x_is_sparse ? kg : cg);

    const cs_mac_rows rows = carve(scratch, sparse_pixels, sparse_channels);
    float *dense = (float *)(void *)((char *)scratch + rows_bytes(sparse_pixels, sparse_channels, z->groups));
    float *sums = dense + dense_pixels * width;
    compress(x_is_sparse ? x : dy, sparse_pixels, sparse_channels, z->groups, accumulate, &rows);
    for (int64_t group = 0; group < z->groups; ++group) {
        pad_rows(x_is_sparse ? dy : x, dense_pixels, x_is_sparse ? z->k : z->c, group, x_is_sparse ? kg : cg, dense);
        if (accumulate == CS_ACCUMULATE_INT32) to_ints(dense, dense_pixels * width);
        for (int64_t tap = 0; tap < taps; ++tap) {
            const cs_mac_outer g = {z->n,      p,      q,         z->h,  z->w,   tap / z->s, tap % z->s,
                                    z->stride, z->pad, z->groups, group, sparse, width,      x_is_sparse};
            memset(sums, 0, (size_t)(sparse * width) * sizeof *sums);
            cs_mac_outer_sums(&g, isa, accumulate, &rows, dense, sums);
            if (accumulate == CS_ACCUMULATE_INT32) to_floats(sums, sparse * width);
            for (int64_t k = 0; k < kg; ++k)
                for (int64_t c = 0; c < cg; ++c)
                    dw[((group * kg + k) * taps + tap) * cg + c] = sums[x_is_sparse ? c * width + k : k * width + c];
        }
    }
    return CS_OK;
}
