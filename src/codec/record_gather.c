#include "codec/record_form.h"

#include <string.h>

enum { SLOTS_FIRST = 64, WORDS_FIRST = 32 };

/* A column of strings while rows are read one by one. All memory is from the arena: what is
 * outgrown stays there until the caller clears it, which doubling bounds. */
struct interned {
    struct fl_span *words;
    uint32_t count, cap; /* words */
    uint32_t *slot;      /* code, 0 free; a power of two, more than twice the words */
    uint32_t slots;
};

static uint64_t hash_of(struct fl_span s, uint64_t seed)
{
    uint64_t hash = seed ^ s.len, word;
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    word = 0;
    if (i < s.len)
        memcpy(&word, s.ptr + i, s.len - i);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint32_t *slot_for(const struct interned *in, struct fl_span s, uint64_t seed)
{
    uint32_t i = (uint32_t)hash_of(s, seed) & (in->slots - 1);

    while (in->slot[i] != 0 && !fl_span_eq(in->words[in->slot[i]], s))
        i = (i + 1) & (in->slots - 1);
    return &in->slot[i];
}

static bool grow(struct interned *in, uint64_t seed, struct fl_arena *arena)
{
    uint32_t cap = in->cap == 0 ? WORDS_FIRST : in->cap * 2;
    uint32_t slots = in->slots == 0 ? SLOTS_FIRST : in->slots * 2;
    struct fl_span *words = fl_arena_get(arena, cap * sizeof *words);
    uint32_t *slot = fl_arena_get(arena, slots * sizeof *slot);

    if (words == NULL || slot == NULL)
        return false;
    words[0] = (struct fl_span){NULL, 0};
    if (in->count > 0)
        memcpy(words, in->words, in->count * sizeof *words);
    else
        in->count = 1;
    memset(slot, 0, slots * sizeof *slot);
    in->words = words;
    in->cap = cap;
    in->slot = slot;
    in->slots = slots;
    for (uint32_t code = 1; code < in->count; code++)
        *slot_for(in, words[code], seed) = code;
    return true;
}

/* Its code; 0: no memory. */
static uint32_t intern(struct interned *in, struct fl_span s, uint64_t seed, struct fl_arena *arena)
{
    uint32_t *slot;

    if (in->count == in->cap && !grow(in, seed, arena))
        return 0;
    slot = slot_for(in, s, seed);
    if (*slot == 0) {
        *slot = in->count;
        in->words[in->count++] = s;
    }
    return *slot;
}

/* One row behind the other into columns that begin where a field first comes. */
struct gather {
    struct fl_batch_view *view;
    struct fl_arena *arena;
    uint64_t seed;
    uint32_t rows; /* of the whole batch */
    uint8_t *has[FL_FIELD_COUNT];
    uint64_t *num[FL_FIELD_COUNT];
    uint32_t *code[FL_FIELD_COUNT];
    struct interned in[FL_FIELD_COUNT];
};

static void *zeroed(struct fl_arena *arena, size_t bytes)
{
    void *at = fl_arena_get(arena, bytes);

    if (at != NULL)
        memset(at, 0, bytes);
    return at;
}

static bool gather_value(struct gather *g, const struct fl_event *ev, enum fl_field f, uint32_t row)
{
    if (fl_field_is_str(f)) {
        if (g->code[f] == NULL)
            g->code[f] = zeroed(g->arena, g->rows * sizeof(uint32_t));
        if (g->code[f] == NULL)
            return false;
        g->code[f][row] = intern(&g->in[f], ev->v[f].str, g->seed, g->arena);
        return g->code[f][row] != 0;
    }
    if (g->num[f] == NULL) {
        g->num[f] = zeroed(g->arena, g->rows * sizeof(uint64_t));
        g->has[f] = zeroed(g->arena, ((size_t)g->rows + 7) / 8);
    }
    if (g->num[f] == NULL || g->has[f] == NULL)
        return false;
    g->num[f][row] = ev->v[f].num;
    g->has[f][row / 8] |= (uint8_t)(1u << (row % 8));
    return true;
}

static void gather_end(struct gather *g)
{
    for (int f = 0; f < FL_FIELD_COUNT; f++) {
        struct fl_batch_col *col = &g->view->col[f];

        col->num = g->num[f];
        col->has = col->present == g->rows ? NULL : g->has[f];
        col->code = g->code[f];
        col->words = g->in[f].words;
        col->word_count = g->in[f].count;
    }
}

static int gather_rows(struct gather *g, struct fl_batch_reader *r, struct fl_err *err)
{
    struct fl_event ev = {.arena = NULL};
    uint32_t row = 0;
    int code;

    while ((code = fl_batch_next(r, &ev, err)) > 0) {
        for (int i = 0; i < FL_FIELD_COUNT; i++) {
            if (!fl_event_has(&ev, (enum fl_field)i))
                continue;
            if (!gather_value(g, &ev, (enum fl_field)i, row))
                return fl_err_set(err, FL_E_NOMEM, "no memory for the columns of a batch");
            g->view->col[i].present++;
        }
        row++;
    }
    return code;
}

int fl_batch_gather(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                    struct fl_err *err)
{
    struct fl_batch_reader r;
    struct gather *g;
    int code = fl_batch_read(&r, bytes, arena, err);

    if (code < 0)
        return code;
    g = zeroed(arena, sizeof *g);
    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the columns of a batch");
    *ret = (struct fl_batch_view){.rows = r.rows_left};
    g->view = ret;
    g->arena = arena;
    g->rows = r.rows_left;
    g->seed = hash_of(bytes, 0); /* who sends a line does not know its neighbours */
    code = gather_rows(g, &r, err);
    if (code == FL_OK)
        gather_end(g);
    return code;
}
