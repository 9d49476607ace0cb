#include "numfmt.h"

#include <math.h>
#include <string.h>

typedef struct {
    int32_t width;      /* bits, sign included */
    int32_t mantissa;   /* stored mantissa bits */
    int32_t min_normal; /* exponent of the smallest normal number */
    uint32_t max_bits;  /* the largest finite value, as a float's bits */
    uint32_t infinity;  /* code; 0 where the format has none */
    uint32_t nan;       /* canonical code */
} layout;

static const layout LAYOUTS[] = {
    {8, 3, -6, 0x43E00000u, 0, 0x7Fu},                     /* E4M3: 448 */
    {8, 2, -14, 0x47600000u, 0x7Cu, 0x7Eu},                /* E5M2: 57344 */
    {16, 10, -14, 0x477FE000u, 0x7C00u, 0x7E00u},          /* FP16: 65504 */
    {16, 7, -126, 0x7F7F0000u, 0x7F80u, 0x7FC0u},          /* BF16 */
    {32, 23, -126, 0x7F7FFFFFu, 0x7F800000u, 0x7FC00000u}, /* FP32 */
    {8, 0, 0, 0x42FE0000u, 0, 0},                          /* INT8: 127; otherwise has its own functions */
};

static uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const layout *layout_of(int32_t format) {
    return format >= CS_FP8_E4M3 && format <= CS_INT8 ? &LAYOUTS[format] : NULL;
}

static float power_of_two(int32_t exponent) {
    return from_bits((uint32_t)(exponent + 127) << 23);
}

static int scale_allowed(int32_t format, int32_t exponent) {
    return exponent == 0 || (exponent >= -126 && exponent <= 126 && format != CS_BF16 && format != CS_FP32);
}

/* Nearest integer, ties to even, within INT8; a NaN is 0, a zero +0. */
static float round_int8(float value) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: its last place is 1, and stays so within INT8 */
    const float bounded = value < -128.0f ? -128.0f : (value > 127.0f ? 127.0f : value);
    return value != value ? 0.0f : (bounded + magic) - magic;
}

int32_t cs_numfmt_round(int32_t format, int32_t exponent, int32_t saturate, const float *values, size_t count,
                        float *out) {
    const layout *f = layout_of(format);
    if (f == NULL || !scale_allowed(format, exponent) || ((values == NULL || out == NULL) && count > 0))
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(values) | CS_ADDRESS(out), sizeof(uint32_t))) return CS_EBUFFER;
    if (format == CS_INT8) {
        for (size_t i = 0; i < count; ++i)
            out[i] = round_int8(values[i] * power_of_two(exponent));
        return CS_OK;
    }
    const uint32_t max_bits = f->max_bits;
    const uint32_t above = saturate ? max_bits : (f->infinity ? 0x7F800000u : 0x7FC00000u);
    const uint32_t infinity = 0x7F800000u, nan = 0x7FC00000u;
    /* Scaling in FP32 is exact except below FP32's smallest normal number, far below half the smallest FP8 or FP16. */
    const float scale = power_of_two(exponent);
    const uint32_t shift = 23u - (uint32_t)f->mantissa;
    const uint32_t keep = ~((1u << shift) - 1u), nearly_half = shift ? (1u << (shift - 1)) - 1u : 0;
    const uint32_t tie = shift ? 1u : 0;
    const float min_normal = power_of_two(f->min_normal);
    /* One unit in the last place of `magic` is the format's smallest number: adding it rounds there. */
    const float magic = shift ? power_of_two(f->min_normal - f->mantissa + 23) : 0.0f;
    for (size_t i = 0; i < count; ++i) {
        const uint32_t all = to_bits(values[i] * scale);
        const uint32_t sign = all & 0x80000000u, bits = all ^ sign;
        const float magnitude = from_bits(bits);
        const uint32_t small = to_bits((magnitude + magic) - magic);
        uint32_t rounded = (bits + nearly_half + ((bits >> shift) & tie)) & keep;
        rounded = magnitude < min_normal ? small : rounded;
        rounded = rounded > max_bits ? above : rounded;
        rounded = bits > infinity ? nan : rounded;
        out[i] = from_bits(rounded | sign);
    }
    return CS_OK;
}

