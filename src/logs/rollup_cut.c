/* Stored sums less some rows: declared in rollup.h. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "logs/rollup.h"

enum { SUMS = 6, USER_DIMS = 3 /* those before FL_BY_USER */ };
#define WORDS_MAX_BYTES ((size_t)64 << 20)
#define NO_CODE         UINT32_MAX

_Static_assert((int)FL_BY_USER == USER_DIMS, "the other dimensions stand before");

struct gone { /* a row that is taken out */
    uint32_t no, row;
    int64_t time_us;
    struct fl_span site, key[FL_ROLLUP_DIMS]; /* ptr NULL: absent */
    uint64_t v[SUMS];
    bool stays[USER_DIMS]; /* another row has its pair of key and user */
};

struct fl_rollup_cut {
    struct gone *gone;
    size_t count, cap;
    struct fl_arena words;
};

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "no memory to take rows out of sums");
}

int fl_rollup_cut_new(struct fl_rollup_cut **ret, struct fl_err *err)
{
    struct fl_rollup_cut *c = calloc(1, sizeof *c);

    if (c == NULL)
        return no_memory(err);
    fl_arena_init(&c->words, WORDS_MAX_BYTES);
    *ret = c;
    return FL_OK;
}

void fl_rollup_cut_free(struct fl_rollup_cut *c)
{
    if (c == NULL)
        return;
    fl_arena_done(&c->words);
    free(c->gone);
    free(c);
}

/* ---- rows ---- */

static bool copy_word(struct fl_rollup_cut *c, const struct fl_col *col, uint32_t row,
                      struct fl_span *ret)
{
    *ret = fl_span_of(NULL, 0);
    if (!fl_col_has(col, row))
        return true;
    *ret = fl_arena_copy(&c->words, col->words[col->code[row]]);
    return ret->ptr != NULL;
}

static uint64_t number_at(const struct fl_block *block, enum fl_field f, uint32_t row)
{
    return fl_col_has(&block->col[f], row) ? block->col[f].num[row] : 0;
}

static bool add_row(struct fl_rollup_cut *c, uint32_t no, const struct fl_block *block,
                    uint32_t row)
{
    static const enum fl_field fields[SUMS] = {[1] = FL_F_SESSIONS,
                                               [2] = FL_F_BYTES_UP,
                                               [3] = FL_F_BYTES_DOWN,
                                               [4] = FL_F_PACKETS,
                                               [5] = FL_F_SECONDS};
    struct gone *g;
    bool ok;

    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 64 : c->cap * 2;
        struct gone *grown = realloc(c->gone, cap * sizeof *grown);

        if (grown == NULL)
            return false;
        c->gone = grown;
        c->cap = cap;
    }
    g = &c->gone[c->count++];
    *g = (struct gone){.no = no, .row = row, .v = {1}};
    g->time_us = (int64_t)number_at(block, FL_F_TIME, row);
    for (size_t s = 1; s < SUMS; s++)
        g->v[s] = number_at(block, fields[s], row);
    ok = copy_word(c, &block->col[FL_F_SITE], row, &g->site);
    for (size_t d = 0; d < FL_ROLLUP_DIMS && ok; d++)
        ok = copy_word(c, &block->col[fl_rollup_dim_field[d]], row, &g->key[d]);
    return ok;
}

int fl_rollup_cut_add(struct fl_rollup_cut *c, uint32_t no, const struct fl_block *block,
                      const uint8_t *keep, struct fl_err *err)
{
    for (uint32_t row = 0; row < block->rows; row++)
        if ((keep[row / 8] >> (row % 8) & 1) == 0 && !add_row(c, no, block, row))
            return no_memory(err);
    return FL_OK;
}

/* ---- words ---- */

/* An empty word may have a code of its own or be that of the absent. */
static uint32_t code_of(const struct fl_span *words, uint32_t count, struct fl_span word)
{
    if (word.ptr == NULL)
        return 0;
    for (uint32_t w = 1; w < count; w++)
        if (words[w].len == word.len && fl_span_eq(words[w], word))
            return w;
    return word.len == 0 ? 0 : NO_CODE;
}

