/* The state of an engine: its parts in the caller's buffer, and how it begins. */
#include <string.h>

#include "sram_state.h"

static size_t reserve(size_t *total, size_t count, size_t size) {
    const size_t start = *total;
    *total += (count * size + 7u) & ~(size_t)7u;
    return start;
}

static int valid_config(const cs_sram_config *c, const cs_sram_memory *memories, size_t *banks, size_t *parts) {
    if (c->memories < 1 || c->memories > CS_SRAM_MAX_BANKS || c->clients < 1 || c->clients > CS_SRAM_MAX_CLIENTS ||
        c->max_jobs < 1)
        return 0;
    size_t total = 0, most = 0;
    for (int32_t i = 0; i < c->memories; ++i) {
        if (!sram_valid_memory(&memories[i])) return 0;
        const size_t count = (size_t)memories[i].banks;
        total += count;
        if (count > most) most = count;
    }
    if (total > CS_SRAM_MAX_BANKS || (size_t)c->max_jobs > (size_t)INT32_MAX / most) return 0;
    *banks = total;
    *parts = most * (size_t)c->max_jobs;
    return 1;
}

/* Offsets of the parts; with `state` null only the total is meaningful. `fixed` is where the pools begin. */
static size_t lay_out(const cs_sram_config *c, size_t banks, size_t parts, char *state, sram_view *v, size_t *fixed) {
    size_t total = 0;
    size_t at[9];
    at[0] = reserve(&total, 1, sizeof(sram_header));
    at[1] = reserve(&total, (size_t)c->memories, sizeof(cs_sram_memory));
    at[2] = reserve(&total, (size_t)c->memories, sizeof(sram_memory));
    at[3] = reserve(&total, banks, sizeof(sram_bank));
    at[4] = reserve(&total, banks * (size_t)c->clients, sizeof(sram_queue));
    /* At most as many groups as banks. */
    at[5] = reserve(&total, banks + (size_t)c->memories, sizeof(sram_group));
    at[6] = reserve(&total, banks + (size_t)c->memories, sizeof(sram_due));
    at[7] = reserve(&total, (size_t)c->max_jobs, sizeof(sram_job));
    at[8] = reserve(&total, parts, sizeof(sram_part));
    *fixed = at[7];
    if (state == NULL) return total;
    v->head = (sram_header *)(void *)(state + at[0]);
    v->shapes = (cs_sram_memory *)(void *)(state + at[1]);
    v->memories = (sram_memory *)(void *)(state + at[2]);
    v->banks = (sram_bank *)(void *)(state + at[3]);
    v->queues = (sram_queue *)(void *)(state + at[4]);
    v->groups = (sram_group *)(void *)(state + at[5]);
    v->heap = (sram_due *)(void *)(state + at[6]);
    v->jobs = (sram_job *)(void *)(state + at[7]);
    v->parts = (sram_part *)(void *)(state + at[8]);
    return total;
}

int32_t sram_open(const void *state, size_t state_bytes, sram_view *v) {
    if (state == NULL) return CS_EINVAL;
    const sram_header *head = (const sram_header *)state;
    if (state_bytes < sizeof *head || !CS_IS_ALIGNED(head)) return CS_EBUFFER;
    if (head->magic != SRAM_MAGIC) return CS_ESTATE;
    if (state_bytes < head->bytes) return CS_EBUFFER;
    size_t fixed = 0;
    /* The callers that only read take a const buffer and write nothing through the view. */
    lay_out(&head->config, (size_t)head->banks, 0, (char *)(uintptr_t)state, v, &fixed);
    return CS_OK;
}

int32_t cs_sram_state_bytes(const cs_sram_config *config, const cs_sram_memory *memories, size_t *bytes) {
    size_t banks = 0, parts = 0, fixed = 0;
    if (config == NULL || memories == NULL || bytes == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(memories) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;
    if (!valid_config(config, memories, &banks, &parts)) return CS_EINVAL;
    *bytes = lay_out(config, banks, parts, NULL, NULL, &fixed);
    return CS_OK;
}

int32_t cs_sram_init(void *state, size_t state_bytes, const cs_sram_config *config, const cs_sram_memory *memories) {
    size_t banks = 0, parts = 0, fixed = 0;
    if (state == NULL || config == NULL || memories == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(config) || !CS_IS_ALIGNED(memories)) return CS_EBUFFER;
    if (!valid_config(config, memories, &banks, &parts)) return CS_EINVAL;
    sram_view v;
    const size_t bytes = lay_out(config, banks, parts, NULL, NULL, &fixed);
    if (state_bytes < bytes || !CS_IS_ALIGNED((sram_header *)state)) return CS_EBUFFER;
    memset(state, 0, fixed);
    lay_out(config, banks, parts, (char *)state, &v, &fixed);
    *v.head = (sram_header){.magic = SRAM_MAGIC,
                            .config = *config,
                            .now = -1,
                            .banks = (int32_t)banks,
                            .free_job = SRAM_NOBODY,
                            .free_part = SRAM_NOBODY,
                            .arriving = SRAM_NOBODY,
                            .last_arriving = SRAM_NOBODY,
                            .out = SRAM_NOBODY,
                            .bytes = bytes};
    memcpy(v.shapes, memories, (size_t)config->memories * sizeof *memories);
    int32_t next_bank = 0, groups = 0;
    for (int32_t i = 0; i < config->memories; ++i) {
        const int32_t ports = memories[i].ports, power = (ports & (ports - 1)) == 0;
        v.memories[i] = (sram_memory){.first_bank = next_bank, .lone = SRAM_NOBODY};
        for (int32_t b = 0; b < memories[i].banks; ++b) {
            if (b % SRAM_GROUP == 0)
                v.groups[groups++] = (sram_group){.next = CS_NEVER, .first = next_bank, .heap_place = SRAM_NOBODY};
            v.banks[next_bank++] = (sram_bank){.served = -1,
                                               .next = CS_NEVER,
                                               .ports = ports,
                                               .port_shift = power ? __builtin_ctz((uint32_t)ports) : -1,
                                               .group = groups - 1};
            v.groups[groups - 1].end = next_bank;
        }
    }
    v.head->groups = groups;
    for (int32_t i = 0; i < config->memories; ++i)
        v.groups[groups + i].heap_place = SRAM_NOBODY;
    for (size_t i = 0; i < banks * (size_t)config->clients; ++i) {
        v.queues[i].first = v.queues[i].last = SRAM_NOBODY;
        v.queues[i].last_granted = -1;
    }
    return CS_OK;
}