/* The code of a float that the format represents exactly. */
static uint32_t pack(const layout *f, float value) {
    const uint32_t all = to_bits(value), bits = all & 0x7FFFFFFFu;
    const uint32_t sign = (all >> 31) << (f->width - 1);
    if (bits > 0x7F800000u) return sign | f->nan;
    if (bits == 0x7F800000u) return sign | f->infinity;
    const float magnitude = from_bits(bits);
    if (magnitude < power_of_two(f->min_normal)) /* a whole number of the smallest */
        return sign | (uint32_t)ldexp((double)magnitude, f->mantissa - f->min_normal);
    const uint32_t fraction = (bits & 0x007FFFFFu) >> (23 - f->mantissa);
    const uint32_t biased = (uint32_t)((int32_t)(bits >> 23) - 127 - f->min_normal + 1);
    return sign | biased << f->mantissa | fraction;
}

int32_t cs_numfmt_encode(int32_t format, int32_t exponent, int32_t saturate, const float *values, size_t count,
                         uint32_t *codes) {
    const layout *f = layout_of(format);
    if (f == NULL || !scale_allowed(format, exponent) || ((values == NULL || codes == NULL) && count > 0))
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(values) | CS_ADDRESS(codes), sizeof(uint32_t))) return CS_EBUFFER;
    for (size_t i = 0; i < count; ++i) {
        float rounded;
        const int32_t status = cs_numfmt_round(format, exponent, saturate, &values[i], 1, &rounded);
        if (status != CS_OK) return status;
        codes[i] = format == CS_INT8 ? (uint32_t)(int32_t)rounded & 0xFFu : pack(f, rounded);
    }
    return CS_OK;
}

int32_t cs_numfmt_decode(int32_t format, const uint32_t *codes, size_t count, float *out) {
    const layout *f = layout_of(format);
    if (f == NULL || ((codes == NULL || out == NULL) && count > 0)) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(codes) | CS_ADDRESS(out), sizeof(uint32_t))) return CS_EBUFFER;
    const uint32_t sign_bit = 1u << (f->width - 1);
    const uint32_t fraction_mask = (1u << f->mantissa) - 1u;
    const uint32_t max_code = format == CS_INT8 ? 0 : pack(f, from_bits(f->max_bits));
    for (size_t i = 0; i < count; ++i) {
        const uint32_t code = codes[i];
        if (f->width < 32 && code >> f->width) return CS_EINVAL;
        if (format == CS_INT8) {
            out[i] = (float)(code < 128 ? (int32_t)code : (int32_t)code - 256);
            continue;
        }
        const uint32_t magnitude = code & ~sign_bit;
        const uint32_t sign = code & sign_bit ? 0x80000000u : 0;
        uint32_t bits;
        if (magnitude > max_code) {
            bits = f->infinity && magnitude == f->infinity ? 0x7F800000u : 0x7FC00000u;
        } else {
            const uint32_t biased = magnitude >> f->mantissa, fraction = magnitude & fraction_mask;
            bits = biased ? (uint32_t)((int32_t)biased + f->min_normal - 1 + 127) << 23 | fraction << (23 - f->mantissa)
                          : to_bits((float)ldexp((double)fraction, f->min_normal - f->mantissa));
        }
        out[i] = from_bits(bits | sign);
    }
    return CS_OK;
}

int32_t cs_numfmt_amax(const float *values, size_t count, float *amax) {
    if ((values == NULL && count > 0) || amax == NULL) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(values) | CS_ADDRESS(amax), sizeof(uint32_t))) return CS_EBUFFER;
    /* Without their sign, floats are ordered like their bits, NaN last. */
    uint32_t largest = 0;
    for (size_t i = 0; i < count; ++i) {
        const uint32_t bits = to_bits(values[i]) & 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    *amax = from_bits(largest);
    return CS_OK;
}
