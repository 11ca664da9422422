#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 16 * 1024, ALIGN_BYTES = 16 };

struct fl_arena_chunk {
    struct fl_arena_chunk *older;
    size_t used, cap;
    _Alignas(16) unsigned char bytes[];
};

void fl_arena_init(struct fl_arena *arena, size_t max_bytes)
{
    *arena = (struct fl_arena){.max_bytes = max_bytes};
}

static void free_chunks(struct fl_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct fl_arena_chunk *older = chunk->older;

        free(chunk);
        chunk = older;
    }
}

void fl_arena_done(struct fl_arena *arena)
{
    free_chunks(arena->chunk);
    *arena = (struct fl_arena){.max_bytes = arena->max_bytes};
}

/* The largest is kept: pieces of work of one kind then come to need no other. */
void fl_arena_clear(struct fl_arena *arena)
{
    struct fl_arena_chunk *keep = arena->chunk, *chunk, *older;

    if (keep == NULL)
        return;
    for (chunk = keep->older; chunk != NULL; chunk = chunk->older)
        keep = chunk->cap > keep->cap ? chunk : keep;
    for (chunk = arena->chunk; chunk != NULL; chunk = older) {
        older = chunk->older;
        if (chunk != keep)
            free(chunk);
    }
    keep->older = NULL;
    keep->used = 0;
    arena->chunk = keep;
    arena->used_bytes = 0;
}

static struct fl_arena_chunk *add_chunk(struct fl_arena *arena, size_t len)
{
    size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
    struct fl_arena_chunk *chunk = malloc(sizeof *chunk + cap);

    if (chunk == NULL)
        return NULL;
    chunk->older = arena->chunk;
    chunk->used = 0;
    chunk->cap = cap;
    arena->chunk = chunk;
    return chunk;
}

void *fl_arena_get(struct fl_arena *arena, size_t len)
{
    struct fl_arena_chunk *chunk = arena->chunk;
    void *at;

    if (len > arena->max_bytes || arena->max_bytes - len < ALIGN_BYTES)
        return NULL;
    len = (len + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    if (len > arena->max_bytes - arena->used_bytes)
        return NULL;
    if (chunk == NULL || chunk->cap - chunk->used < len)
        chunk = add_chunk(arena, len);
    if (chunk == NULL)
        return NULL;
    at = chunk->bytes + chunk->used;
    chunk->used += len;
    arena->used_bytes += len;
    return at;
}

struct fl_span fl_arena_copy(struct fl_arena *arena, struct fl_span s)
{
    unsigned char *copy = fl_arena_get(arena, s.len + 1);

    if (copy == NULL)
        return (struct fl_span){NULL, 0};
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return fl_span_of(copy, s.len);
}
