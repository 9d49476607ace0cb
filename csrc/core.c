#include "core.h"

#include <string.h>

#define WORD 64
/* Lanes are stepped side by side, in vectors of eight; slots without a lane of their own copy another's. */
#define VECTOR 8
/* Groups of outputs of one set are stepped together, up to so many slots: enough to hide the latency of a step. */
#define BATCH_SLOTS 32
/* Blocks counted before the lanes step over them: what fits in the first-level cache. */
#define STRIP 64
/* A walk takes at most three cycles an index or block; this keeps a group's clock within 31 bits. */
#define MAX_LENGTH (1 << 28)

#define STATE_MAGIC 0x65726f632d736f63u

#define ALWAYS_INLINE static inline __attribute__((always_inline))

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

/* The caller's buffer starts with this; the arrays follow, at word offsets. */
typedef struct {
    uint64_t magic;
    cs_core_params params;
    int32_t channels, max_length, coarse, max_blocks;
    int64_t turn; /* groups of outputs so far: dealt to the core's groups in turn */
    cs_core_counts counts;
    size_t group_cycles, lane_cycles;                /* int64_t */
    size_t reuse_outputs, reuse_blocks, reuse_seen;  /* int32_t, int32_t, uint64_t: per slot */
    size_t walk, full;                               /* uint64_t: the set's input walk; all ones */
    size_t input_before;                             /* int32_t: set input bits before each block */
    size_t left;                                     /* int32_t: see group_walk */
    size_t kept, ready, free_at, queued, run, taken; /* int32_t: outputs of a set; per slot */
    size_t jumps;
    size_t effectual, jumped;       /* int32_t: per block of a strip and slot */
    size_t other_rows, coarse_rows; /* const uint64_t *: per slot */
    size_t words;
} core_state;

static int64_t blocks_of(int64_t length, int64_t window) {
    return (length + window - 1) / window;
}

static int valid(const cs_core_params *params) {
    return params != NULL && params->lanes >= 1 && params->group >= 1 && params->lanes % params->group == 0 &&
           params->lanes <= (1 << 20) && params->window >= 1 && params->queue >= 1 && params->queue <= (1 << 28) &&
           params->macs_per_lane >= 1 && params->macs_per_lane <= (1 << 28) && params->run_ahead >= 1 &&
           params->pixel_reuse >= 1 && params->coarse_jump >= 0 && params->lane_latency >= 0;
}

/* Slots from one group of outputs to the next: a power of two or a multiple of VECTOR. */
static int32_t stride_of(int32_t group) {
    int32_t stride = 1;
    while (stride < group && stride < VECTOR)
        stride *= 2;
    return group <= VECTOR ? stride : (group + VECTOR - 1) / VECTOR * VECTOR;
}

/* Groups of outputs that are stepped together. */
static int32_t batch_of(int32_t group) {
    const int32_t groups = BATCH_SLOTS / stride_of(group);
    return groups > 1 ? groups : 1;
}

/* Lay the arrays out behind the header. */
static void lay_out(core_state *state) {
    const cs_core_params *params = &state->params;
    const size_t padded = (size_t)(batch_of(params->group) * stride_of(params->group));
    const size_t blocks = (size_t)state->max_blocks, channels = (size_t)state->channels;
    size_t at = (sizeof *state + 7) / 8;
#define PLACE(name, bytes) (state->name = at, at += ((size_t)(bytes) + 7) / 8)
    PLACE(group_cycles, (size_t)(params->lanes / params->group) * sizeof(int64_t));
    PLACE(lane_cycles, (size_t)params->lanes * sizeof(int64_t));
    PLACE(reuse_outputs, channels * sizeof(int32_t));
    PLACE(reuse_blocks, channels * sizeof(int32_t));
    PLACE(reuse_seen, state->coarse ? channels * cs_words_of(state->max_blocks) * sizeof(uint64_t) : 0);
    PLACE(walk, (cs_words_of(state->max_length) + 1) * sizeof(uint64_t));
    PLACE(full, (cs_words_of(state->max_length) + 1) * sizeof(uint64_t));
    PLACE(input_before, (blocks + 1) * sizeof(int32_t));
    PLACE(left, params->run_ahead < state->max_blocks ? (size_t)params->run_ahead * padded * sizeof(int32_t) : 0);
    PLACE(kept, channels * sizeof(int32_t));
    PLACE(ready, padded * sizeof(int32_t));
    PLACE(free_at, padded * sizeof(int32_t));
    PLACE(queued, padded * sizeof(int32_t));
    PLACE(run, padded * sizeof(int32_t));
    PLACE(taken, padded * sizeof(int32_t));
    PLACE(jumps, padded * sizeof(int32_t));
    PLACE(effectual, STRIP * padded * sizeof(int32_t));
    PLACE(jumped, STRIP * padded * sizeof(int32_t));
    PLACE(other_rows, padded * sizeof(uint64_t *));
    PLACE(coarse_rows, padded * sizeof(uint64_t *));
#undef PLACE
    state->words = at;
}

