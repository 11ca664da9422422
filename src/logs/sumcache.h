/*
 * sumcache.h - sums of sealed segments as queries remember them: decrypted, decoded, and with their
 * words as numbers of one dictionary per tenant, so that adding up a day costs no look-up of text.
 *
 * Bounded: what was not used for a while makes room, else nothing new is kept. All that is known of
 * a tenant is forgotten and wiped at once when any of its segments is destroyed: words of the
 * dictionary do not know which segment they came from. A query that holds a set goes on with it.
 * Any thread.
 */
#ifndef FL_LOGS_SUMCACHE_H
#define FL_LOGS_SUMCACHE_H

#include "logs/rollup.h"

struct fl_sumcache;
struct fl_sumset; /* of one tenant; shared by references */

struct fl_sum_entry {
    uint64_t up, down;
    uint32_t key, rows, sessions, packets, seconds; /* key: number in the set; 0 absent */
    uint16_t site, bucket;                          /* number in the set; place in buckets */
};

struct fl_sum_list { /* of one segment, dimension and tier; shared by references */
    const struct fl_sum_entry *entries;
    size_t count; /* 0 with buckets NULL: it is known that this tier is not stored */
    const int64_t *bucket_us;
};

struct fl_sumcache *fl_sumcache_new(size_t max_bytes); /* NULL: no memory */
/* NULL is allowed. Sets that are still held stay until they are let go. */
void fl_sumcache_free(struct fl_sumcache *cache);
/* Forget all of a tenant. */
void fl_sumcache_drop(struct fl_sumcache *cache, uint32_t tenant);
size_t fl_sumcache_bytes(struct fl_sumcache *cache);

/* The set of a tenant, made where missing; NULL: no memory. For one query: what is used in it is
 * newer than what only earlier ones used. */
struct fl_sumset *fl_sumset_of(struct fl_sumcache *cache, uint32_t tenant);
void fl_sumset_unref(struct fl_sumset *set); /* NULL is allowed */

/* NULL: nothing is known. */
const struct fl_sum_list *fl_sumset_get(struct fl_sumset *set, const unsigned char file_id[16],
                                        enum fl_rollup_dim dim, enum fl_rollup_tier tier);
/* Keep sums, or (NULL) that there are none; the list, or NULL where there is no room for it or a
 * number in it is too large. */
const struct fl_sum_list *fl_sumset_add(struct fl_sumset *set, const unsigned char file_id[16],
                                        enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                                        const struct fl_rollup *sums);
void fl_sum_list_unref(const struct fl_sum_list *list); /* NULL is allowed */

/* Word of a number; borrowed until the set is let go. */
struct fl_span fl_sumset_site(struct fl_sumset *set, uint32_t site);
struct fl_span fl_sumset_key(struct fl_sumset *set, enum fl_rollup_dim dim, uint32_t key);
/* Numbers so far, with 0; the dictionary may grow meanwhile, numbers of a list are below it. */
uint32_t fl_sumset_sites(struct fl_sumset *set);
uint32_t fl_sumset_keys(struct fl_sumset *set, enum fl_rollup_dim dim);

#endif