/* Words that are marked stay, in their order; used[code] becomes the new code. */
static void renumber(struct fl_span *words, uint32_t *count, uint32_t *used)
{
    uint32_t to = 1;

    used[0] = 0;
    for (uint32_t w = 1; w < *count; w++) {
        if (used[w] == 0)
            continue;
        words[to] = words[w];
        used[w] = to++;
    }
    *count = *count > 0 ? to : 0;
}

/* ---- sums ---- */

static int64_t bucket_of(int64_t us, enum fl_rollup_tier tier)
{
    int64_t rest = us % fl_rollup_tier_us[tier];

    if (rest < 0)
        rest += fl_rollup_tier_us[tier];
    return us < INT64_MIN + rest ? INT64_MIN : us - rest;
}

static int compare(const void *a, const void *b)
{
    const struct fl_rollup_entry *x = a, *y = b;

    if (x->bucket_us != y->bucket_us)
        return x->bucket_us < y->bucket_us ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static bool take_row(const struct gone *g, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                     struct fl_rollup *sums)
{
    struct fl_rollup_entry *e, what = {.bucket_us = bucket_of(g->time_us, tier)};

    if (tier < FL_TIER_5M_ALL)
        what.site = code_of(sums->sites, sums->site_count, g->site);
    what.key = code_of(sums->keys, sums->key_count, g->key[dim]);
    e = sums->count == 0 ? NULL : bsearch(&what, sums->entries, sums->count, sizeof *e, compare);
    if (e == NULL || e->rows == 0)
        return false;
    e->rows -= g->v[0];
    e->sessions -= g->v[1];
    e->bytes_up -= g->v[2];
    e->bytes_down -= g->v[3];
    e->packets -= g->v[4];
    e->seconds -= g->v[5];
    return true;
}

/* Entries without rows go, and the words that only they had. */
static bool tidy_sums(struct fl_rollup *sums)
{
    uint32_t *sites = calloc((size_t)sums->site_count + sums->key_count + 2, sizeof *sites);
    uint32_t *keys = sites == NULL ? NULL : sites + sums->site_count + 1;
    size_t n = 0;

    if (sites == NULL)
        return false;
    for (size_t i = 0; i < sums->count; i++) {
        if (sums->entries[i].rows == 0)
            continue;
        sites[sums->entries[i].site] = keys[sums->entries[i].key] = 1;
        sums->entries[n++] = sums->entries[i];
    }
    sums->count = n;
    renumber(sums->sites, &sums->site_count, sites);
    renumber(sums->keys, &sums->key_count, keys);
    for (size_t i = 0; i < n; i++) {
        sums->entries[i].site = sites[sums->entries[i].site];
        sums->entries[i].key = keys[sums->entries[i].key];
    }
    free(sites);
    return true;
}

int fl_rollup_cut_sums(const struct fl_rollup_cut *c, enum fl_rollup_dim dim,
                       enum fl_rollup_tier tier, struct fl_rollup *sums, struct fl_err *err)
{
    for (size_t i = 0; i < c->count; i++)
        if (!take_row(&c->gone[i], dim, tier, sums))
            return fl_err_set(err, FL_E_CORRUPT, "sums and rows differ");
    return tidy_sums(sums) ? FL_OK : no_memory(err);
}

/* ---- users ---- */

struct fl_fieldset fl_rollup_cut_fields(void)
{
    struct fl_fieldset set = {{0, 0}};

    fl_fieldset_add(&set, FL_F_SITE);
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
        fl_fieldset_add(&set, fl_rollup_dim_field[d]);
    return set;
}

struct codes { /* of a row that is taken out, in the words of one block */
    uint32_t site, key[FL_ROLLUP_DIMS];
};

static uint32_t code_in(const struct fl_col *col, struct fl_span word)
{
    return col->present == 0 ? (word.ptr == NULL ? 0 : NO_CODE)
                             : code_of(col->words, col->word_count, word);
}

static uint32_t code_at(const struct fl_col *col, uint32_t row)
{
    return col->present == 0 ? 0 : col->code[row];
}

static bool is_gone(const struct fl_rollup_cut *c, uint32_t no, uint32_t row)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->gone[i].no == no && c->gone[i].row == row)
            return true;
    return false;
}

