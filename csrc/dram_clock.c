/* The clockwork, which is the same for all policies: from command to command, never clock by clock. */
#include "dram_state.h"

static int32_t is_round_robin(const dram_state *s) {
    return s->config.policy == CS_DRAM_BANK_ROUND_ROBIN;
}

int32_t dram_accepts(const dram_state *s, const dram_request *request) {
    return is_round_robin(s) ? dram_round_robin_accepts(s, request) : dram_fr_fcfs_accepts(s, request);
}

void dram_enter(dram_state *s, const dram_request *request) {
    if (is_round_robin(s))
        dram_round_robin_enter(s, request);
    else
        dram_fr_fcfs_enter(s, request);
}

static void find(dram_state *s, dram_choice *choice) {
    if (is_round_robin(s))
        dram_round_robin_find(s, choice);
    else
        *choice = *dram_fr_fcfs_find(s);
}

int32_t dram_is_idle(const dram_state *s) {
    return is_round_robin(s) ? dram_round_robin_idle(s) : dram_fr_fcfs_idle(s);
}

/* Makes the move of clock `now`, once; says whether there was one to make. */
static int32_t prepare(dram_state *s) {
    if (!is_round_robin(s) || s->moved == s->now) return 0;
    const int32_t moves = dram_round_robin_moves(s);
    dram_round_robin_prepare(s);
    s->moved = s->now;
    return moves;
}

/* Clocks up to `clk` go by without a command and without an arrival. */
void dram_settle(dram_state *s, int64_t clk) {
    if (clk <= s->now) return;
    if (is_round_robin(s))
        prepare(s);
    else
        dram_fr_fcfs_pass(s, clk, NULL);
    s->now = clk;
}

static void tell(const dram_state *s, const dram_choice *choice, int32_t slot, cs_dram_command *out) {
    const int32_t of_bank = choice->command != CS_DRAM_PREA && choice->command != CS_DRAM_REF;
    const int32_t column = dram_is_column(choice->command);
    const int32_t rank = s->rank_of[choice->bank];
    const int32_t group = s->group_of[choice->bank];
    *out = (cs_dram_command){
        .clk = choice->clk,
        .command = choice->command,
        .group = of_bank ? group - rank * s->config.bank_groups : -1,
        .bank = of_bank ? choice->bank - group * s->config.banks_per_group : -1,
        .row = column || choice->command == CS_DRAM_ACT ? s->request[slot].row : -1,
        .column = column ? s->request[slot].column : -1,
        .rank = rank,
    };
}

static void issue(dram_state *s, const dram_choice *choice, dram_sink *sink) {
    if (!is_round_robin(s)) dram_fr_fcfs_pass(s, choice->clk, choice);
    s->now = choice->clk;
    s->choice_known = 0;
    const int32_t slot = is_round_robin(s) ? dram_round_robin_apply(s, choice) : dram_fr_fcfs_apply(s, choice);
    if (sink->commands != NULL) tell(s, choice, slot, &sink->commands[sink->command_count++]);
    dram_issue(s, choice->command, choice->bank, slot < 0 ? DRAM_NO_ROW : s->request[slot].row, choice->clk);
    if (dram_is_column(choice->command)) {
        const int32_t is_write = !dram_is_read(choice->command);
        const int64_t latency = is_write ? s->config.write_latency : s->config.read_latency;
        s->last_column = choice->clk + latency + s->config.burst_clocks;
        if (!is_write || !is_round_robin(s)) dram_complete(s, s->request[slot].tag, s->last_column);
        dram_release_slot(s, slot);
    }
}

/* With all banks closed and nothing to do, each refresh issues at the very clock at which it becomes due: all but the
 * last of each target are counted only. Says whether time went on. */
static int32_t skip_idle_refreshes(dram_state *s, int64_t horizon) {
    if (s->refresh_at > horizon || s->refresh_pending > 0 || s->now >= s->refresh_at) return 0;
    const int32_t command = s->config.refresh_per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
    const int32_t banks = s->config.refresh_per_bank ? 1 : s->banks_per_rank;
    for (int32_t rank = 0; rank < s->config.ranks; ++rank)
        if (s->open_count[rank] > 0) return 0;
    for (int32_t target = 0; target < s->refresh_targets; ++target)
        if (dram_ready(s, command, target * banks) > s->refresh_at) return 0;
    const int64_t last = dram_refreshes_until(s, horizon);
    const int64_t skipped = dram_max(0, last - s->refresh_turn - s->refresh_targets);
    dram_settle(s, dram_refresh_clk(s, last));
    s->choice_known = 0;
    s->commands[command] += skipped;
    s->refresh_turn += skipped;
    while (s->refresh_turn < last) {
        s->refresh_pending += 1;
        dram_issue(s, command, dram_refresh_bank(s), DRAM_NO_ROW, dram_refresh_clk(s, s->refresh_turn + 1));
    }
    s->refresh_at = dram_refresh_clk(s, last + 1);
    return 1;
}

static int32_t emit_done(dram_state *s, int64_t clk, dram_sink *sink) {
    while (dram_first_done(s) == clk) {
        if (sink->done != NULL) {
            if (sink->done_count == sink->done_capacity) return CS_FULL;
            sink->done[sink->done_count++] = s->done[s->done_first];
        }
        s->done_first = (s->done_first + 1) % DRAM_DONES;
        s->done_count -= 1;
    }
    return CS_OK;
}

