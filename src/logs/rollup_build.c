/* All sums of a segment while it is written: declared in rollup.h. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/dict.h"
#include "logs/rollup.h"

enum {
    SUMS = 6,
    CELLS_MAX = 65536,   /* of a dense table; also the most entries of a hashed one */
    HASH_SLOTS = 131072, /* a power of two, at least twice CELLS_MAX */
    BUCKETS_MAX = 65536, /* between the first and the last of a block */
    ENTRIES_MAX = 262144,
    TIERS = 3, /* widths of buckets */
    WITH_SITES = 0,
    ALL_SITES = 1,
    FAMILIES = 2
};

#define WIDE_US                                                                                    \
    (INT64_C(300) * FL_US_PER_S) /* of the finest tier: division by a constant is cheap */

struct sums {
    uint64_t v[SUMS]; /* rows, sessions, up, down, packets, seconds */
};

struct list { /* entries of one dimension, codes of the segment */
    struct fl_rollup_entry *entry;
    size_t count, cap;
    int tier;    /* its width now; TIERS: given up */
    bool sorted; /* by bucket, site, key, and distinct */
};

struct pairs {      /* distinct (site, key, user), as one number */
    uint64_t *slot; /* number + 1; 0: free */
    size_t count, cap;
    bool dropped;
};

struct fl_rollups {
    uint64_t rows;
    struct fl_dict *sites, *keys[FL_ROLLUP_DIMS];
    struct list list[FL_ROLLUP_DIMS][FAMILIES];
    struct pairs pairs[FL_ROLLUP_DIMS];
    /* of one block */
    struct sums *row, *cell;
    uint32_t *zero;                           /* codes of a column that is not there */
    uint16_t *slot;                           /* bucket of 5 min of each row */
    uint32_t *used;                           /* by distance from the first: slot + 1 */
    int64_t *slot_us[TIERS];                  /* bucket by slot */
    uint32_t slots[TIERS];                    /* how many there are */
    uint16_t *coarse[TIERS];                  /* slot of 5 min to slot of this width */
    uint32_t *map[FL_ROLLUP_DIMS], *map_site; /* codes of the block to those of the segment */
    uint64_t *hash_key;
    uint32_t *hash;
};

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "no memory for a rollup");
}

void fl_rollups_free(struct fl_rollups *r)
{
    if (r == NULL)
        return;
    fl_dict_free(r->sites);
    free(r->map_site);
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        fl_dict_free(r->keys[d]);
        free(r->list[d][WITH_SITES].entry);
        free(r->list[d][ALL_SITES].entry);
        free(r->pairs[d].slot);
        free(r->map[d]);
    }
    for (size_t t = 0; t < TIERS; t++) {
        free(r->slot_us[t]);
        free(r->coarse[t]);
    }
    free(r->row);
    free(r->cell);
    free(r->zero);
    free(r->slot);
    free(r->used);
    free(r->hash_key);
    free(r->hash);
    free(r);
}

static bool get_scratch(struct fl_rollups *r)
{
    bool ok = true;

    r->row = malloc(FL_BLOCK_MAX_ROWS * sizeof *r->row);
    r->cell = malloc(CELLS_MAX * sizeof *r->cell);
    r->zero = calloc(FL_BLOCK_MAX_ROWS, sizeof *r->zero);
    r->slot = malloc(FL_BLOCK_MAX_ROWS * sizeof *r->slot);
    r->used = malloc(BUCKETS_MAX * sizeof *r->used);
    r->hash_key = malloc(CELLS_MAX * sizeof *r->hash_key);
    r->hash = malloc(HASH_SLOTS * sizeof *r->hash);
    for (size_t t = 0; t < TIERS; t++) {
        r->slot_us[t] = malloc(BUCKETS_MAX * sizeof *r->slot_us[t]);
        r->coarse[t] = malloc(BUCKETS_MAX * sizeof *r->coarse[t]);
        ok = ok && r->slot_us[t] != NULL && r->coarse[t] != NULL;
    }
    return ok && r->row != NULL && r->cell != NULL && r->zero != NULL && r->slot != NULL &&
           r->used != NULL && r->hash_key != NULL && r->hash != NULL;
}

