/* Sources whose next packet lies in the future: a heap by (created, source). */
#include "noc_state.h"

static int sooner(const noc_view *v, int32_t a, int32_t b) {
    const int64_t at = v->packets[v->sources[a].first].created;
    const int64_t bt = v->packets[v->sources[b].first].created;
    return at != bt ? at < bt : a < b;
}

static void heap_put(noc_view *v, int32_t place, int32_t node) {
    v->heap[place] = node;
    v->sources[node].heap_place = place;
}

void noc_heap_up(noc_view *v, int32_t place) {
    const int32_t node = v->heap[place];
    while (place > 0) {
        const int32_t parent = (place - 1) / 2;
        if (!sooner(v, node, v->heap[parent])) break;
        heap_put(v, place, v->heap[parent]);
        place = parent;
    }
    heap_put(v, place, node);
}

static void heap_down(noc_view *v, int32_t place) {
    const int32_t node = v->heap[place];
    const int32_t count = v->head->heap_count;
    for (;;) {
        int32_t child = 2 * place + 1;
        if (child >= count) break;
        if (child + 1 < count && sooner(v, v->heap[child + 1], v->heap[child])) ++child;
        if (!sooner(v, v->heap[child], node)) break;
        heap_put(v, place, v->heap[child]);
        place = child;
    }
    heap_put(v, place, node);
}

void noc_heap_add(noc_view *v, int32_t node) {
    v->sources[node].status = SOURCE_FUTURE;
    heap_put(v, v->head->heap_count, node);
    noc_heap_up(v, v->head->heap_count++);
}

int32_t noc_heap_take(noc_view *v) {
    const int32_t node = v->heap[0];
    if (--v->head->heap_count > 0) {
        heap_put(v, 0, v->heap[v->head->heap_count]);
        heap_down(v, 0);
    }
    return node;
}