static int32_t set_up(core_state *state, const cs_core_params *params, int32_t channels, int32_t max_length,
                      int32_t coarse) {
    if (!valid(params) || channels < 0 || max_length < 0 || max_length > MAX_LENGTH) return CS_EINVAL;
    memset(state, 0, sizeof *state);
    state->magic = STATE_MAGIC;
    state->params = *params;
    state->channels = channels;
    state->max_length = max_length;
    state->coarse = coarse != 0;
    state->max_blocks = (int32_t)blocks_of(max_length, params->window);
    lay_out(state);
    return CS_OK;
}

int32_t cs_core_state_words(const cs_core_params *params, int32_t channels, int32_t max_length, int32_t coarse,
                            size_t *words) {
    core_state state;
    if (words == NULL) return CS_EINVAL;
    const int32_t status = set_up(&state, params, channels, max_length, coarse);
    if (status == CS_OK) *words = state.words;
    return status;
}

int32_t cs_core_init(uint64_t *state, size_t state_words, const cs_core_params *params, int32_t channels,
                     int32_t max_length, int32_t coarse) {
    core_state header;
    if (state == NULL) return CS_EINVAL;
    const int32_t status = set_up(&header, params, channels, max_length, coarse);
    if (status != CS_OK) return status;
    if (state_words < header.words) return CS_EBUFFER;
    memset(state, 0, header.words * sizeof *state);
    memcpy(state, &header, sizeof header);
    memset(state + header.full, 0xff, (cs_words_of(max_length) + 1) * sizeof *state);
    return CS_OK;
}

/* ---- groups of outputs ---------------------------------------------------------------------------------------- */

/* What the lanes of a few groups of one set walk; the pointers go into the state and the caller's buffers. */
typedef struct {
    const cs_core_params *params;
    const uint64_t *input;         /* the set's walk */
    const uint64_t *const *other;  /* per slot: its row of the other operand */
    const uint64_t *const *coarse; /* per slot: its coarse-zero flags; null where nothing is coarse */
    int32_t slots, stride;         /* slots in all; from one group to the next */
    int32_t length, blocks;        /* bits, blocks */
    int32_t *ready, *free_at;      /* per slot: next cycle in which the scanner may look; at which `queued` holds */
    int32_t *queued, *run;         /* per slot: indices in the queue; blocks left in the present jump */
    int32_t *taken, *jumps;        /* per slot: indices queued so far, jumps so far */
    int32_t *left;                 /* [run_ahead][slots]: row i % run_ahead is when the slot's group has left block i */
    int32_t *effectual, *jumped;   /* [STRIP][slots] */
} group_walk;

/* Replace each field of `window` bits (1 to 32, a power of two) by the number of its set bits. */
ALWAYS_INLINE void count_fields(wide *bits, int32_t window) {
    static const uint64_t masks[] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu, 0x00ff00ff00ff00ffu,
                                     0x0000ffff0000ffffu};
    for (int32_t width = 1, i = 0; width < window; width *= 2, ++i)
        *bits = (*bits & masks[i]) + ((*bits >> width) & masks[i]);
}

