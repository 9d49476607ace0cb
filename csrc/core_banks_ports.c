#include "core_banks_state.h"

int cs_banks_serve_others(cs_banks_state *state, uint64_t *base, int64_t cycle) {
    const cs_banks_reservation *pending = (const cs_banks_reservation *)(base + state->reservations);
    for (; state->pending > 0 && pending[state->first_pending].clk < cycle; --state->pending) {
        const cs_banks_reservation *next = pending + state->first_pending;
        ((int64_t *)(base + state->backlog[next->memory]))[next->bank] += next->accesses;
        state->backlog_left += next->accesses;
        state->first_pending = (state->first_pending + 1) % state->banks.max_pending;
    }
    if (state->backlog_left == 0) return 0;
    for (int m = 0; m < 2; ++m) {
        int64_t *backlog = (int64_t *)(base + state->backlog[m]);
        int32_t *free_ports = (int32_t *)(base + state->free_ports[m]);
        const int32_t ports = state->banks.ports[m];
        for (int32_t bank = 0; bank < state->banks.banks[m]; ++bank) {
            const int32_t served = backlog[bank] < ports ? (int32_t)backlog[bank] : ports;
            backlog[bank] -= served;
            free_ports[bank] = ports - served;
            state->result.served[m] += served;
            state->backlog_left -= served;
        }
    }
    return 1;
}

void cs_banks_free_all_ports(const cs_banks_state *state, uint64_t *base, int memory) {
    int32_t *free_ports = (int32_t *)(base + state->free_ports[memory]);
    for (int32_t bank = 0; bank < state->banks.banks[memory]; ++bank)
        free_ports[bank] = state->banks.ports[memory];
}

void cs_banks_serve_idle(cs_banks_state *state, uint64_t *base, int64_t cycle, int64_t last) {
    const cs_banks_reservation *pending = (const cs_banks_reservation *)(base + state->reservations);
    while (cycle <= last) {
        if (state->backlog_left == 0) {
            if (state->pending == 0) return;
            const int64_t arrival = pending[state->first_pending].clk + 1;
            if (arrival > cycle) cycle = arrival;
            if (cycle > last) return;
        }
        cs_banks_serve_others(state, base, cycle++);
    }
}
