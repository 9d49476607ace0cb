/* What a bank grants, from one part's end to the next, and the heap of these ends. */
#include "sram_state.h"

/* ---- what is due, by (next, index) ------------------------------------------------------------------------------- */

static inline int sooner(sram_due a, sram_due b) {
    return a.next != b.next ? a.next < b.next : a.index < b.index;
}

static inline void heap_put(sram_view *v, int32_t place, sram_due due) {
    v->heap[place] = due;
    v->groups[due.index].heap_place = place;
}

/* Fills the vacant `place`, or another one, with `due`. */
static void heap_fill(sram_view *v, int32_t place, sram_due due) {
    while (place > 0) {
        const int32_t parent = (place - 1) / 2;
        if (!sooner(due, v->heap[parent])) break;
        heap_put(v, place, v->heap[parent]);
        place = parent;
    }
    for (;;) {
        int32_t child = 2 * place + 1;
        if (child >= v->head->heap_count) break;
        if (child + 1 < v->head->heap_count && sooner(v->heap[child + 1], v->heap[child])) ++child;
        if (!sooner(v->heap[child], due)) break;
        heap_put(v, place, v->heap[child]);
        place = child;
    }
    heap_put(v, place, due);
}

void sram_unschedule(sram_view *v, int32_t index) {
    const int32_t place = v->groups[index].heap_place;
    if (place == SRAM_NOBODY) return;
    v->groups[index].heap_place = SRAM_NOBODY;
    const sram_due last = v->heap[--v->head->heap_count];
    if (place < v->head->heap_count) heap_fill(v, place, last);
}

void sram_schedule(sram_view *v, int32_t index, int64_t next) {
    const int32_t place = v->groups[index].heap_place;
    heap_fill(v, place == SRAM_NOBODY ? v->head->heap_count++ : place, (sram_due){.next = next, .index = index});
}

/* ---- one bank ---------------------------------------------------------------------------------------------------- */

/* While the same clients stay pending, grants go round: the n-th grant (from 1) goes to the client at place (n - 1) %
 * clients, where places count the pending clients from `turn` on. */
typedef struct {
    int64_t clients;
    uint64_t from_turn, before_turn; /* pending clients, split at the one asked first */
} round_robin;

static round_robin rounds_of(const sram_bank *b) {
    const uint64_t before = b->turn < 64 ? ((uint64_t)1 << b->turn) - 1 : ~(uint64_t)0;
    return (round_robin){.clients = b->clients, .from_turn = b->pending & ~before, .before_turn = b->pending & before};
}

/* Takes the client with the next place; there is one. */
static int next_place(round_robin *r) {
    uint64_t *half = r->from_turn ? &r->from_turn : &r->before_turn;
    const int client = __builtin_ctzll(*half);
    *half &= *half - 1;
    return client;
}

/* Whether one client only has accesses here, as it is most of the time. */
static inline int is_alone(const sram_bank *b) {
    return b->clients <= 1;
}

/* `grants`, from 0 on, in clocks: those that are full. */
static inline int64_t full_clocks(const sram_bank *b, int64_t grants) {
    return b->port_shift >= 0 ? grants >> b->port_shift : grants / b->ports;
}

/* The grant with which the first part ends, where several clients take turns. */
static int64_t grants_to_end(const sram_bank *b, const sram_queue *queues, int *ending) {
    round_robin r = rounds_of(b);
    int64_t best = INT64_MAX;
    for (int64_t place = 0; place < r.clients; ++place) {
        const int client = next_place(&r);
        const int64_t grant = (queues[client].left - 1) * r.clients + place + 1;
        if (grant < best) {
            best = grant;
            *ending = client;
        }
    }
    return best;
}

/* What a client at `place` gets of `grants`, of which the first is number `used` + 1 since clock `base`. */
static int64_t granted(int64_t grants, int64_t place, int64_t clients) {
    return grants > place ? (grants - 1 - place) / clients + 1 : 0;
}

/* Clocks with a grant that are new to the client, given that it got `count` > 0 of them from `used` on; `last` becomes
 * the last such clock. A clock that two stretches share counts once. */
static int64_t granted_clocks(const sram_bank *b, int64_t used, int64_t place, int64_t clients, int64_t count,
                              int64_t *last) {
    const int64_t begin = b->served + full_clocks(b, used + place) + 1;
    const int64_t end = b->served + full_clocks(b, used + place + (count - 1) * clients) + 1;
    /* Grants further apart than a clock's ports lie in different clocks; closer ones leave no clock out. */
    const int64_t clocks = clients >= b->ports ? count : end - begin + 1;
    const int64_t shared = begin == *last;
    *last = end;
    return clocks - shared;
}

