#include "logs/pick.h"

#include <stdlib.h>
#include <string.h>

#include "logs/dict.h"

enum { FIRST_ROWS = 1024 };
#define WORDS_MAX_BYTES ((size_t)32 << 20) /* of one column: FORMAT.md section 9 */

struct fl_pick {
    struct fl_block *block; /* NULL: none begun */
    uint32_t *row;          /* of the source: those that are picked */
    uint32_t *map;          /* codes of the source to codes of the new block */
    size_t map_cap;
};

int fl_pick_new(struct fl_pick **ret, struct fl_err *err)
{
    struct fl_pick *g = calloc(1, sizeof *g);

    if (g != NULL)
        g->row = malloc(FL_BLOCK_MAX_ROWS * sizeof *g->row);
    if (g == NULL || g->row == NULL) {
        fl_pick_free(g);
        return fl_err_set(err, FL_E_NOMEM, "no memory to gather rows");
    }
    *ret = g;
    return FL_OK;
}

void fl_pick_free(struct fl_pick *g)
{
    if (g == NULL)
        return;
    fl_block_free(g->block);
    free(g->row);
    free(g->map);
    free(g);
}

void fl_pick_freep(struct fl_pick **g)
{
    fl_pick_free(*g);
    *g = NULL;
}

uint32_t fl_pick_rows(const struct fl_pick *g)
{
    return g->block == NULL ? 0 : g->block->rows;
}

struct fl_block *fl_pick_take(struct fl_pick *g)
{
    struct fl_block *block = g->block;

    g->block = NULL;
    return block;
}

/* Would the words of some column be too many with those of the block? All of them are counted,
 * picked or not. */
static bool words_fit(const struct fl_block *to, const struct fl_block *from)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &from->col[f];
        size_t bytes = to->col[f].dict == NULL ? 0 : fl_dict_bytes(to->col[f].dict);

        for (uint32_t i = 0; i < col->word_count; i++)
            bytes += col->words[i].len;
        if (bytes > WORDS_MAX_BYTES)
            return false;
    }
    return true;
}

/* Into g->row; moves *at. */
static uint32_t pick(struct fl_pick *g, const struct fl_block *block, const uint8_t *keep,
                     uint32_t *at)
{
    uint32_t room = FL_BLOCK_MAX_ROWS - g->block->rows, n = 0, row = *at;

    for (; row < block->rows && n < room; row++)
        if (keep == NULL || (keep[row / 8] >> (row % 8) & 1) != 0)
            g->row[n++] = row;
    *at = row;
    return n;
}

static bool widen(void **at, size_t old_bytes, size_t new_bytes)
{
    unsigned char *grown = realloc(*at, new_bytes > 0 ? new_bytes : 1);

    if (grown == NULL)
        return false;
    memset(grown + old_bytes, 0, new_bytes - old_bytes);
    *at = grown;
    return true;
}

/* Room for cap rows in one column that is in use. */
static bool reserve(struct fl_col *col, bool str, uint32_t old_cap, uint32_t cap)
{
    void *num = col->num, *has = col->has, *code = col->code;
    bool ok;

    if (str) {
        ok = widen(&code, old_cap * sizeof *col->code, cap * sizeof *col->code);
        col->code = code;
        return ok;
    }
    ok = widen(&num, old_cap * sizeof *col->num, cap * sizeof *col->num);
    col->num = num;
    ok = ok && widen(&has, old_cap / 8, cap / 8);
    col->has = has;
    return ok;
}

static bool in_use(const struct fl_col *col)
{
    return col->code != NULL || col->num != NULL;
}

static int grow(struct fl_block *block, uint32_t rows, struct fl_err *err)
{
    uint32_t cap = block->cap == 0 ? FIRST_ROWS : block->cap;

    while (cap < rows)
        cap *= 2;
    for (size_t f = 0; f < FL_FIELD_COUNT && cap > block->cap; f++)
        if (in_use(&block->col[f]) &&
            !reserve(&block->col[f], fl_field_is_str((enum fl_field)f), block->cap, cap))
            return fl_err_set(err, FL_E_NOMEM, "no memory for %u rows", (unsigned)cap);
    block->cap = cap;
    return FL_OK;
}

static void add_numbers(struct fl_pick *g, const struct fl_col *from, struct fl_col *to, uint32_t n)
{
    uint32_t base = g->block->rows;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = g->row[i], at = base + i;

        if (!fl_col_has(from, row))
            continue;
        to->num[at] = from->num[row];
        to->has[at / 8] = (uint8_t)(to->has[at / 8] | 1u << (at % 8));
        to->present++;
    }
}

static int add_words(struct fl_pick *g, const struct fl_col *from, struct fl_col *to, uint32_t n,
                     struct fl_err *err)
{
    uint32_t base = g->block->rows;

    if (from->word_count > g->map_cap) {
        uint32_t *grown = realloc(g->map, from->word_count * sizeof *grown);

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for %u words",
                              (unsigned)from->word_count);
        g->map = grown;
        g->map_cap = from->word_count;
    }
    memset(g->map, 0, from->word_count * sizeof *g->map);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t code = from->code[g->row[i]];

        if (code == 0)
            continue;
        if (g->map[code] == 0) { /* in order of first use, which the encoder likes */
            int r = fl_dict_intern(to->dict, from->words[code], &g->map[code], err);

            if (r < 0)
                return r;
        }
        to->code[base + i] = g->map[code];
        to->present++;
    }
    to->words = fl_dict_words(to->dict, &to->word_count);
    return FL_OK;
}

static int add_col(struct fl_pick *g, const struct fl_block *from, size_t f, uint32_t n,
                   struct fl_err *err)
{
    const struct fl_col *col = &from->col[f];
    struct fl_col *to = &g->block->col[f];
    bool str = fl_field_is_str((enum fl_field)f);
    int r = FL_OK;

    if (col->present == 0)
        return FL_OK;
    if (str && to->dict == NULL)
        r = fl_dict_new(&to->dict, err);
    if (r >= 0 && !in_use(to) && !reserve(to, str, 0, g->block->cap))
        r = fl_err_set(err, FL_E_NOMEM, "no memory for a column");
    if (r < 0)
        return r;
    if (str)
        return add_words(g, col, to, n, err);
    add_numbers(g, col, to, n);
    return FL_OK;
}

int fl_pick_add(struct fl_pick *g, const struct fl_block *block, const uint8_t *keep, uint32_t *at,
                struct fl_err *err)
{
    uint32_t n;
    int r = FL_OK;

    if (g->block == NULL)
        r = fl_block_new(&g->block, err);
    if (r < 0)
        return r;
    if (g->block->rows > 0 && !words_fit(g->block, block))
        return FL_OK;
    n = pick(g, block, keep, at);
    r = grow(g->block, g->block->rows + n, err);
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0 && n > 0; f++)
        r = add_col(g, block, f, n, err);
    if (r >= 0)
        g->block->rows += n;
    return r;
}
