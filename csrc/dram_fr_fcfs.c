/* The policies fr-fcfs (as in Ramulator 2.1) and fr-fcfs-ramulator1 (as in Ramulator 1.0): open page, the oldest
 * request whose command can issue.
 *
 * Requests wait in a read and a write queue. ACT moves a request to the list of active ones, which come before
 * refresh, and refresh before the queues. Of the queues only one is looked at: the write queue in write mode. One
 * property makes jumping possible: without a command, an arrival or a refresh becoming due, neither the commands that
 * requests want nor the clocks at which they may issue change, and updating the write mode twice is updating it once.
 */
#include "dram_state.h"

static int32_t is_ramulator1(const dram_state *s) {
    return s->config.policy == CS_DRAM_FR_FCFS_RAMULATOR1;
}

static int32_t updated_write_mode(const dram_state *s) {
    if (s->list[DRAM_WRITE].count >= s->config.write_high || s->list[DRAM_READ].count == 0) return 1;
    if (s->list[DRAM_WRITE].count <= s->config.write_low) return 0;
    return s->write_mode;
}

static int32_t waits_for(const dram_state *s, int32_t which, const dram_request *request, int32_t is_write) {
    const dram_list *list = &s->list[which];
    for (int32_t i = 0; i < list->count; ++i)
        if (list->row[i] == request->row && list->bank[i] == request->bank) {
            const dram_request *other = &s->request[list->slot[i]];
            if (other->line == request->line && other->is_write == is_write) return 1;
        }
    return 0;
}

static int32_t forwards(const dram_state *s, const dram_request *read) {
    return waits_for(s, DRAM_WRITE, read, 1) || waits_for(s, DRAM_ACTIVE, read, 1);
}

int32_t dram_fr_fcfs_accepts(const dram_state *s, const dram_request *request) {
    if (request->is_write)
        return s->list[DRAM_WRITE].count < s->config.write_queue && !waits_for(s, DRAM_READ, request, 0) &&
               !waits_for(s, DRAM_ACTIVE, request, 0);
    return s->list[DRAM_READ].count < s->config.read_queue || forwards(s, request);
}

static void consider(dram_choice *best, int64_t clk, int32_t command, int32_t bank, int32_t list, int32_t index) {
    if (clk < best->clk)
        *best = (dram_choice){.clk = clk, .command = command, .bank = bank, .list = list, .index = index};
}

/* Whether more than one request waits for a row: then it stays open. */
static int32_t is_wanted_again(const dram_state *s, int32_t bank, int32_t row) {
    int32_t wanting = 0;
    for (int32_t which = DRAM_READ; which <= DRAM_ACTIVE; ++which)
        for (int32_t i = 0; i < s->list[which].count; ++i)
            wanting += s->list[which].bank[i] == bank && s->list[which].row[i] == row;
    return wanting > 1;
}

static int32_t column_command(const dram_state *s, int32_t is_write, int32_t bank, int32_t row) {
    if (s->config.closed_page && !is_wanted_again(s, bank, row)) return is_write ? CS_DRAM_WRA : CS_DRAM_RDA;
    return is_write ? CS_DRAM_WR : CS_DRAM_RD;
}

/* What place `index` of a list asks for, or DRAM_NO_COMMAND. Left out are with `held_act` ACT, with `held_pre` PRE in
 * banks with an active request. */
static inline int32_t wanted_command(const dram_state *s, const dram_list *list, int32_t index, int32_t held_act,
                                     int32_t held_pre) {
    const int32_t bank = list->bank[index], row = list->row[index];
    if (s->open_row[bank] == row) return column_command(s, s->request[list->slot[index]].is_write, bank, row);
    if (s->open_row[bank] == DRAM_NO_ROW) return held_act ? DRAM_NO_COMMAND : CS_DRAM_ACT;
    return held_pre && s->active_in_bank[bank] > 0 ? DRAM_NO_COMMAND : CS_DRAM_PRE;
}

/* The best of `list` after `now`: the oldest of those that can issue first. Left out are also all banks that the
 * refresh of `refresh_bank` waits for. */
static void best_of(const dram_state *s, int32_t which, int32_t held_act, int32_t held_pre, int32_t refresh_bank,
                    dram_choice *best) {
    const dram_list *list = &s->list[which];
    const int64_t next = s->now + 1;
    /* By command, the banks whose oldest request that wants it was seen: younger ones cannot be better. */
    uint32_t seen[CS_DRAM_COMMANDS] = {0};
    for (int32_t i = 0; i < list->count; ++i) {
        const int32_t bank = list->bank[i];
        if (dram_is_refresh_due(s, refresh_bank, bank)) continue;
        const int32_t command = wanted_command(s, list, i, held_act, held_pre);
        if (command == DRAM_NO_COMMAND || (seen[command] >> bank & 1) != 0) continue;
        seen[command] |= UINT32_C(1) << bank;
        consider(best, dram_max(next, dram_ready(s, command, bank)), command, bank, which, i);
        if (best->clk == next) return;
    }
}

