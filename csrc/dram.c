/* The engine: its clockwork, which is the same for all policies, and its interface. */
#include "dram.h"

#include <string.h>

#include "dram_state.h"

/* Clocks beyond this are refused, so that no sum of clocks overflows. */
#define CLK_LIMIT (INT64_C(1) << 60)
#define MAX_CLOCKS (1 << 20)
#define DONE_BLOCK 64

/* Where records go; done == NULL: dropped, commands == NULL: not told. */
typedef struct {
    cs_done *done;
    size_t done_capacity;
    size_t done_count;
    cs_dram_command *commands;
    size_t command_capacity;
    size_t command_count;
} dram_sink;

/* An event is a command or a transaction's move. */
enum { GO_ON = 0, STOP_AT_DONE = 1, STOP_AT_EVENT = 2 };

static int32_t is_round_robin(const dram_state *s) {
    return s->config.policy == CS_DRAM_BANK_ROUND_ROBIN;
}

static int32_t accepts(const dram_state *s, const dram_request *request) {
    return is_round_robin(s) ? dram_round_robin_accepts(s, request) : dram_fr_fcfs_accepts(s, request);
}

static void enter(dram_state *s, const dram_request *request) {
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

static int32_t is_idle(const dram_state *s) {
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
static void settle(dram_state *s, int64_t clk) {
    if (clk <= s->now) return;
    if (is_round_robin(s))
        prepare(s);
    else
        dram_fr_fcfs_pass(s, clk, NULL);
    s->now = clk;
}

static int64_t first_done(const dram_state *s) {
    return s->done_count > 0 ? s->done[s->done_first].clk : CS_NEVER;
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
 * last of each target are counted only. */
static void skip_idle_refreshes(dram_state *s, int64_t horizon) {
    if (s->refresh_at > horizon || s->refresh_pending > 0 || s->now >= s->refresh_at) return;
    const int32_t command = s->config.refresh_per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
    const int32_t banks = s->config.refresh_per_bank ? 1 : s->banks_per_rank;
    for (int32_t rank = 0; rank < s->config.ranks; ++rank)
        if (s->open_count[rank] > 0) return;
    for (int32_t target = 0; target < s->refresh_targets; ++target)
        if (dram_ready(s, command, target * banks) > s->refresh_at) return;
    const int64_t last = dram_refreshes_until(s, horizon);
    const int64_t skipped = dram_max(0, last - s->refresh_turn - s->refresh_targets);
    settle(s, dram_refresh_clk(s, last));
    s->choice_known = 0;
    s->commands[command] += skipped;
    s->refresh_turn += skipped;
    while (s->refresh_turn < last) {
        s->refresh_pending += 1;
        dram_issue(s, command, dram_refresh_bank(s), DRAM_NO_ROW, dram_refresh_clk(s, s->refresh_turn + 1));
    }
    s->refresh_at = dram_refresh_clk(s, last + 1);
}

static int32_t emit_done(dram_state *s, int64_t clk, dram_sink *sink) {
    while (first_done(s) == clk) {
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
        enter(s, &s->arrivals[0]);
        s->arrivals[0] = s->arrivals[1];
        s->arrival_count -= 1;
    }
    return count;
}

/* All that happens at clocks <= until, or up to what `stop` says. */
static int32_t run(dram_state *s, int64_t until, int32_t stop, dram_sink *sink) {
    dram_choice choice;
    int32_t known = 0;    /* choice is up to date */
    int64_t look_at = -1; /* a transaction moved right before this clock: a place became free, more may follow */
    for (;;) {
        if (enter_arrivals(s) > 0) known = 0;
        /* What is due goes out before anything is done on the way to the next clock: the caller may yet submit at this
         * one. */
        if (first_done(s) <= dram_min(s->now, until)) {
            const int32_t status = emit_done(s, first_done(s), sink);
            if (status != CS_OK || stop == STOP_AT_DONE) return status;
            continue;
        }
        /* Up to here the set of requests is known. */
        const int64_t horizon = s->arrival_count > 0 ? dram_min(until, s->arrivals[0].arrival) : until;
        if (!known) {
            choice = (dram_choice){.clk = CS_NEVER, .command = DRAM_NO_COMMAND, .index = -1};
            if (s->now < horizon) {
                if (sink->commands == NULL && is_idle(s)) skip_idle_refreshes(s, dram_min(horizon, first_done(s)));
                if (prepare(s)) look_at = s->now + 1;
                find(s, &choice);
                if (choice.clk > look_at && look_at == s->now + 1)
                    choice = (dram_choice){.clk = look_at, .command = DRAM_NO_COMMAND, .index = -1};
            }
            known = 1;
        }
        const int64_t done_clk = first_done(s);
        const int64_t clk = dram_min(dram_min(choice.clk, done_clk), s->refresh_at);
        if (clk > horizon) {
            settle(s, horizon);
            if (horizon == until) return CS_OK;
            known = 0;
            continue;
        }
        if (s->refresh_at == clk) {
            settle(s, clk - 1);
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
            settle(s, clk);
        }
        if (done_clk == clk) {
            const int32_t status = emit_done(s, clk, sink);
            if (status != CS_OK || stop == STOP_AT_DONE) return status;
        }
        if (stop == STOP_AT_EVENT && !known) return CS_OK;
    }
}

static int32_t check_state(const void *state, size_t state_bytes) {
    const dram_state *s = state;
    if (s == NULL) return CS_EINVAL;
    if (state_bytes < sizeof *s || !CS_IS_ALIGNED(s)) return CS_EBUFFER;
    return s->magic == DRAM_MAGIC ? CS_OK : CS_ESTATE;
}

/* A clock before which no command issues and no transaction moves. */
static int64_t first_event(dram_state *s) {
    int64_t clk = s->arrival_count > 0 ? s->arrivals[0].arrival + 1 : CS_NEVER;
    if (is_idle(s)) return clk;
    if (is_round_robin(s) && s->moved != s->now && dram_round_robin_moves(s)) return s->now + 1;
    dram_choice choice;
    find(s, &choice);
    return dram_min(dram_min(clk, choice.clk), s->refresh_at);
}

/* Whether every request of a kind is refused, whatever its address, until something happens. */
static int32_t is_full(const dram_state *s, int32_t is_write) {
    const int32_t places = is_write ? s->config.write_queue : s->config.read_queue;
    if (s->list[is_write ? DRAM_WRITE : DRAM_READ].count < places || is_round_robin(s)) return 0;
    if (is_write) return 1;
    /* A read may be answered from a write, without a place. */
    if (s->list[DRAM_WRITE].count > 0 || s->arrival_count > 0) return 0;
    for (int32_t i = 0; i < s->list[DRAM_ACTIVE].count; ++i)
        if (s->request[s->list[DRAM_ACTIVE].slot[i]].is_write) return 0;
    return 1;
}

static void look(dram_state *s, cs_dram_outlook *out) {
    const int64_t event = first_event(s), done = first_done(s);
    *out = (cs_dram_outlook){.next = dram_min(done, event), .next_done = done};
    if (s->arrival_count > 0) out->next_done = dram_min(done, s->arrivals[0].arrival + 1);
    const int64_t latency = dram_min(s->config.read_latency, s->config.write_latency) + s->config.burst_clocks;
    if (event < CS_NEVER - latency) out->next_done = dram_min(out->next_done, event + latency);
    out->full[0] = is_full(s, 0);
    out->full[1] = is_full(s, 1);
}

static int32_t valid_config(const cs_dram_config *c) {
    if (c->policy < CS_DRAM_FR_FCFS || c->policy > CS_DRAM_BANK_ROUND_ROBIN) return 0;
    if (c->bank_groups < 1 || c->bank_groups > CS_DRAM_MAX_BANKS || c->banks_per_group < 1 ||
        c->banks_per_group > CS_DRAM_MAX_BANKS || c->ranks < 1 || c->ranks > CS_DRAM_MAX_RANKS ||
        c->ranks * c->bank_groups * c->banks_per_group > CS_DRAM_MAX_BANKS)
        return 0;
    if (c->burst_bytes < 1 || (c->burst_bytes & (c->burst_bytes - 1)) != 0) return 0;
    /* At most one column command per clock: so this bounds the completions under way. */
    const int32_t most = DRAM_DONES - 8;
    if (c->burst_clocks < 1 || c->burst_clocks > most / 2 || c->read_latency < 0 || c->read_latency > most / 2 ||
        c->write_latency < 0 || c->write_latency > most / 2)
        return 0;
    if (c->read_queue < 1 || c->read_queue > CS_DRAM_MAX_QUEUE || c->write_queue < 1 ||
        c->write_queue > CS_DRAM_MAX_QUEUE || c->bank_queue < 1 || c->bank_queue > CS_DRAM_MAX_BANK_QUEUE)
        return 0;
    if (c->write_low < 0 || c->write_high <= c->write_low || c->drain_over < 0 || c->row_hits < 1) return 0;
    if (c->rule_count < 0 || c->rule_count > CS_DRAM_MAX_RULES || c->field_count < 1 ||
        c->field_count > CS_DRAM_MAX_FIELDS)
        return 0;
    int32_t bits[CS_DRAM_FIELDS] = {0};
    for (int32_t i = 0; i < c->field_count; ++i) {
        const cs_dram_field *field = &c->fields[i];
        if (field->field < 0 || field->field >= CS_DRAM_FIELDS || field->bits < 0 || field->bits > 30) return 0;
        bits[field->field] += field->bits;
    }
    if (bits[CS_DRAM_FIELD_ROW] > 30 || bits[CS_DRAM_FIELD_COLUMN] > 30 || bits[CS_DRAM_FIELD_BANK] > 5 ||
        bits[CS_DRAM_FIELD_GROUP] > 5 || bits[CS_DRAM_FIELD_RANK] > 5 ||
        1 << bits[CS_DRAM_FIELD_BANK] != c->banks_per_group || 1 << bits[CS_DRAM_FIELD_GROUP] != c->bank_groups ||
        1 << bits[CS_DRAM_FIELD_RANK] != c->ranks)
        return 0;
    const int32_t refresh = c->refresh_per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
    const int32_t targets = c->ranks * (c->refresh_per_bank ? c->bank_groups * c->banks_per_group : 1);
    int32_t refresh_clocks = 0;
    for (int32_t i = 0; i < c->rule_count; ++i) {
        const cs_dram_rule *rule = &c->rules[i];
        if (rule->clocks < 0 || rule->clocks > MAX_CLOCKS) return 0;
        if (rule->preceding == refresh && rule->clocks > refresh_clocks) refresh_clocks = rule->clocks;
    }
    /* A refresh that takes longer than the interval would never let anything else happen. */
    return c->refresh_interval == 0 ||
           (c->refresh_interval / targets > refresh_clocks && c->refresh_interval <= MAX_CLOCKS);
}

int32_t cs_dram_state_bytes(const cs_dram_config *config, size_t *bytes) {
    if (config == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!valid_config(config)) return CS_EINVAL;
    *bytes = sizeof(dram_state);
    return CS_OK;
}

int32_t cs_dram_init(void *state, size_t state_bytes, const cs_dram_config *config) {
    if (state == NULL || config == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config)) return CS_EBUFFER;
    if (!valid_config(config)) return CS_EINVAL;
    dram_state *s = state;
    if (state_bytes < sizeof *s || !CS_IS_ALIGNED(s)) return CS_EBUFFER;
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->banks_per_rank = config->bank_groups * config->banks_per_group;
    s->banks = config->ranks * s->banks_per_rank;
    if (dram_compile_rules(s) != CS_OK) return CS_EINVAL;
    for (int32_t bank = 0; bank < s->banks; ++bank) {
        s->group_of[bank] = bank / config->banks_per_group;
        s->rank_of[bank] = bank / s->banks_per_rank;
        s->open_row[bank] = DRAM_NO_ROW;
    }
    s->refresh_targets = config->refresh_per_bank ? s->banks : config->ranks;
    s->refresh_at = config->refresh_interval > 0 && !config->ideal ? dram_refresh_clk(s, 1) : CS_NEVER;
    s->last_arrival = -1;
    s->moved = -1;
    for (int32_t slot = DRAM_SLOTS - 1; slot >= 0; --slot)
        dram_release_slot(s, slot);
    s->magic = DRAM_MAGIC;
    return CS_OK;
}

static int32_t decode(const cs_dram_config *config, uint64_t address, dram_request *request) {
    int32_t value[CS_DRAM_FIELDS] = {0};
    int32_t filled[CS_DRAM_FIELDS] = {0};
    uint64_t rest = address / (uint64_t)config->burst_bytes;
    request->line = rest;
    for (int32_t i = 0; i < config->field_count; ++i) {
        const int32_t field = config->fields[i].field;
        const int32_t bits = config->fields[i].bits;
        value[field] |= (int32_t)(rest & ((UINT64_C(1) << bits) - 1)) << filled[field];
        filled[field] += bits;
        rest >>= bits;
    }
    request->row = value[CS_DRAM_FIELD_ROW];
    request->column = value[CS_DRAM_FIELD_COLUMN];
    const int32_t group = value[CS_DRAM_FIELD_RANK] * config->bank_groups + value[CS_DRAM_FIELD_GROUP];
    request->bank = group * config->banks_per_group + value[CS_DRAM_FIELD_BANK];
    return rest == 0 ? CS_OK : CS_EINVAL;
}

static void count_arrival(dram_state *s, const dram_request *request) {
    s->last_arrival = request->arrival;
    if (request->is_write)
        s->writes += 1;
    else
        s->reads += 1;
}

static int32_t submit_ideal(dram_state *s, const dram_request *request) {
    if (request->arrival < s->last_arrival || request->arrival < s->now) return CS_ESTATE;
    if (s->done_count == DRAM_DONES) return CS_FULL;
    count_arrival(s, request);
    dram_complete(s, request->tag, request->arrival);
    return CS_OK;
}

/* The request arrives at a clock that is not processed yet, and something happens then. */
static int32_t accepts_later(const dram_state *s, const dram_request *request) {
    const dram_list *list = &s->list[request->is_write ? DRAM_WRITE : DRAM_READ];
    const int32_t places = request->is_write ? s->config.write_queue : s->config.read_queue;
    if (s->arrival_count == 0 && list->count < places && accepts(s, request)) return 1;
    dram_state then = *s;
    dram_sink nothing = {0};
    run(&then, request->arrival, GO_ON, &nothing);
    return accepts(&then, request);
}

static int32_t submit(dram_state *s, const dram_request *request) {
    const int64_t clk = request->arrival;
    if (s->config.ideal) return submit_ideal(s, request);
    if (clk < s->now || clk < s->last_arrival) return CS_ESTATE;
    if (clk == s->last_arrival) return CS_FULL;
    if (s->now < clk) {
        const int64_t event = first_event(s);
        if (event < clk) return CS_ESTATE;
        const int32_t quiet = event > clk && s->arrival_count == 0 && s->refresh_at > clk;
        if (quiet && (s->refresh_pending == 0 || !is_idle(s))) settle(s, clk);
    }
    if (s->now < clk) {
        if (!accepts_later(s, request)) return CS_FULL;
        s->arrivals[s->arrival_count++] = *request;
    } else {
        if (!accepts(s, request)) return CS_FULL;
        enter(s, request);
    }
    count_arrival(s, request);
    return CS_OK;
}

int32_t cs_dram_submit(void *state, size_t state_bytes, int64_t clk, uint64_t tag, uint64_t address, int32_t is_write) {
    const int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    dram_state *s = state;
    dram_request request = {.tag = tag, .arrival = clk, .is_write = is_write != 0};
    if (clk < 0 || clk > CLK_LIMIT || decode(&s->config, address, &request) != CS_OK) return CS_EINVAL;
    return submit(s, &request);
}

int32_t cs_dram_next(void *state, size_t state_bytes, int64_t *clk) {
    const int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    if (clk == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(clk)) return CS_EBUFFER;
    *clk = dram_min(first_done(state), first_event(state));
    return CS_OK;
}

int32_t cs_dram_offer(void *state, size_t state_bytes, int64_t clk, uint64_t tag, uint64_t address, int32_t is_write,
                      cs_dram_outlook *outlook) {
    const int32_t status = cs_dram_submit(state, state_bytes, clk, tag, address, is_write);
    if (status == CS_OK) look(state, outlook);
    return status;
}

int32_t cs_dram_follow(void *state, size_t state_bytes, int64_t until, cs_done *done, size_t capacity, size_t *count,
                       cs_dram_outlook *outlook) {
    const int32_t status = cs_dram_advance(state, state_bytes, until, 0, done, capacity, count, NULL, 0, NULL);
    if (status == CS_OK) look(state, outlook);
    return status;
}

int32_t cs_dram_advance(void *state, size_t state_bytes, int64_t until, int32_t stop, cs_done *done,
                        size_t done_capacity, size_t *done_count, cs_dram_command *commands, size_t command_capacity,
                        size_t *command_count) {
    const int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    if (until < 0 || until > CLK_LIMIT || done == NULL || done_count == NULL ||
        (commands != NULL && command_count == NULL))
        return CS_EINVAL;
    if (!CS_IS_ALIGNED(done) || !CS_IS_ALIGNED(done_count) || !CS_IS_ALIGNED(commands) || !CS_IS_ALIGNED(command_count))
        return CS_EBUFFER;
    dram_sink sink = {
        .done = done, .done_capacity = done_capacity, .commands = commands, .command_capacity = command_capacity};
    const int32_t result = run(state, until, stop != 0 ? STOP_AT_DONE : GO_ON, &sink);
    *done_count = sink.done_count;
    if (command_count != NULL) *command_count = sink.command_count;
    return result;
}

int32_t cs_dram_stats(const void *state, size_t state_bytes, int64_t clk, cs_dram_stats_record *out) {
    const int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    if (out == NULL || clk < ((const dram_state *)state)->now || clk > CLK_LIMIT) return CS_EINVAL;
    if (!CS_IS_ALIGNED(out)) return CS_EBUFFER;
    dram_state then = *(const dram_state *)state;
    dram_sink nothing = {0};
    run(&then, clk, GO_ON, &nothing);
    const int64_t refresh_clocks = then.latency[CS_DRAM_RANK][CS_DRAM_REF][CS_DRAM_ACT];
    *out = (cs_dram_stats_record){.clocks = clk,
                                  .active_clocks = then.active_clocks,
                                  .reads = then.reads,
                                  .writes = then.writes,
                                  .forwarded_reads = then.forwarded,
                                  .row_hits = then.row_hits};
    memcpy(out->commands, then.commands, sizeof out->commands);
    out->refreshing_clocks = then.commands[CS_DRAM_REF] * refresh_clocks;
    for (int32_t rank = 0; rank < then.config.ranks; ++rank) {
        out->active_clocks -= dram_max(0, then.active_until[rank] - clk);
        if (then.open_count[rank] > 0) out->active_clocks += dram_max(0, clk - then.active_since[rank]);
        out->refreshing_clocks -= dram_max(0, then.refresh_until[rank] - clk);
    }
    out->precharged_clocks = clk * then.config.ranks - out->active_clocks - out->refreshing_clocks;
    return CS_OK;
}

/* CS_ESTATE: a request is done that is none of the replay's. */
static int32_t take_latencies(dram_sink *sink, int64_t *latencies, size_t count, cs_dram_progress *progress) {
    for (size_t i = 0; i < sink->done_count; ++i) {
        if (sink->done[i].tag >= count) return CS_ESTATE;
        latencies[sink->done[i].tag] = sink->done[i].clk - latencies[sink->done[i].tag];
    }
    progress->completed += sink->done_count;
    sink->done_count = 0;
    return CS_OK;
}

int32_t cs_dram_replay(void *state, size_t state_bytes, const uint64_t *addresses, const uint8_t *is_write,
                       const int64_t *earliest, size_t count, int32_t one_at_a_time, int64_t *latencies,
                       cs_dram_command *commands, size_t command_capacity, size_t *command_count,
                       cs_dram_progress *progress) {
    int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    if (progress == NULL || (commands != NULL && command_count == NULL) ||
        (count > 0 && (addresses == NULL || is_write == NULL || latencies == NULL)))
        return CS_EINVAL;
    if (!CS_IS_ALIGNED(addresses) || !CS_IS_ALIGNED(earliest) || !CS_IS_ALIGNED(latencies) ||
        !CS_IS_ALIGNED(commands) || !CS_IS_ALIGNED(command_count) || !CS_IS_ALIGNED(progress))
        return CS_EBUFFER;
    dram_state *s = state;
    cs_done done[DONE_BLOCK];
    dram_sink sink = {
        .done = done, .done_capacity = DONE_BLOCK, .commands = commands, .command_capacity = command_capacity};
    while (status == CS_OK && progress->submitted < count) {
        const size_t i = progress->submitted;
        if (earliest != NULL) progress->clk = dram_max(progress->clk, earliest[i]);
        dram_request request = {.tag = i, .arrival = progress->clk, .is_write = is_write[i] != 0};
        if (progress->clk > CLK_LIMIT || decode(&s->config, addresses[i], &request) != CS_OK) {
            status = CS_EINVAL;
            break;
        }
        const int32_t waits = one_at_a_time && progress->completed < i;
        if (!waits && s->now == progress->clk && submit(s, &request) == CS_OK) {
            latencies[i] = progress->clk;
            progress->submitted += 1;
            progress->clk += one_at_a_time || s->config.ideal ? 0 : 1;
            continue;
        }
        /* Only an event can make a place; a request that has one waits for its clock. */
        const int32_t early = !waits && s->now < progress->clk && accepts(s, &request);
        status =
            run(s, early ? progress->clk : CLK_LIMIT, waits || s->config.ideal ? STOP_AT_DONE : STOP_AT_EVENT, &sink);
        if (status == CS_FULL && sink.done_count == sink.done_capacity) status = CS_OK;
        const int32_t taken = take_latencies(&sink, latencies, count, progress);
        if (taken != CS_OK) return taken;
        progress->clk = dram_max(progress->clk, s->now);
    }
    while (status == CS_OK && (s->done_count > 0 || !is_idle(s) || s->arrival_count > 0)) {
        status = run(s, CLK_LIMIT, is_idle(s) ? STOP_AT_DONE : STOP_AT_EVENT, &sink);
        if (status == CS_FULL && sink.done_count == sink.done_capacity) status = CS_OK;
        const int32_t taken = take_latencies(&sink, latencies, count, progress);
        if (taken != CS_OK) return taken;
    }
    progress->last_column = s->last_column;
    if (status == CS_OK) status = run(s, dram_max(s->last_column, s->now), GO_ON, &sink);
    if (commands != NULL) *command_count = sink.command_count;
    progress->clk = dram_max(progress->clk, s->now);
    progress->finished = status == CS_OK;
    return status;
}
