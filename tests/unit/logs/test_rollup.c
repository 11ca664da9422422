/* Sums built dense, block after block, against sums built entry by entry; and what queries remember
 * of them. */
#include <inttypes.h>

#include "base/time.h"
#include "logs/rollup.h"
#include "logs/sumcache.h"
#include "store_help.h"
#include "tap.h"

enum { MAX_BLOCKS = 5 };

struct shape { /* of the rows */
    const char *name;
    uint32_t blocks, rows, sites, keys, users;
    int64_t spread_s; /* of event times */
    bool wild;        /* some times anywhere */
};

static const struct shape shapes[] = {
    {"one site, few keys", 2, 3000, 1, 8, 20, 3600, false},
    {"no site", 1, 3000, 0, 8, 20, 3600, false},
    {"many sites", 3, 8000, 60, 30, 400, 900, false},
    {"more keys than a dense table takes", 2, 30000, 3, 9000, 12000, 4000, false},
    {"days", 4, 6000, 4, 20, 50, 9 * 86400, false},
    {"a mad clock", 2, 2000, 2, 5, 9, 600, true},
    {"one row", 1, 1, 1, 1, 1, 1, false},
};

static void put_row(struct rnd *r, const struct shape *shape, bool wild, struct fl_event *ev,
                    char t[5][24])
{
    static const enum fl_field sums[] = {FL_F_BYTES_UP, FL_F_BYTES_DOWN, FL_F_PACKETS,
                                         FL_F_SECONDS};
    int64_t at_us = INT64_C(1750000000) * FL_US_PER_S;

    at_us += (int64_t)rnd_below(r, (uint64_t)shape->spread_s * 1000) * 1000;
    if (wild && rnd_below(r, 50) == 0)
        at_us = (int64_t)rnd_next(r) / 40;
    fl_event_clear(ev);
    fl_event_time(ev, FL_F_TIME, at_us);
    for (size_t i = 0; i < 5; i++)
        t[i][0] = '\0';
    if (shape->sites == 1 || (shape->sites > 1 && rnd_below(r, 20) != 0)) {
        (void)snprintf(t[0], 24, "site-%u", (unsigned)rnd_below(r, shape->sites));
        fl_event_str(ev, FL_F_SITE, fl_span_str(t[0]));
    }
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        uint32_t keys = d == FL_BY_USER ? shape->users : shape->keys;

        if (rnd_below(r, 10) == 0)
            continue;
        (void)snprintf(t[1 + d], 24, "key-%zu-%u", d, (unsigned)rnd_below(r, keys));
        fl_event_str(ev, fl_rollup_dim_field[d], fl_span_str(t[1 + d]));
    }
    if (rnd_below(r, 3) == 0)
        return; /* not counted: rows only */
    fl_event_num(ev, FL_F_SESSIONS, 1);
    for (size_t i = 0; i < FL_LEN(sums); i++)
        if (rnd_below(r, 4) != 0)
            fl_event_num(ev, sums[i], rnd_next(r) >> (34 + rnd_below(r, 30)));
}

static uint32_t make_blocks(struct rnd *r, const struct shape *shape,
                            struct fl_block *block[MAX_BLOCKS])
{
    struct fl_event ev = {0};
    char t[5][24];

    for (uint32_t b = 0; b < shape->blocks; b++) {
        if (fl_block_new(&block[b], NULL) < 0)
            abort();
        for (uint32_t i = 0; i < shape->rows; i++) {
            put_row(r, shape, shape->wild && b > 0, &ev, t);
            if (fl_block_add(block[b], &ev, NULL) < 0)
                abort();
        }
    }
    return shape->blocks;
}

/* ---- comparing by name: codes may differ ---- */

struct named {
    int64_t bucket_us;
    struct fl_span site, key;
    uint64_t v[6];
};

static int compare_spans(struct fl_span a, struct fl_span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

    return c != 0 ? c : a.len < b.len ? -1 : a.len > b.len;
}

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int c;

    if (a->bucket_us != b->bucket_us)
        return a->bucket_us < b->bucket_us ? -1 : 1;
    c = compare_spans(a->site, b->site);
    return c != 0 ? c : compare_spans(a->key, b->key);
}

static struct named *names_of(const struct fl_rollup *u)
{
    struct named *n = calloc(u->count + 1, sizeof *n);

