#include "scnn.h"

#include <string.h>

int32_t cs_scnn_encode(const uint8_t *mask, size_t blocks, size_t length, int32_t max_zeros, int32_t *entries,
                       size_t capacity, int64_t *starts, size_t start_count) {
    if ((mask == NULL && blocks * length > 0) || starts == NULL || (entries == NULL && capacity > 0)) return CS_EINVAL;
    if (max_zeros < 0 || length > INT32_MAX) return CS_EINVAL;
    if (start_count != blocks + 1 || !cs_aligned(CS_ADDRESS(starts), sizeof(int64_t)) ||
        !cs_aligned(CS_ADDRESS(entries), sizeof(int32_t)))
        return CS_EBUFFER;
    size_t number = 0;
    for (size_t block = 0; block < blocks; ++block) {
        const uint8_t *bytes = mask + block * length;
        starts[block] = (int64_t)number;
        size_t next = 0; /* the first position that no entry accounts for */
        for (size_t at = 0; at < length; ++at) {
            if (bytes[at] == 0) continue;
            while (at - next > (size_t)max_zeros) {
                next += (size_t)max_zeros + 1;
                if (number == capacity) return CS_EBUFFER;
                entries[number++] = ~(int32_t)(next - 1);
            }
            if (number == capacity) return CS_EBUFFER;
            entries[number++] = (int32_t)at;
            next = at + 1;
        }
    }
    starts[blocks] = (int64_t)number;
    return CS_OK;
}

/* So that differences of two fit. */
static int in_range(int32_t coordinate) {
    return coordinate >= 0 && coordinate < 1 << 30;
}

static int operand_is_aligned(const cs_scnn_operand *operand) {
    return cs_aligned(CS_ADDRESS(operand), sizeof(uint64_t)) &&
           (operand == NULL || (cs_aligned(CS_ADDRESS(operand->starts), sizeof(int64_t)) &&
                                cs_aligned(CS_ADDRESS(operand->entries) | CS_ADDRESS(operand->bank) |
                                               CS_ADDRESS(operand->row) | CS_ADDRESS(operand->column),
                                           sizeof(int32_t))));
}

static int operand_is_sound(const cs_scnn_operand *operand, int32_t banks) {
    if (operand == NULL || operand->starts == NULL || operand->bank == NULL) return 0;
    if (operand->row == NULL || operand->column == NULL) return 0;
    if (operand->entries == NULL && operand->entry_count > 0) return 0;
    int64_t before = 0;
    for (size_t block = 0; block <= operand->blocks; ++block) {
        if (operand->starts[block] < before) return 0;
        before = operand->starts[block];
    }
    if ((uint64_t)before > operand->entry_count) return 0;
    for (size_t i = 0; i < operand->entry_count; ++i) {
        const int32_t entry = operand->entries[i];
        if ((size_t)(entry < 0 ? ~entry : entry) >= operand->positions) return 0;
    }
    for (size_t i = 0; i < operand->positions; ++i) {
        if (operand->bank[i] < 0 || operand->bank[i] >= banks) return 0;
        if (!in_range(operand->row[i]) || !in_range(operand->column[i])) return 0;
    }
    return 1;
}

/* Every bank accumulates one of the products that wait at it, in each of so many cycles. */
static void accumulate(uint16_t *waiting, int32_t banks, int64_t cycles) {
    const uint16_t most = cycles > UINT16_MAX ? UINT16_MAX : (uint16_t)cycles;
    for (int32_t bank = 0; bank < banks; ++bank)
        waiting[bank] = (uint16_t)(waiting[bank] > most ? waiting[bank] - most : 0);
}

/* The layer's last filter row and column: an input at least as far inside belongs to an output with each weight. */
typedef struct {
    int32_t row;
    int32_t column;
} reach;

/* One channel in one processing element: its cycles. In each, every bank accumulates, then products come in; those that
 * find no room hold up the multipliers, a cycle for each that is too many at the fullest bank. */
static int64_t run_channel(const cs_scnn_params *params, const cs_scnn_operand *inputs, size_t x_block,
                           const cs_scnn_operand *weights, size_t w_block, reach last, uint16_t *waiting,
                           cs_scnn_counts *counts) {
    const int32_t banks = params->banks;
    const int32_t *const x_begin = inputs->entries + inputs->starts[x_block];
    const int64_t x_count = inputs->starts[x_block + 1] - inputs->starts[x_block];
    const int32_t *const w_begin = weights->entries + weights->starts[w_block];
    const int64_t w_count = weights->starts[w_block + 1] - weights->starts[w_block];
    int64_t steps = 0, stalls = 0, products = 0, outside = 0, placeholders = 0;
    for (int64_t x = 0; x < x_count; x += params->inputs) {
        const int64_t x_size = x_count - x < params->inputs ? x_count - x : params->inputs;
        for (int64_t w = 0; w < w_count; w += params->weights) {
            const int64_t w_size = w_count - w < params->weights ? w_count - w : params->weights;
            accumulate(waiting, banks, 1);
            int32_t fullest = 0;
            for (int64_t i = x; i < x + x_size; ++i) {
                const int32_t x_at = x_begin[i];
                if (x_at < 0) {
                    placeholders += w_size;
                    continue;
                }
                const int32_t x_row = inputs->row[x_at], x_column = inputs->column[x_at];
                const int inside =
                    x_row >= last.row && x_row < params->rows && x_column >= last.column && x_column < params->columns;
                for (int64_t j = w; j < w + w_size; ++j) {
                    const int32_t w_at = w_begin[j];
                    if (w_at < 0) {
                        ++placeholders;
                        continue;
                    }
                    if (!inside) {
                        const int32_t row = x_row - weights->row[w_at], column = x_column - weights->column[w_at];
                        if (row < 0 || row >= params->rows || column < 0 || column >= params->columns) {
                            ++outside;
                            continue;
                        }
                    }
                    ++products;
                    int32_t bank = inputs->bank[x_at] + weights->bank[w_at];
                    if (bank >= banks) bank -= banks;
                    const int32_t queued = ++waiting[bank];
                    if (queued > fullest) fullest = queued;
                }
            }
            ++steps;
            if (fullest > params->queue) {
                accumulate(waiting, banks, fullest - params->queue);
                stalls += fullest - params->queue;
            }
        }
    }
    counts->steps += steps;
    counts->stalls += stalls;
    counts->products += products;
    counts->outside += outside;
    counts->placeholders += placeholders;
    return steps + stalls;
}

