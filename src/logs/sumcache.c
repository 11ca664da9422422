#include "logs/sumcache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "logs/dict.h"

enum {
    BUCKETS = 4096, /* of the hash, a power of two */
    FRESH = 8       /* queries for which a list stays, whatever comes */
};

#define WORDS_MAX_BYTES ((size_t)16 << 20) /* of one tenant, before it begins anew */

struct list {
    struct fl_sum_list base; /* first: what readers hold */
    LIST_ENTRY(list) hash;
    TAILQ_ENTRY(list) age; /* the longest unused first */
    struct fl_sumcache *cache;
    struct fl_sumset *set; /* whose hash it is in; NULL: no more */
    unsigned char file_id[16];
    uint8_t dim, tier;
    unsigned refs; /* of readers; one more while it is in the hash */
    uint64_t used;
    size_t bytes;
    unsigned char data[];
};
LIST_HEAD(bucket, list);
TAILQ_HEAD(ages, list);

struct fl_sumset {
    struct fl_sumcache *cache;
    uint32_t tenant;
    unsigned refs; /* of queries; one more while it is the tenant's */
    bool current;
    struct fl_dict *sites, *keys[FL_ROLLUP_DIMS];
    size_t bytes; /* of the dictionaries, as counted in the cache */
    struct bucket hash[BUCKETS];
    struct fl_sumset *next;
};

struct fl_sumcache {
    pthread_mutex_t mu;
    size_t bytes, max_bytes;
    uint64_t now; /* counts queries */
    unsigned refs;
    struct ages ages;
    struct fl_sumset *sets;
};

struct fl_sumcache *fl_sumcache_new(size_t max_bytes)
{
    struct fl_sumcache *cache = calloc(1, sizeof *cache);

    if (cache == NULL || pthread_mutex_init(&cache->mu, NULL) != 0) {
        free(cache);
        return NULL;
    }
    cache->max_bytes = max_bytes;
    cache->refs = 1;
    TAILQ_INIT(&cache->ages);
    return cache;
}

/* ---- letting go; mu held ---- */

static void unref_list(struct list *l)
{
    if (--l->refs > 0)
        return;
    explicit_bzero(l->data, l->bytes - sizeof *l);
    free(l);
}

static void remove_list(struct list *l)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every list of the cache has a set */
    struct fl_sumcache *cache = l->set->cache;

    LIST_REMOVE(l, hash);
    TAILQ_REMOVE(&cache->ages, l, age);
    cache->bytes -= l->bytes;
    l->set = NULL;
    unref_list(l);
}

static void wipe_dict(struct fl_dict *dict)
{
    uint32_t count = 0;
    const struct fl_span *words = dict == NULL ? NULL : fl_dict_words(dict, &count);

    for (uint32_t w = 1; w < count; w++)
        if (words[w].len > 0)
            explicit_bzero((unsigned char *)(uintptr_t)words[w].ptr, words[w].len);
    fl_dict_free(dict);
}

static void set_done(struct fl_sumset *set)
{
    for (uint32_t b = 0; b < BUCKETS; b++)
        while (!LIST_EMPTY(&set->hash[b]))
            remove_list(LIST_FIRST(&set->hash[b]));
    set->cache->bytes -= set->bytes;
    wipe_dict(set->sites);
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
        wipe_dict(set->keys[d]);
    free(set);
}

/* The tenant's no more: its lists go now, the rest with the last query that holds it. */
static void retire_set(struct fl_sumset *set)
{
    struct fl_sumset **at = &set->cache->sets;

    while (*at != set)
        at = &(*at)->next;
    *at = set->next;
    set->current = false;
    for (uint32_t b = 0; b < BUCKETS; b++)
        while (!LIST_EMPTY(&set->hash[b]))
            remove_list(LIST_FIRST(&set->hash[b]));
    if (--set->refs == 0)
        set_done(set);
}

static void unref_cache(struct fl_sumcache *cache)
{
    bool last = --cache->refs == 0;

    pthread_mutex_unlock(&cache->mu);
    if (last) {
        (void)pthread_mutex_destroy(&cache->mu);
        free(cache);
    }
}

void fl_sumcache_free(struct fl_sumcache *cache)
{
    if (cache == NULL)
        return;
    pthread_mutex_lock(&cache->mu);
    while (cache->sets != NULL)
        retire_set(cache->sets);
    unref_cache(cache);
}

static struct fl_sumset *find_set(struct fl_sumcache *cache, uint32_t tenant)
{
    struct fl_sumset *set = cache->sets;

    while (set != NULL && set->tenant != tenant)
        set = set->next;
    return set;
}

void fl_sumcache_drop(struct fl_sumcache *cache, uint32_t tenant)
{
    struct fl_sumset *set;

    pthread_mutex_lock(&cache->mu);
    set = find_set(cache, tenant);
    if (set != NULL)
        retire_set(set);
    pthread_mutex_unlock(&cache->mu);
}

size_t fl_sumcache_bytes(struct fl_sumcache *cache)
{
    size_t bytes;

    pthread_mutex_lock(&cache->mu);
    bytes = cache->bytes;
    pthread_mutex_unlock(&cache->mu);
    return bytes;
}

