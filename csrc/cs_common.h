/* Conventions of the C library: leaf functions, no allocation, no globals, no Python API.
 *
 * Every function returns a status. State lives in buffers that the caller owns; every buffer comes with its
 * length. Engines follow one contract (docs/architecture.md): submit, next, advance; an arrival at time t
 * acts strictly after t.
 */
#ifndef CS_COMMON_H
#define CS_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* cffi: begin */
/* Done as asked. */
#define CS_OK 0
/* An output buffer or a queue is full; call again with room. Nothing is lost. */
#define CS_FULL 1
/* An argument breaks the contract: null where something must be, out of range, unknown code. */
#define CS_EINVAL 2
/* A buffer is too small; or a pointer, to whatever it points, is no multiple of its type's alignment: so in every
 * function. Null is aligned. Where several arguments are wrong, the status is that of one of them.
 */
#define CS_EBUFFER 3
/* The state buffer is not initialised, or belongs to another configuration. */
#define CS_ESTATE 4

/* The time of an event that will never happen. */
#define CS_NEVER 9223372036854775807

/* What an engine reports of a finished job: the caller's tag and the engine clock at which it was done. */
typedef struct {
    uint64_t tag;
    int64_t clk;
} cs_done;
/* cffi: end */

/* Whether each of the pointers, or'ed as integers, may be read in words of so many bytes (a power of two). */
#define CS_ADDRESS(pointer) ((uintptr_t)(pointer))
static inline int cs_aligned(uintptr_t addresses, size_t bytes) {
    return (addresses & (bytes - 1)) == 0;
}
/* Whether what a pointer points to, of a type whose size is known, may lie there; so may what null points to. */
#define CS_IS_ALIGNED(pointer) cs_aligned(CS_ADDRESS(pointer), _Alignof(__typeof__(*(pointer))))

#endif
