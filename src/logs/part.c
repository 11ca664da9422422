/* What queries read: declared in part.h. */
#include "logs/part.h"

#include <stdlib.h>
#include <string.h>

#include "logs/column.h"
#include "logs/store_int.h"

struct fl_part {
    struct fl_store *store;
    struct fl_part_info info;
    struct fl_store_seg *seg; /* sealed */
    struct fl_segment *open;  /* of seg, at first use */
    struct fl_memtable *mt;   /* not sealed */
    uint64_t visible;         /* rows of mt that belong to this snapshot */
    int failed;               /* what opening gave, so that it is not tried again */
};

struct fl_parts {
    struct fl_part *part;
    size_t count, cap;
    struct fl_sumset *sums;
};

#define SUMS_MAX_BYTES ((size_t)32 << 20) /* that queries remember, over all tenants */

static struct fl_part *add_part(struct fl_parts *parts)
{
    if (parts->count == parts->cap) {
        size_t cap = parts->cap == 0 ? 16 : parts->cap * 2;
        struct fl_part *grown = realloc(parts->part, cap * sizeof *grown);

        if (grown == NULL)
            return NULL;
        parts->part = grown;
        parts->cap = cap;
    }
    memset(&parts->part[parts->count], 0, sizeof *parts->part);
    return &parts->part[parts->count++];
}

static bool touches(int64_t min_us, int64_t max_us, int64_t from_us, int64_t to_us)
{
    return min_us < to_us && max_us >= from_us;
}

static bool add_seg(struct fl_parts *parts, struct fl_store *s, struct fl_store_seg *seg)
{
    struct fl_part *p = add_part(parts);

    if (p == NULL)
        return false;
    p->store = s;
    p->seg = seg;
    atomic_store(&seg->sums, s->sums); /* who must forget it when it is destroyed */
    atomic_fetch_add_explicit(&seg->refs, 1, memory_order_relaxed);
    p->info = (struct fl_part_info){.sealed = true,
                                    .day = seg->id.day,
                                    .first_seq = seg->first_seq,
                                    .last_seq = seg->last_seq,
                                    .min_time_us = seg->min_time_us,
                                    .max_time_us = seg->max_time_us,
                                    .rows = seg->rows,
                                    .blocks = seg->blocks};
    return true;
}

static bool add_memtable(struct fl_parts *parts, struct fl_store *s, struct fl_memtable *mt,
                         int64_t from_us, int64_t to_us)
{
    struct fl_memtable_info info;
    struct fl_part *p;

    fl_memtable_info(mt, &info);
    if (info.visible == 0 || !touches(info.min_time_us, info.max_time_us, from_us, to_us))
        return true;
    p = add_part(parts);
    if (p == NULL)
        return false;
    p->store = s;
    p->mt = fl_memtable_ref(mt);
    p->visible = info.visible;
    p->info = (struct fl_part_info){.day = info.day,
                                    .first_seq = info.first_seq,
                                    .last_seq = info.first_seq + info.visible - 1,
                                    .min_time_us = info.min_time_us,
                                    .max_time_us = info.max_time_us,
                                    .rows = (uint32_t)info.visible,
                                    .blocks = fl_memtable_blocks(mt, info.visible)};
    return true;
}

static bool add_day(struct fl_parts *parts, struct fl_store *s, const struct fl_store_day *d,
                    int64_t from_us, int64_t to_us)
{
    bool ok = true;

    for (uint32_t i = 0; i < d->seg_count && ok; i++)
        if (touches(d->segs[i]->min_time_us, d->segs[i]->max_time_us, from_us, to_us))
            ok = add_seg(parts, s, d->segs[i]);
    for (uint32_t i = 0; i < d->frozen_count && ok; i++)
        ok = add_memtable(parts, s, d->frozen[i], from_us, to_us);
    if (ok && d->active != NULL)
        ok = add_memtable(parts, s, d->active, from_us, to_us);
    return ok;
}

int fl_parts_open(struct fl_store *store, uint32_t tenant, int64_t from_us, int64_t to_us,
                  struct fl_parts **ret, struct fl_err *err)
{
    struct fl_parts *parts = calloc(1, sizeof *parts);
    const struct fl_store_tenant *t;
    bool ok = true;