int fl_rollups_new(struct fl_rollups **ret, struct fl_err *err)
{
    struct fl_rollups *r = calloc(1, sizeof *r);
    int rc;

    if (r == NULL)
        return no_memory(err);
    rc = get_scratch(r) ? fl_dict_new(&r->sites, err) : no_memory(err);
    for (size_t d = 0; d < FL_ROLLUP_DIMS && rc >= 0; d++) {
        rc = fl_dict_new(&r->keys[d], err);
        r->list[d][WITH_SITES].sorted = r->list[d][ALL_SITES].sorted = true;
    }
    if (rc < 0) {
        fl_rollups_free(r);
        return rc;
    }
    *ret = r;
    return FL_OK;
}

/* More entries than this are not kept while it is not known how many rows will come. */
static size_t allowed(uint64_t rows, int tier)
{
    size_t n = (size_t)(tier == 0 ? rows / 16 : rows / 4) + 8192;

    return n < ENTRIES_MAX ? n : ENTRIES_MAX;
}

/* More than this are not worth their bytes in the file. */
static size_t worth(uint64_t rows, int tier)
{
    return (size_t)(tier == 0 ? rows / 10 : rows / 8);
}

/* ---- lists ---- */

static int compare(const void *a, const void *b)
{
    const struct fl_rollup_entry *x = a, *y = b;

    if (x->bucket_us != y->bucket_us)
        return x->bucket_us < y->bucket_us ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void join(struct fl_rollup_entry *to, const struct fl_rollup_entry *from)
{
    to->rows += from->rows;
    to->sessions += from->sessions;
    to->bytes_up += from->bytes_up;
    to->bytes_down += from->bytes_down;
    to->packets += from->packets;
    to->seconds += from->seconds;
}

static void sort(struct list *l)
{
    size_t n = 0;

    if (l->sorted || l->count == 0)
        return;
    qsort(l->entry, l->count, sizeof *l->entry, compare);
    for (size_t i = 1; i < l->count; i++) {
        if (compare(&l->entry[n], &l->entry[i]) == 0)
            join(&l->entry[n], &l->entry[i]);
        else
            l->entry[++n] = l->entry[i];
    }
    l->count = n + 1;
    l->sorted = true;
}

static int64_t bucket_of(int64_t us, int tier)
{
    int64_t rest = us % fl_rollup_tier_us[tier];

    if (rest < 0)
        rest += fl_rollup_tier_us[tier];
    return us < INT64_MIN + rest ? INT64_MIN : us - rest;
}

static void coarsen(struct list *l, int tier)
{
    for (size_t i = 0; tier < TIERS && i < l->count; i++)
        l->entry[i].bucket_us = bucket_of(l->entry[i].bucket_us, tier);
    l->tier = tier;
    l->sorted = false;
    if (tier == TIERS) {
        free(l->entry);
        *l = (struct list){.tier = TIERS, .sorted = true};
    }
}

/* No more than is allowed for so many rows. */
static void keep_small(struct list *l, uint64_t rows)
{
    while (l->tier < TIERS && l->count > allowed(rows, l->tier)) {
        sort(l);
        if (l->count > allowed(rows, l->tier))
            coarsen(l, l->tier + 1);
    }
}

static bool push(struct list *l, const struct fl_rollup_entry *e)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 1024 : l->cap * 2;
        struct fl_rollup_entry *grown = realloc(l->entry, cap * sizeof *grown);

        if (grown == NULL)
            return false;
        l->entry = grown;
        l->cap = cap;
    }
    if (l->count > 0 && l->sorted && compare(&l->entry[l->count - 1], e) >= 0)
        l->sorted = false;
    l->entry[l->count++] = *e;
    return true;
}

/* ---- the rows of a block ---- */

static void fill_rows(struct fl_rollups *r, const struct fl_block *block)
{
    static const enum fl_field fields[SUMS] = {FL_F_SEQ, /* not read: counts rows */
                                               FL_F_SESSIONS, FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                               FL_F_PACKETS,  FL_F_SECONDS};

    for (uint32_t i = 0; i < block->rows; i++)
        r->row[i] = (struct sums){{1, 0, 0, 0, 0, 0}};
    for (size_t s = 1; s < SUMS; s++) {
        const struct fl_col *col = &block->col[fields[s]];

        if (col->present == 0 || col->num == NULL)
            continue;
        for (uint32_t i = 0; i < block->rows; i++)
            r->row[i].v[s] = col->num[i]; /* 0 where absent */
    }
}