/* One group of output channels: the time at which the slowest processing element has emptied its queues.
 *
 * Weights are sent to all at once, a channel's block when every one has room for it: a block stays until its channel is
 * done, and one that is larger than the memory takes all of it. left[c] is when the slowest was done with channel c. */
static int64_t run_group(const cs_scnn_params *params, const cs_scnn_operand *const *inputs, size_t pes,
                         const cs_scnn_operand *weights, size_t first_block, reach last, uint16_t *waiting,
                         int64_t *done, int64_t *left, cs_scnn_counts *counts) {
    const size_t channels = inputs[0]->blocks;
    memset(waiting, 0, pes * (size_t)params->banks * sizeof *waiting);
    memset(done, 0, pes * sizeof *done);
    size_t oldest = 0; /* the first channel whose weights are still held */
    int64_t held = 0, sent = 0;
    for (size_t channel = 0; channel < channels; ++channel) {
        const int64_t *const block = weights->starts + first_block + channel;
        const int64_t vectors = (block[1] - block[0] + params->weights - 1) / params->weights;
        held += vectors;
        while (params->fifo > 0 && held > params->fifo && oldest < channel) {
            const int64_t *const old = weights->starts + first_block + oldest;
            held -= (old[1] - old[0] + params->weights - 1) / params->weights;
            if (left[oldest] > sent) sent = left[oldest];
            ++oldest;
        }
        left[channel] = 0;
        for (size_t pe = 0; pe < pes; ++pe) {
            uint16_t *const queues = waiting + pe * (size_t)params->banks;
            if (done[pe] < sent) {
                accumulate(queues, params->banks, sent - done[pe]);
                counts->waits += sent - done[pe];
                done[pe] = sent;
            }
            done[pe] += run_channel(params, inputs[pe], channel, weights, first_block + channel, last, queues, counts);
            if (done[pe] > left[channel]) left[channel] = done[pe];
        }
    }
    int64_t slowest = 0;
    for (size_t pe = 0; pe < pes; ++pe) {
        int32_t fullest = 0;
        for (int32_t bank = 0; bank < params->banks; ++bank)
            if (waiting[pe * (size_t)params->banks + (size_t)bank] > fullest)
                fullest = waiting[pe * (size_t)params->banks + (size_t)bank];
        counts->drains += fullest;
        if (done[pe] + fullest > slowest) slowest = done[pe] + fullest;
    }
    return slowest;
}

int32_t cs_scnn_run(const cs_scnn_params *params, const cs_scnn_operand *const *inputs, size_t pes,
                    const cs_scnn_operand *weights, size_t groups, uint16_t *waiting, size_t waiting_count,
                    int64_t *done, size_t done_count, int64_t *cycles, cs_scnn_counts *counts) {
    if (params == NULL || inputs == NULL || waiting == NULL || done == NULL || cycles == NULL || counts == NULL)
        return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(params), sizeof(int32_t)) || !cs_aligned(CS_ADDRESS(inputs), sizeof *inputs) ||
        !cs_aligned(CS_ADDRESS(waiting), sizeof *waiting) || !operand_is_aligned(weights) ||
        !cs_aligned(CS_ADDRESS(done) | CS_ADDRESS(cycles) | CS_ADDRESS(counts), sizeof(int64_t)))
        return CS_EBUFFER;
    if (params->weights < 1 || params->weights > CS_SCNN_MAX_VECTOR) return CS_EINVAL;
    if (params->inputs < 1 || params->inputs > CS_SCNN_MAX_VECTOR) return CS_EINVAL;
    if (params->queue < 1 || params->queue > CS_SCNN_MAX_QUEUE || params->fifo < 0) return CS_EINVAL;
    if (params->banks < 1 || params->banks > CS_SCNN_MAX_BANKS || pes < 1) return CS_EINVAL;
    if (!operand_is_sound(weights, params->banks)) return CS_EINVAL;
    for (size_t pe = 0; pe < pes; ++pe)
        if (!operand_is_aligned(inputs[pe])) return CS_EBUFFER;
    for (size_t pe = 0; pe < pes; ++pe)
        if (!operand_is_sound(inputs[pe], params->banks) || inputs[pe]->blocks != inputs[0]->blocks) return CS_EINVAL;
    const size_t channels = inputs[0]->blocks;
    if (weights->blocks != groups * channels) return CS_EINVAL;
    if (waiting_count < pes * (size_t)params->banks || done_count < pes + channels) return CS_EBUFFER;
    reach last = {0, 0};
    for (size_t i = 0; i < weights->positions; ++i) {
        if (weights->row[i] > last.row) last.row = weights->row[i];
        if (weights->column[i] > last.column) last.column = weights->column[i];
    }
    *cycles = 0;
    for (size_t group = 0; group < groups; ++group)
        *cycles += run_group(params, inputs, pes, weights, group * channels, last, waiting, done, done + pes, counts);
    return CS_OK;
}
