#include "core_walk.h"

#include <string.h>

#define WORD 64

/* Eight lanes; any address will do. Comparisons give -1 or 0 in each. */
typedef int32_t vector __attribute__((vector_size(32), aligned(4), may_alias));
/* Four words, one of each of four lanes. */
typedef uint64_t wide __attribute__((vector_size(32), aligned(4), may_alias));
#define LITTLE_ENDIAN_LANES (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define SELECT(mask, yes, no) (((mask) & (yes)) | (~(mask) & (no)))
#define MAXIMUM(a, b) SELECT((a) > (b), a, b)
#if defined(__clang__)
#define SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#else
#define SHUFFLE(v, ...) __builtin_shuffle(v, (vector){__VA_ARGS__})
#endif

/* Replace each field of `window` bits (1 to 32, a power of two) by the number
 * of its set bits. */
CS_ALWAYS_INLINE void count_fields(wide *bits, int32_t window) {
    static const uint64_t masks[] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu, 0x00ff00ff00ff00ffu,
                                     0x0000ffff0000ffffu};
    for (int32_t width = 1, i = 0; width < window; width *= 2, ++i)
        *bits = (*bits & masks[i]) + ((*bits >> width) & masks[i]);
}

/* effectual[block][lane] for blocks first .. first + number - 1; first is a
 * multiple of CS_CORE_STRIP. */
CS_ALWAYS_INLINE void count_effectual(const cs_core_walk *walk, int32_t window, int32_t first, int32_t number) {
    const int32_t padded = walk->slots;
    int32_t *to = walk->effectual;
    if (window % WORD == 0) {
        const int32_t words = window / WORD, all = (int32_t)cs_words_of(walk->length);
        for (int32_t i = 0; i < number; ++i, to += padded) {
            const int32_t begin = (first + i) * words, end = begin + words < all ? begin + words : all;
            for (int32_t lane = 0; lane < padded; ++lane) {
                int32_t total = 0;
                for (int32_t w = begin; w < end; ++w)
                    total += __builtin_popcountll(walk->input[w] & walk->other[lane][w]);
                to[lane] = total;
            }
        }
    } else if (WORD % window == 0) {
        const int32_t per_word = WORD / window, words = (number + per_word - 1) / per_word, word = first / per_word;
        for (int32_t at = 0; at < padded; at += CS_CORE_VECTOR) {
            const uint64_t *const *rows = walk->other + at;
            for (int32_t w = 0; w < words; ++w) {
                const uint64_t input = walk->input[word + w];
                const int32_t from = word + w;
                const wide even = {rows[0][from], rows[2][from], rows[4][from], rows[6][from]};
                const wide odd = {rows[1][from], rows[3][from], rows[5][from], rows[7][from]};
                wide lower = LITTLE_ENDIAN_LANES ? even : odd, upper = LITTLE_ENDIAN_LANES ? odd : even;
                lower &= input;
                upper &= input;
                count_fields(&lower, window);
                count_fields(&upper, window);
                const uint64_t field = ((uint64_t)1 << window) - 1;
                for (int32_t j = 0; j < per_word; ++j, lower >>= window, upper >>= window)
                    *(wide *)(to + (w * per_word + j) * padded + at) = (lower & field) | (upper & field) << 32;
            }
        }
    } else {
        for (int32_t i = 0; i < number; ++i, to += padded) {
            const int64_t begin = (int64_t)(first + i) * window;
            const int64_t end = begin + window < walk->length ? begin + window : walk->length;
            for (int32_t lane = 0; lane < padded; ++lane) {
                int32_t total = 0;
                for (int64_t at = begin; at < end; at += WORD) {
                    const int64_t step = end - at < WORD ? end - at : WORD;
                    total += __builtin_popcountll(cs_read_bits(walk->input, at, step) &
                                                  cs_read_bits(walk->other[lane], at, step));
                }
                to[lane] = total;
            }
        }
    }
}

/* jumped[block][lane] = -1 where the block is coarse-zero for the lane, else 0;
 * such blocks hold nothing effectual. */
CS_ALWAYS_INLINE void mark_jumped(const cs_core_walk *walk, int32_t first, int32_t number) {
    for (int32_t lane = 0; lane < walk->slots; ++lane) {
        for (int32_t i = 0; i < number; ++i) {
            const int32_t block = first + i, at = i * walk->slots + lane;
            const int32_t jumped = -(int32_t)((walk->coarse[lane][block / WORD] >> (block % WORD)) & 1);
            walk->jumped[at] = jumped;
            walk->effectual[at] &= ~jumped;
        }
    }
}

