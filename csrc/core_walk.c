#include "core_walk.h"

#include <string.h>

/* An element of each column; any address will do. */
typedef uint16_t columns __attribute__((vector_size(2 * CS_CORE_COLUMNS), aligned(2), may_alias));
/* Elements whose bits, counted in bytes, cannot overflow one that takes both bytes. */
#define BYTES_HOLD 15

/* Pairs of set bits, in up to BYTES_HOLD elements of each column. */
CS_ALWAYS_INLINE void count_elements(const uint16_t *a, const uint16_t *b, int32_t elements, columns *pairs) {
    columns bytes = {0};
    for (int32_t e = 0; e < elements; ++e, a += CS_CORE_COLUMNS, b += CS_CORE_COLUMNS) {
        columns bits = *(const columns *)a & *(const columns *)b;
        bits -= (bits >> 1) & 0x5555;
        bits = (bits & 0x3333) + ((bits >> 2) & 0x3333);
        bytes += (bits + (bits >> 4)) & 0x0f0f;
    }
    *pairs = (bytes + (bytes >> 8)) & 0xff;
}

#define TIME int16_t
#define LANES(name) name##_short
#include "core_lanes.h"
#undef TIME
#undef LANES
#define TIME int32_t
#define LANES(name) name##_long
#include "core_lanes.h"
#undef TIME
#undef LANES

/* No cycle is beyond the bits and blocks of the walk: a block takes a lane, or the lane that it waits for, at most one
 * cycle more than it has indices.
 */
static int is_short(const cs_core_walk *walk) {
    return (int64_t)walk->length + walk->blocks + 2 <= INT16_MAX;
}

CS_ALWAYS_INLINE void walk_all(const cs_core_walk *walk) {
    if (is_short(walk))
        walk_short(walk);
    else
        walk_long(walk);
}

/* Any number of MACs a lane, any queue: lane by lane. `empty` is of int64_t here: macs_per_lane times the cycle at
 * whose start the scanner was ready, and what the queue held then.
 */
static void step_any(const cs_core_walk *walk, int32_t first, int32_t number, int coupled) {
    const int32_t depth = walk->params->queue, macs = walk->params->macs_per_lane, lanes = walk->lanes;
    for (int32_t i = 0; i < number; ++i) {
        int32_t *rows =
            coupled ? (int32_t *)walk->allowed + (size_t)((first + i) % walk->params->run_ahead) * CS_CORE_COLUMNS
                    : NULL;
        for (int32_t c = 0; c < CS_CORE_COLUMNS; ++c) {
            int32_t last = 0;
            for (int32_t lane = 0; lane < lanes; ++lane) {
                int32_t *ready = (int32_t *)walk->ready + lane * CS_CORE_COLUMNS + c;
                int64_t *empty = (int64_t *)walk->empty + lane * CS_CORE_COLUMNS + c;
                const int16_t jumps =
                    walk->jumps == NULL
                        ? CS_CORE_LOOKS
                        : walk->jumps[((size_t)lane * (size_t)walk->blocks + (size_t)(first + i)) * CS_CORE_COLUMNS +
                                      (size_t)c];
                if (jumps != CS_CORE_LOOKS) {
                    *ready += jumps;
                } else {
                    const int32_t look = coupled && rows[c] > *ready ? rows[c] : *ready;
                    const int64_t drained = *empty - (int64_t)macs * look;
                    int32_t held = drained > 0 ? (int32_t)drained : 0;
                    const int32_t indices = ((const int32_t *)walk->found)[(i * lanes + lane) * CS_CORE_COLUMNS + c];
                    *ready = cs_core_enter(look, indices, depth, macs, &held) + 1;
                    *empty = (int64_t)macs * *ready + held;
                }
                if (*ready > last) last = *ready;
            }
            if (coupled) rows[c] = last;
        }
    }
}

static void walk_any(const cs_core_walk *walk) {
    const cs_core_params *params = walk->params;
    const int32_t vectors = walk->lanes * CS_CORE_COLUMNS, strip = cs_core_strip_of(walk->lanes);
    const int coupled = walk->lanes > 1 && walk->blocks > params->run_ahead;
    memset(walk->ready, 0, (size_t)vectors * sizeof(int32_t));
    memset(walk->empty, 0, (size_t)vectors * sizeof(int64_t));
    if (coupled) memset(walk->allowed, 0, (size_t)params->run_ahead * CS_CORE_COLUMNS * sizeof(int32_t));
    for (int32_t first = 0; first < walk->blocks; first += strip) {
        const int32_t number = walk->blocks - first < strip ? walk->blocks - first : strip;
        count_long(walk, walk->elements, first, number);
        if (walk->jumps != NULL) count_jumped_long(walk, first, number);
        step_any(walk, first, number, coupled);
    }
    for (int32_t i = 0; i < vectors; ++i) {
        const int64_t emptied = (((const int64_t *)walk->empty)[i] + params->macs_per_lane - 1) / params->macs_per_lane;
        const int32_t ready = ((const int32_t *)walk->ready)[i];
        walk->cycles[i] = emptied > ready ? (int32_t)emptied : ready;
    }
}

/* ---- one version for each instruction set ---------------------------------------------------------------------- */

static void walk_plain(const cs_core_walk *walk) {
    walk_all(walk);
}

#if CS_HAS_X86
CS_TARGET_AVX2 static void walk_avx2(const cs_core_walk *walk) {
    walk_all(walk);
}

CS_TARGET_AVX512 static void walk_avx512(const cs_core_walk *walk) {
    walk_all(walk);
}
#endif

void cs_core_walk_groups(const cs_core_walk *walk) {
    const size_t bytes = (size_t)walk->lanes * CS_CORE_COLUMNS * sizeof(int32_t);
    memset(walk->taken, 0, bytes);
    memset(walk->inputs_jumped, 0, bytes);
    if (walk->params->macs_per_lane > 1 || walk->params->queue < 2) walk_any(walk);
#if CS_HAS_X86
    else if (walk->params->isa == CS_ISA_AVX512)
        walk_avx512(walk);
    else if (walk->params->isa == CS_ISA_AVX2)
        walk_avx2(walk);
#endif
    else
        walk_plain(walk);
}

/* ---- counting alone -------------------------------------------------------------------------------------------- */

CS_ALWAYS_INLINE void count_strip(const cs_core_walk *walk, int32_t first, int32_t number) {
    if (walk->elements == 1)
        count_long(walk, 1, first, number);
    else
        count_long(walk, walk->elements, first, number);
}

static void count_strip_plain(const cs_core_walk *walk, int32_t first, int32_t number) {
    count_strip(walk, first, number);
}

#if CS_HAS_X86
CS_TARGET_AVX2 static void count_strip_avx2(const cs_core_walk *walk, int32_t first, int32_t number) {
    count_strip(walk, first, number);
}

CS_TARGET_AVX512 static void count_strip_avx512(const cs_core_walk *walk, int32_t first, int32_t number) {
    count_strip(walk, first, number);
}
#endif

void cs_core_count_strip(const cs_core_walk *walk, int32_t first, int32_t number) {
#if CS_HAS_X86
    if (walk->params->isa == CS_ISA_AVX512)
        count_strip_avx512(walk, first, number);
    else if (walk->params->isa == CS_ISA_AVX2)
        count_strip_avx2(walk, first, number);
    else
#endif
        count_strip_plain(walk, first, number);
}
