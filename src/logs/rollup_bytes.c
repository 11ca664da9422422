/* Rollups as bytes: declared in rollup.h, layout in FORMAT.md "Rollups". */
#include <stdlib.h>
#include <string.h>

#include "logs/column.h"
#include "logs/rollup.h"

enum { SUMS = 6 };

static void put_words(struct fl_buf *out, const struct fl_span *words, uint32_t count)
{
    for (uint32_t w = 1; w < count; w++)
        fl_buf_put_lv(out, words[w]);
}

/* Counts of words as read: with word 0. */
static struct fl_span *get_words(struct fl_cursor *cur, uint32_t count)
{
    struct fl_span *borrowed, *copy = NULL;
    size_t bytes;

    if (cur->failed || count == 0 || count - 1 > fl_cursor_left(cur))
        return NULL;
    borrowed = calloc(count, sizeof *borrowed);
    if (borrowed == NULL)
        return NULL;
    for (uint32_t w = 1; w < count; w++)
        borrowed[w] = fl_cursor_lv(cur, FL_STR_MAX);
    if (!cur->failed)
        copy = fl_words_copy(borrowed, count, &bytes);
    free(borrowed);
    return copy;
}

static uint64_t *sum_of(struct fl_rollup_entry *e, size_t i)
{
    uint64_t *const sums[SUMS] = {&e->rows,       &e->sessions, &e->bytes_up,
                                  &e->bytes_down, &e->packets,  &e->seconds};

    return sums[i];
}

void fl_rollup_encode(const struct fl_rollup *r, enum fl_rollup_tier tier, struct fl_buf *out)
{
    uint64_t *v = malloc((r->count + 1) * sizeof *v);

    if (v == NULL) {
        out->failed = out->failed != 0 ? out->failed : FL_E_NOMEM;
        return;
    }
    fl_buf_put_u32(out, r->site_count);
    fl_buf_put_u32(out, r->key_count);
    fl_buf_put_u32(out, (uint32_t)r->count);
    put_words(out, r->sites, r->site_count);
    put_words(out, r->keys, r->key_count);
    for (size_t i = 0; i < r->count; i++)
        v[i] = (uint64_t)(r->entries[i].bucket_us / fl_rollup_tier_us[tier]);
    fl_vector_put(out, v, r->count);
    for (size_t i = 0; i < r->count; i++)
        v[i] = r->entries[i].site;
    fl_vector_put(out, v, r->count);
    for (size_t i = 0; i < r->count; i++)
        v[i] = r->entries[i].key;
    fl_vector_put(out, v, r->count);
    for (size_t s = 0; s < SUMS; s++) {
        for (size_t i = 0; i < r->count; i++)
            v[i] = *sum_of(&r->entries[i], s);
        fl_vector_put(out, v, r->count);
    }
    free(v);
}