/* Gives the next `grants`, none of them beyond the end of a part, after `used` since `served`, to clients in turn. */
static void give(sram_bank *b, sram_queue *queues, int64_t used, int64_t grants) {
    round_robin r = rounds_of(b);
    const int64_t last_place = (grants - 1) % r.clients;
    for (int64_t place = 0; place < r.clients; ++place) {
        const int client = next_place(&r);
        sram_queue *q = &queues[client];
        const int64_t count = granted(grants, place, r.clients);
        if (count == 0) break;
        q->left -= count;
        q->accesses += count;
        q->granted_total += granted_clocks(b, used, place, r.clients, count, &q->last_granted);
        if (place == last_place) b->turn = client + 1;
    }
}

/* The same for the only client. */
static inline void give_alone(sram_bank *b, sram_queue *q, int client, int64_t used, int64_t grants) {
    q->left -= grants;
    q->accesses += grants;
    q->granted_total += granted_clocks(b, used, 0, 1, grants, &q->last_granted);
    b->turn = client + 1;
}

/* The part in front of a client's queue has had its last grant. */
static void end_part(sram_view *v, sram_bank *b, sram_queue *q, int client, int64_t clk) {
    const int32_t index = q->first;
    sram_part *p = &v->parts[index];
    q->first = p->next;
    if (--v->jobs[p->job].parts == 0) sram_finish(v, p->job, clk);
    p->next = v->head->free_part;
    v->head->free_part = index;
    if (q->first != SRAM_NOBODY) {
        q->left = v->parts[q->first].accesses;
        return;
    }
    q->last = SRAM_NOBODY;
    q->pending_total += clk - q->since;
    b->pending &= ~((uint64_t)1 << client);
    --b->clients;
}

void sram_bank_serve(sram_view *v, int32_t index, int64_t clk) {
    sram_bank *b = &v->banks[index];
    sram_queue *queues = sram_queues_of(v, index);
    int64_t used = 0;
    while (b->pending) {
        const int64_t room = (clk - b->served) * b->ports - used;
        if (room == 0) break;
        const int alone = is_alone(b);
        int ending = __builtin_ctzll(b->pending);
        int64_t grants = alone ? queues[ending].left : grants_to_end(b, queues, &ending);
        const int ends = grants <= room;
        if (!ends) grants = room;
        if (alone)
            give_alone(b, &queues[ending], ending, used, grants);
        else
            give(b, queues, used, grants);
        if (!ends) break;
        used += grants;
        end_part(v, b, &queues[ending], ending, b->served + full_clocks(b, used + b->ports - 1));
    }
    b->served = clk;
}

void sram_bank_refresh(sram_view *v, int32_t index) {
    sram_bank *b = &v->banks[index];
    if (!b->pending) {
        b->next = CS_NEVER;
        return;
    }
    const sram_queue *queues = sram_queues_of(v, index);
    int ending = __builtin_ctzll(b->pending);
    const int64_t grants = is_alone(b) ? queues[ending].left : grants_to_end(b, queues, &ending);
    b->next = b->served + full_clocks(b, grants + b->ports - 1);
}

void sram_group_schedule(sram_view *v, int32_t index) {
    sram_group *group = &v->groups[index];
    int64_t next = CS_NEVER;
    for (int32_t bank = group->first; bank < group->end; ++bank)
        if (v->banks[bank].next < next) next = v->banks[bank].next;
    if (next == group->next) return;
    group->next = next;
    if (next == CS_NEVER)
        sram_unschedule(v, index);
    else
        sram_schedule(v, index, next);
}

void sram_bank_so_far(const sram_view *v, int32_t index, int64_t now, int64_t *accesses, int64_t *waiting) {
    const sram_bank *b = &v->banks[index];
    if (!b->pending) return;
    const sram_queue *queues = sram_queues_of(v, index);
    round_robin r = rounds_of(b);
    const int64_t grants = (now - b->served) * b->ports;
    for (int64_t place = 0; place < r.clients; ++place) {
        const int client = next_place(&r);
        const int64_t count = granted(grants, place, r.clients);
        int64_t last = queues[client].last_granted;
        accesses[client] += count;
        waiting[client] += now - queues[client].since;
        if (count > 0) waiting[client] -= granted_clocks(b, 0, place, r.clients, count, &last);
    }
}
