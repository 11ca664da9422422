/*
 * store_rewrite_cut.h - one segment written again without few of its rows: inside
 * store_rewrite*.c. Blocks that keep all rows are copied as they are; of the others the rows are
 * taken out in place; sums are those of the old segment less the rows.
 */
#ifndef FL_LOGS_STORE_REWRITE_CUT_H
#define FL_LOGS_STORE_REWRITE_CUT_H

#include "logs/store_rewrite.h"

struct fl_cutter;

/* Takes seg over, also when it fails; rw is borrowed. FL_E_CORRUPT: it is of another version. */
int fl_cutter_new(struct fl_segment *seg, const struct fl_rewrite *rw, struct fl_cutter **ret,
                  struct fl_err *err) FL_MUST_CHECK;
void fl_cutter_free(struct fl_cutter *c); /* NULL is allowed */
/* How the new segment is made; lives as long as the cutter. */
void fl_cutter_plan(struct fl_cutter *c, struct fl_segment_plan *plan);
/* Rows and blocks so far; was every block looked at? */
bool fl_cutter_result(const struct fl_cutter *c, struct fl_rewrite_result *ret);

#endif
