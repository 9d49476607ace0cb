#include "vecmath.h"

#include <math.h>
#include <string.h>

/* ---- exp and log ----------------------------------------------------------------------------------------- */

static const double LN2_HIGH = 0x1.62e42fee00000p-1; /* the last 21 bits are zero: n * LN2_HIGH is exact */
static const double LN2_LOW = 0x1.a39ef35793c76p-33;
static const double LOG2_E = 0x1.71547652b82fep+0;

static double power_of_two(int64_t exponent) { /* exponent in [-1022, 1023] */
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double exp_of(double x) {
    if (x != x) return x;
    if (x > 0x1.62e42fefa39efp+9) return HUGE_VAL;
    if (x < -0x1.6232bdd7abcd2p+9) return 0.0;
    const double scaled = x * LOG2_E;
    const int64_t n = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double r = (x - (double)n * LN2_HIGH) - (double)n * LN2_LOW;
    /* Taylor's series in Horner's form: |r| <= 0.3466, the first term left out is below 2^-60. */
    double sum = 1.0;
    for (int term = 14; term > 0; --term)
        sum = 1.0 + r * sum / (double)term;
    /* In two steps: 2^n alone may be out of range where the result is not. */
    const int64_t half = n / 2;
    return sum * power_of_two(half) * power_of_two(n - half);
}

static double log_of(double x) { /* normal, positive */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) { /* sqrt(2): m in (0.707, 1.414] */
        m *= 0.5;
        exponent += 1;
    }
    /* ln(m) = 2 artanh(f), f = (m - 1) / (m + 1), |f| <= 0.1716; = f * (2 + 2 f^2 / 3 + ...) */
    const double f = (m - 1.0) / (m + 1.0), square = f * f;
    double sum = 0.0;
    for (int term = 23; term > 1; term -= 2)
        sum = (sum + 2.0 / (double)term) * square;
    const double tail = f * sum;
    const double e = (double)exponent;
    return e * LN2_HIGH + (2.0 * f + (tail + e * LN2_LOW));
}

int32_t cs_vec_exp(const double *x, size_t count, double *out) {
    if ((x == NULL || out == NULL) && count > 0) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(out), sizeof(uint64_t))) return CS_EBUFFER;
    for (size_t i = 0; i < count; ++i)
        out[i] = exp_of(x[i]);
    return CS_OK;
}

int32_t cs_vec_log(const double *x, size_t count, double *out) {
    if ((x == NULL || out == NULL) && count > 0) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(out), sizeof(uint64_t))) return CS_EBUFFER;
    for (size_t i = 0; i < count; ++i) {
        if (!(x[i] >= 0x1p-1022 && x[i] <= 0x1.fffffffffffffp+1023)) return CS_EINVAL;
        out[i] = log_of(x[i]);
    }
    return CS_OK;
}

/* ---- loss -------------------------------------------------------------------------------------------------- */

int32_t cs_vec_softmax_xent(const float *logits, size_t rows, size_t classes, const int32_t *labels, float *gradient,
                            double *loss) {
    if (!logits || !labels || !gradient || !loss || rows == 0 || classes == 0) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(logits) | CS_ADDRESS(labels) | CS_ADDRESS(gradient), sizeof(uint32_t)) ||
        !cs_aligned(CS_ADDRESS(loss), sizeof(uint64_t)))
        return CS_EBUFFER;
    double total = 0.0;
    for (size_t row = 0; row < rows; ++row) {
        const float *x = logits + row * classes;
        float *g = gradient + row * classes;
        if (labels[row] < 0 || (size_t)labels[row] >= classes) return CS_EINVAL;
        const size_t label = (size_t)labels[row];
        float largest = x[0];
        for (size_t i = 0; i < classes; ++i) {
            if (!(fabsf(x[i]) <= 0x1.fffffep+127f)) return CS_EINVAL;
            largest = x[i] > largest ? x[i] : largest;
        }
        double sum = 0.0;
        for (size_t i = 0; i < classes; ++i)
            sum += exp_of((double)x[i] - (double)largest);
        for (size_t i = 0; i < classes; ++i) {
            const double share = exp_of((double)x[i] - (double)largest) / sum;
            g[i] = (float)((share - (i == label ? 1.0 : 0.0)) / (double)rows);
        }
        total += log_of(sum) - ((double)x[label] - (double)largest);
    }
    *loss = total / (double)rows;
    return CS_OK;
}

