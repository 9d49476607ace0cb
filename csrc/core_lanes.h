/* Lanes side by side, their cycles in integers of type TIME: core_walk.c includes this once for each such type. All
 * loops over columns are plain ones of a constant length, which every compiler turns into vectors.
 */
#ifdef TIME

typedef TIME LANES(vector) __attribute__((vector_size(sizeof(TIME) * CS_CORE_COLUMNS), aligned(2), may_alias));

/* Effectual indices of blocks first .. first + number - 1, of each lane and column; adds them to `taken`. */
CS_ALWAYS_INLINE void LANES(count)(const cs_core_walk *walk, int32_t elements, int32_t first, int32_t number) {
    const int32_t lanes = walk->lanes, row = elements * CS_CORE_COLUMNS;
    for (int32_t lane = 0; lane < lanes; ++lane) {
        const uint16_t *input = walk->inputs + (size_t)first * (size_t)row;
        const uint16_t *other = walk->others + ((size_t)lane * (size_t)walk->blocks + (size_t)first) * (size_t)row;
        TIME *to = (TIME *)walk->found + lane * CS_CORE_COLUMNS;
        int32_t *taken = walk->taken + lane * CS_CORE_COLUMNS;
        LANES(vector) sums = {0};
        for (int32_t i = 0; i < number; ++i, to += lanes * CS_CORE_COLUMNS, input += row, other += row) {
            LANES(vector) found = {0};
            for (int32_t e = 0; e < elements; e += BYTES_HOLD) {
                const int32_t some = elements - e < BYTES_HOLD ? elements - e : BYTES_HOLD;
                columns pairs;
                count_elements(input + e * CS_CORE_COLUMNS, other + e * CS_CORE_COLUMNS, some, &pairs);
                found += __builtin_convertvector(pairs, LANES(vector));
            }
            *(LANES(vector) *)(void *)to = found;
            sums += found;
        }
        for (int32_t c = 0; c < CS_CORE_COLUMNS; ++c)
            taken[c] += sums[c];
    }
}

/* Non-zeros of the input operand in the blocks that lanes jump. */
CS_ALWAYS_INLINE void LANES(count_jumped)(const cs_core_walk *walk, int32_t first, int32_t number) {
    const int32_t elements = walk->elements, row = elements * CS_CORE_COLUMNS;
    const uint16_t *input = walk->inputs + (size_t)first * (size_t)row;
    TIME *seen = (TIME *)walk->inputs_found;
    for (int32_t i = 0; i < number; ++i, input += row, seen += CS_CORE_COLUMNS) {
        LANES(vector) found = {0};
        for (int32_t e = 0; e < elements; ++e) {
            columns bits;
            count_elements(input + e * CS_CORE_COLUMNS, input + e * CS_CORE_COLUMNS, 1, &bits);
            found += __builtin_convertvector(bits, LANES(vector));
        }
        *(LANES(vector) *)(void *)seen = found;
    }
    for (int32_t lane = 0; lane < walk->lanes; ++lane) {
        const int16_t *jumps = walk->jumps + ((size_t)lane * (size_t)walk->blocks + (size_t)first) * CS_CORE_COLUMNS;
        int32_t *to = walk->inputs_jumped + lane * CS_CORE_COLUMNS;
        TIME sums[CS_CORE_COLUMNS] = {0};
        seen = (TIME *)walk->inputs_found;
        for (int32_t i = 0; i < number; ++i, jumps += CS_CORE_COLUMNS, seen += CS_CORE_COLUMNS)
            for (int32_t c = 0; c < CS_CORE_COLUMNS; ++c)
                sums[c] = (TIME)(sums[c] + (jumps[c] == CS_CORE_LOOKS ? 0 : seen[c]));
        for (int32_t c = 0; c < CS_CORE_COLUMNS; ++c)
            to[c] += sums[c];
    }
}

CS_ALWAYS_INLINE TIME LANES(later)(TIME a, TIME b) {
    return a > b ? a : b;
}

/* One lane of each column at its next block, with one MAC a lane and a queue of two or more. Everything is a maximum or
 * a sum of cycles. A lane is `ready` in the cycle after it has left its last block, and, should nothing more come,
 * finds its queue `empty` at the start of a later one. It looks at a block in the cycle in which it is ready and
 * `allowed` to. The indices are taken one a cycle from the next cycle on, or behind those in the queue; the last of
 * them can enter once there are only depth - 1 before it. (Of a block that overfills an empty queue, `overfull`, depth
 * indices enter at once, but none in the cycle after that.)
 */
