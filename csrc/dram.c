/* The engine's interface: a state is made, requests come in, time goes on, traces are replayed. */
#include "dram.h"

#include <string.h>

#include "dram_state.h"

/* Clocks beyond this are refused, so that no sum of clocks overflows. */
#define CLK_LIMIT (INT64_C(1) << 60)
#define DONE_BLOCK 64

static int32_t check_state(const void *state, size_t state_bytes) {
    const dram_state *s = state;
    if (s == NULL) return CS_EINVAL;
    if (state_bytes < sizeof *s || !CS_IS_ALIGNED(s)) return CS_EBUFFER;
    return s->magic == DRAM_MAGIC ? CS_OK : CS_ESTATE;
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
    if (!dram_valid_rules(c)) return 0;
    const int32_t refresh = c->refresh_per_bank ? CS_DRAM_REFPB : CS_DRAM_REF;
    const int32_t targets = c->ranks * (c->refresh_per_bank ? c->bank_groups * c->banks_per_group : 1);
    int32_t refresh_clocks = 0;
    for (int32_t i = 0; i < c->rule_count; ++i) {
        const cs_dram_rule *rule = &c->rules[i];
        if (rule->preceding == refresh && rule->clocks > refresh_clocks) refresh_clocks = rule->clocks;
    }
    /* A refresh that takes longer than the interval would never let anything else happen. */
    return c->refresh_interval == 0 ||
           (c->refresh_interval / targets > refresh_clocks && c->refresh_interval <= DRAM_MAX_CLOCKS);
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
    dram_compile_rules(s);
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
    if (s->arrival_count == 0 && list->count < places && dram_accepts(s, request)) return 1;
    dram_state then = *s;
    dram_sink nothing = {0};
    dram_run(&then, request->arrival, DRAM_GO_ON, &nothing);
    return dram_accepts(&then, request);
}

static int32_t submit(dram_state *s, const dram_request *request) {
    const int64_t clk = request->arrival;
    if (s->config.ideal) return submit_ideal(s, request);
    if (clk < s->now || clk < s->last_arrival) return CS_ESTATE;
    if (clk == s->last_arrival) return CS_FULL;
    if (s->now < clk) {
        const int64_t event = dram_first_event(s);
        /* Completions that wait to be told have places for those of the clocks up to now, not for all to come. */
        if (event < clk || dram_first_done(s) < clk) return CS_ESTATE;
        const int32_t quiet = event > clk && s->arrival_count == 0 && s->refresh_at > clk;
        if (quiet && (s->refresh_pending == 0 || !dram_is_idle(s))) dram_settle(s, clk);
    }
    if (s->now < clk) {
        if (!accepts_later(s, request)) return CS_FULL;
        s->arrivals[s->arrival_count++] = *request;
    } else {
        if (!dram_accepts(s, request)) return CS_FULL;
        dram_enter(s, request);
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
    *clk = dram_min(dram_first_done(state), dram_first_event(state));
    return CS_OK;
}

int32_t cs_dram_look(void *state, size_t state_bytes, cs_dram_outlook *outlook) {
    const int32_t status = check_state(state, state_bytes);
    if (status == CS_OK) dram_look(state, outlook);
    return status;
}

static int32_t take_burst(dram_state *s, const cs_dram_burst *burst) {
    dram_request request = {.tag = burst->tag, .arrival = s->now, .is_write = burst->is_write != 0};
    return decode(&s->config, burst->address, &request) != CS_OK ? CS_EINVAL : submit(s, &request);
}

int32_t cs_dram_serve(void *state, size_t state_bytes, int64_t until, const cs_dram_burst *burst, int64_t from,
                      int64_t *accepted_clk, cs_done *done, size_t capacity, size_t *count) {
    int32_t status = check_state(state, state_bytes);
    if (status != CS_OK) return status;
    dram_state *s = state;
    dram_sink sink = {.done = done, .done_capacity = capacity};
    *accepted_clk = -1;
    *count = 0;
    int64_t try_at = burst == NULL ? CS_NEVER : dram_max(from, s->last_arrival + 1);
    until = dram_min(until, CLK_LIMIT);
    while (status == CS_OK && sink.done_count == 0) {
        int64_t bound = dram_min(until, try_at);
        int32_t stop = DRAM_STOP_AT_DONE;
        if (s->now + 1 >= try_at) {
            int32_t refused = dram_is_full(s, burst->is_write);
            if (!refused && s->now >= try_at) {
                status = take_burst(s, burst);
                if (status == CS_OK) *accepted_clk = s->now;
                if (status != CS_FULL) break;
                status = CS_OK;
                refused = 1;
            }
            if (refused) bound = until, stop |= DRAM_STOP_AT_EVENT; /* nothing else makes a place */
        }
        if (s->now >= until && dram_first_done(s) > s->now) return CS_OK;
        status = dram_run(s, bound, stop, &sink);
    }
    *count = sink.done_count;
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
    const int32_t result = dram_run(state, until, stop != 0 ? DRAM_STOP_AT_DONE : DRAM_GO_ON, &sink);
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
    dram_run(&then, clk, DRAM_GO_ON, &nothing);
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
        const int32_t early = !waits && s->now < progress->clk && dram_accepts(s, &request);
        status = dram_run(s, early ? progress->clk : CLK_LIMIT,
                          waits || s->config.ideal ? DRAM_STOP_AT_DONE : DRAM_STOP_AT_EVENT, &sink);
        if (status == CS_FULL && sink.done_count == sink.done_capacity) status = CS_OK;
        const int32_t taken = take_latencies(&sink, latencies, count, progress);
        if (taken != CS_OK) return taken;
        if (status == CS_OK && s->now >= CLK_LIMIT) status = CS_EINVAL;
        progress->clk = dram_max(progress->clk, s->now);
    }
    while (status == CS_OK && (s->done_count > 0 || !dram_is_idle(s) || s->arrival_count > 0)) {
        status = dram_run(s, CLK_LIMIT, dram_is_idle(s) ? DRAM_STOP_AT_DONE : DRAM_STOP_AT_EVENT, &sink);
        if (status == CS_FULL && sink.done_count == sink.done_capacity) status = CS_OK;
        const int32_t taken = take_latencies(&sink, latencies, count, progress);
        if (taken != CS_OK) return taken;
        if (status == CS_OK && s->now >= CLK_LIMIT) status = CS_EINVAL;
    }
    progress->last_column = s->last_column;
    if (status == CS_OK) status = dram_run(s, dram_max(s->last_column, s->now), DRAM_GO_ON, &sink);
    if (commands != NULL) *command_count = sink.command_count;
    progress->clk = dram_max(progress->clk, s->now);
    progress->finished = status == CS_OK;
    return status;
}
