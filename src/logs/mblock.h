/*
 * mblock.h - up to 65,536 rows of a memtable: columns that grow, each as narrow as its values are.
 *
 * A column begins with the first row that has it. Numbers are kept as differences to a base in 0,
 * 1, 2, 4 or 8 bytes, words as codes of a dictionary in 0, 1, 2 or 4. FL_F_SEQ is not kept: it
 * counts on from first_seq. One writer; readers only while it does not write.
 */
#ifndef FL_LOGS_MBLOCK_H
#define FL_LOGS_MBLOCK_H

#include "codec/record.h"
#include "logs/block.h"

struct fl_mblock;

int fl_mblock_new(uint64_t first_seq, struct fl_mblock **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_mblock_free(struct fl_mblock *mb); /* NULL is allowed */

/*
 * Rows [from, from + count) of the view at the end; its FL_F_SEQ is not looked at. FL_E_LIMIT: they
 * do not fit (rows, or 32 MiB of words in a column), nothing was added. FL_E_NOMEM: the block must
 * not be written any more.
 */
int fl_mblock_add(struct fl_mblock *mb, const struct fl_batch_view *view, uint32_t from,
                  uint32_t count, struct fl_err *err) FL_MUST_CHECK;

uint32_t fl_mblock_rows(const struct fl_mblock *mb);
/* Least and greatest FL_F_TIME. */
void fl_mblock_times(const struct fl_mblock *mb, int64_t *ret_min_us, int64_t *ret_max_us);
size_t fl_mblock_bytes(const struct fl_mblock *mb); /* memory in use */
/* A copy of the first rows, of the asked columns. */
int fl_mblock_copy(const struct fl_mblock *mb, uint32_t rows, const struct fl_fieldset *fields,
                   struct fl_block **ret, struct fl_err *err) FL_MUST_CHECK;
/* Of the first rows those behind `from` of them, with no more words than these have: what it costs
 * does not depend on how many are in front. Words stand in the order of their first row. */
int fl_mblock_copy_end(const struct fl_mblock *mb, uint32_t from, uint32_t rows,
                       const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
