#include "logs/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/dict.h"

const int64_t fl_rollup_tier_us[FL_ROLLUP_TIERS] = {
    [FL_TIER_5M] = 300 * FL_US_PER_S,      [FL_TIER_1H] = 3600 * FL_US_PER_S,
    [FL_TIER_1D] = FL_US_PER_DAY,          [FL_TIER_5M_ALL] = 300 * FL_US_PER_S,
    [FL_TIER_1H_ALL] = 3600 * FL_US_PER_S, [FL_TIER_1D_ALL] = FL_US_PER_DAY,
};
const enum fl_field fl_rollup_dim_field[FL_ROLLUP_DIMS] = {
    [FL_BY_APP] = FL_F_APP,
    [FL_BY_DOMAIN] = FL_F_DOMAIN,
    [FL_BY_CATEGORY] = FL_F_CATEGORY,
    [FL_BY_USER] = FL_F_USER,
};

enum { FIRST_ENTRIES = 256 };

/* Sums under construction: entries, a hash table of their places, and the words. */
struct builder {
    struct fl_rollup_entry *entries;
    uint32_t *slots; /* place + 1; 0 = free; at most half full */
    size_t count, cap, max;
    struct fl_dict *sites, *keys;
};

void fl_rollup_free(struct fl_rollup *r)
{
    if (r == NULL)
        return;
    free(r->entries);
    free(r->sites);
    free(r->keys);
    free(r);
}

void fl_rollup_users_free(struct fl_rollup_users *u)
{
    if (u == NULL)
        return;
    free(u->pairs);
    free(u->sites);
    free(u->keys);
    free(u->users);
    free(u);
}

static void builder_done(struct builder *b)
{
    free(b->entries);
    free(b->slots);
    fl_dict_free(b->sites);
    fl_dict_free(b->keys);
}

static int builder_init(struct builder *b, size_t max, struct fl_err *err)
{
    int r;

    *b = (struct builder){.cap = FIRST_ENTRIES, .max = max};
    b->entries = calloc(b->cap, sizeof *b->entries);
    b->slots = calloc(b->cap * 2, sizeof *b->slots);
    if (b->entries == NULL || b->slots == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    r = fl_dict_new(&b->sites, err);
    return r < 0 ? r : fl_dict_new(&b->keys, err);
}

static size_t slot_of(int64_t bucket, uint32_t site, uint32_t key, size_t slots)
{
    uint64_t h = (uint64_t)bucket * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ ((uint64_t)site << 32 | key)) * UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(h ^ h >> 33) & (slots - 1);
}

static bool same(const struct fl_rollup_entry *e, int64_t bucket, uint32_t site, uint32_t key)
{
    return e->bucket_us == bucket && e->site == site && e->key == key;
}

