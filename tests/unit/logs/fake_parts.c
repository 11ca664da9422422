#include "fake_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "logs/store.h"

struct fl_parts { /* as they were: memtables are copied */
    size_t count;
    struct fl_part *part[FAKE_MAX_PARTS];
    struct fl_part copy[FAKE_MAX_PARTS];
    bool copied[FAKE_MAX_PARTS];
};

static struct fl_store *only; /* who owns the counters and switches of a part */

static void must(bool ok)
{
    if (!ok)
        abort();
}

void fake_init(struct fl_store *store, uint32_t block_rows)
{
    memset(store, 0, sizeof *store);
    must(pthread_mutex_init(&store->lock, NULL) == 0 && pthread_cond_init(&store->more, NULL) == 0);
    store->block_rows = block_rows;
    only = store;
}

static void free_blocks(struct fl_part *part)
{
    for (uint32_t i = 0; i < part->blocks; i++)
        fl_block_free(part->block[i]);
}

void fake_done(struct fl_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free_blocks(&store->part[i]);
    (void)pthread_mutex_destroy(&store->lock);
    (void)pthread_cond_destroy(&store->more);
}

void fake_part(struct fl_store *store, bool sealed, int32_t day)
{
    must(store->count < FAKE_MAX_PARTS);
    (void)pthread_mutex_lock(&store->lock);
    store->part[store->count++] =
        (struct fl_part){.sealed = sealed, .day = day, .corrupt = -1, .rollups = sealed};
    (void)pthread_mutex_unlock(&store->lock);
}

void fake_add(struct fl_store *store, const struct fl_event *ev)
{
    struct fl_part *part = &store->part[store->count - 1];

    (void)pthread_mutex_lock(&store->lock);
    if (part->blocks == 0 || part->block[part->blocks - 1]->rows == store->block_rows) {
        must(part->blocks < FAKE_MAX_BLOCKS);
        must(fl_block_new(&part->block[part->blocks++], NULL) == 0);
    }
    must(fl_block_add(part->block[part->blocks - 1], ev, NULL) == 0);
    (void)pthread_cond_broadcast(&store->more);
    (void)pthread_mutex_unlock(&store->lock);
}

/* ---- logs/part.h ---- */

static bool num_range(const struct fl_block *block, enum fl_field f, uint64_t *min, uint64_t *max)
{
    const struct fl_col *col = &block->col[f];
    bool sign = fl_fields[f].type == FL_T_TIME, any = false;

    for (uint32_t row = 0; row < block->rows; row++) {
        uint64_t v = fl_col_has(col, row) ? col->num[row] : 0;

        if (!fl_col_has(col, row))
            continue;
        if (!any || (sign ? (int64_t)v < (int64_t)*min : v < *min))
            *min = v;
        if (!any || (sign ? (int64_t)v > (int64_t)*max : v > *max))
            *max = v;
        any = true;
    }
    return any;
}

void fl_part_info(const struct fl_part *part, struct fl_part_info *ret)
{
    *ret = (struct fl_part_info){.sealed = part->sealed,
                                 .day = part->day,
                                 .first_seq = UINT64_MAX,
                                 .min_time_us = INT64_MAX,
                                 .max_time_us = INT64_MIN,
                                 .blocks = part->blocks};
    for (uint32_t i = 0; i < part->blocks; i++) {
        uint64_t min = 0, max = 0;

        ret->rows += part->block[i]->rows;
        if (num_range(part->block[i], FL_F_SEQ, &min, &max)) {
            ret->first_seq = min < ret->first_seq ? min : ret->first_seq;
            ret->last_seq = max > ret->last_seq ? max : ret->last_seq;
        }
        if (num_range(part->block[i], FL_F_TIME, &min, &max)) {
            ret->min_time_us = (int64_t)min < ret->min_time_us ? (int64_t)min : ret->min_time_us;
            ret->max_time_us = (int64_t)max > ret->max_time_us ? (int64_t)max : ret->max_time_us;
        }
    }
}

