/*
 * record.h - batches of rows as bytes: in the ring between ingest and store, and in the WAL.
 *
 * A batch belongs to one tenant and stands alone: shapes (codec/shape.h), which
 * repeat, are written once at its front. Layout in FORMAT.md section "Batch";
 * little-endian, version first. The reader takes any bytes: they may come from a
 * process that was taken over, or from a damaged disk.
 */
#ifndef FL_CODEC_RECORD_H
#define FL_CODEC_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "codec/event.h"

#define FL_BATCH_MAX_BYTES ((size_t)1 << 20) /* of one encoded batch */
#define FL_BATCH_MAX_ROWS  16384u

struct fl_batch_writer; /* collects rows until fl_batch_finish() */

int fl_batch_writer_new(struct fl_batch_writer **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_batch_writer_free(struct fl_batch_writer *w);

/*
 * Add one row. FL_E_LIMIT means that the batch is full and unchanged: finish it, clear, add again.
 * A row that does not fit into an empty batch gives FL_E_INVAL.
 */
int fl_batch_add(struct fl_batch_writer *w, const struct fl_event *ev, struct fl_err *err)
    FL_MUST_CHECK;

uint32_t fl_batch_rows(const struct fl_batch_writer *w);
size_t fl_batch_bytes(const struct fl_batch_writer *w); /* that finishing now would give */

/* Append the encoded batch to out and clear the writer. */
int fl_batch_finish(struct fl_batch_writer *w, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_batch_reader {
    struct fl_cursor cur;
    uint32_t rows_left;
    uint32_t shapes;
    const unsigned char *shape_at; /* start of the shape table */
    struct fl_span *shape;         /* shapes spans, from arena */
};

/* Check header and shape table. arena must outlive the reader; bytes are borrowed. */
int fl_batch_read(struct fl_batch_reader *r, struct fl_span bytes, struct fl_arena *arena,
                  struct fl_err *err) FL_MUST_CHECK;

/* 1 and the next row (strings borrowed from the batch), 0 at the end, FL_E_CORRUPT. */
int fl_batch_next(struct fl_batch_reader *r, struct fl_event *ev, struct fl_err *err) FL_MUST_CHECK;

#endif
