/* The policy bank-round-robin (as in DRAMsim3): a queue per bank, served in turn.
 *
 * Reads wait in a transaction queue, writes in a write buffer; after the command slot of each clock at most one of
 * them moves to the queue of its bank. Here that move is made when the next clock is looked at (`prepare`), so that
 * everything that arrived at the clock itself is there, whenever it was told.
 */
#include <string.h>

#include "dram_state.h"

static int32_t lines_meet(const dram_state *s, const int32_t *slots, int32_t count, const dram_request *request,
                          int32_t is_write) {
    for (int32_t i = 0; i < count; ++i) {
        const dram_request *other = &s->request[slots[i]];
        if (other->line == request->line && other->is_write == is_write) return 1;
    }
    return 0;
}

static int32_t waits_for(const dram_state *s, const dram_request *request, int32_t is_write) {
    const dram_list *list = &s->list[is_write ? DRAM_WRITE : DRAM_READ];
    const dram_bank_queue *queue = &s->bank_queue[request->bank];
    return lines_meet(s, list->slot, list->count, request, is_write) ||
           lines_meet(s, queue->slot, queue->count, request, is_write);
}

int32_t dram_round_robin_accepts(const dram_state *s, const dram_request *request) {
    if (request->is_write) return s->list[DRAM_WRITE].count < s->config.write_queue && !waits_for(s, request, 0);
    return s->list[DRAM_READ].count < s->config.read_queue || waits_for(s, request, 1);
}

void dram_round_robin_enter(dram_state *s, const dram_request *request) {
    if (request->is_write) {
        dram_complete(s, request->tag, request->arrival + 1);
    } else if (waits_for(s, request, 1)) {
        s->forwarded += 1;
        dram_complete(s, request->tag, request->arrival + 1);
        return;
    }
    dram_insert(s, &s->list[request->is_write ? DRAM_WRITE : DRAM_READ], dram_take_slot(s, request));
}

static int32_t drain_starts(const dram_state *s) {
    return s->drain == 0 && s->list[DRAM_WRITE].count > 0 &&
           (s->list[DRAM_WRITE].count >= s->config.write_queue ||
            (s->list[DRAM_WRITE].count > s->config.drain_over && s->queued == 0));
}

static int32_t first_with_room(const dram_state *s, const dram_list *list) {
    for (int32_t i = 0; i < list->count; ++i)
        if (s->bank_queue[list->bank[i]].count < s->config.bank_queue) return i;
    return -1;
}

int32_t dram_round_robin_moves(const dram_state *s) {
    return first_with_room(s, &s->list[s->drain > 0 || drain_starts(s) ? DRAM_WRITE : DRAM_READ]) >= 0;
}

void dram_round_robin_prepare(dram_state *s) {
    if (drain_starts(s)) s->drain = s->list[DRAM_WRITE].count;
    dram_list *list = &s->list[s->drain > 0 ? DRAM_WRITE : DRAM_READ];
    const int32_t index = first_with_room(s, list);
    if (index < 0) return;
    dram_bank_queue *queue = &s->bank_queue[list->bank[index]];
    queue->row[queue->count] = list->row[index];
    queue->slot[queue->count] = list->slot[index];
    queue->count += 1;
    s->queued += 1;
    dram_remove(list, index);
    if (s->drain > 0) s->drain -= 1;
}

static void find_refresh(const dram_state *s, int32_t refresh_bank, dram_choice *best) {
    const int64_t next = s->now + 1;
    const int32_t per_bank = s->config.refresh_per_bank;
    if (per_bank ? s->open_row[refresh_bank] == DRAM_NO_ROW : s->open_count[s->rank_of[refresh_bank]] == 0) {
        best->command = per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
        best->bank = refresh_bank;
        best->clk = dram_max(next, dram_ready(s, best->command, refresh_bank));
        return;
    }
    best->command = CS_DRAM_PRE;
    const int32_t banks = per_bank ? 1 : s->banks_per_rank;
    for (int32_t bank = refresh_bank; bank < refresh_bank + banks; ++bank) {
        if (s->open_row[bank] == DRAM_NO_ROW) continue;
        const int64_t clk = dram_max(next, dram_ready(s, CS_DRAM_PRE, bank));
        if (clk >= best->clk) continue;
        best->clk = clk;
        best->bank = bank;
    }
}