static bool builder_grow(struct builder *b)
{
    size_t cap = b->cap * 2;
    struct fl_rollup_entry *entries = realloc(b->entries, cap * sizeof *entries);
    uint32_t *slots = calloc(cap * 2, sizeof *slots);

    if (entries != NULL)
        b->entries = entries;
    if (entries == NULL || slots == NULL || cap > UINT32_MAX / 4) {
        free(slots);
        return false;
    }
    free(b->slots);
    b->slots = slots;
    b->cap = cap;
    for (size_t i = 0; i < b->count; i++) {
        size_t at = slot_of(entries[i].bucket_us, entries[i].site, entries[i].key, cap * 2);

        while (slots[at] != 0)
            at = (at + 1) & (cap * 2 - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

/* The entry, made where missing; NULL with the reason. */
static struct fl_rollup_entry *builder_at(struct builder *b, int64_t bucket, uint32_t site,
                                          uint32_t key, int *ret_why)
{
    struct fl_rollup_entry *e;
    size_t at;

    *ret_why = FL_E_NOMEM;
    if (b->count == b->cap && !builder_grow(b))
        return NULL;
    at = slot_of(bucket, site, key, b->cap * 2);
    for (; b->slots[at] != 0; at = (at + 1) & (b->cap * 2 - 1)) {
        e = &b->entries[b->slots[at] - 1];
        if (same(e, bucket, site, key))
            return e;
    }
    if (b->count == b->max) {
        *ret_why = FL_E_LIMIT;
        return NULL;
    }
    e = &b->entries[b->count++];
    *e = (struct fl_rollup_entry){.bucket_us = bucket, .site = site, .key = key};
    b->slots[at] = (uint32_t)b->count;
    return e;
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

static struct fl_span *take_words(struct fl_dict *dict, uint32_t *ret_count)
{
    const struct fl_span *words = fl_dict_words(dict, ret_count);
    size_t bytes;

    return fl_words_copy(words, *ret_count, &bytes);
}

static int builder_finish(struct builder *b, struct fl_rollup **ret, struct fl_err *err)
{
    struct fl_rollup *r = calloc(1, sizeof *r);

    if (r == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    qsort(b->entries, b->count, sizeof *b->entries, compare);
    r->entries = b->entries;
    r->count = b->count;
    b->entries = NULL;
    r->sites = take_words(b->sites, &r->site_count);
    r->keys = take_words(b->keys, &r->key_count);
    if (r->sites == NULL || r->keys == NULL) {
        fl_rollup_free(r);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    }
    *ret = r;
    return FL_OK;
}

/* ---- from columns ---- */

struct fl_fieldset fl_rollup_fields(enum fl_rollup_dim dim)
{
    static const enum fl_field fields[] = {FL_F_TIME,     FL_F_SITE,       FL_F_SESSIONS,
                                           FL_F_BYTES_UP, FL_F_BYTES_DOWN, FL_F_PACKETS,
                                           FL_F_SECONDS};
    struct fl_fieldset set = {{0, 0}};

    for (size_t i = 0; i < FL_LEN(fields); i++)
        fl_fieldset_add(&set, fields[i]);
    fl_fieldset_add(&set, fl_rollup_dim_field[dim]);
    return set;
}

struct fl_fieldset fl_rollup_users_fields(enum fl_rollup_dim dim)
{
    struct fl_fieldset set = {{0, 0}};

    fl_fieldset_add(&set, FL_F_SITE);
    fl_fieldset_add(&set, FL_F_USER);
    fl_fieldset_add(&set, fl_rollup_dim_field[dim]);
    return set;
}

/* Codes of a block's column to codes of the dictionary; [0] = 0. free() it. */
static uint32_t *map_words(const struct fl_col *col, struct fl_dict *dict, struct fl_err *err)
{
    uint32_t *map = calloc((size_t)col->word_count + 1, sizeof *map);

    if (map == NULL) {
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
        return NULL;
    }
    for (uint32_t w = 1; w < col->word_count; w++) {
        if (fl_dict_intern(dict, col->words[w], &map[w], err) < 0) {
            free(map);
            return NULL;
        }
    }
    return map;
}

static uint32_t mapped_code(const struct fl_col *col, const uint32_t *map, uint32_t row)
{
    return col->present == 0 ? 0 : map[col->code[row]];
}

static uint64_t num_at(const struct fl_block *block, enum fl_field f, uint32_t row)
{
    const struct fl_col *col = &block->col[f];

    return fl_col_has(col, row) ? col->num[row] : 0;
}

static int64_t bucket_of(int64_t us, int64_t tier_us)
{
    int64_t rest = us % tier_us;

    if (rest < 0)
        rest += tier_us;
    return us < INT64_MIN + rest ? INT64_MIN : us - rest;
}

static void add_row(const struct fl_block *block, uint32_t row, struct fl_rollup_entry *e)
{
    e->rows++;
    e->sessions += num_at(block, FL_F_SESSIONS, row);
    e->bytes_up += num_at(block, FL_F_BYTES_UP, row);
    e->bytes_down += num_at(block, FL_F_BYTES_DOWN, row);
    e->packets += num_at(block, FL_F_PACKETS, row);
    e->seconds += num_at(block, FL_F_SECONDS, row);
}

static int add_block(struct builder *b, const struct fl_block *block, enum fl_field f,
                     enum fl_rollup_tier tier, struct fl_err *err)
{
    static const struct fl_col no_site = {.present = 0};
    const struct fl_col *site = tier >= FL_TIER_5M_ALL ? &no_site : &block->col[FL_F_SITE];
    const struct fl_col *key = &block->col[f];
    const int64_t tier_us = fl_rollup_tier_us[tier];
    uint32_t *sites = map_words(site, b->sites, err);
    uint32_t *keys = sites == NULL ? NULL : map_words(key, b->keys, err);
    int r = keys == NULL ? FL_E_NOMEM : FL_OK;

    for (uint32_t row = 0; r >= 0 && row < block->rows; row++) {
        int64_t bucket = bucket_of((int64_t)num_at(block, FL_F_TIME, row), tier_us);
        int why;
        struct fl_rollup_entry *e =
            builder_at(b, bucket, mapped_code(site, sites, row), mapped_code(key, keys, row), &why);

        if (e == NULL)
            r = fl_err_set(err, why, "a rollup is too large");
        else
            add_row(block, row, e);
    }
    free(sites);
    free(keys);
    return r;
}

int fl_rollup_build_upto(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                         enum fl_rollup_tier tier, size_t max_count, struct fl_rollup **ret,
                         struct fl_err *err)
{
    struct builder b;
    int r = builder_init(&b, max_count, err);

    for (size_t i = 0; r >= 0 && i < count; i++)
        r = add_block(&b, blocks[i], fl_rollup_dim_field[dim], tier, err);
    if (r >= 0)
        r = builder_finish(&b, ret, err);
    builder_done(&b);
    return r;
}

int fl_rollup_build(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                    enum fl_rollup_tier tier, struct fl_rollup **ret, struct fl_err *err)
{
    return fl_rollup_build_upto(blocks, count, dim, tier, SIZE_MAX, ret, err);
}

static int keep_words(struct fl_dict *dict, const struct fl_span *words, uint32_t count,
                      struct fl_err *err)
{
    uint32_t code;

    for (uint32_t w = 1; w < count; w++) {
        int r = fl_dict_intern(dict, words[w], &code, err);

        if (r < 0)
            return r;
    }
    return FL_OK;
}

int fl_rollup_coarsen(const struct fl_rollup *finer, enum fl_rollup_tier tier,
                      struct fl_rollup **ret, struct fl_err *err)
{
    struct builder b;
    const bool all = tier >= FL_TIER_5M_ALL;
    int why, r = builder_init(&b, SIZE_MAX, err);

    if (r >= 0 && !all)
        r = keep_words(b.sites, finer->sites, finer->site_count, err);
    if (r >= 0)
        r = keep_words(b.keys, finer->keys, finer->key_count, err);
    for (size_t i = 0; r >= 0 && i < finer->count; i++) {
        const struct fl_rollup_entry *from = &finer->entries[i];
        struct fl_rollup_entry *e =
            builder_at(&b, bucket_of(from->bucket_us, fl_rollup_tier_us[tier]),
                       all ? 0 : from->site, from->key, &why);

        if (e == NULL) {
            r = fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
            break;
        }
        e->rows += from->rows;
        e->sessions += from->sessions;
        e->bytes_up += from->bytes_up;
        e->bytes_down += from->bytes_down;
        e->packets += from->packets;
        e->seconds += from->seconds;
    }
    if (r >= 0)
        r = builder_finish(&b, ret, err);
    builder_done(&b);
    return r;
}

/* ---- users: the same table with (site, key) and the user in place of the bucket ---- */

static int add_users(struct builder *b, struct fl_dict *users, const struct fl_block *block,
                     enum fl_field f, struct fl_err *err)
{
    const struct fl_col *site = &block->col[FL_F_SITE], *key = &block->col[f];
    const struct fl_col *user = &block->col[FL_F_USER];
    uint32_t *sites = map_words(site, b->sites, err);
    uint32_t *keys = sites == NULL ? NULL : map_words(key, b->keys, err);
    uint32_t *who = keys == NULL ? NULL : map_words(user, users, err);
    int why, r = who == NULL ? FL_E_NOMEM : FL_OK;

    for (uint32_t row = 0; r >= 0 && row < block->rows; row++) {
        if (!fl_col_has(user, row))
            continue;
        if (builder_at(b, who[user->code[row]], mapped_code(site, sites, row),
                       mapped_code(key, keys, row), &why) == NULL)
            r = fl_err_set(err, why, "users of a rollup are too many");
    }
    free(sites);
    free(keys);
    free(who);
    return r;
}

static int compare_users(const void *a, const void *b)
{
    const struct fl_rollup_entry *x = a, *y = b;

    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->bucket_us < y->bucket_us ? -1 : x->bucket_us > y->bucket_us;
}

static int finish_users(struct builder *b, struct fl_dict *users, struct fl_rollup_users **ret,
                        struct fl_err *err)
{
    struct fl_rollup_users *u = calloc(1, sizeof *u);

    if (u == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    qsort(b->entries, b->count, sizeof *b->entries, compare_users);
    u->count = b->count;
    u->pairs = calloc(b->count + 1, sizeof *u->pairs);
    u->sites = take_words(b->sites, &u->site_count);
    u->keys = take_words(b->keys, &u->key_count);
    u->users = take_words(users, &u->user_count);
    if (u->pairs == NULL || u->sites == NULL || u->keys == NULL || u->users == NULL) {
        fl_rollup_users_free(u);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    }
    for (size_t i = 0; i < b->count; i++) {
        u->pairs[i].site = b->entries[i].site;
        u->pairs[i].key = b->entries[i].key;
        u->pairs[i].user = (uint32_t)b->entries[i].bucket_us;
    }
    *ret = u;
    return FL_OK;
}

int fl_rollup_users_build_upto(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                               size_t max_count, struct fl_rollup_users **ret, struct fl_err *err)
{
    struct fl_dict *users = NULL;
    struct builder b;
    int r = builder_init(&b, max_count, err);

    if (r >= 0)
        r = fl_dict_new(&users, err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = add_users(&b, users, blocks[i], fl_rollup_dim_field[dim], err);
    if (r >= 0)
        r = finish_users(&b, users, ret, err);
    builder_done(&b);
    fl_dict_free(users);
    return r;
}

int fl_rollup_users_build(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                          struct fl_rollup_users **ret, struct fl_err *err)
{
    return fl_rollup_users_build_upto(blocks, count, dim, SIZE_MAX, ret, err);
}