int fl_parts_open(struct fl_store *store, uint32_t tenant, int64_t from_us, int64_t to_us,
                  struct fl_parts **ret, struct fl_err *err)
{
    struct fl_parts *parts = calloc(1, sizeof *parts);
    struct fl_fieldset all = fl_fieldset_all();

    (void)tenant;
    (void)err;
    must(parts != NULL);
    (void)pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count; i++) {
        struct fl_part *part = &store->part[i];
        struct fl_part_info info;

        fl_part_info(part, &info);
        if (info.rows == 0 || info.max_time_us < from_us || info.min_time_us >= to_us)
            continue;
        parts->copied[parts->count] = !part->sealed;
        parts->part[parts->count] = part;
        if (!part->sealed) {
            parts->copy[parts->count] = *part;
            for (uint32_t b = 0; b < part->blocks; b++)
                must(fl_block_copy(part->block[b], &all, &parts->copy[parts->count].block[b],
                                   NULL) == 0);
            parts->part[parts->count] = &parts->copy[parts->count];
        }
        parts->count++;
    }
    (void)pthread_mutex_unlock(&store->lock);
    *ret = parts;
    return FL_OK;
}

void fl_parts_free(struct fl_parts *parts)
{
    for (size_t i = 0; parts != NULL && i < parts->count; i++) {
        if (parts->copied[i])
            free_blocks(&parts->copy[i]);
    }
    free(parts);
}

size_t fl_parts_count(const struct fl_parts *parts)
{
    return parts->count;
}

struct fl_part *fl_parts_get(const struct fl_parts *parts, size_t i)
{
    return parts->part[i];
}

uint32_t fl_part_block_rows(const struct fl_part *part, uint32_t block)
{
    return part->block[block]->rows;
}

bool fl_part_block_range(const struct fl_part *part, uint32_t block, enum fl_field f,
                         uint64_t *ret_min, uint64_t *ret_max)
{
    if (only->no_zones || fl_field_is_str(f))
        return false;
    return num_range(part->block[block], f, ret_min, ret_max);
}

static unsigned char low(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool same_folded(struct fl_span a, struct fl_span b, bool fold)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (fold ? low(a.ptr[i]) != low(b.ptr[i]) : a.ptr[i] != b.ptr[i])
            return false;
    }
    return true;
}

bool fl_part_block_may_hold(const struct fl_part *part, uint32_t block, enum fl_field f,
                            struct fl_span word)
{
    const struct fl_col *col = &part->block[block]->col[f];

    if (only->no_blooms || !fl_fields[f].bloom)
        return true;
    for (uint32_t w = 1; w < col->word_count; w++) {
        if (same_folded(col->words[w], word, fl_fields[f].type == FL_T_STR))
            return true;
    }
    return false;
}

int fl_part_load(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                 struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err)
{
    (void)__atomic_add_fetch(&only->loads, 1, __ATOMIC_RELAXED);
    if (part->purged)
        return fl_err_set(err, FL_E_NOENT, "the day's key is destroyed");
    if (part->corrupt == (int)block)
        return fl_err_set(err, FL_E_CORRUPT, "the block fails its check");
    *bytes_read += 100;
    return fl_block_copy(part->block[block], fields, ret, err);
}