    if (parts == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for parts");
    pthread_mutex_lock(&store->mu);
    if (store->sums == NULL)
        store->sums = fl_sumcache_new(SUMS_MAX_BYTES);
    if (store->sums != NULL)
        parts->sums = fl_sumset_of(store->sums, tenant);
    t = fl_store_find(store, tenant);
    for (uint32_t i = 0; t != NULL && i < t->day_count && ok; i++)
        ok = add_day(parts, store, t->days[i], from_us, to_us);
    pthread_mutex_unlock(&store->mu);
    if (!ok) {
        fl_parts_free(parts);
        return fl_err_set(err, FL_E_NOMEM, "no memory for parts");
    }
    *ret = parts;
    return FL_OK;
}

void fl_parts_free(struct fl_parts *parts)
{
    if (parts == NULL)
        return;
    for (size_t i = 0; i < parts->count; i++) {
        fl_segment_close(parts->part[i].open);
        fl_store_seg_unref(parts->part[i].seg);
        fl_memtable_unref(parts->part[i].mt);
    }
    fl_sumset_unref(parts->sums);
    free(parts->part);
    free(parts);
}

size_t fl_parts_count(const struct fl_parts *parts)
{
    return parts->count;
}

struct fl_part *fl_parts_get(const struct fl_parts *parts, size_t i)
{
    return &parts->part[i];
}

void fl_part_info(const struct fl_part *part, struct fl_part_info *ret)
{
    *ret = part->info;
}

struct fl_sumset *fl_parts_sums(struct fl_parts *parts)
{
    return parts->sums;
}

const unsigned char *fl_part_file_id(const struct fl_part *part)
{
    return part->seg == NULL ? NULL : part->seg->id.file_id;
}

/* ---- sealed ---- */

static int open_file(struct fl_part *part, struct fl_err *err)
{
    struct fl_store_seg *seg = part->seg;
    const struct fl_files *fs = part->store->conf.files;
    unsigned char key[FL_KEY_BYTES];
    char path[FL_STORE_PATH_BYTES];
    int fd, r;

    fl_store_path(seg->slug, seg->id.day, path);
    r = fl_files_open(fs, part->store->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&seg->key_mu);
    memcpy(key, seg->key, sizeof key);
    pthread_mutex_unlock(&seg->key_mu);
    r = fl_segment_open(fs, fd, &seg->id, key, &part->open, err);
    explicit_bzero(key, sizeof key);
    fl_files_close(fs, fd);
    return r;
}

static int open_segment(struct fl_part *part, struct fl_err *err)
{
    int r = FL_OK;

    if (atomic_load(&part->seg->gone))
        return fl_err_set(err, FL_E_NOENT, "the rows were purged");
    if (part->failed != 0)
        return fl_err_set(err, part->failed, "a segment does not open");
    if (part->open == NULL)
        r = open_file(part, err);
    if (r < 0 && atomic_load(&part->seg->gone)) /* meanwhile */
        return fl_err_set(err, FL_E_NOENT, "the rows were purged");
    if (r < 0)
        part->failed = r;
    return r;
}

static const struct fl_segment_block *block_of(const struct fl_part *part, uint32_t block)
{
    struct fl_part *p = (struct fl_part *)(uintptr_t)part; /* opening is not seen from outside */

    if (part->seg == NULL || block >= part->info.blocks || open_segment(p, NULL) < 0)
        return NULL;
    return &fl_segment_foot(part->open)->block[block];
}

uint32_t fl_part_block_rows(const struct fl_part *part, uint32_t block)
{
    const struct fl_segment_block *b;

    if (part->mt != NULL)
        return fl_memtable_block_rows(part->mt, block, part->visible);
    b = block_of(part, block);
    return b == NULL ? 0 : b->rows;
}

bool fl_part_block_range(const struct fl_part *part, uint32_t block, enum fl_field f,
                         uint64_t *ret_min, uint64_t *ret_max)
{
    const struct fl_segment_block *b = block_of(part, block);

    if (b == NULL || fl_field_is_str(f) || b->col[f].place.bytes == 0)
        return false;
    *ret_min = b->col[f].min;
    *ret_max = b->col[f].max;
    return true;
}

bool fl_part_block_may_hold(const struct fl_part *part, uint32_t block, enum fl_field f,
                            struct fl_span word)
{
    const struct fl_segment_block *b = block_of(part, block);
    struct fl_span filters;