/* effectual[block][lane] for blocks first .. first + number - 1; first is a multiple of STRIP. */
ALWAYS_INLINE void count_effectual(const group_walk *walk, int32_t window, int32_t first, int32_t number) {
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
        for (int32_t at = 0; at < padded; at += VECTOR) {
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

/* jumped[block][lane] = -1 where the block is coarse-zero for the lane, else 0; such blocks hold nothing effectual. */
ALWAYS_INLINE void mark_jumped(const group_walk *walk, int32_t first, int32_t number) {
    for (int32_t lane = 0; lane < walk->slots; ++lane) {
        for (int32_t i = 0; i < number; ++i) {
            const int32_t block = first + i, at = i * walk->slots + lane;
            const int32_t jumped = -(int32_t)((walk->coarse[lane][block / WORD] >> (block % WORD)) & 1);
            walk->jumped[at] = jumped;
            walk->effectual[at] &= ~jumped;
        }
    }
}

/* Put `number` indices into a queue that holds *queued at the start of `cycle`, taking out up to `macs` a cycle;
 * returns the cycle in which the last went in (`cycle` if there is none), with *queued at the start of the next one.
 */
ALWAYS_INLINE int32_t enter(int32_t cycle, int32_t number, int32_t depth, int32_t macs, int32_t *queued) {
    int32_t held = *queued, rest = number;
    for (;; ++cycle) {
        const int32_t room = depth - held, put = rest < room ? rest : room, take = macs < held ? macs : held;
        if (depth >= 2 * macs && held == depth - macs && rest > macs) {
            /* Steady: each cycle puts `macs` in and takes `macs` out. */
            const int32_t cycles = (rest - 1) / macs;
            cycle += cycles - 1;
            rest -= cycles * macs;
            continue;
        }
        rest -= put;
        held += put - take;
        if (rest == 0) break;
    }
    *queued = held;
    return cycle;
}

/* Stepping. Everything is a maximum or a sum of cycles: a lane looks at block i in the later of the cycle in which its
 * scanner is ready and the one after the group's last lane has left block i - run_ahead; it leaves it in the cycle that
 * puts in the last index. Jumping, it is ready one cycle later whenever `coarse_jump` blocks of a run have been left.
 *
 * `coupled`: some lane can lead by run_ahead blocks at all.
 */

/* One MAC a lane and a queue of two or more: entering has a closed form without division, for once a queue is full it
 * stays one short of full, one in and one out.
 */
ALWAYS_INLINE void step_vectors(const group_walk *walk, int32_t first, int32_t number, int coarse, int coupled) {
    const int32_t depth = walk->params->queue, jump = walk->params->coarse_jump, run_ahead = walk->params->run_ahead;
    const int32_t slots = walk->slots, span = walk->stride > VECTOR ? walk->stride : VECTOR, stride = walk->stride;
    int32_t row = coupled ? first % run_ahead : 0;
    for (int32_t i = 0; i < number; ++i) {
        const int32_t *effectual = walk->effectual + i * slots, *jumped = walk->jumped + i * slots;
        int32_t *left = coupled ? walk->left + (size_t)row * (size_t)slots : NULL;
        if (++row == run_ahead) row = 0;
        for (int32_t group = 0; group < slots; group += span) {
            vector last = {-1, -1, -1, -1, -1, -1, -1, -1};
            for (int32_t at = group; at < group + span; at += VECTOR) {
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
            for (int32_t at = group; at < group + span; at += VECTOR)
                *(vector *)(left + at) = last;
        }
    }
}

/* Any number of MACs a lane, any queue. */
ALWAYS_INLINE void step_scalars(const group_walk *walk, int32_t first, int32_t number, int coarse, int coupled) {
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
                    leave = enter(look, found, depth, macs, &held);
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

ALWAYS_INLINE void walk_groups(const group_walk *walk) {
    const size_t bytes = (size_t)walk->slots * sizeof(int32_t);
    const int32_t run_ahead = walk->params->run_ahead;
    const int simple = walk->params->macs_per_lane == 1 && walk->params->queue >= 2;
    const int coarse = walk->coarse != NULL, coupled = walk->stride > 1 && walk->blocks > run_ahead;
    int32_t *const per_slot[] = {walk->ready, walk->free_at, walk->queued, walk->run, walk->taken, walk->jumps};
    for (size_t i = 0; i < sizeof per_slot / sizeof *per_slot; ++i)
        memset(per_slot[i], 0, bytes);
    if (coupled) memset(walk->left, 0xff, (size_t)run_ahead * bytes); /* -1: before the first cycle */
    for (int32_t first = 0; first < walk->blocks; first += STRIP) {
        const int32_t number = walk->blocks - first < STRIP ? walk->blocks - first : STRIP;
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

static void walk_groups_portable(const group_walk *walk) {
    walk_groups(walk);
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2,popcnt,bmi,bmi2"))) static void walk_groups_avx2(const group_walk *walk) {
    walk_groups(walk);
}

static void walk_groups_fastest(const group_walk *walk) {
    if (!walk->params->portable && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        walk_groups_avx2(walk);
    else
        walk_groups_portable(walk);
}
#else
static void walk_groups_fastest(const group_walk *walk) {
    walk_groups_portable(walk);
}
#endif

/* ---- one set of outputs --------------------------------------------------------------------------------------- */

/* One pattern of the other operand, unpacked. */
typedef struct {
    const uint64_t *other, *coarse; /* row 0; coarse may be null */
    const int32_t *ones;
    size_t other_words, coarse_words; /* a row */
    int32_t length, blocks;
} pattern_walks;

static pattern_walks pattern_of(const core_state *state, const cs_core_walks *walks, int32_t pattern) {
    pattern_walks out;
    out.length = walks->lengths[pattern];
    out.blocks = (int32_t)blocks_of(out.length, state->params.window);
    out.other = walks->other + walks->starts[pattern];
    out.other_words = cs_words_of(out.length);
    out.ones = walks->ones + (size_t)pattern * (size_t)walks->rows;
    out.coarse = state->coarse ? walks->coarse + walks->coarse_starts[pattern] : NULL;
    out.coarse_words = cs_words_of(out.blocks);
    return out;
}

static int64_t count_words(const uint64_t *words, size_t count) {
    int64_t total = 0;
    for (size_t i = 0; i < count; ++i)
        total += __builtin_popcountll(words[i]);
    return total;
}

/* Indices, and set bits of the input operand among them, in the blocks that `flags` names. */
static void sum_jumped(const uint64_t *flags, const pattern_walks *walks, int32_t window, const int32_t *input_before,
                       int64_t *indices, int64_t *inputs) {
    *indices = 0;
    *inputs = 0;
    for (size_t w = 0; w < walks->coarse_words; ++w) {
        for (uint64_t set = flags[w]; set != 0; set &= set - 1) {
            const int32_t block = (int32_t)w * WORD + __builtin_ctzll(set);
            const int64_t begin = (int64_t)block * window;
            *indices += walks->length - begin < window ? walks->length - begin : window;
            *inputs += input_before[block + 1] - input_before[block];
        }
    }
}

/* Count the blocks of the other operand that must be read for one more output of `slot`; mark them in the output's
 * column of a record (or null) of `lanes` columns.
 */
static int64_t read_other(core_state *state, uint64_t *base, int32_t slot, const uint64_t *coarse, int32_t blocks,
                          uint32_t *column, int32_t lanes) {
    int32_t *outputs = (int32_t *)(base + state->reuse_outputs) + slot;
    int32_t *seen_blocks = (int32_t *)(base + state->reuse_blocks) + slot;
    const size_t words = cs_words_of(state->max_blocks);
    uint64_t *seen = base + state->reuse_seen + (state->coarse ? (size_t)slot * words : 0);
    if (*outputs == state->params.pixel_reuse) {
        *outputs = 0;
        *seen_blocks = 0;
        if (state->coarse) memset(seen, 0, words * sizeof *seen);
    }
    ++*outputs;
    if (!state->coarse) {
        const int64_t fresh = blocks > *seen_blocks ? blocks - *seen_blocks : 0;
        for (int64_t i = blocks - fresh; column != NULL && i < blocks; ++i)
            column[i * lanes] |= CS_CORE_READS;
        *seen_blocks += (int32_t)fresh;
        return fresh;
    }
    int64_t fresh = 0;
    for (int32_t at = 0; at < blocks; at += WORD) {
        const uint64_t used = blocks - at < WORD ? ((uint64_t)1 << (blocks - at)) - 1 : ~(uint64_t)0;
        const uint64_t scanned = ~coarse[at / WORD] & used;
        const uint64_t unseen = scanned & ~seen[at / WORD];
        fresh += __builtin_popcountll(unseen);
        for (uint64_t set = unseen; column != NULL && set != 0; set &= set - 1)
            column[(int64_t)(at + __builtin_ctzll(set)) * lanes] |= CS_CORE_READS;
        seen[at / WORD] |= scanned;
    }
    return fresh;
}

/* Append one group of outputs to the record, without the reads: lane i of it is slot first_slot + i * step. Returns
 * where its blocks begin, or null where there is no room.
 */
static uint32_t *append(cs_core_record *record, const group_walk *walk, const int32_t *rows, const int32_t *kept,
                        int32_t lanes, int32_t first_slot, int32_t step) {
    const size_t width = (size_t)lanes, need = 3 + width + (size_t)walk->blocks * width;
    if (need > record->capacity - record->used) return NULL;
    uint32_t *to = record->words + record->used;
    record->used += need;
    *to++ = (uint32_t)lanes;
    *to++ = (uint32_t)walk->blocks;
    *to++ = (uint32_t)(record->sets - 1);
    for (int32_t lane = 0; lane < lanes; ++lane)
        *to++ = (uint32_t)rows[kept[lane]];
    for (int32_t first = 0; first < walk->blocks; first += STRIP) {
        const int32_t number = walk->blocks - first < STRIP ? walk->blocks - first : STRIP;
        count_effectual(walk, walk->params->window, first, number);
        if (walk->coarse != NULL) mark_jumped(walk, first, number);
        for (int32_t i = 0; i < number; ++i) {
            for (int32_t lane = 0; lane < lanes; ++lane) {
                const int32_t at = i * walk->slots + first_slot + lane * step;
                const int jumped = walk->coarse != NULL && walk->jumped[at];
                to[(size_t)(first + i) * width + (size_t)lane] =
                    (uint32_t)walk->effectual[at] | (jumped ? CS_CORE_JUMPED : 0);
            }
        }
    }
    return to;
}

/* The outputs `kept` of a set, in as many groups as it takes: their lanes' cycles, and all counts. */
static int32_t run_groups(core_state *state, uint64_t *base, const uint64_t *input, int64_t input_ones,
                          const pattern_walks *walks, const cs_core_outputs *outputs, const int32_t *kept,
                          int32_t number, cs_core_record *record) {
    const cs_core_params *params = &state->params;
    cs_core_counts *counts = &state->counts;
    const int skip_input = params->skip_input && params->fine, skip_other = params->skip_other && params->fine;
    const int32_t stride = stride_of(params->group);
    const uint64_t **other = (const uint64_t **)(base + state->other_rows);
    const uint64_t **coarse = (const uint64_t **)(base + state->coarse_rows);
    group_walk walk = {
        .params = params,
        .input = input,
        .other = other,
        .stride = stride,
        .length = walks->length,
        .blocks = walks->blocks,
        .ready = (int32_t *)(base + state->ready),
        .free_at = (int32_t *)(base + state->free_at),
        .queued = (int32_t *)(base + state->queued),
        .run = (int32_t *)(base + state->run),
        .taken = (int32_t *)(base + state->taken),
        .jumps = (int32_t *)(base + state->jumps),
        .left = (int32_t *)(base + state->left),
        .effectual = (int32_t *)(base + state->effectual),
        .jumped = (int32_t *)(base + state->jumped),
    };

    /* Slots: group by group, unused ones copy the first lane of their group, unused groups the first lane of all. */
    int any_coarse = 0;
    const int32_t groups = (number + params->group - 1) / params->group;
    walk.slots = (groups * stride + VECTOR - 1) / VECTOR * VECTOR;
    for (int32_t slot = 0; slot < walk.slots; ++slot) {
        const int32_t group = slot / stride < groups ? slot / stride : 0;
        const int32_t lane = slot / stride < groups ? slot % stride : 0, wanted = group * params->group + lane;
        const int32_t own = lane < params->group && wanted < number ? wanted : group * params->group;
        const size_t row = (size_t)outputs->rows[kept[own]];
        other[slot] = skip_other ? walks->other + row * walks->other_words : base + state->full;
        coarse[slot] = walks->coarse == NULL ? NULL : walks->coarse + row * walks->coarse_words;
        if (walks->coarse != NULL)
            for (size_t w = 0; w < walks->coarse_words && !any_coarse; ++w)
                any_coarse = coarse[slot][w] != 0;
    }
    if (any_coarse) walk.coarse = coarse;
    /* Lanes that see the same zeros take the same cycles, and never wait for each other: one stands for all. */
    const int alike = !skip_other && !any_coarse;
    if (alike) {
        walk.slots = VECTOR;
        walk.stride = 1;
    }
    walk_groups_fastest(&walk);

    for (int32_t group = 0; group < groups; ++group) {
        const int32_t begin = group * params->group;
        const int32_t lanes = number - begin < params->group ? number - begin : params->group;
        const int32_t hardware = (int32_t)(state->turn++ % (params->lanes / params->group));
        int64_t *lane_cycles = (int64_t *)(base + state->lane_cycles) + (size_t)hardware * (size_t)params->group;
        int64_t slowest = 0, shared_jumped = 0;
        uint32_t *blocks = NULL;
        if (record != NULL) {
            blocks = append(record, &walk, outputs->rows, kept + begin, lanes, alike ? 0 : group * stride, !alike);
            if (blocks == NULL) return CS_EBUFFER;
        }
        for (int32_t lane = 0; lane < lanes; ++lane) {
            const int32_t slot = alike ? 0 : group * stride + lane, macs = params->macs_per_lane;
            const int64_t emptied = walk.free_at[slot] + ((int64_t)walk.queued[slot] + macs - 1) / macs;
            const int64_t cycles = emptied > walk.ready[slot] ? emptied : walk.ready[slot];
            if (cycles > slowest) slowest = cycles;
            lane_cycles[lane] += cycles;

            int64_t jumped_indices = 0, jumped_inputs = 0, jumped_blocks = 0;
            if (any_coarse) {
                sum_jumped(coarse[slot], walks, params->window, (const int32_t *)(base + state->input_before),
                           &jumped_indices, &jumped_inputs);
                jumped_blocks = count_words(coarse[slot], walks->coarse_words);
                counts->jumps += walk.jumps[slot];
            }
            const int32_t output = kept[begin + lane];
            const int64_t scanned = walks->length - jumped_indices, both = walk.taken[slot];
            const int64_t inputs = skip_input ? input_ones - jumped_inputs : scanned;
            const int64_t others = skip_other ? walks->ones[outputs->rows[output]] : scanned;
            const int64_t scans = walks->blocks - jumped_blocks;
            counts->macs += both;
            counts->queue_in += both;
            counts->queue_out += both;
            counts->skipped_coarse += jumped_indices;
            counts->skipped_input += others - both;
            counts->skipped_other += inputs - both;
            counts->skipped_both += scanned - inputs - others + both;
            counts->scans += scans;
            counts->buffer_reads += scans;
            counts->other_block_reads += read_other(state, base, outputs->slots[output], coarse[slot], walks->blocks,
                                                    blocks == NULL ? NULL : blocks + lane, lanes);
        }
        if (any_coarse) {
            for (size_t w = 0; w < walks->coarse_words; ++w) {
                uint64_t all = ~(uint64_t)0;
                for (int32_t lane = 0; lane < lanes; ++lane)
                    all &= coarse[group * stride + lane][w];
                shared_jumped += __builtin_popcountll(all);
            }
        }
        counts->input_block_reads += walks->blocks - shared_jumped;
        counts->buffer_writes += walks->blocks - shared_jumped;
        counts->groups_run += 1;
        ((int64_t *)(base + state->group_cycles))[hardware] += slowest + params->lane_latency;
    }
    return CS_OK;
}

/* Set input bits before each block, for the counts of jumped ones. */
static void count_input_before(const core_state *state, uint64_t *base, const uint64_t *input,
                               const pattern_walks *walks) {
    int32_t *before = (int32_t *)(base + state->input_before);
    before[0] = 0;
    for (int32_t block = 0; block < walks->blocks; ++block) {
        const int64_t begin = (int64_t)block * state->params.window;
        const int64_t end = begin + state->params.window < walks->length ? begin + state->params.window : walks->length;
        int32_t total = 0;
        for (int64_t at = begin; at < end; at += WORD)
            total += __builtin_popcountll(cs_read_bits(input, at, end - at < WORD ? end - at : WORD));
        before[block + 1] = before[block] + total;
    }
}

/* All outputs of a set, in groups; `needed` (or null: all) is the set's mask. */
static int32_t run_set(core_state *state, uint64_t *base, const uint64_t *input, const uint64_t *needed,
                       const pattern_walks *walks, const cs_core_outputs *outputs, cs_core_record *record) {
    int32_t *kept = (int32_t *)(base + state->kept);
    int32_t number = 0;
    for (int32_t i = 0; i < outputs->count; ++i) {
        const int32_t bit = needed == NULL ? 0 : outputs->needed_bits[i];
        if (needed == NULL || (needed[bit / WORD] >> (bit % WORD)) & 1) kept[number++] = i;
    }
    cs_core_counts *counts = &state->counts;
    counts->outputs += outputs->count;
    counts->outputs_removed += outputs->count - number;
    counts->dense_macs += (int64_t)outputs->count * walks->length;
    counts->skipped_output += (int64_t)(outputs->count - number) * walks->length;
    if (record != NULL) ++record->sets;
    if (number == 0) return CS_OK;
    const int64_t input_ones = count_words(input, cs_words_of(walks->length));
    if (state->coarse) count_input_before(state, base, input, walks);
    const int32_t batch = batch_of(state->params.group) * state->params.group;
    for (int32_t start = 0; start < number; start += batch) {
        const int32_t outputs_here = number - start < batch ? number - start : batch;
        const int32_t status =
            run_groups(state, base, input, input_ones, walks, outputs, kept + start, outputs_here, record);
        if (status != CS_OK) return status;
    }
    return CS_OK;
}

/* ---- the tile's sets ------------------------------------------------------------------------------------------- */

static int32_t open_state(const uint64_t *state, size_t state_words, core_state *header) {
    if (state == NULL) return CS_EINVAL;
    if (state_words < (sizeof *header + 7) / 8) return CS_EBUFFER;
    memcpy(header, state, sizeof *header);
    if (header->magic != STATE_MAGIC) return CS_ESTATE;
    return state_words < header->words ? CS_EBUFFER : CS_OK;
}

static int32_t check_walks(const core_state *state, const cs_core_walks *walks) {
    if (walks == NULL || walks->patterns < 1 || walks->rows < 0 || walks->lengths == NULL || walks->starts == NULL ||
        walks->ones == NULL || (walks->other == NULL && walks->other_count > 0))
        return CS_EINVAL;
    if (state->coarse && (walks->coarse_starts == NULL || (walks->coarse == NULL && walks->coarse_count > 0)))
        return CS_EINVAL;
    for (int32_t p = 0; p < walks->patterns; ++p) {
        const int32_t length = walks->lengths[p];
        if (length < 0 || length > state->max_length || walks->starts[p] < 0) return CS_EINVAL;
        const size_t words = (size_t)walks->rows * cs_words_of(length), start = (size_t)walks->starts[p];
        if (start > walks->other_count || words > walks->other_count - start) return CS_EBUFFER;
        if (!state->coarse) continue;
        if (walks->coarse_starts[p] < 0) return CS_EINVAL;
        const size_t flag_words = (size_t)walks->rows * cs_words_of(blocks_of(length, state->params.window));
        const size_t flag_start = (size_t)walks->coarse_starts[p];
        if (flag_start > walks->coarse_count || flag_words > walks->coarse_count - flag_start) return CS_EBUFFER;
    }
    return CS_OK;
}

static int32_t check_outputs(const core_state *state, const cs_core_walks *walks, const cs_core_outputs *outputs,
                             int with_needed, int32_t needed_words) {
    if (outputs == NULL || outputs->count < 0 || outputs->count > state->channels) return CS_EINVAL;
    if (outputs->count > 0 && (outputs->rows == NULL || outputs->slots == NULL)) return CS_EINVAL;
    if (with_needed && (outputs->needed_bits == NULL || needed_words < 0)) return CS_EINVAL;
    for (int32_t i = 0; i < outputs->count; ++i) {
        if (outputs->rows[i] < 0 || outputs->rows[i] >= walks->rows) return CS_EINVAL;
        if (outputs->slots[i] < 0 || outputs->slots[i] >= state->channels) return CS_EINVAL;
        if (with_needed && (outputs->needed_bits[i] < 0 || outputs->needed_bits[i] / WORD >= needed_words))
            return CS_EINVAL;
    }
    return CS_OK;
}

static int32_t check_record(const cs_core_record *record) {
    if (record == NULL) return CS_OK;
    if (record->words == NULL || record->used > record->capacity || record->sets < 0) return CS_EINVAL;
    return CS_OK;
}

static int32_t check_pixels(const cs_core_pixels *pixels, const cs_core_walks *walks) {
    if (pixels == NULL || pixels->source == NULL || pixels->row_source == NULL || pixels->column_source == NULL ||
        pixels->row_pattern == NULL || pixels->column_pattern == NULL)
        return CS_EINVAL;
    const int32_t sizes[] = {pixels->images, pixels->source_rows,    pixels->source_columns, pixels->source_words,
                             pixels->rows,   pixels->columns,        pixels->taps_r,         pixels->taps_s,
                             pixels->bits,   pixels->column_patterns};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        if (sizes[i] < 1) return CS_EINVAL;
    if (pixels->first_bit < 0 || cs_words_of((int64_t)pixels->first_bit + pixels->bits) > (size_t)pixels->source_words)
        return CS_EINVAL;
    if (pixels->image_begin < 0 || pixels->image_end > pixels->images || pixels->row_begin < 0 ||
        pixels->row_end > pixels->rows)
        return CS_EINVAL;
    const size_t images = (size_t)pixels->images;
    if (pixels->source_count <
        images * (size_t)pixels->source_rows * (size_t)pixels->source_columns * (size_t)pixels->source_words)
        return CS_EBUFFER;
    if (pixels->needed != NULL &&
        pixels->needed_count < images * (size_t)pixels->rows * (size_t)pixels->columns * (size_t)pixels->needed_words)
        return CS_EBUFFER;
    for (int32_t i = 0; i < pixels->rows * pixels->taps_r; ++i)
        if (pixels->row_source[i] < -1 || pixels->row_source[i] >= pixels->source_rows) return CS_EINVAL;
    for (int32_t i = 0; i < pixels->columns * pixels->taps_s; ++i)
        if (pixels->column_source[i] < -1 || pixels->column_source[i] >= pixels->source_columns) return CS_EINVAL;
    for (int32_t i = 0; i < pixels->rows; ++i) {
        int64_t taps_r = 0;
        for (int32_t a = 0; a < pixels->taps_r; ++a)
            taps_r += pixels->row_source[i * pixels->taps_r + a] >= 0;
        for (int32_t j = 0; j < pixels->columns; ++j) {
            int64_t taps_s = 0;
            for (int32_t b = 0; b < pixels->taps_s; ++b)
                taps_s += pixels->column_source[j * pixels->taps_s + b] >= 0;
            const int64_t row = pixels->row_pattern[i], column = pixels->column_pattern[j];
            if (row < 0 || column < 0 || column >= pixels->column_patterns) return CS_EINVAL;
            const int64_t pattern = row * pixels->column_patterns + column;
            if (pattern >= walks->patterns || walks->lengths[pattern] != taps_r * taps_s * pixels->bits)
                return CS_EINVAL;
        }
    }
    return CS_OK;
}

/* The input operand's walk of one pixel into the state's `walk`. */
static void gather(const cs_core_pixels *pixels, int32_t image, int32_t row, int32_t column, int32_t length,
                   uint64_t *walk) {
    const int aligned = pixels->first_bit % WORD == 0 && pixels->bits % WORD == 0;
    int64_t at = 0;
    if (!aligned) memset(walk, 0, cs_words_of(length) * sizeof *walk);
    for (int32_t a = 0; a < pixels->taps_r; ++a) {
        const int32_t from_row = pixels->row_source[row * pixels->taps_r + a];
        if (from_row < 0) continue;
        for (int32_t b = 0; b < pixels->taps_s; ++b) {
            const int32_t from_column = pixels->column_source[column * pixels->taps_s + b];
            if (from_column < 0) continue;
            const size_t pixel =
                ((size_t)image * (size_t)pixels->source_rows + (size_t)from_row) * (size_t)pixels->source_columns +
                (size_t)from_column;
            const uint64_t *from = pixels->source + pixel * (size_t)pixels->source_words;
            if (aligned) {
                memcpy(walk + at / WORD, from + pixels->first_bit / WORD, (size_t)pixels->bits / 8);
                at += pixels->bits;
                continue;
            }
            for (int32_t done = 0; done < pixels->bits; done += WORD) {
                const int32_t step = pixels->bits - done < WORD ? pixels->bits - done : WORD;
                cs_write_bits(walk, at, step, cs_read_bits(from, pixels->first_bit + done, step));
                at += step;
            }
        }
    }
}

/* An operand that is not skipped counts as non-zero throughout. */
static void fill_ones(uint64_t *walk, int32_t length) {
    for (int64_t at = 0; at < length; at += WORD)
        walk[at / WORD] = length - at < WORD ? ((uint64_t)1 << (length - at)) - 1 : ~(uint64_t)0;
}

int32_t cs_core_run_pixels(uint64_t *state, size_t state_words, const cs_core_pixels *pixels,
                           const cs_core_walks *walks, const cs_core_outputs *outputs, cs_core_record *record) {
    core_state header;
    int32_t status = open_state(state, state_words, &header);
    if (status == CS_OK) status = check_walks(&header, walks);
    if (status == CS_OK) status = check_pixels(pixels, walks);
    if (status == CS_OK) status = check_outputs(&header, walks, outputs, pixels->needed != NULL, pixels->needed_words);
    if (status == CS_OK) status = check_record(record);
    if (status != CS_OK) return status;
    const int skip_input = header.params.skip_input && header.params.fine;
    uint64_t *walk = state + header.walk;
    for (int32_t image = pixels->image_begin; image < pixels->image_end; ++image) {
        for (int32_t row = pixels->row_begin; row < pixels->row_end; ++row) {
            for (int32_t column = 0; column < pixels->columns; ++column) {
                const int32_t pattern =
                    pixels->row_pattern[row] * pixels->column_patterns + pixels->column_pattern[column];
                const pattern_walks here = pattern_of(&header, walks, pattern);
                const size_t pixel =
                    ((size_t)image * (size_t)pixels->rows + (size_t)row) * (size_t)pixels->columns + (size_t)column;
                if (skip_input)
                    gather(pixels, image, row, column, here.length, walk);
                else
                    fill_ones(walk, here.length);
                const uint64_t *needed =
                    pixels->needed == NULL ? NULL : pixels->needed + pixel * (size_t)pixels->needed_words;
                status = run_set(&header, state, walk, needed, &here, outputs, record);
                if (status != CS_OK) return status;
            }
        }
    }
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_run_walks(uint64_t *state, size_t state_words, const uint64_t *inputs, size_t inputs_count,
                          int32_t first, int32_t last, const uint64_t *needed, size_t needed_count,
                          int32_t needed_words, const cs_core_walks *walks, const cs_core_outputs *outputs,
                          cs_core_record *record) {
    core_state header;
    int32_t status = open_state(state, state_words, &header);
    if (status == CS_OK) status = check_walks(&header, walks);
    if (status == CS_OK) status = check_outputs(&header, walks, outputs, needed != NULL, needed_words);
    if (status == CS_OK) status = check_record(record);
    if (status != CS_OK) return status;
    if (walks->patterns != 1 || first < 0 || last < first || (inputs == NULL && inputs_count > 0)) return CS_EINVAL;
    const pattern_walks here = pattern_of(&header, walks, 0);
    const size_t row_words = cs_words_of(here.length);
    if (inputs_count < (size_t)last * row_words) return CS_EBUFFER;
    if (needed != NULL && needed_count < (size_t)last * (size_t)needed_words) return CS_EBUFFER;
    const int skip_input = header.params.skip_input && header.params.fine;
    uint64_t *walk = state + header.walk;
    if (!skip_input) fill_ones(walk, here.length);
    for (int32_t i = first; i < last; ++i) {
        status = run_set(&header, state, skip_input ? inputs + (size_t)i * row_words : walk,
                         needed == NULL ? NULL : needed + (size_t)i * (size_t)needed_words, &here, outputs, record);
        if (status != CS_OK) return status;
    }
    memcpy(state, &header, sizeof header);
    return CS_OK;
}

int32_t cs_core_result(const uint64_t *state, size_t state_words, cs_core_counts *counts, int64_t *group_cycles,
                       size_t groups, int64_t *lane_cycles, size_t lanes) {
    core_state header;
    const int32_t status = open_state(state, state_words, &header);
    if (status != CS_OK) return status;
    if (counts == NULL || group_cycles == NULL || lane_cycles == NULL) return CS_EINVAL;
    if (groups != (size_t)(header.params.lanes / header.params.group) || lanes != (size_t)header.params.lanes)
        return CS_EBUFFER;
    *counts = header.counts;
    memcpy(group_cycles, state + header.group_cycles, groups * sizeof *group_cycles);
    memcpy(lane_cycles, state + header.lane_cycles, lanes * sizeof *lane_cycles);
    return CS_OK;
}
