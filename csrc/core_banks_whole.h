/* Inside the banked core: groups of outputs whose lanes need nothing but the shared blocks of the input operand.
 *
 * Such a lane looks at a block as soon as it stands at it, run_ahead allows it and the block is fetched; the first of
 * the group to get there asks for the block. So only the cycle of that request and the grant's are events, and all
 * lanes follow from the grant at once.
 */
#ifndef CS_CORE_BANKS_WHOLE_H
#define CS_CORE_BANKS_WHOLE_H

#include "core_banks_state.h"

/* Whether the outputs can be walked as a whole: nothing is jumped, no block of the other operand is read, and times
 * fit in 31 bits.
 */
int cs_banks_is_whole(const cs_core_params *params, const uint32_t *outputs);

/* The lanes of a group, when its outputs start. */
void cs_banks_whole_begin(const cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first);

/* The cycle in which the group asks for its next block. */
static inline int64_t cs_banks_whole_asks_at(const cs_banks_group *group) {
    const int64_t first = group->from + group->first_ready;
    return first > group->allowed ? first : group->allowed;
}

/* The block is fetched in `cycle`: all lanes look at it as soon as they can, and leave it. */
void cs_banks_whole_look(cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first,
                         const uint32_t *outputs, cs_banks_leaving *leavings, int64_t cycle);

/* All blocks are left: the lanes' cycles, and when the last lane has emptied its queue. */
void cs_banks_whole_finish(const cs_banks_state *state, uint64_t *base, cs_banks_group *group, int32_t first,
                           int32_t lanes);

#endif