static int64_t time_at(const struct fl_col *time, uint32_t row)
{
    return fl_col_has(time, row) ? (int64_t)time->num[row] : 0;
}

/* Numbers the buckets that rows lie in, in order of time. False: they are too far apart. */
static bool fill_slots(struct fl_rollups *r, const struct fl_block *block)
{
    const struct fl_col *time = &block->col[FL_F_TIME];
    int64_t first = INT64_MAX, last = INT64_MIN;
    uint32_t count;

    for (uint32_t i = 0; i < block->rows; i++) {
        int64_t us = time_at(time, i);

        first = us < first ? us : first;
        last = us > last ? us : last;
    }
    first = bucket_of(first, 0);
    if ((uint64_t)last - (uint64_t)first >= (uint64_t)WIDE_US * BUCKETS_MAX || first == INT64_MIN)
        return false;
    count = (uint32_t)((last - first) / WIDE_US) + 1;
    memset(r->used, 0, count * sizeof *r->used);
    for (uint32_t i = 0; i < block->rows; i++) {
        r->slot[i] = (uint16_t)((uint64_t)(time_at(time, i) - first) / (uint64_t)WIDE_US);
        r->used[r->slot[i]] = 1;
    }
    memset(r->slots, 0, sizeof r->slots);
    for (uint32_t b = 0; b < count; b++) {
        if (r->used[b] == 0)
            continue;
        r->used[b] = r->slots[0]++;
        for (int t = 0; t < TIERS; t++) {
            int64_t us = bucket_of(first + (int64_t)b * WIDE_US, t);

            if (t == 0)
                r->slot_us[0][r->used[b]] = us;
            else if (r->slots[t] == 0 || r->slot_us[t][r->slots[t] - 1] != us)
                r->slot_us[t][r->slots[t]++] = us;
            r->coarse[t][r->used[b]] = (uint16_t)(t == 0 ? r->used[b] : r->slots[t] - 1);
        }
    }
    for (uint32_t i = 0; i < block->rows; i++)
        r->slot[i] = (uint16_t)r->used[r->slot[i]];
    return true;
}

/* Codes of a column's words in the dictionary of the segment; [0] = 0. */
static int map_words(const struct fl_col *col, struct fl_dict *dict, uint32_t **map,
                     struct fl_err *err)
{
    uint32_t words = col->present == 0 ? 1 : col->word_count;
    uint32_t *grown = realloc(*map, ((size_t)words + 1) * sizeof *grown);
    int r = FL_OK;

    if (grown == NULL)
        return no_memory(err);
    *map = grown;
    grown[0] = 0;
    for (uint32_t w = 1; w < words && r >= 0; w++)
        r = fl_dict_intern(dict, col->words[w], &grown[w], err);
    return r;
}

/* ---- sums of one block, one dimension ---- */

struct pass {
    const struct fl_block *block;
    const uint32_t *site, *key; /* by row */
    const uint32_t *map_site, *map_key;
    uint32_t site_words, key_words;
    int tier;
    size_t limit; /* more entries end it */
};

static uint32_t code_words(const struct fl_col *col)
{
    return col->present == 0 ? 1 : col->word_count;
}

static size_t cells_of(const struct fl_rollups *r, const struct pass *p)
{
    return (size_t)r->slots[p->tier] * p->site_words * p->key_words;
}

static bool put_cell(const struct fl_rollups *r, const struct pass *p, struct list *l,
                     uint32_t slot, uint32_t site, uint32_t key, const struct sums *c)
{
    const struct fl_rollup_entry e = {.bucket_us = r->slot_us[p->tier][slot],
                                      .site = p->map_site[site],
                                      .key = p->map_key[key],
                                      .rows = c->v[0],
                                      .sessions = c->v[1],
                                      .bytes_up = c->v[2],
                                      .bytes_down = c->v[3],
                                      .packets = c->v[4],
                                      .seconds = c->v[5]};

    return push(l, &e);
}

/* Read before it is written: neither is the other, which a compiler cannot know. */
static inline void sums_add(struct sums *to, const struct sums *from)
{
    struct sums a = *to, b = *from;

    for (size_t s = 0; s < SUMS; s++)
        a.v[s] += b.v[s];
    *to = a;
}