    if (b == NULL)
        return true;
    if (b->col[f].place.bytes == 0)
        return false;
    if (!fl_fields[f].bloom || fl_segment_blooms(part->open, block, &filters, NULL) < 0)
        return true;
    return fl_bloom_may_hold(filters, f, word);
}

int fl_part_load(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                 struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err)
{
    return fl_part_load_rows(part, block, fields, NULL, 0, ret, bytes_read, err);
}

int fl_part_load_rows(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                      const uint32_t *rows, uint32_t count, struct fl_block **ret,
                      uint64_t *bytes_read, struct fl_err *err)
{
    int r;

    if (part->mt != NULL)
        return fl_memtable_load(part->mt, block, part->visible, fields, ret, err);
    r = open_segment(part, err);
    return r < 0
               ? r
               : fl_segment_load_rows(part->open, block, fields, rows, count, ret, bytes_read, err);
}

int fl_part_load_end(struct fl_part *part, uint32_t block, uint32_t from,
                     const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
{
    if (part->mt == NULL)
        return fl_err_set(err, FL_E_INVAL, "sealed rows are read by the block");
    return fl_memtable_load_end(part->mt, block, from, part->visible, fields, ret, err);
}

/* ---- sums ---- */

struct blocks {
    struct fl_block **block;
    uint32_t count;
};

static void free_blocks(struct blocks *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        fl_block_free(b->block[i]);
    free(b->block);
}

static int load_all(struct fl_part *part, const struct fl_fieldset *fields, struct blocks *ret,
                    uint64_t *bytes_read, struct fl_err *err)
{
    int r = 0;

    ret->count = 0;
    ret->block = calloc(part->info.blocks == 0 ? 1 : part->info.blocks, sizeof(*ret->block));
    if (ret->block == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for blocks");
    while (ret->count < part->info.blocks && r >= 0) {
        r = fl_part_load(part, ret->count, fields, &ret->block[ret->count], bytes_read, err);
        if (r >= 0)
            ret->count++;
    }
    return r;
}

static int from_columns(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                        struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_fieldset fields = fl_rollup_fields(dim);
    struct blocks blocks;
    int r = load_all(part, &fields, &blocks, bytes_read, err);

    if (r >= 0)
        r = fl_rollup_build(blocks.block, blocks.count, dim, tier, ret, err);
    free_blocks(&blocks);
    return r;
}

bool fl_part_has_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier)
{
    return part->seg != NULL && open_segment(part, NULL) >= 0 &&
           fl_segment_foot(part->open)->rollup[dim][tier].bytes != 0;
}

bool fl_part_has_rollup_users(struct fl_part *part, enum fl_rollup_dim dim)
{
    return part->seg != NULL && open_segment(part, NULL) >= 0 &&
           fl_segment_foot(part->open)->users[dim].bytes != 0;
}

int fl_part_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                   struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_rollup *stored = NULL;
    int from = -1, r;

    if (part->seg == NULL)
        return fl_err_set(err, FL_E_NOENT, "rows in memory have no sums");
    r = open_segment(part, err);
    if (r < 0)
        return r;
    r = FL_E_NOENT;
    for (int t = (int)tier; t >= 0 && r == FL_E_NOENT; t--) { /* the coarsest that is stored */
        if (tier < FL_TIER_5M_ALL || t >= (int)FL_TIER_5M_ALL || t <= (int)tier - FL_TIER_5M_ALL) {
            from = t;
            r = fl_segment_rollup(part->open, dim, (enum fl_rollup_tier)t, &stored, bytes_read,
                                  err);
        }
    }
    if (r == FL_E_NOENT)
        return from_columns(part, dim, tier, ret, bytes_read, err);
    if (r >= 0 && from != (int)tier) {
        r = fl_rollup_coarsen(stored, tier, ret, err);
        fl_rollup_free(stored);
    } else if (r >= 0) {
        *ret = stored;
    }
    return r;
}

int fl_part_rollup_users(struct fl_part *part, enum fl_rollup_dim dim, struct fl_rollup_users **ret,
                         uint64_t *bytes_read, struct fl_err *err)
{
    struct fl_fieldset fields = fl_rollup_users_fields(dim);
    struct blocks blocks;
    int r;

    if (part->seg == NULL)
        return fl_err_set(err, FL_E_NOENT, "rows in memory have no sums");
    r = open_segment(part, err);
    if (r >= 0)
        r = fl_segment_rollup_users(part->open, dim, ret, bytes_read, err);
    if (r != FL_E_NOENT)
        return r;
    r = load_all(part, &fields, &blocks, bytes_read, err);
    if (r >= 0)
        r = fl_rollup_users_build(blocks.block, blocks.count, dim, ret, err);
    free_blocks(&blocks);
    return r;
}