/* Stepping. Everything is a maximum or a sum of cycles: a lane looks at block i
 * in the later of the cycle in which its scanner is ready and the one after the
 * group's last lane has left block i - run_ahead; it leaves it in the cycle
 * that puts in the last index. Jumping, it is ready one cycle later whenever
 * `coarse_jump` blocks of a run have been left.
 *
 * `coupled`: some lane can lead by run_ahead blocks at all.
 */

/* One MAC a lane and a queue of two or more: entering has a closed form without
 * division, for once a queue is full it stays one short of full, one in and one
 * out.
 */
CS_ALWAYS_INLINE void step_vectors(const cs_core_walk *walk, int32_t first, int32_t number, int coarse, int coupled) {
    const int32_t depth = walk->params->queue, jump = walk->params->coarse_jump, run_ahead = walk->params->run_ahead;
    const int32_t slots = walk->slots, span = walk->stride > CS_CORE_VECTOR ? walk->stride : CS_CORE_VECTOR,
                  stride = walk->stride;
    int32_t row = coupled ? first % run_ahead : 0;
    for (int32_t i = 0; i < number; ++i) {
        const int32_t *effectual = walk->effectual + i * slots, *jumped = walk->jumped + i * slots;
        int32_t *left = coupled ? walk->left + (size_t)row * (size_t)slots : NULL;
        if (++row == run_ahead) row = 0;
        for (int32_t group = 0; group < slots; group += span) {
            vector last = {-1, -1, -1, -1, -1, -1, -1, -1};
            for (int32_t at = group; at < group + span; at += CS_CORE_VECTOR) {
                const vector found = *(const vector *)(effectual + at);
                const vector ready = *(vector *)(walk->ready + at), queued = *(vector *)(walk->queued + at);
                const vector free_at = coarse ? *(vector *)(walk->free_at + at) : ready;
                vector look = ready;
                if (coupled) {
                    const vector allowed = *(vector *)(left + at) + 1;
                    look = MAXIMUM(ready, allowed);
                }
                const vector drained = queued - (look - free_at), held = drained & (drained > 0);
                const vector busy = held > 0, over = held + found - depth, stuck = over > 0;
                vector leave = look + (stuck & (over + 1 + busy));
                vector next = leave + 1, after = SELECT(stuck, depth - 1 + (vector){0}, held + found + busy);
                *(vector *)(walk->taken + at) += found;
                if (coarse) {
                    const vector is = *(const vector *)(jumped + at), run = *(vector *)(walk->run + at);
                    const vector used_up = is & (run == jump), fresh = used_up | (is & (run == 0));
                    const vector jump_ready = ready - used_up;
                    *(vector *)(walk->jumps + at) -= fresh;
                    *(vector *)(walk->run + at) = is & SELECT(fresh, 1 + (vector){0}, run + 1);
                    *(vector *)(walk->free_at + at) = SELECT(is, free_at, next);
                    leave = SELECT(is, jump_ready - 1, leave);
                    next = SELECT(is, jump_ready, next);
                    after = SELECT(is, queued, after);
                }
                *(vector *)(walk->ready + at) = next;
                *(vector *)(walk->queued + at) = after;
                last = MAXIMUM(last, leave);
            }
            if (!coupled) continue;
            if (stride >= 2) {
                const vector other = SHUFFLE(last, 1, 0, 3, 2, 5, 4, 7, 6);
                last = MAXIMUM(last, other);
            }
            if (stride >= 4) {
                const vector other = SHUFFLE(last, 2, 3, 0, 1, 6, 7, 4, 5);
                last = MAXIMUM(last, other);
            }
            if (stride >= 8) {
                const vector other = SHUFFLE(last, 4, 5, 6, 7, 0, 1, 2, 3);
                last = MAXIMUM(last, other);
            }
            for (int32_t at = group; at < group + span; at += CS_CORE_VECTOR)
                *(vector *)(left + at) = last;
        }
    }
}