/* 1: done; 0: more than the limit; negative: no memory. */
static int sum_dense(struct fl_rollups *r, const struct pass *p, struct list *l)
{
    const uint16_t *coarse = r->coarse[p->tier], *slot = r->slot;
    const uint32_t *site = p->site, *key = p->key;
    size_t cells = cells_of(r, p), used = 0, sites = p->site_words, keys = p->key_words;
    struct sums *cell = r->cell;

    memset(cell, 0, cells * sizeof *cell);
    for (uint32_t i = 0, rows = p->block->rows; i < rows; i++)
        sums_add(&cell[(coarse[slot[i]] * sites + site[i]) * keys + key[i]], &r->row[i]);
    for (size_t i = 0; i < cells; i++)
        used += r->cell[i].v[0] != 0;
    if (used > p->limit)
        return 0;
    for (size_t i = 0; i < cells; i++) {
        size_t rest = i / p->key_words;

        if (r->cell[i].v[0] != 0 &&
            !put_cell(r, p, l, (uint32_t)(rest / p->site_words), (uint32_t)(rest % p->site_words),
                      (uint32_t)(i % p->key_words), &r->cell[i]))
            return FL_E_NOMEM;
    }
    return 1;
}

static size_t hash_of(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (HASH_SLOTS - 1);
}

/* The same where the table would be too large: (slot, site, key) is 16 + 24 + 24 bits. */
static int sum_hashed(struct fl_rollups *r, const struct pass *p, struct list *l)
{
    const uint16_t *coarse = r->coarse[p->tier];
    size_t limit = p->limit < CELLS_MAX ? p->limit : CELLS_MAX, used = 0;

    memset(r->hash, 0, HASH_SLOTS * sizeof *r->hash);
    for (uint32_t i = 0; i < p->block->rows; i++) {
        uint64_t key = (uint64_t)coarse[r->slot[i]] << 48 | (uint64_t)p->site[i] << 24 | p->key[i];
        size_t at = hash_of(key);

        while (r->hash[at] != 0 && r->hash_key[r->hash[at] - 1] != key)
            at = (at + 1) & (HASH_SLOTS - 1);
        if (r->hash[at] == 0) {
            if (used == limit)
                return 0;
            r->hash_key[used] = key;
            r->cell[used] = (struct sums){{0}};
            r->hash[at] = (uint32_t)++used;
        }
        sums_add(&r->cell[r->hash[at] - 1], &r->row[i]);
    }
    for (size_t i = 0; i < used; i++) {
        uint64_t key = r->hash_key[i];

        if (!put_cell(r, p, l, (uint32_t)(key >> 48), (uint32_t)(key >> 24) & 0xffffff,
                      (uint32_t)key & 0xffffff, &r->cell[i]))
            return FL_E_NOMEM;
    }
    return 1;
}

/* Into one list, in the finest width that is worth it; *tier: tried so far. */
static int add_family(struct fl_rollups *r, struct pass *p, struct list *l, int *tier,
                      struct fl_err *err)
{
    int rc = 0;

    if (*tier < l->tier)
        *tier = l->tier;
    for (; rc == 0 && *tier < TIERS; *tier += rc == 0) {
        p->tier = *tier;
        p->limit = allowed(p->block->rows, *tier);
        rc = cells_of(r, p) <= CELLS_MAX ? sum_dense(r, p, l) : sum_hashed(r, p, l);
    }
    if (rc < 0)
        return no_memory(err);
    if (*tier > l->tier)
        coarsen(l, *tier);
    keep_small(l, r->rows);
    return FL_OK;
}

static int add_dim(struct fl_rollups *r, const struct fl_block *block, size_t dim,
                   struct fl_err *err)
{
    const struct fl_col *site = &block->col[FL_F_SITE];
    const struct fl_col *key = &block->col[fl_rollup_dim_field[dim]];
    struct pass p = {.block = block,
                     .site = r->zero,
                     .key = key->present == 0 ? r->zero : key->code,
                     .map_site = r->map_site,
                     .map_key = r->map[dim],
                     .site_words = 1,
                     .key_words = code_words(key)};
    int tier = 0, rc = add_family(r, &p, &r->list[dim][ALL_SITES], &tier, err);