int fl_part_load_end(struct fl_part *part, uint32_t block, uint32_t from,
                     const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
{
    struct fl_block *end = NULL;

    (void)__atomic_add_fetch(&only->loads, 1, __ATOMIC_RELAXED);
    if (part->sealed)
        return fl_err_set(err, FL_E_INVAL, "sealed rows are read by the block");
    if (part->purged)
        return fl_err_set(err, FL_E_NOENT, "the day's key is destroyed");
    if (part->corrupt == (int)block)
        return fl_err_set(err, FL_E_CORRUPT, "the block fails its check");
    must(fl_block_new(&end, err) >= 0);
    for (uint32_t row = from; row < part->block[block]->rows; row++) {
        struct fl_event ev;

        fl_event_clear(&ev);
        fl_block_row(part->block[block], row, &ev);
        must(fl_block_add(end, &ev, err) >= 0);
    }
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        end->col[f].loaded = fl_fieldset_has(fields, (enum fl_field)f);
    *ret = end;
    return FL_OK;
}

struct fl_sumset *fl_parts_sums(struct fl_parts *parts)
{
    (void)parts;
    return NULL;
}

const unsigned char *fl_part_file_id(const struct fl_part *part)
{
    (void)part;
    return NULL;
}

/* Rows that were not asked for are anything. */
int fl_part_load_rows(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                      const uint32_t *rows, uint32_t count, struct fl_block **ret,
                      uint64_t *bytes_read, struct fl_err *err)
{
    int r = fl_part_load(part, block, fields, ret, bytes_read, err);
    uint32_t next = 0;

    for (uint32_t row = 0; r >= 0 && rows != NULL && row < (*ret)->rows; row++) {
        if (next < count && rows[next] == row) {
            next++;
            continue;
        }
        for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
            if ((*ret)->col[f].num != NULL)
                (*ret)->col[f].num[row] = UINT64_MAX - row;
            if ((*ret)->col[f].code != NULL)
                (*ret)->col[f].code[row] = UINT32_MAX - row;
        }
    }
    return r;
}

bool fl_part_has_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier)
{
    return part->rollups && (tier == FL_TIER_5M || dim != FL_BY_USER); /* not all tiers of all */
}

bool fl_part_has_rollup_users(struct fl_part *part, enum fl_rollup_dim dim)
{
    return part->rollups && dim != FL_BY_CATEGORY;
}

int fl_part_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                   struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err)
{
    if (!part->rollups || part->purged)
        return fl_err_set(err, FL_E_NOENT, "no rollup");
    *bytes_read += 10;
    return fl_rollup_build(part->block, part->blocks, dim, tier, ret, err);
}

int fl_part_rollup_users(struct fl_part *part, enum fl_rollup_dim dim, struct fl_rollup_users **ret,
                         uint64_t *bytes_read, struct fl_err *err)
{
    if (!part->rollups || part->purged)
        return fl_err_set(err, FL_E_NOENT, "no rollup");
    *bytes_read += 10;
    return fl_rollup_users_build(part->block, part->blocks, dim, ret, err);
}

/* ---- logs/store.h ---- */

static bool is_beyond(const struct fl_store *store, int32_t day, uint64_t seq)
{
    for (size_t i = 0; i < store->count; i++) {
        struct fl_part_info info;

        fl_part_info(&store->part[i], &info);
        if (info.rows > 0 && (info.day > day || (info.day == day && info.last_seq > seq)))
            return true;
    }
    return false;
}

int fl_store_wait(struct fl_store *store, uint32_t tenant, int32_t day, uint64_t seq,
                  int64_t timeout_ms)
{
    struct timespec until;
    int r = 0;

    (void)tenant;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&store->lock);
    while (!is_beyond(store, day, seq) && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&store->more, &store->lock, &until);
    r = is_beyond(store, day, seq);
    (void)pthread_mutex_unlock(&store->lock);
    return r;
}

/* ---- with an oracle ---- */

void fake_oracle(struct oracle *o, uint64_t seed, size_t parts, size_t rows_each,
                 uint32_t block_rows, bool memtables)
{
    int32_t day = oracle_day();
    uint64_t seq = 0;

    oracle_begin(o, seed, parts * rows_each);
    o->store = calloc(1, sizeof *o->store);
    must(o->store != NULL);
    fake_init(o->store, block_rows);
    for (size_t p = 0; p < parts; p++) {
        if (p == parts / 2) { /* the second day of receipt */
            day++;
            seq = 0;
        }
        fake_part(o->store, !memtables || p + 2 < parts, day);
        for (size_t i = 0; i < rows_each; i++)
            fake_add(o->store, oracle_row(o, parts * rows_each, day, ++seq));
    }
}

void fake_free(struct oracle *o)
{
    fake_done(o->store);
    free(o->store);
    oracle_done(o);
}
