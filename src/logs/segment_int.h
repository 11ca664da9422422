/*
 * segment_int.h - inside the reader of segments: what it needs to decode a block, kept for the next
 * one. Read by segment*.c only.
 */
#ifndef FL_LOGS_SEGMENT_INT_H
#define FL_LOGS_SEGMENT_INT_H

#include "logs/column2.h"

#define FL_TOOLS_DEPTH 4 /* columns that lean on each other */

struct fl_tools {
    struct fl_series *series;
    struct fl_buf stored[FL_TOOLS_DEPTH]; /* a chunk each, while others are read that it needs */
    struct fl_buf scratch[FL_TOOLS_DEPTH];
};

/* Those of a reader that rests, or new ones. */
int fl_tools_take(struct fl_tools **ret, struct fl_err *err) FL_MUST_CHECK;
/* Wipes what was read and keeps some for later; NULL is allowed. */
void fl_tools_give(struct fl_tools *t);

#endif