/* ---- sums and batch normalisation ---------------------------------------------------------------------- */

int32_t cs_vec_column_sums(const float *x, size_t rows, size_t columns, double *sums) {
    if ((x == NULL && rows * columns > 0) || (sums == NULL && columns > 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x), sizeof(uint32_t)) || !cs_aligned(CS_ADDRESS(sums), sizeof(uint64_t)))
        return CS_EBUFFER;
    for (size_t i = 0; i < columns; ++i)
        sums[i] = 0.0;
    for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i)
            sums[i] += (double)x[row * columns + i];
    return CS_OK;
}

int32_t cs_vec_batch_norm_stats(const float *x, size_t rows, size_t columns, double *mean, double *variance) {
    if (!x || !mean || !variance || rows == 0 || columns == 0) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x), sizeof(uint32_t)) ||
        !cs_aligned(CS_ADDRESS(mean) | CS_ADDRESS(variance), sizeof(uint64_t)))
        return CS_EBUFFER;
    const int32_t status = cs_vec_column_sums(x, rows, columns, mean);
    if (status != CS_OK) return status;
    for (size_t i = 0; i < columns; ++i) {
        mean[i] /= (double)rows;
        variance[i] = 0.0;
    }
    for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i) {
            const double centred = (double)x[row * columns + i] - mean[i];
            variance[i] += centred * centred;
        }
    for (size_t i = 0; i < columns; ++i)
        variance[i] /= (double)rows;
    return CS_OK;
}

int32_t cs_vec_batch_norm_apply(const float *x, size_t rows, size_t columns, const double *mean, const double *variance,
                                double epsilon, const float *gamma, const float *beta, float *y) {
    if (!x || !mean || !variance || !gamma || !beta || !y || rows == 0 || columns == 0) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(gamma) | CS_ADDRESS(beta) | CS_ADDRESS(y), sizeof(uint32_t)) ||
        !cs_aligned(CS_ADDRESS(mean) | CS_ADDRESS(variance), sizeof(uint64_t)))
        return CS_EBUFFER;
    for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i) {
            const double rstd = 1.0 / sqrt(variance[i] + epsilon);
            y[row * columns + i] =
                (float)(((double)x[row * columns + i] - mean[i]) * rstd * (double)gamma[i] + (double)beta[i]);
        }
    return CS_OK;
}

int32_t cs_vec_batch_norm_bp(const float *x, const float *dy, size_t rows, size_t columns, const double *mean,
                             const double *variance, double epsilon, const float *gamma, float *dx, float *dgamma,
                             float *dbeta, double *sums) {
    if (!x || !dy || !mean || !variance || !gamma || !dx || !dgamma || !dbeta || !sums || rows == 0 || columns == 0)
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(dy) | CS_ADDRESS(gamma) | CS_ADDRESS(dx) | CS_ADDRESS(dgamma) |
                        CS_ADDRESS(dbeta),
                    sizeof(uint32_t)) ||
        !cs_aligned(CS_ADDRESS(mean) | CS_ADDRESS(variance) | CS_ADDRESS(sums), sizeof(uint64_t)))
        return CS_EBUFFER;
    double *by_beta = sums, *by_gamma = sums + columns;
    for (size_t i = 0; i < 2 * columns; ++i)
        sums[i] = 0.0;
    for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i) {
            const size_t at = row * columns + i;
            const double rstd = 1.0 / sqrt(variance[i] + epsilon);
            by_beta[i] += (double)dy[at];
            by_gamma[i] += (double)dy[at] * (((double)x[at] - mean[i]) * rstd);
        }
    const double inverse = 1.0 / (double)rows;
    for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i) {
            const size_t at = row * columns + i;
            const double rstd = 1.0 / sqrt(variance[i] + epsilon);
            const double normal = ((double)x[at] - mean[i]) * rstd;
            const double centred = (double)dy[at] - by_beta[i] * inverse - normal * (by_gamma[i] * inverse);
            dx[at] = (float)((double)gamma[i] * rstd * centred);
        }
    for (size_t i = 0; i < columns; ++i) {
        dgamma[i] = (float)by_gamma[i];
        dbeta[i] = (float)by_beta[i];
    }
    return CS_OK;
}

