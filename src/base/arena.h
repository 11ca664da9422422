/*
 * arena.h - memory with the lifetime of one piece of work (a line, a request).
 *
 * Everything is freed at once; a byte limit is given at the start. Pointers are
 * 16-byte aligned and stay valid until clear or done.
 */
#ifndef FL_BASE_ARENA_H
#define FL_BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"
#include "base/span.h"

struct fl_arena_chunk;

struct fl_arena {
    struct fl_arena_chunk *chunk; /* newest first; owned */
    size_t used_bytes;            /* over all chunks */
    size_t max_bytes;
};

void fl_arena_init(struct fl_arena *arena, size_t max_bytes);
void fl_arena_done(struct fl_arena *arena);  /* fit for FL_AUTO */
void fl_arena_clear(struct fl_arena *arena); /* keeps the largest chunk for the next piece */

/* NULL when the limit is reached or memory is out. The bytes are not zeroed. */
void *fl_arena_get(struct fl_arena *arena, size_t len) FL_MUST_CHECK;

/* A copy of s, with a NUL behind it that is not counted. ptr is NULL on failure. */
struct fl_span fl_arena_copy(struct fl_arena *arena, struct fl_span s) FL_MUST_CHECK;

#endif