/* ---- sets ---- */

static struct fl_sumset *new_set(struct fl_sumcache *cache, uint32_t tenant)
{
    struct fl_sumset *set = calloc(1, sizeof *set);
    int r = set == NULL ? FL_E_NOMEM : fl_dict_new(&set->sites, NULL);

    for (size_t d = 0; d < FL_ROLLUP_DIMS && r >= 0; d++)
        r = fl_dict_new(&set->keys[d], NULL);
    if (r < 0 && set != NULL) {
        fl_dict_free(set->sites);
        for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
            fl_dict_free(set->keys[d]);
        free(set);
    }
    if (r < 0)
        return NULL;
    set->cache = cache;
    set->tenant = tenant;
    set->refs = 1;
    set->current = true;
    set->next = cache->sets;
    cache->sets = set;
    return set;
}

struct fl_sumset *fl_sumset_of(struct fl_sumcache *cache, uint32_t tenant)
{
    struct fl_sumset *set;

    pthread_mutex_lock(&cache->mu);
    cache->now++;
    set = find_set(cache, tenant);
    if (set != NULL && set->bytes > WORDS_MAX_BYTES) {
        retire_set(set);
        set = NULL;
    }
    if (set == NULL)
        set = new_set(cache, tenant);
    if (set != NULL) {
        set->refs++;
        cache->refs++;
    }
    pthread_mutex_unlock(&cache->mu);
    return set;
}

void fl_sumset_unref(struct fl_sumset *set)
{
    struct fl_sumcache *cache;

    if (set == NULL)
        return;
    cache = set->cache;
    pthread_mutex_lock(&cache->mu);
    if (--set->refs == 0)
        set_done(set);
    unref_cache(cache);
}

static struct fl_span word_of(struct fl_sumset *set, struct fl_dict *dict, uint32_t number)
{
    struct fl_span word = {NULL, 0};
    const struct fl_span *words;
    uint32_t count;

    pthread_mutex_lock(&set->cache->mu);
    words = fl_dict_words(dict, &count);
    if (number < count)
        word = words[number];
    pthread_mutex_unlock(&set->cache->mu);
    return word;
}

static uint32_t count_of(struct fl_sumset *set, struct fl_dict *dict)
{
    uint32_t count;

    pthread_mutex_lock(&set->cache->mu);
    (void)fl_dict_words(dict, &count);
    pthread_mutex_unlock(&set->cache->mu);
    return count;
}

struct fl_span fl_sumset_site(struct fl_sumset *set, uint32_t site)
{
    return word_of(set, set->sites, site);
}

struct fl_span fl_sumset_key(struct fl_sumset *set, enum fl_rollup_dim dim, uint32_t key)
{
    return word_of(set, set->keys[dim], key);
}

uint32_t fl_sumset_sites(struct fl_sumset *set)
{
    return count_of(set, set->sites);
}

uint32_t fl_sumset_keys(struct fl_sumset *set, enum fl_rollup_dim dim)
{
    return count_of(set, set->keys[dim]);
}

/* ---- lists ---- */

static struct bucket *bucket_of(struct fl_sumset *set, const unsigned char file_id[16],
                                enum fl_rollup_dim dim, enum fl_rollup_tier tier)
{
    uint64_t h;

    memcpy(&h, file_id, sizeof h); /* random */
    return &set->hash[(h + (uint64_t)dim * 977 + (uint64_t)tier * 131) & (BUCKETS - 1)];
}

static struct list *find_list(struct fl_sumset *set, const unsigned char file_id[16],
                              enum fl_rollup_dim dim, enum fl_rollup_tier tier)
{
    struct list *l;

    LIST_FOREACH(l, bucket_of(set, file_id, dim, tier), hash)
    {
        if (memcmp(l->file_id, file_id, 16) == 0 && l->dim == dim && l->tier == tier)
            return l;
    }
    return NULL;
}

static const struct fl_sum_list *hold(struct fl_sumcache *cache, struct list *l)
{
    l->refs++;
    cache->refs++;
    l->used = cache->now;
    TAILQ_REMOVE(&cache->ages, l, age);
    TAILQ_INSERT_TAIL(&cache->ages, l, age);
    return &l->base;
}

const struct fl_sum_list *fl_sumset_get(struct fl_sumset *set, const unsigned char file_id[16],
                                        enum fl_rollup_dim dim, enum fl_rollup_tier tier)
{
    const struct fl_sum_list *found = NULL;
    struct list *l;

    pthread_mutex_lock(&set->cache->mu);
    l = set->current ? find_list(set, file_id, dim, tier) : NULL;
    if (l != NULL)
        found = hold(set->cache, l);
    pthread_mutex_unlock(&set->cache->mu);
    return found;
}

static uint32_t buckets_of(const struct fl_rollup *sums)
{
    uint32_t n = 0;

    for (size_t i = 0; i < sums->count; i++)
        n += i == 0 || sums->entries[i].bucket_us != sums->entries[i - 1].bucket_us;
    return n;
}