/* ---- pooling ------------------------------------------------------------------------------------------------ */

typedef struct {
    int64_t n, h, w, c, p, q, size, stride, pad;
} pooled;

static int32_t pool_shape(const cs_vec_pool *z, size_t x_count, size_t y_count, pooled *out) {
    if (z == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(z)) return CS_EBUFFER;
    if (z->n < 1 || z->h < 1 || z->w < 1 || z->c < 1 || z->size < 1 || z->stride < 1) return CS_EINVAL;
    if (z->pad < 0 || z->pad >= z->size || z->size > 32768) return CS_EINVAL; /* else a window may be all padding */
    const int64_t rows = (int64_t)z->h + 2 * z->pad - z->size, columns = (int64_t)z->w + 2 * z->pad - z->size;
    if (rows < 0 || columns < 0) return CS_EINVAL;
    *out = (pooled){z->n, z->h, z->w, z->c, rows / z->stride + 1, columns / z->stride + 1, z->size, z->stride, z->pad};
    if ((double)z->n * z->h * z->w * z->c >= 2147483648.0) return CS_EINVAL;
    if ((double)z->n * (double)out->p * (double)out->q * z->c >= 2147483648.0) return CS_EINVAL;
    if (x_count != (size_t)(out->n * out->h * out->w * out->c)) return CS_EBUFFER;
    if (y_count != (size_t)(out->n * out->p * out->q * out->c)) return CS_EBUFFER;
    return CS_OK;
}

static int64_t clip(int64_t value, int64_t limit) {
    return value < 0 ? 0 : value > limit ? limit : value;
}

int32_t cs_vec_max_pool(const cs_vec_pool *pool, const float *x, size_t x_count, float *y, size_t y_count,
                        int32_t *index) {
    pooled z;
    const int32_t status = pool_shape(pool, x_count, y_count, &z);
    if (status != CS_OK || !x || !y || !index) return status != CS_OK ? status : CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(y) | CS_ADDRESS(index), sizeof(uint32_t))) return CS_EBUFFER;
    for (int64_t out = 0; out < z.n * z.p * z.q; ++out) {
        const int64_t n = out / (z.p * z.q), p = out / z.q % z.p, q = out % z.q;
        const int64_t top = clip(p * z.stride - z.pad, z.h), bottom = clip(p * z.stride - z.pad + z.size, z.h);
        const int64_t left = clip(q * z.stride - z.pad, z.w), right = clip(q * z.stride - z.pad + z.size, z.w);
        float *to = y + out * z.c;
        int32_t *from = index + out * z.c;
        const float *image = x + n * z.h * z.w * z.c;
        for (int64_t c = 0; c < z.c; ++c) {
            from[c] = (int32_t)(top * z.w + left);
            to[c] = image[from[c] * z.c + c];
        }
        for (int64_t h = top; h < bottom; ++h)
            for (int64_t w = left; w < right; ++w) {
                const float *here = image + (h * z.w + w) * z.c;
                const int32_t place = (int32_t)(h * z.w + w);
                for (int64_t c = 0; c < z.c; ++c) {
                    from[c] = here[c] > to[c] ? place : from[c];
                    to[c] = here[c] > to[c] ? here[c] : to[c];
                }
            }
    }
    return CS_OK;
}

