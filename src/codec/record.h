/*
 * record.h - batches of rows as bytes: in the ring between ingest and store, and in the WAL.
 *
 * A batch belongs to one tenant and stands alone. The reader takes any bytes: they may come from a
 * process that was taken over, or from a damaged disk. Version 2 is what is written; version 1
 * stays readable, because WAL files of earlier versions hold it.
 *
 * Version 2: the rows as columns, a string that repeats once per column. Integers are
 * little-endian; varint is LEB128; zigzag maps 0 -1 1 -2 to 0 1 2 3.
 *
 *   0   2  "FB"
 *   2   1  version, 2
 *   3   1  0
 *   4      varint rows, at most FL_BATCH_MAX_ROWS
 *          varint kinds: rows with the same fields are of one kind. Each, in order of first use:
 *            u8 n, 1..16, and n bytes: bit f % 8 of byte f / 8: it has field f of enum fl_field
 *          kind of each row: 0 bytes where there is one kind, else 1 (up to 256 kinds) or 2
 *          then a column for each field that any kind has, in the order of their numbers, with a
 *          value for each row whose kind has the field, in the order of the rows
 *
 *   column of FL_T_NUM, FL_T_TIME:
 *          u8: width w of a value, 0..8; above bit 4 the scale: 0, 1, 2 for 1, 1000, 1000000
 *          zigzag varint least, then w bytes for each value v: least + v * scale, modulo 2^64.
 *          FL_T_TIME behind FL_F_TIME: the difference to FL_F_TIME, to 0 where that is absent
 *   column of FL_T_STR, FL_T_IP:
 *          u8: bits 0-1 width of a code: 0 (one word), 1, 2, or 3: value n is word n;
 *              bits 2-3 width of a length: 0, 1, 2 for 1, 2, 4 bytes (FL_T_STR);
 *              bit 4: words of 4 bytes, ::ffff: before each (FL_T_IP)
 *          varint words, at most FL_BATCH_MAX_ROWS
 *          FL_T_STR: length of each word, at most FL_STR_MAX; then their bytes. FL_T_IP: their
 * bytes a code for each value: the number of its word, from 0
 *
 * Version 1: rows one behind the other.
 *
 *   0   2  "FB"
 *   2   1  version, 1
 *   3   1  0
 *   4   4  rows, at most FL_BATCH_MAX_ROWS
 *   8   4  shapes, at most FL_BATCH_MAX_ROWS
 *   12  4  bytes of the shape table
 *   16     shape table: for each shape (FL_F_SHAPE, which repeats: codec/shape.h)
 *            varint length, bytes
 *          rows, up to the end of the batch:
 *            u8 n, 1..16, and n bytes of the field set as above; the last is not 0 unless n is 1
 *            the values, in order of their fields:
 *              FL_T_NUM    varint
 *              FL_T_TIME   FL_F_RECEIVED: zigzag varint; others: zigzag varint of the difference
 *                          to it (to 0 where it is absent), modulo 2^64
 *              FL_T_IP     16 bytes
 *              FL_F_SHAPE  varint index into the shape table
 *              FL_T_STR    varint length, at most FL_STR_MAX, and the bytes
 */
#ifndef FL_CODEC_RECORD_H
#define FL_CODEC_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "codec/event.h"

#define FL_BATCH_MAX_BYTES ((size_t)1 << 20) /* of one encoded batch */
#define FL_BATCH_MAX_ROWS  16384u
#define FL_BATCH_VERSION   2

/* An arena of so many bytes is enough for the view of any batch; the view of a usual one takes
 * some 300 bytes a row. */
#define FL_BATCH_VIEW_MAX_BYTES ((size_t)48 << 20)

/* Collects rows until fl_batch_finish(), as columns, and interns their strings where that pays. Its
 * memory grows with what it holds and is kept for the next batch. */
struct fl_batch_writer;

int fl_batch_writer_new(struct fl_batch_writer **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_batch_writer_free(struct fl_batch_writer *w);
/* For an empty writer: a secret number, so that nobody who sends lines can make strings collide. */
void fl_batch_writer_seed(struct fl_batch_writer *w, uint64_t seed);

/*
 * Add one row. FL_E_LIMIT means that the batch is full and unchanged: finish it, clear, add again.
 * A row that does not fit into an empty batch gives FL_E_INVAL.
 */
int fl_batch_add(struct fl_batch_writer *w, const struct fl_event *ev, struct fl_err *err)
    FL_MUST_CHECK;

uint32_t fl_batch_rows(const struct fl_batch_writer *w);
size_t fl_batch_bytes(const struct fl_batch_writer *w);  /* that finishing now gives at most */
size_t fl_batch_memory(const struct fl_batch_writer *w); /* bytes that the writer takes */

/* Append the encoded batch to out, which needs room for fl_batch_bytes() and 8 more, and clear the
 * writer. After a failure the rows are still there. */
int fl_batch_finish(struct fl_batch_writer *w, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;
void fl_batch_clear(struct fl_batch_writer *w); /* forget the rows */

/*
 * A whole batch as columns, checked: what a store takes in. The vectors have the form of struct
 * fl_col (logs/block.h).
 */
struct fl_batch_col {
    uint32_t present;     /* rows that have a value; 0: all below are NULL */
    const uint8_t *has;   /* bitmap of rows, lowest bit first; NULL: all rows, or words */
    const uint64_t *num;  /* FL_T_NUM, FL_T_TIME: rows values, 0 where absent */
    const uint32_t *code; /* FL_T_STR, FL_T_IP: rows codes, 0 absent, below word_count */
    /* [0] empty; bytes borrowed, or in the arena. What fl_batch_finish() wrote has them in order of
     * first use, distinct unless nearly every row has one of its own; other bytes may repeat them
     * anyhow, or hold some that no row has. */
    const struct fl_span *words;
    uint32_t word_count;
};

struct fl_batch_view {
    uint32_t rows;
    struct fl_batch_col col[FL_FIELD_COUNT];
};

/* Any bytes in; vectors from arena, words borrowed from the bytes. FL_E_CORRUPT, FL_E_NOMEM. */
int fl_batch_view(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                  struct fl_err *err) FL_MUST_CHECK;

struct fl_batch_reader {
    const struct fl_batch_view *view; /* version 2, from arena; version 1: NULL, and all below */
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
