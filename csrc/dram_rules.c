/* Timing rules as tables, the state of the banks, and the places of requests.
 *
 * latency[scope][preceding][following] holds the rules; 0 where there is none, which is harmless as two commands are a
 * clock apart anyway. Issuing a command raises, in its bank, its group and the rank, the first clock at which each
 * following command may issue there, and in the other ranks.
 */
#include <string.h>

#include "dram_state.h"

/* PREA and REF belong to no bank or group, and across ranks only bursts meet: other rules would never bind. */
static int can_bind(const cs_dram_rule *rule) {
    switch (rule->scope) {
    case CS_DRAM_BANK:
    case CS_DRAM_GROUP:
        return rule->preceding != CS_DRAM_PREA && rule->preceding != CS_DRAM_REF && rule->following != CS_DRAM_PREA &&
               rule->following != CS_DRAM_REF;
    case CS_DRAM_OTHER_RANK:
        return dram_is_column(rule->preceding);
    default:
        return 1;
    }
}

int dram_valid_rules(const cs_dram_config *config) {
    int32_t windows = 0;
    for (int32_t i = 0; i < config->rule_count; ++i) {
        const cs_dram_rule *rule = &config->rules[i];
        if (rule->scope < 0 || rule->scope >= CS_DRAM_SCOPES || rule->preceding < 0 || rule->following < 0 ||
            rule->preceding >= CS_DRAM_COMMANDS || rule->following >= CS_DRAM_COMMANDS || rule->clocks < 0 ||
            rule->clocks > DRAM_MAX_CLOCKS)
            return 0;
        if (rule->window == 1) {
            if (rule->clocks > 0 && !can_bind(rule)) return 0;
        } else if (rule->window < 2 || rule->window > DRAM_MAX_WINDOW || windows++ > 0 || rule->scope != CS_DRAM_RANK ||
                   rule->preceding != CS_DRAM_ACT || rule->following != CS_DRAM_ACT) {
            return 0;
        }
    }
    return 1;
}

void dram_compile_rules(dram_state *s) {
    const cs_dram_config *config = &s->config;
    memset(s->latency, 0, sizeof s->latency);
    s->window = 0;
    s->window_clocks = 0;
    for (int32_t i = 0; i < config->rule_count; ++i) {
        const cs_dram_rule *rule = &config->rules[i];
        if (rule->window == 1) {
            int64_t *latency = &s->latency[rule->scope][rule->preceding][rule->following];
            *latency = dram_max(*latency, rule->clocks);
        } else {
            s->window = rule->window;
            s->window_clocks = rule->clocks;
        }
    }
    for (int32_t rank = 0; rank < CS_DRAM_MAX_RANKS; ++rank)
        for (int32_t i = 0; i < DRAM_MAX_WINDOW; ++i)
            s->window_act[rank][i] = -s->window_clocks;
}

static void raise_all(int64_t ready[CS_DRAM_COMMANDS], const int64_t latency[CS_DRAM_COMMANDS], int64_t clk) {
    for (int32_t following = 0; following < CS_DRAM_COMMANDS; ++following)
        ready[following] = dram_max(ready[following], clk + latency[following]);
}

/* The last open bank of a rank closes at `clk`, or when the last auto-precharge under way begins. */
static void end_active(dram_state *s, int32_t rank, int64_t clk) {
    s->active_until[rank] = dram_max(clk, s->closing_until[rank]);
    s->active_clocks += s->active_until[rank] - s->active_since[rank];
}

static void close_bank(dram_state *s, int32_t rank, int32_t bank, int64_t clk) {
    s->open_row[bank] = DRAM_NO_ROW;
    if (--s->open_count[rank] == 0) end_active(s, rank, clk);
}

static void close_rank(dram_state *s, int32_t rank, int64_t clk) {
    for (int32_t bank = rank * s->banks_per_rank; bank < (rank + 1) * s->banks_per_rank; ++bank)
        s->open_row[bank] = DRAM_NO_ROW;
    if (s->open_count[rank] > 0) end_active(s, rank, clk);
    s->open_count[rank] = 0;
}

/* An auto-precharge begins as early as a PRE might have been issued. */
static void auto_precharge(dram_state *s, int32_t rank, int32_t bank, int32_t command, int64_t clk) {
    const int32_t plain = dram_is_read(command) ? CS_DRAM_RD : CS_DRAM_WR;
    const int64_t from_act = s->bank_act[bank] + s->latency[CS_DRAM_BANK][CS_DRAM_ACT][CS_DRAM_PRE];
    const int64_t begins = dram_max(clk + s->latency[CS_DRAM_BANK][plain][CS_DRAM_PRE], from_act);
    s->closing_until[rank] = dram_max(s->closing_until[rank], begins);
    close_bank(s, rank, bank, clk);
}