CS_ALWAYS_INLINE void LANES(step_lane)(TIME *restrict ready, TIME *restrict empty, TIME *restrict last,
                                       const TIME *restrict allowed, const TIME *restrict found,
                                       const int16_t *restrict jumps, TIME depth, int coarse, int overfull) {
    for (int32_t c = 0; c < CS_CORE_COLUMNS; ++c) {
        const TIME look = LANES(later)(ready[c], allowed[c]), next = (TIME)(look + 1), indices = found[c];
        const TIME fits = (TIME)(LANES(later)(empty[c], look) + indices - depth + 1);
        const TIME over = (TIME)(overfull && indices > depth ? look + indices - depth + 2 : 0);
        TIME left = LANES(later)(LANES(later)(next, fits), over);
        TIME emptied = (TIME)(LANES(later)(empty[c], next) + indices);
        if (coarse) {
            const int jumped = jumps[c] != CS_CORE_LOOKS;
            left = jumped ? (TIME)(ready[c] + jumps[c]) : left;
            emptied = jumped ? empty[c] : emptied;
        }
        empty[c] = emptied;
        ready[c] = left;
        last[c] = LANES(later)(last[c], left);
    }
}

/* Blocks first .. first + number - 1; `coupled`: a lane may look at a block only when the last of its group has left
 * the one run_ahead before.
 */
CS_ALWAYS_INLINE void LANES(step)(const cs_core_walk *walk, TIME depth, int32_t first, int32_t number, int coarse,
                                  int coupled, int overfull) {
    const int32_t lanes = walk->lanes, run_ahead = walk->params->run_ahead;
    const TIME *found = (const TIME *)walk->found;
    int32_t turn = coupled ? first % run_ahead : 0;
    for (int32_t i = 0; i < number; ++i) {
        TIME *rows = coupled ? (TIME *)walk->allowed + (size_t)turn * CS_CORE_COLUMNS : NULL;
        TIME allowed[CS_CORE_COLUMNS] = {0}, last[CS_CORE_COLUMNS] = {0};
        if (coupled) memcpy(allowed, rows, sizeof allowed);
        if (++turn == run_ahead) turn = 0;
        const int16_t *jumps = coarse ? walk->jumps + (size_t)(first + i) * CS_CORE_COLUMNS : NULL;
        for (int32_t lane = 0; lane < lanes; ++lane, found += CS_CORE_COLUMNS) {
            LANES(step_lane)((TIME *)walk->ready + lane * CS_CORE_COLUMNS, (TIME *)walk->empty + lane * CS_CORE_COLUMNS,
                             last, allowed, found, jumps, depth, coarse, overfull);
            if (coarse) jumps += (size_t)walk->blocks * CS_CORE_COLUMNS;
        }
        if (coupled) memcpy(rows, last, sizeof last);
    }
}

CS_ALWAYS_INLINE void LANES(walk)(const cs_core_walk *walk) {
    const cs_core_params *params = walk->params;
    const int32_t vectors = walk->lanes * CS_CORE_COLUMNS, strip = cs_core_strip_of(walk->lanes);
    const TIME depth = (TIME)(params->queue < walk->length ? params->queue : walk->length + 2); /* deeper: never full */
    const int coarse = walk->jumps != NULL, overfull = walk->elements * CS_CORE_ELEMENT > depth;
    const int coupled = walk->lanes > 1 && walk->blocks > params->run_ahead;
    const TIME *ready = (const TIME *)walk->ready, *empty = (const TIME *)walk->empty;
    memset(walk->ready, 0, (size_t)vectors * sizeof(TIME));
    memset(walk->empty, 0, (size_t)vectors * sizeof(TIME));
    if (coupled) memset(walk->allowed, 0, (size_t)params->run_ahead * CS_CORE_COLUMNS * sizeof(TIME));
    for (int32_t first = 0; first < walk->blocks; first += strip) {
        const int32_t number = walk->blocks - first < strip ? walk->blocks - first : strip;
        if (walk->elements == 1) /* as a constant: unrolled */
            LANES(count)(walk, 1, first, number);
        else if (walk->elements == 2)
            LANES(count)(walk, 2, first, number);
        else if (walk->elements == 4)
            LANES(count)(walk, 4, first, number);
        else
            LANES(count)(walk, walk->elements, first, number);
        if (coarse) LANES(count_jumped)(walk, first, number);
        if (coarse && coupled)
            LANES(step)(walk, depth, first, number, 1, 1, 1);
        else if (coarse)
            LANES(step)(walk, depth, first, number, 1, 0, 1);
        else if (coupled && overfull)
            LANES(step)(walk, depth, first, number, 0, 1, 1);
        else if (coupled)
            LANES(step)(walk, depth, first, number, 0, 1, 0);
        else
            LANES(step)(walk, depth, first, number, 0, 0, 1);
    }
    for (int32_t i = 0; i < vectors; ++i)
        walk->cycles[i] = LANES(later)(ready[i], empty[i]);
}

#endif
