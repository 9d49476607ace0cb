/* Instruction sets: which of them this build has a version for and this processor runs.
 *
 * Functions with much to gain have a version for each, made from one body, and take the level as an argument: the
 * caller chooses, so nothing is kept here. A level never changes a byte of any result. A level that this processor
 * does not have is CS_EINVAL.
 */
#ifndef CS_ISA_H
#define CS_ISA_H

#include "cs_common.h"

/* cffi: begin */
#define CS_ISA_PLAIN 0  /* what every processor of the architecture has */
#define CS_ISA_NEON 1   /* 64-bit Arm */
#define CS_ISA_AVX2 2   /* x86-64 with AVX2, POPCNT, BMI1 and BMI2 */
#define CS_ISA_AVX512 3 /* and AVX-512 F, BW, DQ, VL, VPOPCNTDQ: Ice Lake, Zen 4 and later */
#define CS_ISA_LEVELS 4

/* *supported: 1 if functions may be called with this level here, else 0. CS_EINVAL for a level that is none. */
int32_t cs_isa_supported(int32_t isa, int32_t *supported);
/* cffi: end */

#if defined(__x86_64__) && defined(__GNUC__)
#define CS_HAS_X86 1
#define CS_TARGET_AVX2 __attribute__((target("avx2,popcnt,bmi,bmi2")))
#define CS_TARGET_AVX512                                                                                               \
    __attribute__((target("avx2,popcnt,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#else
#define CS_HAS_X86 0
#endif
#if defined(__aarch64__) && defined(__ARM_NEON)
#define CS_HAS_NEON 1 /* every compiler for it uses NEON by itself: a version by hand only where that gains */
#else
#define CS_HAS_NEON 0
#endif

#define CS_ALWAYS_INLINE static inline __attribute__((always_inline))

static inline int cs_isa_usable(int32_t isa) {
    if (isa == CS_ISA_PLAIN) return 1;
    if (isa == CS_ISA_NEON) return CS_HAS_NEON;
#if CS_HAS_X86
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
                     __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (isa == CS_ISA_AVX2) return avx2;
    if (isa == CS_ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vpopcntdq");
#endif
    return 0;
}

/* Set bits of a word, without the instruction for it. */
static inline int32_t cs_popcount_plain(uint64_t word) {
    word -= (word >> 1) & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + ((word >> 2) & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (int32_t)((word * 0x0101010101010101u) >> 56);
}

#endif