/* Refresh `number` (from 1 on) becomes due: so many to an interval, evenly, with nothing lost to rounding. */
int64_t dram_refresh_clk(const dram_state *s, int64_t number) {
    const int64_t interval = s->config.refresh_interval;
    return number / s->refresh_targets * interval + number % s->refresh_targets * interval / s->refresh_targets;
}

/* How many became due up to `clk`. */
int64_t dram_refreshes_until(const dram_state *s, int64_t clk) {
    const int64_t interval = s->config.refresh_interval;
    const int64_t of_this_round = ((clk % interval + 1) * s->refresh_targets + interval - 1) / interval - 1;
    return clk / interval * s->refresh_targets + of_this_round;
}

void dram_issue(dram_state *s, int32_t command, int32_t bank, int32_t row, int64_t clk) {
    const int32_t rank = s->rank_of[bank];
    raise_all(s->rank_ready[rank], s->latency[CS_DRAM_RANK][command], clk);
    if (s->config.ranks > 1 && dram_is_column(command))
        for (int32_t other = 0; other < s->config.ranks; ++other)
            if (other != rank) raise_all(s->rank_ready[other], s->latency[CS_DRAM_OTHER_RANK][command], clk);
    if (command != CS_DRAM_PREA && command != CS_DRAM_REF) {
        raise_all(s->bank_ready[bank], s->latency[CS_DRAM_BANK][command], clk);
        raise_all(s->group_ready[s->group_of[bank]], s->latency[CS_DRAM_GROUP][command], clk);
    }
    s->commands[command] += 1;
    switch (command) {
    case CS_DRAM_ACT:
        if (s->open_count[rank] == 0) s->active_since[rank] = dram_max(clk, s->active_until[rank]);
        s->open_count[rank] += 1;
        s->open_row[bank] = row;
        s->bank_act[bank] = clk;
        if (s->window > 0) {
            int64_t *act = s->window_act[rank];
            act[s->window_at[rank]] = clk;
            s->window_at[rank] = (s->window_at[rank] + 1) % s->window;
            /* Now the oldest of the last `window`. */
            const int64_t next = act[s->window_at[rank]] + s->window_clocks;
            s->rank_ready[rank][CS_DRAM_ACT] = dram_max(s->rank_ready[rank][CS_DRAM_ACT], next);
        }
        break;
    case CS_DRAM_PRE:
        close_bank(s, rank, bank, clk);
        break;
    case CS_DRAM_PREA:
        close_rank(s, rank, clk);
        break;
    case CS_DRAM_RDA:
    case CS_DRAM_WRA:
        auto_precharge(s, rank, bank, command, clk);
        break;
    case CS_DRAM_REF:
        s->refresh_until[rank] = clk + s->latency[CS_DRAM_RANK][CS_DRAM_REF][CS_DRAM_ACT];
        /* fall through */
    case CS_DRAM_REFPB:
        s->refresh_pending -= 1;
        s->refresh_turn += 1;
        break;
    default:
        break;
    }
}

int32_t dram_take_slot(dram_state *s, const dram_request *request) {
    const int32_t slot = s->free_slot[--s->free_count];
    s->request[slot] = *request;
    return slot;
}

void dram_release_slot(dram_state *s, int32_t slot) {
    s->free_slot[s->free_count++] = slot;
}

void dram_insert(dram_state *s, dram_list *list, int32_t slot) {
    const dram_request *request = &s->request[slot];
    int32_t at = list->count++;
    for (; at > 0 && s->request[list->slot[at - 1]].arrival > request->arrival; --at) {
        list->bank[at] = list->bank[at - 1];
        list->row[at] = list->row[at - 1];
        list->slot[at] = list->slot[at - 1];
    }
    list->bank[at] = request->bank;
    list->row[at] = request->row;
    list->slot[at] = slot;
}

void dram_remove(dram_list *list, int32_t index) {
    const size_t behind = (size_t)(--list->count - index) * sizeof list->slot[0];
    memmove(&list->bank[index], &list->bank[index + 1], behind);
    memmove(&list->row[index], &list->row[index + 1], behind);
    memmove(&list->slot[index], &list->slot[index + 1], behind);
}

/* Writes may be done before reads that were issued earlier (WL < RL), so the ring is kept sorted; of one clock, in the
 * order of issue. */
void dram_complete(dram_state *s, uint64_t tag, int64_t clk) {
    int32_t at = s->done_count++;
    for (; at > 0; --at) {
        const cs_done *before = &s->done[(s->done_first + at - 1) % DRAM_DONES];
        if (before->clk <= clk) break;
        s->done[(s->done_first + at) % DRAM_DONES] = *before;
    }
    s->done[(s->done_first + at) % DRAM_DONES] = (cs_done){.tag = tag, .clk = clk};
}