    if (n == NULL)
        abort();
    for (size_t i = 0; i < u->count; i++) {
        const struct fl_rollup_entry *e = &u->entries[i];

        n[i] = (struct named){
            e->bucket_us,
            u->sites[e->site],
            u->keys[e->key],
            {e->rows, e->sessions, e->bytes_up, e->bytes_down, e->packets, e->seconds}};
    }
    qsort(n, u->count, sizeof *n, compare_named);
    return n;
}

static bool same(const struct fl_rollup *a, const struct fl_rollup *b)
{
    struct named *x = names_of(a), *y = names_of(b);
    bool ok = a->count == b->count;

    for (size_t i = 0; ok && i < a->count; i++)
        ok = compare_named(&x[i], &y[i]) == 0 && memcmp(x[i].v, y[i].v, sizeof x[i].v) == 0;
    free(x);
    free(y);
    return ok;
}

/* ---- what was built ---- */

struct built {
    struct fl_block *const *block;
    uint32_t blocks, rows;
    unsigned stored, wrong, users, users_wrong;
    size_t bytes;
    bool has[FL_ROLLUP_DIMS][FL_ROLLUP_TIERS];
};

static void check_users(struct built *b, enum fl_rollup_dim dim, struct fl_span payload)
{
    struct fl_rollup_users *got = NULL, *want = NULL;
    struct fl_err err = {0};
    size_t found = 0;

    b->users++;
    if (fl_rollup_users_decode(payload, b->rows, &got, &err) < 0 ||
        fl_rollup_users_build(b->block, b->blocks, dim, &want, &err) < 0) {
        printf("# users: %s\n", err.text);
        b->users_wrong++;
    } else {
        for (size_t i = 0; i < got->count && got->count < 3000; i++)
            for (size_t k = 0; k < want->count; k++)
                found +=
                    fl_span_eq(got->sites[got->pairs[i].site], want->sites[want->pairs[k].site]) &&
                    fl_span_eq(got->keys[got->pairs[i].key], want->keys[want->pairs[k].key]) &&
                    fl_span_eq(got->users[got->pairs[i].user], want->users[want->pairs[k].user]);
        b->users_wrong += got->count != want->count || (got->count < 3000 && found != got->count);
    }
    fl_rollup_users_free(got);
    fl_rollup_users_free(want);
}

static int check_payload(void *ctx, bool users, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                         struct fl_span payload, struct fl_err *err)
{
    struct built *b = ctx;
    struct fl_rollup *got = NULL, *want = NULL;

    (void)err;
    b->bytes += payload.len;
    if (users) {
        check_users(b, dim, payload);
        return 0;
    }
    b->stored++;
    b->has[dim][tier] = true;
    if (fl_rollup_decode(payload, tier, b->rows, &got, NULL) < 0 ||
        fl_rollup_build(b->block, b->blocks, dim, tier, &want, NULL) < 0 || !same(got, want)) {
        printf("# dimension %d, tier %d is wrong: %zu entries, not %zu\n", dim, tier,
               got == NULL ? 0 : got->count, want == NULL ? 0 : want->count);
        b->wrong++;
    }
    fl_rollup_free(got);
    fl_rollup_free(want);
    return 0;
}