static int32_t active_in_rank(const dram_state *s, int32_t rank) {
    int32_t active = 0;
    for (int32_t bank = rank * s->banks_per_rank; bank < (rank + 1) * s->banks_per_rank; ++bank)
        active += s->active_in_bank[bank];
    return active;
}

/* The refresh of a bank, or of the rank that it is the first of, or what closes it before. */
static void consider_refresh(const dram_state *s, int32_t bank, dram_choice *best) {
    const int32_t per_bank = s->config.refresh_per_bank;
    const int32_t rank = s->rank_of[bank];
    int32_t command;
    if (per_bank ? s->open_row[bank] == DRAM_NO_ROW : s->open_count[rank] == 0)
        command = per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
    else if ((per_bank ? s->active_in_bank[bank] : active_in_rank(s, rank)) == 0 || is_ramulator1(s))
        command = per_bank ? CS_DRAM_PRE : CS_DRAM_PREA;
    else
        return;
    consider(best, dram_max(s->now + 1, dram_ready(s, command, bank)), command, bank, 0, -1);
}

/* Whether nothing from the queues can be considered: all that there is waits for the refresh. */
static int32_t all_held(const dram_state *s) {
    return s->refresh_pending > 0 && s->refresh_targets == 1;
}

/* Ramulator 1.0 lets a bank be closed under an active request, so more of them pile up; their number is bounded. */
static int32_t has_no_place(const dram_state *s) {
    return s->list[DRAM_ACTIVE].count >= DRAM_MAX_ACTIVE - 1;
}

static void find(const dram_state *s, dram_choice *best) {
    const int64_t next = s->now + 1;
    const int32_t refresh_bank = dram_refresh_bank(s);
    *best = (dram_choice){.clk = CS_NEVER, .command = DRAM_NO_COMMAND, .index = -1};
    best_of(s, DRAM_ACTIVE, 0, 0, -1, best);
    if (best->clk == next) return;
    if (refresh_bank >= 0) consider_refresh(s, refresh_bank, best);
    if (best->clk == next || all_held(s)) return;
    best_of(s, updated_write_mode(s) ? DRAM_WRITE : DRAM_READ, has_no_place(s), !is_ramulator1(s), refresh_bank, best);
}

const dram_choice *dram_fr_fcfs_find(dram_state *s) {
    if (!s->choice_known) {
        find(s, &s->choice);
        s->choice_known = 1;
    }
    return &s->choice;
}

void dram_fr_fcfs_enter(dram_state *s, const dram_request *request) {
    if (!request->is_write && forwards(s, request)) {
        s->forwarded += 1;
        dram_complete(s, request->tag, request->arrival + 1);
        return;
    }
    const int32_t which = request->is_write ? DRAM_WRITE : DRAM_READ;
    const int32_t write_mode = updated_write_mode(s);
    dram_insert(s, &s->list[which], dram_take_slot(s, request));
    /* It is the youngest: of the queue that is looked at, it is next only if it can issue before all others. */
    if (s->refresh_pending > 0 || s->config.closed_page || updated_write_mode(s) != write_mode) s->choice_known = 0;
    if (!s->choice_known || request->is_write != write_mode) return;
    const int32_t index = s->list[which].count - 1;
    const int32_t command = wanted_command(s, &s->list[which], index, has_no_place(s), !is_ramulator1(s));
    if (command == DRAM_NO_COMMAND) return;
    const int64_t clk = dram_max(s->now + 1, dram_ready(s, command, request->bank));
    consider(&s->choice, clk, command, request->bank, which, index);
}

/* Ramulator 1.0 updates the write mode in every clock, 2.1 only in those in which the queues have their turn: no active
 * request issued and no refresh is pending. */
void dram_fr_fcfs_pass(dram_state *s, int64_t clk, const dram_choice *issuing) {
    const int32_t queue_command = issuing != NULL && issuing->index >= 0 && issuing->list != DRAM_ACTIVE;
    const int32_t quiet_clocks = clk - s->now > (issuing != NULL);
    if (clk > s->now && (is_ramulator1(s) || (!all_held(s) && (queue_command || quiet_clocks))))
        s->write_mode = updated_write_mode(s);
}

int32_t dram_fr_fcfs_apply(dram_state *s, const dram_choice *choice) {
    if (choice->index < 0) return -1;
    dram_list *list = &s->list[choice->list];
    const int32_t slot = list->slot[choice->index];
    const int32_t from_queue = choice->list != DRAM_ACTIVE;
    if (choice->command == CS_DRAM_ACT && from_queue) {
        dram_remove(list, choice->index);
        dram_insert(s, &s->list[DRAM_ACTIVE], slot);
        s->active_in_bank[choice->bank] += 1;
    } else if (dram_is_column(choice->command)) {
        dram_remove(list, choice->index);
        if (from_queue)
            s->row_hits += 1;
        else
            s->active_in_bank[choice->bank] -= 1;
    }
    return slot;
}

int32_t dram_fr_fcfs_idle(const dram_state *s) {
    return s->list[DRAM_READ].count == 0 && s->list[DRAM_WRITE].count == 0 && s->list[DRAM_ACTIVE].count == 0;
}
