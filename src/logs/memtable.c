#include "logs/memtable.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct fl_memtable {
    pthread_rwlock_t lock; /* all below but refs */
    atomic_uint refs;
    struct fl_memtable_info info;
    bool is_void;
    struct fl_block **blocks;
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
        fl_block_free(mt->blocks[b]);
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

static int add_block(struct fl_memtable *mt, struct fl_err *err)
{
    int r;

    if (mt->count == mt->cap) {
        uint32_t cap = mt->cap == 0 ? 4 : mt->cap * 2;
        struct fl_block **grown = realloc(mt->blocks, cap * sizeof(*grown));

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for blocks");
        mt->blocks = grown;
        mt->cap = cap;
    }
    r = fl_block_new(&mt->blocks[mt->count], err);
    if (r >= 0)
        mt->info.bytes += mt->blocks[mt->count++]->bytes;
    return r;
}

int fl_memtable_add(struct fl_memtable *mt, const struct fl_event *ev, struct fl_err *err)
{
    int64_t time = (int64_t)fl_event_get_num(ev, FL_F_TIME);
    struct fl_block *block = mt->count == 0 ? NULL : mt->blocks[mt->count - 1];
    size_t before = block == NULL ? 0 : block->bytes;
    int r = block == NULL ? FL_E_LIMIT : fl_block_add(block, ev, err);

    if (r == FL_E_LIMIT) { /* the block is full: the next one takes any row */
        mt->info.bytes += block == NULL ? 0 : block->bytes - before;
        r = add_block(mt, err);
        if (r < 0)
            return r;
        block = mt->blocks[mt->count - 1];
        before = block->bytes;
        r = fl_block_add(block, ev, err);
    }
    mt->info.bytes += block->bytes - before;
    if (r < 0)
        return r;
    if (mt->info.rows++ == 0)
        mt->info.first_seq = fl_event_get_num(ev, FL_F_SEQ);
    if (time < mt->info.min_time_us)
        mt->info.min_time_us = time;
    if (time > mt->info.max_time_us)
        mt->info.max_time_us = time;
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
        uint32_t rows = mt->blocks[b]->rows;

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
        uint32_t rows = mt->blocks[n++]->rows;

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
    uint32_t rows;
    int r;

    (void)pthread_rwlock_rdlock(&mt->lock);
    rows = rows_of(mt, block, visible);
    if (mt->is_void)
        r = fl_err_set(err, FL_E_NOENT, "the rows were purged");
    else if (rows == 0)
        r = fl_err_set(err, FL_E_INVAL, "no block %u", (unsigned)block);
    else
        r = fl_block_copy_rows(mt->blocks[block], rows, fields, ret, err);
    fl_memtable_unlock(mt);
    return r;
}

void fl_memtable_void(struct fl_memtable *mt)
{
    fl_memtable_lock(mt);
    mt->is_void = true;
    fl_memtable_unlock(mt);
}

struct fl_block *const *fl_memtable_frozen(const struct fl_memtable *mt, uint32_t *ret_count)
{
    *ret_count = mt->count;
    return mt->blocks;
}