static void check_shape(struct rnd *r, const struct shape *shape)
{
    struct fl_block *block[MAX_BLOCKS] = {NULL};
    struct built b = {.block = block, .blocks = make_blocks(r, shape, block)};
    struct fl_rollups *sums = NULL;
    char name[100];

    b.rows = shape->blocks * shape->rows;
    if (fl_rollups_new(&sums, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < b.blocks; i++)
        if (fl_rollups_add(sums, block[i], NULL) < 0)
            abort();
    if (fl_rollups_finish(sums, check_payload, &b, NULL) < 0)
        b.wrong++;
    fl_rollups_free(sums);
    printf("# %s: %u sums, %u lists of users, %zu bytes of %u rows\n", shape->name, b.stored,
           b.users, b.bytes, b.rows);
    (void)snprintf(name, sizeof name, "%s: what is stored is what the rows give", shape->name);
    CHECK(b.wrong == 0 && b.users_wrong == 0, name);
    if (shape == &shapes[0])
        CHECK(b.has[FL_BY_APP][FL_TIER_5M] && !b.has[FL_BY_APP][FL_TIER_5M_ALL] && b.users > 0,
              "with one site the sums with sites serve as those of all");
    if (shape == &shapes[2])
        CHECK(b.has[FL_BY_APP][FL_TIER_5M_ALL] || b.has[FL_BY_APP][FL_TIER_1H_ALL],
              "with many sites there are sums of all of them");
    if (shape == &shapes[5])
        CHECK(b.stored == 0, "times over thousands of years have no sums");
    for (uint32_t i = 0; i < b.blocks; i++)
        fl_block_free(block[i]);
}

/* ---- what is remembered ---- */

static struct fl_rollup *sums_of(struct rnd *r, const struct shape *shape, enum fl_rollup_dim dim)
{
    struct fl_block *block[MAX_BLOCKS] = {NULL};
    uint32_t blocks = make_blocks(r, shape, block);
    struct fl_rollup *sums = NULL;

    if (fl_rollup_build(block, blocks, dim, FL_TIER_5M, &sums, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < blocks; i++)
        fl_block_free(block[i]);
    return sums;
}

static bool same_list(struct fl_sumset *set, const struct fl_sum_list *list,
                      const struct fl_rollup *sums, enum fl_rollup_dim dim)
{
    bool ok = list != NULL && list->count == sums->count;

    for (size_t i = 0; ok && i < sums->count; i++) {
        const struct fl_rollup_entry *e = &sums->entries[i];
        const struct fl_sum_entry *s = &list->entries[i];

        ok = list->bucket_us[s->bucket] == e->bucket_us && s->up == e->bytes_up &&
             s->down == e->bytes_down && s->rows == e->rows && s->sessions == e->sessions &&
             s->packets == e->packets && s->seconds == e->seconds &&
             fl_span_eq(fl_sumset_site(set, s->site), sums->sites[e->site]) &&
             fl_span_eq(fl_sumset_key(set, dim, s->key), sums->keys[e->key]);
    }
    return ok;
}

static void check_cache(struct rnd *r)
{
    static const struct shape small = {"", 1, 2000, 4, 30, 40, 1800, false};
    unsigned char id[3][16] = {"file one", "file two", "file three"};
    struct fl_sumcache *cache = fl_sumcache_new((size_t)8 << 20);
    struct fl_sumset *set = fl_sumset_of(cache, 1), *other = fl_sumset_of(cache, 2), *again;
    struct fl_rollup *sums[2] = {sums_of(r, &small, FL_BY_APP), sums_of(r, &small, FL_BY_APP)};
    const struct fl_sum_list *list[3], *none, *held;

    sums[0]->entries[0].bytes_up = UINT64_MAX;
    list[0] = fl_sumset_add(set, id[0], FL_BY_APP, FL_TIER_5M, sums[0]);
    list[1] = fl_sumset_add(set, id[1], FL_BY_APP, FL_TIER_5M, sums[1]);
    CHECK(same_list(set, list[0], sums[0], FL_BY_APP) &&
              same_list(set, list[1], sums[1], FL_BY_APP),
          "sums are remembered, in the words of the tenant");
    none = fl_sumset_add(set, id[2], FL_BY_APP, FL_TIER_5M, NULL);
    CHECK(none != NULL && none->bucket_us == NULL, "and that there are none");
    fl_sum_list_unref(none);
    held = fl_sumset_get(set, id[0], FL_BY_APP, FL_TIER_5M);
    CHECK(held == list[0] && fl_sumset_get(set, id[0], FL_BY_APP, FL_TIER_1H) == NULL &&
              fl_sumset_get(set, id[0], FL_BY_USER, FL_TIER_5M) == NULL &&
              fl_sumset_get(other, id[0], FL_BY_APP, FL_TIER_5M) == NULL,
          "found by file, dimension, tier and tenant alone");
    fl_sum_list_unref(held);
    sums[0]->entries[1].packets = UINT64_C(1) << 32;
    CHECK(fl_sumset_add(set, id[0], FL_BY_USER, FL_TIER_5M, sums[0]) == NULL,
          "a number that does not fit is not kept");
    fl_sumcache_drop(cache, 1);
    CHECK(same_list(set, list[1], sums[1], FL_BY_APP) &&
              fl_sumset_get(set, id[1], FL_BY_APP, FL_TIER_5M) == NULL &&
              fl_sumset_add(set, id[1], FL_BY_APP, FL_TIER_5M, sums[1]) == NULL,
          "forgotten at once; who holds it goes on, and nothing is added");
    again = fl_sumset_of(cache, 1);
    CHECK(fl_sumset_get(again, id[1], FL_BY_APP, FL_TIER_5M) == NULL &&
              fl_sumset_keys(again, FL_BY_APP) == 1,
          "the next query begins with nothing, no word either");
    fl_sumset_unref(again);
    fl_sum_list_unref(list[0]);
    fl_sum_list_unref(list[1]);
    fl_sumset_unref(set);
    fl_sumset_unref(other);
    fl_sumcache_free(cache);
    fl_rollup_free(sums[0]);
    fl_rollup_free(sums[1]);
}

static void check_bound(struct rnd *r)
{
    static const struct shape small = {"", 1, 3000, 4, 60, 40, 1800, false};
    const size_t most = (size_t)512 << 10;
    struct fl_sumcache *cache = fl_sumcache_new(most);
    struct fl_rollup *sums = sums_of(r, &small, FL_BY_APP);
    unsigned kept = 0, refused = 0, late = 0;

    for (unsigned i = 0; i < 200; i++) { /* within one query nothing makes room for the next */
        struct fl_sumset *set = i == 0 || i >= 100 ? fl_sumset_of(cache, 1) : NULL;
        static struct fl_sumset *first;
        unsigned char id[16] = {(unsigned char)i, 1};
        const struct fl_sum_list *list;

        first = i == 0 ? set : first;
        list = fl_sumset_add(i < 100 ? first : set, id, FL_BY_APP, FL_TIER_5M, sums);
        kept += i < 100 && list != NULL;
        refused += i < 100 && list == NULL;
        late += i >= 100 && list != NULL;
        fl_sum_list_unref(list);
        if (i >= 100)
            fl_sumset_unref(set);
        if (i == 99)
            fl_sumset_unref(first);
    }
    printf("# %u kept, %u refused, %u later ones kept, %zu bytes\n", kept, refused, late,
           fl_sumcache_bytes(cache));
    CHECK(kept > 0 && refused > 0, "no more is kept than there is room for");
    CHECK(late > 0 && fl_sumcache_bytes(cache) <= most + 65536,
          "what was not used for some queries makes room");
    fl_sumcache_free(cache);
    fl_rollup_free(sums);
}

/* ---- many queries and a destruction ---- */

struct asker {
    struct fl_sumcache *cache;
    const struct fl_rollup *sums;
    uint32_t tenant;
    unsigned wrong;
};

static void *ask_often(void *ctx)
{
    struct asker *a = ctx;

    for (unsigned i = 0; i < 400; i++) {
        unsigned char id[16] = {(unsigned char)(i % 20), 2};
        struct fl_sumset *set = fl_sumset_of(a->cache, a->tenant);
        const struct fl_sum_list *list = fl_sumset_get(set, id, FL_BY_APP, FL_TIER_5M);

        if (list == NULL)
            list = fl_sumset_add(set, id, FL_BY_APP, FL_TIER_5M, a->sums);
        if (list != NULL && i % 10 == 0)
            a->wrong += !same_list(set, list, a->sums, FL_BY_APP);
        fl_sum_list_unref(list);
        if (i % 50 == 49)
            fl_sumcache_drop(a->cache, 1 + i / 50 % 2);
        fl_sumset_unref(set);
    }
    return NULL;
}

static void check_threads(struct rnd *r)
{
    static const struct shape small = {"", 1, 500, 3, 20, 10, 1800, false};
    struct fl_sumcache *cache = fl_sumcache_new((size_t)256 << 10);
    struct fl_rollup *sums = sums_of(r, &small, FL_BY_APP);
    struct asker asker[4];
    pthread_t thread[4];
    unsigned wrong = 0;

    for (unsigned i = 0; i < 4; i++) {
        asker[i] = (struct asker){cache, sums, 1 + i % 2, 0};
        if (pthread_create(&thread[i], NULL, ask_often, &asker[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(thread[i], NULL);
        wrong += asker[i].wrong;
    }
    CHECK(wrong == 0, "queries of two tenants and destructions at once");
    fl_sumcache_drop(cache, 1);
    fl_sumcache_drop(cache, 2);
    CHECK(fl_sumcache_bytes(cache) == 0, "and nothing is left of them");
    fl_sumcache_free(cache);
    fl_rollup_free(sums);
}

int main(void)
{
    struct rnd r = {3};

    for (size_t i = 0; i < FL_LEN(shapes); i++)
        check_shape(&r, &shapes[i]);
    check_cache(&r);
    check_bound(&r);
    check_threads(&r);
    return tap_done();
}