static int32_t column_command(const dram_state *s, int32_t bank, int32_t index) {
    const dram_bank_queue *queue = &s->bank_queue[bank];
    int32_t wanted_again = !s->config.closed_page;
    for (int32_t i = 0; i < queue->count && !wanted_again; ++i)
        wanted_again = i != index && queue->row[i] == queue->row[index];
    if (s->request[queue->slot[index]].is_write) return wanted_again ? CS_DRAM_WR : CS_DRAM_WRA;
    return wanted_again ? CS_DRAM_RD : CS_DRAM_RDA;
}

/* The first that the queue of `bank` can issue; the oldest of those. */
static void find_in_bank(const dram_state *s, int32_t bank, dram_choice *best) {
    const dram_bank_queue *queue = &s->bank_queue[bank];
    const int64_t next = s->now + 1;
    const int32_t open_row = s->open_row[bank];
    if (open_row == DRAM_NO_ROW) {
        const int64_t clk = dram_max(next, dram_ready(s, CS_DRAM_ACT, bank));
        if (clk < best->clk) *best = (dram_choice){.clk = clk, .command = CS_DRAM_ACT, .bank = bank, .index = 0};
        return;
    }
    int32_t wanted = 0;
    int64_t in_bank = CS_NEVER;
    for (int32_t i = 0; i < queue->count; ++i) {
        if (queue->row[i] != open_row) continue;
        wanted = 1;
        const int32_t command = column_command(s, bank, i);
        const int64_t clk = dram_max(next, dram_ready(s, command, bank));
        in_bank = dram_min(in_bank, clk);
        if (clk < best->clk) *best = (dram_choice){.clk = clk, .command = command, .bank = bank, .index = i};
    }
    if (queue->row[0] == open_row || (wanted && s->hits[bank] < s->config.row_hits)) return;
    /* The head is the oldest: it also wins at the clock of a column command behind it. */
    const int64_t clk = dram_max(next, dram_ready(s, CS_DRAM_PRE, bank));
    if (clk < best->clk || (clk == in_bank && best->bank == bank && best->clk == clk))
        *best = (dram_choice){.clk = clk, .command = CS_DRAM_PRE, .bank = bank, .index = 0};
}

void dram_round_robin_find(const dram_state *s, dram_choice *best) {
    const int64_t next = s->now + 1;
    *best = (dram_choice){.clk = CS_NEVER, .command = DRAM_NO_COMMAND, .index = -1};
    const int32_t refresh_bank = dram_refresh_bank(s);
    if (refresh_bank >= 0) find_refresh(s, refresh_bank, best);
    if (s->queued == 0 || (refresh_bank >= 0 && s->refresh_targets == 1)) return;
    int32_t bank = s->pointer;
    for (int32_t i = 0; i < s->banks && best->clk > next; ++i) {
        bank = bank + 1 < s->banks ? bank + 1 : 0;
        if (s->bank_queue[bank].count > 0 && !dram_is_refresh_due(s, refresh_bank, bank)) find_in_bank(s, bank, best);
    }
}

int32_t dram_round_robin_apply(dram_state *s, const dram_choice *choice) {
    if (choice->index < 0) return -1;
    dram_bank_queue *queue = &s->bank_queue[choice->bank];
    const int32_t slot = queue->slot[choice->index];
    s->pointer = choice->bank;
    if (choice->command == CS_DRAM_ACT) {
        s->hits[choice->bank] = 0;
    } else if (choice->command != CS_DRAM_PRE) {
        if (s->hits[choice->bank]++ > 0) s->row_hits += 1;
        const size_t behind = (size_t)(--queue->count - choice->index) * sizeof queue->slot[0];
        memmove(&queue->row[choice->index], &queue->row[choice->index + 1], behind);
        memmove(&queue->slot[choice->index], &queue->slot[choice->index + 1], behind);
        s->queued -= 1;
    }
    return slot;
}

int32_t dram_round_robin_idle(const dram_state *s) {
    return s->queued == 0 && s->list[DRAM_READ].count == 0 && s->drain == 0 && !drain_starts(s);
}