/* How many came in. */
static int32_t enter_arrivals(dram_state *s) {
    int32_t count = 0;
    for (; s->arrival_count > 0 && s->arrivals[0].arrival <= s->now; ++count) {
        dram_enter(s, &s->arrivals[0]);
        s->arrivals[0] = s->arrivals[1];
        s->arrival_count -= 1;
    }
    return count;
}

/* All that happens at clocks <= until, or up to what `stop` says. */
int32_t dram_run(dram_state *s, int64_t until, int32_t stop, dram_sink *sink) {
    dram_choice choice;
    int32_t known = 0;    /* choice is up to date */
    int64_t look_at = -1; /* a transaction moved right before this clock: a place became free, more may follow */
    for (;;) {
        if (enter_arrivals(s) > 0) known = 0;
        /* What is due goes out before anything is done on the way to the next clock: the caller may yet submit at this
         * one. */
        if (dram_first_done(s) <= dram_min(s->now, until)) {
            const int32_t status = emit_done(s, dram_first_done(s), sink);
            if (status != CS_OK || stop & DRAM_STOP_AT_DONE) return status;
            continue;
        }
        /* Up to here the set of requests is known. */
        const int64_t horizon = s->arrival_count > 0 ? dram_min(until, s->arrivals[0].arrival) : until;
        if (!known) {
            choice = (dram_choice){.clk = CS_NEVER, .command = DRAM_NO_COMMAND, .index = -1};
            if (s->now < horizon) {
                /* Somebody may yet arrive at the clock of the last one. */
                if (sink->commands == NULL && dram_is_idle(s) &&
                    skip_idle_refreshes(s, dram_min(horizon, dram_first_done(s))))
                    continue;
                if (prepare(s)) look_at = s->now + 1;
                find(s, &choice);
                if (choice.clk > look_at && look_at == s->now + 1)
                    choice = (dram_choice){.clk = look_at, .command = DRAM_NO_COMMAND, .index = -1};
            }
            known = 1;
        }
        const int64_t done_clk = dram_first_done(s);
        const int64_t clk = dram_min(dram_min(choice.clk, done_clk), s->refresh_at);
        if (clk > horizon) {
            dram_settle(s, horizon);
            if (horizon == until) return CS_OK;
            known = 0;
            continue;
        }
        if (s->refresh_at == clk) {
            dram_settle(s, clk - 1);
            s->refresh_pending += 1;
            s->choice_known = 0;
            s->refresh_at = dram_refresh_clk(s, s->refresh_turn + s->refresh_pending + 1);
            known = 0;
            continue;
        }
        if (choice.clk == clk) {
            if (choice.command == DRAM_NO_COMMAND) {
                s->now = clk;
            } else {
                if (sink->commands != NULL && sink->command_count == sink->command_capacity) return CS_FULL;
                issue(s, &choice, sink);
            }
            known = 0;
        } else {
            dram_settle(s, clk);
        }
        if (done_clk == clk) {
            const int32_t status = emit_done(s, clk, sink);
            if (status != CS_OK || stop & DRAM_STOP_AT_DONE) return status;
        }
        if (stop & DRAM_STOP_AT_EVENT && !known) return CS_OK;
    }
}

/* A clock before which no command issues and no transaction moves. */
int64_t dram_first_event(dram_state *s) {
    int64_t clk = s->arrival_count > 0 ? s->arrivals[0].arrival + 1 : CS_NEVER;
    if (dram_is_idle(s)) return clk;
    if (is_round_robin(s) && s->moved != s->now && dram_round_robin_moves(s)) return s->now + 1;
    dram_choice choice;
    find(s, &choice);
    return dram_min(dram_min(clk, choice.clk), s->refresh_at);
}

int32_t dram_is_full(const dram_state *s, int32_t is_write) {
    const int32_t places = is_write ? s->config.write_queue : s->config.read_queue;
    if (s->list[is_write ? DRAM_WRITE : DRAM_READ].count < places || is_round_robin(s)) return 0;
    if (is_write) return 1;
    /* A read may be answered from a write, without a place. */
    if (s->list[DRAM_WRITE].count > 0 || s->arrival_count > 0) return 0;
    for (int32_t i = 0; i < s->list[DRAM_ACTIVE].count; ++i)
        if (s->request[s->list[DRAM_ACTIVE].slot[i]].is_write) return 0;
    return 1;
}

void dram_look(dram_state *s, cs_dram_outlook *out) {
    const int64_t event = dram_first_event(s), done = dram_first_done(s);
    *out = (cs_dram_outlook){.next = dram_min(done, event), .next_done = done};
    if (s->arrival_count > 0) out->next_done = dram_min(done, s->arrivals[0].arrival + 1);
    const int64_t latency = dram_min(s->config.read_latency, s->config.write_latency) + s->config.burst_clocks;
    if (event < CS_NEVER - latency) out->next_done = dram_min(out->next_done, event + latency);
    out->full[0] = dram_is_full(s, 0);
    out->full[1] = dram_is_full(s, 1);
}