/* A row that stays, and whose user some that go have. */
static void see_row(struct fl_rollup_cut *c, const struct fl_block *block, uint32_t row,
                    const struct codes *codes)
{
    uint32_t site = code_at(&block->col[FL_F_SITE], row), key[FL_ROLLUP_DIMS];

    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
        key[d] = code_at(&block->col[fl_rollup_dim_field[d]], row);
    for (size_t i = 0; i < c->count; i++) {
        if (codes[i].site != site || codes[i].key[FL_BY_USER] != key[FL_BY_USER])
            continue;
        for (size_t d = 0; d < USER_DIMS; d++)
            if (codes[i].key[d] == key[d])
                c->gone[i].stays[d] = true;
    }
}

int fl_rollup_cut_rest(struct fl_rollup_cut *c, uint32_t no, const struct fl_block *block,
                       struct fl_err *err)
{
    const struct fl_col *user = &block->col[FL_F_USER];
    uint8_t *asked = user->present == 0 ? NULL : calloc(user->word_count, 1);
    struct codes *codes = malloc((c->count + 1) * sizeof *codes);
    bool any = false;

    for (size_t i = 0; asked != NULL && codes != NULL && i < c->count; i++) {
        codes[i].site = code_in(&block->col[FL_F_SITE], c->gone[i].site);
        for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
            codes[i].key[d] = code_in(&block->col[fl_rollup_dim_field[d]], c->gone[i].key[d]);
        if (codes[i].key[FL_BY_USER] == 0 || codes[i].key[FL_BY_USER] == NO_CODE)
            continue;
        asked[codes[i].key[FL_BY_USER]] = 1;
        any = true;
    }
    for (uint32_t row = 0; any && row < block->rows; row++)
        if (asked[user->code[row]] != 0 && !is_gone(c, no, row))
            see_row(c, block, row, codes);
    any = codes == NULL || (user->present > 0 && asked == NULL);
    free(asked);
    free(codes);
    return any ? no_memory(err) : FL_OK;
}

static bool goes(const struct fl_rollup_cut *c, enum fl_rollup_dim dim, const uint32_t *codes,
                 const struct fl_rollup_users *users, size_t pair)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->gone[i].stays[dim] && codes[i * 3] == users->pairs[pair].site &&
            codes[i * 3 + 1] == users->pairs[pair].key &&
            codes[i * 3 + 2] == users->pairs[pair].user)
            return true;
    return false;
}

/* Words that no pair has any more go. */
static bool tidy_users(struct fl_rollup_users *users)
{
    size_t words = (size_t)users->site_count + users->key_count + users->user_count + 3;
    uint32_t *sites = calloc(words, sizeof *sites), *keys, *names;

    if (sites == NULL)
        return false;
    keys = sites + users->site_count + 1;
    names = keys + users->key_count + 1;
    for (size_t i = 0; i < users->count; i++)
        sites[users->pairs[i].site] = keys[users->pairs[i].key] = names[users->pairs[i].user] = 1;
    renumber(users->sites, &users->site_count, sites);
    renumber(users->keys, &users->key_count, keys);
    renumber(users->users, &users->user_count, names);
    for (size_t i = 0; i < users->count; i++) {
        users->pairs[i].site = sites[users->pairs[i].site];
        users->pairs[i].key = keys[users->pairs[i].key];
        users->pairs[i].user = names[users->pairs[i].user];
    }
    free(sites);
    return true;
}

int fl_rollup_cut_users(const struct fl_rollup_cut *c, enum fl_rollup_dim dim,
                        struct fl_rollup_users *users, struct fl_err *err)
{
    uint32_t *codes = malloc((c->count + 1) * 3 * sizeof *codes);
    size_t n = 0;
    bool ok = codes != NULL;

    for (size_t i = 0; ok && i < c->count; i++) {
        codes[i * 3] = code_of(users->sites, users->site_count, c->gone[i].site);
        codes[i * 3 + 1] = code_of(users->keys, users->key_count, c->gone[i].key[dim]);
        codes[i * 3 + 2] = code_of(users->users, users->user_count, c->gone[i].key[FL_BY_USER]);
    }
    for (size_t p = 0; ok && p < users->count; p++)
        if (!goes(c, dim, codes, users, p))
            users->pairs[n++] = users->pairs[p];
    users->count = ok ? n : users->count;
    ok = ok && tidy_users(users);
    free(codes);
    return ok ? FL_OK : no_memory(err);
}