    if (rc < 0 || site->present == 0) {
        if (rc >= 0) { /* the same entries: they have no site */
            tier = 0;
            rc = add_family(r, &p, &r->list[dim][WITH_SITES], &tier, err);
        }
        return rc;
    }
    p.site = site->code;
    p.site_words = code_words(site);
    return add_family(r, &p, &r->list[dim][WITH_SITES], &tier, err);
}

/* ---- users ---- */

static size_t pair_slot(uint64_t n, size_t cap)
{
    return (size_t)(n * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (cap - 1);
}

static bool grow_pairs(struct pairs *set)
{
    size_t cap = set->cap == 0 ? 4096 : set->cap * 2;
    uint64_t *slots = calloc(cap, sizeof *slots);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < set->cap; i++) {
        size_t at;

        if (set->slot[i] == 0)
            continue;
        at = pair_slot(set->slot[i], cap);
        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = set->slot[i];
    }
    free(set->slot);
    set->slot = slots;
    set->cap = cap;
    return true;
}

static void drop_pairs(struct pairs *set)
{
    free(set->slot);
    *set = (struct pairs){.dropped = true};
}

/* (site, key, user) is 20 + 22 + 22 bits, less one for "free"; higher codes give it up. */
static bool fits(uint32_t site, uint32_t key, uint32_t user)
{
    return site < (1u << 20) - 1 && key < 1u << 22 && user < 1u << 22;
}

static int add_pairs(struct fl_rollups *r, const struct fl_block *block, size_t dim,
                     struct fl_err *err)
{
    const struct fl_col *site = &block->col[FL_F_SITE], *user = &block->col[FL_F_USER];
    const struct fl_col *key = &block->col[fl_rollup_dim_field[dim]];
    const uint32_t *sites = site->present == 0 ? r->zero : site->code;
    const uint32_t *keys = key->present == 0 ? r->zero : key->code;
    struct pairs *set = &r->pairs[dim];
    size_t limit = worth(r->rows, 1) + 4096;

    for (uint32_t i = 0; i < block->rows && user->present > 0 && !set->dropped; i++) {
        uint32_t s = r->map_site[sites[i]], k = r->map[dim][keys[i]];
        uint32_t u = r->map[FL_BY_USER][user->code[i]];
        uint64_t n = ((uint64_t)s << 44 | (uint64_t)k << 22 | u) + 1;
        size_t at;

        if (u == 0)
            continue;
        if (set->count * 2 >= set->cap && !grow_pairs(set))
            return no_memory(err);
        at = pair_slot(n, set->cap);
        while (set->slot[at] != 0 && set->slot[at] != n)
            at = (at + 1) & (set->cap - 1);
        set->count += set->slot[at] == 0;
        set->slot[at] = n;
        if (set->count > limit || !fits(s, k, u))
            drop_pairs(set);
    }
    return FL_OK;
}

/* ---- a block ---- */

/* A clock that went mad spreads a block over years: such a segment has no sums. */
static void give_up(struct fl_rollups *r)
{
    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++) {
        coarsen(&r->list[d][WITH_SITES], TIERS);
        coarsen(&r->list[d][ALL_SITES], TIERS);
    }
}

int fl_rollups_add(struct fl_rollups *r, const struct fl_block *block, struct fl_err *err)
{
    int rc = map_words(&block->col[FL_F_SITE], r->sites, &r->map_site, err);

    r->rows += block->rows;
    for (size_t d = 0; d < FL_ROLLUP_DIMS && rc >= 0; d++)
        rc = map_words(&block->col[fl_rollup_dim_field[d]], r->keys[d], &r->map[d], err);
    if (rc < 0 || block->rows == 0)
        return rc;
    if (fill_slots(r, block))
        fill_rows(r, block);
    else
        give_up(r);
    for (size_t d = 0; d < FL_ROLLUP_DIMS && rc >= 0; d++) {
        rc = add_dim(r, block, d, err);
        if (rc >= 0 && d != FL_BY_USER)
            rc = add_pairs(r, block, d, err);
    }
    return rc;
}

/* ---- what is worth storing ---- */

struct out {
    fl_rollups_put *put;
    void *ctx;
    struct fl_buf payload;
    size_t left; /* bytes that the dimension may still take */
};

