/*
 * record.h - batches of rows as bytes: in the ring between ingest and store, and in the WAL.
 *
 * A batch belongs to one tenant and stands alone. The reader takes any bytes: they may come from a
 * process that was taken over, or from a damaged disk.
 *
 * Batch, version 1. Integers are little-endian; varint is LEB128; zigzag maps 0 -1 1 -2 to 0 1 2 3.
 *
 *   0   2  "FB"
 *   2   1  version, 1
 *   3   1  0
 *   4   4  rows, at most FL_BATCH_MAX_ROWS
 *   8   4  shapes, at most FL_BATCH_MAX_ROWS
 *   12  4  bytes of the shape table
 *   16     shape table: for each shape (FL_F_SHAPE, which repeats: codec/shape.h) varint length,
 * bytes rows, one behind the other, up to the end of the batch: u8 n, 1..16    bytes of the field
 * set; the last is not 0 unless n is 1 n bytes        bit f % 8 of byte f / 8: the row has field f
 * of enum fl_field the values, in order of their fields: FL_T_NUM     varint FL_T_TIME
 * FL_F_RECEIVED: zigzag varint; others: zigzag varint of the difference to it (to 0 where it is
 * absent), modulo 2^64 FL_T_IP      16 bytes FL_F_SHAPE
 * varint index into the shape table FL_T_STR     varint length, at most FL_STR_MAX, and the bytes
 */
#ifndef FL_CODEC_RECORD_H
#define FL_CODEC_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "codec/event.h"

#define FL_BATCH_MAX_BYTES ((size_t)1 << 20) /* of one encoded batch */
#define FL_BATCH_MAX_ROWS  16384u
#define FL_BATCH_VERSION   1

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