/* Any number of MACs a lane, any queue. */
CS_ALWAYS_INLINE void step_scalars(const cs_core_walk *walk, int32_t first, int32_t number, int coarse, int coupled) {
    const int32_t depth = walk->params->queue, jump = walk->params->coarse_jump, run_ahead = walk->params->run_ahead;
    const int32_t macs = walk->params->macs_per_lane, slots = walk->slots;
    for (int32_t i = 0; i < number; ++i) {
        int32_t *left = coupled ? walk->left + (size_t)((first + i) % run_ahead) * (size_t)slots : NULL;
        for (int32_t group = 0; group < slots; group += walk->stride) {
            const int32_t allowed = coupled ? left[group] + 1 : 0;
            int32_t last = -1;
            for (int32_t slot = group; slot < group + walk->stride; ++slot) {
                int32_t leave;
                if (coarse && walk->jumped[i * slots + slot]) {
                    const int used_up = walk->run[slot] == jump;
                    if (used_up || walk->run[slot] == 0) {
                        ++walk->jumps[slot];
                        walk->run[slot] = 0;
                    }
                    ++walk->run[slot];
                    walk->ready[slot] += used_up;
                    leave = walk->ready[slot] - 1;
                } else {
                    const int32_t found = walk->effectual[i * slots + slot];
                    const int32_t look = walk->ready[slot] > allowed ? walk->ready[slot] : allowed;
                    const int64_t drained = walk->queued[slot] - (int64_t)macs * (look - walk->free_at[slot]);
                    int32_t held = drained > 0 ? (int32_t)drained : 0;
                    leave = cs_core_enter(look, found, depth, macs, &held);
                    walk->taken[slot] += found;
                    walk->run[slot] = 0;
                    walk->queued[slot] = held;
                    walk->ready[slot] = walk->free_at[slot] = leave + 1;
                }
                if (leave > last) last = leave;
            }
            if (!coupled) continue;
            for (int32_t slot = group; slot < group + walk->stride; ++slot)
                left[slot] = last;
        }
    }
}

CS_ALWAYS_INLINE void walk_all(const cs_core_walk *walk) {
    const size_t bytes = (size_t)walk->slots * sizeof(int32_t);
    const int32_t run_ahead = walk->params->run_ahead;
    const int simple = walk->params->macs_per_lane == 1 && walk->params->queue >= 2;
    const int coarse = walk->coarse != NULL, coupled = walk->stride > 1 && walk->blocks > run_ahead;
    int32_t *const per_slot[] = {walk->ready, walk->free_at, walk->queued, walk->run, walk->taken, walk->jumps};
    for (size_t i = 0; i < sizeof per_slot / sizeof *per_slot; ++i)
        memset(per_slot[i], 0, bytes);
    if (coupled) memset(walk->left, 0xff, (size_t)run_ahead * bytes); /* -1: before the first cycle */
    for (int32_t first = 0; first < walk->blocks; first += CS_CORE_STRIP) {
        const int32_t number = walk->blocks - first < CS_CORE_STRIP ? walk->blocks - first : CS_CORE_STRIP;
        if (walk->params->window == 16) /* as a constant: unrolled */
            count_effectual(walk, 16, first, number);
        else if (walk->params->window == 32)
            count_effectual(walk, 32, first, number);
        else
            count_effectual(walk, walk->params->window, first, number);
        if (coarse) mark_jumped(walk, first, number);
        if (simple && coarse && coupled)
            step_vectors(walk, first, number, 1, 1);
        else if (simple && coarse)
            step_vectors(walk, first, number, 1, 0);
        else if (simple && coupled)
            step_vectors(walk, first, number, 0, 1);
        else if (simple)
            step_vectors(walk, first, number, 0, 0);
        else
            step_scalars(walk, first, number, coarse, coupled);
    }
    if (simple && !coarse) memcpy(walk->free_at, walk->ready, bytes);
}

/* ---- one version for each instruction set
 * ---------------------------------------------------------------------- */

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
#if CS_HAS_X86
    if (walk->params->isa == CS_ISA_AVX512) {
        walk_avx512(walk);
        return;
    }
    if (walk->params->isa == CS_ISA_AVX2) {
        walk_avx2(walk);
        return;
    }
#endif
    walk_plain(walk);
}

void cs_core_count_strip(const cs_core_walk *walk, int32_t first, int32_t number) {
    count_effectual(walk, walk->params->window, first, number);
    if (walk->coarse != NULL) mark_jumped(walk, first, number);
}
