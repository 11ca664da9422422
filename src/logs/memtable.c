#include "logs/memtable.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "logs/vec.h"

struct fl_memtable {
    pthread_rwlock_t lock; /* all below but refs */
    atomic_uint refs;
    struct fl_memtable_info info;
    bool is_void;
    struct fl_mblock **blocks;
    uint32_t count, cap;
};

int fl_memtable_new(uint32_t tenant, int32_t day, int64_t born_us, struct fl_memtable **ret,
                    struct fl_err *err)
{
    struct fl_memtable *mt = calloc(1, sizeof *mt);

    if (mt == NULL || pthread_rwlock_init(&mt->lock, NULL) != 0) {
        free(mt);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a memtable");
    }
    atomic_init(&mt->refs, 1);
    mt->info = (struct fl_memtable_info){.tenant = tenant,
                                         .day = day,
                                         .bytes = sizeof *mt,
                                         .born_us = born_us,
                                         .min_time_us = INT64_MAX,
                                         .max_time_us = INT64_MIN};
    *ret = mt;
    return FL_OK;
}

struct fl_memtable *fl_memtable_ref(struct fl_memtable *mt)
{
    atomic_fetch_add_explicit(&mt->refs, 1, memory_order_relaxed);
    return mt;
}

void fl_memtable_unref(struct fl_memtable *mt)
{
    if (mt == NULL || atomic_fetch_sub_explicit(&mt->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t b = 0; b < mt->count; b++)
        fl_mblock_free(mt->blocks[b]);
    fl_vec_gone(mt->info.bytes);
    free(mt->blocks);
    (void)pthread_rwlock_destroy(&mt->lock);
    free(mt);
}

void fl_memtable_lock(struct fl_memtable *mt)
{
    (void)pthread_rwlock_wrlock(&mt->lock);
}

void fl_memtable_unlock(struct fl_memtable *mt)
{
    (void)pthread_rwlock_unlock(&mt->lock);
}

static int add_block(struct fl_memtable *mt, uint64_t first_seq, struct fl_err *err)
{
    int r;

    if (mt->count == mt->cap) {
        uint32_t cap = mt->cap == 0 ? 1 : mt->cap * 2;
        struct fl_mblock **grown = realloc(mt->blocks, cap * sizeof(*grown));

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for blocks");
        mt->blocks = grown;
        mt->cap = cap;
    }
    r = fl_mblock_new(first_seq, &mt->blocks[mt->count], err);
    if (r >= 0)
        mt->info.bytes += fl_mblock_bytes(mt->blocks[mt->count++]);
    return r;
}

/* As many rows as the last block still takes, or a new one. */
static int add_some(struct fl_memtable *mt, const struct fl_batch_view *view, uint64_t first_seq,
                    uint32_t from, uint32_t *ret_count, struct fl_err *err)
{
    struct fl_mblock *last = mt->count == 0 ? NULL : mt->blocks[mt->count - 1];
    uint32_t room = last == NULL ? 0 : FL_BLOCK_MAX_ROWS - fl_mblock_rows(last);
    uint32_t count = view->rows - from;
    size_t before;
    int r = FL_E_LIMIT;

    if (room > 0) {
        count = count < room ? count : room;
        before = fl_mblock_bytes(last);
        r = fl_mblock_add(last, view, from, count, err);
        mt->info.bytes += fl_mblock_bytes(last) - before;
    }
    if (r == FL_E_LIMIT) { /* full, of rows or of words: the next one takes any batch */
        count = view->rows - from;
        r = add_block(mt, first_seq + from, err);
        if (r < 0)
            return r;
        last = mt->blocks[mt->count - 1];
        before = fl_mblock_bytes(last);
        r = fl_mblock_add(last, view, from, count, err);
        mt->info.bytes += fl_mblock_bytes(last) - before;
    }
    *ret_count = count;
    return r;
}

/* What the block has changes what the memtable has. */
static void note_times(struct fl_memtable *mt, const struct fl_mblock *mb)
{
    int64_t least, most;

    fl_mblock_times(mb, &least, &most);
    if (least < mt->info.min_time_us)
        mt->info.min_time_us = least;
    if (most > mt->info.max_time_us)
        mt->info.max_time_us = most;
}

int fl_memtable_add(struct fl_memtable *mt, const struct fl_batch_view *view, uint64_t first_seq,
                    struct fl_err *err)
{
    uint32_t count;

    if (view->rows == 0)
        return FL_OK;
    if (mt->info.rows == 0)
        mt->info.first_seq = first_seq;
    for (uint32_t from = 0; from < view->rows; from += count) {
        int r;

        if (from > 0) {
            fl_memtable_unlock(mt);
            fl_memtable_lock(mt);
        }
        r = add_some(mt, view, first_seq, from, &count, err);
        if (r < 0)
            return r;
        note_times(mt, mt->blocks[mt->count - 1]);
        mt->info.rows += count;
    }
    return FL_OK;
}

void fl_memtable_show(struct fl_memtable *mt)
{
    fl_memtable_lock(mt);
    mt->info.visible = mt->info.rows;
    fl_memtable_unlock(mt);
}

void fl_memtable_info(struct fl_memtable *mt, struct fl_memtable_info *ret)
{
    (void)pthread_rwlock_rdlock(&mt->lock);
    *ret = mt->info;
    fl_memtable_unlock(mt);
}

/* Rows of a block among the first `visible`; 0 beyond. The lock is held. */
static uint32_t rows_of(const struct fl_memtable *mt, uint32_t block, uint64_t visible)
{
    for (uint32_t b = 0; b < mt->count; b++) {
        uint32_t rows = fl_mblock_rows(mt->blocks[b]);

        if (b == block)
            return visible < rows ? (uint32_t)visible : rows;
        visible = visible < rows ? 0 : visible - rows;
    }
    return 0;
}

uint32_t fl_memtable_blocks(struct fl_memtable *mt, uint64_t visible)
{
    uint32_t n = 0;

    (void)pthread_rwlock_rdlock(&mt->lock);
    while (n < mt->count && visible > 0) {
        uint32_t rows = fl_mblock_rows(mt->blocks[n++]);

        visible = visible < rows ? 0 : visible - rows;
    }
    fl_memtable_unlock(mt);
    return n;
}

uint32_t fl_memtable_block_rows(struct fl_memtable *mt, uint32_t block, uint64_t visible)
{
    uint32_t rows;

    (void)pthread_rwlock_rdlock(&mt->lock);
    rows = rows_of(mt, block, visible);
    fl_memtable_unlock(mt);
    return rows;
}

int fl_memtable_load(struct fl_memtable *mt, uint32_t block, uint64_t visible,
                     const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
{
    return fl_memtable_load_end(mt, block, 0, visible, fields, ret, err);
}

int fl_memtable_load_end(struct fl_memtable *mt, uint32_t block, uint32_t from, uint64_t visible,
                         const struct fl_fieldset *fields, struct fl_block **ret,
                         struct fl_err *err)
{
    uint32_t rows;
    int r;

    (void)pthread_rwlock_rdlock(&mt->lock);
    rows = rows_of(mt, block, visible);
    if (mt->is_void)
        r = fl_err_set(err, FL_E_NOENT, "the rows were purged");
    else if (rows == 0)
        r = fl_err_set(err, FL_E_INVAL, "no block %u", (unsigned)block);
    else if (from == 0)
        r = fl_mblock_copy(mt->blocks[block], rows, fields, ret, err);
    else
        r = fl_mblock_copy_end(mt->blocks[block], from, rows, fields, ret, err);
    fl_memtable_unlock(mt);
    return r;
}

void fl_memtable_void(struct fl_memtable *mt)
{
    fl_memtable_lock(mt);
    mt->is_void = true;
    fl_memtable_unlock(mt);
}
