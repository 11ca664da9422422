/* query_emit.h - rows as text: NDJSON (codec/ecs.h) or CSV, whole or chosen columns. Inside logs.
 */
#ifndef FL_LOGS_QUERY_EMIT_H
#define FL_LOGS_QUERY_EMIT_H

#include "logs/query_run.h"

struct fl_emit {
    bool csv, original;
    struct fl_fieldset columns; /* of CSV, or of chosen JSON */
    struct fl_fieldset shown;   /* columns that may go out */
    struct fl_fieldset load;    /* columns that must be in a block: those, and what hiding needs */
    struct fl_arena arena;      /* of one row */
};

/* From the query's format and column list (`by`); writes the head of CSV. FL_E_INVAL. */
int fl_emit_init(struct fl_emit *emit, struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
void fl_emit_done(struct fl_emit *emit);
/* Append one row to run->out, handing it on when there is enough. */
int fl_emit_row(struct fl_emit *emit, struct fl_run *run, const struct fl_block *block,
                uint32_t row, struct fl_pos pos, struct fl_err *err) FL_MUST_CHECK;

#endif
