/*
 * memtable.h - accepted rows of one tenant and day that are not sealed yet: growing blocks
 * (mblock.h), shared between one writer and any readers.
 *
 * Shared by references. The writer adds between fl_memtable_lock() and unlock; readers see the rows
 * up to the count that fl_memtable_show() made visible, and copy what they read.
 */
#ifndef FL_LOGS_MEMTABLE_H
#define FL_LOGS_MEMTABLE_H

#include "logs/mblock.h"

struct fl_memtable;

int fl_memtable_new(uint32_t tenant, int32_t day, int64_t born_us, struct fl_memtable **ret,
                    struct fl_err *err) FL_MUST_CHECK;
struct fl_memtable *fl_memtable_ref(struct fl_memtable *mt);
void fl_memtable_unref(struct fl_memtable *mt); /* NULL is allowed */

void fl_memtable_lock(struct fl_memtable *mt);
void fl_memtable_unlock(struct fl_memtable *mt);
/*
 * Add all rows of the view, numbered from first_seq, one above the row before; each has FL_F_TIME.
 * Called with the lock held, which is let go in between, so that readers come in. FL_E_NOMEM: some
 * may be in, and nothing more must be added.
 */
int fl_memtable_add(struct fl_memtable *mt, const struct fl_batch_view *view, uint64_t first_seq,
                    struct fl_err *err) FL_MUST_CHECK;
void fl_memtable_show(struct fl_memtable *mt); /* all rows added so far become visible */

struct fl_memtable_info {
    uint32_t tenant;
    int32_t day;
    uint64_t rows, visible;
    uint64_t first_seq;
    size_t bytes;
    int64_t born_us, min_time_us, max_time_us; /* times of all rows, visible or not */
};
void fl_memtable_info(struct fl_memtable *mt, struct fl_memtable_info *ret);

/* Blocks and rows among the first `visible` rows. */
uint32_t fl_memtable_blocks(struct fl_memtable *mt, uint64_t visible);
uint32_t fl_memtable_block_rows(struct fl_memtable *mt, uint32_t block, uint64_t visible);
/* A copy of the asked columns of a block, among the first `visible` rows. FL_E_NOENT after
 * fl_memtable_void(). */
int fl_memtable_load(struct fl_memtable *mt, uint32_t block, uint64_t visible,
                     const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The same without the first `from` rows of the block (fl_mblock_copy_end). */
int fl_memtable_load_end(struct fl_memtable *mt, uint32_t block, uint32_t from, uint64_t visible,
                         const struct fl_fieldset *fields, struct fl_block **ret,
                         struct fl_err *err) FL_MUST_CHECK;
void fl_memtable_void(struct fl_memtable *mt); /* its rows are purged */

#endif