static bool room_for(struct fl_sumcache *cache, size_t bytes)
{
    while (cache->bytes + bytes > cache->max_bytes) {
        struct list *oldest = TAILQ_FIRST(&cache->ages);

        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed left the list before */
        if (oldest == NULL || oldest->used + FRESH >= cache->now)
            return false;
        remove_list(oldest);
    }
    return true;
}

/* Numbers in the set of a rollup's words; [0] = 0. */
static uint32_t *number_words(struct fl_dict *dict, const struct fl_span *words, uint32_t count)
{
    uint32_t *map = calloc((size_t)count + 1, sizeof *map);

    for (uint32_t w = 1; map != NULL && w < count; w++) {
        if (fl_dict_intern(dict, words[w], &map[w], NULL) < 0) {
            free(map);
            map = NULL;
        }
    }
    return map;
}

static bool narrow(uint64_t v)
{
    return v <= UINT32_MAX;
}

static bool fill_list(struct list *l, const struct fl_rollup *sums, const uint32_t *sites,
                      const uint32_t *keys, uint32_t buckets)
{
    struct fl_sum_entry *entry = (struct fl_sum_entry *)(void *)l->data;
    int64_t *bucket_us = (int64_t *)(void *)(entry + sums->count);
    uint32_t b = 0;

    for (size_t i = 0; i < sums->count; i++) {
        const struct fl_rollup_entry *e = &sums->entries[i];

        b += i > 0 && e->bucket_us != sums->entries[i - 1].bucket_us;
        if (!narrow(e->rows) || !narrow(e->sessions) || !narrow(e->packets) ||
            !narrow(e->seconds) || sites[e->site] > UINT16_MAX)
            return false;
        bucket_us[b] = e->bucket_us;
        entry[i] = (struct fl_sum_entry){.up = e->bytes_up,
                                         .down = e->bytes_down,
                                         .key = keys[e->key],
                                         .rows = (uint32_t)e->rows,
                                         .sessions = (uint32_t)e->sessions,
                                         .packets = (uint32_t)e->packets,
                                         .seconds = (uint32_t)e->seconds,
                                         .site = (uint16_t)sites[e->site],
                                         .bucket = (uint16_t)b};
    }
    l->base = (struct fl_sum_list){
        .entries = entry, .count = sums->count, .bucket_us = buckets == 0 ? NULL : bucket_us};
    return true;
}

/* mu held. */
static struct list *make_list(struct fl_sumset *set, enum fl_rollup_dim dim,
                              const struct fl_rollup *sums)
{
    uint32_t buckets = sums == NULL ? 0 : buckets_of(sums), *sites = NULL, *keys = NULL;
    size_t data =
        sums == NULL ? 0 : sums->count * sizeof(struct fl_sum_entry) + buckets * sizeof(int64_t);
    struct list *l;
    bool ok = buckets <= UINT16_MAX && room_for(set->cache, sizeof *l + data);

    l = ok ? calloc(1, sizeof *l + data) : NULL;
    if (l == NULL)
        return NULL;
    l->bytes = sizeof *l + data;
    l->refs = 1;
    if (sums == NULL)
        return l;
    sites = number_words(set->sites, sums->sites, sums->site_count);
    keys = number_words(set->keys[dim], sums->keys, sums->key_count);
    ok = sites != NULL && keys != NULL && fill_list(l, sums, sites, keys, buckets);
    free(sites);
    free(keys);
    if (!ok)
        unref_list(l);
    return ok ? l : NULL;
}

static void count_words(struct fl_sumset *set)
{
    size_t bytes = sizeof *set + fl_dict_bytes(set->sites);

    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
        bytes += fl_dict_bytes(set->keys[d]);
    set->cache->bytes += bytes - set->bytes;
    set->bytes = bytes;
}

const struct fl_sum_list *fl_sumset_add(struct fl_sumset *set, const unsigned char file_id[16],
                                        enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                                        const struct fl_rollup *sums)
{
    struct fl_sumcache *cache = set->cache;
    const struct fl_sum_list *kept = NULL;
    struct list *l = NULL;

    pthread_mutex_lock(&cache->mu);
    if (set->current && find_list(set, file_id, dim, tier) == NULL)
        l = make_list(set, dim, sums);
    if (l != NULL) {
        l->cache = cache;
        l->set = set;
        l->dim = (uint8_t)dim;
        l->tier = (uint8_t)tier;
        memcpy(l->file_id, file_id, sizeof l->file_id);
        LIST_INSERT_HEAD(bucket_of(set, file_id, dim, tier), l, hash);
        TAILQ_INSERT_TAIL(&cache->ages, l, age);
        cache->bytes += l->bytes;
        count_words(set);
        kept = hold(cache, l);
    }
    pthread_mutex_unlock(&cache->mu);
    return kept;
}

void fl_sum_list_unref(const struct fl_sum_list *list)
{
    struct list *l = (struct list *)(uintptr_t)list;
    struct fl_sumcache *cache;

    if (list == NULL)
        return;
    cache = l->cache;
    pthread_mutex_lock(&cache->mu);
    unref_list(l);
    unref_cache(cache);
}