/* Before compression, of one dimension: what a tenant has very many different of is not summed up
 * at all costs. */
static size_t budget(uint64_t rows)
{
    return (size_t)rows * 2;
}

static int hand_over(struct out *out, bool users, size_t dim, int tier, struct fl_err *err)
{
    int rc = fl_buf_status(&out->payload, err);

    if (rc < 0 || out->payload.len > out->left)
        return rc;
    out->left -= out->payload.len;
    return out->put(out->ctx, users, (enum fl_rollup_dim)dim, (enum fl_rollup_tier)tier,
                    fl_buf_span(&out->payload), err);
}

static int put_list(struct fl_rollups *r, struct list *l, size_t dim, int family, struct out *out,
                    struct fl_err *err)
{
    struct fl_rollup sums = {.site_count = 1};
    size_t finer = SIZE_MAX;
    int rc = FL_OK;

    sums.sites = fl_dict_words(r->sites, &sums.site_count);
    sums.keys = fl_dict_words(r->keys[dim], &sums.key_count);
    if (family == ALL_SITES)
        sums.site_count = 1;
    for (int t = l->tier; t < TIERS && rc >= 0; t++) {
        if (t > l->tier)
            coarsen(l, t);
        sort(l);
        if (l->count > worth(r->rows, t) || l->count > finer / 2)
            continue;
        finer = l->count;
        sums.entries = l->entry;
        sums.count = l->count;
        fl_buf_clear(&out->payload);
        fl_rollup_encode(&sums, (enum fl_rollup_tier)t, &out->payload);
        rc = hand_over(out, false, dim, t + (family == ALL_SITES ? FL_TIER_5M_ALL : 0), err);
    }
    return rc;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static int put_pairs(struct fl_rollups *r, size_t dim, struct out *out, struct fl_err *err)
{
    struct pairs *set = &r->pairs[dim];
    struct fl_rollup_users users = {.count = 0};
    size_t n = 0;

    if (set->dropped || set->count == 0 || set->count > worth(r->rows, 1))
        return FL_OK;
    for (size_t i = 0; i < set->cap; i++)
        if (set->slot[i] != 0)
            set->slot[n++] = set->slot[i] - 1;
    if (n == 0)
        return FL_OK;
    qsort(set->slot, n, sizeof *set->slot, compare_numbers);
    users.pairs = calloc(n, sizeof *users.pairs);
    if (users.pairs == NULL)
        return no_memory(err);
    users.count = n;
    users.sites = fl_dict_words(r->sites, &users.site_count);
    users.keys = fl_dict_words(r->keys[dim], &users.key_count);
    users.users = fl_dict_words(r->keys[FL_BY_USER], &users.user_count);
    for (size_t i = 0; i < n; i++) {
        users.pairs[i].site = (uint32_t)(set->slot[i] >> 44);
        users.pairs[i].key = (uint32_t)(set->slot[i] >> 22) & 0x3fffff;
        users.pairs[i].user = (uint32_t)set->slot[i] & 0x3fffff;
    }
    fl_buf_clear(&out->payload);
    fl_rollup_users_encode(&users, &out->payload);
    free(users.pairs);
    return hand_over(out, true, dim, 0, err);
}

/* Where nearly every entry has its own site, those with sites serve as those of all. */
static bool is_needless(struct list *all, struct list *with)
{
    sort(all);
    sort(with);
    return all->tier == with->tier && all->count > with->count / 4 * 3;
}

int fl_rollups_finish(struct fl_rollups *r, fl_rollups_put *put, void *ctx, struct fl_err *err)
{
    int rc = FL_OK;

    for (size_t d = 0; d < FL_ROLLUP_DIMS && rc >= 0; d++) {
        struct list *with = &r->list[d][WITH_SITES], *all = &r->list[d][ALL_SITES];
        struct out out = {.put = put, .ctx = ctx, .left = budget(r->rows)};

        fl_buf_init(&out.payload, (size_t)256 << 20);
        if (!is_needless(all, with))
            rc = put_list(r, all, d, ALL_SITES, &out, err);
        if (rc >= 0)
            rc = put_list(r, with, d, WITH_SITES, &out, err);
        if (rc >= 0 && d != FL_BY_USER)
            rc = put_pairs(r, d, &out, err);
        fl_buf_done(&out.payload);
    }
    return rc;
}
