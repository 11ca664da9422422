/*
 * newest.h - the newest rows of a tenant as they are at one moment, read once for all live tails
 * that stand near the end. Inside logs and for those who own tails (tail.h). One thread.
 *
 * Rows of memtables are copied from a tail's position on, without those in front of it; a tail that
 * stands where one before it stood finds them decoded, and where it asks the same it finds the
 * text. What is kept is bounded; beyond it each reads for itself.
 */
#ifndef FL_LOGS_NEWEST_H
#define FL_LOGS_NEWEST_H

#include "logs/query_run.h"

struct fl_newest_look { /* what one look found */
    const struct fl_query *q;
    struct fl_pos from, to;
    uint32_t rows;
    uint64_t scanned;
    bool more; /* it ended for want of room */
    struct fl_buf text;
};

int fl_newest_new(struct fl_store *store, uint32_t tenant, struct fl_newest **ret,
                  struct fl_err *err) FL_MUST_CHECK;
void fl_newest_free(struct fl_newest *newest);              /* NULL is allowed */
struct fl_parts *fl_newest_parts(struct fl_newest *newest); /* borrowed */

/* Rows of a memtable's block behind `after`, with these fields at least. *ret_lent: *ret is not the
 * caller's. Errors as of fl_part_load_end(). */
int fl_newest_load(struct fl_newest *newest, struct fl_part *part, uint32_t block,
                   struct fl_pos after, const struct fl_fieldset *fields, struct fl_block **ret,
                   bool *ret_lent, struct fl_err *err) FL_MUST_CHECK;

/* A look of the same question from this position; NULL: none. */
const struct fl_newest_look *fl_newest_find(const struct fl_newest *newest,
                                            const struct fl_query *q, struct fl_pos from);
/* Remember one; text is copied. */
void fl_newest_keep(struct fl_newest *newest, const struct fl_newest_look *look,
                    struct fl_span text);

#endif
