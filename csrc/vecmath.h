/* What a network computes besides multiply-accumulates: exp and log, loss, normalisation, pooling, sums.
 *
 * Every sum runs in FP64 in a stated order, exp and log are polynomials in FP64 of +, -, * and / only, and nothing is
 * fused: the same bytes on every processor. Tensors are (rows, columns), columns the channels, contiguous FP32.
 */
#ifndef CS_VECMATH_H
#define CS_VECMATH_H

#include "cs_common.h"

/* cffi: begin */
/* out = e^x, within 2 units in the last place; 0 below -708.39 (no subnormal results), infinity above 709.78. */
int32_t cs_vec_exp(const double *x, size_t count, double *out);
/* out = ln(x) for normal x > 0, within 2 units in the last place; CS_EINVAL for any other x. */
int32_t cs_vec_log(const double *x, size_t count, double *out);

/* Softmax cross-entropy, mean over the rows: `loss`, and its gradient by the logits, (softmax - one_hot) / rows. Sums
 * run over the classes, then over the rows. CS_EINVAL for a logit that is not finite or a label out of range. */
int32_t cs_vec_softmax_xent(const float *logits, size_t rows, size_t classes, const int32_t *labels, float *gradient,
                            double *loss);

/* sums[column] over the rows, in order. */
int32_t cs_vec_column_sums(const float *x, size_t rows, size_t columns, double *sums);

/* Batch normalisation over the rows. mean and variance (biased) are by column; y = (x - mean) * rstd * gamma + beta
 * with rstd = 1 / sqrt(variance + epsilon), evaluated left to right in FP64. */
int32_t cs_vec_batch_norm_stats(const float *x, size_t rows, size_t columns, double *mean, double *variance);
int32_t cs_vec_batch_norm_apply(const float *x, size_t rows, size_t columns, const double *mean, const double *variance,
                                double epsilon, const float *gamma, const float *beta, float *y);
/* dx, dgamma, dbeta from dy, with the batch's own mean and variance. `sums` is scratch for 2 * columns. */
int32_t cs_vec_batch_norm_bp(const float *x, const float *dy, size_t rows, size_t columns, const double *mean,
                             const double *variance, double epsilon, const float *gamma, float *dx, float *dgamma,
                             float *dbeta, double *sums);

typedef struct {
    int32_t n, h, w, c, size, stride, pad;
} cs_vec_pool;

/* Pooling of x (n, h, w, c) over size x size windows; padding is no element. max: y and, in `index`, the flat h * w
 * position it came from (the first of equals, row by row). mean: the sum of the window's elements, row by row in FP64,
 * divided by their number. CS_EINVAL where a window lies in padding altogether. */
int32_t cs_vec_max_pool(const cs_vec_pool *pool, const float *x, size_t x_count, float *y, size_t y_count,
                        int32_t *index);
int32_t cs_vec_max_pool_bp(const cs_vec_pool *pool, const float *dy, size_t y_count, const int32_t *index, float *dx,
                           size_t x_count);
int32_t cs_vec_mean_pool(const cs_vec_pool *pool, const float *x, size_t x_count, float *y, size_t y_count);
int32_t cs_vec_mean_pool_bp(const cs_vec_pool *pool, const float *dy, size_t y_count, float *dx, size_t x_count);
/* cffi: end */

#endif