int32_t cs_vec_max_pool_bp(const cs_vec_pool *pool, const float *dy, size_t y_count, const int32_t *index, float *dx,
                           size_t x_count) {
    pooled z;
    const int32_t status = pool_shape(pool, x_count, y_count, &z);
    if (status != CS_OK || !dy || !dx || !index) return status != CS_OK ? status : CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(dy) | CS_ADDRESS(dx) | CS_ADDRESS(index), sizeof(uint32_t))) return CS_EBUFFER;
    memset(dx, 0, x_count * sizeof *dx);
    for (int64_t out = 0; out < z.n * z.p * z.q; ++out) {
        float *image = dx + out / (z.p * z.q) * z.h * z.w * z.c;
        for (int64_t c = 0; c < z.c; ++c) {
            const int64_t place = index[out * z.c + c];
            if (place < 0 || place >= z.h * z.w) return CS_EINVAL;
            image[place * z.c + c] += dy[out * z.c + c];
        }
    }
    return CS_OK;
}

int32_t cs_vec_mean_pool(const cs_vec_pool *pool, const float *x, size_t x_count, float *y, size_t y_count) {
    pooled z;
    const int32_t status = pool_shape(pool, x_count, y_count, &z);
    if (status != CS_OK || !x || !y) return status != CS_OK ? status : CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(x) | CS_ADDRESS(y), sizeof(uint32_t))) return CS_EBUFFER;
    for (int64_t out = 0; out < z.n * z.p * z.q; ++out) {
        const int64_t n = out / (z.p * z.q), p = out / z.q % z.p, q = out % z.q;
        const int64_t top = clip(p * z.stride - z.pad, z.h), bottom = clip(p * z.stride - z.pad + z.size, z.h);
        const int64_t left = clip(q * z.stride - z.pad, z.w), right = clip(q * z.stride - z.pad + z.size, z.w);
        const double elements = (double)((bottom - top) * (right - left));
        for (int64_t c = 0; c < z.c; ++c) {
            double sum = 0.0;
            for (int64_t h = top; h < bottom; ++h)
                for (int64_t w = left; w < right; ++w)
                    sum += (double)x[((n * z.h + h) * z.w + w) * z.c + c];
            y[out * z.c + c] = (float)(sum / elements);
        }
    }
    return CS_OK;
}

int32_t cs_vec_mean_pool_bp(const cs_vec_pool *pool, const float *dy, size_t y_count, float *dx, size_t x_count) {
    pooled z;
    const int32_t status = pool_shape(pool, x_count, y_count, &z);
    if (status != CS_OK || !dy || !dx) return status != CS_OK ? status : CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(dy) | CS_ADDRESS(dx), sizeof(uint32_t))) return CS_EBUFFER;
    memset(dx, 0, x_count * sizeof *dx);
    for (int64_t out = 0; out < z.n * z.p * z.q; ++out) {
        const int64_t n = out / (z.p * z.q), p = out / z.q % z.p, q = out % z.q;
        const int64_t top = clip(p * z.stride - z.pad, z.h), bottom = clip(p * z.stride - z.pad + z.size, z.h);
        const int64_t left = clip(q * z.stride - z.pad, z.w), right = clip(q * z.stride - z.pad + z.size, z.w);
        const double elements = (double)((bottom - top) * (right - left));
        for (int64_t h = top; h < bottom; ++h)
            for (int64_t w = left; w < right; ++w)
                for (int64_t c = 0; c < z.c; ++c)
                    dx[((n * z.h + h) * z.w + w) * z.c + c] += (float)((double)dy[out * z.c + c] / elements);
    }
    return CS_OK;
}