static bool get_codes(struct fl_cursor *cur, uint64_t *v, size_t n, uint32_t limit)
{
    if (!fl_vector_get(cur, v, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (v[i] >= limit)
            return false;
    return true;
}

static bool get_buckets(struct fl_cursor *cur, uint64_t *v, size_t n, int64_t tier_us)
{
    if (!fl_vector_get(cur, v, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t t = (int64_t)v[i];

        if (t > INT64_MAX / tier_us || t < INT64_MIN / tier_us)
            return false;
        v[i] = (uint64_t)(t * tier_us);
    }
    return true;
}

static bool sorted(const struct fl_rollup *r)
{
    for (size_t i = 1; i < r->count; i++) {
        const struct fl_rollup_entry *a = &r->entries[i - 1], *b = &r->entries[i];

        if (a->bucket_us != b->bucket_us ? a->bucket_us > b->bucket_us
            : a->site != b->site         ? a->site > b->site
                                         : a->key >= b->key)
            return false;
    }
    return true;
}

static bool get_entries(struct fl_cursor *cur, enum fl_rollup_tier tier, struct fl_rollup *r,
                        uint64_t *v)
{
    if (!get_buckets(cur, v, r->count, fl_rollup_tier_us[tier]))
        return false;
    for (size_t i = 0; i < r->count; i++)
        r->entries[i].bucket_us = (int64_t)v[i];
    if (!get_codes(cur, v, r->count, r->site_count))
        return false;
    for (size_t i = 0; i < r->count; i++)
        r->entries[i].site = (uint32_t)v[i];
    if (!get_codes(cur, v, r->count, r->key_count))
        return false;
    for (size_t i = 0; i < r->count; i++)
        r->entries[i].key = (uint32_t)v[i];
    for (size_t s = 0; s < SUMS; s++) {
        if (!fl_vector_get(cur, v, r->count))
            return false;
        for (size_t i = 0; i < r->count; i++)
            *sum_of(&r->entries[i], s) = v[i];
    }
    return fl_cursor_done(cur) && sorted(r);
}

int fl_rollup_decode(struct fl_span payload, enum fl_rollup_tier tier, size_t max_count,
                     struct fl_rollup **ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(payload);
    struct fl_rollup *r = calloc(1, sizeof *r);
    uint64_t *v = NULL;
    bool ok = false;

    if (r == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    r->site_count = fl_cursor_u32(&cur);
    r->key_count = fl_cursor_u32(&cur);
    r->count = fl_cursor_u32(&cur);
    if (!cur.failed && r->count <= max_count) {
        r->sites = get_words(&cur, r->site_count);
        r->keys = r->sites == NULL ? NULL : get_words(&cur, r->key_count);
        r->entries = calloc(r->count + 1, sizeof *r->entries);
        v = calloc(r->count + 1, sizeof *v);
        ok = r->keys != NULL && r->entries != NULL && v != NULL && get_entries(&cur, tier, r, v);
    }
    free(v);
    if (!ok) {
        fl_rollup_free(r);
        return fl_err_set(err, FL_E_CORRUPT, "a rollup of %zu bytes is malformed", payload.len);
    }
    *ret = r;
    return FL_OK;
}

void fl_rollup_users_encode(const struct fl_rollup_users *u, struct fl_buf *out)
{
    uint64_t *v = malloc((u->count + 1) * sizeof *v);

    if (v == NULL) {
        out->failed = out->failed != 0 ? out->failed : FL_E_NOMEM;
        return;
    }
    fl_buf_put_u32(out, u->site_count);
    fl_buf_put_u32(out, u->key_count);
    fl_buf_put_u32(out, u->user_count);
    fl_buf_put_u32(out, (uint32_t)u->count);
    put_words(out, u->sites, u->site_count);
    put_words(out, u->keys, u->key_count);
    put_words(out, u->users, u->user_count);
    for (size_t i = 0; i < u->count; i++)
        v[i] = u->pairs[i].site;
    fl_vector_put(out, v, u->count);
    for (size_t i = 0; i < u->count; i++)
        v[i] = u->pairs[i].key;
    fl_vector_put(out, v, u->count);
    for (size_t i = 0; i < u->count; i++)
        v[i] = u->pairs[i].user;
    fl_vector_put(out, v, u->count);
    free(v);
}

static bool get_pairs(struct fl_cursor *cur, struct fl_rollup_users *u, uint64_t *v)
{
    if (!get_codes(cur, v, u->count, u->site_count))
        return false;
    for (size_t i = 0; i < u->count; i++)
        u->pairs[i].site = (uint32_t)v[i];
    if (!get_codes(cur, v, u->count, u->key_count))
        return false;
    for (size_t i = 0; i < u->count; i++)
        u->pairs[i].key = (uint32_t)v[i];
    if (!get_codes(cur, v, u->count, u->user_count))
        return false;
    for (size_t i = 0; i < u->count; i++)
        u->pairs[i].user = (uint32_t)v[i];
    return fl_cursor_done(cur);
}

int fl_rollup_users_decode(struct fl_span payload, size_t max_count, struct fl_rollup_users **ret,
                           struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(payload);
    struct fl_rollup_users *u = calloc(1, sizeof *u);
    uint64_t *v = NULL;
    bool ok = false;

    if (u == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
    u->site_count = fl_cursor_u32(&cur);
    u->key_count = fl_cursor_u32(&cur);
    u->user_count = fl_cursor_u32(&cur);
    u->count = fl_cursor_u32(&cur);
    if (!cur.failed && u->count <= max_count) {
        u->sites = get_words(&cur, u->site_count);
        u->keys = u->sites == NULL ? NULL : get_words(&cur, u->key_count);
        u->users = u->keys == NULL ? NULL : get_words(&cur, u->user_count);
        u->pairs = calloc(u->count + 1, sizeof *u->pairs);
        v = calloc(u->count + 1, sizeof *v);
        ok = u->users != NULL && u->pairs != NULL && v != NULL && get_pairs(&cur, u, v);
    }
    free(v);
    if (!ok) {
        fl_rollup_users_free(u);
        return fl_err_set(err, FL_E_CORRUPT, "users of a rollup, %zu bytes, are malformed",
                          payload.len);
    }
    *ret = u;
    return FL_OK;
}
